"""Resources stay in the regions that were chosen."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Final

from .resources import GLOBAL_MODULES, Resource
from .rules import Finding, Level, NotApplicable, NotYetKnown, Rule, Settings, Severity, Violation, each
from .values import MISSING, Node, shown

PROVIDER: Final = "pulumi:providers:aws"
CLOUDFRONT_REGION: Final = "us-east-1"

_CLOUDFRONT_NAMESPACES: Final = frozenset({"AWS/Billing", "AWS/CloudFront", "AWS/Route53"})
"""Metrics that exist in one region only."""


def check_region_pin(resource: Resource, settings: Settings) -> Iterator[Finding]:
    allowed = settings.texts("regions")
    if not allowed:
        yield NotApplicable("the configuration pins no region")
    elif not resource.type.startswith("aws:") and resource.type != PROVIDER:
        yield NotApplicable("it is no resource of AWS")
    elif resource.kind.partition(":")[0] in GLOBAL_MODULES:
        yield NotApplicable("the service has no regions")
    else:
        yield from each((_own_region, _replicas), lambda part: part(resource, allowed))


def _own_region(resource: Resource, allowed: Sequence[str]) -> Iterator[Finding]:
    own = resource["region"]
    region = (
        Node(resource.provider.get("region", MISSING), "the provider's region") if own.known and own.missing else own
    )
    if region.missing:
        yield NotYetKnown(path="region", why="is told neither by the resource nor by its provider")
    elif region.text() != CLOUDFRONT_REGION or not _belongs_to_cloudfront(resource):
        yield from _outside(region, allowed)


def _belongs_to_cloudfront(resource: Resource) -> bool:
    """Whether a resource has to be in us-east-1, where CloudFront looks for it."""
    match resource.kind.partition(":"):
        case ("acm", _, _):
            return True
        case ("wafv2", _, _):
            return resource["scope"].text("") == "CLOUDFRONT"
        case ("cloudwatch", _, "MetricAlarm"):
            return resource["namespace"].text("") in _CLOUDFRONT_NAMESPACES
        case _:
            return False


def _replicas(resource: Resource, allowed: Sequence[str]) -> Iterator[Finding]:
    yield from each(_regions_of_copies(resource), lambda region: _outside(region, allowed))


def _regions_of_copies(resource: Resource) -> list[Node]:
    match resource.kind:
        case "dynamodb:Table" | "dynamodb:GlobalTable":
            return [copy["regionName"] for copy in resource["replicas"].items()]
        case "secretsmanager:Secret":
            return [copy["region"] for copy in resource["replicas"].items()]
        case "ecr:ReplicationConfiguration":
            rules = resource["replicationConfiguration"]["rules"].items()
            return [copy["region"] for rule in rules for copy in rule["destinations"].items()]
        case _:
            return []


def _outside(region: Node, allowed: Sequence[str]) -> Iterator[Finding]:
    if not any(fnmatchcase(region.text(), pattern) for pattern in allowed):
        yield Violation(found=f"{region.path} is {shown(region.text())}", expected=" or ".join(allowed))


REGION_PIN: Final = Rule(
    id="region-pin",
    level=Level.ADVISORY,
    severity=Severity.MEDIUM,
    title="Data stays in its regions",
    description="Resources and their replicas are in the regions that the configuration lists.",
    why="Data in another region may break what was promised about where it is, and is easily forgotten there.",
    fix="Set aws:region, or the provider's or the resource's region, to one of the listed; drop replicas elsewhere.",
    link="https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_examples_general.html",
    kinds=("*",),
    peers=("AWS Control Tower region deny", "Security Hub (none)"),
    schema={
        "regions": {
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "default": [],
            "description": "Regions, with `*` for any text, as eu-*; none pins nothing. What CloudFront needs in "
            "us-east-1 and global services are left alone.",
        }
    },
    check=check_region_pin,
)

RULES: Final = (REGION_PIN,)
