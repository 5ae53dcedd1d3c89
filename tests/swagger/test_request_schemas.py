"""What API Gateway takes as a model, and what the docs and the function understand alike: ADR 5 says why.

API Gateway itself isn't asked here: the lists are those of its developer guide ("important notes for REST APIs") and of
draft 4.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from components.parameters_schema import load_sample, load_schema
from tests.swagger.documents import ROOT, inlined, nodes, template

# Not in draft 4, so a model with them is refused or means something else.
NEWER_THAN_DRAFT_4 = {
    *("const", "contains", "propertyNames", "if", "then", "else", "examples", "$id", "$defs", "$comment", "$anchor"),
    *(
        "dependentRequired",
        "dependentSchemas",
        "unevaluatedProperties",
        "unevaluatedItems",
        "prefixItems",
        "minContains",
    ),
    *("contentEncoding", "contentMediaType", "readOnly", "writeOnly", "deprecated"),
}
# OpenAPI 3.0's own words, which no JSON Schema knows.
OPENAPI_ONLY = {"nullable", "discriminator", "xml", "externalDocs", "example"}
# Listed by API Gateway as not carried over or not checked; the committed documents do without.
DOUBTFUL_IN_API_GATEWAY = {"oneOf", "anyOf", "allOf", "not", "exclusiveMinimum", "exclusiveMaximum", "dependencies"}
# Draft 4 has them, OpenAPI 3.0 has not.
NOT_IN_OPENAPI_3_0 = {"patternProperties", "additionalItems", "definitions", "id", "$ref"}
UNSUITABLE = NEWER_THAN_DRAFT_4 | OPENAPI_ONLY | DOUBTFUL_IN_API_GATEWAY | NOT_IN_OPENAPI_3_0

FILES = sorted((ROOT / "pipelines").glob("*/parameters.schema.json"))
TEMPLATE = template()
SCHEMAS: dict[str, dict[str, Any]] = {
    **{path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in FILES},
    "UploadRequest": inlined(TEMPLATE, TEMPLATE["components"]["schemas"]["UploadRequest"]),
}


def subschemas(schema: dict[str, Any]) -> list[dict[str, Any]]:
    children = [*schema.get("properties", {}).values()]
    children += [child for key in ("items", "additionalProperties") if isinstance(child := schema.get(key), dict)]
    return [schema, *(found for child in children for found in subschemas(child))]


def test_the_sample_pipeline_is_among_them() -> None:
    assert "wordcount" in SCHEMAS


@pytest.mark.parametrize("name", SCHEMAS)
def test_it_is_draft_4_and_nothing_that_a_reader_takes_differently(name: str) -> None:
    schema = SCHEMAS[name]
    Draft4Validator.check_schema(schema)
    for part in subschemas(schema):
        assert not UNSUITABLE & part.keys(), part
        assert isinstance(part["type"], str), "one type: OpenAPI 3.0 has no lists of types"
        assert part.get("required", ["at least one"]), "draft 4 and API Gateway refuse an empty list"
        assert set(part.get("required", ())) <= set(part.get("properties", ()))


@pytest.mark.parametrize("name", SCHEMAS)
def test_it_is_closed_bounded_and_explained(name: str) -> None:
    schema = SCHEMAS[name]
    assert schema["type"] == "object"
    for part in subschemas(schema):
        if part["type"] == "object":
            assert part["additionalProperties"] is False
        if part["type"] == "string":
            assert {"maxLength", "enum", "pattern"} & part.keys()
        if part["type"] == "integer":
            assert {"minimum", "maximum"} <= part.keys()
    for place, part in nodes(schema.get("properties", {})):
        if isinstance(part, dict) and "type" in part:
            assert part.get("description", "").strip(), place


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_the_program_accepts_schema_and_sample(path: Path) -> None:
    schema = load_schema(path)
    assert schema["$schema"] == "http://json-schema.org/draft-04/schema#"
    assert load_sample(path.parent / "sample-input.json", schema)


@pytest.mark.parametrize("name", SCHEMAS)
def test_defaults_fit_their_own_schema(name: str) -> None:
    for part in subschemas(SCHEMAS[name]):
        if "default" in part:
            assert not list(Draft4Validator(part).iter_errors(part["default"]))
