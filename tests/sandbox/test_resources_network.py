"""Networks: what the program asks for is what AWS's own calls read back, and what is deleted is gone."""

from typing import Any

import pytest

from sandbox.context import Clients
from sandbox.deploy import SandboxProvider
from tests.sandbox.conftest import REGION, TAG_LIST, TAGS, Create, refused


@pytest.fixture
def ec2(client: Clients) -> Any:
    return client("ec2")


@pytest.fixture
def vpc(create: Create) -> Any:
    return create("aws:ec2/vpc:Vpc", cidrBlock="10.1.0.0/16", enableDnsHostnames=True, tags=TAGS)


def test_vpc(vpc: Any, ec2: Any) -> None:
    read = ec2.describe_vpcs(VpcIds=[vpc.id])["Vpcs"][0]
    assert (read["CidrBlock"], read["Tags"], read["IsDefault"]) == ("10.1.0.0/16", TAG_LIST, False)
    for attribute, expected in (("enableDnsHostnames", True), ("enableDnsSupport", True)):
        answer = ec2.describe_vpc_attribute(VpcId=vpc.id, Attribute=attribute)
        assert answer[attribute[0].upper() + attribute[1:]]["Value"] is expected
    assert vpc["arn"] == f"arn:aws:ec2:{REGION}:000000000000:vpc/{vpc.id}"
    main = ec2.describe_route_tables(RouteTableIds=[vpc["mainRouteTableId"]])["RouteTables"][0]
    assert main["VpcId"] == vpc.id
    group = ec2.describe_security_groups(GroupIds=[vpc["defaultSecurityGroupId"]])["SecurityGroups"][0]
    assert (group["VpcId"], group["GroupName"]) == (vpc.id, "default")
    ec2.delete_vpc(VpcId=vpc.id)
    assert refused(ec2.describe_vpcs, VpcIds=[vpc.id]) == "InvalidVpcID.NotFound"


def test_internet_gateway(create: Create, vpc: Any, ec2: Any) -> None:
    gateway = create("aws:ec2/internetGateway:InternetGateway", vpcId=vpc.id, tags=TAGS)
    read = ec2.describe_internet_gateways(InternetGatewayIds=[gateway.id])["InternetGateways"][0]
    assert read["Attachments"] == [{"State": "available", "VpcId": vpc.id}]
    assert read["Tags"] == TAG_LIST
    assert refused(ec2.delete_internet_gateway, InternetGatewayId=gateway.id) == "DependencyViolation"
    ec2.detach_internet_gateway(InternetGatewayId=gateway.id, VpcId=vpc.id)
    ec2.delete_internet_gateway(InternetGatewayId=gateway.id)
    code = refused(ec2.describe_internet_gateways, InternetGatewayIds=[gateway.id])
    assert code == "InvalidInternetGatewayID.NotFound"


def test_subnet(create: Create, vpc: Any, ec2: Any) -> None:
    zone = f"{REGION}b"
    subnet = create(
        "aws:ec2/subnet:Subnet",
        vpcId=vpc.id,
        cidrBlock="10.1.1.0/24",
        availabilityZone=zone,
        mapPublicIpOnLaunch=True,
        tags=TAGS,
    )
    read = ec2.describe_subnets(SubnetIds=[subnet.id])["Subnets"][0]
    assert (read["VpcId"], read["CidrBlock"], read["AvailabilityZone"]) == (vpc.id, "10.1.1.0/24", zone)
    assert (read["MapPublicIpOnLaunch"], read["Tags"]) == (True, TAG_LIST)
    assert (subnet["arn"], subnet["availabilityZone"]) == (read["SubnetArn"], zone)
    ec2.delete_subnet(SubnetId=subnet.id)
    assert refused(ec2.describe_subnets, SubnetIds=[subnet.id]) == "InvalidSubnetID.NotFound"


def test_routes(create: Create, vpc: Any, ec2: Any) -> None:
    gateway = create("aws:ec2/internetGateway:InternetGateway", vpcId=vpc.id)
    subnet = create("aws:ec2/subnet:Subnet", vpcId=vpc.id, cidrBlock="10.1.2.0/24")
    table = create("aws:ec2/routeTable:RouteTable", vpcId=vpc.id, tags=TAGS)
    route = create("aws:ec2/route:Route", routeTableId=table.id, destinationCidrBlock="0.0.0.0/0", gatewayId=gateway.id)
    association = create(
        "aws:ec2/routeTableAssociation:RouteTableAssociation", routeTableId=table.id, subnetId=subnet.id
    )
    assert route.id == f"r-{table.id}1080289494"
    read = ec2.describe_route_tables(RouteTableIds=[table.id])["RouteTables"][0]
    assert read["Tags"] == TAG_LIST
    assert {entry["DestinationCidrBlock"]: entry["GatewayId"] for entry in read["Routes"]} == {
        "10.1.0.0/16": "local",
        "0.0.0.0/0": gateway.id,
    }
    found = [(entry["RouteTableAssociationId"], entry["SubnetId"]) for entry in read["Associations"]]
    assert found == [(association.id, subnet.id)]
    ec2.disassociate_route_table(AssociationId=association.id)
    ec2.delete_route(RouteTableId=table.id, DestinationCidrBlock="0.0.0.0/0")
    left = ec2.describe_route_tables(RouteTableIds=[table.id])["RouteTables"][0]
    assert (len(left["Routes"]), left["Associations"]) == (1, [])
    ec2.delete_route_table(RouteTableId=table.id)
    assert refused(ec2.describe_route_tables, RouteTableIds=[table.id]) == "InvalidRouteTableID.NotFound"


