"""API Gateway's data plane: the event that a function gets, and the errors that the gateway makes itself."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from sandbox import emulator
from sandbox.shims import permissions, validation
from sandbox.shims.replacing import replace

MAX_PAYLOAD_BYTES: Final = 10 * 1024 * 1024
"""A REST API's limit for a request, in bytes."""
_BAD_GATEWAY: Final = 502


class _IntegrationFailedError(Exception):
    """The function raised, or answered something that is no proxy response."""


def install() -> None:
    """Replace the emulator's functions."""
    gateway = emulator.service("apigateway_v1")
    replace(gateway, "_build_lambda_event_v1", _complete_event)
    replace(gateway, "_lambda_proxy_response", _strict_proxy_response)
    replace(gateway, "_invoke_lambda_proxy_v1", _gateway_answer_for_failures)
    replace(gateway, "_invoke_mock_v1", _empty_mock_body)
    replace(gateway, "_check_request_validation", _validate_request)
    replace(gateway, "_gateway_error_response", _render_more_variables)


def _complete_event(original: Callable[..., Any]) -> Callable[..., Any]:
    """Add who called and under which name: `identity.apiKey`, `identity.apiKeyId`, `domainName`, `domainPrefix`.

    `path` is the path that the client used, as it is behind a custom domain: a Location header built from it leads back
    here.
    """

    def build(
        api_id: str,
        stage_name: str,
        stage: Any,
        resource: Any,
        request_path: str,
        method: str,
        headers: Mapping[str, str],
        *arguments: Any,
        **options: Any,
    ) -> dict[str, Any]:
        event: dict[str, Any] = original(
            api_id, stage_name, stage, resource, request_path, method, headers, *arguments, **options
        )
        context = event["requestContext"]
        host = headers.get("host", "")
        context["domainName"] = host
        context["domainPrefix"] = api_id
        if not host.startswith(f"{api_id}."):
            context["path"] = f"/restapis/{api_id}/{stage_name}/_user_request_{request_path}"
        value = headers.get("x-api-key", "")
        key = emulator.service("apigateway_v1")._resolve_api_key(value)
        context["identity"]["apiKey"] = value or None
        context["identity"]["apiKeyId"] = key["id"] if key else None
        return event

    return build


def _strict_proxy_response(original: Callable[..., Any]) -> Callable[..., Any]:
    def shape(result: Mapping[str, Any]) -> Any:
        body = result.get("body")
        if result.get("error") or not isinstance(body, dict) or "statusCode" not in body:
            raise _IntegrationFailedError
        return original(result)

    return shape


def _gateway_answer_for_failures(original: Callable[..., Any]) -> Callable[..., Any]:
    """Answer through the gateway response, without a word of what went wrong inside the function.

    502 for a function that failed; 500 where the function's policy doesn't let this API's method invoke it.
    """

    async def invoke(
        integration: Mapping[str, Any],
        api_id: str,
        stage_name: str,
        stage: Any,
        resource: Mapping[str, str],
        path: str,
        method: str,
        *arguments: Any,
        owner_account_id: str,
        owner_region: str,
        **options: Any,
    ) -> Any:
        gateway = emulator.service("apigateway_v1")
        function = gateway._extract_lambda_ref_from_integration_uri(integration.get("uri", ""))
        template = re.sub(r"\{[^}]*\}", "*", resource["path"])
        source = f"arn:aws:execute-api:{owner_region}:{owner_account_id}:{api_id}/{stage_name}/{method}{template}"
        if not permissions.may_invoke(function, permissions.API_GATEWAY, source):
            return gateway._gw_error("API_CONFIGURATION_ERROR", "Internal server error")
        options |= {"owner_account_id": owner_account_id, "owner_region": owner_region}
        try:
            return await original(integration, api_id, stage_name, stage, resource, path, method, *arguments, **options)
        except _IntegrationFailedError:
            error = gateway._gw_error("DEFAULT_5XX", "Internal server error")
            error.status = _BAD_GATEWAY
            return error

    return invoke


def _empty_mock_body(original: Callable[..., Any]) -> Callable[..., Any]:
    """A MOCK integration without a response template has no body; the emulator would answer `{}`."""

    def invoke(integration: Mapping[str, Any]) -> Any:
        status, headers, body = original(integration)
        if body == b"{}":
            body = b""
        return status, headers, body

    return invoke


def _validate_request(original: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse what is too large, check only bodies whose media type has a model, and keep why one is refused."""

    def check(
        method: Mapping[str, Any],
        api_id: str,
        request: Any,
        headers: Mapping[str, str],
        body: bytes,
        query: Any,
    ) -> Any:
        gateway = emulator.service("apigateway_v1")
        if len(body or b"") > MAX_PAYLOAD_BYTES:
            return gateway._gw_error("REQUEST_TOO_LARGE", "Request Too Long")
        models: Mapping[str, str] = method.get("requestModels") or {}
        media_type = (headers.get("content-type") or "application/json").partition(";")[0].strip()
        if media_type not in models:
            method = {**method, "requestModels": {}}
        error = original(method, api_id, request, headers, body, query)
        if error is not None and error.response_type == "BAD_REQUEST_BODY":
            schema = gateway._model_schema(api_id, models[media_type])
            error.validation = validation.explain(schema, body)
        return error

    return check


def _render_more_variables(original: Callable[..., Any]) -> Callable[..., Any]:
    """Fill in what the emulator leaves as it is in a gateway response's template."""

    def render(error: Any, request: Mapping[str, Any]) -> Any:
        status, headers, body = original(error, request)
        status = getattr(error, "status", status)
        variables = {
            "context.error.validationErrorString": getattr(error, "validation", ""),
            "context.extendedRequestId": request["request_id"],
            "context.apiId": request["api_id"],
        }
        text: str = body.decode()
        for name, value in variables.items():
            quoted = json.dumps(value)[1:-1]
            text = text.replace(f"${{{name}}}", quoted).replace(f"${name}", quoted)
        return status, headers, text.encode()

    return render
