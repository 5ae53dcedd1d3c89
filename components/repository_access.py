"""Who may use a repository besides its own account's roles: the statements of its policy.

A statement of a repository policy has no `Resource`: it is about the repository that carries it.
"""

from collections.abc import Sequence

import pulumi

from components.iam import Statement

PULL_ACTIONS = (
    *("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:DescribeImageScanFindings", "ecr:DescribeImages"),
    *("ecr:DescribeRepositories", "ecr:GetDownloadUrlForLayer", "ecr:ListImages", "ecr:ListTagsForResource"),
)
"""To run an image, and to look the repository and its images up first."""
PUSH_ACTIONS = (
    *("ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart"),
    *("ecr:GetLifecyclePolicy", "ecr:StartImageScan"),
)
"""To push layers and images, and to promote: to give an image another tag, once it is scanned and the lifecycle keeps
it."""
_LAMBDA_ACTIONS = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
"""[AWS Lambda developer guide, "Create a Lambda function using a container image", "Amazon ECR permissions"]."""


def lambda_pulls(function_arns: Sequence[pulumi.Input[str]]) -> Statement:
    """Lambda pulls for these functions.

    Lambda adds such a statement itself where it may, which would be a difference in every later preview.

    Args:
        function_arns: ARNs, or patterns of them with `*`.
    """
    return {
        "Sid": "LambdaPulls",
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": list(_LAMBDA_ACTIONS),
        "Condition": {"ArnLike": {"aws:sourceArn": list(function_arns)}},
    }


def lambda_pulls_in_organization(organization: str, function_arns: Sequence[pulumi.Input[str]]) -> Statement:
    """Lambda pulls for these functions of any account in an organization."""
    condition = {"ArnLike": {"aws:sourceArn": list(function_arns)}, "StringEquals": {"aws:SourceOrgID": organization}}
    return {**lambda_pulls(function_arns), "Sid": "LambdaPullsInOrganization", "Condition": condition}


def accounts_pull(accounts: Sequence[str], partition: str) -> Statement:
    """Roles of these accounts pull, if their own account lets them."""
    return {
        "Sid": "AccountsPull",
        "Effect": "Allow",
        "Principal": {"AWS": [_root(account, partition) for account in accounts]},
        "Action": list(PULL_ACTIONS),
    }


def organization_pulls(organization: str) -> Statement:
    """Roles of every account in an organization pull, if their own account lets them."""
    return {
        "Sid": "OrganizationPulls",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},  # of the organization alone: the condition
        "Action": list(PULL_ACTIONS),
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": organization}},
    }


def accounts_push(accounts: Sequence[str], partition: str) -> Statement:
    """Roles of these accounts push, and pull the build cache, if their own account lets them."""
    return {
        "Sid": "AccountsPush",
        "Effect": "Allow",
        "Principal": {"AWS": [_root(account, partition) for account in accounts]},
        "Action": sorted({*PULL_ACTIONS, *PUSH_ACTIONS}),
    }


def _root(account: str, partition: str) -> str:
    return f"arn:{partition}:iam::{account}:root"
