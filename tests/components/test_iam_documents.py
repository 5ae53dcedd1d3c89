"""Each policy document of the program against AWS's service authorization reference, as policy-sentry carries it.

What it doesn't prove: that the permissions suffice and that none is idle; tests/e2e/test_permissions.py does.
"""

import functools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from policy_sentry.querying.actions import get_action_data

from engine.program import Deployment, run_program
from tests.components.stack import ROOT, FakeAws

DOCUMENTS = {
    "aws:iam/role:Role": "assumeRolePolicy",
    "aws:iam/rolePolicy:RolePolicy": "policy",
    "aws:s3/bucketPolicy:BucketPolicy": "policy",
    "aws:ecr/repositoryPolicy:RepositoryPolicy": "policy",
    "aws:sns/topicPolicy:TopicPolicy": "policy",
    "aws:sqs/queuePolicy:QueuePolicy": "policy",
}
"""Type -> property that holds the document."""

Statement = Mapping[str, Any]


@pytest.fixture(scope="module", params=["dev", "prod"])
def deployment(request: pytest.FixtureRequest) -> Deployment:
    return run_program(ROOT, request.param, provider=FakeAws(), preview=False)


def statements(deployment: Deployment, *types: str) -> Iterator[tuple[str, Statement]]:
    """Name of the resource and statement."""
    for registration in deployment.registrations:
        if registration.type in (types or DOCUMENTS):
            document = json.loads(registration.inputs[DOCUMENTS[registration.type]])
            assert document["Version"] == "2012-10-17"
            for statement in document["Statement"]:
                yield registration.name, statement


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


@functools.cache
def formats_of(action: str) -> frozenset[str]:
    """Resources that an action knows, as ARNs with `${Variables}`; `*` alone for an action that knows none."""
    service, _, name = action.partition(":")
    rows = get_action_data(service, name).get(service, [])
    assert [row["action"] for row in rows[:1]] == [action], f"There is no action {action}."
    found = {row["resource_arn_format"] for row in rows}
    return frozenset(found - {"*"} or {"*"})


@functools.cache
def condition_keys_of(action: str) -> frozenset[str]:
    service, _, name = action.partition(":")
    return frozenset(key for row in get_action_data(service, name)[service] for key in row["condition_keys"])


def fits(resource: str, arn_format: str) -> bool:
    """Whether a statement's resource, maybe with wildcards in a name, is of a format's kind."""
    parts = (
        {"${Partition}": "aws", "${BucketName}": "[^:/]+", "${Account}": "[0-9]{12}"}.get(part, "[^:]+")
        if part.startswith("$")
        else re.escape(part)
        for part in re.split(r"(\$\{\w+\})", arn_format)
    )
    return re.fullmatch("".join(parts), resource) is not None


def test_there_are_documents(deployment: Deployment) -> None:
    assert len(list(statements(deployment, "aws:iam/rolePolicy:RolePolicy"))) > len(
        list(statements(deployment, "aws:iam/role:Role"))
    )
    unread = {
        registration.type
        for registration in deployment.registrations
        if registration.type not in DOCUMENTS
        and any('"Statement"' in str(value) for value in registration.inputs.values())
    }
    assert not unread


def test_roles_may_do_what_exists_on_resources_that_it_knows(deployment: Deployment) -> None:
    for name, statement in statements(deployment, "aws:iam/rolePolicy:RolePolicy"):
        assert statement["Effect"] == "Allow"
        actions, resources = listed(statement["Action"]), listed(statement["Resource"])
        for action in actions:
            formats = formats_of(action)
            if formats == {"*"}:
                assert resources == ["*"], f"{name}: {action} knows no resources, found {resources}"
            else:
                assert any(fits(resource, known) for resource in resources for known in formats), (
                    f"{name}: {action} knows {sorted(formats)}, found {resources}"
                )
        for resource in resources:
            known = {known for action in actions for known in formats_of(action)}
            assert resource in known or any(fits(resource, one) for one in known), (
                f"{name}: {resource} is none that {', '.join(actions)} know"
            )


def test_conditions_are_on_keys_that_the_actions_have(deployment: Deployment) -> None:
    for name, statement in statements(deployment):
        keys = {key for operator in statement.get("Condition", {}).values() for key in operator}
        for action in listed(statement["Action"]):
            special = {key for key in keys if not key.lower().startswith("aws:")}
            assert not special or special <= condition_keys_of(action), f"{name}: {action} has no {special}"


def test_a_trust_document_lets_one_service_assume_the_role(deployment: Deployment) -> None:
    for name, statement in statements(deployment, "aws:iam/role:Role"):
        assert statement["Action"] == "sts:AssumeRole", name
        assert formats_of("sts:AssumeRole")
        assert "Resource" not in statement
        [(kind, service)] = statement["Principal"].items()
        assert kind == "Service"
        assert re.fullmatch(r"[a-z-]+\.amazonaws\.com", service)


def test_resource_policies_name_actions_that_exist(deployment: Deployment) -> None:
    types = set(DOCUMENTS) - {"aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"}
    for name, statement in statements(deployment, *types):
        for action in listed(statement["Action"]):
            if action.endswith("*"):
                # Everything may be refused at once, never allowed.
                assert (statement["Effect"], action) == ("Deny", f"{action.partition(':')[0]}:*"), name
            else:
                assert formats_of(action)


@pytest.mark.parametrize(
    ("resource", "arn_format", "expected"),
    [
        ("arn:aws:s3:::bucket", "arn:${Partition}:s3:::${BucketName}", True),
        ("arn:aws:s3:::bucket/*", "arn:${Partition}:s3:::${BucketName}", False),
        ("arn:aws:s3:::bucket/a/*", "arn:${Partition}:s3:::${BucketName}/${ObjectName}", True),
        ("arn:aws:batch:r:123456789012:job-queue/q", "arn:${Partition}:batch:${Region}:${Account}:job/${JobId}", False),
        ("*", "arn:${Partition}:s3:::${BucketName}", False),
    ],
)
def test_the_check_tells_resources_apart(resource: str, arn_format: str, *, expected: bool) -> None:
    assert fits(resource, arn_format) is expected


def test_the_check_knows_no_invented_action() -> None:
    with pytest.raises(AssertionError, match="There is no action"):
        formats_of("batch:SubmitJobs")
