"""ECS: read back as written, changed, and gone when deleted. Nothing runs: tasks only count as running."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from sandbox.context import Clients
from tests.sandbox.conftest import ACCOUNT, TAGS, Create, refused

TAG_LIST = [{"key": "Project", "value": "slipway"}]
STRATEGY = [{"capacityProvider": "FARGATE", "weight": 1}]
SERVICE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"


@pytest.fixture
def ecs(client: Clients) -> Any:
    return client("ecs")


@pytest.fixture
def cluster(create: Create, unique: str) -> Any:
    made = create(
        "aws:ecs/cluster:Cluster",
        name=unique,
        settings=[{"name": "containerInsights", "value": "enabled"}],
        tags=TAGS,
    )
    create(
        "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
        clusterName=unique,
        capacityProviders=["FARGATE", "FARGATE_SPOT"],
    )
    return made


@pytest.fixture
def definition(create: Create, unique: str, role: str) -> Callable[[str], Any]:
    """`definition(digit)` registers a revision whose image has that digest."""

    def make(digit: str) -> Any:
        container = {"name": "app", "image": f"any@sha256:{digit * 64}", "user": "65534:65534"}
        return create(
            "aws:ecs/taskDefinition:TaskDefinition",
            family=unique,
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            runtimePlatform={"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
            executionRoleArn=role,
            taskRoleArn=role,
            volumes=[{"name": "scratch"}],
            containerDefinitions=json.dumps([container]),
            tags=TAGS,
        )

    return make


@pytest.fixture
def service(create: Create, unique: str, cluster: Any, definition: Callable[[str], Any]) -> Any:
    return create(
        "aws:ecs/service:Service",
        name=unique,
        cluster=cluster["arn"],
        taskDefinition=definition("0")["arn"],
        desiredCount=2,
        capacityProviderStrategies=STRATEGY,
        networkConfiguration={"subnets": ["subnet-1"], "securityGroups": ["sg-1"], "assignPublicIp": True},
        deploymentCircuitBreaker={"enable": True, "rollback": True},
        deploymentMinimumHealthyPercent=100,
        deploymentMaximumPercent=200,
        availabilityZoneRebalancing="DISABLED",
        enableEcsManagedTags=True,
        propagateTags="SERVICE",
        forceNewDeployment=True,
        waitForSteadyState=True,
        tags=TAGS,
    )


def test_cluster(cluster: Any, ecs: Any, unique: str) -> None:
    include = ["SETTINGS", "TAGS", "CONFIGURATIONS"]
    (read,) = ecs.describe_clusters(clusters=[cluster.id], include=include)["clusters"]
    assert (read["clusterName"], read["clusterArn"], read["status"]) == (unique, cluster["arn"], "ACTIVE")
    assert read["settings"] == [{"name": "containerInsights", "value": "enabled"}]
    assert (read["capacityProviders"], read["defaultCapacityProviderStrategy"]) == (["FARGATE", "FARGATE_SPOT"], [])
    assert read["tags"] == ecs.list_tags_for_resource(resourceArn=cluster["arn"])["tags"] == TAG_LIST
    assert "configuration" not in read
    ecs.update_cluster(cluster=unique, settings=[{"name": "containerInsights", "value": "enhanced"}])
    ecs.tag_resource(resourceArn=cluster["arn"], tags=[{"key": "Stack", "value": "dev"}])
    ecs.untag_resource(resourceArn=cluster["arn"], tagKeys=["Project"])
    (read,) = ecs.describe_clusters(clusters=[unique], include=include)["clusters"]
    assert read["settings"][0]["value"] == "enhanced"
    assert read["tags"] == [{"key": "Stack", "value": "dev"}]
    ecs.put_cluster_capacity_providers(cluster=unique, capacityProviders=[], defaultCapacityProviderStrategy=[])
    assert ecs.describe_clusters(clusters=[unique])["clusters"][0]["capacityProviders"] == []
    ecs.delete_cluster(cluster=cluster["arn"])
    gone = ecs.describe_clusters(clusters=[cluster["arn"]])
    assert (gone["clusters"], gone["failures"]) == ([], [{"arn": cluster["arn"], "reason": "MISSING"}])


def test_task_definition(definition: Callable[[str], Any], ecs: Any, unique: str, role: str) -> None:
    first, second = definition("0"), definition("1")
    assert (first.id, first["revision"], second["revision"]) == (unique, 1, 2)
    assert first["arn"] == f"{first['arnWithoutRevision']}:1"
    answer = ecs.describe_task_definition(taskDefinition=first["arn"], include=["TAGS"])
    read = answer["taskDefinition"]
    assert (read["family"], read["cpu"], read["memory"], read["networkMode"]) == (unique, "256", "512", "awsvpc")
    assert read["runtimePlatform"] == {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}
    assert (read["executionRoleArn"], read["taskRoleArn"]) == (role, role)
    assert (read["requiresCompatibilities"], read["volumes"]) == (["FARGATE"], [{"name": "scratch"}])
    (container,) = read["containerDefinitions"]
    assert (container["image"], container["user"]) == (f"any@sha256:{'0' * 64}", "65534:65534")
    assert not {"proxyConfiguration", "ephemeralStorage"} & read.keys()
    assert read["enableFaultInjection"] is False
    assert answer["tags"] == TAG_LIST
    ecs.deregister_task_definition(taskDefinition=first["arn"])
    assert ecs.describe_task_definition(taskDefinition=first["arn"])["taskDefinition"]["status"] == "INACTIVE"
    assert ecs.describe_task_definition(taskDefinition=second["arn"])["taskDefinition"]["status"] == "ACTIVE"
    assert refused(ecs.describe_task_definition, taskDefinition=f"{unique}:9") == "ClientException"


def read_service(ecs: Any, name: str) -> dict[str, Any]:
    (found,) = ecs.describe_services(cluster=name, services=[name], include=["TAGS"])["services"]
    return found


def test_service(service: Any, ecs: Any, unique: str) -> None:
    read = read_service(ecs, unique)
    assert (read["serviceName"], read["serviceArn"], read["status"]) == (unique, service.id, "ACTIVE")
    assert (read["desiredCount"], read["runningCount"], read["pendingCount"]) == (2, 2, 0)
    assert (read["capacityProviderStrategy"], read["platformVersion"], read["platformFamily"]) == (
        STRATEGY,
        "LATEST",
        "Linux",
    )
    assert "launchType" not in read
    assert read["networkConfiguration"]["awsvpcConfiguration"] == {
        "subnets": ["subnet-1"],
        "securityGroups": ["sg-1"],
        "assignPublicIp": "ENABLED",
    }
    assert read["deploymentConfiguration"] == {
        "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        "maximumPercent": 200,
        "minimumHealthyPercent": 100,
    }
    assert (read["availabilityZoneRebalancing"], read["schedulingStrategy"]) == ("DISABLED", "REPLICA")
    assert (read["enableECSManagedTags"], read["propagateTags"]) == (True, "SERVICE")
    assert (read["roleArn"], read["loadBalancers"], read["serviceRegistries"]) == (SERVICE_ROLE, [], [])
    assert read["tags"] == ecs.list_tags_for_resource(resourceArn=service.id)["tags"] == TAG_LIST
    (deployment,) = read["deployments"]
    assert (deployment["status"], deployment["rolloutState"]) == ("PRIMARY", "COMPLETED")


def test_a_service_is_updated_in_place_and_steady_again(
    service: Any, definition: Callable[[str], Any], ecs: Any, unique: str
) -> None:
    spot = [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    second = definition("1")["arn"]
    ecs.update_service(
        cluster=unique,
        service=unique,
        taskDefinition=second,
        desiredCount=1,
        capacityProviderStrategy=spot,
        availabilityZoneRebalancing="ENABLED",
        propagateTags="TASK_DEFINITION",
        enableECSManagedTags=False,
        deploymentConfiguration={"maximumPercent": 150, "minimumHealthyPercent": 50},
        forceNewDeployment=True,
    )
    read = read_service(ecs, unique)
    assert (read["taskDefinition"], read["desiredCount"], read["runningCount"]) == (second, 1, 1)
    assert (read["availabilityZoneRebalancing"], read["propagateTags"]) == ("ENABLED", "TASK_DEFINITION")
    assert (read["capacityProviderStrategy"], read["enableECSManagedTags"]) == (spot, False)
    assert read["deploymentConfiguration"] == {
        "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        "maximumPercent": 150,
        "minimumHealthyPercent": 50,
    }
    (deployment,) = read["deployments"]
    assert (deployment["taskDefinition"], deployment["rolloutState"]) == (second, "COMPLETED")


def test_a_steady_service_has_a_deployment_that_succeeded(service: Any, ecs: Any, unique: str) -> None:
    """How the provider waits: it looks for the deployment whose revision has the primary's id, and for its status."""
    (primary,) = read_service(ecs, unique)["deployments"]
    found = ecs.list_service_deployments(
        cluster=unique, service=unique, createdAt={"after": primary["createdAt"] - timedelta(seconds=1)}
    )["serviceDeployments"]
    (brief,) = found
    assert primary["id"].rpartition("/")[2] in brief["targetServiceRevisionArn"]
    described = ecs.describe_service_deployments(serviceDeploymentArns=[brief["serviceDeploymentArn"], "other"])
    (deployment,) = described["serviceDeployments"]
    assert deployment["status"] == "SUCCESSFUL"
    assert deployment["targetServiceRevision"]["arn"] == brief["targetServiceRevisionArn"]
    assert described["failures"] == [{"arn": "other", "reason": "MISSING"}]
    later = {"after": primary["createdAt"] + timedelta(seconds=1)}
    assert not ecs.list_service_deployments(cluster=unique, service=unique, createdAt=later)["serviceDeployments"]


