"""The document per pipeline: what is filled in, and what the gateway takes from it."""

import json
from pathlib import Path
from typing import Any

import pytest

from components import api_document
from components.api_document import DocumentedPipeline, DocumentError

TEMPLATE: dict[str, Any] = {
    "openapi": "3.0.3",
    "x-slipway": {
        "placeholder": "{pipeline}",
        "parameter": "#/components/parameters/Pipeline",
        "parametersSchema": "#/components/schemas/Parameters",
        "sampleInput": "#/components/examples/SampleInput",
    },
    "info": {"title": "T", "version": "1.0.0", "description": "POST /{pipeline}/jobs"},
    "servers": [{"url": "https://example.com", "description": "here"}],
    "tags": [{"name": "{pipeline}", "description": "generic"}],
    "paths": {
        "/{pipeline}/jobs": {
            "parameters": [{"$ref": "#/components/parameters/Pipeline"}],
            "post": {
                "operationId": "submit",
                "tags": ["{pipeline}"],
                "parameters": [
                    {
                        "name": "timeout",
                        "in": "query",
                        "schema": {"type": "integer", "maximum": 9, "x-slipway-limit": "timeoutSeconds"},
                    },
                    {"name": "Key", "in": "header", "required": True, "schema": {"type": "string"}},
                ],
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {"$ref": "#/components/schemas/Parameters"},
                            "examples": {"sample": {"$ref": "#/components/examples/SampleInput"}},
                        }
                    }
                },
                "responses": {"202": {"description": "ok", "links": {"job": {"operationId": "submit"}}}},
            },
        },
        "/{pipeline}/jobs/{id}": {
            "parameters": [
                {"$ref": "#/components/parameters/Pipeline"},
                {"$ref": "#/components/parameters/Id"},
            ],
            "put": {
                "operationId": "change",
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Change"}}}},
            },
        },
    },
    "components": {
        "parameters": {
            "Pipeline": {"name": "pipeline", "in": "path", "required": True},
            "Id": {"name": "id", "in": "path", "required": True},
        },
        "examples": {"SampleInput": {"summary": "A sample", "value": {}}},
        "schemas": {
            "Parameters": {"type": "object"},
            "Change": {"type": "object", "properties": {"id": {"$ref": "#/components/schemas/Id"}}},
            "Id": {"type": "string", "example": "x"},
        },
    },
}
SCHEMA = {"$schema": "http://json-schema.org/draft-04/schema#", "type": "object", "description": "Counts."}


def pipeline(name: str = "word-count", *, sample: dict[str, Any] | None = None) -> DocumentedPipeline:
    return DocumentedPipeline(name=name, schema=SCHEMA, sample=sample, limits={"timeoutSeconds": 900})


def rendered(*pipelines: DocumentedPipeline, environment: str = "dev") -> dict[str, Any]:
    return json.loads(api_document.render(TEMPLATE, pipelines or (pipeline(),), environment=environment))


def test_paths_tags_and_operation_ids_are_the_pipelines_own() -> None:
    document = rendered(pipeline("a"), pipeline("b"))
    assert list(document["paths"]) == ["/a/jobs", "/a/jobs/{id}", "/b/jobs", "/b/jobs/{id}"]
    post = document["paths"]["/b/jobs"]["post"]
    assert (post["operationId"], post["tags"]) == ("b-submit", ["b"])
    assert post["responses"]["202"]["links"]["job"]["operationId"] == "b-submit"
    assert document["tags"] == [{"name": "a", "description": "Counts."}, {"name": "b", "description": "Counts."}]


def test_the_path_parameter_of_the_template_is_gone_and_others_stay() -> None:
    document = rendered()
    assert "parameters" not in document["paths"]["/word-count/jobs"]
    assert document["paths"]["/word-count/jobs/{id}"]["parameters"] == [{"$ref": "#/components/parameters/Id"}]
    assert list(document["components"]["parameters"]) == ["Id"]


