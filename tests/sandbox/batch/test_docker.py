"""Jobs as containers. A script stands for the `docker` command: what it is asked is checked, no engine is needed."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.batch import docker
from sandbox.batch.docker import DockerRunner, PreferredRunner
from sandbox.batch.runner import StartError, Task
from sandbox.docker_engine import DockerEngine

AWS = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_ACCESS_KEY_ID": "test"}
TASK = Task(
    image="r@sha256:00",
    command=["a b"],
    environment={"A": "1", "AWS_ACCESS_KEY_ID": "real"},
    vcpus=0.5,
    memory_mib=1024,
    stop_seconds=30,
)


class Command:
    """A fake `docker`: notes each call, answers `run` by a shell script."""

    def __init__(self, folder: Path, run: str, *, inspect: int = 0, pull: int = 1) -> None:
        self.calls_file = folder / "calls"
        self.path = folder / "docker"
        self.path.write_text(
            "#!/bin/sh\n"
            f"printf '%s|' \"$@\" >> {self.calls_file}; echo >> {self.calls_file}\n"
            f'case "$1" in run) {run} ;; image) exit {inspect} ;; pull) exit {pull} ;;\n'
            f"stop|rm) touch {folder}/stopped ;; esac\n"
        )
        self.path.chmod(0o755)

    def runner(self) -> DockerRunner:
        return DockerRunner(DockerEngine(command=str(self.path), host="unix:///nowhere.sock"), AWS, "mark")

    def calls(self) -> list[list[str]]:
        return [line.removesuffix("|").split("|") for line in self.calls_file.read_text().splitlines()]


def run(runner, *, stop_after: bytes | None = None, task: Task = TASK) -> tuple[int, bytes]:
    async def call() -> tuple[int, bytes]:
        seen = bytearray()
        stop = asyncio.Event()

        async def output(chunk: bytes) -> None:
            seen.extend(chunk)
            if stop_after is not None and stop_after in seen:
                stop.set()

        code = await runner.run(task, started=lambda: None, output=output, stop=stop)
        return code, bytes(seen)

    return asyncio.run(call())


def test_a_container_shares_the_network_and_gets_limits_and_variables(tmp_path: Path):
    command = Command(tmp_path, "echo out; echo err >&2; exit 3")

    assert run(command.runner()) == (3, b"out\nerr\n")

    ((verb, name_flag, name, *arguments),) = command.calls()
    assert (verb, name_flag) == ("run", "--name")
    assert name.startswith("slipway-job-")
    assert arguments == [
        "--rm",
        "--pull=never",
        "--network=host",
        "--platform=linux/arm64",
        "--label=slipway-sandbox=mark",
        "--cpus=0.5",
        "--memory=1024m",
        "--env=A=1",
        "--env=AWS_ACCESS_KEY_ID=test",
        "--env=AWS_ENDPOINT_URL=http://127.0.0.1:4566",
        "r@sha256:00",
        "a b",
    ]


def test_stopping_leaves_the_signals_to_the_engine(tmp_path: Path):
    command = Command(tmp_path, f"echo ready; while [ ! -e {tmp_path}/stopped ]; do sleep 0.01; done; exit 137")

    assert run(command.runner(), stop_after=b"ready") == (137, b"ready\n")

    (_, started), (verb, *arguments) = ((call[0], call) for call in command.calls())
    assert [verb, *arguments] == ["stop", ["stop", "-t", "30", started[2]]]


def test_an_engine_that_cannot_run_it_gives_its_reason(tmp_path: Path):
    command = Command(tmp_path, "echo 'docker: exec format error' >&2; exit 125")

    with pytest.raises(StartError, match="CannotStartContainerError: docker: exec format error"):
        run(command.runner())


class Elsewhere:
    async def run(self, task, *, started, output, stop) -> int:
        return 42


@pytest.mark.parametrize(("inspect", "code"), [(0, 5), (1, 42)])
def test_a_container_is_used_where_the_engine_holds_the_image(tmp_path: Path, inspect, code):
    command = Command(tmp_path, "exit 5", inspect=inspect)

    assert run(PreferredRunner(command.runner(), Elsewhere()))[0] == code
    assert command.calls()[0] == ["image", "inspect", "r@sha256:00"]
    assert not any(call[0] == "pull" for call in command.calls()), "it may be pulled from the sandbox alone"


@pytest.mark.parametrize("host", ["127.0.0.1:4566", "000000000000.dkr.ecr.us-east-1.amazonaws.com"])
@pytest.mark.parametrize(("pull", "code"), [(0, 5), (1, 42)])
def test_an_image_of_the_sandboxs_registry_is_pulled(tmp_path: Path, host, pull, code):
    command = Command(tmp_path, "exit 5", inspect=1, pull=pull)
    task = replace(TASK, image=f"{host}/slipway-local/wordcount@sha256:00")
    here = "127.0.0.1:4566/slipway-local/wordcount@sha256:00"

    assert run(PreferredRunner(command.runner(), Elsewhere()), task=task)[0] == code
    assert command.calls()[:2] == [["image", "inspect", here], ["pull", "--quiet", here]]
    assert all(here in call for call in command.calls())


def test_an_engine_that_does_not_answer_is_not_waited_for(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(docker, "_ENGINE_SECONDS", 0)
    command = Command(tmp_path, "exit 5")

    assert run(PreferredRunner(command.runner(), Elsewhere()))[0] == 42


def test_the_command_learns_the_engines_address(tmp_path: Path):
    command = Command(tmp_path, "echo $DOCKER_HOST")

    assert run(command.runner()) == (0, b"unix:///nowhere.sock\n")


def test_without_an_engine_a_job_is_a_process():
    assert run(PreferredRunner(None, Elsewhere()))[0] == 42
