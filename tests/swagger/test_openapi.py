"""The document by itself: valid, complete, and true to its own schemas. That the function and the gateway follow it is
proved where they are tested."""

import re
from typing import Any

import pytest
from jsonschema import Draft4Validator, FormatChecker
from openapi_spec_validator import OpenAPIV30SpecValidator

from tests.swagger.documents import Operation, deployed, inlined, nodes, operations, resolve, template

TEMPLATE = template()
DEPLOYED = deployed(pipelines=("wordcount", "fold-proteins"))
OPERATIONS = [pytest.param(operation, id=operation.content["operationId"]) for operation in operations(TEMPLATE)]
RESPONSES = [
    pytest.param(operation, status, resolve(TEMPLATE, response), id=f"{operation.content['operationId']}-{status}")
    for operation in operations(TEMPLATE)
    for status, response in operation.content["responses"].items()
]
BODIES = [
    pytest.param(document, place, node, id=f"{name}{place}")
    for name, document in (("template", TEMPLATE), ("deployed", DEPLOYED))
    for place, node in nodes(document)
    if isinstance(node, dict) and "schema" in node and ("example" in node or "examples" in node)
]


@pytest.mark.parametrize("document", [TEMPLATE, DEPLOYED], ids=["template", "deployed"])
def test_it_is_valid_openapi_3_0(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.0.3"
    assert [error.message for error in OpenAPIV30SpecValidator(document).iter_errors()] == []


@pytest.mark.parametrize(("document", "place", "node"), BODIES)
def test_each_example_fits_its_schema(document: dict[str, Any], place: str, node: dict[str, Any]) -> None:
    schema = inlined(document, node["schema"])
    examples = [node["example"]] if "example" in node else []
    examples += [resolve(document, entry)["value"] for entry in node.get("examples", {}).values()]
    assert examples
    filled = [inlined_placeholder(example) for example in examples]
    for example in filled:
        errors = Draft4Validator(schema, format_checker=FormatChecker()).iter_errors(example)
        assert [f"{error.json_path}: {error.message}" for error in errors] == [], place


def inlined_placeholder(value: Any) -> Any:
    """The template's examples with a pipeline's name, as the deployed document has it."""
    if isinstance(value, str):
        return value.replace("{pipeline}", "wordcount")
    if isinstance(value, dict):
        return {inlined_placeholder(key): inlined_placeholder(item) for key, item in value.items()}
    return [inlined_placeholder(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_operation_needs_a_key_and_says_what_it_does(operation: Operation) -> None:
    content = operation.content
    assert content["security"] == [{"apiKey": []}]
    assert content["tags"] == ["{pipeline}"]
    assert re.fullmatch(r"[a-z][A-Za-z]+", content["operationId"]), "ids hold no hyphen, so that they stay unique"
    assert content["summary"]
    assert content["description"].strip()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_path_declares_its_parameters(operation: Operation) -> None:
    in_path = {entry["name"] for entry in operation.parameters if entry["in"] == "path"}
    assert in_path == set(re.findall(r"{(\w+)}", operation.path))
    assert operation.path.startswith("/{pipeline}/")
    for entry in operation.parameters:
        assert entry["description"].strip(), entry["name"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_operation_names_what_the_gateway_and_the_function_may_answer(operation: Operation) -> None:
    expected = {"403", "429", "500", "502", "503", "504", "400"}
    expected |= {"404"} if "{jobId}" in operation.path else set()
    expected |= {"413", "415"} if "requestBody" in operation.content else set()
    expected |= {"409"} if operation.content["operationId"] in {"submitJob", "cancelJob"} else set()
    expected |= {"422"} if operation.content["operationId"] == "submitJob" else set()
    failures = {status for status in operation.content["responses"] if not status.startswith("2")}
    assert failures == expected


@pytest.mark.parametrize(("operation", "status", "response"), RESPONSES)
def test_each_response_is_json_and_each_failure_a_problem(
    operation: Operation, status: str, response: dict[str, Any]
) -> None:
    assert response["description"].strip()
    ((media_type, content),) = response["content"].items()
    if status.startswith("2"):
        assert media_type == "application/json"
        assert content.get("example") or content["examples"]
        return
    assert media_type == "application/problem+json"
    assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
    assert content["example"]["status"] == int(status)


@pytest.mark.parametrize(("operation", "status", "response"), RESPONSES)
def test_headers_that_a_caller_acts_on_are_promised(
    operation: Operation, status: str, response: dict[str, Any]
) -> None:
    required = {name for name, header in response.get("headers", {}).items() if resolve(TEMPLATE, header)["required"]}
    called = operation.content["operationId"]
    expected = {
        ("submitJob", "202"): {"Location"},
        ("submitJob", "409"): {"Retry-After"},
    }.get((called, status), {"Retry-After"} if status == "503" else set())
    assert required == expected


def test_links_lead_to_operations_and_their_parameters() -> None:
    for document in (TEMPLATE, DEPLOYED):
        by_id = {operation.content["operationId"]: operation for operation in operations(document)}
        links = [
            link
            for operation in operations(document)
            for response in operation.content["responses"].values()
            for link in resolve(document, response).get("links", {}).values()
        ]
        assert links
        for link in links:
            names = {entry["name"] for entry in by_id[link["operationId"]].parameters}
            assert set(link["parameters"]) <= names


def test_nothing_of_the_template_is_left_in_the_deployed_document() -> None:
    places = [place for place, node in nodes(DEPLOYED) if isinstance(node, str) and "{pipeline}" in node]
    assert places == ["/info/description"], "there it is a placeholder for the reader"
    assert not [place for place, _ in nodes(DEPLOYED) if "/x-slipway" in place]
    ids = [operation.content["operationId"] for operation in operations(DEPLOYED)]
    assert len(ids) == len(set(ids)) == 2 * len(OPERATIONS)
    for _, node in nodes(DEPLOYED):
        resolve(DEPLOYED, node)


def test_a_pipeline_brings_its_schema_sample_limit_and_description() -> None:
    submit = DEPLOYED["paths"]["/fold-proteins/jobs"]["post"]
    schema = resolve(DEPLOYED, submit["requestBody"]["content"]["application/json"]["schema"])
    assert schema["title"] == "Word count"
    assert "$schema" not in schema
    (timeout,) = [entry for entry in submit["parameters"] if entry.get("name") == "timeoutSeconds"]
    assert (timeout["schema"]["maximum"], timeout["schema"]["default"]) == (900, 900)
    assert {tag["name"]: tag["description"] for tag in DEPLOYED["tags"]}["fold-proteins"] == schema["description"]


def test_the_guarantee_of_the_idempotency_key_is_written_down() -> None:
    submit = TEMPLATE["paths"]["/{pipeline}/jobs"]["post"]["description"]
    for promise in (
        "at most one job survives",
        "7 days",
        "422",
        "409",
        "Retry-After",
        "What that can't promise",
        "younger",
    ):
        assert promise in submit
