"""The stack of the shared repositories: who may do what with them, to the letter."""

import json
from typing import Any

import pytest

from components import naming
from engine.program import UNKNOWN, Deployment
from tests.components.stack import ACCOUNT, REGION, Run

REPOSITORY = "aws:ecr/repository:Repository"
POLICY = "aws:ecr/repositoryPolicy:RepositoryPolicy"
A, B = "111111111111", "222222222222"
PULL = [
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:DescribeImageScanFindings",
    "ecr:DescribeImages",
    "ecr:DescribeRepositories",
    "ecr:GetDownloadUrlForLayer",
    "ecr:ListImages",
    "ecr:ListTagsForResource",
]
PUSH = [
    *("ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart"),
    *("ecr:GetLifecyclePolicy", "ecr:StartImageScan"),
]


def lambda_pulls(*arns: str) -> dict[str, Any]:
    return {
        "Sid": "LambdaPulls",
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        "Condition": {"ArnLike": {"aws:sourceArn": list(arns)}},
    }


def functions_of(account: str) -> str:
    return f"arn:aws:lambda:{REGION}:{account}:function:slipway-*"


@pytest.fixture
def shared(run: Run) -> Deployment:
    return run(None, stack="shared")


def opened(run: Run, **settings: Any) -> list[dict[str, Any]]:
    deployment = run({"pipelines": {}, "repositories": ["wordcount"], **settings}, stack="shared")
    return json.loads(deployment.one(POLICY).inputs["policy"])["Statement"]


def test_it_has_repositories_and_nothing_else(shared: Deployment) -> None:
    assert {item.type for item in shared.registrations if item.custom} == {
        REPOSITORY,
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        POLICY,
    }
    url = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/slipway-shared/wordcount"
    assert shared.exports == {"repositories": {"wordcount": url}}


def test_a_repository_is_kept_whatever_happens_to_the_stack(shared: Deployment) -> None:
    repository = shared.one(REPOSITORY)
    assert repository.inputs["name"] == "slipway-shared/wordcount"
    assert repository.inputs["forceDelete"] is False
    assert repository.protect


def test_each_pipeline_has_a_repository_with_its_own_policy_and_lifecycle(run: Run) -> None:
    deployment = run({"pipelines": {}, "repositories": ["a", "b"]}, stack="shared")
    assert [item.inputs["name"] for item in deployment.all(REPOSITORY)] == ["slipway-shared/a", "slipway-shared/b"]
    for type_ in (POLICY, "aws:ecr/lifecyclePolicy:LifecyclePolicy"):
        assert [item.inputs["repository"] for item in deployment.all(type_)] == ["slipway-shared/a", "slipway-shared/b"]


def test_functions_of_the_project_in_its_own_account_are_let_in(shared: Deployment) -> None:
    policy = json.loads(shared.one(POLICY).inputs["policy"])
    assert policy == {"Version": "2012-10-17", "Statement": [lambda_pulls(functions_of(ACCOUNT))]}


def test_accounts_pull_with_roles_and_with_functions(run: Run) -> None:
    functions, accounts = opened(run, pullers={"accounts": [A, B]})
    assert functions == lambda_pulls(functions_of(ACCOUNT), functions_of(A), functions_of(B))
    assert accounts == {
        "Sid": "AccountsPull",
        "Effect": "Allow",
        "Principal": {"AWS": [f"arn:aws:iam::{A}:root", f"arn:aws:iam::{B}:root"]},
        "Action": PULL,
    }


def test_an_organization_pulls_by_its_id(run: Run) -> None:
    _own, accounts, functions = opened(run, pullers={"organization": "o-a1b2c3d4e5"})
    assert accounts == {
        "Sid": "OrganizationPulls",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": PULL,
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}},
    }
    assert functions == {
        **lambda_pulls(),
        "Sid": "LambdaPullsInOrganization",
        "Condition": {
            "ArnLike": {"aws:sourceArn": [functions_of("*")]},
            "StringEquals": {"aws:SourceOrgID": "o-a1b2c3d4e5"},
        },
    }


def test_who_builds_pulls_the_build_cache_and_pushes(run: Run) -> None:
    _own, accounts = opened(run, pushers={"accounts": [A]})
    assert accounts == {
        "Sid": "AccountsPush",
        "Effect": "Allow",
        "Principal": {"AWS": [f"arn:aws:iam::{A}:root"]},
        "Action": sorted(PULL + PUSH),
    }


@pytest.mark.parametrize(("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")])
def test_arns_are_of_the_regions_partition(run: Run, region: str, partition: str) -> None:
    functions, accounts = opened(run, **{"aws:region": region}, pullers={"accounts": [A]})
    assert (
        functions["Condition"]["ArnLike"]["aws:sourceArn"][1]
        == f"arn:{partition}:lambda:{region}:{A}:function:slipway-*"
    )
    assert accounts["Principal"]["AWS"] == [f"arn:{partition}:iam::{A}:root"]


def test_pushes_and_findings_of_the_repositories_are_told(run: Run) -> None:
    """There are no jobs here whose failures could be."""
    settings = {"pipelines": {}, "repositories": ["wordcount"], "notifications": {"emails": ["team@example.org"]}}
    deployment = run(settings, stack="shared")
    rules = deployment.all("aws:cloudwatch/eventRule:EventRule")
    assert rules
    assert all('"slipway-shared/"' in rule.inputs["eventPattern"] for rule in rules)
    assert not deployment.all("aws:sqs/queue:Queue")


def test_a_preview_knows_all_of_it(run: Run) -> None:
    """The policy pack judges the policy before it is there."""
    deployment = run(None, stack="shared", preview=True)
    assert not [item.urn for item in deployment.registrations if UNKNOWN in item.inputs.values()]


@pytest.mark.parametrize("project", ["slipway", "Slip.Way", "a-b", "x" * 20, "x" * 21, "x-" * 30, "x" * 80])
@pytest.mark.parametrize("stack", ["dev", "Dev.1", "a" * 9, "a" * 40])
def test_the_names_of_every_stack_begin_as_the_grant_says(project: str, stack: str) -> None:
    prefix = naming.project_prefix(project)
    assert len(prefix) >= min(len(project), 20)
    assert naming.stack_prefix(project, stack).startswith(prefix)
    assert naming.fit(naming.function_name(project, stack, "f" * 32)).startswith(prefix)
