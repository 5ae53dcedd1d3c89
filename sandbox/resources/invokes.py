"""Provider functions: what a program asks AWS without creating anything."""

import base64
from collections.abc import Mapping
from typing import Any, Final

from sandbox.context import Context
from sandbox.errors import DeploymentError

_Answer = Mapping[str, Any]


def authorization_token(context: Context, args: Mapping[str, Any]) -> _Answer:
    """`aws:ecr/getAuthorizationToken:getAuthorizationToken`."""
    del args
    data = context.client("ecr").get_authorization_token()["authorizationData"][0]
    user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
    return {
        "id": context.region,
        "authorizationToken": data["authorizationToken"],
        "expiresAt": data["expiresAt"].isoformat(),
        "password": password,
        "proxyEndpoint": data["proxyEndpoint"],
        "userName": user,
    }


def repository(context: Context, args: Mapping[str, Any]) -> _Answer:
    """`aws:ecr/getRepository:getRepository`.

    Raises:
        DeploymentError: there is no such repository.
    """
    client = context.client("ecr")
    name: str = args["name"]
    registry: dict[str, Any] = {"registryId": args["registryId"]} if args.get("registryId") else {}
    try:
        found = client.describe_repositories(repositoryNames=[name], **registry)["repositories"][0]
    except client.exceptions.RepositoryNotFoundException as error:
        raise DeploymentError(
            f"There is no repository {name} in the sandbox. The stack that makes it is deployed first."
        ) from error
    return {
        "id": name,
        "name": name,
        "arn": found["repositoryArn"],
        "registryId": found["registryId"],
        "repositoryUrl": found["repositoryUri"],
        "imageTagMutability": found["imageTagMutability"],
        "tags": {},
    }


def availability_zones(context: Context, args: Mapping[str, Any]) -> _Answer:
    """`aws:index/getAvailabilityZones:getAvailabilityZones`."""
    del args
    zones = context.client("ec2").describe_availability_zones()["AvailabilityZones"]
    names = sorted(zone["ZoneName"] for zone in zones)
    identifiers = [zone["ZoneId"] for zone in sorted(zones, key=lambda zone: zone["ZoneName"])]
    return {"id": context.region, "names": names, "zoneIds": identifiers, "groupNames": [context.region]}


def caller_identity(context: Context, args: Mapping[str, Any]) -> _Answer:
    """`aws:index/getCallerIdentity:getCallerIdentity`."""
    del args
    identity = context.client("sts").get_caller_identity()
    return {
        "id": identity["Account"],
        "accountId": identity["Account"],
        "arn": identity["Arn"],
        "userId": identity["UserId"],
    }


def region(context: Context, args: Mapping[str, Any]) -> _Answer:
    """`aws:index/getRegion:getRegion`."""
    del args
    name = context.region
    return {"id": name, "region": name, "name": name, "description": name, "endpoint": context.address}


def vpc(context: Context, args: Mapping[str, Any]) -> _Answer:
    """`aws:ec2/getVpc:getVpc`, for the default VPC or one with a given id."""
    selection: dict[str, Any] = {}
    if args.get("id"):
        selection["VpcIds"] = [args["id"]]
    elif args.get("default"):
        selection["Filters"] = [{"Name": "is-default", "Values": ["true"]}]
    found = context.client("ec2").describe_vpcs(**selection)["Vpcs"][0]
    return {
        "id": found["VpcId"],
        "arn": context.arn("ec2", f"vpc/{found['VpcId']}"),
        "cidrBlock": found["CidrBlock"],
        "default": found["IsDefault"],
        "ownerId": context.account_id,
        "tags": {},
    }


def subnet(context: Context, args: Mapping[str, Any]) -> _Answer:
    """`aws:ec2/getSubnet:getSubnet`, by id."""
    found = context.client("ec2").describe_subnets(SubnetIds=[args["id"]])["Subnets"][0]
    return {
        "id": found["SubnetId"],
        "arn": found["SubnetArn"],
        "vpcId": found["VpcId"],
        "cidrBlock": found["CidrBlock"],
        "availabilityZone": found["AvailabilityZone"],
        "tags": {},
    }


def subnets(context: Context, args: Mapping[str, Any]) -> _Answer:
    """`aws:ec2/getSubnets:getSubnets`."""
    given: list[Mapping[str, Any]] = args.get("filters") or []
    filters = [{"Name": item["name"], "Values": item["values"]} for item in given]
    found = context.client("ec2").describe_subnets(Filters=filters)["Subnets"]
    return {"id": context.region, "ids": sorted(item["SubnetId"] for item in found), "tags": {}}


def security_group(context: Context, args: Mapping[str, Any]) -> _Answer:
    """`aws:ec2/getSecurityGroup:getSecurityGroup`, by id, or by name and VPC."""
    if args.get("id"):
        selection: dict[str, Any] = {"GroupIds": [args["id"]]}
    else:
        wanted = {"group-name": args.get("name"), "vpc-id": args.get("vpcId")}
        selection = {"Filters": [{"Name": name, "Values": [value]} for name, value in wanted.items() if value]}
    found = context.client("ec2").describe_security_groups(**selection)["SecurityGroups"][0]
    return {
        "id": found["GroupId"],
        "name": found["GroupName"],
        "description": found["Description"],
        "vpcId": found["VpcId"],
        "arn": context.arn("ec2", f"security-group/{found['GroupId']}"),
        "tags": {},
    }


INVOKES: Final = {
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": authorization_token,
    "aws:ecr/getRepository:getRepository": repository,
    "aws:index/getAvailabilityZones:getAvailabilityZones": availability_zones,
    "aws:index/getCallerIdentity:getCallerIdentity": caller_identity,
    "aws:index/getRegion:getRegion": region,
    "aws:ec2/getVpc:getVpc": vpc,
    "aws:ec2/getSubnet:getSubnet": subnet,
    "aws:ec2/getSubnets:getSubnets": subnets,
    "aws:ec2/getSecurityGroup:getSecurityGroup": security_group,
}
