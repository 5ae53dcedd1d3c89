"""The function behind one pipeline's methods."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi_aws import cloudwatch, lambda_

from components import iam, lambda_package, naming
from components.batch_pipeline import BatchPipeline
from components.batch_platform import BatchPlatform
from components.idempotency_table import IdempotencyTable
from components.pipeline_settings import PipelineSettings
from components.results_store import ResultsStore

TIMEOUT_SECONDS = 28
"""Under the 29 s after which API Gateway gives up [API Gateway developer guide, "Quotas"]."""
MEMORY_MIB = 512
_RUNTIME = lambda_.Runtime.PYTHON3D13


@dataclass(frozen=True, kw_only=True)
class TriggerFunctionArgs:
    root: Path
    """The project's folder."""
    pipeline: PipelineSettings
    jobs: BatchPipeline
    platform: BatchPlatform
    store: ResultsStore
    idempotency: IdempotencyTable
    consumers: pulumi.Input[str]
    """JSON: API key id -> consumer."""
    cors_origins: Sequence[str]
    job_visibility: str
    """`consumer` or `all`."""
    log_retention_days: int
    tags: Mapping[str, str]
    permissions_boundary: str = ""
    """ARN of the policy that bounds the roles; empty for none."""


class TriggerFunction(pulumi.ComponentResource):
    """A Lambda function on arm64 that starts, shows and ends the jobs of one pipeline, with the permissions it uses."""

    function_name: str
    name: pulumi.Output[str]
    invoke_arn: pulumi.Output[str]

    def __init__(self, name: str, args: TriggerFunctionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:TriggerFunction", name, None, opts)
        self.function_name = naming.fit(name)
        log_group = cloudwatch.LogGroup(
            name,
            name=f"/aws/lambda/{self.function_name}",
            retention_in_days=args.log_retention_days,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        role = iam.actor_role(
            name,
            service="lambda.amazonaws.com",
            description=f"The trigger function of {args.pipeline.name}",
            statements=_permissions(args, log_group.arn),
            permissions_boundary=args.permissions_boundary,
            tags=args.tags,
            parent=self,
        )
        function = lambda_.Function(
            name,
            name=self.function_name,
            description=f"The API of the pipeline {args.pipeline.name}",
            runtime=_RUNTIME,
            architectures=["arm64"],
            handler="handler.handle",
            code=lambda_package.trigger_archive(args.root, args.pipeline.schema),
            role=role.arn,
            memory_size=MEMORY_MIB,
            timeout=TIMEOUT_SECONDS,
            environment=lambda_.FunctionEnvironmentArgs(variables=_environment(args)),
            tags=args.tags,
            # The log group first, or Lambda makes one without retention; the policy first, or first calls are refused.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[log_group, role.policy]),
        )
        self.name = function.name
        self.invoke_arn = function.invoke_arn
        self.register_outputs({"name": self.name})


def _environment(args: TriggerFunctionArgs) -> dict[str, pulumi.Input[str]]:
    return {
        "CONSUMERS": args.consumers,
        "CORS_ORIGINS": ",".join(args.cors_origins),
        "IDEMPOTENCY_TABLE": args.idempotency.table,
        "INPUTS_BUCKET": args.store.inputs_bucket,
        "JOB_NAME_PREFIX": args.pipeline.name,
        "JOB_VISIBILITY": args.job_visibility,
        "LOG_GROUP": args.jobs.log_group_name,
        "MAX_TIMEOUT_SECONDS": str(args.pipeline.timeout_seconds),
        "PIPELINE": args.pipeline.name,
        "RESULTS_BUCKET": args.store.results_bucket,
        "aws_jobdefinition": args.jobs.job_definition,
        "aws_jobqueue": args.platform.queue_name,
    }


def _permissions(args: TriggerFunctionArgs, own_log_group_arn: pulumi.Output[str]) -> list[iam.Statement]:
    prefix = f"/{args.pipeline.name}/*"
    return [
        # Not the exact revision: that grant would change with each image, and lag behind it.
        iam.allow(
            ["batch:SubmitJob"],
            [args.platform.queue_arn, pulumi.Output.concat(args.jobs.job_definition_arn_prefix, ":*")],
        ),
        iam.allow_unscoped("batch:DescribeJobs", "batch:ListJobs"),
        iam.allow(["batch:TerminateJob"], [args.platform.job_arns]),
        {
            **iam.allow(["s3:ListBucket"], [args.store.results_bucket_arn]),
            "Condition": {"StringLike": {"s3:prefix": f"{args.pipeline.name}/*"}},
        },
        iam.allow(["s3:GetObject"], [pulumi.Output.concat(args.store.results_bucket_arn, prefix)]),
        iam.allow(["s3:PutObject"], [pulumi.Output.concat(args.store.inputs_bucket_arn, prefix)]),
        iam.allow(["dynamodb:PutItem", "dynamodb:UpdateItem"], [args.idempotency.arn]),
        iam.allow(["logs:GetLogEvents"], [pulumi.Output.concat(args.jobs.log_group_arn, ":log-stream:*")]),
        iam.write_logs(own_log_group_arn),
    ]
