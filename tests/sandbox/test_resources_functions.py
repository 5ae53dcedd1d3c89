"""Functions, Batch, and the events between them: read back as written, gone when deleted."""

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pulumi
import pytest

from sandbox.context import Clients
from tests.sandbox.conftest import ACCOUNT, REGION, TAGS, Create, refused

_REPORTER = """
import json, os, socket

def handle(event, context):
    with socket.create_connection(("127.0.0.1", int(os.environ["MAILBOX"]))) as mailbox:
        mailbox.sendall(json.dumps(event).encode())
"""


Deploy = Callable[..., Any]


@pytest.fixture
def deploy(create: Create, role: str) -> Deploy:
    """`deploy(name, source, **inputs)` makes a Python function."""

    def make(name: str, source: str, **inputs: Any) -> Any:
        return create(
            "aws:lambda/function:Function",
            name=name,
            code=pulumi.AssetArchive({"handler.py": pulumi.StringAsset(source)}),
            handler="handler.handle",
            runtime="python3.13",
            role=role,
            # The start of a busy machine's process counts; the default is three seconds.
            **{"timeout": 60, **inputs},
        )

    return make


def test_function(deploy: Deploy, client: Clients, unique: str, role: str) -> None:
    function = deploy(
        unique,
        "def handle(event, context): return event",
        architectures=["arm64"],
        description="the trigger",
        timeout=20,
        memorySize=256,
        environment={"variables": {"NAME": "value"}},
        ephemeralStorage={"size": 1024},
        tracingConfig={"mode": "Active"},
        loggingConfig={"logFormat": "JSON", "logGroup": "/slipway/any", "applicationLogLevel": "INFO"},
        reservedConcurrentExecutions=5,
        sourceCodeHash="any",
        tags=TAGS,
    )
    read = client("lambda").get_function(FunctionName=unique)
    found = read["Configuration"]
    assert (found["Runtime"], found["Handler"], found["Role"]) == ("python3.13", "handler.handle", role)
    assert (found["Architectures"], found["Timeout"], found["MemorySize"]) == (["arm64"], 20, 256)
    assert (found["Description"], found["Environment"]) == ("the trigger", {"Variables": {"NAME": "value"}})
    assert (found["EphemeralStorage"], found["TracingConfig"]) == ({"Size": 1024}, {"Mode": "Active"})
    assert found["LoggingConfig"] == {"LogFormat": "JSON", "LogGroup": "/slipway/any", "ApplicationLogLevel": "INFO"}
    assert (read["Tags"], read["Concurrency"]) == (TAGS, {"ReservedConcurrentExecutions": 5})
    assert (function["arn"], function["version"]) == (found["FunctionArn"], "$LATEST")
    assert function["codeSha256"] == found["CodeSha256"]
    path = f"path/2015-03-31/functions/{function['arn']}/invocations"
    assert function["invokeArn"] == f"arn:aws:apigateway:{REGION}:lambda:{path}"
    client("lambda").delete_function(FunctionName=unique)
    assert refused(client("lambda").get_function, FunctionName=unique) == "ResourceNotFoundException"


def test_the_code_that_runs_is_the_code_that_was_given(deploy: Deploy, client: Clients, unique: str) -> None:
    deploy(unique, "def handle(event, context): return {'twice': event['n'] * 2}")
    answer = client("lambda").invoke(FunctionName=unique, Payload=json.dumps({"n": 21}))
    assert json.load(answer["Payload"]) == {"twice": 42}


