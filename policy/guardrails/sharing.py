"""Read each message of the engine once, however many rules look at it.

The policy SDK converts the same protobuf message to Python again for each policy, about 50 microseconds per KB: with
dozens of rules that is nearly all of the time. The conversions are pure functions of the message, so their last results
are kept, by identity of the argument. Where another version of the SDK has other internals, nothing is shared and all
verdicts are the same.
"""

import types
from collections.abc import Callable
from typing import Any, Final, cast

from google.protobuf import struct_pb2

MOST_KEPT: Final = 20_000
"""Results that are kept: more than the resources of any stack, so that a stack's rules share, too."""

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
"""The key that marks an object as a secret, an asset, an archive or a reference on the wire."""

_HELPERS: Final = ("deserialize_properties", "unknown_checking_proxy")


def remembered(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, remembering its results by identity of the first argument and equality of the others.

    The arguments are kept alive with the results, so an identity can't be reused by another object.
    """
    kept: dict[tuple[Any, ...], tuple[Any, Any]] = {}

    def call(argument: Any, *others: Any) -> Any:
        key = (id(argument), *others)
        entry = kept.get(key)
        if entry is not None:
            return entry[1]
        result = function(argument, *others)
        if len(kept) >= MOST_KEPT:
            kept.clear()
        kept[key] = (argument, result)
        return result

    return call


def read_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    """A property bag as Python. Unlike protobuf's own JSON conversion it takes numbers that aren't finite."""
    return {key: _read_value(value) for key, value in struct.fields.items()}


def _read_value(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "string_value":
            return value.string_value
        case "struct_value":
            return read_struct(value.struct_value)
        case "list_value":
            return [_read_value(item) for item in value.list_value.values]
        case "number_value":
            return value.number_value
        case "bool_value":
            return value.bool_value
        case _:
            return None


def tolerant(deserialize: Callable[..., Any]) -> Callable[..., Any]:
    """`deserialize`, for messages that it refuses, too.

    The SDK's own raises on an asset without content (an empty file travels without its text) and on signatures that it
    doesn't know, which would abort the whole deployment. What it refuses becomes an empty object.
    """

    def call(properties: Any, *others: Any) -> Any:
        try:
            return deserialize(properties, *others)
        except AssertionError:
            return deserialize(_without_refused(properties, deserialize), *others)

    return call


def _without_refused(value: Any, deserialize: Callable[..., Any]) -> Any:
    if isinstance(value, list):
        return [_without_refused(item, deserialize) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    mapping = cast("dict[str, Any]", value)
    if SIGNATURE not in mapping:
        return {key: _without_refused(item, deserialize) for key, item in mapping.items()}
    try:
        deserialize({"value": mapping})
    except AssertionError:
        return {}
    return mapping


def share_decoding(sdk: types.ModuleType) -> bool:
    """Make the policy SDK's module share its conversions. Returns whether it could."""
    names = vars(sdk)
    if not all(callable(names.get(helper)) for helper in _HELPERS) or "json_format" not in names:
        return False
    sdk.__dict__["deserialize_properties"] = remembered(tolerant(names["deserialize_properties"]))
    sdk.__dict__["unknown_checking_proxy"] = remembered(names["unknown_checking_proxy"])
    sdk.__dict__["json_format"] = types.SimpleNamespace(MessageToDict=remembered(read_struct))
    return True
