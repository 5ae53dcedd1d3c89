"""AWS Batch: compute environments, job queues, job definitions."""

import json
from collections.abc import Mapping
from typing import Any, Final

from sandbox.context import Context, Inputs, Outputs


def compute_environment(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:batch/computeEnvironment:ComputeEnvironment`."""
    name: str = inputs.get("name") or inputs.name
    request = inputs.camel(["type", "state", "serviceRole", "tags", "updatePolicy"])
    resources = inputs.get("computeResources")
    if resources:
        request["computeResources"] = {_SPELLINGS.get(key, key): value for key, value in _set(resources).items()}
    client = context.client("batch")
    client.create_compute_environment(computeEnvironmentName=name, **request)
    created = client.describe_compute_environments(computeEnvironments=[name])["computeEnvironments"][0]
    return name, {
        "name": name,
        "arn": created["computeEnvironmentArn"],
        "ecsClusterArn": created["ecsClusterArn"],
        "status": created["status"],
        "statusReason": created["statusReason"],
        "state": created["state"],
        "serviceRole": created["serviceRole"],
        "tagsAll": inputs.get("tags", {}),
    }


def job_queue(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:batch/jobQueue:JobQueue`."""
    name: str = inputs.get("name") or inputs.name
    inputs.accept(["timeouts"])
    request = inputs.camel(["priority", "state", "schedulingPolicyArn", "tags"])
    request["computeEnvironmentOrder"] = [_set(item) for item in inputs.get("computeEnvironmentOrders", [])]
    limits = inputs.get("jobStateTimeLimitActions")
    if limits:
        request["jobStateTimeLimitActions"] = [_set(item) for item in limits]
    arn = context.client("batch").create_job_queue(jobQueueName=name, **request)["jobQueueArn"]
    return arn, {"name": name, "arn": arn, "tagsAll": inputs.get("tags", {})}


def job_definition(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:batch/jobDefinition:JobDefinition`."""
    name: str = inputs.get("name") or inputs.name
    inputs.accept(["deregisterOnNewRevision"])
    request = inputs.camel(
        ["type", "parameters", "platformCapabilities", "propagateTags", "schedulingPriority", "tags"]
    )
    request["containerProperties"] = json.loads(inputs.need("containerProperties"))
    retry = inputs.get("retryStrategy")
    if retry:
        request["retryStrategy"] = _retry_strategy(retry)
    timeout = inputs.get("timeout")
    if timeout:
        request["timeout"] = _set(timeout)
    answer = context.client("batch").register_job_definition(jobDefinitionName=name, **request)
    arn: str = answer["jobDefinitionArn"]
    return arn, {
        "name": name,
        "arn": arn,
        "arnPrefix": arn.rpartition(":")[0],
        "revision": answer["revision"],
        "tagsAll": inputs.get("tags", {}),
    }


def _retry_strategy(retry: Mapping[str, Any]) -> dict[str, Any]:
    strategy = _set(retry)
    conditions = strategy.pop("evaluateOnExits", None) or strategy.pop("evaluateOnExit", None)
    if conditions:
        strategy["evaluateOnExit"] = [_set(item) for item in conditions]
    return strategy


def _set(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if item is not None}


_SPELLINGS: Final = {"maxVcpus": "maxvCpus", "minVcpus": "minvCpus", "desiredVcpus": "desiredvCpus"}

CREATORS: Final = {
    "aws:batch/computeEnvironment:ComputeEnvironment": compute_environment,
    "aws:batch/jobQueue:JobQueue": job_queue,
    "aws:batch/jobDefinition:JobDefinition": job_definition,
}
