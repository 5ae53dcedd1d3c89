"""Why API Gateway refuses a body, in the words of `$context.error.validationErrorString`."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from sandbox import emulator

_STRUCTURE: Final = frozenset({"type", "properties", "required", "additionalProperties", "items"})
_COMPANIONS: Final = {"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"}
_TYPE_NAMES: Final = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


def explain(schema: Any, body: bytes) -> str:
    """The reasons that a body doesn't match a model's schema, as AWS lists them: `[reason, reason]`.

    The texts are AWS's for a wrong type, a missing and an unknown property, which is nearly all that callers meet. Any
    other mismatch is told by its keyword.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    return f"[{', '.join(_reasons(schema, document))}]"


def _reasons(schema: Any, value: Any) -> list[str]:
    if not isinstance(schema, Mapping):
        return []
    rules = cast("Mapping[str, Any]", schema)
    expected = rules.get("type")
    if expected is not None and not _valid({"type": expected}, value, rules):
        allowed = [expected] if isinstance(expected, str) else expected
        kind = "null" if value is None else _TYPE_NAMES[type(value)]
        return [
            f"instance type ({kind}) does not match any allowed primitive type (allowed: {_names(allowed)})",
        ]
    reasons: list[str] = []
    if isinstance(value, dict):
        reasons += _object_reasons(rules, cast("dict[str, Any]", value))
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            reasons += _reasons(rules.get("items"), item)
    for keyword in sorted(rules.keys() - _STRUCTURE):
        companion = _COMPANIONS.get(keyword, keyword)
        part = {name: rules[name] for name in (keyword, companion) if name in rules}
        if not _valid(part, value, rules):
            reasons.append(f"instance failed to match keyword {keyword}")
    return reasons


def _object_reasons(rules: Mapping[str, Any], value: Mapping[str, Any]) -> list[str]:
    reasons: list[str] = []
    missing = sorted(name for name in rules.get("required") or () if name not in value)
    if missing:
        reasons.append(f"object has missing required properties ({_names(missing)})")
    properties: Mapping[str, Any] = rules.get("properties") or {}
    unknown = sorted(name for name in value if name not in properties)
    if unknown and rules.get("additionalProperties") is False:
        reasons.append(f"object instance has properties which are not allowed by the schema: {_names(unknown)}")
    for name, rule in properties.items():
        if name in value:
            reasons += _reasons(rule, value[name])
    return reasons


def _valid(part: Mapping[str, Any], value: Any, root: Mapping[str, Any]) -> bool:
    return bool(emulator.service("apigateway_v1")._json_schema_valid(part, value, root))


def _names(names: Sequence[str]) -> str:
    return json.dumps(names, separators=(",", ":"))
