"""Which engine is used, and what builds and pushes say. A script stands for `docker`."""

import json
import socket
import textwrap
from pathlib import Path
from typing import Any

import pytest

from sandbox import docker_engine, docker_images, process
from sandbox.docker_engine import Choice, DockerEngine, choose, remove_containers
from sandbox.docker_images import Build
from sandbox.errors import DeploymentError, SandboxError

INFORMATION: dict[str, Any] = {
    "Name": socket.gethostname(),
    "ServerVersion": "20.10.24",
    "Architecture": "aarch64",
    "SecurityOptions": ["name=seccomp,profile=default"],
}
OLD, NEW = "Docker version 20.10.24+dfsg1, build 297e128", "Docker version 28.2.2, build e6534b4"


class Docker:
    """A `docker` command in a folder of its own, and the socket of an engine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "path"
        self.folder.mkdir()
        self.calls_file = folder / "calls"
        self.socket = folder / "docker.sock"
        self.socket.touch()
        self.variables = {"PATH": str(self.folder), "DOCKER_HOST": f"unix://{self.socket}"}
        self.state = folder

    def answers(
        self, *, version: str = OLD, buildx: bool = False, networks: str = "bridge host none", **info: Any
    ) -> None:
        text = json.dumps({**INFORMATION, **info})
        self._script(
            f"""
            case "$1" in
              info) echo '{text}' ;;
              --version) echo '{version}' ;;
              buildx) exit {int(not buildx)} ;;
              network) echo '{networks}' ;;
            esac
            """
        )

    def does(self, script: str) -> DockerEngine:
        return DockerEngine(command=self._script(script), host=f"unix://{self.socket}")

    def calls(self) -> list[list[str]]:
        return [line.removesuffix("|").split("|") for line in self.calls_file.read_text().splitlines()]

    def _script(self, body: str) -> str:
        file = self.folder / "docker"
        note = f"printf '%s|' \"$@\" >> {self.calls_file}; echo >> {self.calls_file}"
        file.write_text(f"#!/bin/sh\n{note}\n{textwrap.dedent(body)}\n")
        file.chmod(0o755)
        return str(file)


@pytest.fixture
def docker(tmp_path: Path) -> Docker:
    return Docker(tmp_path)


@pytest.fixture(autouse=True)
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The interpreters that the kernel knows: none."""
    folder = tmp_path / "binfmt"
    folder.mkdir()
    monkeypatch.setattr(docker_engine, "_BINFMT", folder)
    return folder


def found(docker: Docker, **variables: str) -> Choice:
    return choose(docker.state, {**docker.variables, **variables})


def test_an_engine_of_this_machine_that_runs_arm64_is_used(docker: Docker) -> None:
    docker.answers()
    assert found(docker).engine == DockerEngine(
        command=f"{docker.folder}/docker", host=f"unix://{docker.socket}", has_buildx=False, has_bridge=True
    )


def test_the_projects_own_engine_is_found_without_a_variable(docker: Docker) -> None:
    docker.answers(networks="host none")
    (docker.state / "docker").mkdir()
    (docker.state / "docker" / "host").write_text(f"unix://{docker.socket}\n")
    engine = choose(docker.state, {"PATH": str(docker.folder)}).engine
    assert engine is not None
    assert (engine.host, engine.has_bridge) == (f"unix://{docker.socket}", False)


def test_without_a_command_or_a_socket_nothing_is_asked(docker: Docker) -> None:
    assert choose(docker.state, docker.variables) == Choice(engine=None, reason="no engine")
    docker.answers()
    docker.socket.unlink()
    assert found(docker) == Choice(engine=None, reason="no engine")
    assert not docker.calls_file.exists()


