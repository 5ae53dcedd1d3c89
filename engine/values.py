"""Property values: from the wire of the resource monitor to plain Python, and back.

On the wire a property bag is a protobuf `Struct`: all numbers are floats, unknowns are a sentinel string, secrets,
assets and resource references are mappings with a signature. In plain Python whole numbers are ints, unknowns are
`UNKNOWN`, secrets are unwrapped, assets and archives are the SDK's own objects, and a reference is the URN it names.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from google.protobuf import struct_pb2
from pulumi.runtime import rpc

SIGNATURE: Final = rpc._special_sig_key  # pyright: ignore[reportPrivateUsage] - the SDK has no public name for it
SECRET_SIGNATURE: Final = rpc._special_secret_sig  # pyright: ignore[reportPrivateUsage]
_ASSET_SIGNATURES: Final = {
    rpc._special_asset_sig,  # pyright: ignore[reportPrivateUsage]
    rpc._special_archive_sig,  # pyright: ignore[reportPrivateUsage]
}
_REFERENCE_SIGNATURE: Final = rpc._special_resource_sig  # pyright: ignore[reportPrivateUsage]


class Unknown:
    """A value that only a deployment can tell. There is one, `UNKNOWN`."""

    def __repr__(self) -> str:
        return "<unknown>"

    def __bool__(self) -> bool:
        raise TypeError("an unknown value has no truth value: compare with `is UNKNOWN`")


UNKNOWN: Final = Unknown()


def from_struct(properties: struct_pb2.Struct) -> dict[str, Any]:
    """The plain value of a property bag."""
    return {key: from_value(value) for key, value in properties.fields.items()}


def from_value(value: struct_pb2.Value) -> Any:
    """The plain value of one property."""
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value == rpc.UNKNOWN else value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [from_value(item) for item in value.list_value.values]
    if kind == "struct_value":
        return _from_mapping(value.struct_value)
    return None


def _from_mapping(struct: struct_pb2.Struct) -> Any:
    signature = struct.fields[SIGNATURE].string_value if SIGNATURE in struct.fields else ""
    if signature == SECRET_SIGNATURE:
        return from_value(struct.fields["value"])
    if signature in _ASSET_SIGNATURES:
        return rpc.deserialize_property(struct)
    if signature == _REFERENCE_SIGNATURE:
        return struct.fields["urn"].string_value
    return from_struct(struct)


def holds_secret(value: struct_pb2.Value) -> bool:
    """Whether a property is a secret or has one inside."""
    if value.HasField("struct_value"):
        fields = value.struct_value.fields
        if SIGNATURE in fields and fields[SIGNATURE].string_value == SECRET_SIGNATURE:
            return True
        return any(holds_secret(item) for item in fields.values())
    if value.HasField("list_value"):
        return any(holds_secret(item) for item in value.list_value.values)
    return False


def to_value(value: object, *, secret: bool = False) -> struct_pb2.Value:
    """The wire form of a plain value, marked as a secret if asked.

    Raises:
        TypeError: for a value that has no wire form.
    """
    wire = _to_plain_value(value)
    if not secret:
        return wire
    marked = struct_pb2.Struct()
    marked.fields[SIGNATURE].string_value = SECRET_SIGNATURE
    marked.fields["value"].CopyFrom(wire)
    return struct_pb2.Value(struct_value=marked)


def _to_plain_value(value: object) -> struct_pb2.Value:
    match value:
        case None:
            return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
        case Unknown():
            return struct_pb2.Value(string_value=rpc.UNKNOWN)
        case bool():
            return struct_pb2.Value(bool_value=value)
        case int() | float():
            return struct_pb2.Value(number_value=value)
        case str():
            return struct_pb2.Value(string_value=value)
        case Mapping():
            struct = struct_pb2.Struct()
            for key, item in cast("Mapping[str, object]", value).items():
                struct.fields[key].CopyFrom(_to_plain_value(item))
            return struct_pb2.Value(struct_value=struct)
        case Sequence():
            items = [_to_plain_value(item) for item in cast("Sequence[object]", value)]
            return struct_pb2.Value(list_value=struct_pb2.ListValue(values=items))
        case _:
            raise TypeError(f"a value of type {type(value).__name__} has no wire form")
