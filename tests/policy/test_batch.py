"""Batch rules: privilege, limits, logs and roles, Spot and addresses."""

import json
from typing import Any

import pytest

from policy.guardrails import batch
from policy.guardrails.resources import Resource
from tests.policy.harness import UNKNOWN, UNKNOWN_TEXT, resource, verdict

LOGS = {"logDriver": "awslogs", "options": {"awslogs-group": "/jobs"}}
ROLES = {"executionRoleArn": "arn:execution", "jobRoleArn": "arn:job"}


def job(container: Any = None, **properties: Any) -> Resource:
    fields = {"timeout": {"attemptDurationSeconds": 900}, "platformCapabilities": ["FARGATE"], **properties}
    if container is not None:
        fields["containerProperties"] = json.dumps(container)
    return resource("batch:JobDefinition", fields)


def in_ecs(*containers: Any, **task: Any) -> Resource:
    return job(ecsProperties=json.dumps({"taskProperties": [{"containers": list(containers), **task}]}))


def in_nodes(container: Any) -> Resource:
    return job(nodeProperties=json.dumps({"nodeRangeProperties": [{"targetNodes": "0:", "container": container}]}))


def in_nodes_of_ecs(container: Any) -> Resource:
    ranges = [{"ecsProperties": {"taskProperties": [{"containers": [container]}]}}]
    return job(nodeProperties=json.dumps({"nodeRangeProperties": ranges}))


class TestNotPrivileged:
    @pytest.mark.parametrize("build", [job, in_ecs, in_nodes, in_nodes_of_ecs])
    def test_privileged_container_is_refused_wherever_it_is(self, build: Any):
        assert len(verdict(batch.NOT_PRIVILEGED, build({"image": "i", "privileged": True})).found) == 1
        assert verdict(batch.NOT_PRIVILEGED, build({"image": "i", "privileged": False})).status == "pass"
        assert verdict(batch.NOT_PRIVILEGED, build({"image": "i"})).status == "pass"

    @pytest.mark.parametrize("key", ["containers", "initContainers"])
    def test_privileged_pod_is_refused(self, key: str):
        pod = {key: [{"image": "i", "securityContext": {"privileged": True}}]}
        assert verdict(batch.NOT_PRIVILEGED, job(eksProperties={"podProperties": pod})).status == "violation"

    def test_unbuilt_image_is_not_yet_known(self):
        subject = job(containerProperties=UNKNOWN_TEXT)
        assert verdict(batch.NOT_PRIVILEGED, subject).unknown == ["containerProperties"]

    def test_other_kinds_are_not_applicable(self):
        assert verdict(batch.NOT_PRIVILEGED, resource("batch:JobQueue")).status == "not applicable"


class TestBounded:
    @pytest.mark.parametrize("seconds", [60, 900.0, 1_209_600, "900"])
    def test_timeout_passes(self, seconds: Any):
        assert verdict(batch.BOUNDED, job(timeout={"attemptDurationSeconds": seconds})).status == "pass"

    @pytest.mark.parametrize("timeout", [None, {}])
    def test_no_timeout_is_refused(self, timeout: Any):
        assert verdict(batch.BOUNDED, job(timeout=timeout)).found == [
            "timeout.attemptDurationSeconds is not set, so there is no limit"
        ]

    @pytest.mark.parametrize("seconds", [59, 0, -1, 1_209_601])
    def test_timeout_out_of_range_is_refused(self, seconds: int):
        subject = job(timeout={"attemptDurationSeconds": seconds})
        assert verdict(batch.BOUNDED, subject).found == [f"timeout.attemptDurationSeconds is {seconds}"]

    @pytest.mark.parametrize("attempts", [1, 10, 2.0])
    def test_attempts_pass(self, attempts: Any):
        assert verdict(batch.BOUNDED, job(retryStrategy={"attempts": attempts})).status == "pass"

    @pytest.mark.parametrize("attempts", [0, 11])
    def test_attempts_out_of_range_are_refused(self, attempts: int):
        assert verdict(batch.BOUNDED, job(retryStrategy={"attempts": attempts})).found == [
            f"retryStrategy.attempts is {attempts}"
        ]

    def test_limits_are_settings(self):
        subject = job(retryStrategy={"attempts": 3})
        assert verdict(batch.BOUNDED, subject, config={"mostAttempts": 3, "mostTimeoutSeconds": 900}).status == "pass"
        assert verdict(batch.BOUNDED, subject, config={"mostAttempts": 2}).status == "violation"
        assert verdict(batch.BOUNDED, subject, config={"mostTimeoutSeconds": 899}).status == "violation"

    def test_unknown_is_not_yet_known(self):
        assert verdict(batch.BOUNDED, job(timeout={"attemptDurationSeconds": UNKNOWN})).status == "unknown"
        assert verdict(batch.BOUNDED, job(retryStrategy=UNKNOWN)).unknown == ["retryStrategy"]

    def test_other_kinds_are_not_applicable(self):
        assert verdict(batch.BOUNDED, resource("batch:JobQueue")).status == "not applicable"