def test_route_table_with_its_routes(create: Create, vpc: Any, ec2: Any) -> None:
    gateway = create("aws:ec2/internetGateway:InternetGateway", vpcId=vpc.id)
    routes = [{"cidrBlock": "0.0.0.0/0", "gatewayId": gateway.id, "natGatewayId": None}]
    table = create("aws:ec2/routeTable:RouteTable", vpcId=vpc.id, routes=routes)
    read = ec2.describe_route_tables(RouteTableIds=[table.id])["RouteTables"][0]["Routes"]
    assert ("0.0.0.0/0", gateway.id) in [(entry["DestinationCidrBlock"], entry["GatewayId"]) for entry in read]


def test_security_group(create: Create, vpc: Any, ec2: Any, unique: str) -> None:
    group = create(
        "aws:ec2/securityGroup:SecurityGroup",
        name=unique,
        description="jobs",
        vpcId=vpc.id,
        egress=[
            {
                "protocol": "tcp",
                "fromPort": 443,
                "toPort": 443,
                "cidrBlocks": ["0.0.0.0/0"],
                "ipv6CidrBlocks": ["::/0"],
                "description": "HTTPS",
            }
        ],
        tags=TAGS,
    )
    read = ec2.describe_security_groups(GroupIds=[group.id])["SecurityGroups"][0]
    assert (read["GroupName"], read["Description"], read["VpcId"]) == (unique, "jobs", vpc.id)
    assert (read["Tags"], read["IpPermissions"]) == (TAG_LIST, [])
    assert read["IpPermissionsEgress"] == [
        {
            "IpProtocol": "tcp",
            "FromPort": 443,
            "ToPort": 443,
            "UserIdGroupPairs": [],
            "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "HTTPS"}],
            "Ipv6Ranges": [{"CidrIpv6": "::/0", "Description": "HTTPS"}],
            "PrefixListIds": [],
        }
    ]
    ec2.delete_security_group(GroupId=group.id)
    assert refused(ec2.describe_security_groups, GroupIds=[group.id]) == "InvalidGroup.NotFound"


def test_a_security_group_without_rules_lets_nothing_out(create: Create, vpc: Any, ec2: Any, unique: str) -> None:
    group = create("aws:ec2/securityGroup:SecurityGroup", name=unique, vpcId=vpc.id)
    read = ec2.describe_security_groups(GroupIds=[group.id])["SecurityGroups"][0]
    assert read["IpPermissionsEgress"] == []
    assert read["Description"] == "Managed by Pulumi"


def test_a_security_group_that_lets_all_out(create: Create, vpc: Any, ec2: Any, unique: str) -> None:
    everything = {"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}
    group = create("aws:ec2/securityGroup:SecurityGroup", name=unique, vpcId=vpc.id, egress=[everything])
    (rule,) = ec2.describe_security_groups(GroupIds=[group.id])["SecurityGroups"][0]["IpPermissionsEgress"]
    assert (rule["IpProtocol"], rule["IpRanges"]) == ("-1", [{"CidrIp": "0.0.0.0/0"}])
    assert "FromPort" not in rule


def test_a_rule_of_its_own(create: Create, vpc: Any, ec2: Any, unique: str) -> None:
    group = create("aws:ec2/securityGroup:SecurityGroup", name=unique, vpcId=vpc.id)
    rule = create(
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        securityGroupId=group.id,
        ipProtocol="tcp",
        fromPort=443,
        toPort=443,
        cidrIpv4="0.0.0.0/0",
    )
    assert rule.id.startswith("sgr-")
    (read,) = ec2.describe_security_groups(GroupIds=[group.id])["SecurityGroups"][0]["IpPermissionsEgress"]
    assert (read["FromPort"], read["IpRanges"]) == (443, [{"CidrIp": "0.0.0.0/0"}])


def test_the_default_network_is_found(provider: SandboxProvider, vpc: Any, ec2: Any) -> None:
    other, vpc = vpc, provider.invoke("aws:ec2/getVpc:getVpc", {"default": True})
    for name in ("is-default", "isDefault"):
        (found,) = ec2.describe_vpcs(Filters=[{"Name": name, "Values": ["true"]}])["Vpcs"]
        assert found["VpcId"] == vpc["id"] != other.id
    assert provider.invoke("aws:ec2/getVpc:getVpc", {"id": vpc["id"]}) == vpc
    of_vpc = [{"name": "vpc-id", "values": [vpc["id"]]}]
    subnets = provider.invoke("aws:ec2/getSubnets:getSubnets", {"filters": of_vpc})
    assert len(subnets["ids"]) == 3
    read = ec2.describe_subnets(SubnetIds=subnets["ids"])["Subnets"]
    assert {entry["VpcId"] for entry in read} == {vpc["id"]}
    wanted = {"name": "default", "vpcId": vpc["id"]}
    group = provider.invoke("aws:ec2/getSecurityGroup:getSecurityGroup", wanted)
    assert provider.invoke("aws:ec2/getSecurityGroup:getSecurityGroup", {"id": group["id"]}) == group


def test_account_region_and_zones(provider: SandboxProvider) -> None:
    assert provider.invoke("aws:index/getCallerIdentity:getCallerIdentity", {})["accountId"] == "000000000000"
    assert provider.invoke("aws:index/getRegion:getRegion", {})["region"] == REGION
    zones = provider.invoke("aws:index/getAvailabilityZones:getAvailabilityZones", {"state": "available"})
    assert zones["names"] == [f"{REGION}{letter}" for letter in "abc"]
