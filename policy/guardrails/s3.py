"""Rules for S3: buckets that nobody reaches without permission, and objects that survive a mistake."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

from . import iam_documents, networks
from .open_grants import listed_principals, open_grants
from .resources import Link, Resource, Stack
from .rules import Finding, Level, NotYetKnown, Rule, Settings, Severity, Violation, each
from .values import Node, NotYetKnownError, shown

BUCKET: Final = "s3:Bucket"
ACCESS_POINT: Final = "s3:AccessPoint"
MULTI_REGION_ACCESS_POINT: Final = "s3control:MultiRegionAccessPoint"

BLOCKS: Final = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def _linked(stack: Stack, bucket: Resource, kind: str) -> tuple[list[Resource], list[Resource]]:
    """The resources of a kind that configure a bucket, and those that may."""
    links = [(item, stack.link(item, item["bucket"], bucket, "bucket")) for item in stack.of(kind)]
    return (
        [item for item, link in links if link is Link.YES],
        [item for item, link in links if link is Link.UNKNOWN],
    )


def _names(resources: list[Resource]) -> str:
    return ", ".join(sorted(resource.name for resource in resources))


def check_public_block(resource: Resource, stack: Stack, _settings: Settings) -> Iterator[Finding]:
    if resource.kind == ACCESS_POINT:
        # S3 blocks all four for an access point unless told otherwise.
        yield from _open_flags(resource["publicAccessBlockConfiguration"], default=True)
        return
    if resource.kind == MULTI_REGION_ACCESS_POINT:
        yield from _open_flags(resource["details"]["publicAccessBlock"], default=True)
        return
    by_account = _blocked_by_account(resource, stack)
    blocks, unclear = _linked(stack, resource, "s3:BucketPublicAccessBlock")
    open_here = [flag for flag in BLOCKS if flag not in by_account]
    yield from each(
        [block[flag] for block in blocks for flag in open_here], lambda flag: _open_flag(flag, default=False)
    )
    if blocks or not open_here:
        return
    if unclear:
        yield NotYetKnown(path="bucket", why=f"of the public access blocks {_names(unclear)} may name it")
        return
    yield Violation(found="no public access block names it", expected="one aws.s3.BucketPublicAccessBlock for it")


def _open_flags(block: Node, *, default: bool) -> Iterator[Finding]:
    yield from each(BLOCKS, lambda flag: _open_flag(block[flag], default=default))


def _open_flag(flag: Node, *, default: bool) -> Iterator[Finding]:
    if not flag.flag(default=default):
        state = "not set" if flag.missing else "false"
        yield Violation(found=f"{flag.path} is {state}", expected="all four settings of the public access block true")


def _blocked_by_account(bucket: Resource, stack: Stack) -> frozenset[str]:
    """What the stack blocks for the whole account; S3 applies the stricter of both."""
    return frozenset(
        flag
        for block in stack.of("s3:AccountPublicAccessBlock")
        if block.credentials == bucket.credentials
        for flag in BLOCKS
        if block[flag].known and block[flag].flag(default=False)
    )


PUBLIC_BLOCK: Final = Rule(
    id="s3-public-block",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    title="Public access is blocked",
    description="Each bucket and access point blocks public access, with all four settings.",
    why="Without the block one policy or one ACL, written later and elsewhere, publishes what is in the bucket.",
    fix=(
        "Add aws.s3.BucketPublicAccessBlock with bucket=<the bucket's id> and all four settings true. Serve a site "
        "through CloudFront; a website endpoint is public by nature, so its bucket needs an exemption with a reason."
    ),
    link="https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html",
    kinds=(BUCKET, ACCESS_POINT, MULTI_REGION_ACCESS_POINT),
    peers=(
        "checkov CKV_AWS_53..56, CKV2_AWS_6",
        "trivy AWS-0086, 0087, 0091, 0093, 0094",
        "Security Hub S3.1, S3.8, S3.19, S3.24",
        "cdk-nag S2",
    ),
    stack_check=check_public_block,
)

_PUBLIC_ACLS: Final = frozenset({"public-read", "public-read-write", "authenticated-read"})
_PUBLIC_GROUPS: Final = ("/groups/global/AllUsers", "/groups/global/AuthenticatedUsers")

_POLICIES: Final[Mapping[str, tuple[str, ...]]] = {
    BUCKET: ("policy",),
    "s3:BucketPolicy": ("policy",),
    ACCESS_POINT: ("policy",),
    "s3control:AccessPointPolicy": ("policy",),
    "s3control:ObjectLambdaAccessPointPolicy": ("policy",),
    "s3control:MultiRegionAccessPointPolicy": ("details", "policy"),
}
"""Kind -> where its policy is."""

_ACCOUNT: Final = re.compile(r"\d{12}")
_ACCESS_POINT_ARN: Final = re.compile(r"arn:[^:*?]+:s3[^:*?]*:[^:]*:\d{12}:.+")
_UNIQUE_ID: Final = re.compile(r"A[A-Z]{3}[A-Z0-9]{12,}(:.*)?")
_S3_KEYS: Final[Mapping[str, re.Pattern[str]]] = {
    "s3:dataaccesspointaccount": _ACCOUNT,
    "s3:dataaccesspointarn": _ACCESS_POINT_ARN,
    "aws:userid": _UNIQUE_ID,
}
"""Condition keys that make a policy non-public for S3 beside the general ones, and what their values look like."""
_EXACT_OPERATORS: Final = frozenset({"stringequals", "stringlike", "arnequals", "arnlike"})


def check_no_public_policy(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    yield from each((_policy_findings, _acl_findings, _grant_findings), lambda part: part(resource))


def _policy_findings(resource: Resource) -> Iterator[Finding]:
    path = _POLICIES.get(resource.kind)
    if path is None:
        return
    policy = resource[path[0]]
    for key in path[1:]:
        policy = policy[key]
    if resource.kind in {BUCKET, ACCESS_POINT} and policy.blank:
        return
    if resource.kind == ACCESS_POINT and not resource["vpcConfiguration"].missing:
        return  # reachable from one VPC only, whoever its policy names
    yield from each(iam_documents.statements(policy), _public_statement)


def _public_statement(statement: Node) -> Iterator[Finding]:
    yield from open_grants(statement, _is_narrowed)
    if not iam_documents.allows(statement):
        return
    services = [node for kind, node in listed_principals(statement) if kind == "Service" and node.known]
    shared = [node for node in services if node.text().startswith("cloudfront.")]
    if shared and not _is_narrowed(statement):
        yield Violation(
            found=f"{shared[0].path} allows {shown(shared[0].text())}, so any distribution of any account",
            expected="a condition StringEquals aws:SourceArn with the distribution's ARN",
        )


def _is_narrowed(statement: Node) -> bool:
    conditions = iam_documents.member(statement, "Condition").fields().items()
    return iam_documents.is_narrowed(statement) or any(
        _narrows(operator.lower().removeprefix("foranyvalue:"), key.lower(), values)
        for operator, keys in conditions
        for key, values in keys.fields().items()
    )


def _narrows(operator: str, key: str, values: Node) -> bool:
    if key == "aws:sourceip":
        listed = iam_documents.texts(values)
        return operator == "ipaddress" and bool(listed) and not any(_is_open_network(value) for value in listed)
    pattern = _S3_KEYS.get(key)
    if pattern is None or operator not in _EXACT_OPERATORS:
        return False
    listed = iam_documents.texts(values)
    return bool(listed) and all(pattern.fullmatch(value) for value in listed)


def _is_open_network(cidr: str) -> bool:
    try:
        return networks.is_open(cidr)
    except ValueError:
        return True


def _acl_findings(resource: Resource) -> Iterator[Finding]:
    acl = resource["acl"]
    if acl.text("private") in _PUBLIC_ACLS:
        yield Violation(found=f"acl is {shown(acl.text())}", expected="no public ACL")


def _grant_findings(resource: Resource) -> Iterator[Finding]:
    grants = [
        *((grant, grant["uri"]) for grant in resource["grants"].items()),
        *((grant, grant["grantee"]["uri"]) for grant in resource["accessControlPolicy"]["grants"].items()),
    ]
    yield from each(grants, lambda pair: _public_grant(*pair))


def _public_grant(grant: Node, uri: Node) -> Iterator[Finding]:
    if uri.text("").endswith(_PUBLIC_GROUPS):
        group = uri.text().rpartition("/")[2]
        yield Violation(found=f"{grant.path} grants to {group}", expected="grants to listed accounts only")


NO_PUBLIC_POLICY: Final = Rule(
    id="s3-no-public-policy",
    level=Level.MANDATORY,
    severity=Severity.CRITICAL,
    title="No bucket policy or ACL for everybody",
    description="Policies and ACLs of buckets, access points and objects allow only listed principals.",
    why="A wildcard principal or a public ACL publishes the objects, or lets strangers write them.",
    fix=(
        "List the principals, or narrow them by a condition on an organisation, account, network or VPC endpoint. For "
        "CloudFront: principal cloudfront.amazonaws.com with StringEquals aws:SourceArn = the distribution's ARN."
    ),
    link="https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"
    "#access-control-block-public-access-policy-status",
    kinds=(*_POLICIES, "s3:BucketAcl", "s3:BucketObject", "s3:ObjectCopy"),
    peers=(
        "checkov CKV_AWS_20, CKV_AWS_57, CKV_AWS_70",
        "trivy AWS-0092",
        "Security Hub S3.2, S3.3, S3.6, S3.12",
        "cdk-nag S5",
    ),
    check=check_no_public_policy,
)


def check_tls_versioning(resource: Resource, stack: Stack, _settings: Settings) -> Iterator[Finding]:
    yield from each((_tls_findings, _versioning_findings), lambda part: part(resource, stack))


def _tls_findings(bucket: Resource, stack: Stack) -> Iterator[Finding]:
    policies, unclear = _linked(stack, bucket, "s3:BucketPolicy")
    covered: set[str] = set()
    unknown = (
        [NotYetKnown(path="bucket", why=f"of the bucket policies {_names(unclear)} may name it")] if unclear else []
    )
    for policy in (bucket["policy"], *(item["policy"] for item in policies)):
        try:
            if not policy.blank:
                for statement in iam_documents.statements(policy):
                    covered |= _denied_without_tls(statement)
        except NotYetKnownError as error:
            unknown.append(NotYetKnown(path=error.path, why=error.why))
    if covered == {"bucket", "objects"}:
        return
    if unknown:
        yield unknown[0]
        return
    part = f" for its {'objects' if 'bucket' in covered else 'own operations'}" if covered else ""
    yield Violation(
        found=f"no policy denies requests without TLS{part}",
        expected="a Deny of s3:* to * on the bucket and its objects where aws:SecureTransport is false",
    )


def _denied_without_tls(statement: Node) -> set[str]:
    """Which of the bucket and its objects a statement denies to everybody over plain HTTP."""
    conditions = iam_documents.member(statement, "Condition").fields()
    if iam_documents.allows(statement) or len(conditions) != 1:
        return set()
    operator, keys = next(iter(conditions.items()))
    tests = [
        (key.lower(), [value.lower() for value in iam_documents.texts(values)]) for key, values in keys.fields().items()
    ]
    if operator.lower() not in {"bool", "boolifexists"} or tests != [("aws:securetransport", ["false"])]:
        return set()
    actions = {action.lower() for action in iam_documents.texts(iam_documents.member(statement, "Action"))}
    everybody = any(kind == "AWS" and node.text() == "*" for kind, node in iam_documents.principals(statement))
    if not everybody or not actions & {"*", "s3:*"}:
        return set()
    resources = iam_documents.texts(iam_documents.member(statement, "Resource"))
    return {part for resource in resources for part in _parts_of(resource)}


def _parts_of(resource: str) -> tuple[str, ...]:
    if resource.endswith("/*"):
        return ("objects",)
    if resource.endswith("*"):
        return ("bucket", "objects")
    return () if "/" in resource else ("bucket",)


def _versioning_findings(bucket: Resource, stack: Stack) -> Iterator[Finding]:
    resources, unclear = _linked(stack, bucket, "s3:BucketVersioning")
    unknown = [NotYetKnown(path="bucket", why=f"of the versionings {_names(unclear)} may name it")] if unclear else []
    for is_on in (_is_locked, _is_versioned_itself, *(partial(_is_versioned_by, resource) for resource in resources)):
        try:
            if is_on(bucket):
                return
        except NotYetKnownError as error:
            unknown.append(NotYetKnown(path=error.path, why=error.why))
    if unknown:
        yield unknown[0]
        return
    yield Violation(
        found="it is not versioned", expected="versioning Enabled, so that what is overwritten or deleted can come back"
    )


def _is_locked(bucket: Resource) -> bool:
    """Whether it has object lock, which turns versioning on."""
    return bucket["objectLockEnabled"].flag(default=False)


def _is_versioned_itself(bucket: Resource) -> bool:
    """Whether it is versioned by a property, as older programs do."""
    inline = [bucket["versioning"], *bucket["versionings"].items()]
    return any(versioning["enabled"].flag(default=False) for versioning in inline)


def _is_versioned_by(versioning: Resource, _bucket: Resource) -> bool:
    return versioning["versioningConfiguration"]["status"].text("") == "Enabled"


TLS_VERSIONING: Final = Rule(
    id="s3-tls-versioning",
    level=Level.ADVISORY,
    severity=Severity.MEDIUM,
    title="Buckets take only TLS and keep versions",
    description="Each bucket's policy denies requests without TLS, and the bucket keeps old versions.",
    why="Plain HTTP shows presigned links and objects on the way; without versions a wrong delete is final.",
    fix=(
        "Add to the bucket policy a Deny of s3:* for principal * on the bucket and its /* with condition Bool "
        "aws:SecureTransport false, and aws.s3.BucketVersioning with status Enabled (with an expiry of old versions)."
    ),
    link="https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html",
    kinds=(BUCKET,),
    peers=(
        "checkov CKV_AWS_21, CKV_AWS_379",
        "trivy AWS-0090",
        "Security Hub S3.5, S3.14",
        "cdk-nag S10, S3BucketVersioningEnabled",
    ),
    stack_check=check_tls_versioning,
)

RULES: Final = (PUBLIC_BLOCK, NO_PUBLIC_POLICY, TLS_VERSIONING)
