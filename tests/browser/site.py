"""A small web server for the docs site, and an API of another origin that answers by script."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from components.api_document import load_template
from components.docs_distribution import content_security_policy
from tests.swagger.documents import ROOT, deployed

SITE = ROOT / "swagger" / "site"
JOB_ID = "0b0e6f2e-0d3b-4f6c-9a52-3d0b6a0f7a11"
API_KEY = "a-key-for-the-tests-only"
_VENDOR = files("swagger_ui") / "static"
_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        pass

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class _Site(_Handler):
    def do_GET(self) -> None:
        server = cast("_Server", self.server)
        name = self.path.split("?")[0].lstrip("/") or "index.html"
        if name == "openapi.json":
            body = json.dumps(server.document).encode()
        elif (SITE / name).is_file():
            body = (SITE / name).read_bytes()
        elif name.startswith("assets/swagger-ui"):
            body = (_VENDOR / name.removeprefix("assets/")).read_bytes()
        else:
            self.answer(404, b"", {})
            return
        headers = {"Content-Type": f"{_TYPES[Path(name).suffix]}; charset=utf-8", "Cache-Control": "no-cache"}
        headers["Content-Security-Policy"] = content_security_policy(server.api_origin)
        self.answer(200, body, headers)


class _Api(_Handler):
    def do_OPTIONS(self) -> None:
        self.answer(
            204,
            b"",
            {
                "Access-Control-Allow-Origin": "*",
                "Access-Control-Allow-Methods": "GET,POST,DELETE,OPTIONS",
                "Access-Control-Allow-Headers": "content-type,x-api-key,idempotency-key",
            },
        )

    def do_GET(self) -> None:
        self._serve("200", "get", "/{pipeline}/jobs/{jobId}")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._serve("202", "post", "/{pipeline}/jobs")

    def _serve(self, status: str, method: str, path: str) -> None:
        """The example of the document itself, or its example of a 403."""
        spec = load_template(ROOT)
        response = spec["paths"][path][method]["responses"][status]
        content_type = "application/json"
        if self.headers.get("x-api-key") != API_KEY:
            status, content_type = "403", "application/problem+json"
            response = spec["components"]["responses"]["Forbidden"]
        content = response["content"][content_type]
        example = content.get("example") or next(iter(content["examples"].values()))["value"]
        headers = {
            "Content-Type": content_type,
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Expose-Headers": "Location, Retry-After",
        }
        if status == "202":
            headers["Location"] = f"/default/wordcount/jobs/{JOB_ID}"
        self.answer(int(status), json.dumps(example).replace("{pipeline}", "wordcount").encode(), headers)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    document: dict[str, Any]
    api_origin: str


@contextmanager
def serve(pipelines: tuple[str, ...] = ("wordcount",)) -> Iterator[tuple[str, str]]:
    """Serve the site and the API on free ports of loopback: (docs URL, API URL), neither with a trailing slash."""
    api, site = _Server(("127.0.0.1", 0), _Api), _Server(("127.0.0.1", 0), _Site)
    site.api_origin = f"http://127.0.0.1:{api.server_port}"
    api_url = f"{site.api_origin}/default"
    site.document = deployed(api_url, pipelines)
    threads = [threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}) for server in (api, site)]
    for thread in threads:
        thread.start()
    try:
        yield f"http://127.0.0.1:{site.server_port}", api_url
    finally:
        for server, thread in zip((api, site), threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()
