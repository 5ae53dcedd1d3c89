"""A registry that misbehaves on demand: a proxy in front of the sandbox's."""

import http.client
import json
import threading
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Fault = Callable[[BaseHTTPRequestHandler], bool]
"""Looks at a request before it is passed on; true if it has dealt with it."""


def refuse(method: str, part: str, status: int, code: str, message: str) -> Fault:
    """Answer requests of a method whose path has this part with an error of the registry protocol."""

    def fault(request: BaseHTTPRequestHandler) -> bool:
        if request.command != method or part not in request.path:
            return False
        body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)
        request.close_connection = True
        return True

    return fault


def cut(method: str, part: str) -> Fault:
    """End the connection instead of an answer."""

    def fault(request: BaseHTTPRequestHandler) -> bool:
        request.close_connection = request.command == method and part in request.path
        return request.close_connection

    return fault


class Registry(ThreadingHTTPServer):
    """Passes on all requests but those that `fault` deals with."""

    daemon_threads = True

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = urlsplit(target)
        self.fault: Fault | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The engine closes connections as it likes."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.1"
    """An engine that tries TLS first shall read an answer of HTTP, by which it knows that there is none."""
    server: Registry

    def handle_any(self) -> None:
        # The engine sends the body before it reads an answer.
        body = self._body()
        if self.server.fault is not None and self.server.fault(self):
            return
        assert self.server.target.hostname is not None
        target = http.client.HTTPConnection(self.server.target.hostname, self.server.target.port, timeout=30)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "transfer-encoding"}
        with closing(target) as connection:
            connection.request(self.command, self.path, body, {**headers, "Content-Length": str(len(body))})
            answer = connection.getresponse()
            content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    # The names by which the class finds what answers a method.
    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks: list[bytes] = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def log_message(self, *args: Any) -> None:
        """Nothing is printed."""


@contextmanager
def registry(target: str) -> Generator[Registry]:
    """The proxy, for as long as the context lasts."""
    server = Registry(target)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
