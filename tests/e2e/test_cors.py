"""Every operation and every documented answer, judged as a browser would: may a page of another origin send the
request, and read what comes back?

`browser_cors` holds the rules. The requests are real, against the deployed API; which documented answers they can't
bring about is listed in `NOT_PROVEN`. test_cors_definitions.py judges the gateway's own answers by their definitions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from sandbox.context import Clients
from tests import patient
from tests.e2e.breakage import broken_function, forbidden_function, variables
from tests.e2e.browser_cors import BlockedError, Request, check_preflight, preflight
from tests.e2e.conftest import Api
from tests.e2e.page import DOCUMENTED, NAMES, OPERATIONS, Page, answer_of, assert_as_documented

GATEWAY_LIMIT_BYTES = 10 * 1024 * 1024
NOT_PROVEN = {
    # The emulator waits for a function as long as that takes, and always reaches it.
    **{(name, 504): "the gateway's INTEGRATION_TIMEOUT and INTEGRATION_FAILURE" for name in NAMES},
    ("createUpload", 503): "signs a form and calls nobody who could be out of reach",
}
"""Documented answers that no request here gets."""


@dataclass(frozen=True)
class World:
    page: Page
    stranger: Page
    """Without a key."""
    hasty: Page
    """With a key whose rate is used up."""
    thrifty: Page
    """With a key whose quota is used up."""
    finished_job: str
    aws: Clients

    def submitted_twice(self) -> httpx.Response:
        """A request with an Idempotency-Key whose first one is still under way."""
        headers = {"Idempotency-Key": "under-way"}
        job_id = self.page.call("submitJob", headers=headers).json()["jobId"]
        dynamodb = self.aws("dynamodb")
        [table] = dynamodb.list_tables()["TableNames"]
        [item] = [item for item in dynamodb.scan(TableName=table)["Items"] if item.get("jobId") == {"S": job_id}]
        del item["jobId"]
        dynamodb.put_item(TableName=table, Item=item)
        return self.page.call("submitJob", headers=headers)

    def mismatched(self) -> httpx.Response:
        """The second of two different requests with one Idempotency-Key."""
        headers = {"Idempotency-Key": "two-bodies"}
        self.page.call("submitJob", headers=headers)
        return self.page.call("submitJob", headers=headers, json={"do": "fail"})


@pytest.fixture(scope="module")
def world(api: Api, aws: Clients) -> World:
    pages = {name: Page(api.url, key) for name, key in api.exports["apiKeys"].items()}
    for name in ("hasty", "thrifty"):
        pages[name].call("listJobs")
    return World(
        page=pages["default"],
        stranger=Page(api.url, None),
        hasty=pages["hasty"],
        thrifty=pages["thrifty"],
        finished_job=api.finished("steps", api.submitted("steps", {"do": "succeed"}))["jobId"],
        aws=aws,
    )


@dataclass(frozen=True)
class Case:
    operation: str
    status: int
    kind: str
    send: Callable[[World], httpx.Response]

    def __str__(self) -> str:
        return f"{self.operation}-{self.status}-{self.kind}".removesuffix("-")


def _call(operation: str, who: str = "page", **options: Any) -> Callable[[World], httpx.Response]:
    return lambda world: getattr(world, who).call(operation, **options)


def _of_finished(operation: str) -> Callable[[World], httpx.Response]:
    return lambda world: world.page.call(operation, job_id=world.finished_job)


_LARGE = {
    "content": b'{"contentType": "text/plain"' + b" " * (300 * 1024) + b"}",
    "headers": {"content-type": "application/json"},
}
_HUGE = {"content": b" " * (GATEWAY_LIMIT_BYTES + 1), "headers": {"content-type": "text/plain"}}
_PLAIN = {"content": b"{}", "headers": {"content-type": "text/plain"}}
CASES = [
    Case("submitJob", 202, "", _call("submitJob")),
    Case("listJobs", 200, "", _call("listJobs")),
    Case("getJob", 200, "", _of_finished("getJob")),
    Case("getJobLogs", 200, "", _of_finished("getJobLogs")),
    Case("cancelJob", 202, "", lambda world: world.page.call("cancelJob", job_id=_sleeper(world))),
    Case("createUpload", 201, "", _call("createUpload")),
    *(Case(name, 400, "invalid-request", _call(name, params={"colour": "red"})) for name in NAMES),
    *(Case(name, 400, "invalid-parameters", _call(name, json={"colour": 1})) for name in ("createUpload", "submitJob")),
    *(Case(name, 400, "invalid-page-token", _call(name, params={"pageToken": "x"})) for name in ("listJobs",)),
    *(Case(name, 403, "forbidden", _call(name, "stranger")) for name in NAMES),
    *(Case(name, 404, "job-not-found", _call(name)) for name in ("cancelJob", "getJob", "getJobLogs")),
    Case("submitJob", 409, "idempotency-in-progress", World.submitted_twice),
    Case("cancelJob", 409, "job-finished", _of_finished("cancelJob")),
    *(Case(name, 413, "too-large", _call(name, **_LARGE)) for name in ("createUpload",)),
    Case("submitJob", 413, "too-large", _call("submitJob", **_HUGE)),
    *(Case(name, 415, "unsupported-media-type", _call(name, **_PLAIN)) for name in ("createUpload", "submitJob")),
    Case("submitJob", 422, "idempotency-mismatch", World.mismatched),
    *(Case(name, 429, "throttled", _call(name, "hasty")) for name in NAMES),
    *(Case(name, 429, "quota-exceeded", _call(name, "thrifty")) for name in NAMES),
]


def _sleeper(world: World) -> str:
    return world.page.call("submitJob", json={"do": "sleep"}).json()["jobId"]


@pytest.mark.parametrize("operation_id", sorted(OPERATIONS))
def test_a_page_may_send_all_that_the_document_describes(world: World, operation_id: str) -> None:
    operation = OPERATIONS[operation_id]
    parameters = [name.removeprefix("method.request.").split(".", 1) for name in operation.request_parameters]
    headers = {"x-api-key": "k", **{name: "1" for place, name in parameters if place == "header"}}
    headers |= {"content-type": "application/json"} if operation.body else {}
    request = Request(origin=world.page.origin, method=operation.method, headers=headers)
    url = world.page.url + operation.path.replace("{jobId}", "any")
    check_preflight(request, answer_of(patient.options(url, headers=dict(preflight(request) or {}))))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_page_may_read_the_answer(world: World, case: Case) -> None:
    assert_as_documented(case.send(world), case.operation, case.status, case.kind)


@pytest.mark.parametrize("operation", NAMES)
def test_a_wrong_key_is_told_to_the_page(world: World, operation: str) -> None:
    assert_as_documented(Page(world.page.url, "wrong").call(operation), operation, 403, "forbidden")


@pytest.mark.parametrize("path", ["/nothing", "/steps/nothing", "/steps/jobs/x/y", "/nothing/at/all"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_page_may_read_that_there_is_no_such_route(world: World, method: str, path: str) -> None:
    response = world.page.fetch(method, path)
    assert (response.status_code, response.json()["type"]) == (403, "urn:slipway:problem:no-route")


CALLS_NOBODY = {"createUpload"}


def test_a_page_may_read_that_the_function_is_broken(world: World) -> None:
    with broken_function(world.aws):
        for name in NAMES:
            assert_as_documented(world.page.call(name), name, 502, "gateway")


def test_a_page_may_read_that_the_gateway_may_not_call_the_function(world: World) -> None:
    with forbidden_function(world.aws):
        for name in NAMES:
            assert_as_documented(world.page.call(name), name, 500, "gateway")


def test_a_page_may_read_that_aws_is_out_of_reach(world: World) -> None:
    with variables(world.aws, AWS_ENDPOINT_URL="http://127.0.0.1:1"):
        for name in set(NAMES) - CALLS_NOBODY:
            assert_as_documented(world.page.call(name), name, 503, "unavailable")


def test_a_page_may_read_that_something_went_wrong_inside(world: World) -> None:
    with variables(world.aws, LOG_GROUP="/aws/batch/other", RESULTS_BUCKET="other"):
        for name in ("getJob", "getJobLogs"):
            assert_as_documented(world.page.call(name, job_id=world.finished_job), name, 500, "internal")


def test_a_page_may_read_that_a_key_is_no_consumers(world: World) -> None:
    with variables(world.aws, CONSUMERS='{"other": "other"}'):
        for name in NAMES:
            assert_as_documented(world.page.call(name), name, 403, "unknown-consumer")


def test_of_several_origins_each_reads_what_the_function_answers_and_no_other_does(world: World) -> None:
    with variables(world.aws, CORS_ORIGINS="https://docs.example,https://lab.example"):
        for name, status, kind in [("listJobs", 200, ""), ("getJob", 404, "job-not-found")]:
            for origin in ("https://docs.example", "https://lab.example"):
                page = Page(world.page.url, world.page.key, origin)
                assert_as_documented(page.call(name), name, status, kind)
            for origin in ("https://evil.example", "https://docs.example.evil.example", "null"):
                with pytest.raises(BlockedError):
                    Page(world.page.url, world.page.key, origin).call(name)


def test_a_page_may_upload_an_input_and_read_a_result(world: World) -> None:
    form = world.page.call("createUpload").json()
    # As the browser sends a form: no header of its own, so no preflight.
    stranger = Page("", None)
    stored = stranger.fetch("POST", form["url"], data=form["fields"], files={"file": ("f", b"text")})
    assert stored.status_code == 204
    [file] = world.page.call("getJob", job_id=world.finished_job).json()["results"]["files"]
    assert stranger.fetch("GET", file["url"]).json()["folder"]


def test_each_documented_answer_is_proven_or_named() -> None:
    proven = {(case.operation, case.status) for case in CASES}
    proven |= {(name, status) for name in NAMES for status in (500, 502, 503)} - {(name, 503) for name in CALLS_NOBODY}
    assert proven | NOT_PROVEN.keys() == DOCUMENTED.keys()
    assert not proven & NOT_PROVEN.keys()
