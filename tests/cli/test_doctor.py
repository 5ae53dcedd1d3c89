"""`slipway doctor`, with real boto3 clients that ask nobody.

Each call's parameters are checked by botocore's model, and the answer is a script. What these tests can't prove: that
AWS answers alike.
"""

import json
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import NoCredentialsError

from cli import doctor
from cli.doctor import machine_findings, make_plan, run_doctor
from cli.doctor_account import LookedUpRepository
from cli.doctor_finding import Finding, Status
from engine.config import load_project, load_stack_config
from tests.cli.conftest import Slipway
from tests.cli.fake_pulumi import FakePulumi

ROOT = Path(__file__).parent.parent.parent
PREFIX = "slipway-dev"
ABSENT: Mapping[str, str] = {
    "DescribeRepositories": "RepositoryNotFoundException",
    "GetRole": "NoSuchEntity",
    "GetFunction": "ResourceNotFoundException",
    "DescribeTable": "ResourceNotFoundException",
    "DescribeRule": "ResourceNotFoundException",
}
SESSION = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="eu-central-1")
"""One for all tests: a session reads the model of each service once."""
Answer = Mapping[str, Any] | str | Callable[[Mapping[str, Any]], Any]


class Account:
    """A session whose clients are answered by operation: with a document, or for a text with the error of that code."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.answers: dict[str, Answer] = {
            "GetCallerIdentity": {"Account": "111122223333", "Arn": "arn:aws:sts::111122223333:assumed-role/dev/me"},
            "GetServiceQuota": lambda given: {
                "Quota": {"Value": {"vpc": 5.0, "lambda": 1000.0}.get(given["ServiceCode"], 4000.0)}
            },
            "DescribeVpcs": {"Vpcs": [{"VpcId": "vpc-1", "IsDefault": True}]},
            "DescribeSubnets": {"Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1"}]},
            "GetAccount": {"cloudwatchRoleArn": "arn:aws:iam::111122223333:role/logs"},
            "DescribeLogGroups": {"logGroups": []},
            "DescribeJobQueues": {"jobQueues": []},
            **ABSENT,
        }
        self.answers["GetRole"] = lambda given: (
            {"Role": {}} if given["RoleName"].startswith("AWSServiceRole") else "NoSuchEntity"
        )

    def client(self, service: str) -> Any:
        client = SESSION.client(service)
        client.meta.events.register("before-parameter-build", self._remember)
        client.meta.events.register("before-call", self._answer)
        return client

    def _remember(self, params: Mapping[str, Any], **_other: Any) -> None:
        self.given = params

    def _answer(self, model: Any, **_other: Any) -> tuple[AWSResponse, Any]:
        self.called.append(model.name)
        service = model.service_model.service_name
        answer = self.answers.get(f"{service}.{model.name}") or self.answers[model.name]
        answer = answer(self.given) if callable(answer) else answer
        if isinstance(answer, Exception):
            raise answer
        status = 400 if isinstance(answer, str) else 200
        parsed = {"Error": {"Code": answer, "Message": f"no {answer}"}} if isinstance(answer, str) else dict(answer)
        return AWSResponse("https://aws.invalid", status, {}, None), {"ResponseMetadata": {}, **parsed}


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture(scope="module")
def plan() -> doctor.Plan:
    return make_plan(ROOT, "dev", load_stack_config(load_project(ROOT), "dev"))


def findings(account: Account, plan: doctor.Plan) -> dict[str, Finding]:
    from cli.doctor_account import account_findings, check_credentials

    return {item.check: item for item in (check_credentials(account, plan), *account_findings(account, plan))}


def changed(plan: doctor.Plan, **other: Any) -> doctor.Plan:
    from dataclasses import replace

    return replace(plan, **other)


def test_the_plan_follows_from_the_stacks_settings_and_its_preview(plan: doctor.Plan) -> None:
    assert (plan.project, plan.stack, plan.network, plan.max_vcpus) == ("slipway", "dev", "new", 16)
    assert plan.largest_job_vcpus == 1
    assert plan.names["aws:ecr/repository:Repository"] == ("slipway-dev/wordcount",)
    assert f"{PREFIX}-wordcount-trigger" in plan.names["aws:lambda/function:Function"]
    assert "/aws/batch/slipway-dev-wordcount" in plan.names["aws:cloudwatch/logGroup:LogGroup"]


def test_a_stack_of_repositories_is_asked_for_nothing_that_jobs_need(account: Account) -> None:
    shared = make_plan(ROOT, "shared", load_stack_config(load_project(ROOT), "shared"))
    assert set(findings(account, shared)) == {"credentials", "names"}
    assert shared.names == {"aws:ecr/repository:Repository": ("slipway-shared/wordcount",)}


def test_repositories_that_another_stack_makes_must_be_there(account: Account, plan: doctor.Plan) -> None:
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


def test_an_account_that_is_ready_is_all_green(account: Account, plan: doctor.Plan) -> None:
    found = findings(account, plan)
    assert {check: item.status for check, item in found.items()} == dict.fromkeys(found, Status.OK)
    assert found["names"].found.endswith("names are free")


def test_every_call_to_aws_reads(account: Account, plan: doctor.Plan) -> None:
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
        ("ExpiredToken", ["expired", "Sign in again"]),
        ("InvalidClientTokenId", ["refused", "AWS_PROFILE"]),
        ("AccessDenied", ["no AccessDenied", "get-caller-identity"]),
    ],
)
def test_credentials_that_are_no_good_end_the_questions(
    account: Account, plan: doctor.Plan, answer: Any, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from cli.doctor_account import check_credentials

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
def test_a_user_and_the_root_user_are_warnings(account: Account, plan: doctor.Plan, who: str, word: str) -> None:
    account.answers["GetCallerIdentity"] = {"Account": "1", "Arn": f"arn:aws:iam::1:{who}"}
    found = findings(account, plan)["credentials"]
    assert (found.status, word in found.advice) == (Status.WARN, True)


def test_an_account_that_the_stack_is_not_for_is_refused(account: Account, plan: doctor.Plan) -> None:
    found = findings(account, changed(plan, allowed_accounts=("999988887777",)))["credentials"]
    assert (found.status, found.found) == (Status.FAIL, "account 111122223333")
    assert "999988887777" in found.advice


@pytest.mark.parametrize(("quota", "status"), [(0.5, Status.FAIL), (6.0, Status.WARN), (16.0, Status.OK)])
def test_a_fargate_quota_below_the_largest_job_fails_and_below_the_stack_warns(
    account: Account, plan: doctor.Plan, quota: float, status: Status
) -> None:
    account.answers["GetServiceQuota"] = {"Quota": {"Value": quota}}
    found = findings(account, plan)["fargate quota"]
    assert found.status is status
    assert ("--desired-value 16" in found.advice) == (status is not Status.OK)


def test_a_quota_that_was_never_changed_is_the_default_one(account: Account, plan: doctor.Plan) -> None:
    account.answers["GetServiceQuota"] = "NoSuchResourceException"
    account.answers["GetAWSDefaultServiceQuota"] = {"Quota": {"Value": 6.0}}
    assert findings(account, plan)["fargate quota"].found.startswith("6 vCPU")


def test_ten_functions_at_a_time_are_few(account: Account, plan: doctor.Plan) -> None:
    account.answers["GetServiceQuota"] = {"Quota": {"Value": 10.0}}
    assert findings(account, plan)["function quota"].status is Status.WARN


def test_what_may_not_be_read_is_a_warning_and_no_end(account: Account, plan: doctor.Plan) -> None:
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
    account: Account, plan: doctor.Plan, network: str, answers: dict[str, Answer], status: Status, word: str
) -> None:
    account.answers |= answers
    found = findings(account, changed(plan, network=network, subnet_ids=("subnet-1",)))["network"]
    assert (found.status, word in found.found) == (status, True)


def test_an_api_gateway_without_a_role_for_its_logs_is_a_warning(account: Account, plan: doctor.Plan) -> None:
    account.answers["GetAccount"] = {}
    found = findings(account, plan)["API log role"]
    assert found.status is Status.WARN
    assert "aws apigateway update-account" in found.advice


def test_batch_makes_its_own_role(account: Account, plan: doctor.Plan) -> None:
    account.answers["GetRole"] = "NoSuchEntity"
    assert findings(account, plan)["batch role"].status is Status.WARN


ARN = "arn:aws:service:eu-central-1:111122223333:thing/x"
OWN = {"Project": "slipway", "Stack": "dev"}
PAIRS = [{"Key": key, "Value": value} for key, value in OWN.items()]
EVERYTHING_EXISTS: dict[str, Answer] = {
    "DescribeRepositories": {"repositories": [{"repositoryArn": ARN}]},
    "GetRole": {"Role": {"Tags": PAIRS}},
    "GetFunction": {"Tags": OWN},
    "DescribeTable": {"Table": {"TableArn": ARN}},
    "ListTagsOfResource": {"Tags": PAIRS},
    "DescribeRule": {"Arn": ARN},
    "DescribeLogGroups": lambda given: {
        "logGroups": [
            {"logGroupName": given["logGroupNamePrefix"] + suffix, "arn": ARN + ":*"} for suffix in ("-x", "")
        ]
    },
    "DescribeJobQueues": {"jobQueues": [{"tags": OWN}]},
    "ecr.ListTagsForResource": {"tags": PAIRS},
    "events.ListTagsForResource": {"Tags": PAIRS},
    "logs.ListTagsForResource": {"tags": OWN},
}


def collisions(account: Account, plan: doctor.Plan) -> list[Finding]:
    from cli.doctor_account import account_findings

    return [item for item in account_findings(account, plan) if item.check == "names"]


@pytest.mark.parametrize("type_", sorted(doctor.NAMED_TYPES))
@pytest.mark.parametrize(("project", "status"), [("slipway", Status.WARN), ("other", Status.FAIL)])
def test_a_name_that_is_taken_by_others_fails_and_by_the_stack_itself_warns(
    account: Account, plan: doctor.Plan, type_: str, project: str, status: Status
) -> None:
    account.answers |= EVERYTHING_EXISTS
    (found,) = collisions(account, changed(plan, project=project, names={type_: ("some-name",)}))
    assert found.status is status
    assert "some-name exists" in found.found


def test_a_log_group_whose_name_only_begins_alike_is_another(account: Account, plan: doctor.Plan) -> None:
    account.answers["DescribeLogGroups"] = {"logGroups": [{"logGroupName": "some-name-x", "arn": ARN}]}
    (found,) = collisions(account, changed(plan, names={"aws:cloudwatch/logGroup:LogGroup": ("some-name",)}))
    assert found.status is Status.OK


def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, **docker: int) -> dict[str, Finding]:
    """The checks on a machine of this architecture, with a docker whose commands end with these codes."""
    monkeypatch.setattr(platform, "machine", lambda: name)
    monkeypatch.setattr(doctor, "_BINFMT", tmp_path / "no-emulation")
    script = tmp_path / "docker"
    cases = "".join(f'  {word}) echo "{word} linux/amd64"; exit {code};;\n' for word, code in docker.items())
    script.write_text(f'#!/bin/sh\ncase "$1" in\n{cases}esac\nexit 1\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return {item.check: item for item in machine_findings(builds=True)}


def test_a_machine_with_everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fake_pulumi: FakePulumi) -> None:
    found = machine(monkeypatch, tmp_path, "aarch64", version=0, buildx=0)
    assert {check: item.status for check, item in found.items()} == dict.fromkeys(
        ("pulumi", "docker", "buildx", "arm64"), Status.OK
    )


def test_a_machine_with_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = {item.check: item for item in machine_findings(builds=True)}
    assert {check: item.status for check, item in found.items()} == {"pulumi": Status.FAIL, "docker": Status.FAIL}
    assert "get.pulumi.com" in found["pulumi"].advice


def test_docker_without_an_engine_or_buildx(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fake_pulumi: FakePulumi
) -> None:
    assert machine(monkeypatch, tmp_path, "aarch64", version=1)["docker"].found == "no Docker engine answers"
    assert machine(monkeypatch, tmp_path, "aarch64", version=0, buildx=1)["buildx"].status is Status.WARN


def test_an_x86_machine_needs_emulation(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fake_pulumi: FakePulumi
) -> None:
    assert machine(monkeypatch, tmp_path, "x86_64", version=0, buildx=0)["arm64"].status is Status.FAIL
    (tmp_path / "no-emulation").write_text("enabled")
    found = {item.check: item for item in machine_findings(builds=True)}
    assert found["arm64"].status is Status.OK


def test_docker_is_not_asked_for_where_nothing_is_built(fake_pulumi: FakePulumi) -> None:
    found = {item.check: item for item in machine_findings(builds=False)}
    assert "not needed" in found["docker"].found


@pytest.mark.parametrize(
    ("version", "status"),
    [
        ("v3.1.0", Status.FAIL),
        ("v2.999.0", Status.FAIL),
        ("v3.272.9", Status.OK),
        ("v3.300.0", Status.OK),
        ("?", Status.WARN),
    ],
)
def test_the_cli_must_not_be_older_than_the_sdk(fake_pulumi: FakePulumi, version: str, status: Status) -> None:
    fake_pulumi.behave(version=version)
    found = {item.check: item for item in machine_findings(builds=False)}
    assert found["pulumi"].status is status


def small_project(folder: Path, region: str) -> None:
    (folder / "Pulumi.yaml").write_text("name: demo\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text(f"config:\n  {region}\n  demo:pipelines: {{}}\n")


@pytest.mark.parametrize(
    ("line", "word"), [("demo:x: 1", "none"), ("aws:region: eu-centrall-1", "Did you mean eu-central-1?")]
)
def test_a_region_that_is_missing_or_unknown_fails(
    tmp_path: Path, slipway: Slipway, monkeypatch: pytest.MonkeyPatch, line: str, word: str
) -> None:
    small_project(tmp_path, line)
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    result = slipway("doctor", "--stack", "dev", "--json")
    document = json.loads(result.out)
    assert (result.code, document["ready"]) == (1, False)
    (region,) = [item for item in document["checks"] if item["check"] == "region"]
    assert region["status"] == "fail"
    assert word in f"{region['found']} {region['advice']}"


def test_the_table_says_what_to_do_and_the_exit_code_whether_a_deployment_would_fail(
    account: Account, plan: doctor.Plan, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(doctor, "machine_findings", lambda **_arguments: [])
    monkeypatch.setattr(doctor, "make_plan", lambda *_arguments: plan)
    account.answers["GetAccount"] = {}
    assert run_doctor("dev", as_json=False, session=account) == 0
    text = capfd.readouterr().out
    assert "WARN  API log role" in text
    assert "aws apigateway update-account" in text
    assert "Ready for a deployment." in text
    account.answers["DescribeVpcs"] = {"Vpcs": [{}] * 5}
    assert run_doctor("dev", as_json=False, session=account) == 1
    assert "A deployment would fail" in capfd.readouterr().out


def test_the_local_stack_needs_no_doctor(slipway: Slipway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    result = slipway("doctor", "--stack", "local")
    assert result.code == 1
    assert "make up" in result.err