def test_a_service_ends_before_its_cluster(service: Any, ecs: Any, unique: str) -> None:
    assert refused(ecs.delete_cluster, cluster=unique) == "ClusterContainsServicesException"
    assert refused(ecs.delete_service, cluster=unique, service=unique) == "InvalidParameterException"
    ecs.update_service(cluster=unique, service=unique, desiredCount=0)
    ecs.delete_service(cluster=unique, service=unique)
    assert read_service(ecs, unique)["status"] == "INACTIVE"
    ecs.delete_cluster(cluster=unique)
    assert refused(ecs.describe_services, cluster=unique, services=[unique]) == "ClusterNotFoundException"


def test_a_service_that_never_was(cluster: Any, ecs: Any, unique: str) -> None:
    answer = ecs.describe_services(cluster=unique, services=["other"])
    assert (answer["services"], answer["failures"][0]["reason"]) == ([], "MISSING")
    assert refused(ecs.update_service, cluster=unique, service="other", desiredCount=1) == "ServiceNotFoundException"


def test_a_service_that_says_little_reads_back_with_defaults_of_aws(
    create: Create, cluster: Any, definition: Callable[[str], Any], ecs: Any, unique: str
) -> None:
    create(
        "aws:ecs/service:Service",
        name=unique,
        cluster=cluster["arn"],
        taskDefinition=definition("0")["arn"],
        launchType="FARGATE",
        networkConfiguration={"subnets": ["subnet-1"]},
    )
    read = read_service(ecs, unique)
    assert (read["launchType"], read["availabilityZoneRebalancing"]) == ("FARGATE", "ENABLED")
    assert (read["platformVersion"], read["propagateTags"]) == ("LATEST", "NONE")
    assert read["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"] == "DISABLED"
