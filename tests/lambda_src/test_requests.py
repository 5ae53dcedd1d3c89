"""What doesn't depend on the operation: routes, headers, consumers, CORS, page tokens, times and limits."""

import dataclasses
import datetime
import json
import re
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import consumers
import job_names
import limits
import page_tokens
import pytest
from aws import Aws
from clock import rfc3339
from cors import cors_headers
from handler import Application
from hypothesis import given
from hypothesis import strategies as st
from problems import Problem
from routing import ROUTES, Route, find_route
from settings import Settings, read_settings

from tests.lambda_src.conftest import SCHEMA, Call, Context, Reply, attempt, event, examples, make_settings
from tests.lambda_src.double import Double, FakeClock, timeout_after, timeout_before

JOBS = "/wordcount/jobs"
JOB_ID = "0b0e6f2e-0d3b-4f6c-9a52-3d0b6a0f7a11"
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "get", ""]


class TestRouting:
    @pytest.mark.parametrize("pattern", ROUTES)
    @pytest.mark.parametrize("method", METHODS)
    def test_each_route_has_its_methods_and_no_others(self, pattern: tuple[str, ...], method: str) -> None:
        path = "/wordcount/" + "/".join(pattern).replace("{jobId}", JOB_ID)
        job_id = JOB_ID if "{jobId}" in pattern else None
        if method in ROUTES[pattern]:
            found = find_route(method, path, "wordcount")
            assert found == Route(operation=ROUTES[pattern][method], job_id=job_id)
            return
        with pytest.raises(Problem) as caught:
            find_route(method, path, "wordcount")
        assert caught.value.status == 405
        assert caught.value.headers == {"Allow": ", ".join(ROUTES[pattern])}

    @pytest.mark.parametrize(
        "path",
        [
            "",
            "/",
            "/wordcount",
            "/wordcount/",
            "/wordcount/jobs/",
            "/wordcount//jobs",
            "//wordcount/jobs",
            "wordcount/jobs",
            "/other/jobs",
            "/WORDCOUNT/jobs",
            "/wordcount/job",
            f"/wordcount/jobs/{JOB_ID}/",
            f"/wordcount/jobs/{JOB_ID}/log",
            f"/wordcount/jobs/{JOB_ID}/logs/1",
            "/wordcount/{jobId}",
        ],
    )
    def test_any_other_path_is_a_404(self, path: str) -> None:
        with pytest.raises(Problem) as caught:
            find_route("GET", path, "wordcount")
        assert caught.value.kind == "not-found"

    @examples
    @given(
        st.sampled_from(METHODS),
        st.text() | st.lists(st.sampled_from(["wordcount", "jobs", "logs", JOB_ID, ""])).map("/".join),
    )
    def test_any_request_has_a_route_or_a_problem(self, method: str, path: str) -> None:
        found = attempt(lambda: find_route(method, path, "wordcount"))
        if isinstance(found, Problem):
            assert found.status in (404, 405)
        else:
            assert path.startswith(("/wordcount/jobs", "/wordcount/uploads"))
            assert found.job_id in (None, JOB_ID)

    def test_unknown_routes_and_methods_are_answered(self, call: Call) -> None:
        assert call("GET", "/other/jobs").problem == "not-found"
        reply = call("PUT", JOBS)
        assert (reply.status, reply.problem, reply.headers["Allow"]) == (405, "method-not-allowed", "GET, POST")

    @examples
    @given(
        st.dictionaries(
            st.sampled_from(["resource", "path", "httpMethod", "headers", "body", "requestContext"]),
            st.none() | st.text() | st.integers() | st.dictionaries(st.text(), st.text()),
        )
    )
    def test_an_event_of_any_shape_gets_an_answer(self, changes: dict[str, Any]) -> None:
        clock = FakeClock()
        application = Application(make_settings(), Aws(clock, Double(clock).client), clock)
        response = application.answer({**event("GET", "/wordcount/other"), **changes}, None)
        assert Reply(response).status >= 400


