"""The API's description and the function agree: answers, parameters, limits, kinds of problems.

Every answer in every test of this folder is held to the description (`described` in conftest); here are the rest: that
each described answer exists, and that what the function accepts is what is described.
"""

import re
from collections.abc import Callable
from typing import Any

import cors
import job_views
import limits
import problems
import pytest
import uploads
from routing import JOB_ID, ROUTES
from validation import Schema

from tests.lambda_src.conftest import Call
from tests.lambda_src.contract import DOCUMENT, EVERYWHERE, OPERATIONS, resolve
from tests.lambda_src.double import Double, ServiceError, timeout_before, unreachable

JOBS = "/wordcount/jobs"
NAME = "wordcount-a-r" + "0" * 24
BY_GATEWAY = {"429", "502", "504"}
SCHEMAS = DOCUMENT["components"]["schemas"]


def parameters_of(operation_id: str) -> dict[str, dict[str, Any]]:
    [operation] = [one for one in OPERATIONS.values() if one["operationId"] == operation_id]
    return {parameter["name"]: parameter["schema"] for parameter in operation.get("parameters", [])}


def test_the_routes_are_those_of_the_description() -> None:
    routes = {
        (method, "/wordcount/" + "/".join(pattern)): name
        for pattern, methods in ROUTES.items()
        for method, name in methods.items()
    }
    assert routes == {key: operation["operationId"] for key, operation in OPERATIONS.items()}


def test_each_described_answer_is_given(call: Call, double: Double) -> None:
    """All but the gateway's own. That each is as described is checked as it is given."""
    seen: dict[str, set[str]] = {}

    def send(method: str, path: str, **options: Any) -> Any:
        reply = call(method, path, **options)
        [name] = [
            operation["operationId"]
            for (known, pattern), operation in OPERATIONS.items()
            if known == method and re.fullmatch(pattern.replace("{jobId}", "[^/]+"), path)
        ]
        seen.setdefault(name, set()).add(str(reply.status))
        return reply

    job_id = double.batch.add(NAME, status="RUNNING")
    done = double.batch.add(NAME, status="SUCCEEDED")
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", JOBS, {"json_body": {"text": "a"}}),
        ("GET", JOBS, {}),
        ("GET", f"{JOBS}/{job_id}", {}),
        ("GET", f"{JOBS}/{job_id}/logs", {}),
        ("DELETE", f"{JOBS}/{job_id}", {}),
        ("POST", "/wordcount/uploads", {"json_body": {"contentType": "text/plain"}}),
    ]
    for method, path, options in requests:
        send(method, path, **options)
        send(method, path, **options, query={"unknown": "1"})
        send(method, path, **options, key="unknown")
        send(method, re.sub(r"jobs/[^/]+", "jobs/none", path), **options)
        if method == "POST":
            send(method, path, body="{}", headers={"Content-Type": "text/plain"})
            send(method, path, body=" " * (limits.MAX_BODY_BYTES + 1))
    send("DELETE", f"{JOBS}/{done}")
    key = {"Idempotency-Key": "k"}
    double.fault = lambda name, run: timeout_before(run) if name == "batch:SubmitJob" else run()
    send("POST", JOBS, json_body={"text": "a"}, headers=key)
    double.fault = None
    send("POST", JOBS, json_body={"text": "b"}, headers=key)

    def refuse(_: str, __: Callable[[], Any]) -> Any:
        raise ServiceError("AccessDeniedException")

    for fault in (refuse, lambda _, run: unreachable(run)):
        double.fault = fault
        for method, path, options in requests:
            send(method, path, **options)
    described = {one["operationId"]: set(one["responses"]) - BY_GATEWAY for one in OPERATIONS.values()}
    # A form is signed without asking AWS: what is left is the unforeseen.
    described["createUpload"] -= {"500", "503"}
    assert {name: statuses & described[name] for name, statuses in seen.items()} == described


@pytest.mark.parametrize("operation", [one["operationId"] for one in OPERATIONS.values()])
def test_each_described_parameter_is_accepted_and_no_other(call: Call, double: Double, operation: str) -> None:
    [(method, path)] = [key for key, one in OPERATIONS.items() if one["operationId"] == operation]
    job_id = double.batch.add(NAME, status="RUNNING")
    bodies = {"submitJob": {"text": "a"}, "createUpload": {"contentType": "text/plain"}}
    reply = call(method, path.replace("{jobId}", job_id), query={"unknown": "1"}, json_body=bodies.get(operation))
    known = re.fullmatch(r"There is a query parameter that isn't known here\. Known: (.*)\.", reply.body["detail"])
    assert known
    in_query = {
        parameter["name"] for parameter in OPERATIONS[method, path].get("parameters", []) if parameter["in"] == "query"
    }
    assert set(known[1].split(", ")) == (in_query or {"none"})


