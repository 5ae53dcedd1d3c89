"""`slipway submit`, `status` and `logs` against an API that answers by script."""

import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from cli import jobs
from cli.outputs import save_outputs
from tests.cli.conftest import FakeApi, Slipway

JOB = {"jobId": "job-1", "status": "SUBMITTED"}


def job(status: str, **more: Any) -> dict[str, Any]:
    return {"jobId": "job-1", "status": status, **more}


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs.time, "sleep", lambda _seconds: None)


def test_submit_sends_the_input_with_the_key_and_prints_the_job(
    slipway: Slipway, deployed: FakeApi, tmp_path: Path
) -> None:
    deployed.on("POST", "/words/jobs", (202, JOB))
    (tmp_path / "input.json").write_text('{"text": "a b"}')
    result = slipway("submit", "words", "--input", "input.json")
    assert (result.code, result.out) == (0, "job-1  SUBMITTED\n")
    assert "slipway status words job-1" in result.err
    ((method, path, headers, body),) = deployed.requests
    assert (method, path, json.loads(body)) == ("POST", "/words/jobs", {"text": "a b"})
    assert (headers["x-api-key"], headers["content-type"]) == ("the-key", "application/json")


def test_submit_reads_standard_input_and_another_consumers_key(
    slipway: Slipway, deployed: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed.on("POST", "/words/jobs", (202, JOB))
    monkeypatch.setattr("sys.stdin", io.StringIO("{}"))
    assert slipway("submit", "words", "--consumer", "ann", "--json").out == json.dumps(JOB, indent=2) + "\n"
    assert deployed.requests[0][2]["x-api-key"] == "anns-key"


@pytest.mark.parametrize(("status", "code"), [("SUCCEEDED", 0), ("FAILED", 1)])
def test_submit_and_wait_ends_with_the_job(
    slipway: Slipway, deployed: FakeApi, tmp_path: Path, status: str, code: int
) -> None:
    (tmp_path / "i.json").write_text("{}")
    files = [{"name": "r.json", "url": "http://files/r.json", "sizeBytes": 1}]
    deployed.on("POST", "/words/jobs", (202, JOB))
    deployed.on(
        "GET", "/words/jobs/job-1", (200, job("RUNNING")), (200, job("RUNNING")),
        (200, job(status, statusReason="because", createdAt="2026-01-01T00:00:00.000Z", results={"files": files})),
    )  # fmt: skip
    result = slipway("submit", "words", "-i", "i.json", "--wait")
    assert result.code == code
    assert result.err.splitlines() == ["job-1  RUNNING", f"job-1  {status}"]
    for part in (f"job-1  {status}", "because", "2026-01-01T00:00:00.000Z", "r.json  http://files/r.json"):
        assert part in result.out


@pytest.mark.parametrize(("source", "text"), [("absent.json", "can't be read"), ("bad.json", "is not JSON")])
def test_an_unusable_input_is_refused_before_any_request(
    slipway: Slipway, deployed: FakeApi, tmp_path: Path, source: str, text: str
) -> None:
    (tmp_path / "bad.json").write_text("{")
    result = slipway("submit", "words", "-i", source)
    assert (result.code, deployed.requests) == (1, [])
    assert source in result.err
    assert text in result.err
    assert "Traceback" not in result.err


def test_a_problem_is_told_in_the_apis_own_words(slipway: Slipway, deployed: FakeApi, tmp_path: Path) -> None:
    (tmp_path / "i.json").write_text("{}")
    problem = {"title": "Bad", "detail": "/text must be string", "errors": [{"pointer": "/text", "detail": "no"}]}
    deployed.on("POST", "/words/jobs", (400, problem))
    result = slipway("submit", "words", "-i", "i.json")
    assert result.code == 1
    assert result.err == "slipway: The API answered 400: Bad. /text must be string\n  /text: no\n"


def test_an_error_without_a_problem_document_is_told_by_its_status(slipway: Slipway, deployed: FakeApi) -> None:
    deployed.on("GET", "/words/jobs/job-1", (502, "<html>"))
    assert slipway("status", "words", "job-1").err == "slipway: The API answered 502 without a reason.\n"


def test_status_tells_of_each_attempt(slipway: Slipway, deployed: FakeApi) -> None:
    attempts = [{"exitCode": 3, "reason": "Essential container in task exited"}, {"reason": "no image"}, {}]
    deployed.on("GET", "/words/jobs/job-1", (200, {**job("FAILED"), "attempts": attempts}))
    assert [line for line in slipway("status", "words", "job-1").out.splitlines() if "attempt" in line] == [
        "  attempt  1: exit code 3, Essential container in task exited",
        "  attempt  2: no image",
        "  attempt  3: no exit code",
    ]


def test_a_job_id_is_nothing_but_a_part_of_the_path(slipway: Slipway, deployed: FakeApi) -> None:
    for path in ("/words/jobs/a%2Fb%3Fc", "/words/jobs/a%2Fb%3Fc/logs"):
        deployed.on("GET", path, (404, {"title": "There is no such job"}))
    for command in ("status", "logs"):
        assert "There is no such job" in slipway(command, "words", "a/b?c").err


def test_no_input_at_all_is_told_with_the_way_to_give_one(
    slipway: Slipway, deployed: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    result = slipway("submit", "words")
    assert (result.code, deployed.requests) == (1, [])
    assert "The input on standard input is not JSON" in result.err
    assert "--input FILE" in result.err


def test_status_prints_one_json_document(slipway: Slipway, deployed: FakeApi) -> None:
    deployed.on("GET", "/words/jobs/job-1", (200, job("RUNNING")))
    assert json.loads(slipway("status", "words", "job-1", "--json").out) == job("RUNNING")


def test_logs_prints_every_page(slipway: Slipway, deployed: FakeApi) -> None:
    path = "/words/jobs/job-1/logs"
    deployed.on("GET", path, (200, {"events": [{"message": "[one]"}], "nextPageToken": "t"}))
    deployed.on("GET", f"{path}?pageToken=t", (200, {"events": [{"message": "two"}]}))
    assert slipway("logs", "words", "job-1").out == "[one]\ntwo\n"


def test_logs_of_a_running_job_end_at_what_is_there_unless_followed(slipway: Slipway, deployed: FakeApi) -> None:
    path = "/words/jobs/job-1/logs"
    empty = (200, {"events": [], "nextPageToken": "t"})
    deployed.on("GET", path, empty)
    deployed.on("GET", f"{path}?pageToken=t", empty, (200, {"events": [{"message": "late"}]}))
    assert slipway("logs", "words", "job-1").out == ""
    assert slipway("logs", "words", "job-1", "--follow").out == "late\n"


@pytest.mark.parametrize("words", [("status", "nope", "j"), ("logs", "nope", "j"), ("submit", "nope")])
def test_an_unknown_pipeline_is_refused_with_the_known_ones(
    slipway: Slipway, deployed: FakeApi, words: tuple[str, ...]
) -> None:
    result = slipway(*words)
    assert (result.code, result.err) == (1, "slipway: There is no pipeline 'nope' in this stack. Pipelines: words.\n")


def test_an_unknown_consumer_is_refused_with_the_known_ones(slipway: Slipway, deployed: FakeApi) -> None:
    result = slipway("status", "words", "j", "--consumer", "bob")
    assert "no consumer 'bob'" in result.err
    assert "default, ann" in result.err


def test_nothing_deployed_is_told_with_what_to_do(slipway: Slipway, project: Path) -> None:
    result = slipway("status", "words", "j")
    assert (result.code, result.err) == (1, "slipway: Nothing runs in the sandbox. Start it: make up\n")


def test_an_api_that_cannot_be_reached_is_told_by_its_address(slipway: Slipway, project: Path) -> None:
    exports = {"apiUrl": "http://127.0.0.1:9", "apiKeys": {"default": "k"}, "docsUrl": "", "pipelines": {"words": {}}}
    save_outputs(project, exports)
    result = slipway("status", "words", "j")
    assert "The API at http://127.0.0.1:9 can't be reached" in result.err
    assert stat.S_IMODE((project / ".slipway" / "outputs.json").stat().st_mode) == 0o600


def test_a_deployed_stack_is_asked_from_the_pulumi_cli(
    slipway: Slipway, project: Path, api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = project / "bin" / "pulumi"
    tool.parent.mkdir()
    outputs = {"apiUrl": api.url, "apiKeys": {"default": "k"}, "docsUrl": "", "pipelines": {"words": {}}}
    expected = "stack output --json --show-secrets --stack"
    known = " | ".join(f"'{expected} {stack}'" for stack in ("dev", "acme/slipway/dev", "without-file"))
    tool.write_text(f"#!/bin/sh\ncase \"$*\" in {known}) ;; *) exit 9 ;; esac\necho '{json.dumps(outputs)}'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=":")
    api.on("GET", "/words/jobs/j", (200, job("RUNNING")))
    for stack in ("dev", "prod"):
        (project / f"Pulumi.{stack}.yaml").write_text("config: {}\n")
    assert slipway("status", "words", "j", "--stack", "dev").code == 0
    assert slipway("status", "words", "j", "--stack", "acme/slipway/dev").code == 0
    assert slipway("status", "words", "j", "--stack", "without-file").code == 0
    refused = slipway("status", "words", "j", "--stack", "prod")
    assert (refused.code, "failed" in refused.err, "pulumi up --stack prod" in refused.err) == (1, True, True)
    unknown = slipway("status", "words", "j", "--stack", "prd")
    assert (unknown.code, unknown.err) == (
        1,
        "slipway: There is no stack 'prd': Pulumi.prd.yaml does not exist. Stacks found: dev, prod.\n",
    )


def test_without_the_pulumi_cli_a_deployed_stack_is_refused_with_the_way_to_get_it(
    slipway: Slipway, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(project))
    (project / "Pulumi.dev.yaml").write_text("config: {}\n")
    assert "Install it" in slipway("status", "words", "j", "--stack", "dev").err


def test_outside_a_project_the_missing_file_is_named(
    slipway: Slipway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = slipway("down")
    assert (result.code, "No Pulumi.yaml" in result.err) == (1, True)
