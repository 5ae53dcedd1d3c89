"""Where and how jobs run. What isn't proven here: that Fargate has capacity, and that AWS takes the values."""

import json
from typing import Any

from engine.program import Deployment
from tests.components.stack import ACCOUNT, DIGEST, IMAGE, REGION, Run

DEFINITION = "aws:batch/jobDefinition:JobDefinition"
ROLES = f"arn:aws:iam::{ACCOUNT}:role"


def container(deployment: Deployment) -> dict[str, Any]:
    return json.loads(deployment.one(DEFINITION).inputs["containerProperties"])


def statements(deployment: Deployment, name: str) -> list[dict[str, Any]]:
    return json.loads(deployment.one("aws:iam/rolePolicy:RolePolicy", name).inputs["policy"])["Statement"]


def bucket(deployment: Deployment, role: str) -> str:
    return deployment.one("aws:s3/bucket:Bucket", f"slipway-{deployment.stack}-{role}").inputs["bucket"]


def test_the_compute_environment_is_fargate_without_a_service_role(dev: Deployment) -> None:
    environment = dev.one("aws:batch/computeEnvironment:ComputeEnvironment")
    inputs = {key: value for key, value in environment.inputs.items() if key not in ("name", "tags")}
    assert inputs == {
        "type": "MANAGED",
        "state": "ENABLED",
        "computeResources": {
            "type": "FARGATE",
            "maxVcpus": 16,
            "subnets": ["id-of-slipway-dev-public-1", "id-of-slipway-dev-public-2"],
            "securityGroupIds": ["id-of-slipway-dev-jobs"],
        },
    }


def test_the_compute_environment_can_be_replaced_while_the_queue_lives(dev: Deployment) -> None:
    environment = dev.one("aws:batch/computeEnvironment:ComputeEnvironment")
    assert environment.inputs["name"].startswith("slipway-dev-")
    assert environment.delete_before_replace is not True


def test_the_queue_ends_jobs_that_can_never_start(dev: Deployment) -> None:
    queue = dev.one("aws:batch/jobQueue:JobQueue")
    assert queue.inputs["name"] == "slipway-dev"
    assert len(queue.inputs["computeEnvironmentOrders"]) == 1
    actions = queue.inputs["jobStateTimeLimitActions"]
    assert {action["reason"] for action in actions} == {
        "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
        "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
        "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
    }
    for action in actions:
        assert (action["state"], action["action"]) == ("RUNNABLE", "CANCEL")
        assert 600 <= action["maxTimeSeconds"] <= 86400


def test_the_job_definition(dev: Deployment) -> None:
    inputs = dev.one(DEFINITION).inputs
    assert inputs["name"] == "slipway-dev-wordcount"
    assert inputs["type"] == "container"
    assert inputs["platformCapabilities"] == ["FARGATE"]
    assert inputs["timeout"] == {"attemptDurationSeconds": 900}
    assert inputs["propagateTags"] is True
    assert inputs["deregisterOnNewRevision"] is False


def test_a_job_definition_that_is_replaced_leaves_its_successor_active(dev: Deployment) -> None:
    """The provider deletes a job definition by deregistering all active revisions of its name."""
    assert dev.one(DEFINITION).delete_before_replace is True


def test_the_container_runs_a_digest_on_arm64(dev: Deployment) -> None:
    assert container(dev) == {
        "image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/slipway-dev/wordcount@{DIGEST}",
        "jobRoleArn": f"{ROLES}/slipway-dev-wordcount-job",
        "executionRoleArn": f"{ROLES}/slipway-dev-wordcount-execution",
        "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}],
        "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
        "networkConfiguration": {"assignPublicIp": "ENABLED"},
        "environment": [
            {"name": "INPUTS_URI", "value": f"s3://{bucket(dev, 'inputs')}/wordcount/"},
            {"name": "RESULTS_URI", "value": f"s3://{bucket(dev, 'results')}/wordcount/"},
        ],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": "/aws/batch/slipway-dev-wordcount",
                "awslogs-region": REGION,
                "awslogs-stream-prefix": "wordcount",
            },
        },
    }


