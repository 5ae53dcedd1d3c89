"""Job definitions: numbered revisions, never changed, made inactive by deregistering."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from sandbox.batch import fargate, tags
from sandbox.batch.errors import ClientError
from sandbox.batch.model import Json
from sandbox.batch.paging import page
from sandbox.batch.state import State, check_name

LARGEST_BYTES = 24 * 1024
"""Service quota "job definition size" (24 KiB)."""
_REFERENCE = re.compile(r"(?P<name>[A-Za-z0-9_-]{1,128})(:(?P<revision>\d+))?")
_PATTERNS = {
    "onStatusReason": re.compile(r"[A-Za-z0-9.:\s]*\*?"),
    "onReason": re.compile(r"[A-Za-z0-9.:\s]*\*?"),
    "onExitCode": re.compile(r"[0-9]*\*?"),
}


@dataclass(frozen=True)
class Reference:
    """A job definition by name, by name and revision, or by ARN."""

    name: str
    revision: int | None


def register(state: State, request: Json) -> Json:
    name = request["jobDefinitionName"]
    check_name(name, "jobDefinitionName")
    if len(json.dumps(request, separators=(",", ":")).encode()) > LARGEST_BYTES:
        raise ClientError(f"A job definition may have {LARGEST_BYTES} bytes at most.")
    _check(request)
    revision = state.revisions.get(name, 0) + 1
    state.revisions[name] = revision
    arn = state.arns.of("job-definition", f"{name}:{revision}")
    state.job_definitions[arn] = {
        **request,
        "jobDefinitionArn": arn,
        "revision": revision,
        "status": "ACTIVE",
        "tags": request.get("tags", {}),
        "containerOrchestrationType": "EKS" if "eksProperties" in request else "ECS",
    }
    return {"jobDefinitionName": name, "jobDefinitionArn": arn, "revision": revision}


def describe(state: State, request: Json) -> Json:
    references: list[str] = request.get("jobDefinitions", [])
    if references and len(request) > 1:
        raise ClientError("jobDefinitions can't be used with other parameters.")
    if len(references) > 100:
        raise ClientError(f"jobDefinitions may name 100 at most; it names {len(references)}.")
    if references:
        arns = [state.arns.resolve("job-definition", reference) for reference in references]
        selected = [state.job_definitions[arn] for arn in arns if arn in state.job_definitions]
    else:
        name, status = request.get("jobDefinitionName"), request.get("status")
        selected = [
            definition
            for definition in state.job_definitions.values()
            if name in (None, definition["jobDefinitionName"]) and status in (None, definition["status"])
        ]
    shown, token = page(selected, lambda entry: (entry["jobDefinitionName"], -entry["revision"]), request, 100)
    answer: Json = {"jobDefinitions": shown}
    return answer | ({"nextToken": token} if token else {})


def deregister(state: State, request: Json) -> Json:
    reference = parse(state, request["jobDefinition"])
    if reference.revision is None:
        raise ClientError("jobDefinition must name the revision, as name:revision or as an ARN.")
    arn = state.arns.of("job-definition", f"{reference.name}:{reference.revision}")
    if arn not in state.job_definitions:
        raise ClientError(f"Job definition {request['jobDefinition']} does not exist.")
    state.job_definitions[arn]["status"] = "INACTIVE"
    return {}


def parse(state: State, reference: str) -> Reference:
    """Raises ClientError for anything that isn't a name, a name and a revision, or an ARN of either."""
    short = reference.removeprefix(state.arns.of("job-definition", ""))
    match = _REFERENCE.fullmatch(short)
    if match is None:
        raise ClientError(f"{reference!r} is not the name or the ARN of a job definition in {state.arns.region}.")
    revision = match["revision"]
    return Reference(match["name"], int(revision) if revision else None)


def find_active(state: State, reference: str) -> Json:
    """The revision that is named, else the latest active one."""
    wanted = parse(state, reference)
    active = [
        definition
        for definition in state.job_definitions.values()
        if definition["jobDefinitionName"] == wanted.name
        and definition["status"] == "ACTIVE"
        and wanted.revision in (None, definition["revision"])
    ]
    if not active:
        raise ClientError(f"JobDefinition {reference} does not exist or is not in ACTIVE status.")
    return max(active, key=lambda definition: definition["revision"])


def check_retry(strategy: Json) -> None:
    """Raises ClientError for a retry strategy that Batch refuses."""
    attempts = strategy.get("attempts")
    conditions: list[Json] = strategy.get("evaluateOnExit", [])
    if attempts is not None and not 1 <= attempts <= 10:
        raise ClientError(f"retryStrategy.attempts must be 1 to 10; it is {attempts}.")
    if conditions and attempts is None:
        raise ClientError("retryStrategy.attempts is required with evaluateOnExit.")
    if len(conditions) > 5:
        raise ClientError(f"evaluateOnExit may have 5 conditions at most; it has {len(conditions)}.")
    for condition in conditions:
        for member, pattern in _PATTERNS.items():
            value = condition.get(member, "")
            if len(value) > 512 or not pattern.fullmatch(value):
                raise ClientError(f"{member} {value!r} is not a pattern: only the end may be an asterisk.")


def check_timeout(timeout: Json) -> None:
    """Raises ClientError for less than a minute."""
    seconds = timeout.get("attemptDurationSeconds")
    if seconds is not None and seconds < 60:
        raise ClientError(f"timeout.attemptDurationSeconds must be 60 or more; it is {seconds}.")


def check_environment(container: Json) -> None:
    """Raises ClientError for a variable whose name Batch keeps for itself."""
    for variable in container.get("environment", []):
        if variable.get("name", "").startswith("AWS_BATCH"):
            raise ClientError(f"The environment variable {variable['name']} is reserved: AWS_BATCH is Batch's own.")


def _check(request: Json) -> None:
    container = request.get("containerProperties")
    if request["type"] != "container" or container is None:
        raise ClientError("Container properties should not be empty: the sandbox runs jobs of one container only.")
    if not container.get("image"):
        raise ClientError("containerProperties.image is required.")
    check_retry(request.get("retryStrategy", {}))
    check_timeout(request.get("timeout", {}))
    check_environment(container)
    tags.check(request.get("tags", {}))
    if "FARGATE" in request.get("platformCapabilities", []):
        fargate.check(container)
    else:
        needed = fargate.requirements(container)
        for kind, word in (("VCPU", "vCPU"), ("MEMORY", "Memory")):
            if kind not in needed:
                raise ClientError(f"{word} is not provided.")
