"""Which job runs when: capacity, priorities, and what can never run. Attempts are scripted here."""

from collections.abc import Callable

from tests.sandbox.batch.conftest import WITHOUT_LOG
from tests.sandbox.batch.harness import Harness, ScriptedRunner, size

NEVER_FITS = "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE"
LIMIT = {"state": "RUNNABLE", "action": "CANCEL", "maxTimeSeconds": 600}


def limited(new: Callable[..., Harness], runner: ScriptedRunner, *reasons: str) -> Harness:
    """A Batch with one vCPU, whose queue cancels what is stuck for 600 s for one of these reasons."""
    batch = new(runner=runner)
    batch.platform(vcpus=1, jobStateTimeLimitActions=[{**LIMIT, "reason": reason} for reason in reasons])
    batch.define(container=WITHOUT_LOG)
    return batch


def test_capacity_is_never_exceeded_and_order_is_kept(new, runner: ScriptedRunner):
    batch = new(runner=runner)
    batch.platform(vcpus=4)
    batch.define(container=WITHOUT_LOG)
    two, three, one = (batch.submit(**size(vcpus)) for vcpus in (2, 4, 1))
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
    running, later = scripted.submit(**size(16)), scripted.submit(**size(16))
    urgent = scripted.submit(jobQueue="urgent", **size(16))
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
        scripted.submit(**size(16))
    runner.wait_for(2)

    assert [run.task.environment["AWS_BATCH_CE_NAME"] for run in runner.runs] == ["ce", "more"]


def test_a_job_that_never_fits_is_cancelled_after_its_queues_limit(new, runner: ScriptedRunner):
    batch = limited(new, runner, "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT")
    stuck, behind = batch.submit(**size(2)), batch.submit()
    batch.wait(stuck, "RUNNABLE")
    batch.wait(behind, "RUNNABLE")
    assert batch.job(stuck)["statusReason"].startswith(NEVER_FITS)

    batch.clock.advance(599)
    batch.on_loop(batch.service._lifecycle.check_limits)
    batch.clock.advance(3600)
    batch.on_loop(batch.service._lifecycle.check_limits)
    assert batch.job(stuck)["status"] == "RUNNABLE"
    batch.client.update_job_queue(jobQueue="q", jobStateTimeLimitActions=[{**LIMIT, "reason": NEVER_FITS}])
    batch.on_loop(batch.service._lifecycle.check_limits)

    job = batch.wait(stuck)
    assert (job["status"], NEVER_FITS in job["statusReason"]) == ("FAILED", True)
    batch.wait(behind, "RUNNING")


def test_waiting_for_others_is_no_reason_to_be_cancelled(new, runner: ScriptedRunner):
    batch = limited(new, runner, "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY", NEVER_FITS)
    first, second = batch.submit(), batch.submit()
    batch.wait(first, "RUNNING")
    batch.wait(second, "RUNNABLE")

    batch.clock.advance(86400)
    batch.on_loop(batch.service._lifecycle.check_limits)

    assert batch.job(second)["status"] == "RUNNABLE"


def test_the_limit_counts_from_when_a_job_was_stuck_last(new, runner: ScriptedRunner):
    batch = limited(new, runner, NEVER_FITS)
    job_id = batch.submit(**size(2), retryStrategy={"attempts": 2})
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

    assert NEVER_FITS in batch.wait(job_id)["statusReason"]


def test_a_job_that_was_stuck_and_only_waits_now_is_not_cancelled(new, runner: ScriptedRunner):
    batch = limited(new, runner, NEVER_FITS)
    first, stuck = batch.submit(), batch.submit(**size(2))
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
    running, waiting = scripted.submit(**size(16)), scripted.submit(**size(16))
    scripted.wait(running, "RUNNING")
    scripted.wait(waiting, "RUNNABLE")
    scripted.client.update_job_queue(jobQueue="q", state="DISABLED")

    scripted.client.delete_job_queue(jobQueue="q")

    for job_id in (running, waiting):
        assert scripted.wait(job_id)["statusReason"] == "Job queue was deleted"
