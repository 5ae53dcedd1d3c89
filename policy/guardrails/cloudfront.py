"""Rules for CloudFront: origins that only the distribution reaches, TLS on both sides, headers that browsers heed."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from .resources import Link, Resource, Stack
from .rules import Finding, Level, NotApplicable, NotYetKnown, Rule, Settings, Severity, Violation, each
from .values import Node, shown

DISTRIBUTIONS: Final = ("cloudfront:Distribution", "cloudfront:MultitenantDistribution")
ACCESS_CONTROL: Final = "cloudfront:OriginAccessControl"

_WEBSITE: Final = re.compile(r".*\.s3-website[.-][a-z0-9-]+\.amazonaws\.com(\.cn)?")
_BUCKET: Final = re.compile(r"(.*\.)?s3([.-][a-z0-9-]+)*\.amazonaws\.com(\.cn)?")
_FUNCTION_URL: Final = re.compile(r".*\.lambda-url\.[a-z0-9-]+\.on\.aws")


def _given(node: Node) -> bool:
    """Whether a property was set, be its value known or not."""
    return not node.known or not (node.missing or (node.is_text and not node.text()))


_BEHAVIORS: Final = ("defaultCacheBehavior", "orderedCacheBehaviors", "cacheBehaviors")
"""A distribution for many tenants calls the later ones `cacheBehaviors`."""


def _each_behavior(distribution: Resource, check: Callable[[Node], Iterator[Finding]]) -> Iterator[Finding]:
    def of(key: str) -> Iterator[Finding]:
        behaviors = distribution[key]
        single = key == _BEHAVIORS[0]
        yield from each([behaviors] if single else behaviors.items(), check)

    yield from each(_BEHAVIORS, of)


def _custom_configs(origin: Node) -> list[Node]:
    """What makes an origin one that isn't S3; a distribution for many tenants has a list."""
    single = origin["customOriginConfig"]
    return [*([single] if _given(single) else []), *origin["customOriginConfigs"].items()]


def check_private_origin(resource: Resource, settings: Settings) -> Iterator[Finding]:
    if resource.kind == ACCESS_CONTROL:
        behavior = resource["signingBehavior"]
        if behavior.text() == "never":
            yield Violation(
                found="signingBehavior is 'never', so what it is attached to must be public", expected="always"
            )
        return
    identities = settings.flag("allowOriginAccessIdentity")
    yield from each(resource["origins"].items(), lambda origin: _exposed_origin(origin, identities))


def _exposed_origin(origin: Node, identities: bool) -> Iterator[Finding]:
    domain = origin["domainName"]
    name = domain.text().lower().rstrip(".") if domain.known else ""
    if _WEBSITE.fullmatch(name):
        yield Violation(
            found=f"{domain.path} is an S3 website endpoint, which is public and speaks no TLS",
            expected="the bucket's REST endpoint (bucketRegionalDomainName) with origin access control",
        )
        return
    if _given(origin["vpcOriginConfig"]) or origin["vpcOriginConfigs"].items():
        return
    if _given(origin["originAccessControlId"]):
        return
    identity = origin["s3OriginConfig"]
    if not identity.known or _given(identity["originAccessIdentity"]):
        if not identities:
            yield Violation(
                found=f"{identity.path} uses an origin access identity", expected="origin access control in its place"
            )
        return
    is_custom = bool(_custom_configs(origin))
    if not domain.known and is_custom:
        yield NotYetKnown(path=domain.path, why="may be a bucket or a function URL, and no access control is set")
    elif not is_custom or _BUCKET.fullmatch(name) or _FUNCTION_URL.fullmatch(name):
        kind = "a function URL" if _FUNCTION_URL.fullmatch(name) else "a bucket"
        yield Violation(
            found=f"{origin.path} is {kind} without origin access control, so it has to be public",
            expected="originAccessControlId",
        )


PRIVATE_ORIGIN: Final = Rule(
    id="cloudfront-private-origin",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    title="Origins are private",
    description="Buckets and function URLs behind a distribution answer to that distribution only.",
    why="A public origin can be read past CloudFront: without its TLS, its firewall, its headers and its logs.",
    fix=(
        "Use the bucket's REST endpoint with an aws.cloudfront.OriginAccessControl (signingBehavior always) and let "
        "the bucket policy allow cloudfront.amazonaws.com with aws:SourceArn = the distribution."
    ),
    link="https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
    "private-content-restricting-access-to-s3.html",
    kinds=(*DISTRIBUTIONS, ACCESS_CONTROL),
    peers=("checkov CKV2_AWS_46", "Security Hub CloudFront.13, CloudFront.16", "cdk-nag CFR6, CFR7"),
    schema={
        "allowOriginAccessIdentity": {
            "type": "boolean",
            "default": True,
            "description": "Whether the older origin access identities count as private, too.",
        }
    },
    check=check_private_origin,
)

_PROTOCOL: Final = re.compile(r"TLSv1\.(\d)_(\d{4})")
_OLD_PROTOCOLS: Final = frozenset({"SSLv3", "TLSv1", "TLSv1.1"})


