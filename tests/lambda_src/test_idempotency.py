"""At most one job per consumer, pipeline and key: in parallel, after a failure, after the leader's death.

The leader is killed before and after each of its calls. What the doubles assume of AWS: a conditional write is atomic,
a listing is complete but for its lag.
"""

import contextlib
import json
import threading
from collections.abc import Callable
from typing import Any

import limits
import pytest
import reconciler
from handler import Application
from idempotency import record_id_of

from tests.lambda_src.conftest import Call, Context, Reply, event
from tests.lambda_src.double import (
    Double,
    FakeClock,
    Killed,
    ServiceError,
    timeout_after,
    timeout_before,
    unreachable,
)

JOBS = "/wordcount/jobs"
KEY = {"Idempotency-Key": "6f1c-order-17"}
Make = Callable[..., Application]


def post(application: Application, clock: FakeClock, **options: Any) -> Reply:
    options = {"json_body": {"text": "hello"}, "headers": KEY, **options}
    return Reply(application.answer(event("POST", JOBS, **options), Context(clock)))


def test_a_repeated_request_gets_the_very_same_answer(application_of: Make, clock: FakeClock, double: Double) -> None:
    first = post(application_of(), clock)
    clock.advance(6 * 86_400)
    again = post(application_of(), clock)
    assert first.status == 202
    assert (again.status, again.headers, again.text) == (first.status, first.headers, first.text)
    assert len(double.batch.jobs) == 1


def test_white_space_and_order_of_members_make_no_other_request(call: Call) -> None:
    first = call("POST", JOBS, body='{"text":"a","top":1}', headers=KEY)
    again = call("POST", JOBS, body=' { "top" : 1, "text" : "\\u0061" } ', headers=KEY)
    assert again.text == first.text


@pytest.mark.parametrize(
    "other",
    [
        {"json_body": {"text": "other"}},
        {"query": {"timeoutSeconds": "900"}},
        {"json_body": {"text": "hello", "top": 1}},
    ],
)
@pytest.mark.parametrize("finished", [True, False])
def test_another_request_with_the_same_key_is_a_422_and_starts_nothing(
    application_of: Make, clock: FakeClock, double: Double, other: dict[str, Any], finished: bool
) -> None:
    if not finished:
        double.fault = kill_after("dynamodb:PutItem")
        with pytest.raises(Killed):
            post(application_of(), clock)
        double.fault = None
    else:
        post(application_of(), clock)
    for seconds in (0, limits.LEASE_SECONDS + 1):
        clock.advance(seconds)
        reply = post(application_of(), clock, **other)
        assert (reply.status, reply.problem) == (422, "idempotency-mismatch")
    assert len(double.batch.jobs) == finished


def test_the_same_key_of_two_consumers_makes_two_jobs(application_of: Make, clock: FakeClock, double: Double) -> None:
    replies = [post(application_of(), clock, key=key) for key in ("key-a", "key-ab", "key-a2")]
    assert [reply.status for reply in replies] == [202] * 3
    # Both keys of one consumer are one consumer.
    assert replies[0].text == replies[2].text
    assert len(double.batch.jobs) == 2


def test_consumer_and_key_cannot_be_run_together() -> None:
    assert record_id_of("a", "wordcount", "b") != record_id_of("a", "wordcountb", "")
    assert record_id_of("a-b", "w", "c") != record_id_of("a", "b-w", "c")


def test_no_key_no_record(call: Call, double: Double) -> None:
    for _ in range(2):
        assert call("POST", JOBS, json_body={"text": "hello"}).status == 202
    assert len(double.batch.jobs) == 2
    assert not double.dynamodb.items


def test_the_key_itself_is_stored_nowhere(application_of: Make, clock: FakeClock, double: Double) -> None:
    post(application_of(), clock)
    assert KEY["Idempotency-Key"] not in json.dumps([double.dynamodb.items, double.batch.jobs])


@pytest.mark.parametrize("key", ["", " ", "a b", "ä", "x" * 256, "a\tb", "\x7f"])
def test_a_key_of_other_characters_is_a_400(call: Call, double: Double, key: str) -> None:
    reply = call("POST", JOBS, json_body={"text": "a"}, headers={"Idempotency-Key": key})
    assert (reply.status, reply.problem) == (400, "invalid-request")
    assert not double.calls


def test_two_keys_in_one_request_are_a_400(application_of: Make) -> None:
    sent = event("POST", JOBS, json_body={"text": "a"}, headers=KEY)
    sent["multiValueHeaders"]["Idempotency-Key"] = ["a", "b"]
    reply = Reply(application_of().answer(sent, None))
    assert (reply.status, reply.problem) == (400, "invalid-request")


