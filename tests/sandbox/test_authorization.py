"""What a role allows in the sandbox is what its policies say, for functions, for jobs, and for calls to Batch."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pulumi
import pytest
from botocore.exceptions import ClientError

from sandbox.context import Clients
from sandbox.process import Sandbox
from tests import patient
from tests.sandbox.conftest import ACCOUNT, REGION, Create

_CALLER = """
import boto3

def handle(event, context):
    try:
        getattr(boto3.client(event["service"]), event["operation"])(**event["arguments"])
    except Exception as error:
        return type(error).__name__ + " " + str(error)
    return "allowed"
"""
_WRITER = """
import os, socket, boto3
answers = []
for prefix in ("mine", "other"):
    try:
        boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key=prefix + "/key", Body=b"x")
        answers.append(prefix)
    except Exception as error:
        answers.append(type(error).__name__)
with socket.create_connection(("127.0.0.1", int(os.environ["MAILBOX"]))) as mailbox:
    mailbox.sendall(" ".join(answers).encode())
"""

Call = Callable[..., str]
Allow = Callable[..., str]


@pytest.fixture
def allow(create: Create, unique: str) -> Allow:
    """`allow(statement, ...)` makes a role that functions and jobs may take; its ARN."""

    def make(*statements: dict[str, Any]) -> str:
        services = ["lambda.amazonaws.com", "ecs-tasks.amazonaws.com"]
        trust = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        role = create("aws:iam/role:Role", name=unique, assumeRolePolicy=document)
        policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **one} for one in statements]})
        create("aws:iam/rolePolicy:RolePolicy", role=role.id, policy=policy)
        return role["arn"]

    return make


@pytest.fixture
def calling(create: Create, client: Clients, allow: Allow, unique: str) -> Callable[..., Call]:
    """`calling(statement, ...)` deploys a function with these permissions, which then makes calls."""

    def deploy(*statements: dict[str, Any]) -> Call:
        create(
            "aws:lambda/function:Function",
            name=unique,
            code=pulumi.AssetArchive({"handler.py": pulumi.StringAsset(_CALLER)}),
            handler="handler.handle",
            runtime="python3.13",
            timeout=60,
            role=allow(*statements),
        )

        def call(service: str, operation: str, **arguments: Any) -> str:
            event = {"service": service, "operation": operation, "arguments": arguments}
            answer = client("lambda").invoke(FunctionName=unique, Payload=json.dumps(event))
            return json.load(answer["Payload"])

        return call

    return deploy


def test_a_function_may_do_what_its_role_allows_and_nothing_else(calling: Any, create: Create, unique: str) -> None:
    create("aws:s3/bucket:Bucket", bucket=unique)
    create("aws:s3/bucketObject:BucketObject", bucket=unique, key="mine/key", content="x")
    call = calling({"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{unique}/mine/*"})
    assert call("s3", "get_object", Bucket=unique, Key="mine/key") == "allowed"
    for operation, arguments in (
        ("get_object", {"Key": "other/key"}),
        ("delete_object", {"Key": "mine/key"}),
        ("list_objects_v2", {}),
    ):
        assert "AccessDenied" in call("s3", operation, Bucket=unique, **arguments)


def test_a_condition_counts(calling: Any, create: Create, unique: str) -> None:
    create("aws:s3/bucket:Bucket", bucket=unique)
    call = calling(
        {
            "Action": "s3:ListBucket",
            "Resource": f"arn:aws:s3:::{unique}",
            "Condition": {"StringLike": {"s3:prefix": "mine/*"}},
        }
    )
    assert call("s3", "list_objects_v2", Bucket=unique, Prefix="mine/1/") == "allowed"
    assert "AccessDenied" in call("s3", "list_objects_v2", Bucket=unique, Prefix="other/")


def test_a_log_stream_is_a_resource_of_its_own(calling: Any, create: Create, unique: str) -> None:
    group = create("aws:cloudwatch/logGroup:LogGroup", name=unique)
    call = calling(
        {"Action": "logs:CreateLogStream", "Resource": f"{group['arn']}:log-stream:*"},
        {"Action": "logs:GetLogEvents", "Resource": f"{group['arn']}:log-stream:one"},
    )
    for stream in ("one", "two"):
        assert call("logs", "create_log_stream", logGroupName=unique, logStreamName=stream) == "allowed"
    assert call("logs", "get_log_events", logGroupName=unique, logStreamName="one") == "allowed"
    assert "AccessDenied" in call("logs", "get_log_events", logGroupName=unique, logStreamName="two")


def test_submitting_needs_the_queue_and_the_definition(calling: Any, unique: str) -> None:
    batch = f"arn:aws:batch:{REGION}:{ACCOUNT}"
    call = calling(
        {"Action": "batch:SubmitJob", "Resource": [f"{batch}:job-queue/mine", f"{batch}:job-definition/mine:*"]},
        {"Action": "batch:DescribeJobs", "Resource": "*"},
        {"Action": "batch:TerminateJob", "Resource": f"{batch}:job/*"},
    )
    job = {"jobName": unique, "jobQueue": "mine", "jobDefinition": "mine:1"}
    assert "ClientException" in call("batch", "submit_job", **job)
    refused = call("batch", "submit_job", **{**job, "jobQueue": "other"})
    assert f"not authorized to perform: batch:SubmitJob on resource: {batch}:job-queue/other" in refused
    assert "AccessDenied" in call("batch", "submit_job", **{**job, "jobDefinition": f"{batch}:job-definition/other:1"})
    assert "batch:TagResource" in call("batch", "submit_job", **job, tags={"a": "b"})
    assert call("batch", "describe_jobs", jobs=["any"]) == "allowed"
    assert "ClientException" in call("batch", "terminate_job", jobId="any", reason="any")
    assert "AccessDenied" in call("batch", "cancel_job", jobId="any", reason="any")
    assert "AccessDenied" in call("batch", "list_jobs", jobQueue="mine")
    assert "AccessDenied" in call("batch", "list_tags_for_resource", resourceArn=f"{batch}:job/any")


def test_a_job_acts_as_its_role(
    create: Create, client: Clients, allow: Allow, unique: str, mailbox: Any, tmp_path: Path
) -> None:
    create("aws:s3/bucket:Bucket", bucket=unique)
    role = allow({"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{unique}/mine/*"})
    (tmp_path / "job.py").write_text(_WRITER)
    (tmp_path / "Dockerfile").write_text(
        'FROM python:3.13-slim\nRUN pip install boto3\nCOPY job.py .\nCMD ["python", "job.py"]\n'
    )
    image = create("docker-build:index:Image", context={"location": str(tmp_path)})
    environment = create(
        "aws:batch/computeEnvironment:ComputeEnvironment",
        name=unique,
        type="MANAGED",
        computeResources={"type": "FARGATE", "maxVcpus": 1, "subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]},
    )
    create(
        "aws:batch/jobQueue:JobQueue",
        name=unique,
        priority=1,
        state="ENABLED",
        computeEnvironmentOrders=[{"order": 1, "computeEnvironment": environment["arn"]}],
    )
    variables = {"MAILBOX": str(mailbox.port), "BUCKET": unique}
    container = {
        "image": f"any@{image['digest']}",
        "executionRoleArn": role,
        "jobRoleArn": role,
        "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}],
        "environment": [{"name": name, "value": value} for name, value in variables.items()],
    }
    create(
        "aws:batch/jobDefinition:JobDefinition",
        name=unique,
        type="container",
        platformCapabilities=["FARGATE"],
        containerProperties=json.dumps(container),
    )
    client("batch").submit_job(jobName=unique, jobQueue=unique, jobDefinition=unique)
    assert mailbox.read() == "mine AccessDenied"


def test_what_a_role_called_is_on_record(calling: Any, create: Create, unique: str, sandbox: Sandbox) -> None:
    create("aws:s3/bucket:Bucket", bucket=unique)
    call = calling({"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{unique}/*"})
    call("s3", "get_object", Bucket=unique, Key="key")
    call("batch", "describe_jobs", jobs=["any"])
    calls = patient.get(f"{sandbox.endpoint_url}/_slipway/calls").json()["calls"]
    own = {entry["action"]: entry["resources"] for entry in calls if entry["role"] == unique}
    assert own["s3:GetObject"] == [f"arn:aws:s3:::{unique}/key"]
    assert own["batch:DescribeJobs"] == ["*"]


def test_a_private_object_needs_a_signature(create: Create, unique: str, sandbox: Sandbox) -> None:
    create("aws:s3/bucket:Bucket", bucket=unique)
    create("aws:s3/bucketObject:BucketObject", bucket=unique, key="key", content="secret")
    answer = patient.get(f"{sandbox.endpoint_url}/{unique}/key")
    assert answer.status_code == 403
    assert "secret" not in answer.text


def test_a_stranger_is_refused(sandbox: Sandbox) -> None:
    for service, call in (("iam", "list_roles"), ("batch", "list_scheduling_policies")):
        stranger = boto3.client(
            service,
            endpoint_url=sandbox.endpoint_url,
            region_name=REGION,
            aws_access_key_id="AKIAANYBODY000000000",
            aws_secret_access_key="wrong",
        )
        with pytest.raises(ClientError) as caught:
            getattr(stranger, call)()
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