def test_a_pipelines_settings_reach_its_jobs(run: Run) -> None:
    entry = {
        "image": IMAGE,
        "schema": "pipelines/wordcount/parameters.schema.json",
        "vcpus": 0.25,
        "memoryMib": 512,
        "timeoutSeconds": 60,
        "attempts": 5,
        "environment": {"ZONE": "a", "LEVEL": "b"},
        "command": ["python", "-m", "job"],
    }
    network = {"kind": "existing", "subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]}
    deployment = run({"pipelines": {"wordcount": entry}, "network": network})
    found = container(deployment)
    assert found["image"] == IMAGE
    assert found["resourceRequirements"] == [{"type": "VCPU", "value": "0.25"}, {"type": "MEMORY", "value": "512"}]
    assert found["networkConfiguration"] == {"assignPublicIp": "DISABLED"}
    assert found["command"] == ["python", "-m", "job"]
    assert [entry["name"] for entry in found["environment"]] == ["INPUTS_URI", "LEVEL", "RESULTS_URI", "ZONE"]
    definition = deployment.one(DEFINITION).inputs
    assert definition["retryStrategy"]["attempts"] == 5
    assert definition["timeout"] == {"attemptDurationSeconds": 60}
    assert statements(deployment, "slipway-dev-wordcount-execution")[1]["Resource"] == [
        f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/shared/wordcount"
    ]


def test_only_failures_of_fargate_are_tried_again(dev: Deployment) -> None:
    strategy = dev.one(DEFINITION).inputs["retryStrategy"]
    assert strategy["attempts"] == 2
    *retries, last = strategy["evaluateOnExits"]
    assert last == {"action": "EXIT", "onReason": "*"}
    assert len(retries) <= 4
    for entry in retries:
        (condition,) = set(entry) - {"action"}
        assert entry["action"] == "RETRY"
        assert condition in ("onReason", "onStatusReason")
        assert "*" not in entry[condition][:-1]
        assert not entry[condition].startswith("Host EC2")


def test_the_execution_role_pulls_one_repository_and_writes_one_log_group(dev: Deployment) -> None:
    assert statements(dev, "slipway-dev-wordcount-execution") == [
        {"Effect": "Allow", "Action": ["ecr:GetAuthorizationToken"], "Resource": ["*"]},
        {
            "Effect": "Allow",
            "Action": ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            "Resource": [f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/slipway-dev/wordcount"],
        },
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": [f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/batch/slipway-dev-wordcount:log-stream:*"],
        },
    ]


def test_the_job_role_writes_below_its_pipeline_and_nowhere_else(dev: Deployment) -> None:
    assert statements(dev, "slipway-dev-wordcount-job") == [
        {
            "Effect": "Allow",
            "Action": ["s3:PutObject"],
            "Resource": [f"arn:aws:s3:::{bucket(dev, 'results')}/wordcount/*"],
        },
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": [f"arn:aws:s3:::{bucket(dev, 'inputs')}/wordcount/*"],
        },
    ]


def test_jobs_have_a_log_group_with_retention(dev: Deployment) -> None:
    group = dev.one("aws:cloudwatch/logGroup:LogGroup", "slipway-dev-wordcount-job")
    assert (group.inputs["name"], group.inputs["retentionInDays"]) == ("/aws/batch/slipway-dev-wordcount", 30)


def test_a_job_definition_waits_for_what_its_roles_may_do(dev: Deployment) -> None:
    dependencies = dev.one(DEFINITION).dependencies
    for role in ("execution", "job"):
        assert dev.one("aws:iam/rolePolicy:RolePolicy", f"slipway-dev-wordcount-{role}").urn in dependencies
