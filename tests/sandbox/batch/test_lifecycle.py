"""The way of a job: statuses, retries, timeout, cancelling, dependencies. Attempts are scripted here."""

import pytest

from sandbox.batch.execution import TIMEOUT_REASON
from sandbox.batch.runner import StartError
from tests.sandbox.batch.harness import Harness, ScriptedRunner, size
from tests.sandbox.batch.test_compute_environments import refused


def test_a_job_goes_through_every_status_and_each_is_an_event(scripted: Harness, runner: ScriptedRunner):
    job_id = scripted.submit()
    runner.end(runner.wait_for(1))
    job = scripted.wait(job_id)

    assert scripted.statuses(job_id) == ["SUBMITTED", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]
    assert job["statusReason"] == "Essential container in task exited"
    assert job["container"]["exitCode"] == 0
    assert job["createdAt"] < job["startedAt"] < job["stoppedAt"]
    (attempt,) = job["attempts"]
    assert attempt["startedAt"] == job["startedAt"]
    assert attempt["container"] == {
        "exitCode": 0,
        "taskArn": job["container"]["taskArn"],
        "networkInterfaces": [],
    }
    assert scripted.events[-1] == job


def test_an_exit_code_other_than_0_fails_the_job(scripted: Harness, runner: ScriptedRunner):
    runner.exit_codes = [3]

    job = scripted.wait(scripted.submit())

    assert (job["status"], job["container"]["exitCode"]) == ("FAILED", 3)
    assert len(job["attempts"]) == 1


def test_a_container_that_cannot_start_has_a_reason_and_no_exit_code(scripted: Harness, runner: ScriptedRunner):
    reason = f"CannotPullContainerError: {'x' * 300}"
    runner.exit_codes = [StartError(reason)]

    job = scripted.wait(scripted.submit())

    assert (job["status"], job["statusReason"]) == ("FAILED", "Task failed to start")
    assert job["container"]["reason"] == reason[:255]
    assert "exitCode" not in job["container"]
    assert "startedAt" not in job


def test_a_failed_attempt_is_repeated_and_tells_its_number(scripted: Harness, runner: ScriptedRunner):
    runner.exit_codes = [1, StartError("x"), 0]

    job = scripted.wait(scripted.submit(retryStrategy={"attempts": 3}))

    assert job["status"] == "SUCCEEDED"
    assert [attempt["container"].get("exitCode") for attempt in job["attempts"]] == [1, None, 0]
    assert [run.task.environment["AWS_BATCH_JOB_ATTEMPT"] for run in runner.runs] == ["1", "2", "3"]
    assert scripted.statuses(job["jobId"]).count("RUNNABLE") == 3
    assert "reason" not in job["container"]


def test_an_attempt_has_a_log_stream_of_its_own_or_none(scripted: Harness, runner: ScriptedRunner):
    scripted.define("logged")
    runner.exit_codes = [1, StartError("x"), 0]

    job = scripted.wait(scripted.submit(jobDefinition="logged", retryStrategy={"attempts": 3}))

    first, second, third = (attempt["container"] for attempt in job["attempts"])
    assert "logStreamName" not in second
    assert first["logStreamName"] != third["logStreamName"] == job["container"]["logStreamName"]
    assert len({container["taskArn"] for container in (first, second, third)}) == 3


