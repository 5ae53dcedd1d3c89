"""Job definitions: revisions, what Fargate takes, and that nothing written is lost."""

import json

import pytest

from tests.sandbox.batch.harness import ACCOUNT, REGION, Harness
from tests.sandbox.batch.test_compute_environments import refused

ARN = f"arn:aws:batch:{REGION}:{ACCOUNT}:job-definition/jd"


def size(vcpu: str, memory: str):
    return {"resourceRequirements": [{"type": "VCPU", "value": vcpu}, {"type": "MEMORY", "value": memory}]}


def test_a_read_gives_back_what_was_written_and_nothing_more(bare: Harness):
    written = {
        "jobDefinitionName": "jd",
        "type": "container",
        "parameters": {"input": "none"},
        "retryStrategy": {"attempts": 2, "evaluateOnExit": [{"onReason": "CannotPull*", "action": "RETRY"}]},
        "timeout": {"attemptDurationSeconds": 900},
        "propagateTags": True,
        "platformCapabilities": ["FARGATE"],
        "containerProperties": {
            "image": "repository@sha256:00",
            "executionRoleArn": "arn:aws:iam::000000000000:role/execution",
            "jobRoleArn": "arn:aws:iam::000000000000:role/job",
            "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
            "networkConfiguration": {"assignPublicIp": "ENABLED"},
            "environment": [{"name": "A", "value": "1"}],
            "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/g"}},
            **size("0.25", "512"),
        },
        "tags": {"Stack": "dev"},
    }

    answer = bare.client.register_job_definition(**written)

    assert (answer["jobDefinitionArn"], answer["revision"]) == (f"{ARN}:1", 1)
    (read,) = bare.client.describe_job_definitions(jobDefinitions=[f"{ARN}:1"])["jobDefinitions"]
    assert read == {
        **written,
        "jobDefinitionArn": f"{ARN}:1",
        "revision": 1,
        "status": "ACTIVE",
        "containerOrchestrationType": "ECS",
    }


def test_what_was_never_set_stays_absent(bare: Harness):
    bare.define()

    (read,) = bare.client.describe_job_definitions(jobDefinitions=["jd:1"])["jobDefinitions"]
    assert not {"retryStrategy", "timeout", "parameters", "propagateTags", "schedulingPriority"} & read.keys()
    assert read["containerProperties"].keys() == {"image", "executionRoleArn", "resourceRequirements"}


def test_members_that_the_model_does_not_know_are_dropped(bare: Harness):
    status, _, _ = bare.raw(
        "POST",
        "/v1/registerjobdefinition",
        b'{"jobDefinitionName": "jd", "type": "container", "colour": "red", "timeout": null, "containerProperties": '
        b'{"image": "i", "memory": 4, "vcpus": 1, "shape": "round"}}',
    )

    (read,) = bare.client.describe_job_definitions(jobDefinitions=["jd:1"])["jobDefinitions"]
    assert status == 200
    assert not {"colour", "timeout"} & read.keys()
    assert read["containerProperties"] == {"image": "i", "memory": 4, "vcpus": 1}


def test_revisions_go_on_after_a_deregistration(bare: Harness):
    assert bare.define() == f"{ARN}:1"
    assert bare.define() == f"{ARN}:2"

    bare.client.deregister_job_definition(jobDefinition="jd:2")
    bare.client.deregister_job_definition(jobDefinition=f"{ARN}:1")

    assert bare.define() == f"{ARN}:3"
    found = bare.client.describe_job_definitions(jobDefinitionName="jd")["jobDefinitions"]
    assert [(entry["revision"], entry["status"]) for entry in found] == [
        (3, "ACTIVE"),
        (2, "INACTIVE"),
        (1, "INACTIVE"),
    ]
    active = bare.client.describe_job_definitions(jobDefinitionName="jd", status="ACTIVE")["jobDefinitions"]
    assert [entry["revision"] for entry in active] == [3]


def test_definitions_are_found_by_arn_and_by_name_with_revision(bare: Harness):
    bare.define()
    bare.define("other")

    found = bare.client.describe_job_definitions(jobDefinitions=[f"{ARN}:1", "other:1", "missing:1"])["jobDefinitions"]

    assert [entry["jobDefinitionName"] for entry in found] == ["jd", "other"]
    message = refused(bare.client.describe_job_definitions, jobDefinitions=["jd:1"], status="ACTIVE")
    assert "can't be used with other parameters" in message


def test_definitions_come_in_pages(bare: Harness):
    for _ in range(3):
        bare.define()

    pages = bare.client.get_paginator("describe_job_definitions").paginate(
        jobDefinitionName="jd", PaginationConfig={"PageSize": 2}
    )

    assert [[entry["revision"] for entry in page["jobDefinitions"]] for page in pages] == [[3, 2], [1]]


