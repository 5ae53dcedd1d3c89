"""Names: one rule for all that a stack creates, so that stacks and projects of one account never collide."""

import hashlib
import re

_HASH_DIGITS = 8
SHARED_STACK = "shared"
"""The stack of the same project whose repositories `registry: shared` uses."""
AUTO_NAME_SUFFIX = 8
"""Characters that the provider appends when it names a resource itself: a hyphen and seven hexadecimal digits."""

ROLE_NAME_LENGTH = 64
"""IAM roles, and as short as any other fixed name here: Lambda functions and EventBridge rules have the same limit."""
BUCKET_NAME_LENGTH = 63 - AUTO_NAME_SUFFIX
"""[S3 user guide, "General purpose bucket naming rules"]."""
_PREFIX_LENGTH = BUCKET_NAME_LENGTH - 24
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


def stack_prefix(project: str, stack: str) -> str:
    """What all names of a stack begin with: `project-stack`.

    Joined by hyphens alone, project `a-b` with stack `c` and project `a` with stack `b-c` would be one; and what AWS
    takes nowhere must be replaced. In both cases a hash of the two names is added.
    """
    plain = f"{project}-{stack}"
    cleaned = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    if cleaned == plain and "-" not in project and "-" not in stack:
        return fit(plain, _PREFIX_LENGTH)
    return fit(f"{cleaned}-{_digest(f'{project}/{stack}')}", _PREFIX_LENGTH)


def project_prefix(project: str) -> str:
    """What the names of all stacks of a project begin with; of a long one only what `stack_prefix` never cuts."""
    cleaned = re.sub(r"[^a-z0-9]+", "-", f"{project}-".lower()).lstrip("-")
    uncut = _PREFIX_LENGTH - _HASH_DIGITS - 1
    return cleaned if len(cleaned) <= uncut else cleaned[:uncut].rstrip("-")


def repository_name(project: str, stack: str, pipeline: str) -> str:
    """The ECR repository of a pipeline."""
    return f"{stack_prefix(project, stack)}/{pipeline}"


def function_name(project: str, stack: str, function: str) -> str:
    """The Lambda function of one entry of `functions`, before it is shortened; no other function's name ends so."""
    return f"{stack_prefix(project, stack)}-{function}-function"


def partition(region: str) -> str:
    """The part of AWS that a region belongs to, as ARNs name it [AWS General Reference, "Amazon Resource Names"]."""
    return next((name for prefix, name in _PARTITIONS.items() if region.startswith(prefix)), "aws")


def fit(name: str, limit: int = ROLE_NAME_LENGTH) -> str:
    """`name`, or its beginning and a hash of all of it if it is longer than `limit` characters."""
    if len(name) <= limit:
        return name
    return f"{name[: limit - _HASH_DIGITS - 1].rstrip('-')}-{_digest(name)}"


def model_name(pipeline: str) -> str:
    """The API Gateway model of a pipeline's parameters: letters and digits only [API Gateway, "CreateModel"].

    Pipeline names are lower case, so an `X` can only be a hyphen: no two pipelines share a model.
    """
    return f"{pipeline.replace('-', 'X')}Parameters"


def tags(project: str, stack: str, pipeline: str | None = None) -> dict[str, str]:
    """The tags of every resource that takes tags."""
    own = {"Pipeline": pipeline} if pipeline else {}
    return {"Project": project, "Stack": stack, **own, "ManagedBy": "Pulumi"}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]
