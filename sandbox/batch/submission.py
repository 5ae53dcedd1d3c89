"""From a SubmitJob request and a job definition to a job."""

from __future__ import annotations

import copy
import json
import re
import uuid
from collections.abc import Iterable

from sandbox.batch import fargate, job_definitions, tags
from sandbox.batch.errors import ClientError
from sandbox.batch.job import STATUSES, Job
from sandbox.batch.model import Json
from sandbox.batch.state import State

LARGEST_BYTES = 30 * 1024
"""Service quota "job payload size" of SubmitJob (30 KiB)."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_PLACEHOLDER = re.compile(r"Ref::([A-Za-z0-9_-]+)")


def build(state: State, request: Json) -> Job:
    """The job, and for an array its children, all SUBMITTED and not yet known to `state`.

    Raises:
        ClientError: the request is one that Batch refuses.
    """
    _check(request)
    queue = state.job_queue(request["jobQueue"])
    if queue["state"] != "ENABLED":
        raise ClientError(f"Job queue {queue['jobQueueName']} is not ENABLED.")
    definition = job_definitions.find_active(state, request["jobDefinition"])
    container = _container(definition, request)
    if "FARGATE" in definition.get("platformCapabilities", []):
        fargate.check_members(request.get("containerOverrides", {}))
        fargate.check_size(container)
    elif queue["jobQueueType"] == "ECS_FARGATE":
        raise ClientError("The job definition's platformCapabilities don't have FARGATE, which the job queue needs.")
    dependencies: list[Json] = request.get("dependsOn", [])
    _check_dependencies(state, dependencies, request.get("arrayProperties", {}).get("size"))
    job_id = str(uuid.uuid4())
    detail: Json = {
        "jobArn": state.arns.of("job", job_id),
        "jobName": request["jobName"],
        "jobId": job_id,
        "jobQueue": queue["jobQueueArn"],
        "status": "SUBMITTED",
        "attempts": [],
        "createdAt": state.now(),
        "retryStrategy": {
            "attempts": 1,
            "evaluateOnExit": [],
            **definition.get("retryStrategy", {}),
            **request.get("retryStrategy", {}),
        },
        "dependsOn": dependencies,
        "jobDefinition": definition["jobDefinitionArn"],
        "parameters": {**definition.get("parameters", {}), **request.get("parameters", {})},
        "container": container,
        "tags": request.get("tags", {}),
        "propagateTags": request.get("propagateTags", definition.get("propagateTags", False)),
        "platformCapabilities": definition.get("platformCapabilities", ["EC2"]),
    }
    timeout = request.get("timeout") or definition.get("timeout")
    if timeout:
        detail["timeout"] = timeout
    if "shareIdentifier" in request:
        detail["shareIdentifier"] = request["shareIdentifier"]
    job = Job(detail=detail, sequence=state.next_sequence(), vcpus=fargate.requirements(container)["VCPU"])
    if "arrayProperties" in request:
        _add_children(state, job, request["arrayProperties"]["size"])
    return job


def _check(request: Json) -> None:
    if len(json.dumps(request, separators=(",", ":")).encode()) > LARGEST_BYTES:
        raise ClientError(f"The request may have {LARGEST_BYTES} bytes at most.")
    if not _NAME.fullmatch(request["jobName"]):
        raise ClientError("Job name should match valid pattern: [A-Za-z0-9][A-Za-z0-9_-]{0,127}")
    for member in ("nodeOverrides", "eksPropertiesOverride", "ecsPropertiesOverride"):
        if member in request:
            raise ClientError(f"{member} is not for jobs of one container, the only ones that the sandbox runs.")
    job_definitions.check_retry(request.get("retryStrategy", {}))
    job_definitions.check_timeout(request.get("timeout", {}))
    tags.check(request.get("tags", {}))
    overrides = request.get("containerOverrides", {})
    job_definitions.check_environment(overrides)
    if "" in overrides.get("command", []):
        raise ClientError("containerOverrides.command can't contain an empty string.")
    size = request.get("arrayProperties", {}).get("size", 2)
    if not 2 <= size <= 10_000:
        raise ClientError(f"arrayProperties.size must be 2 to 10000; it is {size}.")


def _check_dependencies(state: State, dependencies: list[Json], size: int | None) -> None:
    if len(dependencies) > 20:
        raise ClientError(f"A job may depend on 20 jobs at most; it depends on {len(dependencies)}.")
    for dependency in dependencies:
        kind, job_id = dependency.get("type"), dependency.get("jobId")
        if kind is not None and size is None:
            raise ClientError(f"A dependency of type {kind} is for array jobs only.")
        if job_id is None:
            if kind != "SEQUENTIAL":
                raise ClientError("A dependency needs a jobId, unless its type is SEQUENTIAL.")
            continue
        job = state.jobs.get(job_id)
        if job is None:
            raise ClientError(f"Job {job_id}, on which the job depends, does not exist.")
        if kind == "N_TO_N" and len(job.children) != size:
            raise ClientError(f"Job {job_id} is not an array of {size}, as a dependency of type N_TO_N needs.")


def _container(definition: Json, request: Json) -> Json:
    container = copy.deepcopy(definition["containerProperties"])
    overrides = request.get("containerOverrides", {})
    for member in ("vcpus", "memory"):
        if member in overrides:
            container[member] = overrides[member]
    environment = _by(container.get("environment", []), "name") | _by(overrides.get("environment", []), "name")
    if environment:
        container["environment"] = list(environment.values())
    needed = _by(container.get("resourceRequirements", []), "type")
    needed |= _by(overrides.get("resourceRequirements", []), "type")
    if needed:
        container["resourceRequirements"] = list(needed.values())
    command = overrides.get("command") or container.get("command")
    if command:
        parameters = {**definition.get("parameters", {}), **request.get("parameters", {})}
        container["command"] = [_substituted(word, parameters) for word in command]
    return container


def _by(entries: Iterable[Json], member: str) -> dict[str, Json]:
    return {entry.get(member, ""): entry for entry in entries}


def _substituted(word: str, parameters: dict[str, str]) -> str:
    """A placeholder without a value stays as it is."""
    return _PLACEHOLDER.sub(lambda match: parameters.get(match[1], match[0]), word)


def _add_children(state: State, job: Job, size: int) -> None:
    for index in range(size):
        detail: Json = {
            **job.detail,
            "jobId": f"{job.id}:{index}",
            "jobArn": f"{job.detail['jobArn']}:{index}",
            "arrayProperties": {"index": index},
            "container": dict(job.container),
            "attempts": [],
            "dependsOn": [],
        }
        job.children.append(Job(detail=detail, sequence=state.next_sequence(), vcpus=job.vcpus, parent=job))
    job.detail["arrayProperties"] = {"size": size, "statusSummary": dict.fromkeys(STATUSES, 0) | {"SUBMITTED": size}}