def test_permission(create: Create, deploy: Deploy, client: Clients, unique: str) -> None:
    function = deploy(unique, "def handle(event, context): pass")
    source = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:abc/*/POST/jobs"
    permission = create(
        "aws:lambda/permission:Permission",
        statementId="gateway",
        function=function["name"],
        action="lambda:InvokeFunction",
        principal="apigateway.amazonaws.com",
        sourceArn=source,
    )
    (statement,) = json.loads(client("lambda").get_policy(FunctionName=unique)["Policy"])["Statement"]
    assert statement == {
        "Sid": "gateway",
        "Effect": "Allow",
        "Principal": {"Service": "apigateway.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": function["arn"],
        "Condition": {"ArnLike": {"AWS:SourceArn": source}},
    }
    assert permission.id == "gateway"
    client("lambda").remove_permission(FunctionName=unique, StatementId="gateway")
    assert refused(client("lambda").get_policy, FunctionName=unique) == "ResourceNotFoundException"


def test_asynchronous_invocation(create: Create, deploy: Deploy, client: Clients, unique: str) -> None:
    deploy(unique, "def handle(event, context): pass")
    create(
        "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
        functionName=unique,
        maximumRetryAttempts=1,
        maximumEventAgeInSeconds=120,
    )
    read = client("lambda").get_function_event_invoke_config(FunctionName=unique)
    assert (read["MaximumRetryAttempts"], read["MaximumEventAgeInSeconds"]) == (1, 120)
    client("lambda").delete_function_event_invoke_config(FunctionName=unique)
    code = refused(client("lambda").get_function_event_invoke_config, FunctionName=unique)
    assert code == "ResourceNotFoundException"


@pytest.fixture
def queue(create: Create, unique: str) -> Any:
    environment = create(
        "aws:batch/computeEnvironment:ComputeEnvironment",
        name=f"{unique}-environment",
        type="MANAGED",
        computeResources={
            "type": "FARGATE",
            "maxVcpus": 16,
            "subnets": ["subnet-1", "subnet-2"],
            "securityGroupIds": ["sg-1"],
        },
        tags=TAGS,
    )
    return create(
        "aws:batch/jobQueue:JobQueue",
        name=f"{unique}-queue",
        priority=1,
        state="ENABLED",
        computeEnvironmentOrders=[{"order": 1, "computeEnvironment": environment["arn"]}],
        jobStateTimeLimitActions=[
            {
                "action": "CANCEL",
                "maxTimeSeconds": 3600,
                "reason": "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
                "state": "RUNNABLE",
            }
        ],
        tags=TAGS,
    )


def container(image: str, role: str) -> str:
    return json.dumps(
        {
            "image": image,
            "executionRoleArn": role,
            "jobRoleArn": role,
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}],
            "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
            "networkConfiguration": {"assignPublicIp": "ENABLED"},
        }
    )


def definition(create: Create, role: str, name: str, image: str) -> Any:
    return create(
        "aws:batch/jobDefinition:JobDefinition",
        name=name,
        type="container",
        platformCapabilities=["FARGATE"],
        propagateTags=True,
        deregisterOnNewRevision=False,
        containerProperties=container(image, role),
        retryStrategy={
            "attempts": 2,
            "evaluateOnExits": [
                {"action": "RETRY", "onStatusReason": "Task failed to start*"},
                {"action": "EXIT", "onReason": "*"},
            ],
        },
        timeout={"attemptDurationSeconds": 900},
        tags=TAGS,
    )


def test_batch(create: Create, client: Clients, unique: str, queue: Any, role: str) -> None:
    batch = client("batch")
    (read,) = batch.describe_job_queues(jobQueues=[queue["arn"]])["jobQueues"]
    assert (read["jobQueueName"], read["priority"], read["state"]) == (f"{unique}-queue", 1, "ENABLED")
    assert (read["status"], read["tags"]) == ("VALID", TAGS)
    assert read["jobStateTimeLimitActions"][0]["maxTimeSeconds"] == 3600
    (environment,) = batch.describe_compute_environments(computeEnvironments=[f"{unique}-environment"])[
        "computeEnvironments"
    ]
    assert environment["computeResources"] == {
        "type": "FARGATE",
        "maxvCpus": 16,
        "subnets": ["subnet-1", "subnet-2"],
        "securityGroupIds": ["sg-1"],
    }
    assert read["computeEnvironmentOrder"] == [{"order": 1, "computeEnvironment": environment["computeEnvironmentArn"]}]
    made = definition(create, role, unique, "any@sha256:" + "0" * 64)
    assert (made["revision"], made.id) == (1, made["arn"])
    assert made["arn"] == f"{made['arnPrefix']}:1"
    (stored,) = batch.describe_job_definitions(jobDefinitions=[made["arn"]])["jobDefinitions"]
    assert stored["retryStrategy"]["attempts"] == 2
    assert [entry["action"].upper() for entry in stored["retryStrategy"]["evaluateOnExit"]] == ["RETRY", "EXIT"]
    assert (stored["timeout"], stored["propagateTags"]) == ({"attemptDurationSeconds": 900}, True)
    assert (stored["platformCapabilities"], stored["tags"]) == (["FARGATE"], TAGS)
    assert stored["containerProperties"]["runtimePlatform"]["cpuArchitecture"] == "ARM64"


def test_a_job_that_ends_reaches_a_function_through_a_rule(
    create: Create,
    deploy: Deploy,
    client: Clients,
    unique: str,
    queue: Any,
    role: str,
    mailbox: Any,
    tmp_path: Path,
) -> None:
    (tmp_path / "Dockerfile").write_text('FROM busybox\nCMD ["true"]\n')
    image = create("docker-build:index:Image", context={"location": str(tmp_path)})
    job_definition = definition(create, role, unique, f"any@{image['digest']}")
    pattern = {
        "source": ["aws.batch"],
        "detail-type": ["Batch Job State Change"],
        "detail": {"status": ["SUCCEEDED", "FAILED"], "jobQueue": [queue["arn"]]},
    }
    rule = create("aws:cloudwatch/eventRule:EventRule", name=unique, eventPattern=json.dumps(pattern))
    reporter = deploy(unique, _REPORTER, environment={"variables": {"MAILBOX": str(mailbox.port)}})
    create("aws:cloudwatch/eventTarget:EventTarget", rule=rule["name"], arn=reporter["arn"])
    create(
        "aws:lambda/permission:Permission",
        function=unique,
        action="lambda:InvokeFunction",
        principal="events.amazonaws.com",
        sourceArn=rule["arn"],
    )
    job = client("batch").submit_job(jobName=unique, jobQueue=queue["arn"], jobDefinition=job_definition["arn"])
    event = json.loads(mailbox.read())
    assert (event["source"], event["detail-type"]) == ("aws.batch", "Batch Job State Change")
    assert (event["account"], event["region"], event["resources"]) == (ACCOUNT, REGION, [job["jobArn"]])
    assert event["detail"]["jobId"] == job["jobId"]
    assert event["detail"]["status"] == "SUCCEEDED"


def test_nobody_else_may_send_events_of_batch(client: Clients) -> None:
    entry = {"Source": "aws.batch", "DetailType": "Batch Job State Change", "Detail": "{}"}
    answer = client("events").put_events(Entries=[entry])
    assert answer["Entries"][0]["ErrorCode"] == "NotAuthorizedForSourceException"


def test_a_rule_without_permission_invokes_nothing(
    create: Create, deploy: Deploy, client: Clients, unique: str, sandbox_state: Path
) -> None:
    pattern = json.dumps({"source": [unique]})
    rule = create("aws:cloudwatch/eventRule:EventRule", name=unique, eventPattern=pattern)
    function = deploy(unique, "def handle(event, context): pass")
    create("aws:cloudwatch/eventTarget:EventTarget", rule=rule["name"], arn=function["arn"])
    client("events").put_events(Entries=[{"Source": unique, "DetailType": "any", "Detail": "{}"}])
    refusal = f"The rule {rule['arn']} has no permission to invoke {function['arn']}."
    assert refusal in (sandbox_state / "server.log").read_text()
    groups = client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{unique}")["logGroups"]
    assert groups == []


def test_a_burst_of_calls_shares_a_few_processes(deploy: Deploy, client: Clients, unique: str) -> None:
    deploy(unique, "import os\ndef handle(event, context): return os.getpid()")

    def call(_: int) -> int:
        return json.load(client("lambda").invoke(FunctionName=unique)["Payload"])

    with ThreadPoolExecutor(20) as threads:
        pids = list(threads.map(call, range(40)))
    assert len(pids) == 40
    assert len(set(pids)) <= max(4, 2 * (os.cpu_count() or 1))
