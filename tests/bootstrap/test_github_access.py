"""Who may assume which role, and what it may do. What these tests don't prove: AWS's own evaluation; `iam_model` stands
in for it, and the action names are checked against policy-sentry's copy of the service authorization reference."""

import fnmatch
import json
from collections.abc import Iterator
from typing import Any

import pytest
from policy_sentry.querying.actions import get_action_data, get_actions_for_service

from engine.program import Deployment, Registration
from engine.values import UNKNOWN
from tests.bootstrap.conftest import ACCOUNT, REGION, Bootstrap
from tests.bootstrap.iam_model import Context, allowed, statements_of

POLICY, ROLE = "aws:iam/policy:Policy", "aws:iam/role:Role"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
OWN_STATE = {"kms:EncryptionContext:stack": "dev", "kms:ResourceAliases": ["alias/slipway-bootstrap-state"]}
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234"
STATE = f"arn:aws:s3:::slipway-bootstrap-state-{ACCOUNT}-{REGION}"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/slipway-bootstrap-dev-workload-boundary"


def granted(deployment: Deployment, role: str) -> list[dict[str, Any]]:
    """The statements of all policies that are attached to a role."""
    names = [item.name for item in deployment.all(ATTACHMENT) if item.inputs["role"] == role]
    return statements_of(*(deployment.one(POLICY, name).inputs["policy"] for name in names))