@pytest.mark.parametrize(
    ("info", "reason"),
    [
        ({"Name": "docker-desktop"}, "the engine runs on another or on a virtual machine"),
        ({"SecurityOptions": ["name=rootless"]}, "the engine is rootless"),
        ({"Architecture": "x86_64"}, "the engine can't run arm64"),
        ({"ServerVersion": ""}, "no engine"),
        ({"version": NEW}, "can't build with BuildKit: install docker-buildx"),
    ],
)
def test_an_engine_that_is_of_no_use_is_told_with_the_reason(docker: Docker, info: dict[str, Any], reason: str) -> None:
    docker.answers(**info)
    choice = found(docker)
    assert choice.engine is None
    assert reason in choice.reason


@pytest.mark.parametrize(("flags", "is_used"), [("POF", True), ("OC", False)])
def test_emulation_counts_where_containers_can_use_it(docker: Docker, kernel: Path, flags: str, is_used: bool) -> None:
    docker.answers(Architecture="x86_64")
    magic = "magic 7f454c460201010000000000000000000200b700"
    (kernel / "qemu-aarch64").write_text(f"enabled\ninterpreter /qemu\nflags: {flags}\noffset 0\n{magic}\n")
    assert (found(docker).engine is not None) is is_used


def test_a_client_that_cannot_build_is_passed_over_for_one_behind_it(docker: Docker, tmp_path: Path) -> None:
    docker.answers(version=NEW)
    (tmp_path / "second").mkdir()
    second = Docker(tmp_path / "second")
    second.answers(version=OLD)
    engine = found(docker, PATH=f"{docker.folder}:{second.folder}").engine
    assert engine is not None
    assert engine.command == f"{second.folder}/docker"


def test_a_new_client_with_its_plugin_is_used(docker: Docker) -> None:
    docker.answers(version=NEW, buildx=True)
    engine = found(docker).engine
    assert engine is not None
    assert engine.has_buildx


def test_the_switch_turns_it_off(docker: Docker) -> None:
    docker.answers()
    assert found(docker, SLIPWAY_DOCKER="0") == Choice(engine=None, reason="SLIPWAY_DOCKER is 0")
    assert not docker.calls_file.exists()


def test_the_switch_can_insist(docker: Docker) -> None:
    with pytest.raises(SandboxError, match="SLIPWAY_DOCKER is 1, but there is no Docker engine to use: no engine"):
        found(docker, SLIPWAY_DOCKER="1")


def test_another_value_of_the_switch_is_an_error(docker: Docker) -> None:
    with pytest.raises(SandboxError, match=r"SLIPWAY_DOCKER is 'yes'; expected 0 \(never\), 1 \(always\)"):
        found(docker, SLIPWAY_DOCKER="yes")


def test_the_containers_of_a_killed_server_are_removed(docker: Docker) -> None:
    remove_containers(docker.does("[ $1 != ps ] || printf 'one\\ntwo\\n'"), "identity")
    assert docker.calls() == [
        ["ps", "--all", "--quiet", "--filter", "label=slipway-sandbox=identity"],
        ["rm", "--force", "one", "two"],
    ]


def test_a_servers_end_removes_its_containers_from_the_engine_it_was_started_with(
    docker: Docker, tmp_path: Path, free_port: int
) -> None:
    engine = docker.does("exit 0")
    server = process.start(tmp_path / "state", port=free_port, region="eu-central-1", docker=engine)
    assert (server.docker, server.docker_host) == (engine.command, engine.host)
    assert process.stop(tmp_path / "state")
    assert docker.calls() == [["ps", "--all", "--quiet", "--filter", f"label=slipway-sandbox={server.instance}"]]


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM scratch\n")
    return folder


REFERENCE = "127.0.0.1:4566/slipway-local/hello:build-1"
BUILT = "[ $1 != image ] || echo linux/arm64"


def test_a_build_is_for_arm64_and_has_all_arguments(docker: Docker, context: Path) -> None:
    what = Build(context=context, build_args={"VERSION": "1 2"}, labels={"team": "x"}, no_cache=True, pull=True)
    docker_images.build(docker.does(f"{BUILT}; [ $DOCKER_BUILDKIT = 1 ]"), what, [REFERENCE])
    assert docker.calls()[0] == [
        *("build", "--progress=plain", "--platform=linux/arm64", f"--file={context}/Dockerfile"),
        *(f"--tag={REFERENCE}", "--build-arg=VERSION=1 2", "--label=team=x", "--no-cache", "--pull", str(context)),
    ]