@pytest.mark.parametrize(
    ("conditions", "attempts"),
    [
        ([], 3),
        ([{"onExitCode": "1", "action": "EXIT"}], 1),
        ([{"onExitCode": "1", "action": "exit"}], 1),
        ([{"onExitCode": "1*", "action": "EXIT"}], 1),
        ([{"onExitCode": "2", "action": "EXIT"}], 3),
        ([{"onStatusReason": "Essential container*", "action": "EXIT"}], 1),
        ([{"onStatusReason": "Essential container", "action": "EXIT"}], 3),
        ([{"onStatusReason": "Essential*", "onExitCode": "2", "action": "EXIT"}], 3),
        ([{"onStatusReason": "Task failed*", "action": "RETRY"}, {"onReason": "*", "action": "EXIT"}], 1),
        ([{"onExitCode": "1", "action": "RETRY"}, {"onReason": "*", "action": "EXIT"}], 3),
    ],
)
def test_the_first_condition_that_matches_decides(scripted: Harness, runner: ScriptedRunner, conditions, attempts):
    runner.exit_codes = [1, 1, 1]

    job = scripted.wait(scripted.submit(retryStrategy={"attempts": 3, "evaluateOnExit": conditions}), "FAILED")

    assert len(job["attempts"]) == attempts


def test_a_reason_of_the_container_is_matched(scripted: Harness, runner: ScriptedRunner):
    runner.exit_codes = [StartError("CannotPullContainerError: gone"), 1, 0]
    conditions = [{"onReason": "CannotPull*", "action": "RETRY"}, {"onReason": "*", "action": "EXIT"}]

    job = scripted.wait(scripted.submit(retryStrategy={"attempts": 3, "evaluateOnExit": conditions}))

    assert (job["status"], len(job["attempts"])) == ("FAILED", 2)


def test_what_exceeds_its_timeout_is_stopped_and_not_repeated(scripted: Harness, runner: ScriptedRunner):
    job_id = scripted.submit(timeout={"attemptDurationSeconds": 60}, retryStrategy={"attempts": 3})
    runner.wait_for(1)
    scripted.wait(job_id, "RUNNING")
    scripted.expire_timers()

    job = scripted.wait(job_id)

    assert (job["status"], job["statusReason"]) == ("FAILED", TIMEOUT_REASON)
    assert job["container"]["exitCode"] == 137
    assert [attempt["statusReason"] for attempt in job["attempts"]] == [TIMEOUT_REASON]


def test_an_orderly_exit_after_the_timeout_is_a_failure_too(scripted: Harness, runner: ScriptedRunner):
    runner.stop_code = 0
    job_id = scripted.submit(timeout={"attemptDurationSeconds": 60})
    scripted.wait(job_id, "RUNNING")
    scripted.expire_timers()

    job = scripted.wait(job_id)

    assert (job["status"], job["statusReason"], job["container"]["exitCode"]) == ("FAILED", TIMEOUT_REASON, 0)


def test_what_ends_in_time_leaves_no_timer(scripted: Harness, runner: ScriptedRunner):
    job_id = scripted.submit(timeout={"attemptDurationSeconds": 60})
    runner.end(runner.wait_for(1))

    assert scripted.wait(job_id)["status"] == "SUCCEEDED"
    assert scripted.expire_timers() == 0


def test_a_running_job_is_terminated_with_the_reason_that_was_given(scripted: Harness, runner: ScriptedRunner):
    job_id = scripted.submit(retryStrategy={"attempts": 3})
    scripted.wait(job_id, "RUNNING")

    scripted.client.terminate_job(jobId=job_id, reason="enough")
    job = scripted.wait(job_id)

    assert (job["status"], job["statusReason"], job["isTerminated"]) == ("FAILED", "enough", True)
    assert job["container"]["exitCode"] == 137
    assert len(job["attempts"]) == 1


def test_a_running_job_is_not_cancelled_but_the_call_succeeds(scripted: Harness, runner: ScriptedRunner):
    job_id = scripted.submit()
    scripted.wait(job_id, "RUNNING")

    scripted.client.cancel_job(jobId=job_id, reason="enough")
    runner.end(runner.wait_for(1))

    job = scripted.wait(job_id)
    assert job["status"] == "SUCCEEDED"
    assert "isCancelled" not in job


