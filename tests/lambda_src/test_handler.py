"""The function as a whole: its log, its calls, its entry and its zip."""

import importlib.metadata
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import handler
import pytest
from aws import Aws
from handler import Application

from tests.lambda_src.conftest import ROOT, SCHEMA, Call, Context, event
from tests.lambda_src.double import Double, FakeClock, timeout_before, unreachable
from tests.lambda_src.test_requests import ENVIRONMENT

JOBS = "/wordcount/jobs"
NAME = "wordcount-a-r" + "0" * 24
CANARY = "canary-7f3a"


def log_lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


class TestLog:
    def test_a_request_is_one_line_of_json(self, call: Call, capsys: pytest.CaptureFixture[str]) -> None:
        job_id = call("POST", JOBS, json_body={"text": "a"}).body["jobId"]
        [line] = log_lines(capsys)
        assert line == {
            "time": "2026-11-18T11:06:40.000Z",
            "level": "INFO",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "pipeline": "wordcount",
            "operation": "submitJob",
            "consumer": "a",
            "jobId": job_id,
            "status": 202,
            "milliseconds": 0.0,
            "awsMilliseconds": 0.0,
        }

    def test_a_refusal_says_which(self, call: Call, capsys: pytest.CaptureFixture[str]) -> None:
        call("GET", f"{JOBS}/{CANARY}")
        [line] = log_lines(capsys)
        assert (line["status"], line["problem"], line.get("jobId")) == (404, "job-not-found", None)

    def test_a_failed_call_is_named(self, call: Call, double: Double, capsys: pytest.CaptureFixture[str]) -> None:
        double.fault = lambda _, run: unreachable(run)
        call("GET", JOBS)
        [line] = log_lines(capsys)
        assert (line["level"], line["error"]) == ("ERROR", "batch:list_jobs unreachable EndpointConnectionError")

    def test_time_in_calls_is_told_apart(
        self, call: Call, double: Double, clock: FakeClock, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def slow(_: str, run: Callable[[], Any]) -> Any:
            clock.advance(0.5)
            return run()

        double.fault = slow
        for _ in range(2):
            call("GET", JOBS)
        assert [line["awsMilliseconds"] for line in log_lines(capsys)] == [500.0, 500.0]

    @pytest.mark.parametrize("fault", [None, timeout_before])
    def test_nothing_that_a_caller_wrote_is_logged(
        self,
        call: Call,
        double: Double,
        fault: Callable[..., Any] | None,
        capfd: pytest.CaptureFixture[str],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        if fault:
            double.fault = lambda _, run: fault(run)
        job_id = double.batch.add(NAME, status="RUNNING", container={"logStreamName": "s"})
        headers = {"x-api-key": CANARY, "Idempotency-Key": CANARY, "Origin": f"https://{CANARY}", CANARY: CANARY}
        query = {"reason": CANARY, "pageToken": CANARY, "status": CANARY, "limit": CANARY, CANARY: CANARY}
        bodies = [json.dumps({"text": CANARY}), json.dumps({CANARY: 1}), CANARY, json.dumps({"contentType": CANARY})]
        for method in ("GET", "POST", "DELETE", CANARY):
            for path in (
                JOBS,
                f"{JOBS}/{job_id}",
                f"{JOBS}/{job_id}/logs",
                "/wordcount/uploads",
                f"/{CANARY}",
                f"{JOBS}/{CANARY}",
            ):
                for body in bodies:
                    for chosen in ({}, query, *({name: value} for name, value in query.items())):
                        call(method, path, headers=headers, query=chosen, body=body)
        captured = capfd.readouterr()
        assert CANARY not in captured.out + captured.err
        assert all(CANARY not in record.getMessage() for record in caplog.records)
        assert '"status": 202' in captured.out or fault


def every_operation(call: Call, double: Double) -> Iterator[Any]:
    """A request for each call that the function can make."""
    job_id = double.batch.add(NAME, status="RUNNING", container={"logStreamName": "s"})
    yield call("POST", JOBS, json_body={"text": "a"}, headers={"Idempotency-Key": "k"})
    yield call("POST", "/wordcount/uploads", json_body={"contentType": "text/plain"})
    yield call("GET", JOBS)
    yield call("GET", f"{JOBS}/{job_id}/logs")
    yield call("DELETE", f"{JOBS}/{job_id}")
    double.batch.jobs[job_id]["status"] = "SUCCEEDED"
    yield call("GET", f"{JOBS}/{job_id}")


def test_it_calls_what_its_docstring_lists(call: Call, double: Double) -> None:
    assert all(reply.status < 300 for reply in every_operation(call, double))
    assert handler.__doc__
    listed = set(re.findall(r"^\| (\w+:\w+) \|", handler.__doc__, re.MULTILINE))
    signed = {"s3:GetObject", "s3:PutObject"}
    called = {call.replace("s3:ListObjectsV2", "s3:ListBucket") for call in double.calls}
    assert called == listed - signed


class TestEntry:
    @pytest.fixture(autouse=True)
    def lambda_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(handler, "_applications", [])
        for name, value in ENVIRONMENT.items():
            monkeypatch.setenv(name, value)

    def test_the_environment_is_read_once(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        file = tmp_path / "schema.json"
        file.write_text(json.dumps(SCHEMA))
        read = handler.read_settings
        monkeypatch.setattr(handler, "read_settings", lambda environment: read(environment, file))
        assert handler.handle(event("GET", "/none"), None)["statusCode"] == 404
        monkeypatch.delenv("PIPELINE")
        assert handler.handle(event("GET", "/none"), None)["statusCode"] == 404


def package(folder: Path) -> Path:
    """The function's zip, as it is deployed."""
    archive = folder / "function.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in (ROOT / "lambda_src" / "trigger").glob("*.py"):
            file.write(path, path.name)
        for path in importlib.metadata.files("fastjsonschema") or ():
            if path.suffix == ".py":
                file.write(str(path.locate()), str(path))
        file.writestr("parameters.schema.json", json.dumps(SCHEMA))
    return archive


def test_the_zip_is_small_and_all_that_it_needs_beside_botocore(tmp_path: Path) -> None:
    archive = package(tmp_path)
    assert archive.stat().st_size <= 2 * 1024 * 1024
    with zipfile.ZipFile(io.BytesIO(archive.read_bytes())) as file:
        file.extractall(tmp_path / "task")
    program = (
        "import sys, json, handler\n"
        "answer = handler.handle(json.load(sys.stdin), None)\n"
        "loaded = {m.split('.')[0] for m in sys.modules}\n"
        "foreign = {'lambda_src', 'components', 'sandbox', 'pulumi', 'boto3'} & loaded\n"
        "print(json.dumps([answer['statusCode'], sorted(foreign)]))\n"
    )
    environment = {
        **ENVIRONMENT,
        "AWS_LAMBDA_FUNCTION_NAME": "slipway-dev-wordcount-trigger",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "PATH": os.environ["PATH"],
    }
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path / "task",
        env=environment,
        input=json.dumps(event("POST", "/wordcount/uploads", json_body={"contentType": "text/plain"})),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    log, result = done.stdout.splitlines()
    assert json.loads(result) == [201, []]
    assert json.loads(log)["operation"] == "createUpload"
    assert done.stderr == ""


def test_a_connection_that_was_idle_is_not_used_again(clock: FakeClock) -> None:
    class Client:
        closed = 0

        def close(self) -> None:
            self.closed += 1

        def describe_jobs(self) -> dict[str, Any]:
            return {}

    client = Client()
    aws = Aws(clock, lambda _: client)
    for seconds, closed in ((0, 0), (10, 0), (10.1, 1), (1, 1)):
        clock.advance(seconds)
        aws.call("batch", "describe_jobs")
        assert client.closed == closed


def test_a_process_answers_many_requests(application_of: Callable[..., Application], clock: FakeClock) -> None:
    application = application_of()
    for _ in range(3):
        assert application.answer(event("GET", JOBS), Context(clock))["statusCode"] == 200
