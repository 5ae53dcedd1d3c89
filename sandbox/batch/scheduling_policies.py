"""Scheduling policies: kept and given back. Jobs are placed first in, first out, whatever the policy says."""

from __future__ import annotations

from sandbox.batch.errors import ClientError
from sandbox.batch.model import Json
from sandbox.batch.paging import page
from sandbox.batch.state import State


def create(state: State, request: Json) -> Json:
    name, arn = state.new(state.scheduling_policies, "scheduling-policy", request, "name")
    state.scheduling_policies[arn] = {**request, "arn": arn, "tags": request.get("tags", {})}
    return {"name": name, "arn": arn}


def describe(state: State, request: Json) -> Json:
    if len(request["arns"]) > 100:
        raise ClientError(f"arns may name 100 at most; it names {len(request['arns'])}.")
    policies = [state.scheduling_policies.get(arn) for arn in request["arns"]]
    return {"schedulingPolicies": [policy for policy in policies if policy is not None]}


def list_all(state: State, request: Json) -> Json:
    shown, token = page(state.scheduling_policies, lambda arn: (arn,), request, 100)
    answer: Json = {"schedulingPolicies": [{"arn": arn} for arn in shown]}
    return answer | ({"nextToken": token} if token else {})


def update(state: State, request: Json) -> Json:
    policy = _find(state, request["arn"])
    policy.update({member: request[member] for member in ("fairsharePolicy", "quotaSharePolicy") if member in request})
    return {}


def delete(state: State, request: Json) -> Json:
    policy = _find(state, request["arn"])
    if any(queue.get("schedulingPolicyArn") == policy["arn"] for queue in state.job_queues.values()):
        raise ClientError("Cannot delete, found existing JobQueue relationship")
    del state.scheduling_policies[policy["arn"]]
    return {}


def _find(state: State, arn: str) -> Json:
    policy = state.scheduling_policies.get(arn)
    if policy is None:
        raise ClientError(f"Scheduling policy {arn} does not exist.")
    return policy
