"""The gateway without a server: what it passes to whom."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from sandbox.environment import server_environment
from sandbox.gateway import Gateway, Receive, Scope, Send
from sandbox.shims.replacing import replace, replace_action

SIGNED_FOR_BATCH = "AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/batch/aws4_request, SignedHeaders=host"
SIGNED_FOR_API_GATEWAY = SIGNED_FOR_BATCH.replace("/batch/", "/apigateway/")


class Batch:
    def __init__(self) -> None:
        self.calls: list[tuple[str, str, bytes]] = []

    async def handle(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        self.calls.append((method, path, body))
        return 418, {"Content-Type": "application/json"}, b"{}"


class Emulator:
    def __init__(self) -> None:
        self.scopes: list[Scope] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)


class Exchange:
    """One request, and the messages that came back."""

    def __init__(self, *chunks: bytes) -> None:
        self._incoming = [
            {"type": "http.request", "body": chunk, "more_body": index + 1 < len(chunks)}
            for index, chunk in enumerate(chunks)
        ]
        self.sent: list[Any] = []

    async def receive(self) -> Any:
        return self._incoming.pop(0)

    async def send(self, message: Any) -> None:
        self.sent.append(message)


def scope(path: str, authorization: str = "", host: str = "127.0.0.1:4566", query: bytes = b"") -> Scope:
    headers = {"host": host, "authorization": authorization}
    return {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "headers": [(name.encode(), value.encode()) for name, value in headers.items() if value],
    }


def let_pass(*_: object) -> None:
    """A caller who may do everything."""


def run(request: Scope, *chunks: bytes, refuse: Callable[..., Any] = let_pass) -> tuple[Batch, Emulator, list[Any]]:
    batch, emulator, exchange = Batch(), Emulator(), Exchange(*(chunks or (b"",)))
    gateway = Gateway(emulator, batch, identity={}, refuse=refuse, calls=list)
    asyncio.run(gateway(request, exchange.receive, exchange.send))
    return batch, emulator, exchange.sent


def test_what_is_signed_for_batch_goes_to_batch_with_path_query_and_whole_body() -> None:
    batch, emulator, sent = run(scope("/v1/tags/arn%3Aaws", SIGNED_FOR_BATCH, query=b"tagKeys=a"), b"ab", b"cd")
    assert batch.calls == [("POST", "/v1/tags/arn%3Aaws?tagKeys=a", b"abcd")]
    assert emulator.scopes == []
    assert (sent[0]["status"], sent[1]["body"]) == (418, b"{}")
    assert (b"content-length", b"2") in sent[0]["headers"]


@pytest.mark.parametrize("authorization", ["", SIGNED_FOR_API_GATEWAY])
def test_the_same_path_signed_for_another_service_goes_to_the_emulator(authorization: str) -> None:
    batch, emulator, _ = run(scope("/v1/submitjob", authorization))
    assert (batch.calls, len(emulator.scopes)) == ([], 1)


def test_a_request_as_to_a_proxy_is_for_the_path_of_its_address() -> None:
    host = "000000000000.127.0.0.1:4566"
    _, emulator, _ = run(scope(f"http://{host}/v20180820/tags/a%3Ab", host=host))
    (passed,) = emulator.scopes
    assert (passed["path"], passed["raw_path"]) == ("/v20180820/tags/a%3Ab", b"/v20180820/tags/a%3Ab")
    batch, _, _ = run(scope(f"http://{host}/v1/submitjob", SIGNED_FOR_BATCH, host=host))
    assert batch.calls == [("POST", "/v1/submitjob", b"")]
    _, emulator, sent = run(scope("http://example.org/", host="example.org"))
    assert (emulator.scopes, sent[0]["status"]) == ([], 421)


def test_plain_http_stands_for_https() -> None:
    _, emulator, _ = run(scope("/"))
    assert (b"x-forwarded-proto", b"https") in emulator.scopes[0]["headers"]


def test_a_call_that_a_role_does_not_allow_never_reaches_batch() -> None:
    def refuse(method: str, path: str, headers: object, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        assert (method, path, body) == ("POST", "/v1/submitjob", b"{}")
        return 403, {}, b"no"

    batch, _, sent = run(scope("/v1/submitjob", SIGNED_FOR_BATCH), b"{}", refuse=refuse)
    assert (batch.calls, sent[0]["status"], sent[1]["body"]) == ([], 403, b"no")


def test_a_websocket_is_closed() -> None:
    _, emulator, sent = run({"type": "websocket", "path": "/", "headers": []})
    assert (sent, emulator.scopes) == ([{"type": "websocket.close", "code": 1008}], [])


def test_the_servers_environment_is_made_from_nothing(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    environment = server_environment(4566, "eu-central-1", tmp_path, "instance")
    assert "AWS_PROFILE" not in environment
    assert environment["AWS_ACCESS_KEY_ID"] == "test"
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    for name in ("HOME", "TMPDIR", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        assert environment[name].startswith(str(tmp_path))
    assert environment["BIND_HOST"] == "127.0.0.1"


def test_a_function_that_the_emulator_no_longer_has_is_an_error() -> None:
    class Module:
        @staticmethod
        def here() -> str:
            return "original"

    replace(Module, "here", lambda original: lambda: f"new {original()}")
    assert Module.here() == "new original"
    with pytest.raises(AttributeError, match="gone"):
        replace(Module, "gone", lambda original: original)
    with pytest.raises(KeyError, match="Gone"):
        replace_action({}, "Gone", lambda original: original)
