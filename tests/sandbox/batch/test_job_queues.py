"""Job queues: their environments, stuck-job limits, and the order in which things are deleted."""

import pytest

from tests.sandbox.batch.harness import ACCOUNT, REGION
from tests.sandbox.batch.test_compute_environments import ARN as ENVIRONMENT
from tests.sandbox.batch.test_compute_environments import create as create_environment
from tests.sandbox.batch.test_compute_environments import refused

ARN = f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue/q"
ORDER = [{"order": 1, "computeEnvironment": "ce"}]
LIMIT = {
    "state": "RUNNABLE",
    "action": "CANCEL",
    "maxTimeSeconds": 600,
    "reason": "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
}


@pytest.fixture
def queues(bare):
    create_environment(bare)
    return bare.client


def create(queues, **changes):
    return queues.create_job_queue(**{"jobQueueName": "q", "priority": 1, "computeEnvironmentOrder": ORDER, **changes})


def read(queues, reference="q"):
    (queue,) = queues.describe_job_queues(jobQueues=[reference])["jobQueues"]
    return queue


def test_a_read_gives_back_what_was_written_with_arns_for_names(queues):
    answer = create(queues, jobStateTimeLimitActions=[LIMIT], tags={"a": "b"})

    assert (answer["jobQueueName"], answer["jobQueueArn"]) == ("q", ARN)
    assert read(queues) == {
        "jobQueueName": "q",
        "jobQueueArn": ARN,
        "state": "ENABLED",
        "status": "VALID",
        "statusReason": "JobQueue Healthy",
        "priority": 1,
        "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": ENVIRONMENT}],
        "jobQueueType": "ECS_FARGATE",
        "jobStateTimeLimitActions": [LIMIT],
        "tags": {"a": "b"},
    }


def test_a_queue_may_begin_disabled(queues):
    create(queues, state="DISABLED")

    assert read(queues)["state"] == "DISABLED"


def test_what_was_never_set_stays_absent(queues):
    create(queues)

    assert not {"jobStateTimeLimitActions", "schedulingPolicyArn", "serviceEnvironmentOrder"} & read(queues).keys()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"jobQueueName": "q!"}, "[A-Za-z0-9_-]"),
        ({"priority": -1}, "priority must be 0 to 1000"),
        ({"priority": 1001}, "priority must be 0 to 1000"),
        ({"computeEnvironmentOrder": []}, "must name 1 to 3"),
        ({"computeEnvironmentOrder": ORDER * 4}, "must name 1 to 3"),
        ({"computeEnvironmentOrder": ORDER * 2}, "same order twice"),
        ({"computeEnvironmentOrder": [{"order": 1, "computeEnvironment": "other"}]}, "other does not exist"),
        ({"schedulingPolicyArn": "arn:x"}, "arn:x does not exist"),
        ({"jobStateTimeLimitActions": [{**LIMIT, "maxTimeSeconds": 599}]}, "600 to 86400"),
        ({"jobStateTimeLimitActions": [{**LIMIT, "maxTimeSeconds": 86401}]}, "600 to 86400"),
        ({"jobStateTimeLimitActions": [{**LIMIT, "reason": "BORED"}]}, "reason must be one of"),
        ({"jobStateTimeLimitActions": [{**LIMIT, "action": "TERMINATE"}]}, "action must be CANCEL"),
        ({"jobStateTimeLimitActions": [{**LIMIT, "state": "RUNNING"}]}, "must be one of RUNNABLE"),
    ],
)
def test_a_wrong_queue_is_refused(queues, changes, message):
    assert message in refused(create, queues, **changes)
    assert queues.describe_job_queues()["jobQueues"] == []


def test_fargate_and_ec2_are_not_mixed(bare, queues):
    create_environment(
        bare,
        computeEnvironmentName="ec2",
        computeResources={"type": "EC2", "maxvCpus": 4, "subnets": ["s"], "instanceTypes": ["optimal"], "minvCpus": 0},
    )

    order = [*ORDER, {"order": 2, "computeEnvironment": "ec2"}]
    assert "can't be mixed" in refused(create, queues, computeEnvironmentOrder=order)


def test_a_name_is_taken_once(queues):
    create(queues)

    assert refused(create, queues) == "Object already exists"


def test_an_update_changes_what_it_names(bare, queues):
    create(queues)
    create_environment(bare, computeEnvironmentName="new")
    before = read(queues)

    queues.update_job_queue(
        jobQueue=ARN,
        priority=5,
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "new"}],
        jobStateTimeLimitActions=[LIMIT],
    )

    assert read(queues, ARN) == {
        **before,
        "priority": 5,
        "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": ENVIRONMENT.replace("/ce", "/new")}],
        "jobStateTimeLimitActions": [LIMIT],
    }


def test_a_replaced_environment_can_be_deleted_once_the_queue_uses_another(bare, queues):
    create(queues)
    create_environment(bare, computeEnvironmentName="new")
    queues.update_job_queue(jobQueue="q", computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "new"}])
    queues.update_compute_environment(computeEnvironment="ce", state="DISABLED")

    queues.delete_compute_environment(computeEnvironment="ce")

    (left,) = queues.describe_compute_environments()["computeEnvironments"]
    assert left["computeEnvironmentName"] == "new"


def test_only_a_disabled_queue_is_deleted(queues):
    create(queues)

    assert "must be DISABLED" in refused(queues.delete_job_queue, jobQueue="q")
    queues.update_job_queue(jobQueue="q", state="DISABLED")
    queues.delete_job_queue(jobQueue=ARN)

    assert queues.describe_job_queues(jobQueues=["q"])["jobQueues"] == []
    assert "does not exist" in refused(queues.delete_job_queue, jobQueue="q")


def test_a_scheduling_policy_is_kept_replaced_but_never_added(queues):
    arns = [queues.create_scheduling_policy(name=name)["arn"] for name in ("one", "two")]
    create(queues, schedulingPolicyArn=arns[0])
    queues.update_job_queue(jobQueue="q", schedulingPolicyArn=arns[1])
    create(queues, jobQueueName="fifo")

    assert read(queues)["schedulingPolicyArn"] == arns[1]
    assert "can't be added" in refused(queues.update_job_queue, jobQueue="fifo", schedulingPolicyArn=arns[0])
    assert "JobQueue relationship" in refused(queues.delete_scheduling_policy, arn=arns[1])
    queues.delete_scheduling_policy(arn=arns[0])
    assert queues.list_scheduling_policies()["schedulingPolicies"] == [{"arn": arns[1]}]


def test_a_scheduling_policy_reads_back(queues):
    policy = {"shareDecaySeconds": 60, "shareDistribution": [{"shareIdentifier": "a", "weightFactor": 0.5}]}
    arn = queues.create_scheduling_policy(name="p", tags={"a": "b"})["arn"]
    queues.update_scheduling_policy(arn=arn, fairsharePolicy=policy)

    (read_back,) = queues.describe_scheduling_policies(arns=[arn, f"{arn}-other"])["schedulingPolicies"]

    assert read_back == {"name": "p", "arn": arn, "tags": {"a": "b"}, "fairsharePolicy": policy}
    assert refused(queues.create_scheduling_policy, name="p") == "Object already exists"
    assert "does not exist" in refused(queues.update_scheduling_policy, arn=f"{arn}-other")