class TestConsumers:
    def test_a_key_is_its_consumers(self) -> None:
        assert consumers.consumer_of("2", {"1": "a", "2": "b"}) == "b"

    @pytest.mark.parametrize(
        ("key", "known"),
        [("3", {"1": "a"}), ("", {"1": "a"}), (None, {"1": "a", "2": "b"}), (None, {}), ("a", {"1": "a"})],
    )
    def test_any_other_key_is_a_403(self, key: str | None, known: dict[str, str]) -> None:
        with pytest.raises(Problem) as caught:
            consumers.consumer_of(key, known)
        assert (caught.value.status, caught.value.kind) == (403, "unknown-consumer")

    def test_without_ids_a_single_consumer_is_known_by_either_key(self) -> None:
        assert consumers.consumer_of(None, {"1": "a", "2": "a"}) == "a"

    def test_an_unknown_key_reaches_nothing(self, call: Call, double: Double) -> None:
        for method, path in (
            ("POST", JOBS),
            ("GET", JOBS),
            ("DELETE", f"{JOBS}/{JOB_ID}"),
            ("POST", "/wordcount/uploads"),
        ):
            assert call(method, path, key="unknown", body="{}").problem == "unknown-consumer"
        assert not double.calls


names = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)


class TestJobNames:
    @examples
    @given(names, names)
    def test_a_name_is_its_owners(self, prefix: str, consumer: str) -> None:
        for identifier in (job_names.random_id(), job_names.keyed_id("x", 1)):
            assert len(identifier) == job_names.ID_WIDTH
            assert job_names.owner_of(job_names.job_name(prefix, consumer, identifier), prefix) == consumer

    @examples
    @given(names, names, names)
    def test_no_name_is_anothers(self, prefix: str, one: str, other: str) -> None:
        name = job_names.job_name(prefix, one, job_names.random_id())
        assert (job_names.owner_of(name, prefix) == other) == (one == other)

    @examples
    @given(st.text())
    def test_any_text_is_a_name_or_none(self, name: str) -> None:
        owner = job_names.owner_of(name, "w")
        assert owner is None or name.startswith(f"w-{owner}-")

    def test_each_use_of_a_key_has_its_own_name(self) -> None:
        assert job_names.keyed_id("a", 1) == job_names.keyed_id("a", 1)
        assert len({job_names.keyed_id(*pair) for pair in (("a", 1), ("a", 2), ("b", 1))}) == 3


class TestPageTokens:
    states = st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.integers()))

    @examples
    @given(st.lists(st.text()), states)
    def test_a_token_gives_back_its_state(self, bound_to: list[str], state: dict[str, Any]) -> None:
        token = page_tokens.encode(bound_to, state)
        assert re.fullmatch(r"[A-Za-z0-9_-]+", token)
        if len(token) <= 4096:
            assert page_tokens.decode(token, bound_to) == state

    @examples
    @given(st.lists(st.text()), st.lists(st.text()))
    def test_a_token_of_another_request_is_refused(self, one: list[str], other: list[str]) -> None:
        token = page_tokens.encode(one, {"batch": "x"})
        if one != other:
            with pytest.raises(Problem) as caught:
                page_tokens.decode(token, other)
            assert (caught.value.status, caught.value.kind) == (400, "invalid-page-token")

    @examples
    @given(st.text() | st.from_regex(r"[A-Za-z0-9_-]{1,80}", fullmatch=True))
    def test_garbage_is_refused(self, token: str) -> None:
        with pytest.raises(Problem):
            page_tokens.decode(token, ["jobs"])

    @examples
    @given(st.data())
    def test_a_token_with_one_other_character_is_refused(self, data: st.DataObject) -> None:
        token = page_tokens.encode(["jobs"], {"batch": "next", "after": [1, "id"]})
        index = data.draw(st.integers(0, len(token) - 1))
        character = data.draw(st.characters(codec="ascii").filter(lambda other: other != token[index]))
        with pytest.raises(Problem):
            page_tokens.decode(token[:index] + character + token[index + 1 :], ["jobs"])

    @pytest.mark.parametrize("batch", ["", "x", "xy", "xyz"])
    def test_a_token_has_one_spelling(self, batch: str) -> None:
        token = page_tokens.encode(["jobs"], {"batch": batch})
        alphabet = string.ascii_letters + string.digits + "-_"
        for last in set(alphabet) - {token[-1]}:
            with pytest.raises(Problem):
                page_tokens.decode(token[:-1] + last, ["jobs"])

    @pytest.mark.parametrize("token", ["", "=", "e30=", "a" * 4097, "a.b", "é"])
    @pytest.mark.parametrize("path", [JOBS, f"{JOBS}/{{id}}/logs"])
    def test_garbage_in_a_request_is_a_400(self, call: Call, double: Double, token: str, path: str) -> None:
        job_id = double.batch.add("wordcount-a-r" + "0" * 24)
        reply = call("GET", path.replace("{id}", job_id), query={"pageToken": token})
        assert (reply.status, reply.problem) == (400, "invalid-page-token")


