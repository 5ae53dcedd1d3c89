"""What each role may do, and what it does: the same, no more and no less.

The sandbox checks the permissions of each call, so a missing one fails the walk below; it also keeps a record of the
calls, with which an idle permission is found. Not proven: `SEEN_BY_AWS_ONLY`.
"""

import json
import re
import secrets
from collections import defaultdict
from typing import Any

import httpx

from sandbox.context import Clients
from tests import patient
from tests.e2e.conftest import Api

ACTORS = ("execution", "job", "reconciler", "trigger")
_LAMBDA_LOG = {"logs:CreateLogStream", "logs:PutLogEvents"}
SEEN_BY_AWS_ONLY = {
    # Lambda writes a function's log, with the function's role. The emulator does it without a call.
    "reconciler": _LAMBDA_LOG,
    "trigger": _LAMBDA_LOG,
    # Fargate's agent pulls the image and opens the log stream before the container runs [ECS developer guide, "Amazon
    # ECS task execution IAM role"]. The sandbox has no agent.
    "execution": {
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetAuthorizationToken",
        "ecr:GetDownloadUrlForLayer",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    },
    "job": set[str](),
}
"""Actor -> actions that AWS itself uses on its behalf, and no call in the sandbox shows."""


def actor_of(role: str) -> str:
    """`slipway-local-wordcount-job` -> `job`: each pipeline has the same actors."""
    return role.rpartition("-")[2]


def granted(aws: Clients) -> dict[str, set[str]]:
    """Actor -> actions of its policies."""
    iam = aws("iam")
    found = defaultdict[str, set[str]](set)
    for role in iam.list_roles()["Roles"]:
        name = role["RoleName"]
        assert not iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            for statement in document["Statement"]:
                assert statement["Effect"] == "Allow"
                found[actor_of(name)].update(statement["Action"])
    return dict(found)


def seen(api: Api) -> dict[str, set[str]]:
    """Actor -> actions of the calls on record."""
    calls = patient.get(httpx.URL(api.url).copy_with(path="/_slipway/calls")).json()["calls"]
    found = defaultdict[str, set[str]](set)
    for call in calls:
        found[actor_of(call["role"])].add(call["action"])
    return dict(found)


def walk(api: Api, aws: Clients) -> None:
    """Use each operation, each link, and the reconciler."""
    form = api.call("POST", "/wordcount/uploads", json={"contentType": "text/plain"}).json()
    sent = patient.post(form["url"], data=form["fields"], files={"file": ("f", b"up up away")})
    assert sent.status_code == 204, sent.text
    parameters = {"input": {"inputKey": form["key"]}}
    job_id = api.submitted("wordcount", parameters, headers={"Idempotency-Key": secrets.token_hex(8)})
    job = api.finished("wordcount", job_id)
    assert job["status"] == "SUCCEEDED", job
    assert patient.get(job["results"]["files"][0]["url"]).json()["words"] == 3
    assert api.call("GET", f"/wordcount/jobs/{job_id}/logs").json()["events"]
    assert job_id in {listed["jobId"] for listed in api.jobs("wordcount")}
    sleeper = api.submitted("steps", {"do": "sleep"})
    assert api.call("DELETE", f"/steps/jobs/{sleeper}").status_code == 202
    end_a_double(api, aws)


def end_a_double(api: Api, aws: Clients) -> None:
    """Two jobs under one Idempotency-Key, as a leader that wakes up late leaves them."""
    batch = aws("batch")
    [queue] = batch.describe_job_queues()["jobQueues"]
    definition = api.exports["pipelines"]["steps"]["jobDefinition"]
    override = {"environment": [{"name": "JOB_PARAMETERS", "value": json.dumps({"do": "sleep"})}]}
    name = f"steps-default-k{secrets.token_hex(12)}"
    older, younger = (
        batch.submit_job(
            jobName=name,
            jobQueue=queue["jobQueueName"],
            jobDefinition=definition,
            containerOverrides=override,
        )["jobId"]
        for _ in range(2)
    )
    ended = api.finished("steps", younger)
    assert ended["statusReason"] == f"Duplicate of job {older}, which has the same Idempotency-Key"
    assert api.job("steps", older)["status"] != "FAILED"
    assert api.call("DELETE", f"/steps/jobs/{older}").status_code == 202


def test_each_role_is_granted_what_it_uses_and_nothing_else(api: Api, aws: Clients) -> None:
    walk(api, aws)
    allowed, used = granted(aws), seen(api)
    assert set(allowed) == set(ACTORS)
    assert {actor: used.get(actor, set()) | SEEN_BY_AWS_ONLY[actor] for actor in ACTORS} == allowed
    assert not any(used.get(actor, set()) & SEEN_BY_AWS_ONLY[actor] for actor in ACTORS)


def test_no_action_is_granted_by_pattern(aws: Clients) -> None:
    actions: set[Any] = {action for actions in granted(aws).values() for action in actions}
    assert all(re.fullmatch(r"[a-z0-9]+:[A-Za-z0-9]+", action) for action in actions), actions
