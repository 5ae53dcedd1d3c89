"""Bodies: from what was sent to parameters that fit their schema.

The gateway checks only bodies whose content type has a model, and reads JSON more loosely than is safe to hand on: here
everything is checked again, and what two programs could read differently is refused (duplicate names, NaN, numbers out
of range, lone surrogates).
"""

import base64
import binascii
import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

import fastjsonschema
import limits
from problems import Place, Problem
from request import Request

_MAX_DETAIL_CHARACTERS = 300
_MAX_DIGITS = 300
_UPLOAD_KEY = re.compile(r"(?P<consumer>[a-z][a-z0-9-]*)/upload-[0-9a-f]{32}")


class _NotInteroperableError(ValueError):
    """JSON that is allowed by the grammar and not safe to hand on."""


def read_object(request: Request) -> dict[str, Any]:
    """The JSON object in a request's body.

    Raises:
        Problem: 415, 413 or 400.
    """
    _check_content_type(request)
    text = _text(request)
    try:
        document: object = json.loads(
            text, object_pairs_hook=_members, parse_constant=_constant, parse_float=_number, parse_int=_integer
        )
    except json.JSONDecodeError as error:
        raise Problem("invalid-body", f"Not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from None
    except _NotInteroperableError as error:
        raise Problem("invalid-body", str(error)) from None
    except RecursionError:
        raise _too_deep() from None
    _check_tree(document)
    if not isinstance(document, dict):
        place = Place(pointer="", detail="must be object")
        raise Problem("invalid-parameters", "The body must be a JSON object.", places=[place])
    return cast("dict[str, Any]", document)


class Schema:
    """A compiled JSON Schema."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = cast("dict[str, Any]", _readable_patterns(schema))
        self._check: Callable[[object], object] | None = None

    def check(self, document: object) -> None:
        """Refuse what doesn't fit.

        Raises:
            Problem: `invalid-parameters`, with the first place that doesn't fit.
        """
        if self._check is None:
            # Compiled on first use: listing jobs doesn't need it. Defaults are the job's own business.
            self._check = cast("Callable[[object], object]", fastjsonschema.compile(self._schema, use_default=False))
        try:
            self._check(document)
        except fastjsonschema.JsonSchemaValueException as error:
            place = _place(error, document)
            raise Problem(
                "invalid-parameters", f"{place.pointer or 'The body'} {place.detail}", places=[place]
            ) from None


def _readable_patterns(schema: object) -> object:
    """The schema with each `$` inside a character class written as a number.

    The library takes every `$` for the end of the text, and can't compile `[$]` then.
    """
    if isinstance(schema, Mapping):
        members = cast("Mapping[str, object]", schema)
        return {
            key: _readable_pattern(value)
            if key == "pattern" and isinstance(value, str)
            else (value if key in ("enum", "default") else _readable_patterns(value))
            for key, value in members.items()
        }
    if isinstance(schema, list):
        return [_readable_patterns(value) for value in cast("list[object]", schema)]
    return schema


def _readable_pattern(pattern: str) -> str:
    classes_and_escapes = r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]"
    return re.sub(classes_and_escapes, lambda match: re.sub(r"(?<!\\)\$", r"\\x24", match[0]), pattern, flags=re.DOTALL)


def refuse_inputs_of_others(document: object, consumer: str) -> None:
    """Refuse parameters that name another consumer's upload.

    Raises:
        Problem: `invalid-parameters`.
    """
    for pointer, value in _walk(document):
        match = _UPLOAD_KEY.fullmatch(value) if isinstance(value, str) else None
        if match and match["consumer"] != consumer:
            place = Place(pointer=pointer, detail="names an upload that isn't yours")
            raise Problem("invalid-parameters", f"{pointer or 'The body'} {place.detail}", places=[place])


def _check_content_type(request: Request) -> None:
    value = request.header("Content-Type") or ""
    media_type, _, rest = value.partition(";")
    charset = re.fullmatch(r"(?i)\s*(charset\s*=\s*\"?utf-8\"?\s*)?;?\s*", rest)
    if media_type.strip().lower() != "application/json" or not charset:
        raise Problem("unsupported-media-type", "Send Content-Type: application/json (in UTF-8).")


def _text(request: Request) -> str:
    if not request.body:
        raise Problem("invalid-body", "The body is empty; a JSON object is needed.")
    if request.is_base64:
        if len(request.body) > (limits.MAX_BODY_BYTES + 2) // 3 * 4:
            raise _too_large()
        try:
            raw = base64.b64decode(request.body, validate=True)
        except (binascii.Error, ValueError):
            raise Problem("invalid-body", "The body could not be decoded.") from None
    else:
        if len(request.body) > limits.MAX_BODY_BYTES:
            raise _too_large()
        try:
            raw = request.body.encode()
        except UnicodeEncodeError:
            raise Problem("invalid-body", "The body is not valid UTF-8.") from None
    if len(raw) > limits.MAX_BODY_BYTES:
        raise _too_large()
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Problem("invalid-body", f"The body is not valid UTF-8 at byte {error.start}.") from None


def _too_large() -> Problem:
    return Problem(
        "too-large", f"The body has more than {limits.MAX_BODY_BYTES} bytes. Upload the input and name its key."
    )


def _too_deep() -> Problem:
    return Problem("invalid-body", f"Arrays and objects are nested more than {limits.MAX_DEPTH} deep.")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _NotInteroperableError("An object has two members of the same name.")
    return found


def _constant(name: str) -> float:
    raise _NotInteroperableError(f"{name} is not JSON.")


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _NotInteroperableError("A number is too large.")
    return value


def _integer(text: str) -> int:
    # Programs that keep numbers as doubles fail beyond this; Python itself refuses from 4,300 digits on.
    if len(text) > _MAX_DIGITS:
        raise _NotInteroperableError("A number is too large.")
    return int(text)


def _check_tree(document: object) -> None:
    """Depth and text of a document; not recursive, so that depth can't hurt."""
    waiting: list[tuple[object, int]] = [(document, 0)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, str):
            try:
                value.encode()
            except UnicodeEncodeError:
                raise Problem("invalid-body", "A string holds half of a surrogate pair.") from None
        elif isinstance(value, dict | list):
            if depth == limits.MAX_DEPTH:
                raise _too_deep()
            if isinstance(value, dict):
                members = cast("dict[str, object]", value)
                waiting += [(part, depth + 1) for pair in members.items() for part in pair]
            else:
                waiting += [(part, depth + 1) for part in cast("list[object]", value)]


def _walk(document: object) -> list[tuple[str, object]]:
    """Each value with its JSON pointer."""
    found: list[tuple[str, object]] = []
    waiting: list[tuple[str, object]] = [("", document)]
    while waiting:
        pointer, value = waiting.pop()
        found.append((pointer, value))
        waiting += [(f"{pointer}/{_escape(key)}", part) for _, key, part in _children(value)]
    return found


def _children(value: object) -> list[tuple[str, str, object]]:
    """Of each member or element: how the library names it, its key, the value."""
    if isinstance(value, dict):
        return [(f".{key}", key, part) for key, part in cast("dict[str, object]", value).items()]
    if isinstance(value, list):
        return [(f"[{index}]", str(index), part) for index, part in enumerate(cast("list[object]", value))]
    return []


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _place(error: fastjsonschema.JsonSchemaValueException, document: object) -> Place:
    name = error.name or "data"
    pointer, value = _resolve(name.removeprefix("data"), document)
    return Place(pointer=pointer, detail=_detail(error, name, value)[:_MAX_DETAIL_CHARACTERS])


def _resolve(rest: str, value: object, pointer: str = "") -> tuple[str, object]:
    """Pointer and value for a name of the library's, such as `.items[0].count`; members may hold dots and brackets."""
    while rest:
        for step, key, part in _children(value):
            if rest == step or (rest.startswith(step) and rest[len(step)] in ".["):
                rest, value, pointer = rest[len(step) :], part, f"{pointer}/{_escape(key)}"
                break
        else:
            break
    return pointer, value


def _detail(error: fastjsonschema.JsonSchemaValueException, name: str, value: object) -> str:
    rule, expected = error.rule, error.rule_definition
    if rule == "required" and isinstance(value, dict):
        missing = [member for member in cast("list[str]", expected) if member not in value]
        return f"must have {_names(missing)}"
    if rule == "additionalProperties" and isinstance(value, dict):
        known = cast("Mapping[str, Any]", error.definition or {}).get("properties", {})
        patterns = cast("Mapping[str, Any]", error.definition or {}).get("patternProperties", {})
        unknown = [
            member
            for member in cast("dict[str, object]", value)
            if member not in known and not any(re.search(pattern, member) for pattern in patterns)
        ]
        return f"must not have {_names(unknown)}"
    if rule == "enum":
        return f"must be one of {json.dumps(expected, ensure_ascii=False)}"
    message = error.message or ""
    return message.removeprefix(name).strip() or "does not fit the schema"


def _names(members: list[str]) -> str:
    return ", ".join(json.dumps(member, ensure_ascii=False) for member in members)
