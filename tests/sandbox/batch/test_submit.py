"""SubmitJob: what a job is made of, and what is refused."""

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.batch.harness import ACCOUNT, REGION, Harness, ScriptedRunner
from tests.sandbox.batch.test_compute_environments import refused


def test_a_job_reads_back_what_it_was_made_of(scripted: Harness, runner: ScriptedRunner):
    scripted.define(
        parameters={"input": "default", "mode": "fast"},
        timeout={"attemptDurationSeconds": 900},
        retryStrategy={"attempts": 3},
        propagateTags=True,
        container={
            "image": "repository@sha256:00",
            "command": ["--input", "Ref::input", "Ref::missing", "s3://Ref::mode/x"],
            "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
            "logConfiguration": {"logDriver": "splunk"},
        },
    )

    job_id = scripted.submit(
        jobName="job-1",
        parameters={"input": "given"},
        containerOverrides={
            "environment": [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}],
            "resourceRequirements": [{"type": "VCPU", "value": "2"}, {"type": "MEMORY", "value": "4096"}],
        },
        tags={"a": "b"},
    )

    job = scripted.job(job_id)
    assert job["jobArn"] == f"arn:aws:batch:{REGION}:{ACCOUNT}:job/{job_id}"
    assert job["jobName"] == "job-1"
    assert job["jobQueue"] == f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue/q"
    assert job["jobDefinition"] == f"arn:aws:batch:{REGION}:{ACCOUNT}:job-definition/jd:2"
    assert job["parameters"] == {"input": "given", "mode": "fast"}
    assert job["timeout"] == {"attemptDurationSeconds": 900}
    assert job["retryStrategy"] == {"attempts": 3, "evaluateOnExit": []}
    assert job["tags"] == {"a": "b"}
    assert job["propagateTags"] is True
    assert job["platformCapabilities"] == ["FARGATE"]
    assert job["container"]["command"] == ["--input", "given", "Ref::missing", "s3://fast/x"]
    assert job["container"]["environment"] == [
        {"name": "A", "value": "1"},
        {"name": "B", "value": "3"},
        {"name": "C", "value": "4"},
    ]
    task = runner.wait_for(1).task
    assert (task.image, task.command) == ("repository@sha256:00", ["--input", "given", "Ref::missing", "s3://fast/x"])
    assert (task.vcpus, task.memory_mib) == (2.0, 4096)
    assert task.environment == {
        "A": "1",
        "B": "3",
        "C": "4",
        "AWS_BATCH_JOB_ID": job_id,
        "AWS_BATCH_JOB_ATTEMPT": "1",
        "AWS_BATCH_JQ_NAME": "q",
        "AWS_BATCH_CE_NAME": "ce",
    }


def test_timeout_retries_and_command_of_the_request_go_before_those_of_the_definition(scripted: Harness):
    scripted.define(timeout={"attemptDurationSeconds": 900}, container={"command": ["a"]})

    job = scripted.job(
        scripted.submit(
            timeout={"attemptDurationSeconds": 60},
            retryStrategy={"attempts": 2},
            containerOverrides={"command": ["b", "c"]},
        )
    )

    assert job["timeout"] == {"attemptDurationSeconds": 60}
    assert job["retryStrategy"]["attempts"] == 2
    assert job["container"]["command"] == ["b", "c"]


def test_without_a_revision_the_latest_active_one_is_used(scripted: Harness):
    for _ in range(2):
        scripted.define()
    scripted.client.deregister_job_definition(jobDefinition="jd:3")
    prefix = f"arn:aws:batch:{REGION}:{ACCOUNT}:job-definition/jd"

    used = [
        scripted.job(scripted.submit(jobDefinition=reference))["jobDefinition"]
        for reference in ("jd", prefix, "jd:1", f"{prefix}:2")
    ]

    assert used == [f"{prefix}:2", f"{prefix}:2", f"{prefix}:1", f"{prefix}:2"]


