"""Resources for a policy pack: from a run of the program, and from an exported stack."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

import pulumi
from google.protobuf import struct_pb2
from pulumi.runtime.proto import analyzer_pb2

from engine.policy_driver import PolicyError
from engine.policy_messages import UNKNOWN_TEXT, Provider, Subject, fill_resource, fill_struct
from engine.registration import Registration
from engine.values import SECRET_SIGNATURE, SIGNATURE, Unknown
from policy.guardrails.resources import Resource
from policy.guardrails.wire import read_resource, read_struct

ASSET_SIGNATURE: Final = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE_SIGNATURE: Final = "0def7320c3a5731c473e5ecbe6d01bc7"
INTERNAL: Final = "__"
"""How keys begin that the engine keeps in a state and sends to no policy."""
SEALED_SECRET: Final = "[secret]"  # noqa: S105 - the engine's own text for a secret that it can't decrypt


def from_registrations(
    registrations: Iterable[Registration], *, region: str = "", settings: Mapping[str, str] | None = None
) -> list[Subject]:
    """What the engine would send for a run of the program.

    A property with something unknown inside is left out of the state, as the engine does in a first preview.

    Args:
        region: of the default AWS provider; empty if it isn't known.
        settings: what the stack sets for that provider beside.
    """
    registrations = list(registrations)
    subjects: list[Subject] = []
    providers = {item.urn: item for item in registrations if item.type.startswith("pulumi:providers:")}
    for item in registrations:
        inputs = {key: _wire(value) for key, value in item.inputs.items()}
        marked = {key: _secret(value) if key in item.secret_inputs else value for key, value in inputs.items()}
        outputs = {key: _wire(value) for key, value in item.outputs.items()}
        state = {key: value for key, value in {**marked, **outputs}.items() if not _has_unknown_inside(value)}
        subjects.append(
            Subject(
                urn=item.urn,
                type=item.type,
                name=item.name,
                inputs=marked,
                state={**state, "id": item.id} if item.id else state,
                parent=item.parent,
                dependencies=item.dependencies,
                property_dependencies=item.property_dependencies,
                protect=item.protect,
                ignore_changes=item.ignore_changes,
                aliases=item.aliases,
                delete_before_replace=item.delete_before_replace,
                additional_secret_outputs=item.additional_secret_outputs,
                custom_timeouts=item.custom_timeouts,
                provider=_provider(item, providers, {**(settings or {}), "region": region}) if item.custom else None,
            )
        )
    return subjects


def _provider(item: Registration, providers: Mapping[str, Registration], default: Mapping[str, str]) -> Provider | None:
    own = providers.get(item.provider.rpartition("::")[0])
    if own is not None:
        properties = {key: _wire(value) for key, value in own.inputs.items()}
        return Provider(urn=own.urn, type=own.type, name=own.name, properties=properties)
    package = item.type.partition(":")[0]
    if package != "aws" or not default["region"]:
        return None
    stack, project, _ = item.urn.split("::", 2)
    type_ = f"pulumi:providers:{package}"
    return Provider(urn=f"{stack}::{project}::{type_}::default", type=type_, name="default", properties=default)


def _wire(value: object) -> Any:
    """Plain JSON with the wire's marks, from a value of the offline engine."""
    match value:
        case Unknown():
            return UNKNOWN_TEXT
        case Mapping():
            return {str(key): _wire(item) for key, item in cast("Mapping[object, object]", value).items()}
        case list() | tuple():
            return [_wire(item) for item in cast("Sequence[object]", value)]
        case pulumi.FileAsset():
            return {SIGNATURE: ASSET_SIGNATURE, "path": str(value.path)}
        case pulumi.StringAsset():
            return {SIGNATURE: ASSET_SIGNATURE, "text": value.text}
        case pulumi.RemoteAsset():
            return {SIGNATURE: ASSET_SIGNATURE, "uri": value.uri}
        case pulumi.FileArchive():
            return {SIGNATURE: ARCHIVE_SIGNATURE, "path": str(value.path)}
        case pulumi.RemoteArchive():
            return {SIGNATURE: ARCHIVE_SIGNATURE, "uri": value.uri}
        case pulumi.AssetArchive():
            return {SIGNATURE: ARCHIVE_SIGNATURE, "assets": _wire(value.assets)}
        case _:
            return value


def _secret(value: Any) -> Any:
    return {SIGNATURE: SECRET_SIGNATURE, "value": value}