@pytest.mark.parametrize("operation", ["cancel_job", "terminate_job"])
def test_a_job_that_waits_is_cancelled(scripted: Harness, runner: ScriptedRunner, operation):
    first, second, third = (scripted.submit(**size(16)) for _ in range(3))
    scripted.wait(first, "RUNNING")
    scripted.wait(second, "RUNNABLE")

    getattr(scripted.client, operation)(jobId=second, reason="changed my mind")
    job = scripted.wait(second)
    runner.end(runner.wait_for(1))

    assert (job["status"], job["statusReason"], job["isCancelled"]) == ("FAILED", "changed my mind", True)
    assert "startedAt" not in job
    scripted.wait(third, "RUNNING")
    assert len(runner.runs) == 2


@pytest.mark.parametrize("operation", ["cancel_job", "terminate_job"])
def test_a_finished_job_stays_as_it_is(scripted: Harness, runner: ScriptedRunner, operation):
    runner.exit_codes = [0]
    job = scripted.wait(scripted.submit())

    getattr(scripted.client, operation)(jobId=job["jobId"], reason="late")

    assert scripted.job(job["jobId"]) == job


def test_an_unknown_job_or_a_long_reason_is_refused(scripted: Harness):
    assert "does not exist" in refused(scripted.client.terminate_job, jobId="x", reason="y")
    assert "does not exist" in refused(scripted.client.cancel_job, jobId="x", reason="y")
    assert "1024 characters" in refused(scripted.client.terminate_job, jobId=scripted.submit(), reason="y" * 1025)


def test_a_job_waits_for_those_it_depends_on(scripted: Harness, runner: ScriptedRunner):
    first, second = scripted.submit(), scripted.submit()
    third = scripted.submit(dependsOn=[{"jobId": first}, {"jobId": second}])
    scripted.wait(third, "PENDING")
    runner.end(runner.wait_for(1))
    scripted.wait(first)
    assert scripted.job(third)["status"] == "PENDING"

    runner.end(runner.wait_for(2))
    runner.end(runner.wait_for(3))

    assert scripted.wait(third)["status"] == "SUCCEEDED"
    assert scripted.job(third)["dependsOn"] == [{"jobId": first}, {"jobId": second}]


def test_a_job_fails_with_one_that_it_depends_on_and_so_do_those_that_depend_on_it(
    scripted: Harness, runner: ScriptedRunner
):
    first = scripted.submit()
    second = scripted.submit(dependsOn=[{"jobId": first}])
    third = scripted.submit(dependsOn=[{"jobId": second}])
    runner.end(runner.wait_for(1), 1)

    for job_id in (second, third):
        job = scripted.wait(job_id)
        assert (job["status"], job["statusReason"]) == ("FAILED", "Dependent Job failed")
    late = scripted.wait(scripted.submit(dependsOn=[{"jobId": first}]))
    assert late["statusReason"] == "Dependent Job failed"
    assert len(runner.runs) == 1


def test_a_dependency_that_has_succeeded_holds_nothing_up(scripted: Harness, runner: ScriptedRunner):
    runner.exit_codes = [0, 0]
    first = scripted.submit()
    scripted.wait(first)

    second = scripted.submit(dependsOn=[{"jobId": first}])

    assert scripted.wait(second)["status"] == "SUCCEEDED"
    assert "PENDING" not in scripted.statuses(second)


@pytest.mark.parametrize("exit_code", [0, 1])
def test_a_pending_job_that_was_cancelled_ends_when_its_dependencies_have(
    scripted: Harness, runner: ScriptedRunner, exit_code
):
    first = scripted.submit()
    second = scripted.submit(dependsOn=[{"jobId": first}])
    scripted.wait(second, "PENDING")

    scripted.client.cancel_job(jobId=second, reason="not needed")
    job = scripted.job(second)
    assert (job["status"], job["isCancelled"]) == ("PENDING", True)
    runner.end(runner.wait_for(1), exit_code)

    job = scripted.wait(second)
    assert (job["status"], job["statusReason"]) == ("FAILED", "not needed")
