"""Rules for EC2: nothing lets the whole internet in."""

from collections.abc import Iterator, Sequence
from typing import Final

from . import networks
from .resources import Resource
from .rules import Finding, Level, NotApplicable, Rule, Settings, Severity, Violation, each
from .values import Node, NotYetKnownError, shown

GROUPS: Final = ("ec2:SecurityGroup", "ec2:DefaultSecurityGroup")
GROUP_RULE: Final = "ec2:SecurityGroupRule"
INGRESS_RULE: Final = "vpc:SecurityGroupIngressRule"
PREFIX_LIST: Final = "ec2:ManagedPrefixList"
PREFIX_LIST_ENTRY: Final = "ec2:ManagedPrefixListEntry"

_TCP: Final = frozenset({"tcp", "6"})
_LISTS: Final = ("cidrBlocks", "ipv6CidrBlocks")


def check_no_open_ingress(resource: Resource, settings: Settings) -> Iterator[Finding]:
    own = Node(dict(resource.properties), "")
    if resource.kind in GROUPS:
        yield from each(resource["ingress"].items(), lambda rule: _open_lists(rule, rule["protocol"], settings))
    elif resource.kind == GROUP_RULE:
        direction = resource["type"]
        if direction.known and direction.text().lower() == "egress":
            yield NotApplicable("the rule lets traffic out")
            return
        yield from _open_lists(own, own["protocol"], settings)
    elif resource.kind == INGRESS_RULE:
        yield from _open_blocks([own["cidrIpv4"], own["cidrIpv6"]], own, own["ipProtocol"], settings)
    else:
        entries = resource["entries"].items() if resource.kind == PREFIX_LIST else [own]
        yield from each([entry["cidr"] for entry in entries], _open_entry)


def _open_lists(rule: Node, protocol: Node, settings: Settings) -> Iterator[Finding]:
    yield from each(_LISTS, lambda key: _open_blocks(rule[key].items(), rule, protocol, settings))


def _open_blocks(blocks: Sequence[Node], rule: Node, protocol: Node, settings: Settings) -> Iterator[Finding]:
    yield from each(blocks, lambda block: _open_block(block, rule, protocol, settings))


def _open_block(block: Node, rule: Node, protocol: Node, settings: Settings) -> Iterator[Finding]:
    if block.missing or not _is_open(block) or _may_be_open(rule, protocol, settings):
        return
    yield Violation(
        found=f"{block.path} is {shown(block.text())} for {_traffic(rule, protocol)}",
        expected="the addresses, security groups or prefix lists that have to get in",
    )


def _open_entry(block: Node) -> Iterator[Finding]:
    if _is_open(block):
        yield Violation(
            found=f"{block.path} is {shown(block.text())}, so whoever names the list lets everybody in",
            expected="a prefix list of narrower blocks",
        )


def _is_open(block: Node) -> bool:
    try:
        return networks.is_open(block.text())
    except ValueError:
        raise block.malformed("a CIDR block") from None


def _may_be_open(rule: Node, protocol: Node, settings: Settings) -> bool:
    """Whether the configuration allows each port of a rule to be open. With any other protocol than TCP none is."""
    allowed = {item.number() for item in settings["allowedPorts"].items()}
    if not allowed or protocol.text().lower() not in _TCP:
        return False
    first, last = rule["fromPort"].number(), rule["toPort"].number()
    return 0 <= last - first < len(allowed) and all(port in allowed for port in range(int(first), int(last) + 1))


def _traffic(rule: Node, protocol: Node) -> str:
    """What a rule lets in, as far as it is known."""
    try:
        name = protocol.text("-1").lower()
        if name in {"-1", "all"}:
            return "all traffic"
        first, last = rule["fromPort"].number(0), rule["toPort"].number(0)
    except NotYetKnownError:
        return "ports that aren't known yet"
    ports = f"{first:g}" if first == last else f"{first:g}-{last:g}"
    return f"{name[:16]} {ports}"


NO_OPEN_INGRESS: Final = Rule(
    id="sg-no-open-ingress",
    level=Level.MANDATORY,
    severity=Severity.CRITICAL,
    title="No ingress from everywhere",
    description="No security group lets the whole internet in, over IPv4 or IPv6.",
    why="What listens behind an open port is found and tried within minutes.",
    fix=(
        "Name the address ranges, security groups or prefix lists that need access. Where a port is meant for "
        "everybody, as 443 of a public load balancer, list it in allowedPorts of the configuration."
    ),
    link="https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
    kinds=(*GROUPS, GROUP_RULE, INGRESS_RULE, PREFIX_LIST, PREFIX_LIST_ENTRY),
    peers=(
        "checkov CKV_AWS_24, CKV_AWS_25, CKV_AWS_260, CKV_AWS_277",
        "trivy AWS-0107",
        "Security Hub EC2.13, EC2.14, EC2.18, EC2.19",
        "cdk-nag EC23",
    ),
    schema={
        "allowedPorts": {
            "type": "array",
            "items": {"type": "integer", "minimum": 0},
            "default": [],
            "description": "TCP ports that may be open to everybody.",
        }
    },
    check=check_no_open_ingress,
)

RULES: Final = (NO_OPEN_INGRESS,)
