"""A request as the gateway hands it over (REST API, Lambda proxy integration), with everything optional made plain."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from problems import Problem

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,9})")


@dataclass(frozen=True, kw_only=True)
class Request:
    """One HTTP request."""

    method: str
    path: str
    """Without stage and base path: `/wordcount/jobs`."""
    prefix: str
    """What stands before `path` in the caller's URL: `/default`, or a custom domain's base path."""
    headers: Mapping[str, Sequence[str]]
    """Names in lower case."""
    query: Mapping[str, Sequence[str]]
    body: str | None
    is_base64: bool
    request_id: str | None
    api_key_id: str | None

    def header(self, name: str) -> str | None:
        """The value of a header that may be sent once.

        Raises:
            Problem: it was sent more than once.
        """
        values = self.headers.get(name.lower(), ())
        if len(values) > 1:
            raise Problem("invalid-request", f"The header {name} was sent {len(values)} times, once is allowed.")
        return values[0] if values else None

    def allow_query(self, *names: str) -> None:
        """Refuse parameters that the operation doesn't know: a misspelt one would silently do nothing."""
        for name, values in self.query.items():
            if name not in names:
                known = ", ".join(names) if names else "none"
                raise Problem("invalid-request", f"There is a query parameter that isn't known here. Known: {known}.")
            if len(values) > 1:
                raise Problem("invalid-request", f"{name} was given {len(values)} times, once is allowed.")

    def text(self, name: str) -> str | None:
        """A query parameter's value."""
        values = self.query.get(name, ())
        return values[0] if values else None

    def integer(self, name: str, smallest: int, largest: int) -> int | None:
        """A query parameter that is a whole number within limits."""
        value = self.text(name)
        if value is None:
            return None
        if not _INTEGER.fullmatch(value) or not smallest <= int(value) <= largest:
            raise Problem("invalid-request", f"{name} must be an integer from {smallest} to {largest}.")
        return int(value)


def read_request(event: Mapping[str, Any]) -> Request:
    """Read a proxy event."""
    context = _mapping(event.get("requestContext"))
    path = _own_path(event)
    return Request(
        method=str(event.get("httpMethod", "")).upper(),
        path=path,
        prefix=_prefix(context, path),
        headers=_multi(event, "multiValueHeaders", "headers", lower=True),
        query=_multi(event, "multiValueQueryStringParameters", "queryStringParameters", lower=False),
        body=event.get("body"),
        is_base64=event.get("isBase64Encoded") is True,
        request_id=context.get("requestId"),
        api_key_id=_mapping(context.get("identity")).get("apiKeyId"),
    )


def _own_path(event: Mapping[str, Any]) -> str:
    """The path below the stage. `event.path` holds a custom domain's base path, `event.resource` never does."""
    resource = event.get("resource")
    if not isinstance(resource, str) or not resource:
        return str(event.get("path") or "/")
    parameters = _mapping(event.get("pathParameters"))
    return re.sub(r"\{([^}]+)\}", lambda match: str(parameters.get(match[1].rstrip("+"), "")), resource)


def _prefix(context: Mapping[str, Any], path: str) -> str:
    full = context.get("path")
    if isinstance(full, str) and full.rstrip("/").endswith(path):
        return full.rstrip("/").removesuffix(path)
    stage = context.get("stage")
    return f"/{stage}" if stage else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _multi(event: Mapping[str, Any], many: str, single: str, *, lower: bool) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in (_mapping(event.get(many)) or _mapping(event.get(single))).items():
        values = [str(part) for part in cast("list[Any]", value)] if isinstance(value, list) else [str(value)]
        found.setdefault(name.lower() if lower else name, []).extend(values)
    return found
