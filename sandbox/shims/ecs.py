"""ECS: services that read back what was written, their deployments, and clusters that aren't deleted under them."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from sandbox import emulator
from sandbox.environment import ACCOUNT_ID
from sandbox.shims.replacing import replace_action

Data = Mapping[str, Any]

_KEPT: Final = ("availabilityZoneRebalancing", "enableECSManagedTags", "propagateTags")
"""What a request sets and the emulator forgets."""
_FARGATE: Final = frozenset({"FARGATE", "FARGATE_SPOT"})
_SERVICE_ROLE: Final = f"arn:aws:iam::{ACCOUNT_ID}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"


def install() -> None:
    """Replace the emulator's functions."""
    actions = emulator.service("ecs")._ACTION_MAP
    replace_action(actions, "CreateService", _keep_settings)
    replace_action(actions, "UpdateService", _merge_deployment)
    replace_action(actions, "UpdateService", _keep_settings)
    replace_action(actions, "RegisterTaskDefinition", _tell_fault_injection)
    replace_action(actions, "DeleteCluster", _refuse_with_services)
    replace_action(actions, "ListServiceDeployments", _list_deployments)
    replace_action(actions, "DescribeServiceDeployments", _describe_deployments)


def _keep_settings(original: Callable[..., Any]) -> Callable[..., Any]:
    def write(data: Data) -> Any:
        answer = original(data)
        ecs = emulator.service("ecs")
        name = data.get("serviceName") or str(data.get("service", "")).rpartition("/")[2]
        service = ecs._services.get(f"{ecs._resolve_cluster_name(data.get('cluster', 'default'))}/{name}")
        if answer[0] != HTTPStatus.OK or service is None:
            return answer
        service.update({key: data[key] for key in _KEPT if key in data})
        _complete(service)
        return ecs.json_response({"service": ecs._sanitize(service)})

    return write


def _merge_deployment(original: Callable[..., Any]) -> Callable[..., Any]:
    """What an update doesn't say about deployments stays; the emulator would forget it."""

    def update(data: Data) -> Any:
        ecs = emulator.service("ecs")
        cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
        service = ecs._services.get(f"{cluster}/{str(data.get('service', '')).rpartition('/')[2]}")
        if service is None or "deploymentConfiguration" not in data:
            return original(data)
        merged = {**service["deploymentConfiguration"], **data["deploymentConfiguration"]}
        return original({**data, "deploymentConfiguration": merged})

    return update


def _tell_fault_injection(original: Callable[..., Any]) -> Callable[..., Any]:
    """Each definition says whether faults may be injected into its tasks."""

    def register(data: Data) -> Any:
        status, headers, body = original(data)
        if status == HTTPStatus.OK:
            ecs = emulator.service("ecs")
            answer: dict[str, Any] = json.loads(body)
            definition = answer["taskDefinition"]
            allowed = data.get("enableFaultInjection", False)
            definition["enableFaultInjection"] = allowed
            ecs._task_defs[f"{definition['family']}:{definition['revision']}"]["enableFaultInjection"] = allowed
            return ecs.json_response(answer)
        return status, headers, body

    return register


def _complete(service: dict[str, Any]) -> None:
    """What AWS answers where a request said nothing; the emulator answers empty strings."""
    service.setdefault("availabilityZoneRebalancing", "ENABLED")
    strategy: list[Mapping[str, Any]] = service.get("capacityProviderStrategy") or []
    on_fargate = service.get("launchType") == "FARGATE" or any(
        item["capacityProvider"] in _FARGATE for item in strategy
    )
    if on_fargate:
        service["platformVersion"] = service.get("platformVersion") or "LATEST"
        service["platformFamily"] = "Linux"
    service["roleArn"] = service.get("roleArn") or _SERVICE_ROLE


_STATUSES: Final = {"COMPLETED": "SUCCESSFUL", "IN_PROGRESS": "IN_PROGRESS", "FAILED": "ROLLBACK_SUCCESSFUL"}


def _deployments() -> Iterator[dict[str, Any]]:
    """The deployments of all services, as DescribeServiceDeployments answers them: by these the provider sees when a
    service is steady, and whether it was rolled back."""
    for key, service in emulator.service("ecs")._services.items():
        for deployment in service["deployments"]:
            identifier = str(deployment["id"]).rpartition("/")[2]
            prefix = str(service["serviceArn"]).partition(":service/")[0]
            yield {
                "serviceDeploymentArn": f"{prefix}:service-deployment/{key}/{identifier}",
                "serviceArn": service["serviceArn"],
                "clusterArn": service["clusterArn"],
                "createdAt": deployment["createdAt"],
                "startedAt": deployment["createdAt"],
                "updatedAt": deployment["updatedAt"],
                "targetServiceRevision": {"arn": f"{prefix}:service-revision/{key}/{identifier}"},
                "status": _STATUSES[deployment["rolloutState"]],
                "statusReason": deployment["rolloutStateReason"],
            }


_BRIEF: Final = ("serviceDeploymentArn", "serviceArn", "clusterArn", "createdAt", "startedAt", "status", "statusReason")


def _list_deployments(_original: Callable[..., Any]) -> Callable[..., Any]:
    def answer(data: Data) -> Any:
        ecs = emulator.service("ecs")
        cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
        name = str(data["service"]).rpartition("/")[2]
        period: Mapping[str, float] = data.get("createdAt") or {}
        after = period.get("after", 0)
        found = [
            {key: item[key] for key in _BRIEF} | {"targetServiceRevisionArn": item["targetServiceRevision"]["arn"]}
            for item in _deployments()
            if str(item["serviceArn"]).endswith(f":service/{cluster}/{name}") and _seconds(item["createdAt"]) >= after
        ]
        return ecs.json_response({"serviceDeployments": found})

    return answer


def _describe_deployments(_original: Callable[..., Any]) -> Callable[..., Any]:
    def answer(data: Data) -> Any:
        wanted: list[str] = data["serviceDeploymentArns"]
        known = {item["serviceDeploymentArn"]: item for item in _deployments()}
        missing = [{"arn": arn, "reason": "MISSING"} for arn in wanted if arn not in known]
        found = [known[arn] for arn in wanted if arn in known]
        return emulator.service("ecs").json_response({"serviceDeployments": found, "failures": missing})

    return answer


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()


def _refuse_with_services(original: Callable[..., Any]) -> Callable[..., Any]:
    def delete(data: Data) -> Any:
        ecs = emulator.service("ecs")
        cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
        if any(key.startswith(f"{cluster}/") and item["status"] == "ACTIVE" for key, item in ecs._services.items()):
            text = "The Cluster cannot be deleted while Services are active."
            return ecs.error_response_json("ClusterContainsServicesException", text, HTTPStatus.BAD_REQUEST)
        return original(data)

    return delete
