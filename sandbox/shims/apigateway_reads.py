"""API Gateway's control plane: reads that give back what was written, nothing more and in its own type.

A field that was never set but reads back as an empty object is a change in every preview of the real provider.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from sandbox import emulator
from sandbox.shims.replacing import replace

_ABSENT_WHEN_EMPTY: Final = frozenset({"accessLogSettings", "throttle", "quota"})
_NUMBERS: Final = frozenset({"rateLimit", "throttlingRateLimit"})
_INTEGERS: Final = frozenset({"burstLimit", "throttlingBurstLimit", "limit", "offset", "timeoutInMillis"})
_BOOLEANS: Final = frozenset(
    {
        "enabled",
        "apiKeyRequired",
        "tracingEnabled",
        "cacheClusterEnabled",
        "disableExecuteApiEndpoint",
        "validateRequestBody",
        "validateRequestParameters",
    }
)


_MAPPINGS: Final = frozenset(
    {
        *("requestModels", "requestParameters", "requestTemplates"),
        *("responseModels", "responseParameters", "responseTemplates"),
    }
)
"""Fields whose keys may have slashes, which a path writes as `~1` [RFC 6901]."""
_REQUIRED_OR_NOT: Final = ("method.request.", "method.response.")
"""Beginnings of keys whose value says whether something is required, except in the response of an integration."""


def install() -> None:
    """Replace the emulator's functions."""
    gateway = emulator.service("apigateway_v1")
    replace(gateway, "_v1_response", _without_what_was_never_set)
    replace(gateway, "_apply_patch", _typed_patch)
    replace(gateway, "_create_api_key", _generate_empty_key)
    replace(gateway, "_put_integration", _mock_without_http_method)


def _without_what_was_never_set(original: Callable[..., Any]) -> Callable[..., Any]:
    def respond(data: Any, status: int = 200) -> Any:
        return original(_prune(data), status)

    return respond


def _prune(data: Any) -> Any:
    if not isinstance(data, dict):
        return data
    record = cast("dict[str, Any]", data)
    pruned = {
        name: value
        for name, value in record.items()
        if value is not None and not (name in _ABSENT_WHEN_EMPTY and not value)
    }
    if isinstance(pruned.get("item"), list):
        pruned["item"] = [_prune(item) for item in pruned["item"]]
    return pruned


def _typed_patch(original: Callable[..., Any]) -> Callable[..., Any]:
    """Patch operations carry strings only: give each value the type that the field has.

    `/apiStages` of a usage plan is a list whose entries are added and removed by `apiId:stageName`, a field that the
    emulator would overwrite with that text. `/requestModels/application~1json` is the entry `application/json`.
    """

    def apply(target: dict[str, Any], operations: list[Mapping[str, Any]]) -> Any:
        rest: list[Mapping[str, Any]] = []
        for operation in operations or []:
            field = str(operation.get("path", "")).rpartition("/")[2]
            mapping = str(operation.get("path", "")).split("/")[1:-1]
            if operation.get("path") == "/apiStages":
                _patch_api_stages(target, operation)
            elif len(mapping) == 1 and mapping[0] in _MAPPINGS:
                _patch_mapping(target, mapping[0], operation)
            else:
                rest.append({**operation, "value": _typed(field, operation.get("value"))})
        return original(target, rest)

    return apply


def _patch_mapping(target: dict[str, Any], field: str, operation: Mapping[str, Any]) -> None:
    entries: dict[str, Any] = dict(target.get(field) or {})
    key = str(operation["path"]).rpartition("/")[2].replace("~1", "/").replace("~0", "~")
    value = operation.get("value")
    if operation["op"] == "remove":
        entries.pop(key, None)
    elif key.startswith(_REQUIRED_OR_NOT) and value in ("true", "false"):
        entries[key] = value == "true"
    else:
        entries[key] = value
    target[field] = entries


def _patch_api_stages(plan: dict[str, Any], operation: Mapping[str, Any]) -> None:
    api_id, _, stage = str(operation["value"]).partition(":")
    stages: list[dict[str, Any]] = plan.get("apiStages") or []
    others = [entry for entry in stages if (entry["apiId"], entry["stage"]) != (api_id, stage)]
    plan["apiStages"] = others if operation["op"] == "remove" else [*others, {"apiId": api_id, "stage": stage}]


def _typed(field: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if field in _NUMBERS:
        return float(value)
    if field in _INTEGERS:
        return int(value)
    if field in _BOOLEANS:
        return value == "true"
    return value


def _generate_empty_key(original: Callable[..., Any]) -> Callable[..., Any]:
    """AWS generates a key when the value is the empty string, which is what the provider sends for none."""

    def create(data: Mapping[str, Any]) -> Any:
        return original({name: value for name, value in data.items() if name != "value" or value})

    return create


def _mock_without_http_method(original: Callable[..., Any]) -> Callable[..., Any]:
    """The integration method belongs to integrations that call something: a MOCK one has none."""

    def put(api_id: str, resource_id: str, http_method: str, data: Mapping[str, Any]) -> Any:
        if data.get("type") == "MOCK":
            data = {"httpMethod": None, **data}
        return original(api_id, resource_id, http_method, data)

    return put
