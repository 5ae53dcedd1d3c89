"""What `slipway doctor` asks an account, and what it makes of the answers."""

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import (
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOTokenLoadError,
    UnauthorizedSSOTokenError,
)

from cli import doctor
from cli.doctor import make_plan, run_doctor
from cli.doctor_account import LookedUpRepository, Plan, account_findings, check_credentials
from cli.doctor_finding import Finding, Status
from engine.config import load_project, load_stack_config
from tests.cli.doctor.conftest import ARN, EVERYTHING_EXISTS, ROOT, Account, Answer, changed, findings

PREFIX = "slipway-dev"


def test_the_plan_follows_from_the_stacks_settings_and_its_preview(plan: Plan) -> None:
    assert (plan.project, plan.stack, plan.network, plan.max_vcpus) == ("slipway", "dev", "new", 16)
    assert plan.largest_job_vcpus == 1
    assert plan.names["aws:ecr/repository:Repository"] == ("slipway-dev/wordcount",)
    assert f"{PREFIX}-wordcount-trigger" in plan.names["aws:lambda/function:Function"]
    assert "/aws/batch/slipway-dev-wordcount" in plan.names["aws:cloudwatch/logGroup:LogGroup"]


def test_a_stack_of_repositories_is_asked_for_nothing_that_jobs_need(account: Account) -> None:
    shared = make_plan(ROOT, "shared", load_stack_config(load_project(ROOT), "shared"))
    assert set(findings(account, shared)) == {"credentials", "names"}
    assert shared.names == {"aws:ecr/repository:Repository": ("slipway-shared/wordcount",)}


def test_repositories_that_another_stack_makes_must_be_there(account: Account, plan: Plan) -> None:
    looked_up = (LookedUpRepository(name="slipway-shared/wordcount", account="222222222222"),)
    found = findings(account, changed(plan, looked_up=looked_up))["shared repositories"]
    assert found.status is Status.FAIL
    assert found.found == "slipway-shared/wordcount is not in account 222222222222"
    assert "pulumi up --stack shared" in found.advice
    account.answers["DescribeRepositories"] = lambda given: (
        {"repositories": [{}]}
        if given == {"registryId": "222222222222", "repositoryNames": [looked_up[0].name]}
        else ""
    )
    account.answers["ListTagsForResource"] = {"tags": []}
    session = changed(plan, looked_up=looked_up, names={})
    assert findings(account, session)["shared repositories"].status is Status.OK


def test_the_plan_knows_which_repositories_are_another_stacks(tmp_path: Path) -> None:
    for name in ("Pulumi.yaml", "components", "lambda_src", "pipelines", "swagger", "__main__.py"):
        (tmp_path / name).symlink_to(ROOT / name)
    registry = '  slipway:registry: shared\n  slipway:registryAccount: "222222222222"\n'
    (tmp_path / "Pulumi.dev.yaml").write_text((ROOT / "Pulumi.dev.yaml").read_text() + registry)
    found = make_plan(tmp_path, "dev", load_stack_config(load_project(tmp_path), "dev"))
    assert found.looked_up == (LookedUpRepository(name="slipway-shared/wordcount", account="222222222222"),)
    assert "aws:ecr/repository:Repository" not in found.names


def test_an_account_that_is_ready_is_all_green(account: Account, plan: Plan) -> None:
    found = findings(account, plan)
    assert {check: item.status for check, item in found.items()} == dict.fromkeys(found, Status.OK)
    assert found["names"].found.endswith("names are free")


