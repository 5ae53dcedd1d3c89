"""`slipway explain`; which card a message finds is tested beside the cards, in `tests/docs/test_failures.py`."""

from pathlib import Path

import pytest

from tests.cli.conftest import Slipway

ROOT = Path(__file__).parent.parent.parent


def test_explain_prints_the_card(slipway: Slipway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    found = slipway("explain", "Essential", "container", "in", "task", "exited")
    assert found.code == 0
    assert found.out.startswith("The job failed by itself\n  Why: ")
    missing = slipway("explain", "pizza")
    assert (missing.code, "No card" in missing.out) == (1, True)


def test_explain_says_where_the_cards_should_be(
    slipway: Slipway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: demo\n")
    monkeypatch.chdir(tmp_path)
    result = slipway("explain", "x")
    assert result.code == 1
    assert "docs/failures.md can't be read" in result.err
