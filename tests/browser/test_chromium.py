"""Where the browser tests find their browser, and what they say when there is none."""

import sys

import pytest

from tests.browser.conftest import require_chromium


def test_a_named_one_is_taken() -> None:
    assert require_chromium({"SLIPWAY_CHROMIUM": sys.executable, "CI": "true"}) == sys.executable


def test_without_one_ci_fails_and_a_developer_is_told_how_to_get_it() -> None:
    with pytest.raises(pytest.fail.Exception, match="apt-get install chromium"):
        require_chromium({"SLIPWAY_CHROMIUM": "no-such-browser", "CI": "true"})
    with pytest.raises(pytest.skip.Exception, match="apt-get install chromium"):
        require_chromium({"SLIPWAY_CHROMIUM": "no-such-browser"})
