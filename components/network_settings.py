"""Where jobs run: the settings of the network."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from components.settings_keys import KEYS
from components.settings_reader import Section


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """Where jobs run."""

    kind: str
    """`new`: a VPC with two public subnets and no NAT; `default`: the region's default VPC; `existing`: given ids."""
    subnet_ids: Sequence[str] = ()
    security_group_ids: Sequence[str] = ()
    assign_public_ip: bool
    """Whether a job gets a public address: needed where its subnets have no NAT."""


def read_network(top: Section) -> NetworkSettings:
    """Read `network`; problems are kept in the section."""
    section = top.section("network", KEYS["network"][1])
    section.refuse_unknown(("kind", "subnetIds", "securityGroupIds", "assignPublicIp"))
    kind = section.choice("kind", "new", ("new", "default", "existing"))
    subnets, groups = section.strings("subnetIds"), section.strings("securityGroupIds")
    if kind != "existing":
        for name in ("subnetIds", "securityGroupIds", "assignPublicIp"):
            if name in section.values:
                section.refuse(name, f"nothing: a {kind} network has its own", section.set_command("kind", "existing"))
        return NetworkSettings(kind=kind, assign_public_ip=True)
    for name, ids, prefix in (("subnetIds", subnets, "subnet"), ("securityGroupIds", groups, "sg")):
        if not ids or not all(re.fullmatch(rf"{prefix}-[0-9a-z]+", given) for given in ids):
            section.refuse(
                name,
                f"at least one id like {prefix}-0123456789abcdef0",
                section.set_command(f"{name}[0]", f"{prefix}-..."),
            )
    return NetworkSettings(
        kind=kind,
        subnet_ids=subnets,
        security_group_ids=groups,
        assign_public_ip=section.boolean("assignPublicIp", default=False),
    )
