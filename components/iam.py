"""One role per actor, with exactly the permissions that it uses."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws import iam

from components import naming

Statement = Mapping[str, Any]

ACTIONS_WITHOUT_RESOURCE = frozenset({"batch:DescribeJobs", "batch:ListJobs", "ecr:GetAuthorizationToken"})
"""What AWS can't restrict to a resource, so that a policy must say `*` [service authorization reference, "Actions,
resources, and condition keys" of AWS Batch and Amazon ECR]."""


@dataclass(frozen=True, kw_only=True)
class ActorRole:
    """A role and its policy. Whoever acts in the role should depend on both."""

    role: iam.Role
    policy: iam.RolePolicy

    @property
    def arn(self) -> pulumi.Output[str]:
        return self.role.arn


def allow(actions: Sequence[str], resources: Sequence[pulumi.Input[str]]) -> Statement:
    """A statement that allows actions on resources."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def allow_unscoped(*actions: str) -> Statement:
    """A statement that allows actions which know no resources.

    Raises:
        ValueError: an action could be restricted.
    """
    scoped = set(actions) - ACTIONS_WITHOUT_RESOURCE
    if scoped:
        raise ValueError(f"{', '.join(sorted(scoped))} can be restricted to resources.")
    # The literal "*": these actions are refused with any other resource, see ACTIONS_WITHOUT_RESOURCE.
    return allow(actions, ["*"])


def write_logs(log_group_arn: pulumi.Input[str]) -> Statement:
    """A statement that allows to write streams of a log group."""
    return allow(["logs:CreateLogStream", "logs:PutLogEvents"], [pulumi.Output.concat(log_group_arn, ":log-stream:*")])


def start_tasks(repository_arn: pulumi.Input[str], log_group_arn: pulumi.Input[str]) -> list[Statement]:
    """What ECS does for a task of Batch or of a service, before and beside it: pull the image, write its log."""
    return [
        allow_unscoped("ecr:GetAuthorizationToken"),
        allow(["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], [repository_arn]),
        write_logs(log_group_arn),
    ]


def deny_plain_http(bucket_arn: pulumi.Input[str]) -> Statement:
    """The statement of a bucket policy that refuses requests without TLS."""
    return {
        "Sid": "DenyPlainHttp",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket_arn, pulumi.Output.concat(bucket_arn, "/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def document(*statements: Statement) -> pulumi.Output[str]:
    """A policy document as JSON."""
    return pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": list(statements)})


def service_role(
    name: str,
    *,
    service: str,
    description: str,
    permissions_boundary: str,
    tags: Mapping[str, str],
    parent: pulumi.Resource,
) -> iam.Role:
    """Create the role that a service assumes for one actor, with no permissions.

    Args:
        name: also the role's name in AWS, shortened to its limit.
        service: who assumes the role, for example `lambda.amazonaws.com`.
        permissions_boundary: ARN of the policy that bounds what the role can do; empty for none.
    """
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}],
    }
    return iam.Role(
        name,
        name=naming.fit(name, naming.ROLE_NAME_LENGTH),
        description=description,
        assume_role_policy=json.dumps(trust),
        permissions_boundary=permissions_boundary or None,
        tags=tags,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def actor_role(
    name: str,
    *,
    service: str,
    description: str,
    statements: Sequence[Statement],
    permissions_boundary: str,
    tags: Mapping[str, str],
    parent: pulumi.Resource,
) -> ActorRole:
    """Create a service role with the permissions that its actor uses; the arguments are those of `service_role`."""
    role = service_role(
        name,
        service=service,
        description=description,
        permissions_boundary=permissions_boundary,
        tags=tags,
        parent=parent,
    )
    policy = iam.RolePolicy(
        name,
        name=naming.fit(name, naming.ROLE_NAME_LENGTH),
        role=role.name,
        policy=document(*statements),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return ActorRole(role=role, policy=policy)
