"""A pipeline's `parameters.schema.json`: the schema of its request body.

One file serves an API Gateway model, the documentation and the trigger function's own check. Only what all three
understand alike is allowed: JSON Schema draft 4 without references, as OpenAPI 3.0 has it [API Gateway developer guide,
"Data models for REST APIs"; OpenAPI 3.0.3, "Schema Object"].
"""

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import fastjsonschema

FILE_NAME = "parameters.schema.json"
SAMPLE_FILE_NAME = "sample-input.json"
DRAFT_4 = "http://json-schema.org/draft-04/schema#"

_SUBSCHEMA = ("additionalProperties", "items", "not")
_SUBSCHEMA_LIST = ("allOf", "anyOf", "oneOf")
_KEYWORDS = {
    *_SUBSCHEMA,
    *_SUBSCHEMA_LIST,
    *("default", "description", "enum", "exclusiveMaximum", "exclusiveMinimum", "format", "maxItems", "maxLength"),
    *("maxProperties", "maximum", "minItems", "minLength", "minProperties", "minimum", "multipleOf", "pattern"),
    *("properties", "required", "title", "type", "uniqueItems"),
}


class SchemaError(Exception):
    """A schema or a sample input can't be used."""

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(f"found {found}; expected {expected}")
        self.found = found
        self.expected = expected


def load_schema(path: Path) -> dict[str, Any]:
    """Read and check a parameters schema.

    Raises:
        SchemaError: the file is missing, isn't JSON, or is no schema that all its readers understand.
    """
    schema = _load_object(path, "a JSON Schema of type object")
    if schema.get("$schema") != DRAFT_4:
        raise SchemaError(f'"$schema": {json.dumps(schema.get("$schema"))}', f'"$schema": "{DRAFT_4}"')
    if schema.get("type") != "object":
        raise SchemaError(f'"type": {json.dumps(schema.get("type"))}', '"type": "object" (a body is a JSON object)')
    _compile(schema)
    for place, keyword in _unsupported(without_dialect(schema), ""):
        near = difflib.get_close_matches(keyword, _KEYWORDS, n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise SchemaError(f"the keyword {keyword} at {place or 'the top'}", f"one that OpenAPI 3.0 has, too{hint}")
    return schema


def load_sample(path: Path, schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """Read a sample input and check it by the schema; None if there is no such file.

    Raises:
        SchemaError: the file isn't a JSON object or doesn't fit the schema.
    """
    if not path.exists():
        return None
    sample = _load_object(path, "a JSON object that fits the schema")
    try:
        _compile(schema)(sample)
    except fastjsonschema.JsonSchemaValueException as error:
        raise SchemaError(f"a sample that does not fit: {error}", "a sample that fits the schema") from error
    return sample


def without_dialect(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema without `$schema`, which OpenAPI 3.0 does not have."""
    return {key: value for key, value in schema.items() if key != "$schema"}


def _load_object(path: Path, expected: str) -> dict[str, Any]:
    try:
        content: object = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SchemaError("no such file", expected) from error
    except (OSError, ValueError, RecursionError) as error:
        raise SchemaError(f"a file that is no JSON ({error})", expected) from error
    if not isinstance(content, dict):
        raise SchemaError(f"JSON of type {type(content).__name__}", expected)
    return cast("dict[str, Any]", content)


def _compile(schema: Mapping[str, Any]) -> Any:
    try:
        # By default it would write default values into what it checks.
        return cast("Any", fastjsonschema).compile(dict(schema), use_default=False)
    except (
        fastjsonschema.JsonSchemaDefinitionException,
        AttributeError,  # the package's answer to a list where it expects a mapping
        TypeError,
        re.error,
    ) as error:
        raise SchemaError(f"a broken schema ({error})", "a valid JSON Schema of draft 4") from error


def _unsupported(schema: Mapping[str, Any], place: str) -> Iterator[tuple[str, str]]:
    """Each keyword that not every reader of the schema knows, with the JSON pointer of its place."""
    for keyword, value in schema.items():
        if keyword not in _KEYWORDS:
            yield place, keyword
        elif keyword == "type" and not isinstance(value, str):
            yield place, "type with several types"
        elif keyword == "properties":
            for name, child in cast("dict[str, dict[str, Any]]", value).items():
                yield from _unsupported(child, f"{place}/properties/{name}")
        elif keyword in _SUBSCHEMA and isinstance(value, dict):
            yield from _unsupported(cast("dict[str, Any]", value), f"{place}/{keyword}")
        elif keyword == "items":
            yield place, "items with several schemas"
        elif keyword in _SUBSCHEMA_LIST:
            for number, child in enumerate(cast("list[dict[str, Any]]", value)):
                yield from _unsupported(child, f"{place}/{keyword}/{number}")
