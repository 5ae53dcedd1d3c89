"""EC2 rules: what they accept, what they refuse, and what they leave open."""

from typing import Any

import pytest

from policy.guardrails import ec2, networks
from tests.policy.harness import UNKNOWN, UNKNOWN_TEXT, resource, verdict

OPEN = [
    "0.0.0.0/0",
    "::/0",
    "0.0.0.0/1",
    "128.0.0.0/1",
    "1.2.3.4/0",
    "0::/0",
    "2000::/3",
    "2a00:1450::/31",
    "8.0.0.0/7",
    "0:0:0:0:0:0:0:0/0",
    " ::/0 ",
]
NARROW = ["10.0.0.0/8", "203.0.113.0/24", "8.0.0.0/8", "198.51.100.7/32", "fc00::/7", "2a00:1450::/32", "172.16.0.0/12"]


class TestIsOpen:
    @pytest.mark.parametrize("block", OPEN)
    def test_whole_internet_in_any_spelling(self, block: str):
        assert networks.is_open(block)

    @pytest.mark.parametrize("block", NARROW)
    def test_narrow_or_private_block(self, block: str):
        assert not networks.is_open(block)


def ingress(**properties: Any) -> dict[str, Any]:
    return {"protocol": "tcp", "fromPort": 22, "toPort": 22, **properties}


def group(*rules: Any, kind: str = "ec2:SecurityGroup", **properties: Any):
    return resource(kind, {"ingress": list(rules), **properties}, name="jobs")


def rule(direction: Any = "ingress", **properties: Any):
    return resource("ec2:SecurityGroupRule", {"type": direction, **ingress(**properties)})


def ingress_rule(**properties: Any):
    return resource("vpc:SecurityGroupIngressRule", {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, **properties})


