"""Where jobs queue and run: shared by the pipelines of a stack."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import batch

from components.network import Network

_CAPACITY_LIMIT_SECONDS = 6 * 3600
_MISCONFIGURATION_LIMIT_SECONDS = 600
"""The least that AWS Batch takes: waiting does not mend these."""

_STUCK_REASONS: Mapping[str, int] = {
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY": _CAPACITY_LIMIT_SECONDS,
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE": _MISCONFIGURATION_LIMIT_SECONDS,
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT": _MISCONFIGURATION_LIMIT_SECONDS,
}
"""Why a job can stay RUNNABLE for ever -> seconds until it is cancelled [AWS Batch user guide, "Job queue"]."""


@dataclass(frozen=True, kw_only=True)
class BatchPlatformArgs:
    network: Network
    max_vcpus: int
    """vCPUs of all running jobs together. Default of the settings: 16."""
    tags: Mapping[str, str]


class BatchPlatform(pulumi.ComponentResource):
    """A Fargate compute environment and the job queue in front of it."""

    job_arns: pulumi.Output[str]
    """A pattern for the account's jobs in this region: a job's ARN doesn't name its queue."""
    queue_arn: pulumi.Output[str]
    queue_name: pulumi.Output[str]

    def __init__(self, name: str, args: BatchPlatformArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:BatchPlatform", name, None, opts)
        # Auto-named: a replacement stands beside the old one, the queue moves over, then the old one goes. Under one
        # name the old one would have to go first, which AWS refuses while a queue uses it. No service role: the
        # service-linked role is the default and allows updates in place. No tags on the compute resources: a change
        # of those replaces it.
        environment = batch.ComputeEnvironment(
            name,
            type="MANAGED",
            state="ENABLED",
            compute_resources=batch.ComputeEnvironmentComputeResourcesArgs(
                type="FARGATE",
                max_vcpus=args.max_vcpus,
                subnets=args.network.subnet_ids,
                security_group_ids=args.network.security_group_ids,
            ),
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=False),
        )
        queue = batch.JobQueue(
            name,
            name=name,
            state="ENABLED",
            priority=1,
            compute_environment_orders=[
                batch.JobQueueComputeEnvironmentOrderArgs(order=1, compute_environment=environment.arn)
            ],
            job_state_time_limit_actions=[
                batch.JobQueueJobStateTimeLimitActionArgs(
                    state="RUNNABLE", action="CANCEL", reason=reason, max_time_seconds=seconds
                )
                for reason, seconds in _STUCK_REASONS.items()
            ],
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.job_arns = queue.arn.apply(lambda arn: f"{arn.rsplit(':', 1)[0]}:job/*")
        self.queue_arn = queue.arn
        self.queue_name = queue.name
        self.register_outputs({"queueArn": self.queue_arn, "queueName": self.queue_name})