def test_a_queue_is_named_by_arn_too(scripted: Harness):
    arn = f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue/q"

    assert scripted.job(scripted.submit(jobQueue=arn))["jobQueue"] == arn


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"jobName": "-a"}, "valid pattern"),
        ({"jobName": "a" * 129}, "valid pattern"),
        ({"jobName": "a.b"}, "valid pattern"),
        ({"jobQueue": "other"}, "Job queue other does not exist"),
        ({"jobDefinition": "other"}, "does not exist or is not in ACTIVE status"),
        ({"jobDefinition": "jd:9"}, "does not exist or is not in ACTIVE status"),
        ({"jobDefinition": "jd:latest"}, "is not the name or the ARN of a job definition"),
        ({"timeout": {"attemptDurationSeconds": 59}}, "60 or more"),
        ({"retryStrategy": {"attempts": 11}}, "1 to 10"),
        ({"arrayProperties": {"size": 1}}, "2 to 10000"),
        ({"arrayProperties": {"size": 10001}}, "2 to 10000"),
        ({"dependsOn": [{"jobId": "x"}] * 21}, "20 jobs at most"),
        ({"dependsOn": [{"jobId": "x"}]}, "Job x, on which the job depends, does not exist"),
        ({"dependsOn": [{"type": "SEQUENTIAL"}]}, "array jobs only"),
        ({"dependsOn": [{}]}, "needs a jobId"),
        ({"containerOverrides": {"command": ["a", ""]}}, "empty string"),
        ({"containerOverrides": {"vcpus": 1}}, "vcpus is not applicable for Fargate"),
        ({"containerOverrides": {"environment": [{"name": "AWS_BATCH_X", "value": "1"}]}}, "AWS_BATCH is Batch's own"),
        (
            {"containerOverrides": {"resourceRequirements": [{"type": "MEMORY", "value": "4000"}]}},
            "Fargate resource requirements (1.00 vCPU, 4000 MiB) not valid",
        ),
        ({"nodeOverrides": {"numNodes": 2}}, "nodeOverrides is not for jobs of one container"),
        ({"tags": {"aws:a": "b"}}, "reserved"),
    ],
)
def test_a_wrong_request_is_refused_and_leaves_no_job(scripted: Harness, request_, message):
    assert message in refused(scripted.submit, **request_)
    assert scripted.events == []


def test_an_inactive_revision_is_refused(scripted: Harness):
    scripted.client.deregister_job_definition(jobDefinition="jd:1")

    assert "not in ACTIVE status" in refused(scripted.submit)


def test_a_disabled_queue_takes_no_job_but_goes_on_with_those_it_has(scripted: Harness, runner: ScriptedRunner):
    running = scripted.submit()
    scripted.client.update_job_queue(jobQueue="q", state="DISABLED")

    assert "is not ENABLED" in refused(scripted.submit)
    runner.end(runner.wait_for(1))
    assert scripted.wait(running)["status"] == "SUCCEEDED"


def test_the_largest_request_has_30_kib(scripted: Harness):
    def submit(length: int) -> str:
        environment = [{"name": "JOB_PARAMETERS", "value": "x" * length}]
        return scripted.submit(containerOverrides={"environment": environment})

    rest = len(
        b'{"jobName":"job","jobQueue":"q","jobDefinition":"jd","containerOverrides":{"environment":'
        b'[{"name":"JOB_PARAMETERS","value":""}]}}'
    )
    submit(30 * 1024 - rest)
    assert "30720 bytes at most" in refused(submit, 30 * 1024 - rest + 1)


def test_a_definition_for_ec2_is_refused_by_a_fargate_queue(scripted: Harness):
    scripted.client.register_job_definition(
        jobDefinitionName="ec2", type="container", containerProperties={"image": "i", "vcpus": 1, "memory": 64}
    )

    assert "FARGATE" in refused(scripted.submit, jobDefinition="ec2")


def test_no_job_is_accepted_while_the_sandbox_ends(scripted: Harness):
    scripted.stop()

    with pytest.raises(ClientError, match="ServerException"):
        scripted.submit()
