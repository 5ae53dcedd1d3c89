"""Array jobs: children, their order, and what the parent tells of them."""

import pytest

from tests.sandbox.batch.harness import Harness, ScriptedRunner
from tests.sandbox.batch.test_compute_environments import refused


def test_children_know_their_index_and_the_parent_counts_them(scripted: Harness, runner: ScriptedRunner):
    runner.exit_codes = [0, 0, 0]
    parent_id = scripted.submit(arrayProperties={"size": 3})
    parent = scripted.wait(parent_id)

    assert parent["status"] == "SUCCEEDED"
    assert "statusReason" not in parent
    assert scripted.statuses(parent_id) == ["SUBMITTED", "PENDING", "SUCCEEDED"]
    assert parent["arrayProperties"]["size"] == 3
    assert parent["createdAt"] < parent["arrayProperties"]["statusSummaryLastUpdatedAt"] < parent["stoppedAt"]
    assert parent["arrayProperties"]["statusSummary"] == {
        "SUBMITTED": 0,
        "PENDING": 0,
        "RUNNABLE": 0,
        "STARTING": 0,
        "RUNNING": 0,
        "SUCCEEDED": 3,
        "FAILED": 0,
    }
    environments = [run.task.environment for run in runner.runs]
    assert [environment["AWS_BATCH_JOB_ARRAY_INDEX"] for environment in environments] == ["0", "1", "2"]
    assert {environment["AWS_BATCH_JOB_ARRAY_SIZE"] for environment in environments} == {"3"}
    assert [environment["AWS_BATCH_JOB_ID"] for environment in environments] == [f"{parent_id}:{n}" for n in range(3)]
    child = scripted.job(f"{parent_id}:1")
    assert child["arrayProperties"] == {"index": 1}
    assert child["jobArn"] == f"{parent['jobArn']}:1"


def test_one_failed_child_fails_the_parent_once_all_have_ended(scripted: Harness, runner: ScriptedRunner):
    parent_id = scripted.submit(arrayProperties={"size": 2})
    runner.end(runner.wait_for(1), 1)
    scripted.wait(f"{parent_id}:0")
    runner.wait_for(2)
    assert scripted.job(parent_id)["status"] == "PENDING"
    runner.end(runner.runs[1])

    parent = scripted.wait(parent_id)

    assert (parent["status"], parent["statusReason"]) == ("FAILED", "Array Child Job failed")
    assert scripted.job(f"{parent_id}:1")["status"] == "SUCCEEDED"


def test_children_are_listed_by_their_parent(scripted: Harness, runner: ScriptedRunner):
    parent_id = scripted.submit(arrayProperties={"size": 2})
    runner.wait_for(2)
    scripted.wait(f"{parent_id}:0", "RUNNING")
    scripted.wait(f"{parent_id}:1", "RUNNING")

    children = scripted.client.list_jobs(arrayJobId=parent_id)["jobSummaryList"]

    assert {child["arrayProperties"]["index"] for child in children} == {0, 1}
    in_queue = scripted.client.list_jobs(jobQueue="q", jobStatus="PENDING")["jobSummaryList"]
    assert [job["jobId"] for job in in_queue] == [parent_id]
    assert in_queue[0]["arrayProperties"]["size"] == 2


def test_sequential_children_run_one_after_the_other(scripted: Harness, runner: ScriptedRunner):
    parent_id = scripted.submit(arrayProperties={"size": 2}, dependsOn=[{"type": "SEQUENTIAL"}])
    scripted.wait(f"{parent_id}:1", "PENDING")
    runner.end(runner.wait_for(1))
    scripted.wait(f"{parent_id}:0")
    runner.end(runner.wait_for(2))

    assert scripted.wait(parent_id)["status"] == "SUCCEEDED"


