"""A network: VPC, subnets, routes, security groups."""

import zlib
from collections.abc import Mapping
from typing import Any, Final

from sandbox.context import Context, Inputs, Outputs, tag_list


def vpc(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:ec2/vpc:Vpc`."""
    client = context.client("ec2")
    tags: dict[str, str] = inputs.get("tags", {})
    created = client.create_vpc(
        CidrBlock=inputs.need("cidrBlock"),
        **inputs.pascal(["instanceTenancy"]),
        **_tagged("vpc", tags),
    )["Vpc"]
    identifier = created["VpcId"]
    client.modify_vpc_attribute(VpcId=identifier, EnableDnsSupport={"Value": inputs.get("enableDnsSupport", True)})
    client.modify_vpc_attribute(VpcId=identifier, EnableDnsHostnames={"Value": inputs.get("enableDnsHostnames", False)})
    by_vpc = [{"Name": "vpc-id", "Values": [identifier]}]
    tables = client.describe_route_tables(Filters=by_vpc)["RouteTables"]
    groups = client.describe_security_groups(Filters=by_vpc)["SecurityGroups"]
    main_table = tables[0]["RouteTableId"] if tables else ""
    return identifier, {
        **_common(context, "vpc", identifier, tags),
        "mainRouteTableId": main_table,
        "defaultRouteTableId": main_table,
        "defaultSecurityGroupId": groups[0]["GroupId"] if groups else "",
    }


def internet_gateway(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:ec2/internetGateway:InternetGateway`."""
    client = context.client("ec2")
    tags: dict[str, str] = inputs.get("tags", {})
    gateway = client.create_internet_gateway(**_tagged("internet-gateway", tags))["InternetGateway"]
    identifier = gateway["InternetGatewayId"]
    vpc_id = inputs.get("vpcId")
    if vpc_id:
        client.attach_internet_gateway(InternetGatewayId=identifier, VpcId=vpc_id)
    return identifier, _common(context, "internet-gateway", identifier, tags)


def subnet(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:ec2/subnet:Subnet`."""
    client = context.client("ec2")
    tags: dict[str, str] = inputs.get("tags", {})
    created = client.create_subnet(
        VpcId=inputs.need("vpcId"),
        CidrBlock=inputs.need("cidrBlock"),
        **inputs.pascal(["availabilityZone", "availabilityZoneId"]),
        **_tagged("subnet", tags),
    )["Subnet"]
    identifier = created["SubnetId"]
    public = inputs.get("mapPublicIpOnLaunch")
    if public is not None:
        client.modify_subnet_attribute(SubnetId=identifier, MapPublicIpOnLaunch={"Value": public})
    zone = created["AvailabilityZone"]
    return identifier, {**_common(context, "subnet", identifier, tags), "availabilityZone": zone}


def route_table(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:ec2/routeTable:RouteTable`."""
    tags: dict[str, str] = inputs.get("tags", {})
    created = context.client("ec2").create_route_table(VpcId=inputs.need("vpcId"), **_tagged("route-table", tags))[
        "RouteTable"
    ]
    identifier = created["RouteTableId"]
    for entry in inputs.get("routes", []):
        target = {"cidrBlock": "DestinationCidrBlock", "gatewayId": "GatewayId", "natGatewayId": "NatGatewayId"}
        context.client("ec2").create_route(
            RouteTableId=identifier, **{target[key]: value for key, value in entry.items() if value is not None}
        )
    return identifier, _common(context, "route-table", identifier, tags)


def route(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:ec2/route:Route`."""
    table: str = inputs.need("routeTableId")
    properties = ["destinationCidrBlock", "destinationIpv6CidrBlock", "gatewayId", "natGatewayId"]
    request = inputs.pascal(properties)
    context.client("ec2").create_route(RouteTableId=table, **request)
    destination = request.get("DestinationCidrBlock") or request.get("DestinationIpv6CidrBlock", "")
    identifier = f"r-{table}{_hash(destination)}"
    return identifier, {"origin": "CreateRoute", "state": "active"}


def route_table_association(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:ec2/routeTableAssociation:RouteTableAssociation`."""
    answer = context.client("ec2").associate_route_table(**inputs.pascal(["routeTableId", "subnetId", "gatewayId"]))
    return answer["AssociationId"], {}


def security_group(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:ec2/securityGroup:SecurityGroup`; like the provider, it takes away AWS's own allow-all egress rule."""
    client = context.client("ec2")
    name: str = inputs.get("name") or inputs.name
    inputs.accept(["revokeRulesOnDelete"])
    tags: dict[str, str] = inputs.get("tags", {})
    identifier = client.create_security_group(
        GroupName=name,
        Description=inputs.get("description", "Managed by Pulumi"),
        VpcId=inputs.get("vpcId", ""),
        **_tagged("security-group", tags),
    )["GroupId"]
    found = client.describe_security_groups(GroupIds=[identifier])["SecurityGroups"][0]
    if found["IpPermissionsEgress"]:
        client.revoke_security_group_egress(GroupId=identifier, IpPermissions=found["IpPermissionsEgress"])
    egress = [_permission(rule) for rule in inputs.get("egress", [])]
    if egress:
        client.authorize_security_group_egress(GroupId=identifier, IpPermissions=egress)
    ingress = [_permission(rule) for rule in inputs.get("ingress", [])]
    if ingress:
        client.authorize_security_group_ingress(GroupId=identifier, IpPermissions=ingress)
    return identifier, {**_common(context, "security-group", identifier, tags), "name": name}


def security_group_rule(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule`: one rule of a group."""
    rule = inputs.camel(["fromPort", "toPort", "description"], ipProtocol="protocol")
    for cidr, plural in (("cidrIpv4", "cidrBlocks"), ("cidrIpv6", "ipv6CidrBlocks")):
        if inputs.get(cidr):
            rule[plural] = [inputs.get(cidr)]
    tags: dict[str, str] = inputs.get("tags", {})
    answer = context.client("ec2").authorize_security_group_egress(
        GroupId=inputs.need("securityGroupId"), IpPermissions=[_permission(rule)]
    )
    rules = answer.get("SecurityGroupRules") or [{"SecurityGroupRuleId": f"sgr-{_hash(str(rule))}"}]
    identifier = rules[0]["SecurityGroupRuleId"]
    return identifier, _common(context, "security-group-rule", identifier, tags)


def _permission(rule: Mapping[str, Any]) -> dict[str, Any]:
    known = {"protocol", "fromPort", "toPort", "cidrBlocks", "ipv6CidrBlocks", "description", "self", "securityGroups"}
    unknown = sorted(name for name, value in rule.items() if value and name not in known)
    if unknown:
        raise ValueError(f"the sandbox doesn't know {', '.join(unknown)} of a security group's rule")
    cidrs: list[str] = rule.get("cidrBlocks") or []
    ipv6_cidrs: list[str] = rule.get("ipv6CidrBlocks") or []
    groups: list[str] = rule.get("securityGroups") or []
    described = {"Description": rule["description"]} if rule.get("description") else {}
    permission: dict[str, Any] = {"IpProtocol": str(rule["protocol"])}
    if permission["IpProtocol"] != "-1":
        permission |= {"FromPort": rule["fromPort"], "ToPort": rule["toPort"]}
    permission["IpRanges"] = [{"CidrIp": cidr, **described} for cidr in cidrs]
    permission["Ipv6Ranges"] = [{"CidrIpv6": cidr, **described} for cidr in ipv6_cidrs]
    permission["UserIdGroupPairs"] = [{"GroupId": group, **described} for group in groups]
    return permission


def _tagged(kind: str, tags: Mapping[str, str]) -> dict[str, Any]:
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": tag_list(tags)}]} if tags else {}


def _common(context: Context, kind: str, identifier: str, tags: Mapping[str, str]) -> Outputs:
    return {"arn": context.arn("ec2", f"{kind}/{identifier}"), "ownerId": context.account_id, "tagsAll": tags}


def _hash(text: str) -> str:
    """The provider's own suffix of a route's id is a CRC32 too."""
    return str(zlib.crc32(text.encode()))


CREATORS: Final = {
    "aws:ec2/vpc:Vpc": vpc,
    "aws:ec2/internetGateway:InternetGateway": internet_gateway,
    "aws:ec2/subnet:Subnet": subnet,
    "aws:ec2/routeTable:RouteTable": route_table,
    "aws:ec2/route:Route": route,
    "aws:ec2/routeTableAssociation:RouteTableAssociation": route_table_association,
    "aws:ec2/securityGroup:SecurityGroup": security_group,
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": security_group_rule,
}