@pytest.mark.parametrize("reference", ["jd", "jd:9", "jd:x", "a b:1", f"{ARN}:1:2"])
def test_only_an_existing_revision_is_deregistered(bare: Harness, reference):
    bare.define()

    refused(bare.client.deregister_job_definition, jobDefinition=reference)

    (read,) = bare.client.describe_job_definitions(jobDefinitions=["jd:1"])["jobDefinitions"]
    assert read["status"] == "ACTIVE"


@pytest.mark.parametrize(
    ("vcpu", "memory"),
    [("0.25", "512"), ("0.5", "4096"), ("1", "8192"), ("4", "8192"), ("8", "20480"), ("16", "122880")],
)
def test_the_pairs_of_fargate_are_taken(bare: Harness, vcpu, memory):
    assert bare.define(container=size(vcpu, memory))


@pytest.mark.parametrize(
    ("vcpu", "memory"),
    [("0.25", "4096"), ("1", "1024"), ("1", "4000"), ("3", "8192"), ("8", "17408"), ("16", "131072"), ("x", "2048")],
)
def test_other_pairs_are_refused(bare: Harness, vcpu, memory):
    assert "not valid" in refused(bare.define, container=size(vcpu, memory)) or vcpu == "x"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"jobDefinitionName": "a.b"}, "[A-Za-z0-9_-]"),
        ({"type": "multinode"}, "one container only"),
        ({"timeout": {"attemptDurationSeconds": 59}}, "60 or more"),
        ({"retryStrategy": {"attempts": 0}}, "attempts must be 1 to 10"),
        ({"retryStrategy": {"attempts": 11}}, "attempts must be 1 to 10"),
        ({"retryStrategy": {"evaluateOnExit": [{"action": "EXIT"}]}}, "attempts is required"),
        ({"retryStrategy": {"attempts": 2, "evaluateOnExit": [{"action": "EXIT"}] * 6}}, "5 conditions at most"),
        (
            {"retryStrategy": {"attempts": 2, "evaluateOnExit": [{"onReason": "Host*EC2", "action": "EXIT"}]}},
            "only the end may be an asterisk",
        ),
        (
            {"retryStrategy": {"attempts": 2, "evaluateOnExit": [{"onExitCode": "one", "action": "EXIT"}]}},
            "only the end may be an asterisk",
        ),
        ({"tags": {"aws:x": "y"}}, "reserved"),
        ({"container": {"privileged": True}}, "privileged is not applicable"),
        ({"container": {"vcpus": 1}}, "vcpus is not applicable for Fargate"),
        ({"container": {"ulimits": [{"name": "nofile", "softLimit": 1, "hardLimit": 1}]}}, "ulimits is not applicable"),
        ({"container": {"linuxParameters": {"sharedMemorySize": 64}}}, "sharedMemorySize is not applicable"),
        ({"container": {"environment": [{"name": "AWS_BATCH_X", "value": ""}]}}, "AWS_BATCH is Batch's own"),
        ({"container": {"resourceRequirements": [{"type": "VCPU", "value": "1"}]}}, "Memory is not provided"),
        ({"container": {"resourceRequirements": [{"type": "MEMORY", "value": "2048"}]}}, "vCPU is not provided"),
        ({"container": {"environment": [{"name": "LONG", "value": "x" * 24 * 1024}]}}, "24576 bytes at most"),
    ],
)
def test_a_wrong_definition_is_refused_and_takes_no_revision(bare: Harness, changes, message):
    assert message in refused(bare.define, **changes)
    assert bare.define() == f"{ARN}:1"


def test_the_largest_definition_has_24_kib(bare: Harness):
    def define(length: int) -> str:
        return bare.define(container={"environment": [{"name": "A", "value": "x" * length}]})

    (read,) = bare.client.describe_job_definitions(jobDefinitions=[define(0)])["jobDefinitions"]
    added_by_aws = ("jobDefinitionArn", "revision", "status", "tags", "containerOrchestrationType")
    written = {member: value for member, value in read.items() if member not in added_by_aws}
    rest = 24 * 1024 - len(json.dumps(written, separators=(",", ":")))

    assert define(rest)
    assert "24576 bytes at most" in refused(define, rest + 1)


def test_fargate_needs_an_execution_role(bare: Harness):
    container = {"image": "i", **size("1", "2048")}

    message = refused(
        bare.client.register_job_definition,
        jobDefinitionName="jd",
        type="container",
        platformCapabilities=["FARGATE"],
        containerProperties=container,
    )

    assert "executionRoleArn is required" in message
