"""The function that ends the younger of two jobs of one name."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi_aws import cloudwatch, lambda_

from components import iam, lambda_package, naming
from components.batch_platform import BatchPlatform

_TIMEOUT_SECONDS = 60
_MEMORY_MIB = 256
_STATUSES = ("RUNNABLE", "STARTING", "RUNNING")
"""Once a job waits for capacity its name finds it; the later states are further chances to find its double."""


@dataclass(frozen=True, kw_only=True)
class ReconcilerArgs:
    root: Path
    """The project's folder."""
    platform: BatchPlatform
    log_retention_days: int
    tags: Mapping[str, str]
    permissions_boundary: str = ""
    """ARN of the policy that bounds the roles; empty for none."""


class Reconciler(pulumi.ComponentResource):
    """A rule on the queue's job state changes, and a small function behind it."""

    function_name: pulumi.Output[str]

    def __init__(self, name: str, args: ReconcilerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:Reconciler", name, None, opts)
        fitted = naming.fit(name)
        log_group = cloudwatch.LogGroup(
            name,
            name=f"/aws/lambda/{fitted}",
            retention_in_days=args.log_retention_days,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        role = iam.actor_role(
            name,
            service="lambda.amazonaws.com",
            description="Ends the younger of two jobs of one name",
            statements=[
                iam.allow_unscoped("batch:ListJobs"),
                iam.allow(["batch:TerminateJob"], [args.platform.job_arns]),
                iam.write_logs(log_group.arn),
            ],
            permissions_boundary=args.permissions_boundary,
            tags=args.tags,
            parent=self,
        )
        function = lambda_.Function(
            name,
            name=fitted,
            description="Ends the younger of two jobs of one name",
            runtime=lambda_.Runtime.PYTHON3D13,
            architectures=["arm64"],
            handler="reconciler.handle",
            code=lambda_package.reconciler_archive(args.root),
            role=role.arn,
            memory_size=_MEMORY_MIB,
            timeout=_TIMEOUT_SECONDS,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[log_group, role.policy]),
        )
        rule = cloudwatch.EventRule(
            name,
            name=fitted,
            description="Jobs of this stack that are about to run",
            event_pattern=pulumi.Output.json_dumps(
                {
                    "source": ["aws.batch"],
                    "detail-type": ["Batch Job State Change"],
                    "detail": {"jobQueue": [args.platform.queue_arn], "status": list(_STATUSES)},
                }
            ),
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        permission = lambda_.Permission(
            name,
            statement_id="events",
            action="lambda:InvokeFunction",
            function=function.name,
            principal="events.amazonaws.com",
            source_arn=rule.arn,
            opts=pulumi.ResourceOptions(parent=self),
        )
        cloudwatch.EventTarget(
            name,
            rule=rule.name,
            target_id="reconciler",
            arn=function.arn,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission]),
        )
        self.function_name = function.name
        self.register_outputs({"functionName": self.function_name})
