"""EC2: refusals that the provider relies on, and a filter under its old name."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox import emulator
from sandbox.shims.replacing import replace, replace_action

Parameters = Mapping[str, Any]


def install() -> None:
    """Replace the emulator's functions."""
    actions = emulator.service("ec2")._ACTION_MAP
    replace_action(actions, "DeleteInternetGateway", _refuse_while_attached)
    replace_action(actions, "DescribeRouteTables", _refuse_unknown_route_tables)
    replace(emulator.service("ec2"), "_matches_vpc_filters", _know_the_default_by_its_old_name)


def _know_the_default_by_its_old_name(original: Callable[..., bool]) -> Callable[..., bool]:
    """The provider looks for the default VPC by `isDefault`; a filter that the emulator doesn't know takes all."""

    def matches(vpc: Parameters, filters: Mapping[str, Any]) -> bool:
        return original(
            vpc, {"is-default" if name == "isDefault" else name: values for name, values in filters.items()}
        )

    return matches


def _refuse_while_attached(original: Callable[..., Any]) -> Callable[..., Any]:
    def delete(parameters: Parameters) -> Any:
        ec2 = emulator.service("ec2")
        identifier = ec2._p(parameters, "InternetGatewayId")
        if ec2._internet_gateways.get(identifier, {}).get("Attachments"):
            text = f"The internetGateway '{identifier}' has dependencies and cannot be deleted."
            return ec2._error("DependencyViolation", text, 400)
        return original(parameters)

    return delete


def _refuse_unknown_route_tables(original: Callable[..., Any]) -> Callable[..., Any]:
    def describe(parameters: Parameters) -> Any:
        ec2 = emulator.service("ec2")
        for identifier in ec2._parse_member_list(parameters, "RouteTableId"):
            if identifier not in ec2._route_tables:
                text = f"The routeTable ID '{identifier}' does not exist"
                return ec2._error("InvalidRouteTableID.NotFound", text, 400)
        return original(parameters)

    return describe
