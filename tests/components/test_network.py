"""Where jobs run."""

from engine.program import Deployment
from tests.components.stack import Run


def test_a_new_network_has_two_public_subnets_in_two_zones_and_no_nat(dev: Deployment) -> None:
    subnets = dev.all("aws:ec2/subnet:Subnet")
    assert len({subnet.inputs["availabilityZone"] for subnet in subnets}) == 2
    assert len({subnet.inputs["cidrBlock"] for subnet in subnets}) == 2
    assert not dev.all("aws:ec2/natGateway:NatGateway")
    route = dev.one("aws:ec2/route:Route").inputs
    assert (route["destinationCidrBlock"], route["gatewayId"]) == ("0.0.0.0/0", "id-of-slipway-dev")
    assert len(dev.all("aws:ec2/routeTableAssociation:RouteTableAssociation")) == 2


def test_a_zone_that_comes_or_goes_replaces_no_subnet(dev: Deployment) -> None:
    for subnet in dev.all("aws:ec2/subnet:Subnet"):
        assert subnet.ignore_changes == ("availabilityZone",)


def test_the_security_group_lets_nothing_in(dev: Deployment) -> None:
    group = dev.one("aws:ec2/securityGroup:SecurityGroup").inputs
    assert group["ingress"] == []  # said: else the provider keeps what was there
    assert group["egress"] == [{"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}]


def test_the_default_network_is_looked_up_and_gets_a_security_group(run: Run) -> None:
    deployment = run({"network": {"kind": "default"}})
    assert not deployment.all("aws:ec2/vpc:Vpc")
    group = deployment.one("aws:ec2/securityGroup:SecurityGroup").inputs
    assert group["vpcId"] == "vpc-known-by-aws"
    environment = deployment.one("aws:batch/computeEnvironment:ComputeEnvironment").inputs
    assert environment["computeResources"]["subnets"] == ["subnet-known-by-aws"]
    assert environment["computeResources"]["securityGroupIds"] == ["id-of-slipway-dev-jobs"]


def test_an_existing_network_is_used_as_it_is(run: Run) -> None:
    network = {"kind": "existing", "subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"], "assignPublicIp": True}
    deployment = run({"network": network})
    assert not [item for item in deployment.registrations if item.type.startswith("aws:ec2/")]
    environment = deployment.one("aws:batch/computeEnvironment:ComputeEnvironment").inputs
    assert environment["computeResources"]["subnets"] == ["subnet-1"]
    assert environment["computeResources"]["securityGroupIds"] == ["sg-1"]
    assert '"ENABLED"' in deployment.one("aws:batch/jobDefinition:JobDefinition").inputs["containerProperties"]
