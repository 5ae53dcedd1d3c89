"""The function's application on a clock and an AWS that the tests control."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[2]
for _name in ("trigger", "reconciler"):
    # Where Lambda has them: at the top of the zip.
    sys.path.append(str(ROOT / "lambda_src" / _name))

from aws import Aws  # noqa: E402
from handler import Application  # noqa: E402
from problems import Problem  # noqa: E402
from settings import Settings  # noqa: E402

from tests.lambda_src import contract  # noqa: E402
from tests.lambda_src.double import DEFINITION, QUEUE, Double, FakeClock  # noqa: E402

SCHEMA = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "type": "object",
    "required": ["text"],
    "additionalProperties": False,
    "properties": {
        "text": {"type": "string", "minLength": 1},
        "top": {"type": "integer", "minimum": 1, "default": 20},
        "inputs": {"type": "array", "items": {"type": "object", "properties": {"a.b": {"type": "integer"}}}},
        "mode": {"enum": ["fast", "exact"]},
        "price": {"type": "string", "pattern": "^[$€][0-9]+$"},
    },
}


class Call(Protocol):
    def __call__(self, method: str, path: str, **options: Any) -> "Reply": ...


examples = settings(max_examples=60)
"""For property tests: quick."""


def attempt(work: Callable[[], Any]) -> Any:
    """What it returns, or the problem that it raises."""
    try:
        return work()
    except Problem as problem:
        return problem


class Reply:
    """A proxy response, read."""

    def __init__(self, response: Mapping[str, Any]) -> None:
        self.status: int = response["statusCode"]
        self.headers: dict[str, str] = response["headers"]
        self.text: str = response["body"]
        self.body: dict[str, Any] = json.loads(self.text)
        assert response["isBase64Encoded"] is False

    @property
    def problem(self) -> str:
        assert self.headers["Content-Type"] == "application/problem+json"
        return self.body["type"].removeprefix("urn:slipway:problem:")


@pytest.fixture(autouse=True)
def described(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold every answer of every test to the API's description."""
    answer = Application.answer

    def checked(self: Application, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        response = answer(self, event, context)
        contract.check(event, response)
        return response

    monkeypatch.setattr(Application, "answer", checked)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def double(clock: FakeClock) -> Double:
    return Double(clock)


def make_settings(**changes: Any) -> Settings:
    values: dict[str, Any] = {
        "pipeline": "wordcount",
        "job_name_prefix": "wordcount",
        "job_definition": f"{DEFINITION}:3",
        "job_queue": QUEUE,
        "results_bucket": "results-1a2b",
        "inputs_bucket": "inputs-1a2b",
        "idempotency_table": "keys",
        "log_group": "/aws/batch/wordcount",
        "max_timeout_seconds": 900,
        "cors_origins": ("*",),
        "consumers": {"key-a": "a", "key-ab": "a-b", "key-a2": "a"},
        "sees_all_jobs": False,
        "schema": SCHEMA,
    }
    return Settings(**{**values, **changes})


class Context:
    def __init__(self, clock: FakeClock, seconds: float = 28) -> None:
        self._clock = clock
        self._end = clock.elapsed() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return int((self._end - self._clock.elapsed()) * 1000)


def event(
    method: str,
    path: str,
    *,
    body: str | None = None,
    json_body: object = None,
    key: str | None = "key-a",
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str | list[str]] | None = None,
    base64: bool = False,
    stage: str = "default",
) -> dict[str, Any]:
    """A proxy event as API Gateway makes it."""
    if json_body is not None:
        body = json.dumps(json_body)
    sent = {**({"Content-Type": "application/json"} if body is not None else {}), **(headers or {})}
    parameters: dict[str, str] = {}
    resource = path
    segments = path.split("/")
    if len(segments) > 3 and segments[2] == "jobs":
        parameters["jobId"] = segments[3]
        resource = "/".join([*segments[:3], "{jobId}", *segments[4:]])
    many = {name: value if isinstance(value, list) else [value] for name, value in (query or {}).items()}
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": {name: values[-1] for name, values in many.items()} or None,
        "multiValueQueryStringParameters": many or None,
        "pathParameters": parameters or None,
        "requestContext": {
            "path": f"/{stage}{path}",
            "stage": stage,
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "identity": {"sourceIp": "127.0.0.1", **({"apiKeyId": key} if key else {})},
        },
        "body": body,
        "isBase64Encoded": base64,
    }


@pytest.fixture
def application_of(double: Double, clock: FakeClock) -> Callable[..., Application]:
    """A new process of the function, with some settings changed."""
    return lambda **changes: Application(make_settings(**changes), Aws(clock, double.client), clock)


@pytest.fixture
def call(application_of: Callable[..., Application], clock: FakeClock) -> Call:
    """`call("GET", "/wordcount/jobs", query=...)` to one process of the function."""
    application = application_of()

    def send(method: str, path: str, **options: Any) -> Reply:
        return Reply(application.answer(event(method, path, **options), Context(clock)))

    return send