def test_a_key_is_forgotten_after_seven_days_even_if_the_table_still_has_it(
    application_of: Make, clock: FakeClock, double: Double
) -> None:
    first = post(application_of(), clock)
    [item] = double.dynamodb.items.values()
    assert int(item["expiresAt"]["N"]) == clock.now() + 7 * 86_400
    clock.advance(7 * 86_400)
    second = post(application_of(), clock)
    assert second.body["jobId"] != first.body["jobId"]
    names = {job["jobName"] for job in double.batch.jobs.values()}
    # The reconciler must not take the new job for a double of the old one.
    assert len(names) == 2


def kill_before(call: str) -> Callable[..., Any]:
    def fault(name: str, run: Callable[[], Any]) -> Any:
        if name == call:
            raise Killed
        return run()

    return fault


def kill_after(call: str) -> Callable[..., Any]:
    def fault(name: str, run: Callable[[], Any]) -> Any:
        answer = run()
        if name == call:
            raise Killed
        return answer

    return fault


STEPS = ["dynamodb:PutItem", "batch:SubmitJob", "dynamodb:UpdateItem"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("kill", [kill_before, kill_after])
def test_a_leader_that_dies_leaves_one_job(
    application_of: Make, clock: FakeClock, double: Double, step: str, kill: Callable[[str], Any]
) -> None:
    double.batch.listing_lag_seconds = limits.LISTING_LAG_SECONDS
    double.fault = kill(step)
    with pytest.raises(Killed):
        post(application_of(), clock)
    double.fault = None
    began = clock.now()
    while (reply := post(application_of(), clock)).status == 409:
        assert reply.problem == "idempotency-in-progress"
        clock.advance(int(reply.headers["Retry-After"]))
    assert reply.status == 202
    assert list(double.batch.jobs) == [reply.body["jobId"]]
    assert post(application_of(), clock).text == reply.text
    assert clock.now() - began <= limits.LEASE_SECONDS + 1


@pytest.mark.parametrize("second", ["batch:ListJobs", "batch:SubmitJob", "dynamodb:UpdateItem"])
@pytest.mark.parametrize("third", ["batch:ListJobs", "batch:SubmitJob", "dynamodb:UpdateItem"])
@pytest.mark.parametrize("first", [kill_before, kill_after])
@pytest.mark.parametrize("kill", [kill_before, kill_after])
def test_leaders_that_die_one_after_the_other_leave_one_job(
    application_of: Make,
    clock: FakeClock,
    double: Double,
    first: Callable[[str], Any],
    second: str,
    third: str,
    kill: Callable[[str], Any],
) -> None:
    for fault in (first("batch:SubmitJob"), kill(second), kill(third)):
        double.fault = fault
        # A successor that finds the job has nothing to submit, and is not killed there.
        with contextlib.suppress(Killed):
            post(application_of(), clock)
        clock.advance(limits.LEASE_SECONDS)
    double.fault = None
    reply = post(application_of(), clock)
    assert reply.status == 202
    assert list(double.batch.jobs) == [reply.body["jobId"]]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("how", [timeout_before, timeout_after])
def test_a_call_that_gets_no_answer_leaves_one_job(
    application_of: Make, clock: FakeClock, double: Double, step: str, how: Callable[..., Any]
) -> None:
    once = iter([True])
    double.fault = lambda name, run: how(run) if name == step and next(once, False) else run()
    while (reply := post(application_of(), clock)).status == 409:
        clock.advance(int(reply.headers["Retry-After"]))
    assert reply.status == 202
    assert list(double.batch.jobs) == [reply.body["jobId"]]


def test_a_job_that_could_not_be_recorded_is_accepted_all_the_same(
    application_of: Make, clock: FakeClock, double: Double
) -> None:
    double.fault = lambda name, run: unreachable(run) if name == "dynamodb:UpdateItem" else run()
    first = post(application_of(), clock)
    assert first.status == 202
    double.fault = None
    assert post(application_of(), clock).status == 409
    clock.advance(limits.LEASE_SECONDS)
    assert post(application_of(), clock).text == first.text
    assert len(double.batch.jobs) == 1


@pytest.mark.parametrize("code", ["TooManyRequestsException", "ClientException"])
def test_a_submission_that_batch_refused_frees_the_key_at_once(
    application_of: Make, clock: FakeClock, double: Double, code: str
) -> None:
    def refuse(name: str, run: Callable[[], Any]) -> Any:
        if name == "batch:SubmitJob":
            raise ServiceError(code)
        return run()

    double.fault = refuse
    assert post(application_of(), clock).status in (500, 503)
    double.fault = None
    assert post(application_of(), clock).status == 202
    assert len(double.batch.jobs) == 1


def test_a_table_out_of_reach_starts_no_job(application_of: Make, clock: FakeClock, double: Double) -> None:
    double.fault = lambda name, run: unreachable(run) if name.startswith("dynamodb") else run()
    reply = post(application_of(), clock)
    assert (reply.status, reply.problem) == (503, "unavailable")
    assert not double.batch.jobs


def test_nothing_is_submitted_that_could_outlive_the_function(
    application_of: Make, clock: FakeClock, double: Double
) -> None:
    sent = event("POST", JOBS, json_body={"text": "hello"}, headers=KEY)
    reply = Reply(application_of().answer(sent, Context(clock, seconds=5)))
    assert (reply.status, reply.problem) == (503, "unavailable")
    assert not double.batch.jobs
    assert post(application_of(), clock).status == 202


def in_parallel(count: int, work: Callable[[int], Reply]) -> list[Reply]:
    """Run at once, in threads that start together."""
    replies: list[Reply | None] = [None] * count
    gate = threading.Barrier(count)

    def one(index: int) -> None:
        gate.wait()
        replies[index] = work(index)

    threads = [threading.Thread(target=one, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [reply for reply in replies if reply is not None]


@pytest.mark.parametrize("how", [timeout_after, timeout_before, None])
@pytest.mark.parametrize("lag", [0.0, 3.0, limits.LISTING_LAG_SECONDS])
def test_fifty_parallel_requests_make_one_job(
    application_of: Make, clock: FakeClock, double: Double, how: Callable[..., Any] | None, lag: float
) -> None:
    double.batch.listing_lag_seconds = lag
    once = iter([True])
    if how:
        double.fault = lambda name, run: how(run) if name == "batch:SubmitJob" and next(once, False) else run()
    # One process each, as Lambda runs them.
    applications = [application_of() for _ in range(50)]
    replies = in_parallel(50, lambda index: post(applications[index], clock))
    assert len(replies) == 50
    assert {reply.status for reply in replies} <= {202, 409}
    answers: set[str] = set()
    for application, reply in zip(applications, replies, strict=True):
        while reply.status == 409:
            assert reply.problem == "idempotency-in-progress"
            clock.advance(int(reply.headers["Retry-After"]))
            reply = post(application, clock)
        assert reply.status == 202
        answers.add(reply.text)
    assert len(answers) == 1
    assert len(double.batch.jobs) == 1


def test_one_key_in_parallel_from_two_consumers_makes_two_jobs(
    application_of: Make, clock: FakeClock, double: Double
) -> None:
    applications = [application_of() for _ in range(20)]
    replies = in_parallel(20, lambda index: post(applications[index], clock, key=("key-a", "key-ab")[index % 2]))
    assert {reply.status for reply in replies} <= {202, 409}
    assert len(double.batch.jobs) == 2


def late_double(application_of: Make, clock: FakeClock, double: Double) -> tuple[Reply, str, str]:
    """A listing lags for longer than the lease's reserve: two jobs of one name."""
    double.batch.listing_lag_seconds = 10_000
    double.fault = kill_after("batch:SubmitJob")
    with pytest.raises(Killed):
        post(application_of(), clock)
    double.fault = None
    clock.advance(limits.LEASE_SECONDS)
    reply = post(application_of(), clock)
    older, younger = double.batch.jobs
    assert reply.body["jobId"] == younger
    return reply, older, younger


def test_the_reconciler_ends_the_younger_of_two_jobs(application_of: Make, clock: FakeClock, double: Double) -> None:
    _, older, younger = late_double(application_of, clock, double)
    batch = double.client("batch")
    for job_id in (older, younger):
        # Neither is listed yet: each is alone.
        assert reconciler.reconcile(batch, double.batch.jobs[job_id]) == []
    double.batch.listing_lag_seconds = 0
    for job_id in (older, younger, older):
        reconciler.reconcile(batch, double.batch.jobs[job_id])
    assert [job for job, _ in double.batch.terminated] == [younger]
    assert double.batch.jobs[younger]["statusReason"] == (
        f"Duplicate of job {older}, which has the same Idempotency-Key"
    )


def interleave(double: Double, step: str, other: Callable[[], Any]) -> None:
    """Do something else in the moment before a call's first time, as if the process were frozen there."""
    once = iter([True])

    def fault(name: str, run: Callable[[], Any]) -> Any:
        if name == step and next(once, False):
            other()
        return run()

    double.fault = fault


def test_a_leader_that_wakes_up_late_gets_the_job_of_its_successor(
    application_of: Make, clock: FakeClock, double: Double
) -> None:
    successor: list[Reply] = []

    def other() -> None:
        clock.advance(limits.LEASE_SECONDS)
        successor.append(post(application_of(), clock))

    interleave(double, "dynamodb:UpdateItem", other)
    late = post(application_of(), clock)
    assert late.status == 202
    assert late.text == successor[0].text
    assert len(double.batch.jobs) == 1


def test_the_first_recorded_job_counts_for_the_leader_and_its_successor(
    application_of: Make, clock: FakeClock, double: Double
) -> None:
    """The late leader records while the successor, which could not see its job, has submitted another."""
    double.batch.listing_lag_seconds = 10_000
    late: list[Reply] = []

    def successor() -> None:
        clock.advance(limits.LEASE_SECONDS)
        double.fault = kill_after("batch:SubmitJob")
        with pytest.raises(Killed):
            post(application_of(), clock)
        double.fault = None

    interleave(double, "dynamodb:UpdateItem", successor)
    late.append(post(application_of(), clock))
    assert late[0].body["jobId"] == min(double.batch.jobs)
    assert post(application_of(), clock).text == late[0].text


def test_a_late_leader_does_not_overwrite_what_its_successor_recorded(
    application_of: Make, clock: FakeClock, double: Double
) -> None:
    double.batch.listing_lag_seconds = 10_000

    def successor() -> None:
        clock.advance(limits.LEASE_SECONDS)
        assert post(application_of(), clock).status == 202

    interleave(double, "dynamodb:UpdateItem", successor)
    late = post(application_of(), clock)
    assert late.body["jobId"] == max(double.batch.jobs)
    assert post(application_of(), clock).text == late.text


def leave_a_dead_leader(application_of: Make, clock: FakeClock, double: Double, kill: Callable[..., Any]) -> None:
    """A record whose lease is over."""
    double.fault = kill
    with pytest.raises(Killed):
        post(application_of(), clock)
    double.fault = None
    clock.advance(limits.LEASE_SECONDS)


def test_one_of_two_successors_takes_over(application_of: Make, clock: FakeClock, double: Double) -> None:
    leave_a_dead_leader(application_of, clock, double, kill_before("batch:SubmitJob"))
    rival: list[Reply] = []

    def other() -> None:
        double.fault = kill_before("batch:SubmitJob")
        with pytest.raises(Killed):
            post(application_of(), clock)
        double.fault = None

    interleave(double, "dynamodb:UpdateItem", other)
    rival.append(post(application_of(), clock))
    assert rival[0].problem == "idempotency-in-progress"
    assert not double.batch.jobs


def test_a_job_that_was_recorded_at_the_last_moment_is_not_taken_over(
    application_of: Make, clock: FakeClock, double: Double
) -> None:
    leave_a_dead_leader(application_of, clock, double, kill_after("batch:SubmitJob"))
    double.batch.listing_lag_seconds = 10_000
    [job_id] = double.batch.jobs
    [item] = double.dynamodb.items.values()
    interleave(double, "dynamodb:UpdateItem", lambda: item.update(jobId={"S": job_id}))
    assert post(application_of(), clock).body["jobId"] == job_id
    assert len(double.batch.jobs) == 1


@pytest.mark.parametrize("taken_over", [False, True])
def test_a_claim_whose_answer_was_lost_is_a_claim(
    application_of: Make, clock: FakeClock, double: Double, taken_over: bool
) -> None:
    step = "dynamodb:PutItem"
    if taken_over:
        leave_a_dead_leader(application_of, clock, double, kill_before("batch:SubmitJob"))
        step = "dynamodb:UpdateItem"
    once = iter([True])
    double.fault = lambda name, run: timeout_after(run) if name == step and next(once, False) else run()
    assert post(application_of(), clock).status == 202
    assert len(double.batch.jobs) == 1


def test_a_successor_takes_the_oldest_of_several_jobs(application_of: Make, clock: FakeClock, double: Double) -> None:
    double.batch.listing_lag_seconds = 10_000
    for _ in range(2):
        leave_a_dead_leader(application_of, clock, double, kill_after("batch:SubmitJob"))
    double.batch.listing_lag_seconds = 0
    assert post(application_of(), clock).body["jobId"] == min(double.batch.jobs)


@pytest.mark.parametrize("other", [{"name": str.upper}, {"definition": "slipway-dev-other"}])
def test_a_successor_takes_no_job_that_only_looks_the_same(
    application_of: Make, clock: FakeClock, double: Double, other: dict[str, Any]
) -> None:
    leave_a_dead_leader(application_of, clock, double, kill_before("batch:SubmitJob"))
    [item] = double.dynamodb.items.values()
    name = other.get("name", str)(item["jobName"]["S"])
    taken = double.batch.add(name, **{key: value for key, value in other.items() if key != "name"})
    assert post(application_of(), clock).body["jobId"] != taken


def test_a_record_that_is_gone_does_not_come_back_by_half(
    application_of: Make, clock: FakeClock, double: Double
) -> None:
    interleave(double, "dynamodb:UpdateItem", double.dynamodb.items.clear)
    assert post(application_of(), clock).status == 202
    assert not double.dynamodb.items