def test_limits_are_those_of_the_description() -> None:
    submit, listing, logs = (parameters_of(name) for name in ("submitJob", "listJobs", "getJobLogs"))
    assert submit["timeoutSeconds"]["minimum"] == limits.MIN_JOB_SECONDS
    assert submit["Idempotency-Key"]["maxLength"] == limits.MAX_KEY_CHARACTERS
    assert listing["limit"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": limits.LIST_MAX,
        "default": limits.LIST_DEFAULT,
    }
    assert logs["limit"] == {"type": "integer", "minimum": 1, "maximum": limits.LOG_MAX, "default": limits.LOG_DEFAULT}
    assert logs["attempt"]["maximum"] == limits.MAX_ATTEMPTS
    assert listing["pageToken"]["maxLength"] == limits.MAX_TOKEN_CHARACTERS
    assert parameters_of("cancelJob")["reason"]["maxLength"] == limits.MAX_REASON_CHARACTERS
    assert SCHEMAS["JobPage"]["properties"]["jobs"]["maxItems"] == limits.LIST_MAX
    assert SCHEMAS["LogPage"]["properties"]["events"]["maxItems"] == limits.LOG_MAX
    assert SCHEMAS["Results"]["properties"]["files"]["maxItems"] == limits.MAX_RESULT_FILES
    assert tuple(SCHEMAS["JobStatus"]["enum"]) == job_views.STATUSES
    assert SCHEMAS["JobId"]["pattern"] == f"^{JOB_ID.pattern}$"
    text = DOCUMENT["info"]["description"]
    for said in (
        f"request body | {limits.MAX_BODY_BYTES // 1024} KiB, nested {limits.MAX_DEPTH} deep",
        f"{limits.MAX_SUBMIT_BYTES // 1024} KiB with all that Batch is told",
        f"uploaded input | {limits.MAX_UPLOAD_BYTES // 1024**3} GiB",
        f"one page | {limits.LIST_MAX} jobs, {limits.LOG_MAX:,} log lines",
        f"links to results, and to upload | {limits.LINK_SECONDS // 60} minutes",
    ):
        assert said in text


def test_an_upload_is_asked_for_as_described() -> None:
    described = resolve(SCHEMAS["UploadRequest"])
    for schema in described["properties"].values():
        for key in ("description", "default", "example"):
            schema.pop(key, None)
    assert {"$schema": "http://json-schema.org/draft-04/schema#", **described} == uploads.REQUEST_SCHEMA
    Schema(uploads.REQUEST_SCHEMA).check({"contentType": "text/plain"})


def test_the_kinds_of_problems_are_those_of_the_description() -> None:
    rows = re.findall(r"^\| (`[a-z-`, ]+`) \| ([\d, ]+) \|", DOCUMENT["info"]["description"], re.MULTILINE)
    described = {
        kind: {int(status) for status in statuses.split(", ")}
        for kinds, statuses in rows
        for kind in re.findall(r"[a-z-]+", kinds)
    }
    # The gateway lets no other method through.
    for kind, (status, _) in problems.TYPES.items():
        if kind != "method-not-allowed":
            assert status in described[kind]


def test_titles_in_examples_are_the_real_ones() -> None:
    examples = [
        content["example"]
        for response in DOCUMENT["components"]["responses"].values()
        for content in response["content"].values()
        if "example" in content
    ]
    known = {problems.TYPE_PREFIX + kind: (status, title) for kind, (status, title) in problems.TYPES.items()}
    ours = [example for example in examples if example["type"] in known]
    assert len(ours) > 5
    for example in ours:
        assert (example["status"], example["title"]) == known[example["type"]]


def test_pages_may_read_each_described_header() -> None:
    described = {
        name
        for operation in OPERATIONS.values()
        for response in operation["responses"].values()
        for name in response.get("headers", {})
    }
    assert described - EVERYWHERE <= set(cors.EXPOSED.split(", "))
