"""Functions that run a pipeline's image. What isn't proven here: that Lambda takes the image."""

import json
from typing import Any

from engine.program import UNKNOWN, Deployment, Registration
from tests.components.stack import ACCOUNT, DIGEST, REGION, Run

FUNCTION = "aws:lambda/function:Function"
NAME = "slipway-dev-mailer-function"
LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/{NAME}:log-stream:*"
BARE = {"pipeline": "wordcount"}
FULL = {
    **BARE,
    "memoryMib": 1024,
    "timeoutSeconds": 300,
    "ephemeralStorageMib": 2048,
    "reservedConcurrency": 5,
    "command": ["app.handle"],
    "environment": {"MODE": "mail"},
    "readPrefixes": ["data/in/", "other/2026"],
    "writePrefixes": ["data/out/"],
    "sesIdentities": ["example.org", "team@example.org"],
    "failureDestination": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead",
}


def with_function(run: Run, settings: dict[str, Any], **others: Any) -> Deployment:
    preview = others.pop("preview", False)
    return run({"functions": {"mailer": settings}, **others}, preview=preview)


def inputs(deployment: Deployment, type_: str = FUNCTION) -> dict[str, Any]:
    return deployment.one(type_, NAME).inputs


def statements(deployment: Deployment) -> list[dict[str, Any]]:
    return json.loads(deployment.one("aws:iam/rolePolicy:RolePolicy", NAME).inputs["policy"])["Statement"]


def test_a_stack_has_none_unless_its_settings_name_one(dev: Deployment) -> None:
    assert not dev.all("aws:lambda/alias:Alias")
    assert {item.inputs["packageType"] for item in dev.all(FUNCTION)} == {"Zip"}
    assert "functions" not in dev.exports


def test_the_function_with_all_that_the_settings_leave_out(run: Run) -> None:
    found = inputs(with_function(run, BARE))
    assert {key: value for key, value in found.items() if key not in ("tags", "description")} == {
        "name": NAME,
        "packageType": "Image",
        "imageUri": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/slipway-dev/wordcount@{DIGEST}",
        "architectures": ["arm64"],
        "role": f"arn:aws:iam::{ACCOUNT}:role/{NAME}",
        "memorySize": 512,
        "timeout": 60,
        "ephemeralStorage": {"size": 512},
        "publish": True,
        # The provider's default: no reservation.
        "reservedConcurrentExecutions": -1,
        "skipDestroy": False,
    }
    assert found["tags"]["Pipeline"] == "wordcount"


def test_the_function_with_all_that_the_settings_can_say(run: Run) -> None:
    found = inputs(with_function(run, FULL))
    assert (found["memorySize"], found["timeout"], found["ephemeralStorage"]) == (1024, 300, {"size": 2048})
    assert (found["reservedConcurrentExecutions"], found["imageConfig"]) == (5, {"commands": ["app.handle"]})
    assert found["environment"] == {"variables": {"MODE": "mail"}}


def test_it_runs_the_very_digest_of_the_jobs(run: Run) -> None:
    deployment = with_function(run, BARE)
    job = json.loads(deployment.one("aws:batch/jobDefinition:JobDefinition").inputs["containerProperties"])
    assert inputs(deployment)["imageUri"] == job["image"]


def test_without_further_settings_it_may_write_its_log_and_nothing_else(run: Run) -> None:
    assert statements(with_function(run, BARE)) == [
        {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": [LOGS]}
    ]


def test_it_may_do_what_the_settings_name_and_nothing_else(run: Run) -> None:
    identities = f"arn:aws:ses:{REGION}:{ACCOUNT}:identity"
    assert statements(with_function(run, FULL)) == [
        {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": [LOGS]},
        {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::data/in/*"]},
        {
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": ["arn:aws:s3:::data"],
            "Condition": {"StringLike": {"s3:prefix": "in/*"}},
        },
        {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::other/2026*"]},
        {
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": ["arn:aws:s3:::other"],
            "Condition": {"StringLike": {"s3:prefix": "2026*"}},
        },
        {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": ["arn:aws:s3:::data/out/*"]},
        {
            "Effect": "Allow",
            "Action": ["ses:SendEmail", "ses:SendRawEmail"],
            "Resource": [f"{identities}/example.org", f"{identities}/team@example.org"],
        },
        {
            "Effect": "Allow",
            "Action": ["sqs:SendMessage"],
            "Resource": [f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"],
        },
    ]


def test_each_kind_of_failure_destination_has_its_permission(run: Run) -> None:
    for destination, action in (
        (f"arn:aws:sns:{REGION}:{ACCOUNT}:topic", "sns:Publish"),
        (f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:other", "lambda:InvokeFunction"),
        (f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default", "events:PutEvents"),
    ):
        _, granted = statements(with_function(run, {**BARE, "failureDestination": destination}))
        assert (granted["Action"], granted["Resource"]) == ([action], [destination])


def test_failed_events_of_the_alias_go_to_the_destination(run: Run) -> None:
    config = "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"
    deployment = with_function(run, FULL)
    assert inputs(deployment, config) == {
        "functionName": NAME,
        "qualifier": "live",
        "destinationConfig": {"onFailure": {"destination": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"}},
        "maximumRetryAttempts": 2,
    }
    urns = {item.urn for item in deployment.all("aws:iam/rolePolicy:RolePolicy") if item.name == NAME}
    assert urns <= set(deployment.one(config, NAME).dependencies)
    assert not with_function(run, BARE).all(config)


def test_the_alias_follows_the_published_version(run: Run) -> None:
    deployment = with_function(run, BARE)
    alias = deployment.one("aws:lambda/alias:Alias", NAME)
    assert {key: alias.inputs[key] for key in ("name", "functionName", "functionVersion")} == {
        "name": "live",
        "functionName": NAME,
        "functionVersion": "7",
    }
    assert deployment.one(FUNCTION, NAME).urn in alias.property_dependencies["functionVersion"]
    assert deployment.exports["functions"] == {
        "mailer": {"functionName": NAME, "alias": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAME}:live"}
    }


def test_log_group_permissions_and_the_grant_to_pull_come_first(run: Run) -> None:
    deployment = with_function(run, BARE)
    wanted: list[Registration] = [
        deployment.one("aws:cloudwatch/logGroup:LogGroup", NAME),
        deployment.one("aws:iam/rolePolicy:RolePolicy", NAME),
        deployment.one("aws:ecr/repositoryPolicy:RepositoryPolicy", "slipway-dev-wordcount"),
    ]
    assert {item.urn for item in wanted} <= set(deployment.one(FUNCTION, NAME).dependencies)
    log_group = wanted[0].inputs
    assert (log_group["name"], log_group["retentionInDays"]) == (f"/aws/lambda/{NAME}", 30)


def test_its_role_is_bounded(run: Run) -> None:
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/bound"
    role = with_function(run, BARE, permissionsBoundary=boundary).one("aws:iam/role:Role", NAME).inputs
    assert role["permissionsBoundary"] == boundary
    trust = json.loads(role["assumeRolePolicy"])["Statement"]
    assert [item["Principal"] for item in trust] == [{"Service": "lambda.amazonaws.com"}]


def test_a_preview_knows_all_but_image_role_and_version(run: Run) -> None:
    deployment = with_function(run, FULL, preview=True)
    unknown = {
        f"{item.type.rpartition(':')[2]}.{key}"
        for item in deployment.registrations
        for key, value in item.inputs.items()
        if item.name == NAME and value is UNKNOWN
    }
    assert unknown == {"RolePolicy.policy", "Function.imageUri", "Function.role", "Alias.functionVersion"}
