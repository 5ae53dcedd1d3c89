"""Rules for ECR: private repositories, who may use them, and that images don't pile up."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

from . import iam_documents, lifecycle
from .resources import Link, Resource, Stack, any_link
from .rules import Finding, Level, NotApplicable, NotYetKnown, Rule, Settings, Severity, Violation, each
from .values import Node, shown

REPOSITORY: Final = "ecr:Repository"
AUTOMATIC_SCANS: Final = ("SCAN_ON_PUSH", "CONTINUOUS_SCAN")
TEMPLATE: Final = "ecr:RepositoryCreationTemplate"


def check_no_public_registry(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    # The type alone decides: reading a property would leave the question open while that property is unknown.
    yield Violation(found=f"is a public registry resource ({resource.type})", expected="no resource of ECR Public")


NO_PUBLIC_REGISTRY: Final = Rule(
    id="ecr-no-public-registry",
    level=Level.MANDATORY,
    severity=Severity.CRITICAL,
    title="No public container registry",
    description="Container images live in private ECR repositories, never in ECR Public.",
    why="Anybody can pull from a public repository, so code, models and secrets in layers are published.",
    fix="Replace it by aws.ecr.Repository and grant the accounts that pull in a repository policy.",
    link="https://docs.aws.amazon.com/AmazonECR/latest/userguide/Repositories.html",
    kinds=("ecrpublic:*", "aws-native:ecr:PublicRepository"),
    check=check_no_public_registry,
)


def check_policy_no_wildcard(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    key = "repositoryPolicy" if resource.kind == TEMPLATE else "policy"
    policy = resource[key]
    if policy.missing and resource.kind == TEMPLATE:
        yield NotApplicable("the template sets no repository policy")
        return
    yield from each(iam_documents.statements(policy), _wildcards_of)


def _wildcards_of(statement: Node) -> Iterator[Finding]:
    if not iam_documents.allows(statement):
        return
    excluded = iam_documents.member(statement, iam_documents.NOT_PRINCIPAL)
    if not excluded.missing:
        yield Violation(
            found=f"{excluded.path} allows everybody but the listed principals",
            expected="an Allow that lists its principals",
        )
        return
    listed = list(iam_documents.principals(statement))
    if not listed:
        yield Violation(
            found=f"{statement.path} allows without a principal", expected="an Allow that lists its principals"
        )
    open_principals = [(kind, node) for kind, node in listed if iam_documents.is_open_principal(node.text())]
    if not open_principals or iam_documents.is_narrowed(statement):
        return
    kind, node = open_principals[0]
    yield Violation(
        found=f"{node.path} allows {kind} {shown(node.text())}, narrowed by no condition that names its callers",
        expected="listed accounts, roles or services, or a condition on a listed organisation or account",
    )


POLICY_NO_WILDCARD: Final = Rule(
    id="ecr-policy-no-wildcard",
    level=Level.MANDATORY,
    severity=Severity.CRITICAL,
    title="No registry policy for everybody",
    description="Repository and registry policies allow only listed accounts, organisations, roles or services.",
    why="A wildcard principal makes a private repository readable, or writable, for every AWS account.",
    fix=(
        "List the principals in Principal, or add a condition such as StringEquals aws:PrincipalOrgID with your "
        "organisation's id; conditions with IfExists and ForAllValues don't narrow."
    ),
    link="https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html",
    kinds=("ecr:RepositoryPolicy", "ecr:RegistryPolicy", TEMPLATE),
    peers=("checkov CKV_AWS_32", "trivy AWS-0032", "prowler ecr_repositories_not_publicly_accessible"),
    check=check_policy_no_wildcard,
)


def check_lifecycle_present(resource: Resource, stack: Stack, _settings: Settings) -> Iterator[Finding]:
    policies = stack.of("ecr:LifecyclePolicy")
    links = {policy: stack.link(policy, policy["repository"], resource, "name") for policy in policies}
    found = any_link(links.values())
    if found is Link.UNKNOWN:
        unclear = ", ".join(sorted({policy.name for policy, link in links.items() if link is Link.UNKNOWN}))
        yield NotYetKnown(path="repository", why=f"of the lifecycle policies {unclear} may name it")
    elif found is Link.NO:
        others = f"{len(policies)} in the stack name other repositories" if policies else "there is none in the stack"
        yield Violation(found=f"no lifecycle policy names it ({others})", expected="one aws.ecr.LifecyclePolicy for it")


LIFECYCLE_PRESENT: Final = Rule(
    id="ecr-lifecycle-present",
    level=Level.MANDATORY,
    severity=Severity.MEDIUM,
    title="Each repository has a lifecycle policy",
    description="Each ECR repository has a lifecycle policy in the same stack that names it.",
    why="Without one, each build stays and is paid for, and scanners keep reporting images that nobody runs.",
    fix="Add aws.ecr.LifecyclePolicy with repository=<the repository's name>, in the same region.",
    link="https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html",
    kinds=(REPOSITORY,),
    peers=("Security Hub ECR.3", "prowler ecr_repositories_lifecycle_policy_enabled"),
    stack_check=check_lifecycle_present,
)


def check_lifecycle_effective(resource: Resource, settings: Settings) -> Iterator[Finding]:
    key = "lifecyclePolicy" if resource.kind == TEMPLATE else "policy"
    policy = resource[key]
    if policy.missing and resource.kind == TEMPLATE:
        yield NotApplicable("the template sets no lifecycle policy")
        return
    rules = lifecycle.parse(policy)
    if not rules:
        yield Violation(found="the policy has no rules", expected="rules that expire images")
        return
    for refusal in lifecycle.refusals(rules):
        yield Violation(found=refusal, expected="a policy that ECR accepts")
    untagged, tagged = lifecycle.ending_of_untagged(rules), lifecycle.ending_of_tagged(rules)
    if untagged is None:
        yield Violation(
            found="no rule expires untagged images", expected="a rule with tagStatus untagged or any, action expire"
        )
    if tagged is None:
        yield Violation(
            found="no rule bounds the total: images with other tags stay for ever",
            expected="a last rule with tagStatus any (or tagged with tagPatternList ['*']), action expire",
        )
    for rule in dict.fromkeys(rule for rule in (untagged, tagged) if rule is not None):
        most = settings.number("mostImages" if rule.count_type == lifecycle.COUNT else "mostDays")
        if rule.count > most:
            yield Violation(
                found=f"{rule.path} keeps {rule.count} {'images' if rule.count_type == lifecycle.COUNT else 'days'}",
                expected=f"at most {most:.0f}, so that the rule ever expires something",
            )


LIFECYCLE_EFFECTIVE: Final = Rule(
    id="ecr-lifecycle-effective",
    level=Level.MANDATORY,
    severity=Severity.MEDIUM,
    title="Lifecycle policies really expire images",
    description="A lifecycle policy expires untagged images and bounds how many images a repository keeps.",
    why="A policy without effect looks like one with effect in every list of resources.",
    fix=(
        "Give it two rules: tagStatus untagged after a few days, and last, with the highest rulePriority, tagStatus "
        "any with countType imageCountMoreThan; numbers as JSON numbers."
    ),
    link="https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html",
    kinds=("ecr:LifecyclePolicy", TEMPLATE),
    schema={
        "mostImages": {
            "type": "integer",
            "minimum": 1,
            "default": 10_000,
            "description": "Largest number of images that a rule may keep; a repository holds 100,000 at most.",
        },
        "mostDays": {
            "type": "integer",
            "minimum": 1,
            "default": 3650,
            "description": "Longest age that a rule may keep.",
        },
    },
    check=check_lifecycle_effective,
)


def check_immutable_tags(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    mutability = resource["imageTagMutability"].text("MUTABLE").upper()
    if mutability == "IMMUTABLE":
        return
    if mutability != "IMMUTABLE_WITH_EXCLUSION":
        state = "not set, so tags are mutable" if resource["imageTagMutability"].missing else shown(mutability)
        yield Violation(found=f"imageTagMutability is {state}", expected="IMMUTABLE or IMMUTABLE_WITH_EXCLUSION")
        return
    for excluded in resource["imageTagMutabilityExclusionFilters"].items():
        pattern = excluded["filter"]
        if set(pattern.text()) == {"*"}:
            yield Violation(found=f"{pattern.path} excludes every tag", expected="filters for cache tags only")


IMMUTABLE_TAGS: Final = Rule(
    id="ecr-immutable-tags",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    title="Immutable image tags",
    description="A tag that was pushed once can't be pushed again with another image.",
    why="Who can push may otherwise replace the image behind a tag that was reviewed and scanned.",
    fix="Set imageTagMutability to IMMUTABLE; for a build cache, IMMUTABLE_WITH_EXCLUSION with a filter for its tag.",
    link="https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html",
    kinds=(REPOSITORY, TEMPLATE),
    peers=("checkov CKV_AWS_51", "trivy AWS-0031", "Security Hub ECR.2"),
    check=check_immutable_tags,
)


def check_scan_on_push(resource: Resource, stack: Stack, _settings: Settings) -> Iterator[Finding]:
    scanning = resource["imageScanningConfiguration"]
    flag = scanning["scanOnPush"] if scanning.known else scanning
    if flag.known and flag.flag(default=False):
        return
    if any(_registry_scans(registry, resource) for registry in stack.of("ecr:RegistryScanningConfiguration")):
        return
    state = "not set" if flag.missing else "false"
    yield Violation(
        found=f"imageScanningConfiguration.scanOnPush is {state}, and no registry scanning in the stack covers it",
        expected="scanOnPush true",
    )


def _registry_scans(registry: Resource, repository: Resource) -> bool:
    if registry.is_elsewhere(repository):
        return False
    return any(
        _matches(pattern["filter"].text(), repository["name"])
        for rule in registry["rules"].items()
        if rule["scanFrequency"].equals(*AUTOMATIC_SCANS)
        for pattern in rule["repositoryFilters"].items()
    )


def _matches(pattern: str, name: Node) -> bool:
    """A filter of registry scanning: with `*` it matches the whole name, without it any part of the name."""
    if set(pattern) == {"*"}:
        return True
    return fnmatchcase(name.text(), pattern if "*" in pattern else f"*{pattern}*")


SCAN_ON_PUSH: Final = Rule(
    id="ecr-scan-on-push",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    title="Images are scanned",
    description="Each repository scans images on push, by itself or by the registry's scanning.",
    why="Known vulnerabilities in an image are otherwise found by somebody else.",
    fix="Set imageScanningConfiguration to {scanOnPush: true}, or cover it by a RegistryScanningConfiguration.",
    link="https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning.html",
    kinds=(REPOSITORY,),
    peers=(
        "checkov CKV_AWS_163",
        "trivy AWS-0030",
        "Security Hub ECR.1",
        "prowler ecr_repositories_scan_images_on_push_enabled",
    ),
    stack_check=check_scan_on_push,
)


def check_kms(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    configurations = resource["encryptionConfigurations"].items()
    types = [configuration["encryptionType"].text("AES256") for configuration in configurations]
    if not any(encryption.startswith("KMS") for encryption in types):
        found = (
            f"encryptionType is {shown(types[0])}"
            if types
            else "encryptionConfigurations is not set, so AES256 applies"
        )
        yield Violation(found=found, expected="KMS")


KMS: Final = Rule(
    id="ecr-kms",
    level=Level.ADVISORY,
    severity=Severity.LOW,
    title="Images are encrypted with a KMS key",
    description="Repositories encrypt images with a KMS key in place of ECR's own AES256.",
    why="Only a KMS key gives an audit trail of decryption and a way to withdraw it.",
    fix=(
        "Set encryptionConfigurations to [{encryptionType: KMS}], with kmsKey for a key of your own; a change replaces "
        "the repository."
    ),
    link="https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html",
    kinds=(REPOSITORY, TEMPLATE),
    peers=("checkov CKV_AWS_136", "trivy AWS-0033", "Security Hub ECR.5"),
    check=check_kms,
)

RULES: Final = (
    NO_PUBLIC_REGISTRY,
    POLICY_NO_WILDCARD,
    LIFECYCLE_PRESENT,
    LIFECYCLE_EFFECTIVE,
    IMMUTABLE_TAGS,
    SCAN_ON_PUSH,
    KMS,
)
