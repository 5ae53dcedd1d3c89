"""Where a pipeline's image comes from: built or named, in the stack's own repository or in a shared one."""

import json
from collections.abc import Mapping
from typing import Any

from engine.preview import PLACEHOLDER_ACCOUNT
from engine.program import UNKNOWN, Deployment
from tests.components.stack import ACCOUNT, DIGEST, OTHER_ACCOUNT, REGION, Run

IMAGE = "docker-build:index:Image"
REPOSITORY = "aws:ecr/repository:Repository"
LIFECYCLE = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
POLICY = "aws:ecr/repositoryPolicy:RepositoryPolicy"
HOST = f"dkr.ecr.{REGION}.amazonaws.com"
SHARED = f"{ACCOUNT}.{HOST}/slipway-shared/wordcount"
PROMOTED = {"image": DIGEST, "schema": "pipelines/wordcount/parameters.schema.json", "imageTag": "release-4.0.0"}


def image_of(deployment: Deployment) -> str:
    return json.loads(deployment.one("aws:batch/jobDefinition:JobDefinition").inputs["containerProperties"])["image"]


def pulled_by_the_starter(deployment: Deployment) -> list[str]:
    """The repositories that the role which starts the jobs may pull from."""
    statements = [
        statement
        for item in deployment.all("aws:iam/rolePolicy:RolePolicy")
        for statement in json.loads(item.inputs["policy"])["Statement"]
        if "ecr:BatchGetImage" in statement["Action"]
    ]
    (statement,) = statements
    return statement["Resource"]


def with_function(pipeline: Mapping[str, Any], **settings: Any) -> dict[str, Any]:
    functions = {"report": {"pipeline": "wordcount"}, "mail": {"pipeline": "wordcount"}}
    return {"pipelines": {"wordcount": pipeline}, "functions": functions, **settings}


def test_a_digest_alone_is_in_the_stacks_own_repository(run: Run) -> None:
    deployment = run({"pipelines": {"wordcount": PROMOTED}})
    url = f"{ACCOUNT}.{HOST}/slipway-dev/wordcount"
    assert image_of(deployment) == f"{url}@{DIGEST}"
    assert deployment.exports["pipelines"]["wordcount"]["repositoryUrl"] == url
    assert deployment.one(REPOSITORY).inputs["name"] == "slipway-dev/wordcount"
    assert deployment.one(LIFECYCLE)
    assert not deployment.all(IMAGE)


def test_with_shared_repositories_the_image_is_pushed_there(run: Run) -> None:
    deployment = run({"registry": "shared"})
    assert not deployment.all(REPOSITORY)
    assert not deployment.all(LIFECYCLE)
    image = deployment.one(IMAGE)
    assert image.inputs["tags"][0].startswith(f"{SHARED}:")
    assert image.inputs["registries"][0]["address"] == f"{ACCOUNT}.{HOST}"
    assert image.inputs["cacheTo"][0]["registry"]["ref"] == f"{SHARED}:buildcache"
    assert image_of(deployment) == f"{SHARED}@{DIGEST}"
    assert pulled_by_the_starter(deployment) == [f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/slipway-shared/wordcount"]


def test_a_digest_alone_is_looked_up_in_the_shared_repository(run: Run) -> None:
    deployment = run({"registry": "shared", "pipelines": {"wordcount": PROMOTED}})
    assert not deployment.all(REPOSITORY)
    assert not deployment.all(IMAGE)
    assert image_of(deployment) == f"{SHARED}@{DIGEST}"


def test_the_shared_repository_may_be_in_another_account(run: Run) -> None:
    settings = {"registry": "shared", "registryAccount": OTHER_ACCOUNT}
    for deployment in (run(settings), run({**settings, "pipelines": {"wordcount": PROMOTED}})):
        assert image_of(deployment) == f"{OTHER_ACCOUNT}.{HOST}/slipway-shared/wordcount@{DIGEST}"
        (repository,) = pulled_by_the_starter(deployment)
        assert repository == f"arn:aws:ecr:{REGION}:{OTHER_ACCOUNT}:repository/slipway-shared/wordcount"


def test_a_preview_knows_what_it_looks_up(run: Run) -> None:
    deployment = run({"registry": "shared"}, preview=True)
    url = f"{PLACEHOLDER_ACCOUNT}.{HOST}/slipway-shared/wordcount"
    assert deployment.one(IMAGE).inputs["tags"][0].startswith(f"{url}:")
    assert deployment.exports["pipelines"]["wordcount"]["imageReference"] is UNKNOWN
    promoted = run({"registry": "shared", "pipelines": {"wordcount": PROMOTED}}, preview=True)
    assert promoted.exports["pipelines"]["wordcount"]["imageReference"] == f"{url}@{DIGEST}"


def test_a_repository_without_functions_has_no_policy(dev: Deployment) -> None:
    assert not dev.all(POLICY)


def test_lambda_pulls_for_the_functions_of_the_stack_alone(run: Run) -> None:
    deployment = run(with_function({"context": "pipelines/wordcount"}))
    policy = deployment.one(POLICY)
    assert policy.inputs["repository"] == "slipway-dev/wordcount"
    (statement,) = json.loads(policy.inputs["policy"])["Statement"]
    assert statement == {
        "Sid": "LambdaPulls",
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        "Condition": {
            "ArnLike": {
                "aws:sourceArn": [
                    f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:slipway-dev-report-function",
                    f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:slipway-dev-mail-function",
                ]
            }
        },
    }


def test_the_functions_wait_for_that_permission_and_run_the_same_digest(run: Run) -> None:
    deployment = run(with_function({"context": "pipelines/wordcount"}))
    for name in ("report", "mail"):
        function = deployment.one("aws:lambda/function:Function", f"slipway-dev-{name}-function")
        assert function.inputs["name"] == function.name
        assert function.inputs["imageUri"] == image_of(deployment)
        assert deployment.one(POLICY).urn in function.dependencies
    assert set(deployment.exports["functions"]) == {"report", "mail"}


def test_a_repository_of_another_stack_is_opened_by_that_stack(run: Run) -> None:
    assert not run(with_function({"context": "pipelines/wordcount"}, registry="shared")).all(POLICY)


def test_only_the_repository_that_a_function_runs_from_is_opened(run: Run) -> None:
    entry = {"context": "pipelines/wordcount"}
    deployment = run({"pipelines": {"a": entry, "b": entry}, "functions": {"f": {"pipeline": "b"}}})
    assert [item.inputs["repository"] for item in deployment.all(POLICY)] == ["slipway-dev/b"]


def test_a_preview_knows_who_is_let_in(run: Run) -> None:
    deployment = run(with_function({"context": "pipelines/wordcount"}), preview=True)
    assert "slipway-dev-report-function" in deployment.one(POLICY).inputs["policy"]
