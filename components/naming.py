"""Names: one rule for all that a stack creates, so that stacks and projects of one account never collide."""

import hashlib
import re

_HASH_DIGITS = 8
AUTO_NAME_SUFFIX = 8
"""Characters that the provider appends when it names a resource itself: a hyphen and seven hexadecimal digits."""

ROLE_NAME_LENGTH = 64
"""IAM roles, and as short as any other fixed name here: Lambda functions and EventBridge rules have the same limit."""
BUCKET_NAME_LENGTH = 63 - AUTO_NAME_SUFFIX
"""[S3 user guide, "General purpose bucket naming rules"]."""


def stack_prefix(project: str, stack: str) -> str:
    """What all names of a stack begin with: `project-stack`.

    Joined by hyphens alone, project `a-b` with stack `c` and project `a` with stack `b-c` would be one; and what AWS
    takes nowhere must be replaced. In both cases a hash of the two names is added.
    """
    plain = f"{project}-{stack}"
    cleaned = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    if cleaned == plain and "-" not in project and "-" not in stack:
        return fit(plain, BUCKET_NAME_LENGTH - 24)
    return fit(f"{cleaned}-{_digest(f'{project}/{stack}')}", BUCKET_NAME_LENGTH - 24)


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
