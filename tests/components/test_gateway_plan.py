"""What is deployed, as plain values: when a deployment is due, and that the gateway's own errors can be read."""

import copy
import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

from components import api_document
from components.gateway_errors import GATEWAY_ERRORS
from components.gateway_plan import GatewayPlan, plan_gateway

ROOT = Path(__file__).parents[2]
TEMPLATE = api_document.load_template(ROOT)
SCHEMA: dict[str, Any] = {"$schema": "http://json-schema.org/draft-04/schema#", "type": "object"}
# What AWS puts in, at its worst: quotes are escaped in both, and only `messageString` brings its own.
CONTEXT = {
    "$context.error.messageString": ' "Invalid \\"body\\""',
    "$context.error.validationErrorString": '[object has missing required properties ([\\"text\\"])]',
    "$context.requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
}


def plan(**changed: Any) -> GatewayPlan:
    values: dict[str, Any] = {
        "schemas": {"a": SCHEMA},
        "function_names": {"a": "slipway-dev-a-trigger"},
        "cors_origins": ["*"],
    }
    return plan_gateway(changed.pop("template", TEMPLATE), **(values | changed))


def changed_template(change: str) -> dict[str, Any]:
    template = copy.deepcopy(dict(TEMPLATE))
    jobs = template["paths"]["/{pipeline}/jobs"]
    match change:
        case "route":
            template["paths"]["/{pipeline}/more"] = {"get": {"operationId": "more"}}
        case "method":
            del jobs["get"]
        case "parameter":
            jobs["get"]["parameters"].append({"name": "since", "in": "query"})
        case "body":
            template["components"]["schemas"]["UploadRequest"]["required"] = []
        case _:
            raise AssertionError(change)
    return template


def test_the_same_plan_has_the_same_fingerprint() -> None:
    assert plan().fingerprint() == plan().fingerprint()


@pytest.mark.parametrize(
    "changed",
    [
        {"cors_origins": ["https://a.example"]},
        {"schemas": {"a": {**SCHEMA, "required": ["n"]}}},
        {"schemas": {"b": SCHEMA}, "function_names": {"b": "slipway-dev-a-trigger"}},
        {"function_names": {"a": "another"}},
        {"template": changed_template("route")},
        {"template": changed_template("method")},
        {"template": changed_template("parameter")},
        {"template": changed_template("body")},
    ],
)
def test_whatever_is_deployed_changes_the_fingerprint(changed: dict[str, Any]) -> None:
    assert plan(**changed).fingerprint() != plan().fingerprint()


def test_a_change_of_an_error_changes_the_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    before = plan().fingerprint()
    monkeypatch.setattr("components.gateway_plan.GATEWAY_ERRORS", GATEWAY_ERRORS[1:])
    assert plan().fingerprint() != before


def test_a_change_of_the_key_requirement_changes_the_fingerprint() -> None:
    before = plan()
    first, *others = before.methods
    open_method = dataclasses.replace(first, api_key_required=False)
    assert dataclasses.replace(before, methods=[open_method, *others]).fingerprint() != before.fingerprint()


def test_a_text_of_the_document_changes_nothing_that_is_deployed() -> None:
    template = copy.deepcopy(dict(TEMPLATE))
    template["info"]["description"] = "another"
    template["paths"]["/{pipeline}/jobs"]["post"]["description"] = "another"
    assert plan(template=template).fingerprint() == plan().fingerprint()


def test_parents_come_before_children() -> None:
    paths = plan().paths
    for path in paths:
        parent = path.rpartition("/")[0]
        assert not parent or paths.index(parent) < paths.index(path)


def test_only_methods_with_a_body_have_a_model_and_check_it() -> None:
    found = {(method.operation.path, method.operation.method): method for method in plan().methods}
    assert (found["/a/jobs", "POST"].model, found["/a/jobs", "POST"].validator) == ("aParameters", "body")
    assert (found["/a/uploads", "POST"].model, found["/a/uploads", "POST"].validator) == ("UploadRequest", "body")
    assert (found["/a/jobs", "GET"].model, found["/a/jobs", "GET"].validator) == (None, "parameters")


