"""Cross-origin access of what API Gateway answers by itself, judged by its definitions in the offline preview.

Not proven by that: that API Gateway renders them as its documentation says. `vtl` below runs the few words of its
template language that Slipway uses, and refuses any other.
"""

import re
from typing import Any

import pytest

from engine.registration import Registration
from tests.conftest import Deploy
from tests.e2e.browser_cors import Answer, BlockedError, Request, check_answer, check_preflight, preflight
from tests.e2e.page import OPERATIONS

LISTS = [["*"], ["https://docs.example"], ["https://docs.example", "https://lab.example", "http://localhost:8080"]]
STRANGERS = ["https://evil.example", "http://docs.example", "https://docs.example:444", "null"]
_PIPELINES = {"steps": {"context": "tests/e2e/pipelines/steps"}}


def vtl(template: str, variables: dict[str, Any]) -> dict[str, str]:
    """Run a mapping template; headers that it overrides."""
    headers: dict[str, str] = {}

    def value(expression: str) -> str:
        if header := re.fullmatch(r'\$input\.params\(\)\.header\.get\("([\w-]+)"\)', expression):
            return variables["headers"].get(header[1], "")
        if re.fullmatch(r'"[^"$]*"', expression):
            return expression[1:-1]
        return variables[expression]

    def holds(condition: str) -> bool:
        def term(text: str) -> bool:
            if text.startswith("!"):
                return not value(text[1:])
            left, right = text.split(" == ")
            return value(left) == value(right)

        return any(term(part) for part in condition.split(" || "))

    def run(text: str) -> None:
        while text:
            if assignment := re.match(r"#set\((\S+) = (.+?)\)(?=#|$)", text):
                target, text = assignment[1], text[assignment.end() :]
                if header := re.fullmatch(r"\$context\.responseOverride\.header\.([\w-]+)", target):
                    headers[header[1]] = value(assignment[2])
                else:
                    variables[target] = value(assignment[2])
            elif condition := re.match(r"#if\(([^()]+)\)(.*?)#end", text):
                text = text[condition.end() :]
                if holds(condition[1]):
                    run(condition[2])
            else:
                raise AssertionError(f"The template has something else: {text}")

    run(template)
    return headers


def gateway_preflight(integration_response: Registration, request: Request) -> Answer:
    """What the OPTIONS method answers by its definition."""
    inputs = integration_response.inputs
    prefix = "method.response.header."
    headers = {name.removeprefix(prefix): value for name, value in inputs["responseParameters"].items()}
    assert all(re.fullmatch(r"'[^']*'", value) for value in headers.values()), headers
    sent = {name: value[1:-1] for name, value in headers.items()}
    for template in (inputs.get("responseTemplates") or {}).values():
        sent |= vtl(template, {"headers": {"Origin": request.origin}})
    return Answer(status=int(inputs["statusCode"]), headers=list(sent.items()))


def requests_of(origin: str) -> list[Request]:
    """The most that a page sends to each operation."""
    return [
        Request(
            origin=origin,
            method=operation.method,
            headers={"x-api-key": "k", "idempotency-key": "i", "content-type": "application/json"},
        )
        for operation in OPERATIONS.values()
    ]


@pytest.mark.parametrize("origins", LISTS, ids=len)
def test_pages_of_the_listed_origins_may_call_and_each_may_read_the_gateways_errors(
    deploy: Deploy, origins: list[str]
) -> None:
    deployment = deploy({"pipelines": _PIPELINES, "corsOrigins": origins})
    answer = deployment.one("aws:apigateway/integrationResponse:IntegrationResponse")
    for origin in STRANGERS if origins == ["*"] else origins:
        for request in requests_of(origin):
            assert preflight(request)
            check_preflight(request, gateway_preflight(answer, request))
    for origin in [] if origins == ["*"] else STRANGERS:
        for request in requests_of(origin):
            with pytest.raises(BlockedError):
                check_preflight(request, gateway_preflight(answer, request))
    responses = deployment.all("aws:apigateway/response:Response")
    assert {"DEFAULT_4XX", "DEFAULT_5XX"} <= {response.inputs["responseType"] for response in responses}
    for response in responses:
        values = response.inputs["responseParameters"]
        assert all(re.fullmatch(r"'[^']*'", value) for value in values.values()), values
        headers = {name.removeprefix("gatewayresponse.header."): value[1:-1] for name, value in values.items()}
        for origin in [*origins, *STRANGERS]:
            request = Request(origin=origin, method="GET")
            readable = check_answer(request, Answer(status=400, headers=list(headers.items())))
            assert {"content-type", *({"retry-after"} & {name.lower() for name in headers})} <= readable
