"""What holds for every component: parents, outputs, tags, no open grants, names, and what a preview knows."""

import ast
import inspect
import json
import re
from collections import Counter
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pulumi_aws
import pytest

from components import iam
from engine.program import UNKNOWN, Deployment, Registration
from tests.components.stack import ACCOUNT, REGION, ROOT, Run

STACKS = ("local", "dev", "staging", "prod", "shared")
EVERYTHING = "dev with all that is off by default"
OPTIONS: Mapping[str, Any] = {
    "functions": {
        "mailer": {
            "pipeline": "wordcount",
            "readPrefixes": ["data/in/"],
            "writePrefixes": ["data/out/"],
            "sesIdentities": ["example.org"],
            "failureDestination": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead",
        }
    },
    "services": {"web": {"pipeline": "wordcount", "port": 8080, "sources": ["10.0.0.0/16"]}},
    "notifications": {"emails": ["team@example.org"]},
}
COMPONENTS = "slipway:components:"
# All that no preview knows, since only AWS can tell it: ids, ARNs, addresses, keys, and what is made of them.
UNKNOWN_IN_A_PREVIEW = {
    "apigateway/deployment:Deployment.restApi",
    "apigateway/integration:Integration.resourceId",
    "apigateway/integration:Integration.restApi",
    "apigateway/integration:Integration.uri",
    "apigateway/integrationResponse:IntegrationResponse.resourceId",
    "apigateway/integrationResponse:IntegrationResponse.restApi",
    "apigateway/method:Method.requestValidatorId",
    "apigateway/method:Method.resourceId",
    "apigateway/method:Method.restApi",
    "apigateway/methodResponse:MethodResponse.resourceId",
    "apigateway/methodResponse:MethodResponse.restApi",
    "apigateway/model:Model.restApi",
    "apigateway/requestValidator:RequestValidator.restApi",
    "apigateway/resource:Resource.parentId",
    "apigateway/resource:Resource.restApi",
    "apigateway/response:Response.restApiId",
    "apigateway/stage:Stage.deployment",
    "apigateway/stage:Stage.restApi",
    "apigateway/usagePlan:UsagePlan.apiStages[0].apiId",
    "apigateway/usagePlanKey:UsagePlanKey.keyId",
    "apigateway/usagePlanKey:UsagePlanKey.usagePlanId",
    "batch/computeEnvironment:ComputeEnvironment.computeResources.securityGroupIds",
    "batch/computeEnvironment:ComputeEnvironment.computeResources.subnets",
    "batch/jobDefinition:JobDefinition.containerProperties",
    "batch/jobQueue:JobQueue.computeEnvironmentOrders[0].computeEnvironment",
    "cloudwatch/eventRule:EventRule.eventPattern",
    "cloudwatch/eventTarget:EventTarget.arn",
    "docker-build:index:Image.cacheFrom[0].registry.ref",
    "docker-build:index:Image.cacheTo[0].registry.ref",
    "docker-build:index:Image.registries[0].address",
    "docker-build:index:Image.registries[0].password",
    "docker-build:index:Image.registries[0].username",
    "docker-build:index:Image.tags[0]",
    "ec2/internetGateway:InternetGateway.vpcId",
    "ec2/route:Route.gatewayId",
    "ec2/route:Route.routeTableId",
    "ec2/routeTable:RouteTable.vpcId",
    "ec2/routeTableAssociation:RouteTableAssociation.routeTableId",
    "ec2/routeTableAssociation:RouteTableAssociation.subnetId",
    "ec2/securityGroup:SecurityGroup.vpcId",
    "ec2/subnet:Subnet.vpcId",
    "iam/rolePolicy:RolePolicy.policy",
    "lambda/function:Function.environment.variables.CONSUMERS",
    "lambda/function:Function.environment.variables.aws_jobdefinition",
    "lambda/function:Function.role",
    "lambda/permission:Permission.sourceArn",
    "s3/bucketObjectv2:BucketObjectv2.content",
    "s3/bucketPolicy:BucketPolicy.policy",
}


@pytest.fixture(params=(*STACKS, EVERYTHING))
def deployment(request: pytest.FixtureRequest, run: Run) -> Deployment:
    return run(OPTIONS) if request.param == EVERYTHING else run(stack=request.param)


def own_components(deployment: Deployment) -> list[Registration]:
    return [item for item in deployment.registrations if item.type.startswith(COMPONENTS)]


_OTHER_POLICIES = ("aws:ecr/lifecyclePolicy:LifecyclePolicy", "aws:kms/key:Key")


