"""Which Docker engine the sandbox uses, if any: one on this machine that builds and runs images for linux/arm64.

`SLIPWAY_DOCKER=0` uses none, `1` must have one; by default one is used where it answers. docs/sandbox.md says more.
"""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

from sandbox.errors import SandboxError

LABEL: Final = "slipway-sandbox"
"""Of containers; its value is the identity of the server that started them."""
SWITCH: Final = "SLIPWAY_DOCKER"
HOST_VARIABLE: Final = "DOCKER_HOST"
_SYSTEM_HOST: Final = "unix:///var/run/docker.sock"
_OWN_HOST: Final = Path("docker") / "host"
"""Below the sandbox's folder: the address of the engine that `bin/docker-engine start` made."""
_SCHEME: Final = "unix://"
_ANSWER_SECONDS: Final = 5.0
_WITHOUT_BUILDX: Final = 23
"""The client's version from which it builds with BuildKit through the buildx plugin only [docker/cli, release 23.0]."""
_BINFMT: Final = Path("/proc/sys/fs/binfmt_misc")
_ARM64_MAGIC: Final = "magic 7f454c460201010000000000000000000200b7"
"""A 64-bit little-endian ELF program whose machine is 0xb7."""
_START: Final = "Start one: bin/docker-engine start"


@dataclass(frozen=True, kw_only=True)
class DockerEngine:
    """An engine that answers, and the command that speaks to it."""

    command: str
    """Absolute path of a `docker` that can build with BuildKit."""
    host: str
    """`unix:///...`."""
    has_buildx: bool = False
    """Else the command builds with BuildKit when DOCKER_BUILDKIT is 1."""
    has_bridge: bool = True
    """Builds and containers have a network of their own by default."""

    def environment(self, given: Mapping[str, str] = os.environ) -> dict[str, str]:
        """The environment of the command: the given one, with this engine."""
        return {
            **{name: value for name, value in given.items() if name != "DOCKER_CONTEXT"},
            HOST_VARIABLE: self.host,
            "DOCKER_BUILDKIT": "1",
        }

    def call(
        self,
        *arguments: str,
        seconds: float = _ANSWER_SECONDS,
        errors: int = subprocess.DEVNULL,
        given: Mapping[str, str] = os.environ,
    ) -> tuple[bool, str]:
        """Run the command to its end.

        Args:
            arguments: of the command.
            seconds: that it may take.
            errors: where its error output goes; `subprocess.STDOUT` puts it among the rest.
            given: see `environment`.

        Returns:
            Whether it succeeded, and what it printed, or why it didn't run.
        """
        try:
            done = subprocess.run(  # noqa: S603 - the docker command of the path, with our own arguments
                [self.command, *arguments],
                env=self.environment(given),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                timeout=seconds,
                check=False,
            )
        except OSError as error:
            return False, f"{self.command}: {error.strerror}"
        except subprocess.TimeoutExpired as error:
            return False, f"{(error.output or b'').decode(errors='replace')}\nIt took longer than {seconds:.0f} s."
        return done.returncode == 0, done.stdout.decode(errors="replace")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The engine, or why there is none."""

    engine: DockerEngine | None
    reason: str = ""
    """A part of a sentence, such as `no engine`."""


def choose(state: Path, environment: Mapping[str, str] = os.environ) -> Choice:
    """Find an engine, as the person wants it.

    Args:
        state: the sandbox's folder, where `bin/docker-engine` notes the address of its own engine.
        environment: `SLIPWAY_DOCKER`, `DOCKER_HOST`, `PATH`.

    Raises:
        SandboxError: the switch has another value, or it is 1 and there is no engine.
    """
    switch = environment.get(SWITCH, "").strip()
    if switch not in ("", "0", "1"):
        raise SandboxError(f"{SWITCH} is {switch!r}; expected 0 (never), 1 (always), or nothing (where it answers).")
    if switch == "0":
        return Choice(engine=None, reason=f"{SWITCH} is 0")
    choice = _find(state, environment)
    if choice.engine is None and switch == "1":
        raise SandboxError(f"{SWITCH} is 1, but there is no Docker engine to use: {choice.reason}. {_START}")
    return choice


def remove_containers(engine: DockerEngine, mark: str) -> None:
    """End and remove the containers with this value of the label, which a killed server leaves behind."""
    answers, found = engine.call("ps", "--all", "--quiet", "--filter", f"label={LABEL}={mark}")
    if answers and found.split():
        engine.call("rm", "--force", *found.split())


def _find(state: Path, environment: Mapping[str, str]) -> Choice:
    commands = list(_commands(environment))
    if not commands:
        return Choice(engine=None, reason="no engine")
    reason = "no engine"
    for host in _hosts(state, environment):
        information = _information(DockerEngine(command=commands[0], host=host), environment)
        if information is None:
            continue
        reason = _obstacle(information)
        if reason:
            continue
        for command in commands:
            engine = DockerEngine(command=command, host=host)
            has_buildx, _ = engine.call("buildx", "version", given=environment)
            if has_buildx or _client_version(engine, environment) < _WITHOUT_BUILDX:
                _, networks = engine.call("network", "ls", "--format", "{{.Name}}", given=environment)
                has_bridge = "bridge" in networks.split()
                return Choice(engine=replace(engine, has_buildx=has_buildx, has_bridge=has_bridge))
        reason = f"{commands[0]} can't build with BuildKit: install docker-buildx"
    return Choice(engine=None, reason=reason)


def _commands(environment: Mapping[str, str]) -> Iterator[str]:
    """Every `docker` of the path: one from a distribution may build where a newer one before it lacks its plugin."""
    for folder in dict.fromkeys(environment.get("PATH", os.defpath).split(os.pathsep)):
        found = shutil.which("docker", path=folder) if folder else None
        if found:
            yield str(Path(found).absolute())


def _hosts(state: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Addresses at which an engine may answer. A socket that isn't there is not asked, which would cost 50 ms."""
    named = environment.get(HOST_VARIABLE, "")
    own = state / _OWN_HOST
    hosts = [named] if named else [own.read_text().strip() if own.is_file() else "", _SYSTEM_HOST]
    for host in hosts:
        if host and (not host.startswith(_SCHEME) or Path(host.removeprefix(_SCHEME)).exists()):
            yield host


