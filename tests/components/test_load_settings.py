"""Reading the configuration of a running program.

What these tests don't prove: that the CLI names the encrypted keys as its SDK says.
"""

import contextvars
import json
from pathlib import Path

import pulumi
import pytest
from pulumi.runtime import config as runtime_config

from components.settings import SettingsError, load_settings
from tests.components.stack import REGION


def test_an_encrypted_setting_is_refused_before_it_is_in_plain_text_in_the_state(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipelines = {"sample": {"context": "jobs/sample", "environment": {"TOKEN": "hunter2"}}}
    given = {"aws:region": REGION, "aws:secretKey": "x", "slipway:pipelines": json.dumps(pipelines)}
    monkeypatch.setattr(pulumi, "get_project", lambda: "slipway")
    monkeypatch.setattr(pulumi, "get_stack", lambda: "dev")

    def load() -> None:
        runtime_config.set_all_config(given, ["aws:secretKey", "slipway:pipelines"])
        load_settings(root)

    with pytest.raises(SettingsError) as caught:
        contextvars.Context().run(load)
    (problem,) = caught.value.problems
    assert problem.startswith("slipway:pipelines: found an encrypted value")
    assert "hunter2" not in problem
