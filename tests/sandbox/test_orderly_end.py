"""A job that was accepted is never lost when the server ends in an orderly way: it has finished, or it is FAILED."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.registration import Registration
from sandbox import process, processes
from sandbox.context import Clients
from sandbox.deploy import SandboxProvider

REGION = "eu-central-1"
_JOB = """
import os, socket, threading
with socket.create_connection(("127.0.0.1", int(os.environ["MAILBOX"]))) as mailbox:
    mailbox.sendall(b"running")
    mailbox.shutdown(socket.SHUT_WR)
    mailbox.recv(1)
"""


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "state"
    yield folder
    process.stop(folder)


Submit = Callable[[process.Sandbox], str]


@pytest.fixture
def submit(state: Path, tmp_path: Path, mailbox: Any) -> Submit:
    """Submit a job that reports to the mailbox and then waits for it to hang up; the job's id."""

    def run(sandbox: process.Sandbox) -> str:
        provider = SandboxProvider(endpoint_url=sandbox.endpoint_url, region=REGION, state=state, root=tmp_path)

        def create(kind: str, **inputs: Any) -> Any:
            registration = Registration(urn=kind, type=kind, name="any", custom=True, parent="", inputs=inputs)
            return provider.create(registration)[1]

        (tmp_path / "job.py").write_text(_JOB)
        (tmp_path / "Dockerfile").write_text('FROM python:3.13-slim\nCOPY job.py .\nCMD ["python", "job.py"]\n')
        image = create("docker-build:index:Image", context={"location": "."})
        capacity = {"type": "FARGATE", "maxVcpus": 1, "subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]}
        environment = create(
            "aws:batch/computeEnvironment:ComputeEnvironment", type="MANAGED", computeResources=capacity
        )
        create(
            "aws:batch/jobQueue:JobQueue",
            priority=1,
            state="ENABLED",
            computeEnvironmentOrders=[{"order": 1, "computeEnvironment": environment["arn"]}],
        )
        container = {
            "image": f"any@{image['digest']}",
            "executionRoleArn": "arn:aws:iam::000000000000:role/any",
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}],
            "environment": [{"name": "MAILBOX", "value": str(mailbox.port)}],
        }
        create(
            "aws:batch/jobDefinition:JobDefinition",
            type="container",
            platformCapabilities=["FARGATE"],
            containerProperties=json.dumps(container),
        )
        batch = Clients(sandbox.endpoint_url, REGION)("batch")
        return batch.submit_job(jobName="any", jobQueue="any", jobDefinition="any")["jobId"]

    return run


def history(state: Path) -> dict[str, dict[str, Any]]:
    return {job["jobId"]: job for job in json.loads((state / "jobs.json").read_text())["jobs"]}


def test_a_job_that_finishes_within_the_grace_succeeds(
    state: Path, free_port: int, submit: Submit, mailbox: Any
) -> None:
    sandbox = process.start(state, port=free_port, region=REGION, grace_seconds=20)
    job = submit(sandbox)
    assert mailbox.read() == "running"
    process.stop(state)
    assert history(state)[job]["status"] == "SUCCEEDED"


def test_jobs_that_do_not_finish_in_time_are_failed_and_say_why(
    state: Path, free_port: int, submit: Submit, mailbox: Any
) -> None:
    sandbox = process.start(state, port=free_port, region=REGION, grace_seconds=0)
    running = submit(sandbox)
    connection = mailbox.accept()
    waiting = Clients(sandbox.endpoint_url, REGION)("batch").submit_job(
        jobName="waiting", jobQueue="any", jobDefinition="any"
    )["jobId"]
    process.stop(state)
    connection.close()
    assert processes.marked(sandbox.instance) == []
    jobs = history(state)
    assert (jobs[running]["status"], jobs[waiting]["status"]) == ("FAILED", "FAILED")
    assert "sandbox ended" in jobs[running]["statusReason"]
    assert "sandbox ended" in jobs[waiting]["statusReason"]


def test_what_happened_is_known_after_a_restart(state: Path, free_port: int, submit: Submit, mailbox: Any) -> None:
    sandbox = process.start(state, port=free_port, region=REGION)
    job = submit(sandbox)
    assert mailbox.read() == "running"
    sandbox = process.start(state, port=free_port, region=REGION)
    (found,) = Clients(sandbox.endpoint_url, REGION)("batch").describe_jobs(jobs=[job])["jobs"]
    assert found["status"] == "SUCCEEDED"