def _information(engine: DockerEngine, environment: Mapping[str, str]) -> dict[str, Any] | None:
    answers, text = engine.call("info", "--format", "{{json .}}", given=environment)
    try:
        information: object = json.loads(text if answers else "")
    except ValueError:
        return None
    # A client whose engine doesn't answer tells of itself, and of the error.
    return cast("dict[str, Any]", information) if isinstance(information, dict) and "Name" in information else None


def _obstacle(information: Mapping[str, Any]) -> str:
    """Why an engine that answers is of no use: it must reach the sandbox on 127.0.0.1, and run arm64 programs."""
    security: Sequence[str] = information.get("SecurityOptions") or ()
    if not information.get("ServerVersion"):
        return "no engine"
    if information.get("Name") != socket.gethostname():
        return "the engine runs on another or on a virtual machine, from where 127.0.0.1 isn't this one"
    if any(option.startswith("name=rootless") for option in security):
        return "the engine is rootless, and its own network doesn't reach 127.0.0.1 of this machine"
    if information.get("Architecture") not in ("aarch64", "arm64") and not _emulates_arm64():
        return "the engine can't run arm64: install qemu-user-static, or bin/docker-engine start as root"
    return ""


def _emulates_arm64() -> bool:
    """Whether the kernel has an interpreter for arm64 that containers can use: one opened at its registration (F)."""
    for entry in _BINFMT.glob("*"):
        lines = entry.read_text(errors="replace").splitlines() if os.access(entry, os.R_OK) else []
        flags = next((line for line in lines if line.startswith("flags:")), "")
        if "enabled" in lines and "F" in flags and any(line.startswith(_ARM64_MAGIC) for line in lines):
            return True
    return False


def _client_version(engine: DockerEngine, environment: Mapping[str, str]) -> int:
    """The major version; a client that doesn't tell counts as a new one."""
    # `docker version` needs the engine for its exit code, `--version` doesn't: "Docker version 20.10.24+dfsg1, ...".
    answers, text = engine.call("--version", given=environment)
    words = text.split()
    number = words[2].partition(".")[0] if answers and len(words) > 2 else ""
    return int(number) if number.isdecimal() else _WITHOUT_BUILDX