class TestNoOpenIngress:
    @pytest.mark.parametrize("block", OPEN)
    def test_open_block_is_refused_wherever_it_is_written(self, block: str):
        shown = " ".join(block.split())
        for subject, path in (
            (group(ingress(cidrBlocks=["10.0.0.0/8", block])), "ingress[0].cidrBlocks[1]"),
            (group(ingress(ipv6CidrBlocks=[block])), "ingress[0].ipv6CidrBlocks[0]"),
            (group(ingress(cidrBlocks=[block]), kind="ec2:DefaultSecurityGroup"), "ingress[0].cidrBlocks[0]"),
            (rule(cidrBlocks=[block]), "cidrBlocks[0]"),
            (rule(ipv6CidrBlocks=[block]), "ipv6CidrBlocks[0]"),
            (ingress_rule(cidrIpv4=block), "cidrIpv4"),
            (ingress_rule(cidrIpv6=block), "cidrIpv6"),
        ):
            assert verdict(ec2.NO_OPEN_INGRESS, subject).found == [f"{path} is '{shown}' for tcp 22"]

    @pytest.mark.parametrize("block", NARROW)
    def test_narrow_block_passes(self, block: str):
        assert verdict(ec2.NO_OPEN_INGRESS, group(ingress(cidrBlocks=[block]))).status == "pass"
        assert verdict(ec2.NO_OPEN_INGRESS, rule(ipv6CidrBlocks=[block])).status == "pass"
        assert verdict(ec2.NO_OPEN_INGRESS, ingress_rule(cidrIpv4=block)).status == "pass"

    @pytest.mark.parametrize(
        "subject",
        [
            group(),
            resource("ec2:SecurityGroup"),
            group(egress=[{"protocol": "-1", "cidrBlocks": ["0.0.0.0/0"]}]),
            group(ingress(self=True, securityGroups=["sg-1"], prefixListIds=["pl-1"])),
            rule(sourceSecurityGroupId="sg-1"),
            ingress_rule(referencedSecurityGroupId="sg-1"),
        ],
    )
    def test_group_without_open_block_passes(self, subject: Any):
        assert verdict(ec2.NO_OPEN_INGRESS, subject).status == "pass"

    @pytest.mark.parametrize("direction", ["egress", "Egress"])
    def test_rule_that_lets_out_is_not_applicable(self, direction: str):
        answer = verdict(ec2.NO_OPEN_INGRESS, rule(direction, cidrBlocks=["0.0.0.0/0"]))
        assert (answer.not_applicable, answer.found) == (["the rule lets traffic out"], [])

    @pytest.mark.parametrize(
        ("properties", "traffic"),
        [
            ({"protocol": "-1", "fromPort": 0, "toPort": 0}, "all traffic"),
            ({"protocol": -1, "fromPort": 443, "toPort": 443}, "all traffic"),
            ({"protocol": "ALL"}, "all traffic"),
            ({"protocol": "udp", "fromPort": 0, "toPort": 65535}, "udp 0-65535"),
            ({"fromPort": "443", "toPort": 443.0}, "tcp 443"),
            ({"fromPort": UNKNOWN}, "ports that aren't known yet"),
            ({"protocol": UNKNOWN}, "ports that aren't known yet"),
        ],
    )
    def test_message_says_what_gets_in(self, properties: Any, traffic: str):
        subject = group(ingress(cidrBlocks=["::/0"], **properties))
        assert verdict(ec2.NO_OPEN_INGRESS, subject).found == [f"ingress[0].cidrBlocks[0] is '::/0' for {traffic}"]

    @pytest.mark.parametrize(
        ("properties", "status"),
        [
            ({"fromPort": 443, "toPort": 443}, "pass"),
            ({"fromPort": "80", "toPort": 80.0, "protocol": "6"}, "pass"),
            ({"fromPort": 443, "toPort": 443, "protocol": "TCP"}, "pass"),
            ({"fromPort": 80, "toPort": 81}, "violation"),
            ({"fromPort": 79, "toPort": 80}, "violation"),
            ({"fromPort": 0, "toPort": 65535}, "violation"),
            ({"fromPort": 80, "toPort": 443}, "violation"),
            ({"fromPort": 443, "toPort": 80}, "violation"),
            ({"fromPort": 80, "toPort": 82}, "violation"),
            ({"fromPort": 443, "toPort": 443, "protocol": "udp"}, "violation"),
            ({"fromPort": 443, "toPort": 443, "protocol": "-1"}, "violation"),
            ({"fromPort": UNKNOWN, "toPort": 443}, "unknown"),
        ],
    )
    def test_ports_for_everybody_are_a_setting(self, properties: Any, status: str):
        subject = group(ingress(cidrBlocks=["0.0.0.0/0"], **properties))
        assert verdict(ec2.NO_OPEN_INGRESS, subject, config={"allowedPorts": [443.0, 80]}).status == status

    @pytest.mark.parametrize("block", ["everywhere", "", "10.0.0.0/33", 7])
    def test_block_that_is_none_is_refused(self, block: Any):
        assert verdict(ec2.NO_OPEN_INGRESS, rule(cidrBlocks=[block])).status == "violation"

    def test_unknown_block_hides_no_other(self):
        subject = group(ingress(cidrBlocks=[UNKNOWN_TEXT, "0.0.0.0/0"], ipv6CidrBlocks=UNKNOWN), UNKNOWN)
        answer = verdict(ec2.NO_OPEN_INGRESS, subject)
        assert answer.unknown == ["ingress[0].cidrBlocks[0]", "ingress[0].ipv6CidrBlocks", "ingress[1]"]
        assert len(answer.found) == 1

    def test_rule_of_unknown_direction_is_judged(self):
        assert verdict(ec2.NO_OPEN_INGRESS, rule(UNKNOWN, cidrBlocks=["::/0"])).status == "violation"

    def test_prefix_list_of_everything_is_refused(self):
        subject = resource("ec2:ManagedPrefixList", {"entries": [{"cidr": "10.0.0.0/8"}, {"cidr": "0.0.0.0/0"}]})
        assert verdict(ec2.NO_OPEN_INGRESS, subject).found == [
            "entries[1].cidr is '0.0.0.0/0', so whoever names the list lets everybody in"
        ]
        entry = resource("ec2:ManagedPrefixListEntry", {"cidr": "::/0", "prefixListId": "pl-1"})
        assert verdict(ec2.NO_OPEN_INGRESS, entry).status == "violation"

    def test_other_prefix_list_passes(self):
        assert verdict(ec2.NO_OPEN_INGRESS, resource("ec2:ManagedPrefixList")).status == "pass"
        assert (
            verdict(ec2.NO_OPEN_INGRESS, resource("ec2:ManagedPrefixListEntry", {"cidr": "10.1.0.0/16"})).status
            == "pass"
        )

    def test_other_kinds_are_not_applicable(self):
        assert verdict(ec2.NO_OPEN_INGRESS, resource("vpc:SecurityGroupEgressRule")).status == "not applicable"
