"""Resources as a policy pack gets to see them, and the messages that tell it of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from google.protobuf import struct_pb2
    from pulumi.runtime.proto import analyzer_pb2

UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How an unknown value travels to a policy pack."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A resource as a policy pack gets to see it. Values are plain JSON; an unknown one is `UNKNOWN_TEXT`."""

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    """Checked inputs: what Analyze sees."""
    state: Mapping[str, Any]
    """Inputs and outputs: what AnalyzeStack sees."""
    parent: str = ""
    dependencies: Sequence[str] = ()
    property_dependencies: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    protect: bool = False
    ignore_changes: Sequence[str] = ()
    delete_before_replace: bool | None = None
    additional_secret_outputs: Sequence[str] = ()
    aliases: Sequence[str] = ()
    custom_timeouts: Mapping[str, float] = field(default_factory=dict[str, float])
    """`create`, `update`, `delete`: seconds."""
    provider: "Provider | None" = None
    external: bool = False
    """The program only reads it: it comes with the stack, and is not judged by itself."""


@dataclass(frozen=True, kw_only=True)
class Provider:
    """The provider that manages a resource."""

    urn: str
    type: str
    name: str
    properties: Mapping[str, Any]


def fill_request(request: "analyzer_pb2.AnalyzeRequest", subject: Subject) -> None:
    """Describe a resource that is about to be made, as Remediate and Analyze send it."""
    request.urn, request.type, request.name = subject.urn, subject.type, subject.name
    fill_struct(request.properties, subject.inputs)
    _describe(request, subject)


def fill_resource(item: "analyzer_pb2.AnalyzerResource", subject: Subject) -> None:
    """Describe a resource of a stack, as AnalyzeStack sends it."""
    item.urn, item.type, item.name, item.parent = subject.urn, subject.type, subject.name, subject.parent
    fill_struct(item.properties, subject.state)
    item.dependencies.extend(subject.dependencies)
    for key, urns in subject.property_dependencies.items():
        if urns:
            item.propertyDependencies[key].urns.extend(urns)
    _describe(item, subject)


def _describe(request: "analyzer_pb2.AnalyzeRequest | analyzer_pb2.AnalyzerResource", subject: Subject) -> None:
    options = request.options
    options.protect = subject.protect
    options.parent = subject.parent
    options.ignoreChanges.extend(subject.ignore_changes)
    options.additionalSecretOutputs.extend(subject.additional_secret_outputs)
    options.aliases.extend(subject.aliases)
    if subject.delete_before_replace is not None:
        options.deleteBeforeReplaceDefined = True
        options.deleteBeforeReplace = subject.delete_before_replace
    timeouts = subject.custom_timeouts
    options.customTimeouts.create = timeouts.get("create", 0)
    options.customTimeouts.update = timeouts.get("update", 0)
    options.customTimeouts.delete = timeouts.get("delete", 0)
    if subject.provider:
        provider = request.provider
        provider.urn, provider.type, provider.name = (
            subject.provider.urn,
            subject.provider.type,
            subject.provider.name,
        )
        fill_struct(provider.properties, subject.provider.properties)


def fill_struct(struct: "struct_pb2.Struct", values: Mapping[str, Any]) -> None:
    """Put plain JSON into a property bag."""
    fields = struct.fields
    for key, value in values.items():
        _fill(fields[key], value)
    # An empty object must still be there.
    struct.SetInParent()


def _fill(target: "struct_pb2.Value", value: Any) -> None:
    if isinstance(value, str):
        target.string_value = value
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, (int, float)):
        target.number_value = value
    elif value is None:
        target.null_value = cast("Any", 0)
    elif isinstance(value, Mapping):
        fill_struct(target.struct_value, cast("Mapping[str, Any]", value))
    else:
        items = target.list_value
        items.SetInParent()
        for item in cast("Iterable[Any]", value):
            _fill(items.values.add(), item)


def plain_struct(struct: "struct_pb2.Struct") -> dict[str, Any]:
    """The property bag as plain JSON."""
    from google.protobuf import json_format

    return json_format.MessageToDict(struct)
