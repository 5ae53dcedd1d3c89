"""The running server: where it listens, who may talk to it, and what its functions and jobs can see."""

import json
import os
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox import processes
from sandbox.context import Clients
from sandbox.process import Sandbox
from tests import patient

_ENVIRONMENT_OF_FUNCTION = """
import os

def handle(event, context):
    return dict(os.environ)
"""
_ENVIRONMENT_OF_JOB = """
import json, os, socket
with socket.create_connection(("127.0.0.1", int(os.environ["MAILBOX"]))) as mailbox:
    mailbox.sendall(json.dumps(dict(os.environ)).encode())
"""


def listening_addresses(pid: int) -> list[tuple[str, int]]:
    """Local address and port of all sockets on which a process listens, IPv4 and IPv6."""
    targets = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
    inodes = {match[1] for target in targets if (match := re.fullmatch(r"socket:\[(\d+)\]", target))}
    found: list[tuple[str, int]] = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                address, _, port = fields[1].partition(":")
                found.append((address, int(port, 16)))
    return found


def test_it_listens_on_loopback_only_and_on_one_port(sandbox: Sandbox, client: Clients) -> None:
    client("sqs").create_queue(QueueName="any")
    client("iot").list_things()
    assert listening_addresses(sandbox.pid) == [("0100007F", sandbox.port)]


def test_health_tells_which_sandbox_answers(sandbox: Sandbox) -> None:
    health = patient.get(f"{sandbox.endpoint_url}/_slipway/health").json()
    assert health["instance"] == sandbox.instance
    assert health["pid"] == sandbox.pid


@pytest.mark.parametrize("host", ["attacker.example", "169.254.169.254", "localhost.attacker.example", ""])
def test_other_host_names_are_refused(sandbox: Sandbox, host: str) -> None:
    answer = patient.get(f"{sandbox.endpoint_url}/_slipway/health", headers={"host": host})
    assert answer.status_code == 421


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:80", "[::1]:4566", "abc.execute-api.localhost:4566"])
def test_names_of_this_machine_are_served(sandbox: Sandbox, host: str) -> None:
    assert patient.get(f"{sandbox.endpoint_url}/_slipway/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/_ministack/reset", "/_ministack/config", "/_ministack/health", "/_localstack/health"]
)
def test_the_emulators_administration_is_not_served(sandbox: Sandbox, path: str) -> None:
    assert patient.post(f"{sandbox.endpoint_url}{path}").status_code == 404


def test_a_request_signed_for_batch_reaches_batch(client: Clients, unique: str) -> None:
    with pytest.raises(client("batch").exceptions.ClientException, match=unique):
        client("batch").submit_job(jobName="any", jobQueue=unique, jobDefinition=unique)


def test_a_function_sees_nothing_of_the_person_who_started_it(
    client: Clients, function: Callable[[str], Any], sandbox: Sandbox
) -> None:
    deployed = function(_ENVIRONMENT_OF_FUNCTION)
    answer = client("lambda").invoke(FunctionName=deployed.name)
    assert_scrubbed(json.load(answer["Payload"]), sandbox)


def test_a_job_sees_nothing_of_the_person_who_started_it(
    client: Clients, create: Callable[..., Any], unique: str, sandbox: Sandbox, tmp_path: Path, mailbox: Any
) -> None:
    context = tmp_path / "context"
    context.mkdir()
    (context / "job.py").write_text(textwrap.dedent(_ENVIRONMENT_OF_JOB))
    (context / "Dockerfile").write_text('FROM python:3.13-slim\nCOPY job.py .\nCMD ["python", "job.py"]\n')
    image = create("docker-build:index:Image", context={"location": str(context)})
    environment = create(
        "aws:batch/computeEnvironment:ComputeEnvironment",
        name=f"{unique}-environment",
        type="MANAGED",
        computeResources={
            "type": "FARGATE",
            "maxVcpus": 4,
            "subnets": ["subnet-1"],
            "securityGroupIds": ["sg-1"],
        },
    )
    queue = create(
        "aws:batch/jobQueue:JobQueue",
        name=f"{unique}-queue",
        priority=1,
        state="ENABLED",
        computeEnvironmentOrders=[{"order": 1, "computeEnvironment": environment["arn"]}],
    )
    properties = {
        "image": f"any@{image['digest']}",
        "executionRoleArn": "arn:aws:iam::000000000000:role/any",
        "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}],
        "environment": [{"name": "MAILBOX", "value": str(mailbox.port)}],
    }
    definition = create(
        "aws:batch/jobDefinition:JobDefinition",
        name=f"{unique}-definition",
        type="container",
        platformCapabilities=["FARGATE"],
        containerProperties=json.dumps(properties),
    )
    client("batch").submit_job(jobName=unique, jobQueue=queue["arn"], jobDefinition=definition["arn"])
    assert_scrubbed(json.loads(mailbox.read()), sandbox)


def assert_scrubbed(environment: dict[str, str], sandbox: Sandbox) -> None:
    from tests.sandbox.conftest import CANARY, CANARY_NAME

    assert os.environ[CANARY_NAME] == CANARY
    assert CANARY_NAME not in environment
    assert environment["AWS_ENDPOINT_URL"] == sandbox.endpoint_url
    assert environment["AWS_ACCESS_KEY_ID"] == "test" or environment["AWS_SESSION_TOKEN"]
    assert os.environ["HOME"] != environment["HOME"]
    inherited = {name for name, value in os.environ.items() if environment.get(name) == value}
    assert inherited <= {"LANG", "LC_CTYPE", "TZ", "SHLVL", "PATH"}


def test_every_process_of_the_sandbox_carries_its_mark(
    sandbox: Sandbox, client: Clients, function: Callable[[str], Any]
) -> None:
    deployed = function(_ENVIRONMENT_OF_FUNCTION)
    client("lambda").invoke(FunctionName=deployed.name)
    marked = processes.marked(sandbox.instance)
    assert sandbox.pid in marked
    assert len(marked) >= 2
