"""The way of a job: statuses, retries, timeout, cancelling, dependencies, capacity. Attempts are scripted here."""

import pytest

from sandbox.batch.execution import TIMEOUT_REASON
from sandbox.batch.runner import StartError
from tests.sandbox.batch.conftest import WITHOUT_LOG
from tests.sandbox.batch.harness import Harness, ScriptedRunner
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
    first, second, third = (scripted.submit(**_size(16)) for _ in range(3))
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


def test_capacity_is_never_exceeded_and_order_is_kept(new, runner: ScriptedRunner):
    batch = new(runner=runner)
    batch.platform(vcpus=4)
    batch.define(container=WITHOUT_LOG)
    two, three, one = (batch.submit(**_size(vcpus)) for vcpus in (2, 4, 1))
    batch.wait(two, "RUNNING")
    batch.wait(one, "RUNNABLE")

    assert [batch.job(job_id)["status"] for job_id in (three, one)] == ["RUNNABLE", "RUNNABLE"]
    runner.end(runner.wait_for(1))
    batch.wait(three, "RUNNING")
    assert batch.job(one)["status"] == "RUNNABLE"
    runner.end(runner.wait_for(2))
    batch.wait(one, "RUNNING")


def test_the_queue_with_the_higher_priority_goes_first(scripted: Harness, runner: ScriptedRunner):
    order = [{"order": 1, "computeEnvironment": "ce"}]
    scripted.client.create_job_queue(jobQueueName="urgent", priority=10, computeEnvironmentOrder=order)
    running, later = scripted.submit(**_size(16)), scripted.submit(**_size(16))
    urgent = scripted.submit(jobQueue="urgent", **_size(16))
    scripted.wait(running, "RUNNING")
    scripted.wait(urgent, "RUNNABLE")
    scripted.wait(later, "RUNNABLE")

    runner.end(runner.wait_for(1))
    scripted.wait(urgent, "RUNNING")

    assert scripted.job(later)["status"] == "RUNNABLE"


def test_more_capacity_or_an_enabled_environment_lets_jobs_run(scripted: Harness):
    scripted.client.update_compute_environment(computeEnvironment="ce", state="DISABLED")
    job_id = scripted.submit()
    scripted.wait(job_id, "RUNNABLE")
    assert scripted.job(job_id)["statusReason"].startswith("UNDETERMINED")

    scripted.client.update_compute_environment(computeEnvironment="ce", state="ENABLED")

    assert "statusReason" not in scripted.wait(job_id, "RUNNING")


def test_a_second_environment_takes_what_the_first_has_no_room_for(scripted: Harness, runner: ScriptedRunner):
    resources = scripted.client.describe_compute_environments()["computeEnvironments"][0]["computeResources"]
    scripted.client.create_compute_environment(
        computeEnvironmentName="more", type="MANAGED", computeResources=resources
    )
    order = [{"order": 1, "computeEnvironment": "ce"}, {"order": 2, "computeEnvironment": "more"}]
    scripted.client.update_job_queue(jobQueue="q", computeEnvironmentOrder=order)
    for _ in range(2):
        scripted.submit(**_size(16))
    runner.wait_for(2)

    assert [run.task.environment["AWS_BATCH_CE_NAME"] for run in runner.runs] == ["ce", "more"]


def test_a_job_that_never_fits_is_cancelled_after_its_queues_limit(new, runner: ScriptedRunner):
    batch = new(runner=runner)
    reason = "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE"
    limit = {"state": "RUNNABLE", "action": "CANCEL", "maxTimeSeconds": 600, "reason": reason}
    batch.platform(vcpus=1, jobStateTimeLimitActions=[{**limit, "reason": "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"}])
    batch.define(container=WITHOUT_LOG)
    stuck, behind = batch.submit(**_size(2)), batch.submit()
    batch.wait(stuck, "RUNNABLE")
    batch.wait(behind, "RUNNABLE")
    assert batch.job(stuck)["statusReason"].startswith(reason)

    batch.clock.advance(599)
    batch.on_loop(batch.service._lifecycle.check_limits)
    batch.clock.advance(3600)
    batch.on_loop(batch.service._lifecycle.check_limits)
    assert batch.job(stuck)["status"] == "RUNNABLE"
    batch.client.update_job_queue(jobQueue="q", jobStateTimeLimitActions=[limit])
    batch.on_loop(batch.service._lifecycle.check_limits)

    job = batch.wait(stuck)
    assert (job["status"], reason in job["statusReason"]) == ("FAILED", True)
    batch.wait(behind, "RUNNING")