def test_a_long_chain_of_children_fails_as_a_whole(scripted: Harness, runner: ScriptedRunner):
    runner.exit_codes = [1]
    parent_id = scripted.submit(arrayProperties={"size": 2000}, dependsOn=[{"type": "SEQUENTIAL"}])

    parent = scripted.wait(parent_id)

    assert parent["arrayProperties"]["statusSummary"]["FAILED"] == 2000
    assert scripted.job(f"{parent_id}:1999")["statusReason"] == "Dependent Job failed"


def test_n_to_n_children_wait_for_their_own_counterpart(scripted: Harness, runner: ScriptedRunner):
    first = scripted.submit(arrayProperties={"size": 2})
    runner.wait_for(2)
    second = scripted.submit(arrayProperties={"size": 2}, dependsOn=[{"jobId": first, "type": "N_TO_N"}])
    scripted.wait(f"{second}:0", "PENDING")
    scripted.wait(f"{second}:1", "PENDING")

    runner.end(runner.runs[1])
    runner.wait_for(3)

    assert runner.runs[2].task.environment["AWS_BATCH_JOB_ID"] == f"{second}:1"
    assert scripted.job(f"{second}:0")["status"] == "PENDING"
    message = refused(scripted.submit, arrayProperties={"size": 3}, dependsOn=[{"jobId": first, "type": "N_TO_N"}])
    assert "is not an array of 3" in message


def test_a_job_that_depends_on_an_array_waits_for_all_of_it(scripted: Harness, runner: ScriptedRunner):
    runner.exit_codes = [0, 0, 0]
    array = scripted.submit(arrayProperties={"size": 2})
    after = scripted.submit(dependsOn=[{"jobId": array}])

    scripted.wait(after)

    assert runner.runs[2].task.environment["AWS_BATCH_JOB_ID"] == after


@pytest.mark.parametrize("running", [True, False])
def test_terminating_the_parent_ends_all_children(scripted: Harness, runner: ScriptedRunner, running):
    blocker = None if running else scripted.submit()
    depends = {} if blocker is None else {"dependsOn": [{"jobId": blocker}]}
    parent_id = scripted.submit(arrayProperties={"size": 2}, **depends)
    for index in range(2):
        scripted.wait(f"{parent_id}:{index}", "RUNNING" if running else "PENDING")

    scripted.client.terminate_job(jobId=parent_id, reason="enough")
    if blocker is not None:
        runner.end(runner.runs[0])
    parent = scripted.wait(parent_id)

    assert (parent["status"], parent["statusReason"]) == ("FAILED", "enough")
    for index in range(2):
        assert scripted.job(f"{parent_id}:{index}")["statusReason"] == "enough"


@pytest.mark.parametrize("operation", ["cancel_job", "terminate_job"])
def test_children_that_wait_for_room_end_at_once_and_so_does_the_parent(
    scripted: Harness, runner: ScriptedRunner, operation
):
    scripted.client.update_compute_environment(computeEnvironment="ce", state="DISABLED")
    parent_id = scripted.submit(arrayProperties={"size": 2})
    scripted.wait(f"{parent_id}:1", "RUNNABLE")

    getattr(scripted.client, operation)(jobId=parent_id, reason="enough")

    for job_id in (parent_id, f"{parent_id}:0", f"{parent_id}:1"):
        job = scripted.wait(job_id)
        assert (job["status"], job["statusReason"]) == ("FAILED", "enough")


def test_one_child_is_ended_alone(scripted: Harness, runner: ScriptedRunner):
    parent_id = scripted.submit(arrayProperties={"size": 2})
    for index in range(2):
        scripted.wait(f"{parent_id}:{index}", "RUNNING")

    scripted.client.terminate_job(jobId=f"{parent_id}:1", reason="enough")
    scripted.wait(f"{parent_id}:1")

    assert scripted.job(f"{parent_id}:0")["status"] == "RUNNING"
    runner.end(runner.runs[0])
    assert scripted.wait(parent_id)["status"] == "FAILED"
