"""What holds data survives a destroy, in the stacks where that matters."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final

from .resources import Resource
from .rules import Finding, Level, NotApplicable, NotYetKnown, Rule, Settings, Severity, Violation, each
from .values import shown

_OWN_PROTECTION: Final[Mapping[str, str]] = {
    "cognito:UserPool": "deletionProtection",
    "docdb:Cluster": "deletionProtection",
    "dynamodb:Table": "deletionProtectionEnabled",
    "neptune:Cluster": "deletionProtection",
    "rds:Cluster": "deletionProtection",
    "rds:GlobalCluster": "deletionProtection",
    "rds:Instance": "deletionProtection",
}
"""Kind -> the property by which the service itself refuses to delete it."""

_FORCE: Final[Mapping[str, str]] = {
    "docdb:Cluster": "skipFinalSnapshot",
    "ecr:Repository": "forceDelete",
    "neptune:Cluster": "skipFinalSnapshot",
    "rds:Cluster": "skipFinalSnapshot",
    "rds:Instance": "skipFinalSnapshot",
    "redshift:Cluster": "skipFinalSnapshot",
    "s3:Bucket": "forceDestroy",
    "s3:DirectoryBucket": "forceDestroy",
}
"""Kind -> the property that lets a deletion take the data along."""

_WITHOUT_EITHER: Final = (
    "efs:FileSystem",
    "elasticache:ReplicationGroup",
    "fsx:LustreFileSystem",
    "fsx:OntapFileSystem",
    "fsx:OpenZfsFileSystem",
    "fsx:WindowsFileSystem",
    "kms:Key",
    "opensearch:Domain",
    "secretsmanager:Secret",
)


def check_data_protected(resource: Resource, settings: Settings) -> Iterator[Finding]:
    stack = stack_of(resource.urn)
    if not any(fnmatchcase(stack, pattern) for pattern in settings.texts("stacks")):
        yield NotApplicable(f"the stack {shown(stack)} is not among those whose data is protected")
        return
    yield from each((_unprotected, _forced), lambda part: part(resource))


def stack_of(urn: str) -> str:
    """The stack in a URN: `urn:pulumi:<stack>::<project>::<types>::<name>`."""
    return urn.partition("::")[0].rpartition(":")[2]


def _unprotected(resource: Resource) -> Iterator[Finding]:
    if resource.protect:
        return
    key = _OWN_PROTECTION.get(resource.kind)
    own = resource[key] if key else None
    if own is not None and not own.known:
        yield NotYetKnown(path=own.path)
    # Cognito says ACTIVE or INACTIVE, the others true or false.
    elif own is None or own.text("").lower() not in {"true", "active"}:
        also = f" and {key} is not set" if key else ""
        yield Violation(found=f"it is not protected{also}", expected="the resource option protect" + _or(key))


def _or(key: str | None) -> str:
    return f", or {key}" if key else ""


def _forced(resource: Resource) -> Iterator[Finding]:
    key = _FORCE.get(resource.kind)
    if key and resource[key].flag(default=False):
        yield Violation(found=f"{key} is true, so a deletion takes the data along", expected=f"{key} false")


DATA_PROTECTED: Final = Rule(
    id="data-protected",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    title="Data can't be deleted by accident",
    description="In the named stacks, what holds data is protected from deletion and isn't emptied on the way.",
    why="One `pulumi destroy`, or a rename that replaces a bucket, is otherwise enough to lose it for good.",
    fix=(
        "Set the resource option protect, or the service's own deletion protection, and forceDestroy, forceDelete or "
        "skipFinalSnapshot to false. Exempt what can be made again, with that as the reason."
    ),
    link="https://www.pulumi.com/docs/iac/concepts/options/protect/",
    kinds=tuple(sorted({*_OWN_PROTECTION, *_FORCE, *_WITHOUT_EITHER})),
    peers=("Security Hub DynamoDB.6, RDS.7, RDS.8", "checkov CKV_AWS_293", "cdk-nag RDS10"),
    schema={
        "stacks": {
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "default": ["prod", "production"],
            "description": "Names of the stacks whose data is protected; `*` stands for any text.",
        }
    },
    check=check_data_protected,
)

RULES: Final = (DATA_PROTECTED,)
