"""Rules for Batch jobs: bounded, unprivileged, logged, and with roles of their own."""

from collections.abc import Iterator
from typing import Final

from .job_definitions import JOB_DEFINITION, containers, containers_of, runs_on_ec2_only, tasks, waiting
from .resources import Resource
from .rules import Finding, Level, NotApplicable, Rule, Settings, Severity, Violation, each
from .values import Node, shown

SHORTEST_TIMEOUT: Final = 60
"""Seconds; Batch refuses less."""


def check_not_privileged(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    yield from each(containers(resource), _check_privilege)
    yield from waiting(resource)


def _check_privilege(container: Node) -> Iterator[Finding]:
    for privileged in (container.member("privileged"), container.member("securityContext").member("privileged")):
        if privileged.flag(default=False):
            yield Violation(found=f"{privileged.path} is true", expected="no privileged container")


NOT_PRIVILEGED: Final = Rule(
    id="batch-not-privileged",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    title="Batch containers are not privileged",
    description="No container of a Batch job definition runs privileged.",
    why="A privileged container is root on its host and on every other job there.",
    fix="Remove privileged from the container, and mount or grant what it needs by name.",
    link="https://docs.aws.amazon.com/batch/latest/userguide/job_definition_parameters.html",
    kinds=(JOB_DEFINITION,),
    check=check_not_privileged,
)


def check_bounded(resource: Resource, settings: Settings) -> Iterator[Finding]:
    timeout = resource["timeout"]["attemptDurationSeconds"]
    yield from _limit(timeout, SHORTEST_TIMEOUT, settings.number("mostTimeoutSeconds"), "seconds")
    attempts = resource["retryStrategy"]["attempts"]
    # Without a retry strategy Batch makes one attempt.
    if not attempts.missing:
        yield from _limit(attempts, 1, settings.number("mostAttempts"), "attempts")


def _limit(node: Node, least: float, most: float, unit: str) -> Iterator[Finding]:
    if node.missing:
        yield Violation(found=f"{node.path} is not set, so there is no limit", expected=f"at most {most} {unit}")
        return
    number = node.number()
    if not least <= number <= most:
        yield Violation(found=f"{node.path} is {number}", expected=f"{least} to {most} {unit}")


BOUNDED: Final = Rule(
    id="batch-bounded",
    level=Level.MANDATORY,
    severity=Severity.MEDIUM,
    title="Jobs end",
    description="Each Batch job definition limits the time of an attempt and the number of attempts.",
    why="Batch has no timeout of its own: a job that hangs is paid for until somebody notices.",
    fix="Set timeout {attemptDurationSeconds} and, for retries, retryStrategy {attempts}.",
    link="https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html",
    kinds=(JOB_DEFINITION,),
    schema={
        "mostTimeoutSeconds": {
            "type": "integer",
            "minimum": SHORTEST_TIMEOUT,
            "default": 1_209_600,
            "description": "Longest time of one attempt; Fargate ends a task after 14 days at the latest.",
        },
        "mostAttempts": {
            "type": "integer",
            "minimum": 1,
            "default": 10,
            "description": "Most attempts; Batch takes 10 at most.",
        },
    },
    check=check_bounded,
)


def check_log_roles(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    if not resource["eksProperties"].missing:
        yield NotApplicable("runs on EKS, where the pod's service account and the cluster's logging decide")
        return
    on_ec2 = runs_on_ec2_only(resource)

    def check(task: Node) -> Iterator[Finding]:
        yield from _check_roles(task, on_ec2)
        yield from each(containers_of(task), _check_log)

    yield from each(tasks(resource), check)
    yield from waiting(resource)


def _check_roles(task: Node, on_ec2: bool) -> Iterator[Finding]:
    execution = task.member("executionRoleArn")
    # Container properties call it jobRoleArn, tasks of ECS properties taskRoleArn.
    job = task.member("taskRoleArn" if not task.member("containers").missing else "jobRoleArn")
    if execution.known and execution.missing and not on_ec2:
        yield Violation(found=f"{execution.path} is not set", expected="a role that pulls the image and writes logs")
    if job.known and job.missing:
        yield Violation(found=f"{job.path} is not set", expected="a role with what the job itself may do")
    elif job.known and execution.known and not execution.missing and job.text() == execution.text():
        yield Violation(
            found=f"{job.path} is the execution role {shown(job.text())}",
            expected="a role of its own, so that the job can't pull images or read the secrets of the task",
        )


def _check_log(container: Node) -> Iterator[Finding]:
    configuration = container.member("logConfiguration")
    driver = configuration.member("logDriver")
    if driver.missing:
        yield Violation(
            found=f"{configuration.path} is not set, so it logs to /aws/batch/job with all other jobs",
            expected="a log group of its own",
        )
    elif driver.text() == "awslogs" and configuration.member("options").member("awslogs-group").missing:
        yield Violation(
            found=f"{configuration.path} names no awslogs-group, so it logs to /aws/batch/job with all other jobs",
            expected="a log group of its own",
        )


LOG_ROLES: Final = Rule(
    id="batch-log-roles",
    level=Level.MANDATORY,
    severity=Severity.MEDIUM,
    title="Jobs have their own log group and roles",
    description="Each Batch job logs to a group of its own, and has an execution role and another role for the job.",
    why="In the shared default group nothing expires, and one role for both gives a job the rights of its launcher.",
    fix="Set logConfiguration with awslogs-group, executionRoleArn, and another jobRoleArn (taskRoleArn in ECS).",
    link="https://docs.aws.amazon.com/batch/latest/userguide/using_awslogs.html",
    kinds=(JOB_DEFINITION,),
    check=check_log_roles,
)


def check_spot_arm64(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    if resource["computeResources"]["type"].equals_any_case("fargate_spot"):
        yield Violation(found="computeResources.type is FARGATE_SPOT", expected="FARGATE for arm64 jobs")


SPOT_ARM64: Final = Rule(
    id="batch-spot-arm64",
    level=Level.ADVISORY,
    severity=Severity.MEDIUM,
    title="No Fargate Spot for arm64 jobs",
    description="A Batch compute environment for arm64 jobs is not of type FARGATE_SPOT.",
    why="Batch documents ARM64 on Fargate Spot as unsupported: such a job blocks a queue with nothing else behind it.",
    fix="Set computeResources.type to FARGATE, or use Spot instances with Graviton (type SPOT).",
    link="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-batch-jobdefinition-runtimeplatform.html",
    kinds=("batch:ComputeEnvironment",),
    check=check_spot_arm64,
)


def check_public_ip(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    yield from each(tasks(resource), _check_address)
    yield from waiting(resource)


def _check_address(task: Node) -> Iterator[Finding]:
    assigned = task.member("networkConfiguration").member("assignPublicIp")
    if assigned.equals_any_case("enabled"):
        yield Violation(found=f"{assigned.path} is ENABLED", expected="a private subnet with endpoints or NAT")


PUBLIC_IP: Final = Rule(
    id="batch-public-ip",
    level=Level.ADVISORY,
    severity=Severity.LOW,
    title="Jobs have no public address",
    description="Batch jobs on Fargate get no public IP address.",
    why="Only the security group stands between the job and the Internet then; each address costs by the hour, too.",
    fix="Run in private subnets with VPC endpoints or NAT, and set assignPublicIp DISABLED.",
    link="https://docs.aws.amazon.com/batch/latest/userguide/fargate.html",
    kinds=(JOB_DEFINITION,),
    check=check_public_ip,
)

RULES: Final = (NOT_PRIVILEGED, BOUNDED, LOG_ROLES, SPOT_ARM64, PUBLIC_IP)
