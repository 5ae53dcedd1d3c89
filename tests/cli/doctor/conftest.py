"""An account that answers `slipway doctor` by script, with real boto3 clients that ask nobody.

Each call's parameters are checked by botocore's model. What these tests can't prove: that AWS answers alike.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse

from cli.doctor import make_plan
from cli.doctor_account import Plan, account_findings, check_credentials
from cli.doctor_finding import Finding
from engine.config import load_project, load_stack_config
from tests.components.test_contracts import ROOT

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


@pytest.fixture(scope="session")
def plan() -> Plan:
    return make_plan(ROOT, "dev", load_stack_config(load_project(ROOT), "dev"))


def findings(account: Account, plan: Plan) -> dict[str, Finding]:
    return {item.check: item for item in (check_credentials(account, plan), *account_findings(account, plan))}


def changed(plan: Plan, **other: Any) -> Plan:
    return dataclasses.replace(plan, **other)


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