def trust(role: Registration) -> dict[str, Any]:
    (statement,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
    return statement


def test_every_policy_is_known_in_a_first_preview(bootstrap: Bootstrap) -> None:
    deployment = bootstrap()
    assert all(item.inputs["policy"] is not UNKNOWN for item in deployment.all(POLICY))
    assert all(item.inputs["assumeRolePolicy"] is not UNKNOWN for item in deployment.all(ROLE))


def test_each_role_trusts_one_exact_subject_of_the_repository(bootstrap: Bootstrap) -> None:
    expected = {
        "slipway-bootstrap-pull-request": "pull_request",
        "slipway-bootstrap-drift": "ref:refs/heads/main",
        "slipway-bootstrap-deploy-shared": "environment:shared",
        "slipway-bootstrap-deploy-dev": "environment:dev",
        "slipway-bootstrap-deploy-staging": "environment:staging",
        "slipway-bootstrap-deploy-prod": "environment:prod",
    }
    roles = bootstrap().all(ROLE)
    assert {role.inputs["name"] for role in roles} == set(expected)
    for role in roles:
        issuer = "token.actions.githubusercontent.com"
        statement = trust(role)
        assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
        assert statement["Principal"] == {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}"}
        subject = f"repo:example-org@1234567/slipway@7654321:{expected[role.inputs['name']]}"
        assert statement["Condition"] == {
            "StringEquals": {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": subject}
        }


def test_a_repository_without_immutable_subjects_is_trusted_by_name(bootstrap: Bootstrap) -> None:
    deployment = bootstrap(ownerId=0, repositoryId=0)
    role = deployment.one(ROLE, "slipway-bootstrap-deploy-prod")
    subjects = trust(role)["Condition"]["StringEquals"]
    assert subjects["token.actions.githubusercontent.com:sub"] == "repo:example-org/slipway:environment:prod"


def test_the_oidc_provider_is_made_once_an_account(bootstrap: Bootstrap) -> None:
    provider = bootstrap().one("aws:iam/openIdConnectProvider:OpenIdConnectProvider")
    assert provider.inputs["url"] == "https://token.actions.githubusercontent.com"
    assert provider.inputs["clientIdLists"] == ["sts.amazonaws.com"]
    assert provider.protect
    assert bootstrap(createOidcProvider=False).all("aws:iam/openIdConnectProvider:OpenIdConnectProvider") == []


def test_no_user_and_no_access_key_is_made(bootstrap: Bootstrap) -> None:
    types = {item.type for item in bootstrap().registrations}
    assert not [type_ for type_ in types if "user" in type_.lower() or "accesskey" in type_.lower()]


def test_only_deploy_roles_have_a_boundary_and_every_one_has_it(bootstrap: Bootstrap) -> None:
    deployment = bootstrap()
    boundary = deployment.one(POLICY, "slipway-bootstrap-deploy-boundary").urn
    for role in deployment.all(ROLE):
        bounded = role.property_dependencies.get("permissionsBoundary") == (boundary,)
        assert bounded == ("-deploy-" in role.name), role.name


@pytest.mark.parametrize("project", ["slipway12345", "p" * 19])
def test_names_and_policies_stay_within_the_limits_of_iam(bootstrap: Bootstrap, project: str) -> None:
    stacks = [("s" * 30)[: 29 - len(project)] + str(number) for number in range(9)]
    deployment = bootstrap(
        project=project,
        environments=stacks,
        previewEnvironments=[],
        buildEnvironments=stacks,
        **{"aws:region": "ap-northeast-1"},
    )
    for policy in deployment.all(POLICY):
        assert len("".join(policy.inputs["policy"].split())) <= 6144, policy.name
        assert len(policy.inputs["name"]) <= 128
    for role in deployment.all(ROLE):
        assert len(role.inputs["name"]) <= 64
        assert len([item for item in deployment.all(ATTACHMENT) if item.inputs["role"] == role.inputs["name"]]) <= 10


def statements_to_check(deployment: Deployment) -> Iterator[tuple[str, dict[str, Any]]]:
    for policy in deployment.all(POLICY):
        for statement in json.loads(policy.inputs["policy"])["Statement"]:
            yield policy.name, statement


def test_every_action_exists(bootstrap: Bootstrap) -> None:
    for name, statement in statements_to_check(bootstrap(environments=["dev"])):
        for action in statement.get("Action", statement.get("NotAction")):
            service, _, pattern = action.partition(":")
            known = [item.lower() for item in get_actions_for_service(service)]
            assert fnmatch.filter(known, f"{service}:{pattern}".lower()), (name, action)


def test_an_action_is_allowed_on_everything_only_where_aws_knows_nothing_narrower(bootstrap: Bootstrap) -> None:
    reads = ("Describe", "Get", "List")
    for name, statement in statements_to_check(bootstrap(environments=["dev"])):
        if statement["Effect"] == "Deny" or statement["Resource"] != ["*"] or name.endswith("deploy-boundary"):
            continue
        for action in statement["Action"]:
            service, _, operation = action.partition(":")
            if operation.startswith(reads) or action == "sns:Unsubscribe":
                continue  # reads of what has no name yet; the ARN of a subscription ends in an id
            formats = {item["resource_arn_format"] for item in get_action_data(service, operation)[service]}
            assert formats == {"*"}, (name, action, formats)


def test_every_named_resource_is_one_that_its_action_can_be_restricted_to(bootstrap: Bootstrap) -> None:
    for name, statement in statements_to_check(bootstrap(environments=["dev"])):
        for action in statement.get("Action", []):
            service, _, operation = action.partition(":")
            if "*" in operation or statement["Resource"] == ["*"] or service in ("apigateway", "s3"):
                continue
            formats = [item["resource_arn_format"] for item in get_action_data(service, operation)[service]]
            kinds = {_kind(item) for item in formats}
            assert kinds & {_kind(arn) for arn in statement["Resource"]}, (name, action, kinds)


def _kind(arn: str) -> str:
    """The service and the type of resource that an ARN, or its format, names."""
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return arn
    head = parts[5].replace("$", "").split("/")[0].split(":")[0]
    return f"{parts[2]}:{head if head.replace('-', '').isalpha() else ''}"


def can(statements: list[dict[str, Any]], action: str, resource: str, **context: str) -> bool:
    return allowed(statements, action, resource, {key.replace("__", ":"): value for key, value in context.items()})


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("ecr:CreateRepository", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/slipway-{{}}/wordcount"),
        ("ecr:PutImage", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/slipway-{{}}/wordcount"),
        ("batch:DeleteJobQueue", f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue/slipway-{{}}-batch"),
        ("lambda:UpdateFunctionCode", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:slipway-{{}}-wordcount-trigger"),
        ("s3:DeleteBucket", "arn:aws:s3:::slipway-{}-results-1a2b3c4"),
        ("s3:DeleteObject", "arn:aws:s3:::slipway-{}-results-1a2b3c4/wordcount/x"),
        ("dynamodb:DeleteTable", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/slipway-{{}}-idempotency"),
        ("iam:PutRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/slipway-{{}}-wordcount-job"),
        ("iam:DeleteRole", f"arn:aws:iam::{ACCOUNT}:role/slipway-{{}}-wordcount-job"),
        ("logs:DeleteLogGroup", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/batch/slipway-{{}}-wordcount"),
        ("events:PutRule", f"arn:aws:events:{REGION}:{ACCOUNT}:rule/slipway-{{}}-jobs"),
        ("s3:PutObject", STATE + "/.pulumi/stacks/slipway/{}.json"),
        ("s3:GetObject", STATE + "/.pulumi/history/slipway/{}/x.json"),
        ("s3:DeleteObject", STATE + "/.pulumi/locks/organization/slipway/{}/x.json"),
    ],
)
def test_a_deploy_role_works_in_its_own_stack_and_in_no_other(bootstrap: Bootstrap, action: str, resource: str) -> None:
    context: Context = {"iam:PermissionsBoundary": BOUNDARY}
    statements = granted(bootstrap(), "slipway-bootstrap-deploy-dev")
    assert allowed(statements, action, resource.format("dev"), context)
    for other in ("prod", "staging", "bootstrap", "device"):
        assert not allowed(statements, action, resource.format(other), context), other


def test_a_role_that_a_deployment_makes_is_always_bounded(bootstrap: Bootstrap) -> None:
    statements = granted(bootstrap(), "slipway-bootstrap-deploy-dev")
    role = f"arn:aws:iam::{ACCOUNT}:role/slipway-dev-x"
    for action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"):
        assert can(statements, action, role, iam__PermissionsBoundary=BOUNDARY)
        assert not can(statements, action, role)
        other = f"arn:aws:iam::{ACCOUNT}:policy/slipway-bootstrap-deploy-boundary"
        assert not can(statements, action, role, iam__PermissionsBoundary=other)
    for action in (
        "iam:AttachRolePolicy",
        "iam:DeleteRolePermissionsBoundary",
        "iam:CreateUser",
        "iam:CreateAccessKey",
    ):
        assert not can(statements, action, role, iam__PermissionsBoundary=BOUNDARY)


def test_roles_are_passed_to_the_services_in_use_only(bootstrap: Bootstrap) -> None:
    statements = granted(bootstrap(), "slipway-bootstrap-deploy-dev")
    role = f"arn:aws:iam::{ACCOUNT}:role/slipway-dev-x"
    assert can(statements, "iam:PassRole", role, iam__PassedToService="lambda.amazonaws.com")
    assert not can(statements, "iam:PassRole", role, iam__PassedToService="ec2.amazonaws.com")
    assert not can(
        statements, "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/admin", iam__PassedToService="lambda.amazonaws.com"
    )


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_secrets_of_the_state_open_for_their_own_stack_only(bootstrap: Bootstrap, stack: str) -> None:
    statements = granted(bootstrap(), "slipway-bootstrap-deploy-dev")
    assert allowed(statements, "kms:Decrypt", KEY, {**OWN_STATE, "kms:EncryptionContext:stack": stack}) == (
        stack == "dev"
    )
    assert not allowed(statements, "kms:Decrypt", KEY, {"kms:EncryptionContext:stack": stack})
    assert not allowed(statements, "kms:ScheduleKeyDeletion", KEY, OWN_STATE)


def test_a_network_is_told_from_another_stacks_by_its_tags(bootstrap: Bootstrap) -> None:
    statements = granted(bootstrap(), "slipway-bootstrap-deploy-dev")
    vpc = f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/vpc-1"
    own = {"aws:RequestTag/Project": "slipway", "aws:RequestTag/Stack": "dev"}
    assert allowed(statements, "ec2:CreateVpc", vpc, own)
    assert not allowed(statements, "ec2:CreateVpc", vpc)
    assert not allowed(statements, "ec2:CreateVpc", vpc, {**own, "aws:RequestTag/Stack": "prod"})
    tagged = {"aws:ResourceTag/Project": "slipway", "aws:ResourceTag/Stack": "dev"}
    assert allowed(statements, "ec2:DeleteVpc", vpc, tagged)
    assert not allowed(statements, "ec2:DeleteVpc", vpc, {**tagged, "aws:ResourceTag/Stack": "prod"})
    assert not allowed(statements, "ec2:DeleteVpc", vpc)
    assert not allowed(statements, "ec2:CreateTags", vpc, {"ec2:CreateAction": "RunInstances"})


def test_the_boundary_keeps_deploy_roles_from_what_this_project_made(bootstrap: Bootstrap) -> None:
    boundary = statements_of(bootstrap().one(POLICY, "slipway-bootstrap-deploy-boundary").inputs["policy"])
    assert allowed(boundary, "batch:CreateJobQueue", "*", {"aws:RequestedRegion": REGION})
    assert not allowed(boundary, "batch:CreateJobQueue", "*", {"aws:RequestedRegion": "eu-west-1"})
    assert allowed(boundary, "cloudfront:CreateDistribution", "*", {"aws:RequestedRegion": "us-east-1"})
    for action in ("iam:UpdateAssumeRolePolicy", "iam:PutRolePolicy", "iam:DeleteRole", "iam:PassRole"):
        assert allowed(boundary, action, f"arn:aws:iam::{ACCOUNT}:role/slipway-dev-x")
        assert not allowed(boundary, action, f"arn:aws:iam::{ACCOUNT}:role/slipway-bootstrap-deploy-prod")
    assert not allowed(boundary, "s3:PutBucketPolicy", STATE)
    assert not allowed(boundary, "s3:DeleteObjectVersion", f"{STATE}/.pulumi/stacks/slipway/dev.json")
    assert allowed(boundary, "s3:PutObject", f"{STATE}/.pulumi/stacks/slipway/dev.json")
    for action in (
        "iam:CreateUser",
        "iam:CreatePolicyVersion",
        "iam:DeleteRolePermissionsBoundary",
        "kms:PutKeyPolicy",
    ):
        assert not allowed(boundary, action, "*"), action


def test_a_key_is_told_from_another_stacks_by_its_tags(bootstrap: Bootstrap) -> None:
    statements = granted(bootstrap(environments=["dev", "prod"]), "slipway-bootstrap-deploy-dev")
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234"
    for stack in ("dev", "prod"):
        owned = {"aws__ResourceTag/Project": "slipway", "aws__ResourceTag/Stack": stack}
        for action in ("kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:DescribeKey"):
            assert can(statements, action, key, **owned) == (stack == "dev"), (action, stack)
        created = {"aws__RequestTag/Project": "slipway", "aws__RequestTag/Stack": stack}
        assert can(statements, "kms:CreateKey", "*", **created) == (stack == "dev"), stack
    assert not can(statements, "kms:GenerateDataKey", key, **{"aws__ResourceTag/Stack": "dev"})


def test_no_deploy_role_can_make_the_key_of_the_states_its_own(bootstrap: Bootstrap) -> None:
    boundary = statements_of(bootstrap().one(POLICY, "slipway-bootstrap-deploy-boundary").inputs["policy"])
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234"
    for action in ("kms:TagResource", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:DisableKeyRotation"):
        for alias, expected in (("alias/slipway-bootstrap-state", False), ("alias/other", True)):
            context: Context = {"kms:ResourceAliases": [alias]}
            assert allowed(boundary, action, key, context) is expected, (action, alias)
    assert allowed(boundary, "kms:Encrypt", key, {"kms:ResourceAliases": ["alias/slipway-bootstrap-state"]})


@pytest.mark.parametrize("role", ["slipway-bootstrap-pull-request", "slipway-bootstrap-drift"])
def test_reading_roles_change_nothing(bootstrap: Bootstrap, role: str) -> None:
    reads = ("Describe", "Get", "List", "Decrypt", "GET")
    actions = {action.split(":")[1] for statement in granted(bootstrap(), role) for action in statement["Action"]}
    assert not {action for action in actions if not action.startswith(reads)}


def test_a_pull_request_sees_the_state_of_the_named_stacks_and_no_data(bootstrap: Bootstrap) -> None:
    statements = granted(bootstrap(), "slipway-bootstrap-pull-request")
    assert allowed(statements, "s3:GetObject", f"{STATE}/.pulumi/stacks/slipway/dev.json")
    assert not allowed(statements, "s3:GetObject", f"{STATE}/.pulumi/stacks/slipway/prod.json")
    assert not allowed(statements, "kms:Decrypt", KEY, {**OWN_STATE, "kms:EncryptionContext:stack": "prod"})
    assert not allowed(statements, "s3:GetObject", "arn:aws:s3:::slipway-dev-results-1a2b3c4/wordcount/x")
    # An API key's value can be read by GET.
    assert not allowed(statements, "apigateway:GET", f"arn:aws:apigateway:{REGION}::/apikeys/abc")


def test_drift_reads_every_stack_but_no_results(bootstrap: Bootstrap) -> None:
    statements = granted(bootstrap(), "slipway-bootstrap-drift")
    for stack in ("shared", "dev", "staging", "prod"):
        assert allowed(statements, "s3:GetObject", f"{STATE}/.pulumi/stacks/slipway/{stack}.json")
        assert allowed(statements, "iam:GetRole", f"arn:aws:iam::{ACCOUNT}:role/slipway-{stack}-x")
        assert not allowed(statements, "s3:GetObject", f"arn:aws:s3:::slipway-{stack}-results-1a2b3c4/wordcount/x")


def test_only_stacks_that_build_push_into_the_shared_repositories(bootstrap: Bootstrap) -> None:
    deployment = bootstrap()
    shared = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/slipway-shared/wordcount"
    assert allowed(granted(deployment, "slipway-bootstrap-deploy-dev"), "ecr:PutImage", shared)
    prod = granted(deployment, "slipway-bootstrap-deploy-prod")
    assert not allowed(prod, "ecr:PutImage", shared)
    assert allowed(prod, "ecr:BatchGetImage", shared)
    assert not allowed(prod, "ecr:DeleteRepository", shared)


@pytest.mark.parametrize("account", [ACCOUNT, "222222222222"])
def test_shared_repositories_may_be_in_another_account(bootstrap: Bootstrap, account: str) -> None:
    """What that account allows is what its repositories' policy says."""
    deployment = bootstrap()
    shared = f"arn:aws:ecr:{REGION}:{account}:repository/slipway-shared/wordcount"
    for role in ("pull-request", "drift", "deploy-dev", "deploy-prod"):
        statements = granted(deployment, f"slipway-bootstrap-{role}")
        for action in ("DescribeImages", "DescribeRepositories", "ListTagsForResource"):
            assert allowed(statements, f"ecr:{action}", shared), (role, action)
        other = f"arn:aws:ecr:{REGION}:{account}:repository/other-shared/wordcount"
        assert not allowed(statements, "ecr:DescribeImages", other)
    assert allowed(granted(deployment, "slipway-bootstrap-deploy-dev"), "ecr:PutImage", shared)
    boundary = statements_of(deployment.one(POLICY, "slipway-bootstrap-prod-workload-boundary").inputs["policy"])
    assert allowed(boundary, "ecr:BatchGetImage", shared)
    assert not allowed(boundary, "ecr:PutImage", shared)


def test_the_workload_boundary_holds_a_role_to_its_own_stack(bootstrap: Bootstrap) -> None:
    deployment = bootstrap()
    boundary = statements_of(deployment.one(POLICY, "slipway-bootstrap-dev-workload-boundary").inputs["policy"])
    assert deployment.exports["workloadBoundaries"]["dev"] == BOUNDARY
    assert allowed(boundary, "s3:PutObject", "arn:aws:s3:::slipway-dev-results-1a2b3c4/wordcount/x")
    assert not allowed(boundary, "s3:PutObject", "arn:aws:s3:::slipway-prod-results-1a2b3c4/wordcount/x")
    assert not allowed(boundary, "iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/slipway-dev-x")
    assert not allowed(boundary, "sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/admin")
