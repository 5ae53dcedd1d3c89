"""Functions, Batch, and the events between them: read back as written, gone when deleted."""

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pulumi
import pytest
from botocore.exceptions import ClientError

from sandbox.context import Clients

Create = Callable[..., Any]
REGION = "eu-central-1"
ACCOUNT = "000000000000"
TAGS = {"Project": "slipway"}
_REPORTER = """
import json, os, socket

def handle(event, context):
    with socket.create_connection(("127.0.0.1", int(os.environ["MAILBOX"]))) as mailbox:
        mailbox.sendall(json.dumps(event).encode())
"""


def refused(call: Callable[..., Any], **arguments: Any) -> str:
    """The error code of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


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
            **inputs,
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


IMAGE = "any@sha256:{}".format


@pytest.fixture
def image_function(create: Create, role: str, unique: str) -> Any:
    return create(
        "aws:lambda/function:Function",
        name=unique,
        packageType="Image",
        imageUri=IMAGE("0" * 64),
        imageConfig={"commands": ["app.handle"]},
        architectures=["arm64"],
        role=role,
        memorySize=512,
        timeout=60,
        ephemeralStorage={"size": 512},
        publish=True,
        tags=TAGS,
    )


def test_a_function_of_an_image_and_its_versions(image_function: Any, client: Clients, unique: str) -> None:
    functions = client("lambda")
    read = functions.get_function(FunctionName=unique)
    assert read["Code"]["ImageUri"] == read["Code"]["ResolvedImageUri"] == IMAGE("0" * 64)
    found = read["Configuration"]
    assert (found["PackageType"], found["Architectures"], found["CodeSha256"]) == ("Image", ["arm64"], "0" * 64)
    assert found["ImageConfigResponse"] == {"ImageConfig": {"Command": ["app.handle"]}}
    assert (image_function["version"], image_function["arn"]) == ("1", found["FunctionArn"])
    functions.get_waiter("function_active_v2").wait(FunctionName=unique, WaiterConfig={"Delay": 0.1})
    functions.update_function_code(FunctionName=unique, ImageUri=IMAGE("1" * 64))
    functions.get_waiter("function_updated_v2").wait(FunctionName=unique, WaiterConfig={"Delay": 0.1})
    assert functions.publish_version(FunctionName=unique)["Version"] == "2"
    # What the provider waits for before it calls the new version published.
    functions.get_waiter("published_version_active").wait(
        FunctionName=unique, Qualifier="2", WaiterConfig={"Delay": 0.1}
    )
    listed = functions.list_versions_by_function(FunctionName=unique)["Versions"]
    assert [(item["Version"], item["FunctionArn"], item["CodeSha256"]) for item in listed[1:]] == [
        ("1", found["FunctionArn"] + ":1", "0" * 64),
        ("2", found["FunctionArn"] + ":2", "1" * 64),
    ]
    functions.delete_function(FunctionName=unique)
    assert refused(functions.get_function, FunctionName=unique) == "ResourceNotFoundException"


def test_alias(create: Create, image_function: Any, client: Clients, unique: str) -> None:
    functions = client("lambda")
    alias = create(
        "aws:lambda/alias:Alias",
        name="live",
        functionName=unique,
        functionVersion=image_function["version"],
        description="what callers get",
    )
    read = functions.get_alias(FunctionName=unique, Name="live")
    assert alias["arn"] == read["AliasArn"] == f"{image_function['arn']}:live"
    assert (read["FunctionVersion"], read["Description"]) == ("1", "what callers get")
    assert "RoutingConfig" not in read
    functions.update_function_code(FunctionName=unique, ImageUri=IMAGE("1" * 64), Publish=True)
    functions.update_alias(FunctionName=unique, Name="live", FunctionVersion="2")
    assert functions.get_alias(FunctionName=unique, Name="live")["FunctionVersion"] == "2"
    queue_arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:failures"
    config = create(
        "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
        functionName=unique,
        qualifier="live",
        maximumRetryAttempts=2,
        destinationConfig={"onFailure": {"destination": queue_arn}},
    )
    assert config.id == f"{unique}:live"
    read = functions.get_function_event_invoke_config(FunctionName=unique, Qualifier="live")
    assert read["DestinationConfig"] == {"OnFailure": {"Destination": queue_arn}}
    assert read["MaximumRetryAttempts"] == 2
    assert "MaximumEventAgeInSeconds" not in read
    functions.delete_function_event_invoke_config(FunctionName=unique, Qualifier="live")
    code = refused(functions.get_function_event_invoke_config, FunctionName=unique, Qualifier="live")
    assert code == "ResourceNotFoundException"
    functions.delete_alias(FunctionName=unique, Name="live")
    assert refused(functions.get_alias, FunctionName=unique, Name="live") == "ResourceNotFoundException"


_PROGRAM = """
import json, os, sys, urllib.request

api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
while True:
    with urllib.request.urlopen(f"{api}/next") as answer:
        request, event = answer.headers["Lambda-Runtime-Aws-Request-Id"], json.load(answer)
    said = {"twice": event["n"] * 2, "word": os.environ["WORD"], "arguments": sys.argv[1:]}
    urllib.request.urlopen(f"{api}/{request}/response", json.dumps(said).encode()).close()
"""


def test_a_function_of_an_image_that_was_built_here_runs(
    create: Create, client: Clients, role: str, unique: str, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(_PROGRAM)
    dockerfile = 'FROM python:3.13-slim\nWORKDIR /app\nCOPY app.py .\nENTRYPOINT ["python", "app.py"]\nCMD ["first"]\n'
    (tmp_path / "Dockerfile").write_text(dockerfile)
    image = create("docker-build:index:Image", context={"location": str(tmp_path)})
    create(
        "aws:lambda/function:Function",
        name=unique,
        packageType="Image",
        imageUri=f"any@{image['digest']}",
        imageConfig={"commands": ["second"]},
        environment={"variables": {"WORD": "it's said"}},
        architectures=["arm64"],
        role=role,
        timeout=20,
        publish=True,
    )
    create("aws:lambda/alias:Alias", name="live", functionName=unique, functionVersion="1")
    for n in (1, 21):
        answer = client("lambda").invoke(FunctionName=f"{unique}:live", Payload=json.dumps({"n": n}))
        assert "FunctionError" not in answer
        assert json.load(answer["Payload"]) == {"twice": 2 * n, "word": "it's said", "arguments": ["second"]}


def test_a_function_of_another_image_says_that_it_does_not_run_here(
    image_function: Any, client: Clients, unique: str
) -> None:
    answer = client("lambda").invoke(FunctionName=unique)
    assert answer["FunctionError"] == "Unhandled"
    text = f"The sandbox doesn't run {unique}: it didn't build {IMAGE('0' * 64)} itself; see docs/sandbox.md."
    assert json.load(answer["Payload"])["errorMessage"] == text
