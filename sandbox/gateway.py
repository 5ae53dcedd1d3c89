"""The ASGI application of the sandbox: health, Batch, and the emulator for everything else."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any, Final, Protocol

from sandbox.environment import ACCOUNT_ID
from sandbox.loopback import is_loopback

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

RawHeaders = Sequence[tuple[bytes, bytes]]
Answer = tuple[int, Mapping[str, str], bytes]

HEALTH_PATH: Final = "/_slipway/health"
CALLS_PATH: Final = "/_slipway/calls"
_ADMIN_PREFIXES: Final = ("/_ministack/", "/_localstack/")
_BATCH_SCOPE: Final = re.compile(r"Credential=[^,\s]+/batch/aws4_request")
_ORIGIN: Final = re.compile(r"http://[^/?]*")
"""What a request to a proxy has before its path."""


class BatchService(Protocol):
    """What answers the requests that are signed for AWS Batch."""

    async def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Status, headers and body of the answer."""
        ...


class Gateway:
    """Routes by what a request is signed for, since Batch and API Gateway both have paths below `/v1/`.

    A request for another host name is refused: a web page that the user has open could otherwise reach the sandbox
    through a name of its own that resolves to 127.0.0.1. S3 Control puts the account before the endpoint's host; that
    name resolves nowhere, and comes as to a proxy, see `sandbox.environment.provider_environment`.
    """

    def __init__(
        self,
        emulator: Application,
        batch: BatchService,
        *,
        identity: Mapping[str, Any],
        refuse: Callable[[str, str, RawHeaders, bytes], Answer | None],
        calls: Callable[[], Sequence[Mapping[str, Any]]],
    ) -> None:
        """Make the application.

        Args:
            emulator: answers what nobody else does.
            batch: answers what is signed for AWS Batch.
            identity: what the health endpoint tells.
            refuse: the refusal of a call to Batch (method, path with query, headers, body), or None.
            calls: what the calls endpoint tells.
        """
        self._emulator = emulator
        self._batch = batch
        self._identity = dict(identity)
        self._refuse = refuse
        self._calls = calls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        scope = _without_origin(scope)
        headers = _headers(scope)
        path: str = scope["path"]
        host = _host_name(headers.get("host", "")).removeprefix(f"{ACCOUNT_ID}.")
        if not is_loopback(host):
            await _answer(send, 421, {"message": "The sandbox answers to localhost and 127.0.0.1 only."})
        elif path == HEALTH_PATH:
            await _answer(send, 200, self._identity)
        elif path == CALLS_PATH:
            await _answer(send, 200, {"calls": self._calls()})
        elif path.startswith(_ADMIN_PREFIXES):
            await _answer(send, 404, {"message": "The emulator's own administration is not served."})
        elif _BATCH_SCOPE.search(headers.get("authorization", "")):
            method, target, body = scope["method"], _full_path(scope), await _body(receive)
            answer = self._refuse(method, target, scope["headers"], body)
            await _send(send, *(answer or await self._batch.handle(method, target, headers, body)))
        else:
            await self._emulator(_as_https(scope), receive, send)


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _without_origin(scope: Scope) -> Scope:
    origin = _ORIGIN.match(scope["path"])
    if origin is None:
        return scope
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return {**scope, "path": scope["path"][origin.end() :] or "/", "raw_path": raw[origin.end() :] or b"/"}


def _as_https(scope: Scope) -> Scope:
    """The sandbox has no TLS: plain HTTP stands for it, for policies that refuse anything else too."""
    return {**scope, "headers": [*scope["headers"], (b"x-forwarded-proto", b"https")]}


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0]
    return host.partition(":")[0]


def _full_path(scope: Scope) -> str:
    query: bytes = scope.get("query_string", b"")
    path: str = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    return f"{path.partition('?')[0]}?{query.decode('latin-1')}" if query else path


async def _body(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _answer(send: Send, status: int, document: Mapping[str, Any]) -> None:
    await _send(send, status, {"content-type": "application/json"}, json.dumps(document).encode())


async def _send(send: Send, status: int, headers: Mapping[str, str], body: bytes) -> None:
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    if not any(name == b"content-length" for name, _ in raw):
        raw.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
