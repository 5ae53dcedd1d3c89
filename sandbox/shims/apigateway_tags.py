"""Tags of API Gateway: one set for each thing, which its own reads show, too; the emulator keeps another beside it."""

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from sandbox import emulator
from sandbox.shims.replacing import replace

_STAGE_PARTS = 5
"""Of `/restapis/ID/stages/NAME`, the empty one before the first slash included."""


def install() -> None:
    """Replace the emulator's functions."""
    gateway = emulator.service("apigateway_v1")
    replace(gateway, "_get_v1_tags", _read)
    replace(gateway, "_tag_v1_resource", _add)
    replace(gateway, "_untag_v1_resource", _remove)


def _read(_original: Callable[..., Any]) -> Callable[..., Any]:
    def read(arn: str) -> Any:
        record, refusal = _record(arn)
        return refusal or emulator.service("apigateway_v1")._v1_response({"tags": record.get("tags") or {}})

    return read


def _add(_original: Callable[..., Any]) -> Callable[..., Any]:
    def tag(arn: str, data: Mapping[str, Any]) -> Any:
        record, refusal = _record(arn)
        if refusal:
            return refusal
        record["tags"] = {**(record.get("tags") or {}), **data.get("tags", {})}
        return HTTPStatus.NO_CONTENT, {}, b""

    return tag


def _remove(_original: Callable[..., Any]) -> Callable[..., Any]:
    def untag(arn: str, keys: Iterable[str]) -> Any:
        record, refusal = _record(arn)
        if refusal:
            return refusal
        tags: Mapping[str, str] = record.get("tags") or {}
        record["tags"] = {key: tags[key] for key in tags.keys() - set(keys)}
        return HTTPStatus.NO_CONTENT, {}, b""

    return untag


def _record(arn: str) -> tuple[dict[str, Any], Any]:
    """What the emulator keeps of the thing, or its refusal of the ARN."""
    gateway = emulator.service("apigateway_v1")
    _, refusal = gateway._resolve_v1_tag_resource_arn(arn)
    if refusal is not None:
        return {}, refusal
    parts = arn.split("/")
    if len(parts) == _STAGE_PARTS:
        return gateway._stages_v1[parts[2]][parts[4]], None
    stores = {
        "restapis": gateway._rest_apis,
        "apikeys": gateway._api_keys,
        "usageplans": gateway._usage_plans,
        "domainnames": gateway._domain_names,
    }
    return stores[parts[1]][parts[2]], None