def _has_unknown_inside(value: object, depth: int = 0) -> bool:
    match value:
        case str():
            return depth > 0 and value == UNKNOWN_TEXT
        case dict():
            return any(_has_unknown_inside(item, depth + 1) for item in cast("dict[str, object]", value).values())
        case list():
            return any(_has_unknown_inside(item, depth + 1) for item in cast("list[object]", value))
        case _:
            return False


def as_resources(subjects: Iterable[Subject]) -> list[Resource]:
    """The same resources as our own rules see them, for judging without a process."""
    resources: list[Resource] = []
    for subject in subjects:
        message = analyzer_pb2.AnalyzerResource()
        fill_resource(message, subject)
        inputs = struct_pb2.Struct()
        fill_struct(inputs, subject.inputs)
        resources.append(read_resource(message, read_struct(inputs), managed=not subject.external))
    return resources


def read_export(path: Path) -> list[Subject]:
    """The resources of a file that `pulumi stack export` wrote, or of a local backend's state file.

    Raises:
        PolicyError: the file can't be read, or is neither.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PolicyError(f"{path} can't be read: {error.strerror}.") from error
    except ValueError as error:
        raise PolicyError(f"{path} is not JSON: {error}.") from error
    return from_export(document, path.name)


def from_export(document: object, source: str = "The export") -> list[Subject]:
    """The resources of a parsed export; those that are about to be deleted are left out.

    Raises:
        PolicyError: it isn't an exported stack.
    """
    resources = _resources_of(document)
    if resources is None:
        raise PolicyError(
            f"{source} is not an exported stack: it has no deployment.resources. Write one with "
            "`pulumi stack export --file stack.json`."
        )
    providers = {item["urn"]: item for item in resources if item["type"].startswith("pulumi:providers:")}
    return [_exported(item, providers) for item in resources if not item.get("delete")]


def _resources_of(document: object) -> list[Mapping[str, Any]] | None:
    body = _object(document)
    deployment = _object(body.get("deployment") or _object(body.get("checkpoint")).get("latest"))
    resources = deployment.get("resources")
    if not isinstance(resources, list):
        return None
    items = [_object(item) for item in cast("list[object]", resources)]
    valid = all(isinstance(item.get("urn"), str) and isinstance(item.get("type"), str) for item in items)
    return items if valid else None


def _object(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _exported(item: Mapping[str, Any], providers: Mapping[str, Mapping[str, Any]]) -> Subject:
    urn: str = item["urn"]
    inputs = _revealed(item.get("inputs") or {})
    outputs = _revealed(item.get("outputs") or {})
    provider = providers.get(str(item.get("provider") or "").rpartition("::")[0])
    relations: dict[str, Any] = item.get("propertyDependencies") or {}
    return Subject(
        urn=urn,
        type=item["type"],
        name=urn.rpartition("::")[2],
        inputs=inputs,
        state={**inputs, **outputs},
        parent=item.get("parent") or "",
        dependencies=item.get("dependencies") or (),
        property_dependencies={key: urns or () for key, urns in relations.items()},
        protect=bool(item.get("protect")),
        ignore_changes=item.get("ignoreChanges") or (),
        additional_secret_outputs=item.get("additionalSecretOutputs") or (),
        aliases=[alias for alias in item.get("aliases") or () if isinstance(alias, str)],
        provider=_exported_provider(provider) if provider else None,
        external=bool(item.get("external")),
    )


def _exported_provider(item: Mapping[str, Any]) -> Provider:
    return Provider(
        urn=item["urn"],
        type=item["type"],
        name=item["urn"].rpartition("::")[2],
        properties=_revealed(item.get("outputs") or item.get("inputs") or {}),
    )


def _revealed(value: Any) -> Any:
    """A value of an export as the engine sends it: without its own keys, such as `__defaults` of the AWS provider.

    A secret is its plaintext where the export shows it, else the engine's own text for it.
    """
    if isinstance(value, list):
        return [_revealed(item) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    mapping = cast("dict[str, Any]", value)
    if mapping.get(SIGNATURE) != SECRET_SIGNATURE:
        return {key: _revealed(item) for key, item in mapping.items() if not key.startswith(INTERNAL)}
    plaintext = mapping.get("plaintext")
    if isinstance(plaintext, str):
        try:
            return _secret(_revealed(json.loads(plaintext)))
        except ValueError:
            return _secret(plaintext)
    return _secret(_revealed(mapping["value"])) if "value" in mapping else SEALED_SECRET
