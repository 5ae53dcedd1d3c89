"""Requests checked against botocore's own description of the service.

Structure, types, required members and enums come from the model that every AWS SDK is generated from; the rules
that it doesn't know (name patterns, ranges, what Fargate refuses) are with each resource.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, cast

# botocore ships neither stubs nor annotations.
from botocore.loaders import Loader  # pyright: ignore[reportMissingTypeStubs]

from sandbox.batch.errors import ClientError

Json = dict[str, Any]

_CASE_INSENSITIVE = {"RetryAction"}  # "The values aren't case sensitive": EvaluateOnExit in the API reference
_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
}


@cache
def service_model() -> Json:
    """The parsed `service-2` model of Batch: `operations` and `shapes`."""
    return cast("Json", cast("Any", Loader()).load_service_model("batch", "service-2"))


@cache
def operations() -> dict[tuple[str, str], str]:
    """Operation name by method and path, for example `("POST", "/v1/submitjob")`."""
    return {
        (operation["http"]["method"], operation["http"]["requestUri"]): name
        for name, operation in service_model()["operations"].items()
    }


def checked(operation: str, request: object) -> Json:
    """The request with only the members that the model knows, as AWS reads it.

    Raises:
        ClientError: a required member is missing, a type is wrong, or a value isn't in its enum.
    """
    shape = service_model()["operations"][operation]["input"]["shape"]
    return cast("Json", _checked(shape, request, ""))


def _checked(shape_name: str, value: object, where: str) -> object:
    shape = service_model()["shapes"][shape_name]
    kind = str(shape["type"])
    if kind == "structure":
        return _checked_structure(shape, value, where)
    if kind == "list":
        if not isinstance(value, list):
            raise ClientError(f"{where} must be a list, not {_name_of(value)}.")
        entries = cast("list[object]", value)
        _check_size(shape, len(entries), where)
        member = shape["member"]["shape"]
        return [_checked(member, entry, f"{where}[{index}]") for index, entry in enumerate(entries)]
    if kind == "map":
        items = _mapping(value, where)
        _check_size(shape, len(items), where)
        for key in items:
            _check_size(service_model()["shapes"][shape["key"]["shape"]], len(key), f"The key {key!r} in {where}")
        member = shape["value"]["shape"]
        return {key: _checked(member, entry, f"{where}.{key}") for key, entry in items.items()}
    return _checked_scalar(shape_name, shape, value, where)


def _checked_structure(shape: Json, value: object, where: str) -> Json:
    given = _mapping(value, where or "The request")
    for name in shape.get("required", []):
        if given.get(name) is None:
            raise ClientError(f"{_join(where, name)} is required.")
    return {
        name: _checked(member["shape"], given[name], _join(where, name))
        for name, member in shape["members"].items()
        if given.get(name) is not None
    }


def _checked_scalar(shape_name: str, shape: Json, value: object, where: str) -> object:
    kind = str(shape["type"])
    if not isinstance(value, _KINDS[kind]) or (isinstance(value, bool) and kind != "boolean"):
        raise ClientError(f"{where} must be a {kind}, not {_name_of(value)}.")
    if isinstance(value, str):
        _check_size(shape, len(value), where)
        allowed: list[str] = shape.get("enum", [])
        compared = value.upper() if shape_name in _CASE_INSENSITIVE else value
        if allowed and compared not in allowed:
            raise ClientError(f"{where} must be one of {', '.join(allowed)}; it is {value!r}.")
    elif isinstance(value, int) and not shape.get("min", value) <= value <= shape.get("max", value):
        raise ClientError(f"{where} must be {shape['min']} to {shape['max']}; it is {value}.")
    return value


def _mapping(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ClientError(f"{where} must be an object, not {_name_of(value)}.")
    return cast("Mapping[str, object]", value)


def _check_size(shape: Json, size: int, where: str) -> None:
    # TagrisTagsMap and the like: "min" 1 is not enforced by the SDKs for an empty map, and AWS takes {} as no tags.
    if size > shape.get("max", size):
        raise ClientError(f"{where} may have {shape['max']} at most; it has {size}.")


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _name_of(value: object) -> str:
    return "null" if value is None else type(value).__name__