class TestCors:
    origin = "https://docs.example.com"

    def test_any_origin(self) -> None:
        for origin in (None, self.origin, "null"):
            assert cors_headers(["*"], origin) == {
                "Access-Control-Allow-Origin": "*",
                "Access-Control-Expose-Headers": "Location, Retry-After, Allow",
            }

    def test_an_origin_of_the_list_is_echoed(self) -> None:
        headers = cors_headers([self.origin, "http://localhost:8000"], "http://localhost:8000")
        assert headers["Access-Control-Allow-Origin"] == "http://localhost:8000"
        assert headers["Vary"] == "Origin"

    @pytest.mark.parametrize(
        "origin", [None, "", "null", "https://docs.example.com.evil.org", "http://docs.example.com", "*"]
    )
    def test_another_origin_is_not(self, origin: str | None) -> None:
        headers = cors_headers([self.origin], origin)
        assert "Access-Control-Allow-Origin" not in headers
        assert headers["Vary"] == "Origin"

    @pytest.mark.parametrize(
        ("method", "path"), [("GET", JOBS), ("GET", "/none"), ("PUT", JOBS), ("POST", JOBS), ("GET", f"{JOBS}/x")]
    )
    @pytest.mark.parametrize("broken", [False, True])
    def test_every_answer_has_them(
        self, application_of: Callable[..., Application], double: Double, method: str, path: str, broken: bool
    ) -> None:
        application = application_of(cors_origins=(self.origin,))
        if broken:
            double.batch.ListJobs = None  # type: ignore[assignment]
        reply = Reply(application.answer(event(method, path, headers={"oRiGiN": self.origin}), None))
        assert reply.headers["Access-Control-Allow-Origin"] == self.origin
        assert reply.headers["Vary"] == "Origin"
        assert reply.headers["Cache-Control"] == "no-store"


