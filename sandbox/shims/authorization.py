"""IAM: the emulator checks a role's calls against its policies; this adds Batch, and a record of the calls.

The key `test` is the account's root: who deploys and who tests may do everything. A function has its role's
credentials.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, cast
from urllib.parse import parse_qs, unquote

from sandbox import emulator
from sandbox.environment import ACCOUNT_ID
from sandbox.shims.replacing import replace

Headers = Sequence[tuple[bytes, bytes]]
Answer = tuple[int, dict[str, str], bytes]

_OF_A_STREAM: Final = {"logs:CreateLogStream", "logs:DeleteLogStream", "logs:GetLogEvents", "logs:PutLogEvents"}
_calls: Final = dict[tuple[str, str], set[str]]()


def install() -> None:
    """Replace the emulator's functions."""
    replace(emulator.core("iam_actions"), "extract_resource_arn", _name_log_streams)
    replace(emulator.core("iam_evaluator"), "enforce", _record)


def recorded_calls() -> list[dict[str, Any]]:
    """What each role has called so far: `{role, action, resources}`, refused calls included."""
    return [
        {"role": role, "action": action, "resources": sorted(resources)}
        for (role, action), resources in sorted(_calls.items())
    ]


def role_credentials(role_arn: str, session_name: str) -> dict[str, str]:
    """Credentials with which a process acts as a role, as environment variables.

    Args:
        role_arn: the role.
        session_name: what tells this session from others of the role.
    """
    digest = hashlib.sha256(f"{role_arn}:{session_name}".encode()).hexdigest()
    role = role_arn.rpartition("/")[2]
    access_key, secret_key, token = f"ASIA{digest[:16].upper()}", digest[16:56], digest
    session = {
        "Arn": f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{role}/{session_name}",
        "UserId": f"{role}:{session_name}",
        "SecretAccessKey": secret_key,
        "SessionToken": token,
    }
    emulator.service("sts").register_session(access_key, session)
    return {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key, "AWS_SESSION_TOKEN": token}


def refuse_batch_call(method: str, path: str, headers: Headers, body: bytes, region: str) -> Answer | None:
    """The refusal of a call to Batch that the caller's role doesn't allow; None if it may pass.

    Args:
        path: as in the request line, with the query.
    """
    target, _, query = path.partition("?")
    found = [
        (action, resource)
        for action, resources in _batch_checks(method, target, body, region)
        for resource in resources
    ]
    evaluator, responses = emulator.core("iam_evaluator"), emulator.core("responses")
    text = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}
    access_key: str = emulator.core("router").extract_access_key_id(text, {})
    responses.set_request_account_id(access_key)
    responses.set_request_region(region)
    evaluator.pin_request_origin("127.0.0.1", True)
    evaluator.pin_signed_request(method, target, parse_qs(query, keep_blank_values=True), list(headers))
    evaluator.pin_signed_body(body)
    for action, resource in found:
        refused = evaluator.enforce(access_key, action, "batch", region, resource_arn=resource)
        if refused is not None:
            caller = getattr(refused, "principal_arn", "") or access_key
            message = getattr(refused, "message", "") or (
                f"User: {caller} is not authorized to perform: {action} on resource: {resource}"
            )
            code = getattr(refused, "code", "AccessDeniedException")
            answer = {"content-type": "application/json", "x-amzn-errortype": code}
            return HTTPStatus.FORBIDDEN, answer, json.dumps({"message": message}).encode()
    return None


def _batch_checks(method: str, path: str, body: bytes, region: str) -> Iterable[tuple[str, list[str]]]:
    """Actions and resources that AWS checks for a call to Batch."""

    def arn(kind: str, reference: str) -> str:
        return reference if reference.startswith("arn:") else f"arn:aws:batch:{region}:{ACCOUNT_ID}:{kind}/{reference}"

    if path.startswith("/v1/tags/"):
        verb = {"GET": "ListTagsForResource", "POST": "TagResource", "DELETE": "UntagResource"}.get(method, "")
        return [(f"batch:{verb}", [unquote(path.removeprefix("/v1/tags/"))])]
    action = f"batch:{_ACTIONS.get(path.removeprefix('/v1/'), path)}"
    try:
        request = cast("dict[str, Any]", json.loads(body or b"{}"))
    except ValueError:
        return [(action, ["*"])]
    if action == "batch:SubmitJob":
        queue, definition = str(request.get("jobQueue", "")), str(request.get("jobDefinition", ""))
        resources = [arn("job-queue", queue), arn("job-definition", definition)]
        return [(name, resources) for name in (action, *(["batch:TagResource"] if request.get("tags") else []))]
    if action in ("batch:TerminateJob", "batch:CancelJob"):
        return [(action, [arn("job", str(request.get("jobId", "")))])]
    return [(action, ["*"])]


_ACTIONS: Final = {
    name.lower(): name
    for name in (
        "CancelJob",
        "CreateComputeEnvironment",
        "CreateJobQueue",
        "CreateSchedulingPolicy",
        "DeleteComputeEnvironment",
        "DeleteJobQueue",
        "DeleteSchedulingPolicy",
        "DeregisterJobDefinition",
        "DescribeComputeEnvironments",
        "DescribeJobDefinitions",
        "DescribeJobQueues",
        "DescribeJobs",
        "DescribeSchedulingPolicies",
        "ListJobs",
        "ListSchedulingPolicies",
        "RegisterJobDefinition",
        "SubmitJob",
        "TerminateJob",
        "UpdateComputeEnvironment",
        "UpdateJobQueue",
        "UpdateSchedulingPolicy",
    )
}


def _name_log_streams(original: Callable[..., Any]) -> Callable[..., Any]:
    """Calls on a log stream are checked for the stream's ARN; the emulator would take the group's."""

    def extract(service: str, method: str, path: str, headers: Mapping[str, str], body: bytes, *arguments: Any) -> Any:
        found: str = original(service, method, path, headers, body, *arguments)
        if service != "logs" or f"logs:{headers.get('x-amz-target', '').rpartition('.')[2]}" not in _OF_A_STREAM:
            return found
        try:
            stream = json.loads(body).get("logStreamName")
        except (ValueError, AttributeError):
            return found
        return f"{found}:log-stream:{stream}" if stream and ":log-stream:" not in found else found

    return extract


def _record(original: Callable[..., Any]) -> Callable[..., Any]:
    def enforce(access_key: str, action: str, service: str, region: str, *arguments: Any, **options: Any) -> Any:
        session = emulator.service("sts")._sessions.get(access_key)
        if session is not None:
            role = str(session["Arn"]).split("/")[1]
            _calls.setdefault((role, action), set()).add(options.get("resource_arn", "*"))
        return original(access_key, action, service, region, *arguments, **options)

    return enforce
