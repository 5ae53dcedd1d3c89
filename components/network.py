"""Where jobs run: a network of the stack's own, the region's default one, or one that exists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import pulumi
import pulumi_aws as aws
from pulumi_aws import ec2

from components.settings import NetworkSettings

VPC_CIDR = "10.64.0.0/16"
SUBNET_CIDRS = ("10.64.0.0/20", "10.64.16.0/20")
"""Two public subnets of 4,091 addresses each: a job takes one."""


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    settings: NetworkSettings
    tags: Mapping[str, str]


class Network(pulumi.ComponentResource):
    """Subnets and security groups for jobs.

    A new network has two public subnets and no NAT gateway, which would cost more than most pipelines: a job gets a
    public address and a security group that lets nothing in.
    """

    subnet_ids: pulumi.Output[Sequence[str]]
    security_group_ids: pulumi.Output[Sequence[str]]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:Network", name, None, opts)
        self._name, self._tags, self._settings = name, args.tags, args.settings
        self._own_vpc_id: pulumi.Output[str] | None = None
        kind = args.settings.kind
        if kind == "existing":
            self.subnet_ids = pulumi.Output.from_input(list(args.settings.subnet_ids))
            self.security_group_ids = pulumi.Output.from_input(list(args.settings.security_group_ids))
        else:
            vpc_id, subnets = self._new() if kind == "new" else self._default()
            self._own_vpc_id = vpc_id
            self.subnet_ids = subnets
            self.security_group_ids = pulumi.Output.all(self._security_group(vpc_id).id)
        self.register_outputs({"subnetIds": self.subnet_ids, "securityGroupIds": self.security_group_ids})

    def vpc_id(self) -> pulumi.Output[str]:
        """The VPC of the subnets; of given subnets it is looked up, for which they must exist in a preview, too."""
        if self._own_vpc_id is not None:
            return self._own_vpc_id
        subnet = ec2.get_subnet_output(id=self._settings.subnet_ids[0], opts=pulumi.InvokeOutputOptions(parent=self))
        return subnet.vpc_id

    def _default(self) -> tuple[pulumi.Output[str], pulumi.Output[Sequence[str]]]:
        invoke = pulumi.InvokeOutputOptions(parent=self)
        vpc = ec2.get_vpc_output(default=True, opts=invoke)
        # The SDK takes an output here and resolves it; its annotation knows only plain strings.
        vpc_ids = cast("list[str]", [vpc.id])
        subnets = ec2.get_subnets_output(
            filters=[
                ec2.GetSubnetsFilterArgs(name="vpc-id", values=vpc_ids),
                ec2.GetSubnetsFilterArgs(name="default-for-az", values=["true"]),
            ],
            opts=invoke,
        )
        return vpc.id, subnets.ids

    def _new(self) -> tuple[pulumi.Output[str], pulumi.Output[Sequence[str]]]:
        own = pulumi.ResourceOptions(parent=self)
        vpc = ec2.Vpc(
            self._name,
            cidr_block=VPC_CIDR,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags=self._named_tags(self._name),
            opts=own,
        )
        gateway = ec2.InternetGateway(self._name, vpc_id=vpc.id, tags=self._named_tags(self._name), opts=own)
        routes = ec2.RouteTable(
            f"{self._name}-public", vpc_id=vpc.id, tags=self._named_tags(f"{self._name}-public"), opts=own
        )
        ec2.Route(
            f"{self._name}-internet",
            route_table_id=routes.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway.id,
            opts=own,
        )
        zones = aws.get_availability_zones_output(
            state="available",
            filters=[aws.GetAvailabilityZonesFilterArgs(name="opt-in-status", values=["opt-in-not-required"])],
            opts=pulumi.InvokeOutputOptions(parent=self),
        )
        subnets = [
            self._public_subnet(number, cidr, vpc, routes, zones.names[number - 1])
            for number, cidr in enumerate(SUBNET_CIDRS, 1)
        ]
        return vpc.id, pulumi.Output.all(*subnets)

    def _public_subnet(
        self, number: int, cidr: str, vpc: ec2.Vpc, routes: ec2.RouteTable, zone: pulumi.Input[str]
    ) -> pulumi.Output[str]:
        name = f"{self._name}-public-{number}"
        subnet = ec2.Subnet(
            name,
            vpc_id=vpc.id,
            cidr_block=cidr,
            availability_zone=zone,
            tags=self._named_tags(name),
            # A zone that AWS adds or reorders must not replace a subnet that jobs run in.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["availabilityZone"]),
        )
        ec2.RouteTableAssociation(
            name, subnet_id=subnet.id, route_table_id=routes.id, opts=pulumi.ResourceOptions(parent=self)
        )
        return subnet.id

    def _security_group(self, vpc_id: pulumi.Input[str]) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(
            f"{self._name}-jobs",
            description="Jobs: nothing in, everything out",
            vpc_id=vpc_id,
            ingress=[],  # said, not left out: the provider then takes away what others have let in
            egress=[ec2.SecurityGroupEgressArgs(protocol="-1", from_port=0, to_port=0, cidr_blocks=["0.0.0.0/0"])],
            tags=self._named_tags(f"{self._name}-jobs"),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _named_tags(self, name: str) -> dict[str, str]:
        """The console shows these resources by their Name tag."""
        return {**self._tags, "Name": name}