def test_each_pipelines_schema_is_its_own_without_the_dialect() -> None:
    document = rendered()
    body = document["paths"]["/word-count/jobs"]["post"]["requestBody"]["content"]["application/json"]
    assert body["schema"] == {"$ref": "#/components/schemas/word-count.Parameters"}
    assert document["components"]["schemas"]["word-count.Parameters"] == {"type": "object", "description": "Counts."}
    assert "Parameters" not in document["components"]["schemas"]


def test_a_sample_is_an_example_and_without_one_there_is_none() -> None:
    with_sample, without = rendered(pipeline(sample={"n": 1})), rendered()
    body = with_sample["paths"]["/word-count/jobs"]["post"]["requestBody"]["content"]["application/json"]
    assert body["examples"] == {"sample": {"$ref": "#/components/examples/word-count.SampleInput"}}
    assert with_sample["components"]["examples"] == {
        "word-count.SampleInput": {"summary": "A sample", "value": {"n": 1}}
    }
    body = without["paths"]["/word-count/jobs"]["post"]["requestBody"]["content"]["application/json"]
    assert "examples" not in body
    assert "examples" not in without["components"]


def test_a_limit_is_the_pipelines_own_maximum_and_default() -> None:
    schema = rendered()["paths"]["/word-count/jobs"]["post"]["parameters"][0]["schema"]
    assert schema == {"type": "integer", "maximum": 900, "default": 900}


def test_the_version_follows_the_content_and_nothing_else() -> None:
    version = rendered()["info"]["version"]
    assert version.startswith("1.0.0+")
    assert rendered()["info"]["version"] == version
    assert rendered(pipeline(sample={"n": 1}))["info"]["version"] != version


def test_the_page_learns_server_and_environment() -> None:
    document = rendered(environment="staging")
    assert document["info"]["x-environment"] == "staging"
    assert document["servers"] == [{"url": api_document.SERVER_URL_PLACEHOLDER, "description": "here"}]
    assert "x-slipway" not in document


def test_the_template_itself_is_left_as_it_was() -> None:
    before = json.dumps(TEMPLATE)
    rendered(pipeline(sample={"n": 1}))
    assert json.dumps(TEMPLATE) == before


def test_operations_have_what_the_gateway_needs() -> None:
    submit, change = api_document.operations(TEMPLATE, "a")
    assert (submit.path, submit.method, submit.operation_id, submit.pipeline) == ("/a/jobs", "POST", "a-submit", "a")
    assert submit.request_parameters == {
        "method.request.querystring.timeout": False,
        "method.request.header.Key": True,
    }
    assert submit.body == api_document.PARAMETERS
    assert change.request_parameters == {"method.request.path.id": True}
    assert change.body == "Change"


def test_a_component_schema_is_draft_4_without_references_and_examples() -> None:
    assert api_document.component_schema(TEMPLATE, "Change") == {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "type": "object",
        "properties": {"id": {"type": "string"}},
    }


def test_resources_are_the_distinct_beginnings_of_the_paths() -> None:
    assert api_document.resources_per_pipeline(TEMPLATE) == 3
    assert list(api_document.path_prefixes("/a/b/{c}")) == ["/a", "/a/b", "/a/b/{c}"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("[", "can't be read"),
        ("[]", "must be an OpenAPI document with paths"),
        ("paths: {}", "has no x-slipway"),
        ("x-slipway: {}\npaths: {/jobs: {}}", "must begin with /{pipeline}/"),
        ("x-slipway: {}\npaths: {'/{pipeline}/jobs': {options: {}}}", "must not describe OPTIONS"),
    ],
)
def test_a_file_that_is_no_template_is_refused(tmp_path: Path, content: str, expected: str) -> None:
    path = tmp_path / api_document.PATH
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(DocumentError, match=expected):
        api_document.load_template(tmp_path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="can't be read"):
        api_document.load_template(tmp_path)
