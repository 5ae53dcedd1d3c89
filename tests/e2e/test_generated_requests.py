"""The deployed API against its own document, by requests that Schemathesis makes up: valid ones, broken ones, and walks
along the document's links and Location headers, with all of its checks.

Each run sends the same requests. What isn't held against the API is in schemathesis_hooks.py, with the reasons.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.context import Clients
from tests import patient
from tests.e2e.conftest import ROOT

_SETTINGS = Path(__file__).with_name("schemathesis.toml")


@pytest.fixture
def held_queue(aws: Clients) -> Iterator[None]:
    """Jobs are accepted and wait, unseen by the reconciler: hundreds would run, and prove nothing about the API."""
    batch, events = aws("batch"), aws("events")
    [environment] = batch.describe_compute_environments()["computeEnvironments"]
    [queue] = batch.describe_job_queues()["jobQueues"]
    name = environment["computeEnvironmentName"]
    batch.update_compute_environment(computeEnvironment=name, state="DISABLED")
    [rule] = events.list_rules()["Rules"]
    events.disable_rule(Name=rule["Name"])
    try:
        yield
    finally:
        waiting = batch.get_paginator("list_jobs").paginate(jobQueue=queue["jobQueueName"], jobStatus="RUNNABLE")
        for job_id in [job["jobId"] for page in waiting for job in page["jobSummaryList"]]:
            batch.terminate_job(jobId=job_id, reason="Not needed any more")
        events.enable_rule(Name=rule["Name"])
        batch.update_compute_environment(computeEnvironment=name, state="ENABLED")


@pytest.mark.usefixtures("held_queue")
def test_the_api_keeps_to_its_document(exports: dict[str, Any], tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    users = [
        {"name": name, "fixedHeaders": [{"name": "x-api-key", "value": exports["apiKeys"][name]}]}
        for name in ("default", "other")
    ]
    keys.write_text(json.dumps({"auth": users}))
    document = exports["docsUrl"].replace("index.html", "openapi.json")
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "schemathesis.cli", "--config-file", str(_SETTINGS), "run", document, "--checks", "all"],
        cwd=ROOT,
        env={**os.environ, "SLIPWAY_KEYS": str(keys), "NO_COLOR": "1", "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
    )
    output = f"{done.stdout}\n{done.stderr}"
    assert done.returncode == 0, output
    paths: dict[str, dict[str, Any]] = patient.get(document).json()["paths"]
    operations = sum(len(item.keys() & {"delete", "get", "post"}) for item in paths.values())
    assert f"Tested: {operations}" in output
    for phase in ("Examples", "Coverage", "Fuzzing", "Stateful"):
        assert re.search(rf"✅ {phase}\n", output), output