class TestProblems:
    def test_a_problem_has_its_members(self, call: Call) -> None:
        assert call("GET", f"{JOBS}/x").body == {
            "type": "urn:slipway:problem:job-not-found",
            "title": "There is no such job",
            "status": 404,
            "detail": "There is no job of this id that is yours, in this pipeline.",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        }

    @pytest.mark.parametrize(
        "error", [KeyError("SECRET"), RuntimeError("SECRET"), AssertionError("SECRET"), MemoryError("SECRET")]
    )
    def test_the_unforeseen_is_a_500_without_a_word(
        self,
        call: Call,
        double: Double,
        error: Exception,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        def fail(*_: Any, **__: Any) -> Any:
            raise error

        monkeypatch.setattr("jobs.Jobs.list_jobs", fail)
        reply = call("GET", JOBS)
        assert (reply.status, reply.problem) == (500, "internal")
        assert "SECRET" not in reply.text
        line = json.loads(capsys.readouterr().out)
        assert line["level"] == "ERROR"
        assert re.fullmatch(type(error).__name__ + r"( < \w+\.py:\d+)+", line["error"])


class TestLimits:
    def test_all_waits_end_before_the_function_and_that_before_the_gateway(self) -> None:
        assert limits.worst_case_seconds() <= limits.FUNCTION_TIMEOUT_SECONDS < limits.GATEWAY_TIMEOUT_SECONDS
        assert limits.LEASE_SECONDS >= limits.FUNCTION_TIMEOUT_SECONDS + limits.LISTING_LAG_SECONDS

    @pytest.mark.parametrize("how", [timeout_before, timeout_after])
    @pytest.mark.parametrize("taken_over", [True, False])
    def test_a_request_whose_every_call_takes_its_longest_ends_in_time(
        self,
        application_of: Callable[..., Application],
        clock: FakeClock,
        double: Double,
        how: Callable[..., Any],
        taken_over: bool,
    ) -> None:
        """Each attempt takes connect and read timeout; those that may fail without ending the request do."""
        double.batch.listing_lag_seconds = 10_000
        sent = event("POST", JOBS, json_body={"text": "a"}, headers={"Idempotency-Key": "k"})
        if taken_over:
            double.fault = lambda name, run: how(run) if name == "batch:SubmitJob" else run()
            application_of().answer(sent, Context(clock))
            clock.advance(limits.LEASE_SECONDS)
        attempts: dict[str, int] = {}

        def slow(name: str, run: Callable[[], Any]) -> Any:
            service, operation = name.split(":")
            clock.advance(limits.CONNECT_TIMEOUT_SECONDS + limits.READ_TIMEOUT_SECONDS[service])
            attempts[name] = attempts.get(name, 0) + 1
            if operation == "SubmitJob" or (service == "dynamodb" and attempts[name] % 2):
                return how(run)
            return run()

        double.fault = slow
        began = clock.elapsed()
        reply = Reply(application_of().answer(sent, Context(clock)))
        assert reply.problem == "idempotency-in-progress"
        assert clock.elapsed() - began <= limits.FUNCTION_TIMEOUT_SECONDS - limits.OWN_SECONDS / 2
        assert attempts["batch:SubmitJob"] == 1

    def test_the_deployed_timeout_is_the_one_that_is_reckoned_with(self) -> None:
        source = (Path(__file__).parents[2] / "components" / "trigger_function.py").read_text()
        assert f"TIMEOUT_SECONDS = {limits.FUNCTION_TIMEOUT_SECONDS}\n" in source

    def test_a_jobs_name_fits(self) -> None:
        name = job_names.job_name("p" * 50, "c" * 50, job_names.random_id())
        assert len(name) <= limits.MAX_JOB_NAME_CHARACTERS


ENVIRONMENT = {
    "PIPELINE": "wordcount",
    "JOB_NAME_PREFIX": "wordcount",
    "aws_jobdefinition": "slipway-dev-wordcount:3",
    "aws_jobqueue": "slipway-dev-jobs",
    "RESULTS_BUCKET": "results-1a2b",
    "INPUTS_BUCKET": "inputs-1a2b",
    "IDEMPOTENCY_TABLE": "keys",
    "LOG_GROUP": "/aws/batch/wordcount",
    "MAX_TIMEOUT_SECONDS": "900",
    "CORS_ORIGINS": "*",
    "CONSUMERS": '{"key-a": "a", "key-ab": "a-b", "key-a2": "a"}',
    "JOB_VISIBILITY": "consumer",
}


class TestSettings:
    @pytest.fixture
    def schema_file(self, tmp_path: Path) -> Path:
        file = tmp_path / "parameters.schema.json"
        file.write_text(json.dumps(SCHEMA))
        return file

    def test_the_environment_is_read(self, schema_file: Path) -> None:
        assert read_settings(ENVIRONMENT, schema_file) == make_settings()
        arns = {
            "aws_jobdefinition": "arn:aws:batch:eu-west-1:123456789012:job-definition/slipway-dev-wordcount:3",
            "aws_jobqueue": "arn:aws:batch:eu-west-1:123456789012:job-queue/slipway-dev-jobs",
        }
        assert read_settings({**ENVIRONMENT, **arns}, schema_file) == make_settings()
        changed = {"CORS_ORIGINS": "https://a.example, https://b.example", "JOB_VISIBILITY": "all"}
        read = read_settings({**ENVIRONMENT, **changed}, schema_file)
        assert read.cors_origins == ("https://a.example", "https://b.example")
        assert read.sees_all_jobs is True

    @pytest.mark.parametrize("name", sorted(set(ENVIRONMENT) - {"JOB_NAME_PREFIX", "JOB_VISIBILITY"}))
    def test_a_missing_variable_is_named(self, schema_file: Path, name: str) -> None:
        rest = {key: value for key, value in ENVIRONMENT.items() if key != name}
        with pytest.raises(KeyError, match=name):
            read_settings(rest, schema_file)

    def test_an_unknown_visibility_is_no_open_door(self, schema_file: Path) -> None:
        with pytest.raises(ValueError, match="JOB_VISIBILITY"):
            read_settings({**ENVIRONMENT, "JOB_VISIBILITY": "ALL"}, schema_file)

    def test_every_variable_is_used(self) -> None:
        assert len(dataclasses.fields(Settings)) == len(ENVIRONMENT) + 1


@examples
@given(st.integers(0, 4_102_444_800_000))
def test_times_are_rfc_3339(millis: int) -> None:
    text = rfc3339(millis)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    assert (datetime.datetime.fromisoformat(text) - epoch) // datetime.timedelta(milliseconds=1) == millis
