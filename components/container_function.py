"""A Lambda function that runs the image of a pipeline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws import cloudwatch, lambda_

from components import iam, naming
from components.function_settings import FunctionSettings

ALIAS = "live"
"""What callers invoke: `FUNCTION:live`."""

_DESTINATION_ACTIONS: Mapping[str, str] = {
    "events": "events:PutEvents",
    "lambda": "lambda:InvokeFunction",
    "sns": "sns:Publish",
    "sqs": "sqs:SendMessage",
}
"""Service in the destination's ARN -> what the function's role needs there [AWS Lambda developer guide, "Retaining
records of asynchronous invocations"]."""


@dataclass(frozen=True, kw_only=True)
class ContainerFunctionArgs:
    settings: FunctionSettings
    image: pulumi.Input[str]
    """`repository@sha256:...`, linux/arm64, of a single platform: Lambda takes no index."""
    pull_grant: pulumi.Resource | None = None
    """What lets Lambda pull from the repository, if this stack makes it. Lambda checks it when the function is made."""
    log_retention_days: int
    tags: Mapping[str, str]
    permissions_boundary: str = ""
    """ARN of the policy that bounds the role; empty for none."""


class ContainerFunction(pulumi.ComponentResource):
    """A function on arm64 with its log group, its role, and the alias `live`.

    Another digest makes a new version, and the alias moves to it once it is active; calls that are underway end on the
    old one.
    """

    alias_arn: pulumi.Output[str]
    summary: Mapping[str, pulumi.Input[Any]]
    """What the stack exports about it."""

    def __init__(self, name: str, args: ContainerFunctionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:ContainerFunction", name, None, opts)
        settings = args.settings
        own = pulumi.ResourceOptions(parent=self)
        fitted = naming.fit(name)
        log_group = cloudwatch.LogGroup(
            name,
            name=f"/aws/lambda/{fitted}",
            retention_in_days=args.log_retention_days,
            tags=args.tags,
            opts=own,
        )
        role = iam.actor_role(
            name,
            service="lambda.amazonaws.com",
            description=f"The function {settings.name}, which runs the image of {settings.pipeline}",
            statements=_permissions(settings, log_group.arn),
            permissions_boundary=args.permissions_boundary,
            tags=args.tags,
            parent=self,
        )
        first = [log_group, role.policy, *([args.pull_grant] if args.pull_grant else [])]
        function = lambda_.Function(
            name,
            name=fitted,
            description=f"Runs the image of the pipeline {settings.pipeline}",
            package_type="Image",
            image_uri=args.image,
            # An empty command reads back as none, and every preview would show a change.
            image_config=lambda_.FunctionImageConfigArgs(commands=list(settings.command)) if settings.command else None,
            architectures=["arm64"],
            role=role.arn,
            memory_size=settings.memory_mib,
            timeout=settings.timeout_seconds,
            ephemeral_storage=lambda_.FunctionEphemeralStorageArgs(size=settings.ephemeral_storage_mib),
            reserved_concurrent_executions=settings.reserved_concurrency,
            environment=lambda_.FunctionEnvironmentArgs(variables=dict(settings.environment))
            if settings.environment
            else None,
            publish=True,
            tags=args.tags,
            # The log group first, or Lambda makes one without retention; the policies first, or the image can't be
            # pulled and first calls are refused.
            opts=pulumi.ResourceOptions(parent=self, depends_on=first),
        )
        # After a change the provider publishes a version and waits until it is active, and only then is `version` known
        # [hashicorp/terraform-provider-aws, internal/service/lambda/function.go, "publish"]: the alias moves to nothing
        # that can't answer yet. A failed change leaves it where it was.
        alias = lambda_.Alias(
            name,
            name=ALIAS,
            description="The version that callers get",
            function_name=function.name,
            function_version=function.version,
            opts=own,
        )
        if settings.failure_destination:
            lambda_.FunctionEventInvokeConfig(
                name,
                function_name=function.name,
                # Without a qualifier it would hold for $LATEST, which nobody calls.
                qualifier=alias.name,
                destination_config=lambda_.FunctionEventInvokeConfigDestinationConfigArgs(
                    on_failure=lambda_.FunctionEventInvokeConfigDestinationConfigOnFailureArgs(
                        destination=settings.failure_destination
                    )
                ),
                # Lambda refuses a destination that the role can't send to.
                opts=pulumi.ResourceOptions(parent=self, depends_on=[role.policy]),
            )
        self.alias_arn = alias.arn
        self.summary = {"functionName": function.name, "alias": alias.arn}
        self.register_outputs(dict(self.summary))


def _permissions(settings: FunctionSettings, log_group_arn: pulumi.Output[str]) -> list[iam.Statement]:
    """Its log group, and what the settings name."""
    statements = [iam.write_logs(log_group_arn)]
    partition = log_group_arn.apply(lambda arn: arn.split(":")[1])
    for prefix in settings.read_prefixes:
        statements += _reading(prefix, partition)
    if settings.write_prefixes:
        statements.append(iam.allow(["s3:PutObject"], _objects(settings.write_prefixes, partition)))
    if settings.ses_identities:
        # `identity/NAME` beside the log group, in the same account and region.
        place = log_group_arn.apply(lambda arn: ":".join(arn.split(":")[3:5]))
        identities = [
            pulumi.Output.concat("arn:", partition, ":ses:", place, f":identity/{identity}")
            for identity in settings.ses_identities
        ]
        statements.append(iam.allow(["ses:SendEmail", "ses:SendRawEmail"], identities))
    if settings.failure_destination:
        service = settings.failure_destination.split(":")[2]
        statements.append(iam.allow([_DESTINATION_ACTIONS[service]], [settings.failure_destination]))
    return statements


def _reading(prefix: str, partition: pulumi.Output[str]) -> list[iam.Statement]:
    """Read what begins with `bucket/prefix`, and list it: S3 calls a missing object forbidden to who may not."""
    bucket, _, path = prefix.partition("/")
    return [
        iam.allow(["s3:GetObject"], _objects([prefix], partition)),
        {
            **iam.allow(["s3:ListBucket"], [pulumi.Output.concat("arn:", partition, f":s3:::{bucket}")]),
            "Condition": {"StringLike": {"s3:prefix": f"{path}*"}},
        },
    ]


def _objects(prefixes: Sequence[str], partition: pulumi.Output[str]) -> list[pulumi.Output[str]]:
    """The ARNs of all objects whose names begin with a `bucket/prefix`."""
    return [pulumi.Output.concat("arn:", partition, f":s3:::{prefix}*") for prefix in prefixes]
