"""A web page of another origin than the API's, and the API's document."""

from dataclasses import dataclass
from typing import Any

import httpx

from components import api_document
from tests import patient
from tests.e2e.browser_cors import Answer, Request, check_answer, check_preflight, preflight
from tests.e2e.conftest import CONFIG, ROOT

TEMPLATE = api_document.load_template(ROOT)
OPERATIONS = {
    operation.operation_id: operation
    for pipeline in CONFIG["pipelines"]
    for operation in api_document.operations(TEMPLATE, pipeline)
}
PIPELINE = "steps"
NAMES = sorted(name.removeprefix(f"{PIPELINE}-") for name in OPERATIONS if name.startswith(PIPELINE))
"""Of the operations, as in the document."""
BODIES = {"submitJob": {"do": "succeed"}, "createUpload": {"contentType": "text/plain"}}
"""What the operations of the pipeline `steps` accept."""
NOBODY = "0b0e6f2e-0d3b-4f6c-9a52-3d0b6a0f7a11"
"""The id of no job."""


@dataclass(frozen=True)
class Page:
    """Sends requests as a browser does for a page, and shows what a browser would show to it."""

    url: str
    """Of the API."""
    key: str | None
    origin: str = "https://docs.example"

    def call(self, operation: str, *, job_id: str = NOBODY, pipeline: str = PIPELINE, **options: Any) -> httpx.Response:
        """An operation, valid if nothing else is said."""
        described = OPERATIONS[f"{pipeline}-{operation}"]
        if operation in BODIES and not {"content", "json"} & options.keys():
            options["json"] = BODIES[operation]
        return self.fetch(described.method, described.path.replace("{jobId}", job_id), **options)

    def fetch(self, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any) -> httpx.Response:
        """The answer with those headers that the page may read.

        Raises:
            BlockedError: the browser says "Failed to fetch".
        """
        written = {**(headers or {}), **({"x-api-key": self.key} if self.key else {})}
        request = httpx.Request(method, self.url + path, headers=written, **options)
        if "content-type" in request.headers:
            written["content-type"] = request.headers["content-type"]
        asks = Request(origin=self.origin, method=method, headers=written)
        question = preflight(asks)
        if question is not None:
            check_preflight(asks, answer_of(_send(httpx.Request("OPTIONS", request.url, headers=dict(question)))))
        request.headers["origin"] = self.origin
        response = _send(request)
        readable = check_answer(asks, answer_of(response))
        shown = [(name, value) for name, value in response.headers.multi_items() if name in readable]
        return httpx.Response(response.status_code, headers=shown, content=response.content)


def _send(request: httpx.Request) -> httpx.Response:
    with httpx.Client(trust_env=False, timeout=patient.SECONDS, verify=patient.PLAIN_HTTP) as client:
        return client.send(request)


def answer_of(response: httpx.Response) -> Answer:
    return Answer(status=response.status_code, headers=response.headers.multi_items())


def _resolved(value: dict[str, Any]) -> dict[str, Any]:
    found: Any = value
    if "$ref" in value:
        found = TEMPLATE
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
    return found


def _documented() -> dict[tuple[str, int], dict[str, Any]]:
    operations = [
        operation
        for item in TEMPLATE["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict) and "operationId" in operation
    ]
    return {
        (operation["operationId"], int(status)): _resolved(answer)
        for operation in operations
        for status, answer in operation["responses"].items()
    }


DOCUMENTED = _documented()
"""Operation and status -> what the document says of that answer."""


def assert_as_documented(response: httpx.Response, operation: str, status: int, kind: str = "") -> None:
    """The page sees the status, the body, and each header that the document promises.

    Args:
        kind: of the problem; empty for an answer that is none.
    """
    assert response.status_code == status, response.text
    documented = DOCUMENTED[operation, status]
    assert response.headers["content-type"].partition(";")[0] in documented["content"]
    promised = {name for name, header in documented.get("headers", {}).items() if _resolved(header).get("required")}
    assert {name.lower() for name in promised} <= set(response.headers), response.headers
    if kind:
        assert response.json()["type"] == f"urn:slipway:problem:{kind}"