def test_waiting_for_others_is_no_reason_to_be_cancelled(new, runner: ScriptedRunner):
    batch = new(runner=runner)
    reasons = ("CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY", "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE")
    limits = [{"state": "RUNNABLE", "action": "CANCEL", "maxTimeSeconds": 600, "reason": reason} for reason in reasons]
    batch.platform(vcpus=1, jobStateTimeLimitActions=limits)
    batch.define(container=WITHOUT_LOG)
    first, second = batch.submit(), batch.submit()
    batch.wait(first, "RUNNING")
    batch.wait(second, "RUNNABLE")

    batch.clock.advance(86400)
    batch.on_loop(batch.service._lifecycle.check_limits)

    assert batch.job(second)["status"] == "RUNNABLE"


def test_the_limit_counts_from_when_a_job_was_stuck_last(new, runner: ScriptedRunner):
    batch = new(runner=runner)
    reason = "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE"
    limit = {"state": "RUNNABLE", "action": "CANCEL", "maxTimeSeconds": 600, "reason": reason}
    batch.platform(vcpus=1, jobStateTimeLimitActions=[limit])
    batch.define(container=WITHOUT_LOG)
    job_id = batch.submit(**_size(2), retryStrategy={"attempts": 2})
    batch.wait(job_id, "RUNNABLE")

    def resize(vcpus: int) -> None:
        batch.client.update_compute_environment(computeEnvironment="ce", computeResources={"maxvCpus": vcpus})

    batch.clock.advance(599)
    resize(2)
    batch.wait(job_id, "RUNNING")
    resize(1)
    runner.end(runner.wait_for(1), 1)
    batch.wait_for_events(job_id, "RUNNABLE", count=2)
    assert "startedAt" not in batch.job(job_id)
    batch.clock.advance(10)
    batch.on_loop(batch.service._lifecycle.check_limits)
    assert batch.job(job_id)["status"] == "RUNNABLE"

    batch.clock.advance(599)
    batch.on_loop(batch.service._lifecycle.check_limits)

    assert reason in batch.wait(job_id)["statusReason"]


def test_a_job_that_was_stuck_and_only_waits_now_is_not_cancelled(new, runner: ScriptedRunner):
    batch = new(runner=runner)
    reason = "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE"
    limit = {"state": "RUNNABLE", "action": "CANCEL", "maxTimeSeconds": 600, "reason": reason}
    batch.platform(vcpus=1, jobStateTimeLimitActions=[limit])
    batch.define(container=WITHOUT_LOG)
    first, stuck = batch.submit(), batch.submit(**_size(2))
    batch.wait(first, "RUNNING")
    batch.wait(stuck, "RUNNABLE")
    batch.client.update_compute_environment(computeEnvironment="ce", computeResources={"maxvCpus": 2})
    assert "statusReason" not in batch.job(stuck)
    batch.client.update_compute_environment(computeEnvironment="ce", computeResources={"maxvCpus": 1})
    batch.clock.advance(599)
    batch.client.update_compute_environment(computeEnvironment="ce", computeResources={"maxvCpus": 2})
    batch.client.update_compute_environment(computeEnvironment="ce", computeResources={"maxvCpus": 1})
    batch.clock.advance(10)

    batch.on_loop(batch.service._lifecycle.check_limits)

    assert batch.job(stuck)["status"] == "RUNNABLE"


def test_a_deleted_queue_ends_its_jobs(scripted: Harness, runner: ScriptedRunner):
    running, waiting = scripted.submit(**_size(16)), scripted.submit(**_size(16))
    scripted.wait(running, "RUNNING")
    scripted.wait(waiting, "RUNNABLE")
    scripted.client.update_job_queue(jobQueue="q", state="DISABLED")

    scripted.client.delete_job_queue(jobQueue="q")

    for job_id in (running, waiting):
        assert scripted.wait(job_id)["statusReason"] == "Job queue was deleted"


def _size(vcpus: int):
    memory = {1: "2048", 2: "4096", 4: "8192", 16: "32768"}[vcpus]
    requirements = [{"type": "VCPU", "value": str(vcpus)}, {"type": "MEMORY", "value": memory}]
    return {"containerOverrides": {"resourceRequirements": requirements}}
