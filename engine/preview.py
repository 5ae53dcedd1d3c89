"""A provider that creates nothing: what a first `pulumi preview` would show."""

from collections.abc import Mapping
from typing import Any

from engine.errors import EngineError
from engine.registration import Registration


class PreviewProvider:
    """Outputs are the known inputs; all else, the id included, stays unknown until a deployment.

    Args:
        region: AWS region, for the answers that follow from it alone.
    """

    def __init__(self, region: str) -> None:
        self._region = region

    def create(self, registration: Registration) -> tuple[str, Mapping[str, Any]]:
        return "", registration.inputs

    def invoke(self, token: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answers that need no account. What AWS alone can tell is `UNKNOWN` here and known in a real preview.

        Raises:
            EngineError: the program calls a function that has no offline answer.
        """
        answer = _ANSWERS.get(token)
        if answer is None:
            raise EngineError(f"The offline preview has no answer for the provider function {token}.")
        return answer(self._region, args)


def _availability_zones(region: str, _args: Mapping[str, Any]) -> Mapping[str, Any]:
    names = [f"{region}{letter}" for letter in "abc"]
    return {"id": region, "names": names, "zoneIds": names, "groupNames": [region], "region": region}


def _region(region: str, _args: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"id": region, "name": region, "region": region, "endpoint": f"ec2.{region}.amazonaws.com"}


def _default_vpc(region: str, _args: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"id": "vpc-known-by-aws", "default": True, "region": region}


def _subnets(region: str, _args: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"id": region, "ids": ["subnet-known-by-aws"], "region": region}


def _security_group(region: str, _args: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"id": "sg-known-by-aws", "name": "default", "region": region}


_ANSWERS = {
    "aws:index/getAvailabilityZones:getAvailabilityZones": _availability_zones,
    "aws:index/getRegion:getRegion": _region,
    "aws:ec2/getVpc:getVpc": _default_vpc,
    "aws:ec2/getSubnets:getSubnets": _subnets,
    "aws:ec2/getSecurityGroup:getSecurityGroup": _security_group,
}