def policies(deployment: Deployment) -> list[tuple[str, dict[str, Any]]]:
    """Name and statement of each policy that a resource carries, the keys' aside: there `*` is the key itself."""
    found: list[tuple[str, dict[str, Any]]] = []
    for item in deployment.registrations:
        for key in ("policy", "assumeRolePolicy"):
            if item.type not in _OTHER_POLICIES and key in item.inputs:
                document = json.loads(item.inputs[key])
                found += [(item.name, statement) for statement in document["Statement"]]
    return found


def test_every_resource_has_a_component_for_a_parent(deployment: Deployment) -> None:
    urns = {item.urn: item for item in deployment.registrations}
    for item in deployment.registrations[1:]:
        parent = urns[item.parent]
        assert parent.type.startswith(COMPONENTS) or not item.custom, item.urn


def test_urns_are_unique(deployment: Deployment) -> None:
    assert not [urn for urn, count in Counter(item.urn for item in deployment.registrations).items() if count > 1]


def test_every_component_registers_what_it_offers(deployment: Deployment) -> None:
    silent = {"UsagePlans"}
    for item in own_components(deployment):
        assert item.outputs or item.type.removeprefix(COMPONENTS) in silent, item.type


def test_whatever_takes_tags_has_them(deployment: Deployment) -> None:
    for item in deployment.registrations:
        if not item.type.startswith("aws:"):
            continue
        module, class_name = item.type.split(":")[1].split("/")[0], item.type.split(":")[2]
        package = import_module(f"pulumi_aws.{'lambda_' if module == 'lambda' else module}")
        if "tags" in inspect.signature(getattr(package, f"{class_name}Args").__init__).parameters:
            tags = item.inputs["tags"]
            assert tags["Project"] == "slipway", item.urn
            assert tags["Stack"] == deployment.stack, item.urn
            assert tags["ManagedBy"] == "Pulumi", item.urn
    assert pulumi_aws


def test_a_star_as_resource_is_granted_only_where_aws_has_no_other(deployment: Deployment) -> None:
    for name, statement in policies(deployment):
        if "*" in statement.get("Resource", []):
            assert set(statement["Action"]) <= iam.ACTIONS_WITHOUT_RESOURCE, name


def test_no_action_is_a_pattern_but_in_a_refusal(deployment: Deployment) -> None:
    for name, statement in policies(deployment):
        if statement["Effect"] == "Allow":
            assert not [action for action in statement["Action"] if "*" in action], name


def test_each_actor_has_a_role_of_its_own(deployment: Deployment) -> None:
    users = Counter(item.inputs["role"] for item in deployment.all("aws:lambda/function:Function"))
    for item in deployment.all("aws:batch/jobDefinition:JobDefinition"):
        container = json.loads(item.inputs["containerProperties"])
        users.update([container["jobRoleArn"], container["executionRoleArn"]])
    for item in deployment.all("aws:ecs/taskDefinition:TaskDefinition"):
        users.update([item.inputs["taskRoleArn"], item.inputs["executionRoleArn"]])
    assert set(users.values()) <= {1}
    assert len(users) == len(deployment.all("aws:iam/role:Role"))


