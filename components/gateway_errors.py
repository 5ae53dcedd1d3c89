"""The errors that API Gateway makes itself, as problem+json (RFC 9457) that a browser may read.

Status codes are AWS's own [API Gateway developer guide, "Gateway response types"]. `$context.error.messageString` is a
quoted string; `$context.error.validationErrorString` is not, but escaped. There is no VTL in these templates.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

EXPOSED_HEADERS = ("Location", "Retry-After", "x-amzn-RequestId", "x-amzn-ErrorType")
"""What a page may read beside the safelisted headers."""

_TYPE_PREFIX = "urn:slipway:problem:"
_MESSAGE = "$context.error.messageString"
_KEY = ("forbidden", "The API key is missing or not valid")
_GATEWAY = ("gateway", "The gateway could not answer")
_REPEAT = "Repeat the request, a POST with the same Idempotency-Key."


@dataclass(frozen=True, kw_only=True)
class GatewayError:
    """One gateway response."""

    response_type: str
    status_code: str | None
    """None: what AWS says, for the two defaults."""
    headers: Mapping[str, str]
    """As API Gateway writes them: `gatewayresponse.header.NAME` -> a quoted value."""
    templates: Mapping[str, str]


def _error(
    response_type: str,
    status: int | None,
    problem: tuple[str, str],
    detail: str,
    headers: Mapping[str, str] | None = None,
) -> GatewayError:
    """`detail` is text, in which a `$context` variable is escaped but not quoted, or `_MESSAGE`, which is both."""
    kind, title = problem
    body: dict[str, str | int] = {"type": f"{_TYPE_PREFIX}{kind}", "title": title}
    if status is not None:
        body["status"] = status
    body |= {"detail": detail, "requestId": "$context.requestId"}
    template = json.dumps(body, separators=(",", ":")).replace(f'"{_MESSAGE}"', _MESSAGE)
    # A gateway response can't choose among origins; any may read an error, as there are no credentials.
    sent = {
        "Content-Type": "application/problem+json",
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": ",".join(EXPOSED_HEADERS),
        "Cache-Control": "no-store",
        **(headers or {}),
    }
    return GatewayError(
        response_type=response_type,
        status_code=None if status is None else str(status),
        headers={f"gatewayresponse.header.{name}": f"'{value}'" for name, value in sent.items()},
        templates={"application/json": template},
    )


GATEWAY_ERRORS = (
    _error("DEFAULT_4XX", None, ("invalid-request", "The request is not valid"), _MESSAGE),
    _error("DEFAULT_5XX", None, _GATEWAY, _REPEAT),
    _error("ACCESS_DENIED", 403, _KEY, _MESSAGE),
    _error("API_CONFIGURATION_ERROR", 500, _GATEWAY, _REPEAT),
    _error(
        "BAD_REQUEST_BODY",
        400,
        ("invalid-parameters", "The body does not match its schema"),
        "The body must be JSON that fits the schema. $context.error.validationErrorString",
    ),
    _error("BAD_REQUEST_PARAMETERS", 400, ("invalid-request", "The request is not valid"), _MESSAGE),
    _error("INTEGRATION_FAILURE", 504, _GATEWAY, _REPEAT),
    _error("INTEGRATION_TIMEOUT", 504, _GATEWAY, _REPEAT),
    _error("INVALID_API_KEY", 403, _KEY, "Send a valid key in the header x-api-key."),
    # AWS names it so: the API has no such path, or no such method of it. It has no other authentication.
    _error(
        "MISSING_AUTHENTICATION_TOKEN",
        403,
        ("no-route", "There is no such operation"),
        "The API has no such path, or the path does not take this method.",
    ),
    _error(
        "QUOTA_EXCEEDED",
        429,
        ("quota-exceeded", "The quota of today is used up"),
        "This key's quota starts again at midnight UTC.",
    ),
    _error(
        "REQUEST_TOO_LARGE",
        413,
        ("too-large", "The request is too large"),
        "The gateway takes 10 MB. Upload the input and name its key.",
    ),
    _error("RESOURCE_NOT_FOUND", 404, ("not-found", "There is nothing at this address"), _MESSAGE),
    _error(
        "THROTTLED",
        429,
        ("throttled", "Too many requests"),
        "This key's rate is exceeded. Wait a second.",
        {"Retry-After": "1"},
    ),
    _error(
        "UNSUPPORTED_MEDIA_TYPE",
        415,
        ("unsupported-media-type", "The body must be JSON"),
        "Send Content-Type application/json.",
    ),
)
