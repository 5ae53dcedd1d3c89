"""The whole program with all that is off by default, in the sandbox: it comes up, and failures are one message."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.program import Deployment, run_program
from sandbox.context import Clients
from sandbox.deploy import SandboxProvider

ROOT = Path(__file__).parents[2]
REGION = "eu-central-1"
ACCOUNT = "000000000000"
FAILING_JOBS = 3


@pytest.fixture(scope="session")
def deployment(provider: SandboxProvider) -> Deployment:
    config = {
        "aws:region": REGION,
        "buildCache": False,
        "pipelines": {"wordcount": {"context": "pipelines/wordcount"}},
        "functions": {
            "mailer": {
                "pipeline": "wordcount",
                "failureDestination": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead",
                "command": ["app.handle"],
            }
        },
        "services": {"web": {"pipeline": "wordcount", "port": 8080, "sources": ["10.0.0.0/16"]}},
        "notifications": {"emails": ["team@example.org"]},
    }
    return run_program(ROOT, "dev", provider=provider, preview=False, config=config)


def test_job_function_and_service_have_one_digest(deployment: Deployment, client: Clients) -> None:
    summary: Mapping[str, Any] = deployment.exports["pipelines"]["wordcount"]
    image = summary["imageReference"]
    name = deployment.exports["functions"]["mailer"]["functionName"]
    function = client("lambda").get_function(FunctionName=name, Qualifier="live")
    assert function["Code"]["ImageUri"] == image
    assert function["Configuration"]["Version"] == "1"
    exported = deployment.exports["services"]["web"]
    (service,) = client("ecs").describe_services(cluster=exported["cluster"], services=[exported["serviceName"]])[
        "services"
    ]
    assert (service["runningCount"], service["deployments"][0]["rolloutState"]) == (1, "COMPLETED")
    task = client("ecs").describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    assert [container["image"] for container in task["containerDefinitions"]] == [image]
    (job,) = client("batch").describe_job_definitions(jobDefinitionName=summary["jobDefinition"].partition(":")[0])[
        "jobDefinitions"
    ]
    assert job["containerProperties"]["image"] == image


def test_failed_jobs_are_one_message_and_cancelled_ones_none(
    deployment: Deployment, client: Clients, unique: str
) -> None:
    batch, sqs, sns = client("batch"), client("sqs"), client("sns")
    topic = deployment.one("aws:sns/topic:Topic").outputs["arn"]
    inbox = sqs.create_queue(QueueName=unique)["QueueUrl"]
    inbox_arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{unique}"
    publish = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": inbox_arn}
    sqs.set_queue_attributes(
        QueueUrl=inbox, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [publish]})}
    )
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=inbox_arn)
    definition = deployment.exports["pipelines"]["wordcount"]["jobDefinition"]
    job = {"jobQueue": "slipway-dev", "jobDefinition": definition}
    blocker = batch.submit_job(jobName="waits", dependsOn=[], **job)["jobId"]
    batch.terminate_job(jobId=blocker, reason="Cancelled by default: no longer needed")
    # Without parameters the sample fails at once.
    started = {batch.submit_job(jobName=f"fails-{n}", **job)["jobId"] for n in range(FAILING_JOBS)}
    failures = deployment.one("aws:sqs/queue:Queue").outputs["url"]
    told: set[str] = set()
    while len(told) < FAILING_JOBS:
        answer = sqs.receive_message(QueueUrl=failures, MaxNumberOfMessages=10, WaitTimeSeconds=20)
        assert answer.get("Messages"), "no failed job was told in time"
        told |= {json.loads(message["Body"])["detail"]["jobId"] for message in answer["Messages"]}
    assert told == started
    messages = sqs.receive_message(QueueUrl=inbox, MaxNumberOfMessages=10, WaitTimeSeconds=1)["Messages"]
    (alarm,) = [json.loads(json.loads(message["Body"])["Message"]) for message in messages]
    assert alarm["NewStateValue"] == "ALARM"
    assert "slipway logs PIPELINE JOB --stack dev" in alarm["AlarmDescription"]


def event(kind: str, source: str, detail: Mapping[str, Any]) -> str:
    """An event as EventBridge has it [Amazon ECR user guide, "Sample events from Amazon ECR"]."""
    return json.dumps(
        {
            "version": "0",
            "id": "13cde686-328b-6117-af20-0e5566167482",
            "detail-type": kind,
            "source": source,
            "account": ACCOUNT,
            "time": "2026-11-16T01:54:34Z",
            "region": REGION,
            "resources": [],
            "detail": detail,
        }
    )


PUSH = {
    "result": "SUCCESS",
    "repository-name": "slipway-dev/wordcount",
    "image-digest": "sha256:7f5b2640fe6fb4f46592dfd3410c4a79dac4f89e4782432e0378abcd1234",
    "action-type": "PUSH",
    "image-tag": "content-1",
}
SCAN = {
    "scan-status": "COMPLETE",
    "repository-name": "slipway-dev/wordcount",
    "finding-severity-counts": {"CRITICAL": 10, "MEDIUM": 9},
    "image-digest": "sha256:7f5b2640fe6fb4f46592dfd3410c4a79dac4f89e4782432e0378abcd1234",
    "image-tags": [],
}
FAILED = {"status": "FAILED", "jobQueue": f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue/slipway-dev"}


@pytest.mark.parametrize(
    ("role", "kind", "detail", "expected"),
    [
        ("pushes", "ECR Image Action", PUSH, True),
        ("pushes", "ECR Image Action", {**PUSH, "image-tag": "buildcache"}, False),
        ("pushes", "ECR Image Action", {**PUSH, "result": "FAILURE"}, False),
        ("pushes", "ECR Image Action", {**PUSH, "action-type": "DELETE"}, False),
        ("pushes", "ECR Image Action", {**PUSH, "repository-name": "slipway-development/wordcount"}, False),
        ("findings", "ECR Image Scan", SCAN, True),
        ("findings", "ECR Image Scan", {**SCAN, "finding-severity-counts": {"HIGH": 1}}, True),
        ("findings", "ECR Image Scan", {**SCAN, "finding-severity-counts": {"HIGH": 0, "MEDIUM": 9}}, False),
        ("findings", "ECR Image Scan", {**SCAN, "finding-severity-counts": {}}, False),
        ("findings", "ECR Image Scan", {**SCAN, "scan-status": "FAILED"}, False),
        ("findings", "ECR Image Scan", {**SCAN, "repository-name": "other/wordcount"}, False),
        ("failures", "Batch Job State Change", FAILED, True),
        ("failures", "Batch Job State Change", {**FAILED, "statusReason": "Essential container in task exited"}, True),
        ("failures", "Batch Job State Change", {**FAILED, "statusReason": "Cancelled by default"}, False),
        ("failures", "Batch Job State Change", {**FAILED, "statusReason": "Duplicate of job 1, which has"}, False),
        ("failures", "Batch Job State Change", {**FAILED, "status": "SUCCEEDED"}, False),
        ("failures", "Batch Job State Change", {**FAILED, "jobQueue": "other"}, False),
    ],
)
def test_what_a_rule_matches(
    deployment: Deployment, client: Clients, role: str, kind: str, detail: Mapping[str, Any], expected: bool
) -> None:
    rule = deployment.one("aws:cloudwatch/eventRule:EventRule", f"slipway-dev-notifications-{role}").inputs
    source = "aws.batch" if role == "failures" else "aws.ecr"
    answer = client("events").test_event_pattern(EventPattern=rule["eventPattern"], Event=event(kind, source, detail))
    assert answer["Result"] is expected
