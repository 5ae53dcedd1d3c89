"""The orderly end, and what a new server knows of the jobs of earlier ones."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.batch import history
from tests.sandbox.batch.conftest import WITHOUT_LOG
from tests.sandbox.batch.harness import Harness, ScriptedRunner


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "jobs.json"


@pytest.fixture
def first(new, runner: ScriptedRunner, path) -> Harness:
    harness = new(runner=runner, history=path)
    harness.platform()
    harness.define(container=WITHOUT_LOG)
    return harness


def test_a_new_server_knows_finished_jobs(first: Harness, runner: ScriptedRunner, new, path):
    runner.exit_codes = [0, 0, 0]
    job = first.wait(first.submit(jobName="kept"))
    array = first.wait(first.submit(arrayProperties={"size": 2}))
    first.stop()

    second = new(history=path)
    second.platform()

    assert second.job(job["jobId"]) == job
    assert second.job(array["jobId"]) == array
    assert len(second.client.list_jobs(arrayJobId=array["jobId"], jobStatus="SUCCEEDED")["jobSummaryList"]) == 2
    listed = second.client.list_jobs(jobQueue="q", jobStatus="SUCCEEDED")["jobSummaryList"]
    assert [entry["jobId"] for entry in listed] == [array["jobId"], job["jobId"]]
    assert second.events == []
    second.stop()
    assert new(history=path).job(job["jobId"]) == job


def test_a_running_job_may_finish_within_the_grace(first: Harness, runner: ScriptedRunner, new, path):
    job_id = first.submit()
    first.wait(job_id, "RUNNING")
    runner.end(runner.wait_for(1))
    first.stop(grace_seconds=60)

    assert new(history=path).job(job_id)["status"] == "SUCCEEDED"


def test_what_fails_while_the_sandbox_ends_is_not_repeated(first: Harness, runner: ScriptedRunner, new, path):
    job_id = first.submit(retryStrategy={"attempts": 3})
    first.wait(job_id, "RUNNING")
    waiting = first.submit(dependsOn=[{"jobId": job_id}])
    first.wait(waiting, "PENDING")
    with ThreadPoolExecutor(1) as pool:
        stopping = pool.submit(first.stop, 60)
        first.wait(waiting, "FAILED")
        runner.end(runner.wait_for(1), 3)
        stopping.result(60)

    job = new(history=path).job(job_id)

    assert (job["status"], job["container"]["exitCode"]) == ("FAILED", 3)
    assert job["statusReason"] == "Essential container in task exited"


def test_what_is_not_finished_at_the_end_is_failed_with_a_reason(first: Harness, runner: ScriptedRunner, new, path):
    running = first.submit(retryStrategy={"attempts": 3})
    depends = first.submit(dependsOn=[{"jobId": running}])
    array = first.submit(arrayProperties={"size": 2}, dependsOn=[{"jobId": running}])
    first.wait(running, "RUNNING")
    first.wait(f"{array}:1", "PENDING")
    first.stop()

    second = new(history=path)

    assert second.job(running)["statusReason"] == "The sandbox ended before the job did."
    for job_id in (depends, f"{array}:0", f"{array}:1"):
        assert second.job(job_id)["statusReason"] == "The sandbox ended before the job started."
    assert {second.job(job_id)["status"] for job_id in (running, depends, array)} == {"FAILED"}
    assert len(runner.runs) == 1


def test_a_server_that_was_killed_loses_no_job(first: Harness, runner: ScriptedRunner, new, path):
    job_id = first.submit()
    first.wait(job_id, "RUNNING")
    first.stop()
    document = json.loads(path.read_text())
    for job in document["jobs"]:
        job.update(status="RUNNING")
        del job["stoppedAt"]
    path.write_text(json.dumps(document))

    job = new(history=path).job(job_id)

    assert (job["status"], job["statusReason"]) == ("FAILED", "The sandbox ended before the job did.")


def test_the_history_is_written_while_the_server_runs(first: Harness, runner: ScriptedRunner, path):
    job_id = first.submit()
    first.wait(job_id, "RUNNING")

    async def written() -> None:
        import asyncio

        while not path.exists() or job_id not in path.read_text():
            await asyncio.sleep(0.01)

    first.call(written())


def test_jobs_older_than_seven_days_are_forgotten(first: Harness, runner: ScriptedRunner, new, path):
    runner.exit_codes = [0]
    job = first.wait(first.submit())
    first.stop()
    document = json.loads(path.read_text())
    for entry in document["jobs"]:
        entry["stoppedAt"] -= history.KEPT_MILLISECONDS + 1000
    path.write_text(json.dumps(document))

    assert new(history=path).client.describe_jobs(jobs=[job["jobId"]])["jobs"] == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"jobs": 1}', '{"jobs": [1]}', '{"jobs": [{"status": "FAILED"}]}'])
def test_a_broken_history_does_not_keep_the_server_from_starting(new, path, text, caplog):
    path.parent.mkdir()
    path.write_text(text)

    assert new(history=path).client.describe_job_queues()["jobQueues"] == []
    assert "can't be read" in caplog.text
