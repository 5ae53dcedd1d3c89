"""`slipway up` and `down` as a newcomer runs them: in a copy of the project, as processes."""

import json
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.projects import committed, free_port, scratch_project
from tests import patient
from tests.e2e.conftest import Api


class Project:
    """A copy of the project, with a sandbox of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.port = free_port()

    def slipway(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "cli", *words]
        environment = {**os.environ, "SLIPWAY_PORT": str(self.port), "PYTHONPATH": str(Path(__file__).parents[2])}
        return subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, timeout=600)  # noqa: S603 - our own words

    @property
    def pid(self) -> int:
        return json.loads((self.root / ".slipway" / "sandbox.json").read_text())["pid"]

    @property
    def api(self) -> Api:
        exports: dict[str, Any] = json.loads((self.root / ".slipway" / "outputs.json").read_text())
        return Api(exports["apiUrl"], exports["apiKeys"]["default"], exports)


@pytest.fixture(scope="module")
def project() -> Generator[Project]:
    with scratch_project(local=committed("local")) as root:
        project = Project(root)
        yield project
        project.slipway("down")


def test_up_shows_progress_and_ends_with_all_that_a_newcomer_needs(project: Project) -> None:
    result = project.slipway("up")
    assert result.returncode == 0, result.stderr
    steps = [line.partition(" s  ")[2] for line in result.stderr.splitlines()]
    assert steps[0] == f"starting the sandbox on http://127.0.0.1:{project.port}"
    assert steps[1] == "images not built: SLIPWAY_DOCKER is 0; the sandbox interprets each Dockerfile"
    assert steps[2].startswith("deploying stack local (")
    assert steps[3].startswith("running a sample job of wordcount (")
    assert steps[3].endswith(": SUCCEEDED")
    api = project.api
    for part in (
        "slipway-local",
        " resources, ",
        '"word": "ship"',
        f"API   {api.url}",
        f"Key   {api.key}",
        "make down",
    ):
        assert part in result.stdout
    assert f"Docs  {api.exports['docsUrl']}" in result.stdout
    (curl,) = (line.removeprefix("Try   ") for line in result.stdout.splitlines() if line.startswith("Try   "))
    answer = subprocess.run(shlex.split(curl), cwd=project.root, check=True, capture_output=True, text=True)  # noqa: S603
    assert json.loads(answer.stdout)["pipeline"] == "wordcount"


def test_up_again_replaces_what_runs_and_loses_no_job(project: Project) -> None:
    before = project.pid
    accepted = project.api.submitted("wordcount", {"input": {"text": "left behind"}})
    assert project.slipway("up", "--no-sample").returncode == 0
    assert project.pid != before
    assert has_ended(before)
    job = project.api.job("wordcount", accepted)
    assert job["status"] in ("SUCCEEDED", "FAILED")


def test_submit_status_and_logs_work_on_what_runs(project: Project) -> None:
    sample = "pipelines/wordcount/sample-input.json"
    job = json.loads(project.slipway("submit", "wordcount", "--input", sample, "--wait", "--json").stdout)
    assert job["status"] == "SUCCEEDED"
    assert job["jobId"] in project.slipway("status", "wordcount", job["jobId"]).stdout
    assert "28 words" in project.slipway("logs", "wordcount", job["jobId"]).stdout


def test_down_leaves_no_process_and_no_port(project: Project) -> None:
    pid, url = project.pid, project.api.url
    result = project.slipway("down")
    assert (result.returncode, result.stderr) == (0, "The sandbox has ended.\n")
    assert has_ended(pid)
    mine = str(project.root).encode()
    left = [p for p in Path("/proc").glob("[0-9]*") if mine in _read(p / "cmdline") + _read(p / "environ")]
    assert [_read(p / "cmdline") for p in left] == []
    with pytest.raises(httpx.ConnectError):
        patient.get(url)
    assert not (project.root / ".slipway" / "outputs.json").exists()
    again = project.slipway("down")
    assert (again.returncode, again.stderr) == (0, "Nothing was running.\n")


def test_a_port_of_another_program_is_told_and_nothing_is_left(project: Project) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", project.port), BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        result = project.slipway("up")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert result.returncode == 1
    assert str(project.port) in result.stderr
    assert "SLIPWAY_PORT" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (project.root / ".slipway" / "sandbox.json").exists()


def test_a_program_that_fails_leaves_nothing_running(project: Project) -> None:
    stack = project.root / "Pulumi.local.yaml"
    stack.write_text(stack.read_text().replace("pipelines/wordcount", "pipelines/absent"))
    result = project.slipway("up")
    assert result.returncode == 1
    assert "pipelines/absent" in result.stderr
    assert "Traceback" not in result.stderr
    assert project.slipway("down").stderr == "Nothing was running.\n"


def has_ended(pid: int) -> bool:
    """Whether a process is gone, or waits for nothing but its parent to take note."""
    stat = _read(Path(f"/proc/{pid}/stat"))
    return not stat or stat.rpartition(b") ")[2].startswith(b"Z")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