def test_every_call_to_aws_reads(account: Account, plan: Plan) -> None:
    for network in ("new", "default", "existing"):
        findings(account, changed(plan, network=network, subnet_ids=("subnet-1",)))
    account.answers |= EVERYTHING_EXISTS
    findings(account, plan)
    assert {"GetCallerIdentity", "GetServiceQuota", "DescribeVpcs", "ListTagsOfResource"} <= set(account.called)
    assert not [name for name in account.called if not name.startswith(("Get", "List", "Describe"))]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (NoCredentialsError(), ["Unable to locate credentials", "aws sso login"]),
        (
            PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
            ["AWS_SECRET_ACCESS_KEY", "Sign in"],
        ),
        (CredentialRetrievalError(provider="process", error_msg="it ended with 1"), ["ended with 1", "AWS_PROFILE"]),
        (SSOTokenLoadError(error_msg="there is none"), ["Error loading SSO Token", "Sign in again: aws sso login"]),
        (UnauthorizedSSOTokenError(), ["expired or is otherwise invalid", "Sign in again: aws sso login"]),
        (EndpointConnectionError(endpoint_url="http://x"), ["http://x", "Check the network"]),
        (ValueError("Invalid endpoint: x"), ["Invalid endpoint: x", "AWS_ENDPOINT_URL"]),
        ("ExpiredToken", ["expired", "Sign in again"]),
        ("InvalidClientTokenId", ["refused", "AWS_PROFILE"]),
        ("AccessDenied", ["no AccessDenied", "get-caller-identity"]),
    ],
)
def test_credentials_that_are_no_good_end_the_questions(
    account: Account, plan: Plan, answer: Any, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    account.answers["GetCallerIdentity"] = (lambda _given: answer) if isinstance(answer, Exception) else answer
    found = check_credentials(account, plan)
    assert found.status is Status.FAIL
    for word in words:
        assert word in f"{found.found} {found.advice}"
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(doctor, "make_plan", lambda *_arguments: plan)
    assert run_doctor("dev", as_json=True, session=account) == 1
    assert set(account.called) == {"GetCallerIdentity"}


@pytest.mark.parametrize(("who", "word"), [("user/me", "long-lived key"), ("root", "root user")])
def test_a_user_and_the_root_user_are_warnings(account: Account, plan: Plan, who: str, word: str) -> None:
    account.answers["GetCallerIdentity"] = {"Account": "1", "Arn": f"arn:aws:iam::1:{who}"}
    found = findings(account, plan)["credentials"]
    assert (found.status, word in found.advice) == (Status.WARN, True)


def test_an_account_that_the_stack_is_not_for_is_refused(account: Account, plan: Plan) -> None:
    found = findings(account, changed(plan, allowed_accounts=("999988887777",)))["credentials"]
    assert (found.status, found.found) == (Status.FAIL, "account 111122223333")
    assert "999988887777" in found.advice


@pytest.mark.parametrize(("quota", "status"), [(0.5, Status.FAIL), (6.0, Status.WARN), (16.0, Status.OK)])
def test_a_fargate_quota_below_the_largest_job_fails_and_below_the_stack_warns(
    account: Account, plan: Plan, quota: float, status: Status
) -> None:
    account.answers["GetServiceQuota"] = {"Quota": {"Value": quota}}
    found = findings(account, plan)["fargate quota"]
    assert found.status is status
    assert ("--desired-value 16" in found.advice) == (status is not Status.OK)


def test_a_quota_that_was_never_changed_is_the_default_one(account: Account, plan: Plan) -> None:
    account.answers["GetServiceQuota"] = "NoSuchResourceException"
    account.answers["GetAWSDefaultServiceQuota"] = {"Quota": {"Value": 6.0}}
    assert findings(account, plan)["fargate quota"].found.startswith("6 vCPU")


def test_ten_functions_at_a_time_are_few(account: Account, plan: Plan) -> None:
    account.answers["GetServiceQuota"] = {"Quota": {"Value": 10.0}}
    assert findings(account, plan)["function quota"].status is Status.WARN


def test_what_may_not_be_read_is_a_warning_and_no_end(account: Account, plan: Plan) -> None:
    account.answers["GetServiceQuota"] = "AccessDeniedException"
    found = findings(account, plan)
    assert found["fargate quota"].status is Status.WARN
    assert "AccessDeniedException" in found["fargate quota"].found
    assert found["API log role"].status is Status.OK


@pytest.mark.parametrize(
    ("network", "answers", "status", "word"),
    [
        (
            "new",
            {"DescribeVpcs": {"Vpcs": [{"VpcId": str(number)} for number in range(5)]}},
            Status.FAIL,
            "5 of 5 VPCs",
        ),
        ("default", {"DescribeVpcs": {"Vpcs": []}}, Status.FAIL, "no default VPC"),
        ("default", {}, Status.OK, "has a default VPC"),
        ("existing", {}, Status.OK, "1 subnets in vpc-1"),
        ("existing", {"DescribeSubnets": "InvalidSubnetID.NotFound"}, Status.FAIL, "InvalidSubnetID.NotFound"),
        (
            "existing",
            {"DescribeSubnets": {"Subnets": [{"VpcId": "vpc-1"}, {"VpcId": "vpc-2"}]}},
            Status.FAIL,
            "subnets of 2 VPCs",
        ),
        ("existing", {"DescribeSubnets": "AccessDenied"}, Status.WARN, "not known"),
    ],
)
def test_the_network_that_the_settings_ask_for(
    account: Account, plan: Plan, network: str, answers: dict[str, Answer], status: Status, word: str
) -> None:
    account.answers |= answers
    found = findings(account, changed(plan, network=network, subnet_ids=("subnet-1",)))["network"]
    assert (found.status, word in found.found) == (status, True)


def test_an_api_gateway_without_a_role_for_its_logs_is_a_warning(account: Account, plan: Plan) -> None:
    account.answers["GetAccount"] = {}
    found = findings(account, plan)["API log role"]
    assert found.status is Status.WARN
    assert "aws apigateway update-account" in found.advice


def test_batch_makes_its_own_role(account: Account, plan: Plan) -> None:
    account.answers["GetRole"] = "NoSuchEntity"
    assert findings(account, plan)["batch role"].status is Status.WARN


def collisions(account: Account, plan: Plan) -> list[Finding]:
    return [item for item in account_findings(account, plan) if item.check == "names"]


@pytest.mark.parametrize("type_", sorted(doctor.NAMED_TYPES))
@pytest.mark.parametrize(("project", "status"), [("slipway", Status.WARN), ("other", Status.FAIL)])
def test_a_name_that_is_taken_by_others_fails_and_by_the_stack_itself_warns(
    account: Account, plan: Plan, type_: str, project: str, status: Status
) -> None:
    account.answers |= EVERYTHING_EXISTS
    (found,) = collisions(account, changed(plan, project=project, names={type_: ("some-name",)}))
    assert found.status is status
    assert "some-name exists" in found.found


def test_a_log_group_whose_name_only_begins_alike_is_another(account: Account, plan: Plan) -> None:
    account.answers["DescribeLogGroups"] = {"logGroups": [{"logGroupName": "some-name-x", "arn": ARN}]}
    (found,) = collisions(account, changed(plan, names={"aws:cloudwatch/logGroup:LogGroup": ("some-name",)}))
    assert found.status is Status.OK
