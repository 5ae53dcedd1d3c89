"""What a page may send and read across origins, as browsers decide it: the CORS part of the Fetch standard, pure.

Sections of https://fetch.spec.whatwg.org: "CORS check", "CORS-preflight fetch", "CORS-safelisted request-header" and
"CORS filtered response". Requests without credentials, as `fetch()` sends them to another origin.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Headers = Sequence[tuple[str, str]]

_SAFE_METHODS = frozenset({"GET", "HEAD", "POST"})
_SAFE_REQUEST_HEADERS = frozenset({"accept", "accept-language", "content-language", "content-type"})
_SAFE_CONTENT_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
_SAFE_RESPONSE_HEADERS = frozenset(
    {"cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma"}
)
_UNREADABLE = frozenset({"set-cookie", "set-cookie2"})
_MAX_SAFE_VALUE = 128
_UNSAFE_BYTES = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\"():<>?@\[\\\]{}]")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class BlockedError(Exception):
    """The page gets "Failed to fetch", and the text is for the developer's console."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a page asks for."""

    origin: str
    """Of the page."""
    method: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server says."""

    status: int
    headers: Headers


def preflight(request: Request) -> Mapping[str, str] | None:
    """Headers of the OPTIONS request that goes first; None if there is none."""
    unsafe = unsafe_headers(request)
    if request.method in _SAFE_METHODS and not unsafe:
        return None
    asked = {"origin": request.origin, "access-control-request-method": request.method}
    return {**asked, "access-control-request-headers": ",".join(unsafe)} if unsafe else asked


def unsafe_headers(request: Request) -> list[str]:
    """Names, in lower case and in order, of the headers that the server must have allowed."""
    return sorted(name.lower() for name, value in request.headers.items() if not _is_safe(name.lower(), value))


def _is_safe(name: str, value: str) -> bool:
    if name not in _SAFE_REQUEST_HEADERS or len(value.encode()) > _MAX_SAFE_VALUE:
        return False
    if name == "content-type":
        essence = value.partition(";")[0].strip().lower()
        return not _UNSAFE_BYTES.search(value) and essence in _SAFE_CONTENT_TYPES
    if name == "accept":
        return not _UNSAFE_BYTES.search(value)
    return re.fullmatch(r"[0-9A-Za-z *,\-.;=]*", value) is not None


def check_preflight(request: Request, answer: Answer) -> None:
    """Raise unless the answer to the preflight lets the request go out.

    Raises:
        BlockedError: why not.
    """
    _check_origin(request, answer)
    if not 200 <= answer.status <= 299:
        raise BlockedError(f"The preflight was answered with {answer.status}, not with success.")
    methods = _names(answer, "access-control-allow-methods")
    if request.method not in {*methods, *_SAFE_METHODS} and "*" not in methods:
        raise BlockedError(f"The preflight allows {', '.join(methods) or 'no methods'}, not {request.method}.")
    allowed = {name.lower() for name in _names(answer, "access-control-allow-headers")}
    for name in unsafe_headers(request):
        # The wildcard never covers Authorization.
        if name not in allowed and ("*" not in allowed or name == "authorization"):
            raise BlockedError(f"The preflight doesn't allow the header {name}.")


def check_answer(request: Request, answer: Answer) -> frozenset[str]:
    """Names, in lower case, of the headers that the page may read.

    Raises:
        BlockedError: the page may not even see the status.
    """
    _check_origin(request, answer)
    exposed = {name.lower() for name in _names(answer, "access-control-expose-headers")}
    sent = {name.lower() for name, _ in answer.headers}
    shown = sent if "*" in exposed else sent & (exposed | _SAFE_RESPONSE_HEADERS)
    return frozenset(shown - _UNREADABLE)


def _check_origin(request: Request, answer: Answer) -> None:
    allowed = _value(answer, "access-control-allow-origin")
    if allowed is None:
        raise BlockedError("There is no Access-Control-Allow-Origin.")
    if allowed not in ("*", request.origin):
        raise BlockedError(f"Access-Control-Allow-Origin is {allowed!r}, the page comes from {request.origin!r}.")


def _value(answer: Answer, name: str) -> str | None:
    """A header's value; several of one name are one with commas, as a browser sees them."""
    values = [value.strip(" \t") for key, value in answer.headers if key.lower() == name]
    return ", ".join(values) if values else None


def _names(answer: Answer, name: str) -> list[str]:
    """A header's list of names.

    Raises:
        BlockedError: it isn't one.
    """
    names = [part.strip(" \t") for part in (_value(answer, name) or "").split(",")]
    found = [part for part in names if part]
    if not all(_TOKEN.fullmatch(part) for part in found):
        raise BlockedError(f"{name} is malformed: {', '.join(found)}")
    return found
