"""Resources out of the engine's messages, read once however many rules look at them.

Unlike the policy SDK's own reading it takes everything that can be sent: numbers that aren't finite, assets without
content, signatures that it doesn't know. A failure there would abort the whole deployment.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from .resources import Resource
from .values import UNKNOWN, Opaque, Unknown, plain

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
"""The key that marks an object as something else on the wire."""
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a mark, no secret
OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
REFERENCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"


def read_struct(struct: Any) -> dict[str, object]:
    """A property bag as `values.plain` returns it; secrets are unwrapped, assets are opaque."""
    return {key: _read(value) for key, value in struct.fields.items()}


def _read(value: Any) -> object:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return plain(value.string_value)
    if kind == "struct_value":
        fields = value.struct_value.fields
        return _read_marked(fields) if SIGNATURE in fields else read_struct(value.struct_value)
    if kind == "list_value":
        return [_read(item) for item in value.list_value.values]
    if kind == "number_value":
        return plain(value.number_value)
    return value.bool_value if kind == "bool_value" else None


def _read_marked(fields: Mapping[str, Any]) -> object:
    signature = fields[SIGNATURE].string_value
    if signature in {SECRET, OUTPUT}:
        return _read(fields["value"]) if "value" in fields else UNKNOWN
    if signature == REFERENCE and "urn" in fields:
        return _read(fields["urn"])
    return Opaque("value that no rule can look into")


def read_resource(request: Any, inputs: Mapping[str, object] | None = None, *, managed: bool = True) -> Resource:
    """The resource of an AnalyzeRequest, or an AnalyzerResource of a stack with the `inputs` that it was seen with.

    In a first preview the state of a resource can lack an input that has something unknown inside, and has unknowns for
    what the program left to the provider. The inputs that the engine sent before, with each resource, say what was
    really left out.
    """
    properties = read_struct(request.properties)
    relations: Mapping[str, Any] = getattr(request, "propertyDependencies", {})
    return Resource(
        urn=request.urn,
        type=request.type,
        name=request.name,
        properties=completed(properties, inputs),
        protect=request.options.protect,
        parent=getattr(request, "parent", "") or request.options.parent,
        dependencies=_texts(getattr(request, "dependencies", ())),
        property_dependencies={key: _texts(item.urns) for key, item in relations.items()},
        provider=read_struct(request.provider.properties) if request.HasField("provider") else {},
        managed=managed,
    )


def _texts(items: Iterable[str]) -> frozenset[str]:
    return frozenset(items)


def completed(state: dict[str, object], inputs: Mapping[str, object] | None) -> dict[str, object]:
    """A resource's state, completed by its inputs where the state lacks them or doesn't know them.

    What isn't known and is no input was left out, and the provider's default will take its place; of an output, missing
    says as much as unknown. Without `inputs` the state stays as it is.
    """
    if inputs is None:
        return state
    result = {key: value for key, value in state.items() if value is not UNKNOWN or key in inputs}
    for key, value in inputs.items():
        present = result.get(key)
        if present is None or (isinstance(present, Unknown) and not isinstance(value, Unknown)):
            result[key] = value
    return result
