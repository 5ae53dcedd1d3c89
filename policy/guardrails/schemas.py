"""The part of JSON schema that the settings of rules use, checked without a library."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from .values import kind_of_value, plain

EXEMPTIONS_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "array",
    "description": "Resources that this rule leaves alone.",
    "items": {
        "type": "object",
        "properties": {
            "urn": {"type": "string", "minLength": 1, "description": "URN; `*` stands for any text."},
            "reason": {"type": "string", "minLength": 1, "description": "Why the violation is accepted."},
            "until": {"type": "string", "format": "date", "description": "Last day, as YYYY-MM-DD."},
        },
        "required": ["urn", "reason"],
        "additionalProperties": False,
    },
}

_TYPES: Final[Mapping[str, str]] = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}


def problems_of(properties: Mapping[str, Mapping[str, Any]], config: Mapping[str, object]) -> list[str]:
    """What is wrong with the settings of one rule, as sentences without an end."""
    found: list[str] = []
    for key, value in config.items():
        if key not in properties:
            known = ", ".join(sorted(properties))
            found.append(f"{key} is not a setting; there are {known}")
        else:
            found.extend(_problems(properties[key], plain(value), key))
    return found


def _problems(schema: Mapping[str, Any], value: object, path: str) -> list[str]:
    expected = schema.get("type", "")
    if not _is_of_type(expected, value):
        return [f"{path} is {kind_of_value(value)}, not {_TYPES[expected]}"]
    match value:
        case dict():
            return _object_problems(schema, cast("dict[str, object]", value), path)
        case list():
            items = enumerate(cast("list[object]", value))
            return [
                problem
                for index, item in items
                for problem in _problems(schema.get("items", {}), item, f"{path}[{index}]")
            ]
        case str():
            return _text_problems(schema, value, path)
        case int() | float() if not isinstance(value, bool) and value < schema.get("minimum", value):
            return [f"{path} is less than {schema['minimum']}"]
        case int() | float() if not isinstance(value, bool) and value > schema.get("maximum", value):
            return [f"{path} is more than {schema['maximum']}"]
        case _:
            return []


def _is_of_type(expected: str, value: object) -> bool:
    match expected:
        case "string":
            return isinstance(value, str)
        case "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict)
        case _:
            return True


def _object_problems(schema: Mapping[str, Any], value: Mapping[str, object], path: str) -> list[str]:
    properties: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
    required: Sequence[str] = schema.get("required", ())
    others: Mapping[str, Any] | bool = schema.get("additionalProperties", True)
    found = [f"{path}.{key} is missing" for key in required if key not in value]
    for key, item in value.items():
        if key in properties:
            found.extend(_problems(properties[key], item, f"{path}.{key}"))
        elif isinstance(others, Mapping):
            found.extend(_problems(others, item, f"{path}.{key}"))
        elif not others:
            found.append(f"{path}.{key} is not known; there are {', '.join(properties)}")
    return found


def _text_problems(schema: Mapping[str, Any], value: str, path: str) -> list[str]:
    if len(value.strip()) < schema.get("minLength", 0):
        return [f"{path} is empty"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{path} is none of {', '.join(schema['enum'])}"]
    if schema.get("format") == "date" and not _is_date(value):
        return [f"{path} is not a date as YYYY-MM-DD"]
    return []


def _is_date(value: str) -> bool:
    """Whether it is YYYY-MM-DD; Python takes other ISO dates, too, which the engine refuses."""
    try:
        return datetime.date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False