def test_models_are_schemas_of_draft_4_without_references() -> None:
    for schema in plan().models.values():
        assert json.loads(schema)["$schema"] == "http://json-schema.org/draft-04/schema#"
        assert "$ref" not in schema


def test_a_preflight_allows_what_the_api_has_and_what_its_clients_send() -> None:
    headers = plan().preflight.headers
    assert headers["Access-Control-Allow-Origin"] == "*"
    used = {method.operation.method for method in plan().methods}
    assert set(headers["Access-Control-Allow-Methods"].split(",")) == used | {"OPTIONS"}
    sent = {"content-type", "x-api-key"}
    for method in plan().methods:
        for parameter in method.operation.request_parameters:
            if parameter.startswith("method.request.header."):
                sent.add(parameter.rpartition(".")[2].lower())
    assert {header.lower() for header in headers["Access-Control-Allow-Headers"].split(",")} == sent
    assert "Vary" not in headers
    assert plan().preflight.response_templates == {}


def test_one_origin_is_the_header_itself() -> None:
    preflight = plan(cors_origins=["https://a.example"]).preflight
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://a.example"
    assert preflight.headers["Vary"] == "Origin"
    assert preflight.response_templates == {}


def test_of_several_origins_the_callers_own_is_allowed() -> None:
    preflight = plan(cors_origins=["https://a.example", "https://b.example", "https://c.example"]).preflight
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://a.example"
    (template,) = preflight.response_templates.values()
    assert '$origin == "https://b.example" || $origin == "https://c.example"' in template
    assert "$context.responseOverride.header.Access-Control-Allow-Origin = $origin" in template


@pytest.mark.parametrize("reasons", [CONTEXT["$context.error.validationErrorString"], ""])
def test_errors_are_problems_whatever_aws_puts_in(reasons: str) -> None:
    """There are no reasons for a body that isn't JSON."""
    for error in GATEWAY_ERRORS:
        (text,) = error.templates.values()
        for variable, value in {**CONTEXT, "$context.error.validationErrorString": reasons}.items():
            text = text.replace(variable, value)
        assert "$context" not in text
        problem = json.loads(text)
        assert re.fullmatch(r"urn:slipway:problem:[a-z-]+", problem["type"])
        assert problem["title"]
        assert problem["detail"]
        assert problem["requestId"] == CONTEXT["$context.requestId"]
        if error.status_code is None:
            assert error.response_type.startswith("DEFAULT_")
        else:
            assert problem["status"] == int(error.status_code)


def test_errors_may_be_read_by_any_page() -> None:
    for error in GATEWAY_ERRORS:
        headers = {name.removeprefix("gatewayresponse.header."): value for name, value in error.headers.items()}
        assert all(value == f"'{value[1:-1]}'" for value in headers.values())
        assert headers["Access-Control-Allow-Origin"] == "'*'"
        assert headers["Content-Type"] == "'application/problem+json'"
        assert "Retry-After" in headers["Access-Control-Expose-Headers"]


def test_each_error_that_a_caller_can_cause_has_its_own_response() -> None:
    statuses = {error.response_type: error.status_code for error in GATEWAY_ERRORS}
    assert len(statuses) == len(GATEWAY_ERRORS)
    assert statuses == statuses | {
        "BAD_REQUEST_BODY": "400",
        "BAD_REQUEST_PARAMETERS": "400",
        "INVALID_API_KEY": "403",
        "MISSING_AUTHENTICATION_TOKEN": "403",
        "REQUEST_TOO_LARGE": "413",
        "UNSUPPORTED_MEDIA_TYPE": "415",
        "THROTTLED": "429",
        "QUOTA_EXCEEDED": "429",
        "INTEGRATION_FAILURE": "504",
        "INTEGRATION_TIMEOUT": "504",
        "DEFAULT_4XX": None,
        "DEFAULT_5XX": None,
    }


def test_titles_are_the_same_for_each_problem_of_a_type() -> None:
    titles: dict[str, set[str]] = {}
    for error in GATEWAY_ERRORS:
        (text,) = error.templates.values()
        kind, title = re.findall(r'"(?:type|title)":"([^"]+)"', text)
        titles.setdefault(kind, set()).add(title)
    assert all(len(found) == 1 for found in titles.values())
