"""Starts, finds and stops the sandbox's server: a detached process, described by `sandbox.json` in the state folder.

Nothing is signalled on the word of that file alone, which may be older than the process that has its pid now: a process
is the sandbox's if it was started with the sandbox's identity in its environment.
"""

import contextlib
import fcntl
import http.client
import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Generator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

from sandbox import processes
from sandbox.docker_engine import DockerEngine, remove_containers
from sandbox.environment import endpoint_url, server_environment
from sandbox.errors import PortTakenError, SandboxError, StartFailedError
from sandbox.gateway import HEALTH_PATH
from sandbox.server import JOB_STOP_SECONDS, SERVICE, STOP_GRACE_SECONDS

DEFAULT_PORT: Final = 4566
PORT_VARIABLE: Final = "SLIPWAY_PORT"

# For a server that hangs: one that has ended is noticed at once, and a busy machine needs many times the usual second.
_START_SECONDS: Final = 90.0
_STOP_SECONDS: Final = STOP_GRACE_SECONDS + JOB_STOP_SECONDS + 30.0
_LOCK_SECONDS: Final = _START_SECONDS + _STOP_SECONDS + 10.0
_HEALTH_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.02
_LOG_LINES: Final = 15
_MODULE: Final = "sandbox.server"
_ROOT: Final = Path(__file__).resolve().parent.parent

_children: Final = dict[int, subprocess.Popen[bytes]]()


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """A server that answers."""

    instance: str
    pid: int
    port: int
    region: str
    started_at: float
    """Seconds since 1970-01-01 UTC."""
    docker: str = ""
    """The command with which jobs run as containers; empty where they are processes."""
    docker_host: str = ""

    @property
    def endpoint_url(self) -> str:
        """For AWS clients: `http://127.0.0.1:PORT`."""
        return endpoint_url(self.port)


def chosen_port(environment: Mapping[str, str] = os.environ) -> int:
    """The port to listen on: `SLIPWAY_PORT`, else 4566.

    Raises:
        SandboxError: the variable holds no port number.
    """
    text = environment.get(PORT_VARIABLE, "").strip()
    if not text:
        return DEFAULT_PORT
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise SandboxError(f"{PORT_VARIABLE} is {text!r}; expected a port number from 1 to 65535.")
    return int(text)


def start(
    state: Path,
    *,
    port: int,
    region: str,
    grace_seconds: float = STOP_GRACE_SECONDS,
    docker: DockerEngine | None = None,
) -> Sandbox:
    """Start a server and wait until it answers. One that already runs in this folder is replaced.

    Args:
        state: folder for the log, images and job history; made if missing.
        port: TCP port on 127.0.0.1.
        region: AWS region that the sandbox plays.
        grace_seconds: how long running jobs may take to finish when it is stopped.
        docker: runs jobs as containers; without an engine they are processes.

    Raises:
        PortTakenError: another program has the port.
        StartFailedError: the server ended or stayed silent; the text has its last log lines.
    """
    with _exclusive(state):
        _stop(state)
        _check_port(port)
        instance = uuid.uuid4().hex
        process = _spawn(state, port, region, instance, grace_seconds, docker)
        _children[process.pid] = process
        try:
            sandbox = _await_health(state, process, port, instance)
        except BaseException:
            processes.end([process.pid, *processes.marked(instance)], grace_seconds=1.0, reap=_reap)
            raise
        if docker is not None:
            sandbox = replace(sandbox, docker=docker.command, docker_host=docker.host)
        _write(state, sandbox)
        return sandbox


def stop(state: Path) -> bool:
    """End the server and everything that it started. Tells whether anything was running."""
    if not state.is_dir():
        return False
    with _exclusive(state):
        return _stop(state)


def status(state: Path) -> Sandbox | None:
    """The server of this folder, if it answers."""
    recorded = _read(state)
    if recorded is None:
        return None
    health = _health(recorded.port)
    return recorded if health and health.get("instance") == recorded.instance else None


def _spawn(
    state: Path, port: int, region: str, instance: str, grace_seconds: float, docker: DockerEngine | None
) -> subprocess.Popen[bytes]:
    for folder in ("home", "tmp"):
        (state / folder).mkdir(parents=True, exist_ok=True)
    options = {
        "--port": str(port),
        "--state": str(state.resolve()),
        "--region": region,
        "--grace": str(grace_seconds),
        "--instance": instance,
        **({"--docker": docker.command, "--docker-host": docker.host} if docker else {}),
    }
    command = [sys.executable, "-m", _MODULE, *(word for pair in options.items() for word in pair)]
    with _log(state).open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command,
            cwd=_ROOT,
            env=dict(server_environment(port, region, state.resolve(), instance)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _await_health(state: Path, process: subprocess.Popen[bytes], port: int, instance: str) -> Sandbox:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StartFailedError(f"The sandbox ended with code {process.returncode} at its start.{_log_tail(state)}")
        health = _health(port)
        if health and health.get("instance") == instance:
            return Sandbox(
                instance=instance,
                pid=health["pid"],
                port=port,
                region=health["region"],
                started_at=health["startedAt"],
            )
        time.sleep(_POLL_SECONDS)
    raise StartFailedError(f"The sandbox didn't answer within {_START_SECONDS:.0f} s.{_log_tail(state)}")


def _stop(state: Path) -> bool:
    recorded = _read(state)
    if recorded is None:
        return False
    running = processes.marked(recorded.instance)
    if recorded.pid in running:
        processes.end([recorded.pid], grace_seconds=_STOP_SECONDS, reap=_reap)
    processes.end(processes.marked(recorded.instance), grace_seconds=1.0, reap=_reap)
    child = _children.pop(recorded.pid, None)
    if child:
        child.wait(_STOP_SECONDS)
    if recorded.docker:
        remove_containers(DockerEngine(command=recorded.docker, host=recorded.docker_host), recorded.instance)
    _record(state).unlink(missing_ok=True)
    return bool(running)


def _reap(pid: int) -> None:
    child = _children.get(pid)
    if child and child.poll() is not None:
        del _children[pid]


def _check_port(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            health = _health(port)
            owner = "another sandbox" if health and health.get("service") == SERVICE else "another program"
            raise PortTakenError(
                f"Port {port} is taken by {owner}. Stop it, or choose another port: {PORT_VARIABLE}={port + 1} make up"
            ) from error


def _health(port: int) -> dict[str, Any] | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_HEALTH_SECONDS)
    try:
        connection.request("GET", HEALTH_PATH)
        answer = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return cast("dict[str, Any]", answer) if isinstance(answer, dict) else None


@contextlib.contextmanager
def _exclusive(state: Path) -> Generator[None]:
    """One start or stop at a time; the next one waits for it."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / "lock").open("w") as handle:
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise SandboxError(
                        "Another command starts or stops this sandbox. Wait for it, then retry."
                    ) from None
                time.sleep(_POLL_SECONDS)
        yield


def _record(state: Path) -> Path:
    return state / "sandbox.json"


def _log(state: Path) -> Path:
    return state / "server.log"


def _log_tail(state: Path) -> str:
    lines = _log(state).read_text(errors="replace").splitlines()[-_LOG_LINES:]
    return "\n".join([f" The end of {_log(state)}:", *(f"  {line}" for line in lines)])


def _write(state: Path, sandbox: Sandbox) -> None:
    temporary = state / "sandbox.json.new"
    temporary.write_text(json.dumps(asdict(sandbox), indent=2))
    temporary.replace(_record(state))


def _read(state: Path) -> Sandbox | None:
    try:
        return Sandbox(**json.loads(_record(state).read_text()))
    except (OSError, ValueError, TypeError):
        return None
