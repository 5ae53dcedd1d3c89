"""Services that run a pipeline's image. What isn't proven here: that their tasks stay up."""

import json
from typing import Any

from engine.program import UNKNOWN, Deployment
from tests.components.stack import ACCOUNT, DIGEST, REGION, Run

SERVICE = "aws:ecs/service:Service"
DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
NAME = "slipway-dev-web-service"
BARE = {"pipeline": "wordcount"}
FULL = {
    **BARE,
    "vcpus": 0.5,
    "memoryMib": 2048,
    "desiredCount": 3,
    "command": ["serve"],
    "environment": {"MODE": "web", "AREA": "eu"},
    "port": 8080,
    "sources": ["10.0.0.0/16", "192.0.2.0/24"],
    "spot": True,
}


def with_service(run: Run, settings: dict[str, Any], **others: Any) -> Deployment:
    preview = others.pop("preview", False)
    return run({"services": {"web": settings}, **others}, preview=preview)


def container(deployment: Deployment) -> dict[str, Any]:
    (found,) = json.loads(deployment.one(DEFINITION).inputs["containerDefinitions"])
    return found


def test_a_stack_has_no_cluster_unless_its_settings_name_a_service(dev: Deployment) -> None:
    assert not [item for item in dev.registrations if item.type.startswith("aws:ecs/")]
    assert "services" not in dev.exports


def test_all_services_of_a_stack_share_a_cluster(run: Run) -> None:
    deployment = run({"services": {"web": BARE, "worker": BARE}})
    cluster = deployment.one("aws:ecs/cluster:Cluster").inputs
    assert cluster["name"] == "slipway-dev-services"
    assert cluster["settings"] == [{"name": "containerInsights", "value": "enabled"}]
    providers = deployment.one("aws:ecs/clusterCapacityProviders:ClusterCapacityProviders")
    assert providers.inputs == {
        "clusterName": "slipway-dev-services",
        "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
    }
    arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/slipway-dev-services"
    assert [item.inputs["cluster"] for item in deployment.all(SERVICE)] == [arn, arn]
    for service in deployment.all(SERVICE):
        assert providers.urn in service.dependencies
    assert deployment.exports["services"] == {
        name: {"serviceName": f"slipway-dev-{name}-service", "cluster": arn} for name in ("web", "worker")
    }


def test_the_service(run: Run) -> None:
    deployment = with_service(run, BARE)
    found = deployment.one(SERVICE).inputs
    assert {key: value for key, value in found.items() if key != "tags"} == {
        "name": NAME,
        "cluster": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/slipway-dev-services",
        "taskDefinition": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{NAME}:7",
        "desiredCount": 1,
        "capacityProviderStrategies": [{"capacityProvider": "FARGATE", "weight": 1}],
        "forceNewDeployment": True,
        "networkConfiguration": {
            "subnets": ["id-of-slipway-dev-public-1", "id-of-slipway-dev-public-2"],
            "securityGroups": [f"id-of-{NAME}"],
            "assignPublicIp": True,
        },
        "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        "deploymentMinimumHealthyPercent": 100,
        "deploymentMaximumPercent": 200,
        "availabilityZoneRebalancing": "ENABLED",
        "enableEcsManagedTags": True,
        "propagateTags": "SERVICE",
        "waitForSteadyState": True,
        "schedulingStrategy": "REPLICA",
        "sigintRollback": False,
    }
    assert not deployment.all("aws:lb/loadBalancer:LoadBalancer")


def test_a_replacement_does_not_stand_beside_the_old_service(run: Run) -> None:
    assert with_service(run, BARE).one(SERVICE).delete_before_replace is True


def test_the_network_and_the_permissions_come_first(run: Run) -> None:
    deployment = with_service(run, BARE)
    wanted = {
        item.urn
        for item in deployment.registrations
        if item.type in ("aws:ec2/route:Route", "aws:ec2/routeTableAssociation:RouteTableAssociation")
        or (item.type == "aws:iam/rolePolicy:RolePolicy" and item.name == f"{NAME}-starter")
    }
    assert len(wanted) == 4
    assert wanted <= set(deployment.one(SERVICE).dependencies)


def test_the_task_definition(run: Run) -> None:
    found = with_service(run, BARE).one(DEFINITION).inputs
    ignored = ("tags", "containerDefinitions", "enableFaultInjection", "skipDestroy", "trackLatest")
    assert {key: value for key, value in found.items() if key not in ignored} == {
        "family": NAME,
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
        "executionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/{NAME}-starter",
        "taskRoleArn": f"arn:aws:iam::{ACCOUNT}:role/{NAME}-task",
        "volumes": [{"name": "scratch"}],
    }


def test_the_container(run: Run) -> None:
    assert container(with_service(run, BARE)) == {
        "name": "web",
        "image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/slipway-dev/wordcount@{DIGEST}",
        "essential": True,
        "user": "65534:65534",
        "readonlyRootFilesystem": True,
        "mountPoints": [{"sourceVolume": "scratch", "containerPath": "/tmp", "readOnly": False}],  # noqa: S108
        "environment": [],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": f"/aws/ecs/{NAME}",
                "awslogs-region": REGION,
                "awslogs-stream-prefix": "web",
            },
        },
    }


