"""API Gateway: changes of the responses of methods and integrations, and deployments that a stage still serves."""

import json
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from sandbox import emulator
from sandbox.shims.replacing import replace

_RESPONSE: Final = re.compile(
    r"/restapis/(?P<api>[^/]+)/resources/(?P<resource>[^/]+)/methods/(?P<method>[^/]+)"
    r"(?P<integration>/integration)?/responses/(?P<status>[^/]+)"
)


def install() -> None:
    """Replace the emulator's functions."""
    gateway = emulator.service("apigateway_v1")
    replace(gateway, "handle_request", _change_responses)
    replace(gateway, "_delete_deployment", _refuse_while_served)


def _change_responses(original: Callable[..., Any]) -> Callable[..., Any]:
    """UpdateMethodResponse and UpdateIntegrationResponse, which the emulator doesn't know."""

    async def handle(method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]) -> Any:
        found = _RESPONSE.fullmatch(path) if method == "PATCH" else None
        response = _response(found) if found else None
        if response is None:
            return await original(method, path, headers, body, query)
        gateway = emulator.service("apigateway_v1")
        gateway._apply_patch(response, json.loads(body).get("patchOperations", []))
        return gateway._v1_response(response)

    return handle


def _response(found: re.Match[str]) -> dict[str, Any] | None:
    resources: Mapping[str, Any] = emulator.service("apigateway_v1")._resources.get(found["api"], {})
    methods: Mapping[str, Any] = resources.get(found["resource"], {}).get("resourceMethods", {})
    method: Mapping[str, Any] = methods.get(found["method"], {})
    integration: Mapping[str, Any] = method.get("methodIntegration") or {}
    responses: Mapping[str, Any] = (
        integration.get("integrationResponses", {}) if found["integration"] else method.get("methodResponses", {})
    )
    return responses.get(found["status"])


def _refuse_while_served(original: Callable[..., Any]) -> Callable[..., Any]:
    def delete(api: str, deployment: str) -> Any:
        gateway = emulator.service("apigateway_v1")
        stages: Mapping[str, Mapping[str, Any]] = gateway._stages_v1.get(api, {})
        if any(stage.get("deploymentId") == deployment for stage in stages.values()):
            text = "Active stages pointing to this deployment must be moved or deleted"
            return gateway._v1_error("BadRequestException", text, HTTPStatus.BAD_REQUEST)
        return original(api, deployment)

    return delete