def test_buildx_makes_no_attestations_and_an_engine_without_a_bridge_builds_on_the_machines_network(
    docker: Docker, context: Path
) -> None:
    engine = docker.does(BUILT)
    bare = DockerEngine(command=engine.command, host=engine.host, has_buildx=True, has_bridge=False)
    docker_images.build(bare, Build(context=context), [REFERENCE])
    assert docker.calls()[0][:5] == ["buildx", "build", "--load", "--provenance=false", "--sbom=false"]
    assert "--network=host" in docker.calls()[0]


def refused(docker: Docker, context: Path, script: str) -> str:
    with pytest.raises(DeploymentError) as caught:
        docker_images.build(docker.does(script), Build(context=context), [REFERENCE])
    return str(caught.value)


def test_a_context_without_a_dockerfile(docker: Docker, context: Path) -> None:
    (context / "Dockerfile").unlink()
    assert "There is no Dockerfile here. Add one" in refused(docker, context, "exit 0")


def test_an_image_for_another_platform(docker: Docker, context: Path) -> None:
    text = refused(docker, context, "[ $1 != image ] || echo linux/amd64")
    assert "made an image for linux/amd64; it must be for linux/arm64" in text


def test_an_engine_that_does_not_tell_of_its_image_is_not_taken_for_one_of_another_platform(
    docker: Docker, context: Path
) -> None:
    text = refused(docker, context, "[ $1 != image ] || { echo no more room; exit 1; }")
    assert text == f"Docker built {context / 'Dockerfile'}, but doesn't tell of the image:\n  no more room"


# Reports of BuildKit: of the engine 20.10 of Debian 12, and in the form of its newer releases.
OLD_REPORT = """\
#3 [internal] load metadata for docker.io/library/python:3.13-slim
#3 ERROR: failed to do request: Head "https://registry-1.docker.io/v2/": dial tcp: lookup x: no such host
------
 > [internal] load metadata for docker.io/library/python:3.13-slim:
------
failed to solve with frontend dockerfile.v0: failed to create LLB definition: failed to do request: Head \
"https://registry-1.docker.io/v2/": dial tcp: lookup x: no such host
"""
NEW_REPORT = """\
------
 > resolve image config for docker-image://docker.io/docker/dockerfile:1:
------
ERROR: failed to solve: docker.io/docker/dockerfile:1: failed to resolve source metadata for \
docker.io/docker/dockerfile:1: failed to do request: Head "https://registry-1.docker.io/v2/": dial tcp: no route to host
"""


@pytest.mark.parametrize(
    ("report", "image", "reason"),
    [
        (OLD_REPORT, "docker.io/library/python:3.13-slim", "dial tcp: lookup x: no such host"),
        (NEW_REPORT, "docker.io/docker/dockerfile:1", "dial tcp: no route to host"),
    ],
)
def test_a_base_image_that_cannot_be_had_is_named_with_the_way_on(
    docker: Docker, context: Path, report: str, image: str, reason: str
) -> None:
    (context / "report").write_text(report)
    text = refused(docker, context, f"cat {context}/report >&2; exit 1")
    assert f"The image {image} can't be pulled: Head" in text
    assert f"{reason}\n" in text
    assert text.endswith("SLIPWAY_DOCKER=0 make up")


def test_any_other_refusal_shows_the_end_of_the_report(docker: Docker, context: Path) -> None:
    text = refused(docker, context, "seq 100; echo 'executor failed running [/nothing]: exit code: 1' >&2; exit 1")
    assert "executor failed running [/nothing]: exit code: 1" in text
    assert len(text.splitlines()) == 13


def test_a_refused_push_says_why(docker: Docker) -> None:
    with pytest.raises(DeploymentError, match=f"can't push {REFERENCE}:\n  denied: token"):
        docker_images.push(docker.does("echo 'denied: token' >&2; exit 1"), REFERENCE)
