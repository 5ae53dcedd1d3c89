"""Start, stop and find the server, with real processes."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pulumi
import pytest

from sandbox import process, processes
from sandbox.archives import zip_bytes
from sandbox.context import Clients
from sandbox.errors import PortTakenError, SandboxError, StartFailedError

REGION = "eu-central-1"
_BLOCKED = """
import socket, threading

def handle(event, context):
    with socket.create_connection(("127.0.0.1", event["port"])) as mailbox:
        mailbox.sendall(b"running")
    threading.Event().wait()
"""


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "state"
    yield folder
    process.stop(folder)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_started_sandbox_is_found_and_a_stopped_one_is_not(state: Path, free_port: int) -> None:
    started = process.start(state, port=free_port, region=REGION)
    assert process.status(state) == started
    assert started.endpoint_url == f"http://127.0.0.1:{free_port}"
    assert process.stop(state)
    assert process.status(state) is None
    assert processes.marked(started.instance) == []
    assert not listens(free_port)
    assert not process.stop(state)


def test_a_sandbox_that_takes_five_seconds_to_answer_is_not_gone(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever takes it for gone starts another one, and forgets what was deployed."""
    known = process.Sandbox(instance="i", pid=1, port=1, region=REGION, started_at=0)

    class Connection:
        def __init__(self, _host: str, _port: int, timeout: float) -> None:
            self.timeout = timeout

        def request(self, *_what: str) -> None:
            if self.timeout <= 5:
                raise TimeoutError

        def getresponse(self) -> io.BytesIO:
            return io.BytesIO(json.dumps({"instance": "i"}).encode())

        def close(self) -> None: ...

    monkeypatch.setattr(process.http.client, "HTTPConnection", Connection)
    state.mkdir()
    (state / "sandbox.json").write_text(json.dumps(asdict(known)))
    assert process.status(state) == known


def test_a_second_start_replaces_the_first(state: Path, free_port: int) -> None:
    first = process.start(state, port=free_port, region=REGION)
    second = process.start(state, port=free_port, region=REGION)
    assert second.pid != first.pid
    assert processes.marked(first.instance) == []
    assert process.status(state) == second


def test_two_starts_at_once_leave_one_sandbox(state: Path, free_port: int) -> None:
    started: list[process.Sandbox] = []

    def start() -> None:
        started.append(process.start(state, port=free_port, region=REGION))

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(started) == 2
    assert [sandbox for sandbox in started if processes.alive(sandbox.pid)] == [process.status(state)]


def test_a_port_of_another_program_is_named_with_the_way_out(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_HEALTH_SECONDS", 0.1)  # that program never answers
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTakenError, match=rf"Port {port} is taken by another program.*SLIPWAY_PORT={port + 1}"):
            process.start(state, port=port, region=REGION)
    assert process.status(state) is None


def test_a_port_of_another_sandbox_is_told_apart(state: Path, sandbox: process.Sandbox) -> None:
    with pytest.raises(PortTakenError, match="taken by another sandbox"):
        process.start(state, port=sandbox.port, region=REGION)


def test_a_failed_start_shows_the_end_of_the_log_and_leaves_nothing(
    state: Path, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_MODULE", "sandbox.nowhere")
    with pytest.raises(StartFailedError, match=r"(?s)ended with code 1.*server\.log.*No module named"):
        process.start(state, port=free_port, region=REGION)
    assert process.status(state) is None
    assert not listens(free_port)


def test_a_stale_record_never_ends_a_stranger(state: Path, free_port: int) -> None:
    started = process.start(state, port=free_port, region=REGION)
    process.stop(state)
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]) as stranger:
        (state / "sandbox.json").write_text(json.dumps({**asdict(started), "pid": stranger.pid}))
        assert process.status(state) is None
        assert not process.stop(state)
        assert stranger.poll() is None
        stranger.kill()


def test_a_function_of_a_killed_server_ends_with_the_next_stop(
    state: Path, free_port: int, tmp_path: Path, mailbox: Any
) -> None:
    started = process.start(state, port=free_port, region=REGION)
    client = Clients(started.endpoint_url, REGION)
    archive = zip_bytes(pulumi.AssetArchive({"handler.py": pulumi.StringAsset(_BLOCKED)}), tmp_path)
    statement = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    role = client("iam").create_role(RoleName="any", AssumeRolePolicyDocument=trust)["Role"]
    client("lambda").create_function(
        FunctionName="blocked",
        Runtime="python3.13",
        Handler="handler.handle",
        Role=role["Arn"],
        Timeout=600,
        Code={"ZipFile": archive},
    )
    client("lambda").invoke(FunctionName="blocked", InvocationType="Event", Payload=json.dumps({"port": mailbox.port}))
    assert mailbox.read() == "running"
    os.kill(started.pid, signal.SIGKILL)
    orphans = [pid for pid in processes.marked(started.instance) if pid != started.pid]
    assert orphans
    assert process.stop(state)
    assert processes.marked(started.instance) == []
    assert not listens(free_port)


@pytest.mark.parametrize(("text", "port"), [("", 4566), (" 4600 ", 4600)])
def test_the_port_is_4566_unless_the_variable_says_otherwise(text: str, port: int) -> None:
    assert process.chosen_port({"SLIPWAY_PORT": text}) == port
    assert process.chosen_port({}) == 4566


@pytest.mark.parametrize("text", ["x", "0", "65536", "-1", "4566.0"])
def test_a_port_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SandboxError, match="expected a port number from 1 to 65535"):
        process.chosen_port({"SLIPWAY_PORT": text})
