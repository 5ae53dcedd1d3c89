"""ECS: clusters, task definitions, services."""

import json
from typing import Any, Final

from sandbox.context import Context, Inputs, Outputs, tag_list


def _tags(tags: dict[str, str]) -> list[dict[str, str]]:
    return tag_list(tags, "key", "value")


def cluster(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:ecs/cluster:Cluster`."""
    name: str = inputs.get("name") or inputs.name
    tags: dict[str, str] = inputs.get("tags", {})
    request = inputs.camel(["settings", "configuration"])
    created = context.client("ecs").create_cluster(clusterName=name, tags=_tags(tags), **request)["cluster"]
    arn: str = created["clusterArn"]
    return arn, {"name": name, "arn": arn, "tagsAll": tags}


def cluster_capacity_providers(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:ecs/clusterCapacityProviders:ClusterCapacityProviders`."""
    name: str = inputs.need("clusterName")
    context.client("ecs").put_cluster_capacity_providers(
        cluster=name,
        capacityProviders=inputs.get("capacityProviders", []),
        defaultCapacityProviderStrategy=inputs.get("defaultCapacityProviderStrategies", []),
    )
    return name, {}


def task_definition(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:ecs/taskDefinition:TaskDefinition`, with volumes of the task's own only."""
    inputs.accept(["skipDestroy", "trackLatest"])
    tags: dict[str, str] = inputs.get("tags", {})
    request = inputs.camel(
        [
            *("family", "cpu", "memory", "networkMode", "runtimePlatform", "executionRoleArn", "taskRoleArn"),
            *("requiresCompatibilities", "enableFaultInjection"),
        ],
    )
    storage = inputs.get("ephemeralStorage")
    if storage:
        request["ephemeralStorage"] = {"sizeInGiB": storage["sizeInGib"]}
    answer = context.client("ecs").register_task_definition(
        containerDefinitions=json.loads(inputs.need("containerDefinitions")),
        volumes=[{"name": volume["name"]} for volume in inputs.get("volumes", [])],
        tags=_tags(tags),
        **request,
    )["taskDefinition"]
    arn: str = answer["taskDefinitionArn"]
    return answer["family"], {
        "arn": arn,
        "arnWithoutRevision": arn.rpartition(":")[0],
        "revision": answer["revision"],
        "tagsAll": tags,
    }


def service(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:ecs/service:Service` in subnets, without a load balancer. Its tasks count as running; nothing runs."""
    name: str = inputs.get("name") or inputs.name
    inputs.accept(["waitForSteadyState", "forceNewDeployment", "forceDelete", "sigintRollback"])
    tags: dict[str, str] = inputs.get("tags", {})
    request: dict[str, Any] = inputs.camel(
        [
            *("cluster", "taskDefinition", "desiredCount", "launchType", "platformVersion", "schedulingStrategy"),
            *("propagateTags", "enableExecuteCommand", "availabilityZoneRebalancing"),
        ],
        enableEcsManagedTags="enableECSManagedTags",
        capacityProviderStrategies="capacityProviderStrategy",
    )
    network = inputs.get("networkConfiguration")
    if network:
        request["networkConfiguration"] = {
            "awsvpcConfiguration": {
                "subnets": network["subnets"],
                "securityGroups": network.get("securityGroups") or [],
                "assignPublicIp": "ENABLED" if network.get("assignPublicIp") else "DISABLED",
            }
        }
    deployment = inputs.camel(
        ["deploymentCircuitBreaker"],
        deploymentMaximumPercent="maximumPercent",
        deploymentMinimumHealthyPercent="minimumHealthyPercent",
    )
    if deployment:
        request["deploymentConfiguration"] = deployment
    created = context.client("ecs").create_service(serviceName=name, tags=_tags(tags), **request)["service"]
    arn: str = created["serviceArn"]
    return arn, {"name": name, "arn": arn, "tagsAll": tags}


CREATORS: Final = {
    "aws:ecs/cluster:Cluster": cluster,
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": cluster_capacity_providers,
    "aws:ecs/taskDefinition:TaskDefinition": task_definition,
    "aws:ecs/service:Service": service,
}