def check_https(resource: Resource, settings: Settings) -> Iterator[Finding]:
    yield from _each_behavior(resource, _plain_behavior)
    yield from each([resource["viewerCertificate"]], lambda certificate: _weak_certificate(certificate, settings))
    yield from each(resource["origins"].items(), _plain_origin)


def _plain_behavior(behavior: Node) -> Iterator[Finding]:
    policy = behavior["viewerProtocolPolicy"]
    if policy.text("allow-all") not in {"redirect-to-https", "https-only"}:
        yield Violation(found=f"{policy.path} is {shown(policy.text('allow-all'))}", expected="redirect-to-https")


def _weak_certificate(certificate: Node, settings: Settings) -> Iterator[Finding]:
    if not (_given(certificate["acmCertificateArn"]) or _given(certificate["iamCertificateId"])):
        if settings.flag("requireOwnCertificate"):
            yield Violation(
                found=f"{certificate.path} is CloudFront's own certificate, which allows TLS 1.0",
                expected="a certificate of your own with a minimumProtocolVersion",
            )
        return
    version = certificate["minimumProtocolVersion"]
    least = settings["minimumProtocolVersion"].text()
    if _strength(version.text("TLSv1")) < _strength(least):
        state = "not set, so TLSv1 applies" if version.missing else shown(version.text())
        yield Violation(found=f"{version.path} is {state}", expected=f"{least} or later")


def _strength(version: str) -> tuple[int, int]:
    """Protocol and year of a security policy; those before TLS 1.1 have none."""
    match = _PROTOCOL.fullmatch(version)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _plain_origin(origin: Node) -> Iterator[Finding]:
    for config in _custom_configs(origin):
        policy = config["originProtocolPolicy"]
        if policy.text() == "http-only":
            yield Violation(found=f"{policy.path} is 'http-only'", expected="https-only")
            continue
        old = sorted({item.text() for item in config["originSslProtocols"].items()} & _OLD_PROTOCOLS)
        if old:
            yield Violation(found=f"{config.path}.originSslProtocols has {', '.join(old)}", expected="TLSv1.2 only")


HTTPS: Final = Rule(
    id="cloudfront-https",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    title="HTTPS on both sides",
    description="Each cache behaviour sends viewers to HTTPS, each origin is asked over it, with TLS 1.2 or later.",
    why="Plain HTTP can be read and changed on the way; one behaviour that allows it undoes the others.",
    fix=(
        "Set viewerProtocolPolicy to redirect-to-https in every behaviour, originProtocolPolicy to https-only with "
        "originSslProtocols [TLSv1.2], and with a certificate of your own minimumProtocolVersion."
    ),
    link="https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-https.html",
    kinds=DISTRIBUTIONS,
    peers=(
        "checkov CKV_AWS_34, CKV_AWS_174",
        "trivy AWS-0012, AWS-0013",
        "Security Hub CloudFront.3, CloudFront.9, CloudFront.10, CloudFront.15",
        "cdk-nag CFR4, CFR5",
    ),
    schema={
        "minimumProtocolVersion": {
            "type": "string",
            "enum": ["TLSv1.2_2018", "TLSv1.2_2019", "TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025"],
            "default": "TLSv1.2_2021",
            "description": "Oldest security policy for viewers of a distribution with its own certificate.",
        },
        "requireOwnCertificate": {
            "type": "boolean",
            "default": False,
            "description": "Refuse CloudFront's default certificate, with which AWS decides the security policy.",
        },
    },
    check=check_https,
)

HSTS: Final = "strict-transport-security"
NOSNIFF: Final = "x-content-type-options"
FRAME: Final = "x-frame-options"
CSP: Final = "content-security-policy"
REFERRER: Final = "referrer-policy"

_SECURITY_HEADERS: Final = frozenset({HSTS, NOSNIFF, FRAME, REFERRER})
MANAGED_POLICIES: Final[Mapping[str, frozenset[str]]] = {
    "67f7725c-6f97-4210-82d7-5512b31e9d03": _SECURITY_HEADERS,
    "e61eb60c-9c35-4d20-a928-2b84e02af89c": _SECURITY_HEADERS,
    "eaab4381-ed33-4a86-88ca-d9558dc6cd63": _SECURITY_HEADERS,
    "60669652-455b-4ae9-85a4-c4c02393f86c": frozenset(),
    "5cc3b908-e619-4b99-88e5-2cf7f45965bd": frozenset(),
}
"""AWS's own policies -> the security headers that they set [CloudFront developer guide, "Use managed response headers
policies"]: SecurityHeadersPolicy, the two CORS policies that include it, and the two that don't."""

_MAX_AGE: Final = re.compile(r"(?:^|[;\s])max-age\s*=\s*\"?(\d{1,12})", re.IGNORECASE)


def check_security_headers(resource: Resource, stack: Stack, settings: Settings) -> Iterator[Finding]:
    required = settings.texts("requiredHeaders")
    if not required:
        yield NotApplicable("the configuration requires no header")
        return
    yield from _each_behavior(resource, lambda behavior: _lacking_behavior(resource, behavior, stack, settings))


