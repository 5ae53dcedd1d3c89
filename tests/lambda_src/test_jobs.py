"""Jobs: start, look at, list, end. The doubles don't prove what AWS itself answers."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from handler import Application
from page_tokens import decode, encode

from tests.lambda_src.conftest import Call, Context, Reply, event
from tests.lambda_src.double import QUEUE, Double, FakeClock, ServiceError, timeout_after, timeout_before, unreachable

JOBS = "/wordcount/jobs"
NAME_ID = "r" + "0" * 24


def submit(call: Call, **options: Any) -> Reply:
    return call("POST", JOBS, json_body={"text": "hello"}, **options)


def test_a_submitted_job_is_accepted_with_its_address(call: Call, double: Double) -> None:
    reply = submit(call)
    [(job_id, job)] = double.batch.jobs.items()
    assert reply.status == 202
    assert reply.body == {
        "jobId": job_id,
        "pipeline": "wordcount",
        "consumer": "a",
        "status": "SUBMITTED",
        "links": {
            "self": f"/default/wordcount/jobs/{job_id}",
            "logs": f"/default/wordcount/jobs/{job_id}/logs",
            "list": "/default/wordcount/jobs",
        },
    }
    assert reply.headers["Location"] == f"/default/wordcount/jobs/{job_id}"
    assert re.fullmatch(r"wordcount-a-r[0-9a-f]{24}", job["jobName"])
    assert job["jobQueue"].endswith(f"/{QUEUE}")
    assert job["jobDefinition"].endswith("/slipway-dev-wordcount:3")
    assert job["container"] == {"environment": [{"name": "JOB_PARAMETERS", "value": '{"text":"hello"}'}]}
    assert job["timeout"] == {}


def test_the_address_of_a_job_keeps_a_custom_domains_base_path(
    application_of: Callable[..., Application], clock: FakeClock
) -> None:
    sent = event("POST", JOBS, json_body={"text": "a"})
    sent["path"] = "/base/wordcount/jobs"
    sent["requestContext"]["path"] = "/base/wordcount/jobs"
    reply = Reply(application_of().answer(sent, Context(clock)))
    assert reply.headers["Location"] == f"/base/wordcount/jobs/{reply.body['jobId']}"


@pytest.mark.parametrize("seconds", ["60", "900"])
def test_a_timeout_within_its_limits_is_handed_on(call: Call, double: Double, seconds: str) -> None:
    assert submit(call, query={"timeoutSeconds": seconds}).status == 202
    [job] = double.batch.jobs.values()
    assert job["timeout"] == {"attemptDurationSeconds": int(seconds)}


@pytest.mark.parametrize("seconds", ["59", "901", "-60", "", "1e2", "60.0", "0x40", "060", "٦٠", " 60", "9" * 5000])
def test_a_timeout_beyond_its_limits_is_refused(call: Call, double: Double, seconds: str) -> None:
    reply = submit(call, query={"timeoutSeconds": seconds})
    assert (reply.status, reply.problem) == (400, "invalid-request")
    assert reply.body["detail"] == "timeoutSeconds must be an integer from 60 to 900."
    assert not double.calls


def test_a_job_is_refused_that_batch_would_refuse_for_its_size(call: Call, double: Double) -> None:
    submit(call)
    spare = 30 * 1024 - len(double.bodies["batch:SubmitJob"])
    text = "hello" + "x" * spare
    assert call("POST", JOBS, json_body={"text": text}).status == 202
    assert len(double.bodies["batch:SubmitJob"]) == 30 * 1024
    before = list(double.calls)
    for key in ({}, {"Idempotency-Key": "k"}):
        reply = call("POST", JOBS, json_body={"text": text + "x"}, headers=key)
        assert (reply.status, reply.problem) == (413, "too-large")
        assert "30721 bytes" in reply.body["detail"]
    assert double.calls == before


@pytest.mark.parametrize("character", ['"', "\\", "ä", "😀", "\n", "\u007f"])
def test_the_size_counts_each_character_as_it_is_sent(call: Call, double: Double, character: str) -> None:
    def send(count: int) -> int:
        return call("POST", JOBS, json_body={"text": character * count}).status

    send(1)
    one = len(double.bodies["batch:SubmitJob"])
    send(2)
    width = len(double.bodies["batch:SubmitJob"]) - one
    largest = 1 + (30 * 1024 - one) // width
    assert (send(largest), send(largest + 1)) == (202, 413)


def test_a_submission_that_got_no_answer_is_found_by_its_name(call: Call, double: Double) -> None:
    double.fault = lambda name, run: timeout_after(run) if name == "batch:SubmitJob" else run()
    reply = submit(call)
    assert reply.status == 202
    assert [reply.body["jobId"]] == list(double.batch.jobs)
    assert double.calls.count("batch:SubmitJob") == 1


def test_a_server_error_leaves_open_whether_there_is_a_job(call: Call, double: Double) -> None:
    def accept_and_fail(name: str, run: Callable[[], Any]) -> Any:
        answer = run()
        if name == "batch:SubmitJob":
            raise ServiceError("ServerException", 500)
        return answer

    double.fault = accept_and_fail
    reply = submit(call)
    assert (reply.status, [reply.body["jobId"]]) == (202, list(double.batch.jobs))


def test_a_submission_of_unknown_outcome_says_so_and_is_not_repeated(call: Call, double: Double) -> None:
    double.fault = lambda name, run: timeout_before(run) if name == "batch:SubmitJob" else run()
    reply = submit(call)
    assert (reply.status, reply.problem) == (503, "outcome-unknown")
    assert int(reply.headers["Retry-After"]) > 0
    assert double.calls.count("batch:SubmitJob") == 1


@pytest.mark.parametrize(
    ("error", "status", "problem"),
    [
        (ServiceError("TooManyRequestsException", 429), 503, "unavailable"),
        (ServiceError("ThrottlingException", 400), 503, "unavailable"),
        (ServiceError("ClientException", 400), 500, "internal"),
        (ServiceError("AccessDeniedException", 403), 500, "internal"),
    ],
)
def test_an_error_of_aws_becomes_a_problem_without_its_text(
    call: Call, double: Double, error: ServiceError, status: int, problem: str
) -> None:
    def fail(_name: str, _run: Callable[[], Any]) -> Any:
        raise error

    double.fault = fail
    for reply in (submit(call), call("GET", JOBS), call("GET", f"{JOBS}/{'0' * 8}-0000-4000-8000-{'0' * 12}")):
        assert (reply.status, reply.problem) == (status, problem)
        assert ("Retry-After" in reply.headers) == (status == 503)
        assert "AWS-TEXT" not in reply.text
        assert error.code not in reply.text


def test_an_unreachable_aws_is_a_503(call: Call, double: Double) -> None:
    double.fault = lambda _name, run: unreachable(run)
    reply = call("GET", JOBS)
    assert (reply.status, reply.problem, reply.headers["Retry-After"]) == (503, "unavailable", "5")
    assert double.calls == ["batch:ListJobs"] * 2


def test_reads_are_tried_twice(call: Call, double: Double) -> None:
    failures = iter([True, False])
    double.fault = lambda _name, run: timeout_before(run) if next(failures) else run()
    assert call("GET", JOBS).status == 200


def test_what_aws_rejects_is_not_tried_again(call: Call, double: Double) -> None:
    def refuse(_name: str, _run: Callable[[], Any]) -> Any:
        raise ServiceError("AccessDeniedException", 403)

    double.fault = refuse
    call("GET", JOBS)
    assert double.calls == ["batch:ListJobs"]


def test_a_job_is_shown_with_attempts_and_times(call: Call, double: Double) -> None:
    job_id = double.batch.add(
        f"wordcount-a-{NAME_ID}",
        status="RUNNING",
        statusReason="",
        startedAt=1_795_000_041_007,
        timeout={"attemptDurationSeconds": 900},
        attempts=[
            {
                "startedAt": 1_795_000_001_000,
                "stoppedAt": 1_795_000_002_500,
                "statusReason": "Host failure",
                "container": {"exitCode": 1, "reason": "Task stopped"},
            },
            {"statusReason": "Could not pull", "container": {}},
        ],
    )
    reply = call("GET", f"{JOBS}/{job_id}")
    assert reply.status == 200
    assert reply.body == {
        "jobId": job_id,
        "pipeline": "wordcount",
        "consumer": "a",
        "status": "RUNNING",
        "createdAt": "2026-11-18T11:06:40.000Z",
        "startedAt": "2026-11-18T11:07:21.007Z",
        "timeoutSeconds": 900,
        "cancelRequested": False,
        "attempts": [
            {
                "startedAt": "2026-11-18T11:06:41.000Z",
                "stoppedAt": "2026-11-18T11:06:42.500Z",
                "exitCode": 1,
                "reason": "Task stopped",
            },
            {"reason": "Could not pull"},
        ],
        "links": {
            "self": f"/default{JOBS}/{job_id}",
            "logs": f"/default{JOBS}/{job_id}/logs",
            "list": f"/default{JOBS}",
        },
    }


@pytest.mark.parametrize(
    ("name", "members"),
    [
        (f"wordcount-a-b-{NAME_ID}", {}),
        (f"wordcount-b-{NAME_ID}", {}),
        (f"wordcount-a-{NAME_ID}-{NAME_ID}", {}),
        (f"wordcount-{NAME_ID}", {}),
        (f"wordcount-a-{NAME_ID[:-1]}", {}),
        (f"wordcount-a-{NAME_ID}0", {}),
        (f"WORDCOUNT-A-{NAME_ID}", {}),
        (f"wordcount-a-x{NAME_ID[1:]}", {}),
        (f"wordcount-a-{NAME_ID[:-1]}G", {}),
        (f"wordcount-a{NAME_ID}", {}),
        (f"wordcount_a-{NAME_ID}", {}),
        (f"xwordcount-a-{NAME_ID}", {}),
        (f"wordcount-a-{NAME_ID}", {"definition": "slipway-dev-wordcount-a"}),
        (f"wordcount-a-{NAME_ID}", {"queue": "slipway-prod-jobs"}),
        ("anything", {}),
    ],
)
@pytest.mark.parametrize(("method", "tail"), [("GET", ""), ("GET", "/logs"), ("DELETE", "")])
def test_a_job_of_another_consumer_or_pipeline_does_not_exist(
    call: Call, double: Double, name: str, members: dict[str, str], method: str, tail: str
) -> None:
    job_id = double.batch.add(name, **members)
    reply = call(method, f"{JOBS}/{job_id}{tail}")
    assert (reply.status, reply.problem) == (404, "job-not-found")
    assert job_id not in reply.text
    assert not double.batch.terminated
    if "queue" not in members:
        assert call("GET", JOBS).body == {"jobs": []}


def test_both_keys_of_a_consumer_see_its_jobs(call: Call) -> None:
    job_id = submit(call).body["jobId"]
    assert call("GET", f"{JOBS}/{job_id}", key="key-a2").status == 200
    assert call("GET", f"{JOBS}/{job_id}", key="key-ab").status == 404


def test_a_setting_shows_everyones_jobs(
    application_of: Callable[..., Application], clock: FakeClock, double: Double
) -> None:
    application = application_of(sees_all_jobs=True)
    mine = double.batch.add(f"wordcount-a-{NAME_ID}")
    clock.advance(1)
    other = double.batch.add(f"wordcount-a-b-{NAME_ID}")
    double.batch.add(f"wordcount-x-a-{NAME_ID}", definition="slipway-dev-wordcount-x")
    listed = Reply(application.answer(event("GET", JOBS), None)).body["jobs"]
    assert [(job["jobId"], job["consumer"]) for job in listed] == [(other, "a-b"), (mine, "a")]
    assert Reply(application.answer(event("GET", f"{JOBS}/{other}"), None)).body["consumer"] == "a-b"


@pytest.mark.parametrize("job_id", ["x", "0" * 36, "..", "%2e", "'", "0" * 8 + "-0000-4000-8000-" + "G" * 12])
def test_what_cannot_be_a_job_id_is_not_asked_for(call: Call, double: Double, job_id: str) -> None:
    reply = call("GET", f"{JOBS}/{job_id}")
    assert (reply.status, reply.problem) == (404, "job-not-found")
    assert not double.calls


class TestListing:
    def fill(self, double: Double, clock: FakeClock, count: int) -> list[str]:
        """Jobs of two consumers, newest first; a third of them FAILED."""
        made: list[str] = []
        for number in range(count):
            status = "FAILED" if number % 3 == 0 else "SUCCEEDED"
            made.insert(0, double.batch.add(f"wordcount-a-{NAME_ID}", status=status))
            double.batch.add(f"wordcount-a-b-{NAME_ID}")
            clock.advance(0.25)
        return made

    def pages(self, call: Call, between: Callable[[], object] = lambda: None, **query: str) -> list[list[str]]:
        pages: list[list[str]] = []
        token: str | None = None
        while True:
            more = {"pageToken": token} if token else {}
            body = call("GET", JOBS, query={**query, **more}).body
            pages.append([job["jobId"] for job in body["jobs"]])
            token = body.get("nextPageToken")
            if token is None:
                return pages
            between()

    @pytest.mark.parametrize("limit", [1, 4, 7, 100])
    @pytest.mark.parametrize("batch_page", [3, 10, 100])
    def test_pages_hold_each_job_once_newest_first(
        self, call: Call, double: Double, clock: FakeClock, limit: int, batch_page: int
    ) -> None:
        made = self.fill(double, clock, 23)
        double.batch.list_page_size = batch_page
        pages = self.pages(call, limit=str(limit))
        assert [job for page in pages for job in page] == made
        assert all(len(page) <= limit for page in pages)
        if batch_page == 100:
            assert len(pages) == -(-len(made) // limit)

    def test_one_status_is_picked_out(self, call: Call, double: Double, clock: FakeClock) -> None:
        made = self.fill(double, clock, 23)
        double.batch.list_page_size = 2
        pages = self.pages(call, status="FAILED", limit="3")
        assert [job for page in pages for job in page] == [
            job for job in made if double.batch.jobs[job]["status"] == "FAILED"
        ]

    def test_new_jobs_between_pages_neither_repeat_nor_hide_old_ones(
        self, call: Call, double: Double, clock: FakeClock
    ) -> None:
        made = self.fill(double, clock, 9)
        double.batch.list_page_size = 5
        pages = self.pages(call, lambda: self.fill(double, clock, 4), limit="2")
        assert [job for page in pages for job in page] == made

    def test_jobs_of_the_same_millisecond_are_not_lost(self, call: Call, double: Double) -> None:
        made = {double.batch.add(f"wordcount-a-{NAME_ID}") for _ in range(9)}
        double.batch.list_page_size = 4
        listed = [job for page in self.pages(call, limit="2") for job in page]
        assert len(listed) == 9
        assert set(listed) == made

    def test_the_job_to_go_on_after_may_be_gone(self, call: Call, double: Double, clock: FakeClock) -> None:
        made = self.fill(double, clock, 6)
        first = call("GET", JOBS, query={"limit": "2"}).body
        del double.batch.jobs[made[1]]
        rest = call("GET", JOBS, query={"pageToken": first["nextPageToken"]}).body
        assert [job["jobId"] for job in rest["jobs"]] == made[2:]

    def test_a_search_for_a_rare_status_ends_with_a_token(self, call: Call, double: Double, clock: FakeClock) -> None:
        self.fill(double, clock, 30)
        double.batch.list_page_size = 2
        reply = call("GET", JOBS, query={"status": "RUNNING"})
        assert reply.body["jobs"] == []
        assert reply.body["nextPageToken"]
        assert double.calls == ["batch:ListJobs"] * 5

    def test_a_token_is_bound_to_consumer_and_status(self, call: Call, double: Double, clock: FakeClock) -> None:
        self.fill(double, clock, 3)
        token = call("GET", JOBS, query={"limit": "1"}).body["nextPageToken"]
        assert call("GET", JOBS, query={"limit": "2", "pageToken": token}).status == 200
        for options in (
            {"query": {"pageToken": token, "status": "FAILED"}},
            {"query": {"pageToken": token}, "key": "key-ab"},
        ):
            reply = call("GET", JOBS, **options)
            assert (reply.status, reply.problem) == (400, "invalid-page-token")

    def test_a_token_that_batch_no_longer_knows_is_a_400(self, call: Call) -> None:
        bound_to = ["jobs", "wordcount", "a", ""]
        token = encode(bound_to, {"batch": "stale", "after": None})
        assert decode(token, bound_to) == {"batch": "stale", "after": None}
        reply = call("GET", JOBS, query={"pageToken": token})
        assert (reply.status, reply.problem) == (400, "invalid-page-token")

    @pytest.mark.parametrize(
        "query",
        [
            {"status": "DONE"},
            {"status": ""},
            {"status": "running"},
            {"limit": "0"},
            {"limit": "101"},
            {"limit": "ten"},
            {"colour": "red"},
            {"limit": ["1", "2"]},
        ],
    )
    def test_a_query_that_does_not_fit_is_a_400(self, call: Call, double: Double, query: dict[str, Any]) -> None:
        reply = call("GET", JOBS, query=query)
        assert (reply.status, reply.problem) == (400, "invalid-request")
        assert not double.calls


class TestCancelling:
    @pytest.mark.parametrize("status", ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"])
    def test_an_unfinished_job_is_ended_with_a_reason(self, call: Call, double: Double, status: str) -> None:
        job_id = double.batch.add(f"wordcount-a-{NAME_ID}", status=status)
        reply = call("DELETE", f"{JOBS}/{job_id}", query={"reason": "No longer needed"})
        assert reply.status == 202
        assert reply.body["status"] == status
        assert reply.body["cancelRequested"] is True
        assert double.batch.terminated == [(job_id, "Cancelled by a: No longer needed")]
        shown = call("GET", f"{JOBS}/{job_id}").body
        assert shown["cancelRequested"] is True
        assert shown["statusReason"] == "Cancelled by a: No longer needed"

    def test_a_reason_is_optional(self, call: Call, double: Double) -> None:
        job_id = double.batch.add(f"wordcount-a-{NAME_ID}")
        assert call("DELETE", f"{JOBS}/{job_id}").status == 202
        assert double.batch.terminated == [(job_id, "Cancelled by a")]

    @pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED"])
    def test_a_finished_job_is_a_conflict(self, call: Call, double: Double, status: str) -> None:
        job_id = double.batch.add(f"wordcount-a-{NAME_ID}", status=status)
        reply = call("DELETE", f"{JOBS}/{job_id}")
        assert (reply.status, reply.problem) == (409, "job-finished")
        assert reply.body["detail"] == f"The job is {status}."
        assert "batch:TerminateJob" not in double.calls

    @pytest.mark.parametrize("reason", ["", "x" * 201, "tab\t", "ä"])
    def test_a_reason_that_does_not_fit_is_a_400(self, call: Call, double: Double, reason: str) -> None:
        job_id = double.batch.add(f"wordcount-a-{NAME_ID}")
        reply = call("DELETE", f"{JOBS}/{job_id}", query={"reason": reason})
        assert (reply.status, reply.problem) == (400, "invalid-request")
        assert not double.batch.terminated