def test_the_settings_of_a_service(run: Run) -> None:
    deployment = with_service(run, FULL)
    found = container(deployment)
    assert found["command"] == ["serve"]
    assert found["environment"] == [{"name": "AREA", "value": "eu"}, {"name": "MODE", "value": "web"}]
    assert found["portMappings"] == [{"containerPort": 8080, "hostPort": 8080, "protocol": "tcp"}]
    definition, service = deployment.one(DEFINITION).inputs, deployment.one(SERVICE).inputs
    assert (definition["cpu"], definition["memory"], service["desiredCount"]) == ("512", "2048", 3)
    assert service["capacityProviderStrategies"] == [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]


def test_it_runs_the_very_digest_of_the_jobs(run: Run) -> None:
    deployment = with_service(run, BARE)
    job = json.loads(deployment.one("aws:batch/jobDefinition:JobDefinition").inputs["containerProperties"])
    assert container(deployment)["image"] == job["image"]


def test_nobody_gets_in_unless_a_port_and_its_sources_are_set(run: Run) -> None:
    closed = with_service(run, BARE).one(GROUP, NAME).inputs
    assert closed["ingress"] == []  # said: else the provider keeps what was there
    assert closed["vpcId"] == "id-of-slipway-dev"
    assert closed["egress"] == [{"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}]
    assert with_service(run, FULL).one(GROUP, NAME).inputs["ingress"] == [
        {
            "description": "Who may connect",
            "protocol": "tcp",
            "fromPort": 8080,
            "toPort": 8080,
            "cidrBlocks": ["10.0.0.0/16", "192.0.2.0/24"],
        }
    ]


def test_in_a_given_network_the_group_is_its_own_and_the_address_as_set(run: Run) -> None:
    network = {"kind": "existing", "subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]}
    deployment = with_service(run, BARE, network=network)
    assert deployment.one(SERVICE).inputs["networkConfiguration"] == {
        "subnets": ["subnet-1"],
        "securityGroups": [f"id-of-{NAME}"],
        "assignPublicIp": False,
    }
    assert deployment.one(GROUP, NAME).inputs["vpcId"] == "vpc-known-by-aws"
    deployment = with_service(run, BARE, network={"kind": "default"})
    assert deployment.one(GROUP, NAME).inputs["vpcId"] == "vpc-known-by-aws"
    assert deployment.one(SERVICE).inputs["networkConfiguration"]["assignPublicIp"] is True


def test_who_starts_tasks_may_pull_and_log_and_the_tasks_may_nothing(run: Run) -> None:
    deployment = with_service(run, BARE)
    policy = deployment.one("aws:iam/rolePolicy:RolePolicy", f"{NAME}-starter").inputs["policy"]
    assert json.loads(policy)["Statement"] == [
        {"Effect": "Allow", "Action": ["ecr:GetAuthorizationToken"], "Resource": ["*"]},
        {
            "Effect": "Allow",
            "Action": ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            "Resource": [f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/slipway-dev/wordcount"],
        },
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": [f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/ecs/{NAME}:log-stream:*"],
        },
    ]
    granted = {item.inputs["role"] for item in deployment.all("aws:iam/rolePolicy:RolePolicy")}
    assert f"{NAME}-task" not in granted


def test_its_roles_are_bounded_and_its_log_group_ends(run: Run) -> None:
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/bound"
    deployment = with_service(run, BARE, permissionsBoundary=boundary)
    for role in ("starter", "task"):
        inputs = deployment.one("aws:iam/role:Role", f"{NAME}-{role}").inputs
        assert inputs["permissionsBoundary"] == boundary
        trust = json.loads(inputs["assumeRolePolicy"])["Statement"]
        assert [item["Principal"] for item in trust] == [{"Service": "ecs-tasks.amazonaws.com"}]
    log_group = deployment.one("aws:cloudwatch/logGroup:LogGroup", NAME).inputs
    assert (log_group["name"], log_group["retentionInDays"]) == (f"/aws/ecs/{NAME}", 30)


def test_a_preview_knows_all_that_does_not_hang_on_the_image_or_an_id(run: Run) -> None:
    deployment = with_service(run, FULL, preview=True)
    unknown = {
        f"{item.type.rpartition(':')[2]}.{key}"
        for item in deployment.registrations
        for key, value in item.inputs.items()
        if item.name.startswith(NAME) and value is UNKNOWN
    }
    assert unknown == {
        "RolePolicy.policy",
        "SecurityGroup.vpcId",
        "Service.cluster",
        "Service.taskDefinition",
        "TaskDefinition.containerDefinitions",
        "TaskDefinition.executionRoleArn",
        "TaskDefinition.taskRoleArn",
    }