def _lacking_behavior(distribution: Resource, behavior: Node, stack: Stack, settings: Settings) -> Iterator[Finding]:
    required = settings.texts("requiredHeaders")
    reference = behavior["responseHeadersPolicyId"]
    if reference.known and not reference.text(""):
        yield Violation(
            found=f"{behavior.path} has no response headers policy", expected=f"one with {_listed(required)}"
        )
        return
    known_id = reference.text() if reference.known else ""
    if known_id in settings.texts("trustedPolicies"):
        return
    if known_id in MANAGED_POLICIES:
        missing = [header for header in required if header not in MANAGED_POLICIES[known_id]]
        if missing:
            yield _lacking(reference, "AWS's managed policy", missing)
        return
    links = [
        (policy, stack.link(distribution, reference, policy, "id"))
        for policy in stack.of("cloudfront:ResponseHeadersPolicy")
    ]
    policies = [policy for policy, link in links if link is Link.YES]
    for policy in policies:
        headers = _headers_of(policy, settings.number("leastHstsSeconds"))
        missing = [header for header in required if header not in headers]
        if missing:
            yield _lacking(reference, policy.label, missing)
    if not policies:
        yield NotYetKnown(path=reference.path, why="names no policy of this stack that can be read")


def _lacking(reference: Node, policy: str, missing: list[str]) -> Violation:
    return Violation(
        found=f"{reference.path} names {policy}, which sets no sufficient {_listed(missing)}",
        expected="a policy that sets them",
    )


def _listed(headers: list[str]) -> str:
    return ", ".join(headers)


def _headers_of(policy: Resource, least_hsts_seconds: float) -> set[str]:
    """The security headers that a policy sets, as far as they protect."""
    config = policy["securityHeadersConfig"]
    found: set[str] = set()
    if config["strictTransportSecurity"]["accessControlMaxAgeSec"].number(0) >= least_hsts_seconds:
        found.add(HSTS)
    for name, header in (("contentTypeOptions", NOSNIFF), ("frameOptions", FRAME), ("referrerPolicy", REFERRER)):
        if _given(config[name]):
            found.add(header)
    content = config["contentSecurityPolicy"]["contentSecurityPolicy"]
    custom = policy["customHeadersConfig"]["items"].items()
    values = [(CSP, content), *((item["header"].text("").lower(), item["value"]) for item in custom)]
    for header, value in values:
        found |= _protection(header, value, least_hsts_seconds)
    return found


def _protection(header: str, value: Node, least_hsts_seconds: float) -> set[str]:
    """What one header protects from, by its name and value; an unknown policy of content counts as one."""
    if header == CSP:
        if not _given(value):
            return set()
        return {CSP, FRAME} if value.known and "frame-ancestors" in value.text("").lower() else {CSP}
    if header == HSTS:
        age = _MAX_AGE.search(value.text(""))
        return {HSTS} if age and int(age[1]) >= least_hsts_seconds else set()
    expected = {NOSNIFF: ("nosniff",), FRAME: ("deny", "sameorigin")}.get(header)
    if expected is None:
        return {header}
    return {header} if value.text("").strip().lower() in expected else set()


SECURITY_HEADERS: Final = Rule(
    id="cloudfront-security-headers",
    level=Level.MANDATORY,
    severity=Severity.MEDIUM,
    title="Answers carry security headers",
    description="Each cache behaviour has a response headers policy with the security headers that are required.",
    why="Without them a browser may be sent back to HTTP, guess content types, or show the page in a hostile frame.",
    fix=(
        "Set responseHeadersPolicyId in every behaviour, to an aws.cloudfront.ResponseHeadersPolicy with "
        "securityHeadersConfig or to AWS's managed SecurityHeadersPolicy (67f7725c-6f97-4210-82d7-5512b31e9d03). "
        "Functions at the edge don't count: nobody can tell what they set."
    ),
    link="https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/modifying-response-headers.html",
    kinds=DISTRIBUTIONS,
    peers=("checkov CKV2_AWS_32, CKV_AWS_259", "Security Hub (none)"),
    schema={
        "requiredHeaders": {
            "type": "array",
            "items": {"type": "string", "enum": [HSTS, NOSNIFF, FRAME, CSP, REFERRER]},
            "default": [HSTS, NOSNIFF, FRAME],
            "description": "Headers, in lower case; frame-ancestors in a content-security-policy counts as "
            "x-frame-options. AWS's managed policies set no content-security-policy.",
        },
        "leastHstsSeconds": {
            "type": "integer",
            "minimum": 1,
            "default": 15_552_000,
            "description": "Least max-age of strict-transport-security; 180 days, as SSL Labs asks for.",
        },
        "trustedPolicies": {
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "default": [],
            "description": "Ids of policies made elsewhere that are known to be sufficient.",
        },
    },
    stack_check=check_security_headers,
)

RULES: Final = (PRIVATE_ORIGIN, HTTPS, SECURITY_HEADERS)
