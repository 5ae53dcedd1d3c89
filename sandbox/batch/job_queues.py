"""Job queues: which compute environments serve them, in which order, and how long a job may be stuck."""

from __future__ import annotations

from sandbox.batch.compute_environments import FARGATE, describe_by_reference
from sandbox.batch.errors import ClientError
from sandbox.batch.model import Json
from sandbox.batch.state import State

# Automatic remediation with jobStateTimeLimitActions, Batch user guide.
_REASONS = frozenset(
    {
        "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
        "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
        "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
        "MISCONFIGURATION:EC2_INSTANCE_CONFIGURATION_UNSUPPORTED",
    }
)


def create(state: State, request: Json) -> Json:
    name, arn = state.new(state.job_queues, "job-queue", request, "jobQueueName")
    _check(state, request)
    order = _resolved_order(state, request.get("computeEnvironmentOrder", []))
    state.job_queues[arn] = {
        **request,
        "jobQueueArn": arn,
        "computeEnvironmentOrder": order,
        "jobQueueType": request.get("jobQueueType", _queue_type(state, order)),
        "tags": request.get("tags", {}),
        "state": request.get("state", "ENABLED"),
        "status": "VALID",
        "statusReason": "JobQueue Healthy",
    }
    return {"jobQueueName": name, "jobQueueArn": arn}


def describe(state: State, request: Json) -> Json:
    return describe_by_reference(state.job_queues, state, request, "job-queue", "jobQueues")


def update(state: State, request: Json) -> Json:
    queue = state.job_queue(request["jobQueue"])
    _check(state, request)
    if "schedulingPolicyArn" in request and "schedulingPolicyArn" not in queue:
        raise ClientError("A scheduling policy can't be added to a FIFO job queue.")
    if "computeEnvironmentOrder" in request:
        queue["computeEnvironmentOrder"] = _resolved_order(state, request["computeEnvironmentOrder"])
    for member in ("state", "priority", "schedulingPolicyArn", "jobStateTimeLimitActions"):
        if member in request:
            queue[member] = request[member]
    return {"jobQueueName": queue["jobQueueName"], "jobQueueArn": queue["jobQueueArn"]}


def delete(state: State, request: Json) -> str:
    """Removes the queue and returns its ARN: the jobs that are in it are still to be ended."""
    queue = state.job_queue(request["jobQueue"])
    if queue["state"] != "DISABLED":
        raise ClientError("Cannot delete, resource state must be DISABLED.")
    del state.job_queues[queue["jobQueueArn"]]
    return str(queue["jobQueueArn"])


def _check(state: State, request: Json) -> None:
    if not 0 <= request.get("priority", 0) <= 1000:
        raise ClientError(f"priority must be 0 to 1000; it is {request['priority']}.")
    policy = request.get("schedulingPolicyArn")
    if policy is not None and policy not in state.scheduling_policies:
        raise ClientError(f"Scheduling policy {policy} does not exist.")
    for action in request.get("jobStateTimeLimitActions", []):
        if not 600 <= action["maxTimeSeconds"] <= 86400:
            raise ClientError(f"maxTimeSeconds must be 600 to 86400; it is {action['maxTimeSeconds']}.")
        if action["reason"] not in _REASONS:
            raise ClientError(f"reason must be one of {', '.join(sorted(_REASONS))}; it is {action['reason']!r}.")
        if action["action"] != "CANCEL":
            raise ClientError("action must be CANCEL for a queue with compute environments.")


def _resolved_order(state: State, entries: list[Json]) -> list[Json]:
    if not 1 <= len(entries) <= 3:
        raise ClientError(f"computeEnvironmentOrder must name 1 to 3 compute environments; it names {len(entries)}.")
    if len({entry["order"] for entry in entries}) < len(entries):
        raise ClientError("computeEnvironmentOrder gives the same order twice.")
    environments = [state.compute_environment(entry["computeEnvironment"]) for entry in entries]
    if len({_is_fargate(environment) for environment in environments}) > 1:
        raise ClientError("EC2 and Fargate compute environments can't be mixed in one job queue.")
    return [
        {"order": entry["order"], "computeEnvironment": environment["computeEnvironmentArn"]}
        for entry, environment in zip(entries, environments, strict=True)
    ]


def _queue_type(state: State, order: list[Json]) -> str:
    environment = state.compute_environments[order[0]["computeEnvironment"]]
    if environment["containerOrchestrationType"] == "EKS":
        return "EKS"
    return "ECS_FARGATE" if _is_fargate(environment) else "ECS"


def _is_fargate(environment: Json) -> bool:
    return environment.get("computeResources", {}).get("type") in FARGATE
