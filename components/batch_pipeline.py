"""How the jobs of one pipeline run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws import batch, cloudwatch

from components import iam
from components.pipeline_settings import PipelineSettings
from components.results_store import ResultsStore

_FARGATE_FAILURES = (
    ("on_reason", "CannotPullContainerError*"),
    ("on_reason", "ResourceInitializationError*"),
    ("on_status_reason", "Timeout waiting for network interface provisioning*"),
    ("on_status_reason", "Task failed to start*"),
)
"""Failures of the platform, before the container ran [Amazon ECS developer guide, "Stopped tasks error messages"]. A
pattern may have `*` at its end only; `Host EC2*`, which is copied everywhere, never matches Fargate."""


@dataclass(frozen=True, kw_only=True)
class BatchPipelineArgs:
    pipeline: PipelineSettings
    image: pulumi.Input[str]
    """`repository@sha256:...`."""
    repository_arn: pulumi.Input[str]
    store: ResultsStore
    assign_public_ip: bool
    """Needed where the subnets have no NAT."""
    log_retention_days: int
    """Default of the settings: 30."""
    region: str
    tags: Mapping[str, str]
    permissions_boundary: str = ""
    """ARN of the policy that bounds the roles; empty for none."""


class BatchPipeline(pulumi.ComponentResource):
    """A job definition for Fargate on arm64, with its two roles and its log group."""

    job_definition_arn_prefix: pulumi.Output[str]
    """The job definition's ARN without the revision."""
    job_definition: pulumi.Output[str]
    """`name:revision`."""
    log_group_arn: pulumi.Output[str]
    log_group_name: pulumi.Output[str]

    def __init__(self, name: str, args: BatchPipelineArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:BatchPipeline", name, None, opts)
        pipeline, store = args.pipeline, args.store
        log_group = cloudwatch.LogGroup(
            f"{name}-job",
            name=f"/aws/batch/{name}",
            retention_in_days=args.log_retention_days,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        execution = iam.actor_role(
            f"{name}-execution",
            service="ecs-tasks.amazonaws.com",
            description=f"Starts the jobs of {pipeline.name}: pulls the image, opens the log stream",
            statements=iam.start_tasks(args.repository_arn, log_group.arn),
            permissions_boundary=args.permissions_boundary,
            tags=args.tags,
            parent=self,
        )
        job = iam.actor_role(
            f"{name}-job",
            service="ecs-tasks.amazonaws.com",
            description=f"The jobs of {pipeline.name} themselves: read inputs, write results",
            statements=[
                iam.allow(["s3:PutObject"], [pulumi.Output.concat(store.results_bucket_arn, f"/{pipeline.name}/*")]),
                iam.allow(["s3:GetObject"], [pulumi.Output.concat(store.inputs_bucket_arn, f"/{pipeline.name}/*")]),
            ],
            permissions_boundary=args.permissions_boundary,
            tags=args.tags,
            parent=self,
        )
        definition = batch.JobDefinition(
            name,
            name=name,
            type="container",
            platform_capabilities=["FARGATE"],
            container_properties=pulumi.Output.json_dumps(
                self._container(args, execution.arn, job.arn, log_group.name)
            ),
            retry_strategy=batch.JobDefinitionRetryStrategyArgs(
                attempts=pipeline.attempts, evaluate_on_exits=_evaluate_on_exit()
            ),
            timeout=batch.JobDefinitionTimeoutArgs(attempt_duration_seconds=pipeline.timeout_seconds),
            propagate_tags=True,
            # The trigger function names an exact revision until it is updated itself, and a queued job keeps its own.
            deregister_on_new_revision=False,
            tags=args.tags,
            # A change makes a revision, except that one of `evaluate_on_exits` replaces the resource. Deleting that
            # deregisters all revisions of the name: the new one as well, if it came first.
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[execution.policy, job.policy], delete_before_replace=True
            ),
        )
        self.job_definition = pulumi.Output.concat(definition.name, ":", definition.revision.apply(str))
        self.job_definition_arn_prefix = definition.arn_prefix
        self.log_group_arn = log_group.arn
        self.log_group_name = log_group.name
        self.register_outputs({"jobDefinition": self.job_definition, "logGroupName": self.log_group_name})

    def _container(
        self,
        args: BatchPipelineArgs,
        execution_role_arn: pulumi.Input[str],
        job_role_arn: pulumi.Input[str],
        log_group: pulumi.Input[str],
    ) -> dict[str, Any]:
        pipeline = args.pipeline
        environment: dict[str, pulumi.Input[str]] = {
            **pipeline.environment,
            "INPUTS_URI": pulumi.Output.concat("s3://", args.store.inputs_bucket, f"/{pipeline.name}/"),
            "RESULTS_URI": pulumi.Output.concat("s3://", args.store.results_bucket, f"/{pipeline.name}/"),
        }
        container: dict[str, Any] = {
            "image": args.image,
            "jobRoleArn": job_role_arn,
            "executionRoleArn": execution_role_arn,
            "resourceRequirements": [
                {"type": "VCPU", "value": f"{pipeline.vcpus:g}"},
                {"type": "MEMORY", "value": str(pipeline.memory_mib)},
            ],
            "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
            "networkConfiguration": {"assignPublicIp": "ENABLED" if args.assign_public_ip else "DISABLED"},
            "environment": [{"name": key, "value": environment[key]} for key in sorted(environment)],
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {
                    "awslogs-group": log_group,
                    "awslogs-region": args.region,
                    "awslogs-stream-prefix": pipeline.name,
                },
            },
        }
        # An empty command reads back as none, and every preview would show a change.
        return {**container, "command": list(pipeline.command)} if pipeline.command else container


def _evaluate_on_exit() -> list[batch.JobDefinitionRetryStrategyEvaluateOnExitArgs]:
    """Repeat what Fargate failed to start and nothing else: without the last entry Batch repeats every failure."""
    retries = [
        batch.JobDefinitionRetryStrategyEvaluateOnExitArgs(action="RETRY", **{condition: pattern})
        for condition, pattern in _FARGATE_FAILURES
    ]
    return [*retries, batch.JobDefinitionRetryStrategyEvaluateOnExitArgs(action="EXIT", on_reason="*")]
