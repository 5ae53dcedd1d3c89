"""Compute environments: what they take, what reads give back, and when they may go."""

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.batch.harness import ACCOUNT, REGION, Harness

ARN = f"arn:aws:batch:{REGION}:{ACCOUNT}:compute-environment/ce"
RESOURCES = {"type": "FARGATE", "maxvCpus": 4, "subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]}


def create(bare: Harness, **changes):
    return bare.client.create_compute_environment(
        **{"computeEnvironmentName": "ce", "type": "MANAGED", "computeResources": RESOURCES, **changes}
    )


def refused(call, *args, **kwargs) -> str:
    with pytest.raises(ClientError) as caught:
        call(*args, **kwargs)
    assert caught.value.response["Error"]["Code"] == "ClientException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return caught.value.response["Error"]["Message"]


def read(bare: Harness, reference: str = "ce"):
    (environment,) = bare.client.describe_compute_environments(computeEnvironments=[reference])["computeEnvironments"]
    return environment


def test_a_read_gives_back_what_was_written_and_what_aws_adds(bare):
    answer = create(bare, tags={"Stack": "dev"})

    assert (answer["computeEnvironmentName"], answer["computeEnvironmentArn"]) == ("ce", ARN)
    environment = read(bare)
    unique = environment.pop("uuid")
    assert environment == {
        "computeEnvironmentName": "ce",
        "computeEnvironmentArn": ARN,
        "ecsClusterArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/AWSBatch-ce-{unique}",
        "type": "MANAGED",
        "state": "ENABLED",
        "status": "VALID",
        "statusReason": "ComputeEnvironment Healthy",
        "computeResources": RESOURCES,
        "serviceRole": f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch",
        "containerOrchestrationType": "ECS",
        "tags": {"Stack": "dev"},
    }


def test_an_environment_is_found_by_arn_and_an_unknown_one_is_left_out(bare):
    create(bare)

    assert read(bare, ARN) == read(bare, "ce")
    assert bare.client.describe_compute_environments(computeEnvironments=["other"])["computeEnvironments"] == []


def test_an_environment_may_begin_disabled(bare):
    create(bare, state="DISABLED")

    assert read(bare)["state"] == "DISABLED"


def test_a_service_role_that_was_given_is_kept(bare):
    create(bare, serviceRole="arn:aws:iam::000000000000:role/batch")

    assert read(bare)["serviceRole"] == "arn:aws:iam::000000000000:role/batch"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"computeEnvironmentName": "a b"}, "[A-Za-z0-9_-]"),
        ({"computeEnvironmentName": "a" * 129}, "[A-Za-z0-9_-]"),
        ({"computeResources": {**RESOURCES, "minvCpus": 0}}, "minvCpus is not applicable for Fargate"),
        ({"computeResources": {**RESOURCES, "tags": {"a": "b"}}}, "tags is not applicable for Fargate"),
        ({"computeResources": {**RESOURCES, "allocationStrategy": "BEST_FIT"}}, "allocationStrategy is not applicable"),
        ({"computeResources": {**RESOURCES, "maxvCpus": 0}}, "maxvCpus must be 1 or more"),
        ({"computeResources": {**RESOURCES, "subnets": []}}, "subnets is required"),
        ({"computeResources": {**RESOURCES, "securityGroupIds": []}}, "securityGroupIds is required"),
        ({"computeResources": {**RESOURCES, "type": "LAMBDA"}}, "computeResources.type must be one of EC2"),
    ],
)
def test_what_fargate_does_not_take_is_refused(bare, changes, message):
    assert message in refused(create, bare, **changes)
    assert bare.client.describe_compute_environments()["computeEnvironments"] == []


def test_a_managed_environment_needs_resources(bare):
    message = refused(bare.client.create_compute_environment, computeEnvironmentName="ce", type="MANAGED")

    assert "computeResources is required" in message


def test_a_name_is_taken_once(bare):
    create(bare)

    assert refused(create, bare) == "Object already exists"


def test_an_update_changes_what_it_names_and_nothing_else(bare):
    create(bare)
    before = read(bare)

    bare.client.update_compute_environment(computeEnvironment=ARN, computeResources={"maxvCpus": 8}, state="DISABLED")

    assert read(bare) == {**before, "state": "DISABLED", "computeResources": {**RESOURCES, "maxvCpus": 8}}


def test_an_update_cannot_give_fargate_what_it_does_not_take(bare):
    create(bare)

    message = refused(
        bare.client.update_compute_environment, computeEnvironment="ce", computeResources={"desiredvCpus": 2}
    )

    assert "desiredvCpus is not applicable for Fargate" in message
    assert read(bare)["computeResources"] == RESOURCES


def test_an_unknown_environment_cannot_be_updated_or_deleted(bare):
    assert "does not exist" in refused(bare.client.update_compute_environment, computeEnvironment="ce")
    assert "does not exist" in refused(bare.client.delete_compute_environment, computeEnvironment=ARN)


def test_only_a_disabled_environment_without_a_queue_is_deleted(bare):
    create(bare)
    bare.client.create_job_queue(
        jobQueueName="q", priority=1, computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "ce"}]
    )

    assert "must be DISABLED" in refused(bare.client.delete_compute_environment, computeEnvironment="ce")
    bare.client.update_compute_environment(computeEnvironment="ce", state="DISABLED")
    message = refused(bare.client.delete_compute_environment, computeEnvironment="ce")
    assert message == "Cannot delete, found existing JobQueue relationship"
    bare.client.update_job_queue(jobQueue="q", state="DISABLED")
    bare.client.delete_job_queue(jobQueue="q")
    bare.client.delete_compute_environment(computeEnvironment="ce")

    assert bare.client.describe_compute_environments(computeEnvironments=["ce"])["computeEnvironments"] == []


def test_environments_come_in_pages(bare):
    for name in ("a", "b", "c"):
        create(bare, computeEnvironmentName=name)

    pages = bare.client.get_paginator("describe_compute_environments").paginate(PaginationConfig={"PageSize": 2})

    names = [[entry["computeEnvironmentName"] for entry in page["computeEnvironments"]] for page in pages]
    assert names == [["a", "b"], ["c"]]


def test_an_arn_of_another_region_is_refused(bare):
    foreign = ARN.replace(REGION, "us-east-1")

    assert "is not the ARN" in refused(bare.client.describe_compute_environments, computeEnvironments=[foreign])
