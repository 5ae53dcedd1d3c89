"""Compute environments: where jobs run, and how many vCPUs they may use at a time."""

from __future__ import annotations

import uuid

from sandbox.batch.errors import ClientError
from sandbox.batch.model import Json
from sandbox.batch.paging import page
from sandbox.batch.state import State

FARGATE = frozenset({"FARGATE", "FARGATE_SPOT"})
# "This parameter isn't applicable to jobs that are running on Fargate resources": ComputeResource, API reference.
_NOT_ON_FARGATE = (
    "allocationStrategy",
    "minvCpus",
    "desiredvCpus",
    "instanceTypes",
    "imageId",
    "ec2KeyPair",
    "instanceRole",
    "tags",
    "placementGroup",
    "bidPercentage",
    "spotIamFleetRole",
    "launchTemplate",
    "ec2Configuration",
)
_NOT_UPDATABLE_ON_FARGATE = (*_NOT_ON_FARGATE, "type", "updateToLatestImageVersion")


def create(state: State, request: Json) -> Json:
    name, arn = state.new(state.compute_environments, "compute-environment", request, "computeEnvironmentName")
    resources = request.get("computeResources")
    if request["type"] == "MANAGED" and resources is None:
        raise ClientError("computeResources is required for a managed compute environment.")
    if resources is not None:
        _check_resources(resources, _NOT_ON_FARGATE)
        if not resources.get("subnets"):
            raise ClientError("computeResources.subnets is required.")
    account = state.arns.account_id
    service_role = f"arn:aws:iam::{account}:role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"
    unique = str(uuid.uuid4())
    state.compute_environments[arn] = {
        **({"serviceRole": service_role} if request["type"] == "MANAGED" else {}),
        **request,
        "computeEnvironmentArn": arn,
        "ecsClusterArn": f"arn:aws:ecs:{state.arns.region}:{account}:cluster/AWSBatch-{name}-{unique}",
        "tags": request.get("tags", {}),
        "state": request.get("state", "ENABLED"),
        "status": "VALID",
        "statusReason": "ComputeEnvironment Healthy",
        "containerOrchestrationType": "EKS" if "eksConfiguration" in request else "ECS",
        "uuid": unique,
    }
    return {"computeEnvironmentName": name, "computeEnvironmentArn": arn}


def describe(state: State, request: Json) -> Json:
    return describe_by_reference(
        state.compute_environments, state, request, "compute-environment", "computeEnvironments"
    )


def describe_by_reference(things: dict[str, Json], state: State, request: Json, kind: str, member: str) -> Json:
    """All, or those of up to 100 names and ARNs; unknown ones are left out. For environments and queues."""
    references: list[str] = request.get(member, [])
    if len(references) > 100:
        raise ClientError(f"{member} may name 100 at most; it names {len(references)}.")
    wanted = {state.arns.resolve(kind, reference) for reference in references} or things.keys()
    selected = [(arn, things[arn]) for arn in wanted if arn in things]
    shown, token = page(selected, lambda entry: (entry[0],), request, 100)
    answer: Json = {member: [thing for _, thing in shown]}
    return answer | ({"nextToken": token} if token else {})


def update(state: State, request: Json) -> Json:
    environment = state.compute_environment(request["computeEnvironment"])
    changes = request.get("computeResources", {})
    if changes:
        current = environment.get("computeResources", {})
        merged = {**current, **changes}
        _check_resources(merged, _NOT_ON_FARGATE if current.get("type") not in FARGATE else ())
        if current.get("type") in FARGATE:
            _refuse(changes, _NOT_UPDATABLE_ON_FARGATE)
        environment["computeResources"] = merged
    for member in ("state", "serviceRole", "updatePolicy", "unmanagedvCpus", "context", "ecsSettings"):
        if member in request:
            environment[member] = request[member]
    return {
        "computeEnvironmentName": environment["computeEnvironmentName"],
        "computeEnvironmentArn": environment["computeEnvironmentArn"],
    }


def delete(state: State, request: Json) -> Json:
    environment = state.compute_environment(request["computeEnvironment"])
    arn = environment["computeEnvironmentArn"]
    if environment["state"] != "DISABLED":
        raise ClientError("Cannot delete, resource state must be DISABLED.")
    for queue in state.job_queues.values():
        if any(entry["computeEnvironment"] == arn for entry in queue["computeEnvironmentOrder"]):
            raise ClientError("Cannot delete, found existing JobQueue relationship")
    del state.compute_environments[arn]
    return {}


def _check_resources(resources: Json, not_on_fargate: tuple[str, ...]) -> None:
    if resources["type"] in FARGATE:
        _refuse(resources, not_on_fargate)
        if not resources.get("securityGroupIds"):
            raise ClientError("computeResources.securityGroupIds is required for Fargate.")
    minimum = max(resources.get("minvCpus", 0), 1 if resources["type"] in FARGATE else 0)
    if resources["maxvCpus"] < minimum:
        raise ClientError(f"computeResources.maxvCpus must be {minimum} or more; it is {resources['maxvCpus']}.")


def _refuse(resources: Json, members: tuple[str, ...]) -> None:
    for member in members:
        if member in resources:
            raise ClientError(f"computeResources.{member} is not applicable for Fargate.")