class TestLogRoles:
    def test_log_group_and_two_roles_pass(self):
        assert verdict(batch.LOG_ROLES, job({"logConfiguration": LOGS, **ROLES})).status == "pass"
        container = {"image": "i", "logConfiguration": LOGS}
        roles = {"executionRoleArn": "arn:execution", "taskRoleArn": "arn:job"}
        assert verdict(batch.LOG_ROLES, in_ecs(container, **roles)).status == "pass"

    def test_other_log_driver_passes(self):
        assert verdict(batch.LOG_ROLES, job({"logConfiguration": {"logDriver": "splunk"}, **ROLES})).status == "pass"

    @pytest.mark.parametrize(
        ("container", "found"),
        [
            (
                ROLES,
                "containerProperties.logConfiguration is not set, so it logs to /aws/batch/job with all other jobs",
            ),
            (
                {"logConfiguration": {"logDriver": "awslogs"}, **ROLES},
                "containerProperties.logConfiguration names no awslogs-group, so it logs to /aws/batch/job with all "
                "other jobs",
            ),
            (
                {"logConfiguration": LOGS, "jobRoleArn": "arn:job"},
                "containerProperties.executionRoleArn is not set",
            ),
            (
                {"logConfiguration": LOGS, "executionRoleArn": "arn:execution"},
                "containerProperties.jobRoleArn is not set",
            ),
            (
                {"logConfiguration": LOGS, "executionRoleArn": "arn:one", "jobRoleArn": "arn:one"},
                "containerProperties.jobRoleArn is the execution role 'arn:one'",
            ),
        ],
    )
    def test_gap_is_named(self, container: Any, found: str):
        assert verdict(batch.LOG_ROLES, job(container)).found == [found]

    def test_task_of_ecs_properties_has_its_own_names(self):
        assert verdict(batch.LOG_ROLES, in_ecs({"image": "i"}, executionRoleArn="arn:execution")).found == [
            "ecsProperties.taskProperties[0].taskRoleArn is not set",
            "ecsProperties.taskProperties[0].containers[0].logConfiguration is not set, so it logs to "
            "/aws/batch/job with all other jobs",
        ]

    def test_ec2_needs_no_execution_role(self):
        container = {"logConfiguration": LOGS, "jobRoleArn": "arn:job"}
        assert verdict(batch.LOG_ROLES, job(container, platformCapabilities=["EC2"])).status == "pass"

    def test_unknown_role_is_a_role(self):
        container = {"logConfiguration": LOGS, "executionRoleArn": UNKNOWN_TEXT, "jobRoleArn": UNKNOWN_TEXT}
        assert verdict(batch.LOG_ROLES, job(container)).status == "pass"

    def test_unbuilt_image_is_not_yet_known(self):
        assert verdict(batch.LOG_ROLES, job(containerProperties=UNKNOWN_TEXT)).unknown == ["containerProperties"]

    def test_job_on_eks_is_not_applicable(self):
        assert verdict(batch.LOG_ROLES, job(eksProperties={"podProperties": {}})).status == "not applicable"


class TestSpotArm64:
    @pytest.mark.parametrize(
        ("kind", "status"), [("FARGATE", "pass"), ("SPOT", "pass"), (None, "pass"), ("FARGATE_SPOT", "violation")]
    )
    def test_only_fargate_spot_is_shown(self, kind: Any, status: str):
        subject = resource("batch:ComputeEnvironment", {"computeResources": {"type": kind}})
        assert verdict(batch.SPOT_ARM64, subject).status == status

    def test_unknown_is_not_yet_known(self):
        subject = resource("batch:ComputeEnvironment", {"computeResources": UNKNOWN})
        assert verdict(batch.SPOT_ARM64, subject).status == "unknown"

    def test_other_kinds_are_not_applicable(self):
        assert verdict(batch.SPOT_ARM64, job({})).status == "not applicable"


class TestPublicIp:
    @pytest.mark.parametrize(
        ("network", "status"),
        [
            (None, "pass"),
            ({"assignPublicIp": "DISABLED"}, "pass"),
            ({"assignPublicIp": "ENABLED"}, "violation"),
        ],
    )
    def test_public_address_is_shown(self, network: Any, status: str):
        assert verdict(batch.PUBLIC_IP, job({"networkConfiguration": network})).status == status
        assert verdict(batch.PUBLIC_IP, in_ecs(networkConfiguration=network)).status == status

    def test_unbuilt_image_is_not_yet_known(self):
        assert verdict(batch.PUBLIC_IP, job(containerProperties=UNKNOWN_TEXT)).status == "unknown"

    def test_other_kinds_are_not_applicable(self):
        assert verdict(batch.PUBLIC_IP, resource("batch:JobQueue")).status == "not applicable"
