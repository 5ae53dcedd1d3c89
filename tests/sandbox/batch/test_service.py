"""Routing, errors, tags and tokens: what all operations have in common."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.batch.harness import MODEL, Harness
from tests.sandbox.batch.test_compute_environments import ARN as ENVIRONMENT
from tests.sandbox.batch.test_compute_environments import refused


def message(answer) -> str:
    return json.loads(answer[2])["message"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"{", "not JSON"),
        (b"[]", "The request must be an object, not list"),
        (b"{}", "jobName is required"),
        (
            b'{"jobName": "j", "jobQueue": "q", "jobDefinition": "jd", "dependsOn": [null]}',
            "dependsOn[0] must be an object",
        ),
        (
            b'{"jobName": "j", "jobQueue": "q", "jobDefinition": "jd", "containerOverrides": {"command": [null]}}',
            "containerOverrides.command[0] must be a string, not null",
        ),
        (b'{"jobName": 1, "jobQueue": "q", "jobDefinition": "jd"}', "jobName must be a string, not int"),
        (b'{"jobName": "j", "jobQueue": "q", "jobDefinition": "jd", "dependsOn": {}}', "dependsOn must be a list"),
        (
            b'{"jobName": "j", "jobQueue": "q", "jobDefinition": "jd", "propagateTags": "yes"}',
            "propagateTags must be a boolean",
        ),
        (
            b'{"jobName": "j", "jobQueue": "q", "jobDefinition": "jd", "timeout": {"attemptDurationSeconds": true}}',
            "timeout.attemptDurationSeconds must be a integer",
        ),
        (
            b'{"jobName": "j", "jobQueue": "q", "jobDefinition": "jd", "containerOverrides": '
            b'{"resourceRequirements": [{"type": "DISK", "value": "1"}]}}',
            "resourceRequirements[0].type must be one of GPU, VCPU, MEMORY",
        ),
    ],
)
def test_a_malformed_request_is_a_client_exception(batch: Harness, body, text):
    answer = batch.raw("POST", "/v1/submitjob", body)

    assert answer[0] == 400
    assert answer[1]["x-amzn-errortype"] == "ClientException"
    assert text in message(answer)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/nosuchthing"), ("GET", "/v1/submitjob"), ("POST", "/"), ("POST", "/v1/createquotashare")],
)
def test_an_unknown_operation_is_not_found(batch: Harness, method, path):
    body = b'{"quotaShareName": "a"}'

    answer = batch.raw(method, path, body)

    assert answer[0] == 404
    assert answer[1]["x-amzn-errortype"] == "UnknownOperationException"


def test_an_own_fault_is_a_server_exception_without_details(bare: Harness, monkeypatch, caplog):
    monkeypatch.setattr(bare.service._state, "job_queues", None)

    with pytest.raises(ClientError) as caught:
        bare.client.describe_job_queues()

    assert caught.value.response["Error"]["Code"] == "ServerException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert "NoneType" not in str(caught.value)
    assert "describejobqueues failed" in caplog.text


def test_the_error_codes_and_statuses_are_those_of_the_model():
    errors = {shape.name: shape.metadata["error"]["httpStatusCode"] for shape in MODEL.error_shapes}

    assert errors == {"ClientException": 400, "ServerException": 500}


def test_an_event_that_cannot_be_delivered_does_not_stop_those_after_it(scripted: Harness, runner, caplog):
    failing = iter([True])
    note = scripted._note

    def deliver(detail) -> None:
        if next(failing, False):
            raise RuntimeError
        note(detail)

    scripted.service._on_state_change = deliver
    runner.exit_codes = [0]

    job_id = scripted.submit()
    scripted.wait(job_id)
    assert scripted.statuses(job_id) == ["RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]
    assert "A state change was not delivered" in caplog.text


def test_tags_of_every_kind_of_thing(batch: Harness):
    arns = [
        ENVIRONMENT,
        batch.client.describe_job_queues()["jobQueues"][0]["jobQueueArn"],
        batch.define(),
        batch.client.create_scheduling_policy(name="p")["arn"],
        batch.job(batch.submit())["jobArn"],
    ]
    for arn in arns:
        assert batch.client.list_tags_for_resource(resourceArn=arn)["tags"] == {}
        batch.client.tag_resource(resourceArn=arn, tags={"a": "1", "b c": "2", "d&e": ""})
        batch.client.untag_resource(resourceArn=arn, tagKeys=["a", "b c"])

        assert batch.client.list_tags_for_resource(resourceArn=arn)["tags"] == {"d&e": ""}


def test_tags_are_limited_and_some_are_reserved(batch: Harness):
    tag = batch.client.tag_resource
    tag(resourceArn=ENVIRONMENT, tags={str(number): "" for number in range(50)})

    assert "50 tags at most" in refused(tag, resourceArn=ENVIRONMENT, tags={"one more": ""})
    assert "reserved" in refused(tag, resourceArn=ENVIRONMENT, tags={"AWS:x": ""})
    assert "does not exist" in refused(tag, resourceArn=f"{ENVIRONMENT}x", tags={"a": ""})


def test_a_token_belongs_to_its_request(bare: Harness):
    for name in ("a", "b", "c"):
        bare.define(name)
    page = bare.client.describe_job_definitions(maxResults=1)

    describe = bare.client.describe_job_definitions
    assert "another request" in refused(describe, nextToken=page["nextToken"], status="ACTIVE")
    for token in ("x", "e30=", "bnVsbA==", "!"):
        assert "nextToken" in refused(describe, nextToken=token)
    assert "maxResults must be 1 to 100" in refused(describe, maxResults=0)


def test_a_page_neither_repeats_nor_hides_when_things_come_and_go(bare: Harness):
    for name in ("b", "c", "d"):
        bare.define(name)
    first = bare.client.describe_job_definitions(maxResults=2)
    bare.define("a")

    second = bare.client.describe_job_definitions(maxResults=2, nextToken=first["nextToken"])

    assert [entry["jobDefinitionName"] for entry in second["jobDefinitions"]] == ["d"]
    assert "nextToken" not in second
