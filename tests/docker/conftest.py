"""The real thing: a Docker engine, an arm64 program, the registry protocol. `make test-docker` runs these tests."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

from bench.projects import committed, free_port, scratch_project
from sandbox import process
from sandbox.context import Clients
from sandbox.docker_engine import DockerEngine, choose
from tests.docker import arm64_program

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
REGION = "us-east-1"
PIPELINE = "hello"
_CHOSEN = "SLIPWAY_TEST_DOCKER"
"""1: what is missing is a failure; optional: it is said, and the tests are skipped."""
_COMMAND_SECONDS = 180


def missing(what: str) -> NoReturn:
    if os.environ[_CHOSEN] == "optional":
        pytest.skip(what)
    pytest.fail(what, pytrace=False)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> DockerEngine:
    """The engine that bin/docker-engine has found or started."""
    if not os.environ.get(_CHOSEN):
        pytest.skip("needs a Docker engine: make test-docker")
    choice = choose(tmp_path_factory.mktemp("no-engine"), {**os.environ, "SLIPWAY_DOCKER": ""})
    return choice.engine or missing(choice.reason)


@pytest.fixture(scope="session")
def context(engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to build from: `hello/` with the program."""
    folder = tmp_path_factory.mktemp("build") / PIPELINE
    shutil.copytree(HERE / "hello", folder)
    try:
        program = arm64_program.fetch(tmp_path_factory.mktemp("apt"))
    except arm64_program.NotAvailableError as error:
        missing(str(error))
    shutil.copy(program, folder / "busybox")
    return folder


def docker(engine: DockerEngine, *words: str) -> str:
    """What the command prints."""
    command, environment = [engine.command, *words], engine.environment()
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)  # noqa: S603 - our own words
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def remove_images(engine: DockerEngine, address: str) -> None:
    """Remove what was pushed to a registry of the tests from an engine that may be the person's own."""
    filters = [f"--filter=reference={address}/{path}" for path in ("*", "*/*")]
    listed = docker(engine, "image", "ls", "--format={{.ID}}", *filters)
    if listed:
        docker(engine, "image", "rm", "--force", *dict.fromkeys(listed.split()))


@dataclass(frozen=True)
class Project:
    """A copy of the project with a repository and a sandbox of its own."""

    root: Path
    port: int
    engine: DockerEngine

    def slipway(self, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **self.engine.environment(),
            "SLIPWAY_DOCKER": "1",
            "SLIPWAY_PORT": str(self.port),
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, "-m", "cli", *words]
        return subprocess.run(  # noqa: S603 - our own words
            command, cwd=self.root, env=environment, capture_output=True, text=True, timeout=_COMMAND_SECONDS
        )

    def done(self, *words: str) -> str:
        """What a command prints that must succeed."""
        result = self.slipway(*words)
        assert result.returncode == 0, result.stderr + result.stdout
        return result.stdout

    def docker(self, *words: str) -> str:
        return docker(self.engine, *words)

    @property
    def client(self) -> Clients:
        """boto3 clients of the sandbox."""
        return Clients(f"http://127.0.0.1:{self.port}", REGION)

    @property
    def outputs(self) -> dict[str, Any]:
        return json.loads((self.root / ".slipway" / "outputs.json").read_text())

    @property
    def digest(self) -> str:
        """Of the image that the local stack runs."""
        return self.outputs["pipelines"][PIPELINE]["imageReference"].rpartition("@")[2]


@pytest.fixture(scope="session")
def project(engine: DockerEngine, context: Path) -> Generator[Project]:
    pipelines = {PIPELINE: {"context": f"pipelines/{PIPELINE}"}}
    local = {**committed("local"), "slipway:pipelines": pipelines}
    staging = {"aws:region": REGION, "slipway:pipelines": pipelines, "slipway:docs": {"mode": "cloudfront"}}
    with scratch_project(local=local, staging=staging) as root:
        shutil.copytree(context, root / "pipelines" / PIPELINE)
        for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "Begin"]):
            identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
            subprocess.run(["git", *identity, *words], cwd=root, check=True, timeout=60)  # noqa: S603, S607
        project = Project(root, free_port(), engine)
        try:
            yield project
        finally:
            project.slipway("down")
            remove_images(engine, f"127.0.0.1:{project.port}")


@pytest.fixture(scope="session")
def sandbox(engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Generator[process.Sandbox]:
    """A server without a stack."""
    state, port = tmp_path_factory.mktemp("sandbox"), free_port()
    try:
        yield process.start(state, port=port, region=REGION, docker=engine)
    finally:
        process.stop(state)
        remove_images(engine, f"127.0.0.1:{port}")
