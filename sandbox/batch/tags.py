"""Tags of compute environments, queues, job definitions, scheduling policies and jobs."""

from __future__ import annotations

from sandbox.batch.errors import ClientError
from sandbox.batch.model import Json
from sandbox.batch.state import State

_MOST = 50


def tag(state: State, request: Json) -> Json:
    thing = _find(state, request["resourceArn"])
    check(request["tags"])
    merged = {**thing.get("tags", {}), **request["tags"]}
    if len(merged) > _MOST:
        raise ClientError(f"A resource may have {_MOST} tags at most; it would have {len(merged)}.")
    thing["tags"] = merged
    return {}


def untag(state: State, request: Json) -> Json:
    thing = _find(state, request["resourceArn"])
    thing["tags"] = {key: value for key, value in thing.get("tags", {}).items() if key not in request["tagKeys"]}
    return {}


def list_tags(state: State, request: Json) -> Json:
    return {"tags": _find(state, request["resourceArn"]).get("tags", {})}


def check(tags: Json) -> None:
    """Raises ClientError for a key that AWS keeps for itself."""
    for key in tags:
        if key.lower().startswith("aws:"):
            raise ClientError(f"The tag key {key!r} is reserved: keys can't start with aws:.")


def _find(state: State, arn: str) -> Json:
    for things in (
        state.compute_environments,
        state.job_queues,
        state.job_definitions,
        state.scheduling_policies,
    ):
        if arn in things:
            return things[arn]
    job = state.jobs.get(arn.removeprefix(state.arns.of("job", "")))
    if job is None:
        raise ClientError(f"Resource {arn} does not exist.")
    return job.detail