def test_roles_are_for_services_only(deployment: Deployment) -> None:
    for role in deployment.all("aws:iam/role:Role"):
        (statement,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        assert statement["Principal"]["Service"] in {"lambda.amazonaws.com", "ecs-tasks.amazonaws.com"}


def test_every_name_that_aws_sees_carries_the_stack(deployment: Deployment) -> None:
    """Names within an API, a function or a bucket are the exception: they are nobody else's."""
    inner = {"Alias", "Model", "RequestValidator"}
    for item in deployment.registrations:
        if item.custom and "name" in item.inputs and item.type.split(":")[2] not in inner:
            assert f"slipway-{deployment.stack}" in item.inputs["name"], item.urn
        if item.type == "aws:s3/bucket:Bucket":
            assert item.inputs["bucket"].startswith(f"slipway-{deployment.stack}-"), item.urn


def test_names_stay_within_the_limits_of_aws(run: Run) -> None:
    deployment = run(
        {"pipelines": {"x" * 32: {"context": "pipelines/wordcount"}}, "consumers": {"y" * 32: {}}}, stack="dev"
    )
    limits = {"Role": 64, "Function": 64, "RolePolicy": 128, "EventRule": 64, "JobDefinition": 128, "JobQueue": 128}
    for item in deployment.registrations:
        limit = limits.get(item.type.split(":")[2])
        assert limit is None or len(item.inputs["name"]) <= limit, item.urn


def test_nothing_is_written_that_reads_back_differently(deployment: Deployment) -> None:
    """An empty string, list or mapping reads back as absent, and every preview would show a change.

    Two are exceptions. The filter of a lifecycle rule, empty, selects all objects [pulumi-aws,
    BucketLifecycleConfiguration]. The ingress of a security group is kept as it is where nothing is said, and an empty
    list takes the last rule away [terraform-provider-aws, aws_security_group, "attribute-as-blocks"].
    """
    for item in deployment.registrations:
        if item.custom:
            assert not [path for path in empty_values(item.inputs) if not path.endswith(("filter", ".ingress"))], (
                item.urn
            )


def empty_values(value: Any, path: str = "") -> list[str]:
    if isinstance(value, dict):
        return [path] if not value else [p for key, item in value.items() for p in empty_values(item, f"{path}.{key}")]
    if isinstance(value, list):
        return [path] if not value else [p for n, item in enumerate(value) for p in empty_values(item, f"{path}[{n}]")]
    return [path] if value == "" or value is None else []


def test_a_preview_knows_all_but_what_aws_answers(run: Run) -> None:
    found: set[str] = set()
    for item in run(preview=True).registrations:
        for key, value in item.inputs.items():
            found |= {f"{item.type.removeprefix('aws:')}.{key}{path}" for path in unknown_values(value)}
    assert found == UNKNOWN_IN_A_PREVIEW


def unknown_values(value: Any) -> list[str]:
    if value is UNKNOWN:
        return [""]
    if isinstance(value, dict):
        return [f".{key}{path}" for key, item in value.items() for path in unknown_values(item)]
    if isinstance(value, list):
        return [f"[{number}]{path}" for number, item in enumerate(value) for path in unknown_values(item)]
    return []


def test_a_preview_and_a_deployment_have_the_same_resources(run: Run) -> None:
    preview, deployed = run(preview=True), run()
    assert {item.urn for item in preview.registrations} == {item.urn for item in deployed.registrations}
    assert sorted(preview.exports) == sorted(deployed.exports)


def test_two_runs_declare_the_same(run: Run) -> None:
    """The stack file of dev and the same as an argument: two runs of one configuration."""
    first, second = run(), run({})
    assert {item.urn: repr_of(item) for item in first.registrations} == {
        item.urn: repr_of(item) for item in second.registrations
    }


def repr_of(item: Registration) -> str:
    return re.sub(r" at 0x[0-9a-f]+", "", repr(item.inputs))


def test_few_resources_a_pipeline(run: Run) -> None:
    """Each costs time in every preview, and more than its share: the SDK waits for all outstanding calls at once."""
    one = len(run().registrations)
    two = len(run({"pipelines": {name: {"context": "pipelines/wordcount"} for name in ("a", "b")}}).registrations)
    assert two - one <= 38


HOLDERS = {
    "aws:dynamodb/table:Table": ("deletionProtectionEnabled", True),
    "aws:ecr/repository:Repository": ("forceDelete", False),
    "aws:s3/bucket:Bucket": ("forceDestroy", False),
}
"""What holds data -> the property that keeps it, and its value then."""


def test_what_holds_data_is_protected_in_prod_and_shared_and_can_be_destroyed_elsewhere(
    deployment: Deployment,
) -> None:
    kept = deployment.stack in ("prod", "shared")
    holders = [item for item in deployment.registrations if item.type in HOLDERS]
    roles = {item.name.removeprefix(f"slipway-{deployment.stack}-") for item in holders}
    assert roles == {"wordcount"} | (
        set() if deployment.stack == "shared" else {"idempotency", "results", "inputs", "docs"}
    )
    for item in holders:
        key, value = HOLDERS[item.type]
        assert item.protect is kept, item.urn
        assert (item.inputs[key] is value) is kept, item.urn


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


OURS = {"components", "policy", "lambda_src", "sandbox", "cli", "engine", "bench", "tests", "__main__"}


@pytest.mark.parametrize(
    ("folder", "allowed"),
    [
        ("components", {"components"}),
        ("policy", {"policy"}),
        ("lambda_src", set[str]()),
        ("engine", {"engine", "policy"}),
        ("sandbox", {"sandbox", "engine", "policy"}),
    ],
)
def test_imports_go_one_way(folder: str, allowed: set[str]) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        assert imports(path) & OURS <= allowed, path


def test_the_program_imports_components_only() -> None:
    assert imports(ROOT / "__main__.py") & OURS == {"components"}


def test_only_the_settings_read_the_configuration() -> None:
    for path in (ROOT / "components").glob("*.py"):
        assert ("pulumi.Config" in path.read_text()) == (path.name == "settings.py"), path


def test_nothing_is_created_inside_apply() -> None:
    """A resource that is made by a callback is missing from every preview."""
    for path in (ROOT / "components").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "apply":
                assert "ResourceOptions" not in ast.dump(node), path
