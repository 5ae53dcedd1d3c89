"""The command line in this process, and an API on this machine for it to talk to."""

import json
import os
import sys
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cli import main as cli_main
from tests.cli.fake_pulumi import FakePulumi


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


Slipway = Callable[..., Result]


@pytest.fixture
def slipway(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Slipway:
    """Run `slipway WORDS...` as its entry point does; exit code, standard output and standard error."""

    def run(*words: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["slipway", *words])
        with pytest.raises(SystemExit) as caught:
            cli_main.main()
        captured = capfd.readouterr()
        code = caught.value.code
        return Result(code if isinstance(code, int) else int(code is not None), captured.out, captured.err)

    return run


@dataclass
class FakeApi:
    """Answers by script: (method, path with query) -> answers in turn, the last one again and again."""

    url: str = ""
    answers: dict[tuple[str, str], list[tuple[int, Any]]] = field(default_factory=dict)
    requests: list[tuple[str, str, dict[str, str], str]] = field(default_factory=list)

    def on(self, method: str, path: str, *answers: tuple[int, Any]) -> None:
        self.answers[method, path] = list(answers)


@pytest.fixture
def api() -> Generator[FakeApi]:
    fake = FakeApi()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("content-length", 0))
            body = self.rfile.read(length).decode()
            headers = {key.lower(): value for key, value in self.headers.items()}
            fake.requests.append((self.command, self.path, headers, body))
            answers = fake.answers[self.command, self.path]
            status, content = answers.pop(0) if len(answers) > 1 else answers[0]
            payload = content.encode() if isinstance(content, str) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = answer  # noqa: N815 - the base class's names

        def log_message(self, *_arguments: object) -> None:
            """Nothing on standard error: the tests read it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    yield fake
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project as the working directory."""
    (tmp_path / "Pulumi.yaml").write_text("name: demo\nruntime: python\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def deployed(project: Path, api: FakeApi) -> FakeApi:
    """A project whose local stack is deployed, with the pipeline `words`."""
    (project / ".slipway").mkdir()
    outputs = {
        "apiUrl": api.url,
        "apiKeys": {"default": "the-key", "ann": "anns-key"},
        "docsUrl": "http://docs",
        "pipelines": {"words": {}},
    }
    (project / ".slipway" / "outputs.json").write_text(json.dumps(outputs))
    return api


@pytest.fixture
def fake_pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePulumi:
    """A `pulumi` on PATH that only notes how it is called."""
    fake = FakePulumi(tmp_path / "fake-pulumi")
    monkeypatch.setenv("PATH", f"{fake.folder}{os.pathsep}{os.environ['PATH']}")
    return fake
