"""Stacks and projects side by side in one account and region: no name that must be unique is taken twice, and none is
too long. What it can't prove: limits that AWS changes."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from components.pipeline_settings import MAX_NAME_LENGTH
from engine.preview import PreviewProvider
from engine.program import Deployment, run_program

ROOT = Path(__file__).parent.parent
REGION = "eu-central-1"

UNIQUE: Mapping[str, tuple[str, int, str]] = {
    "aws:batch/computeEnvironment:ComputeEnvironment": ("name", 128, r"[A-Za-z0-9_-]+"),
    "aws:batch/jobDefinition:JobDefinition": ("name", 128, r"[A-Za-z0-9_-]+"),
    "aws:batch/jobQueue:JobQueue": ("name", 128, r"[A-Za-z0-9_-]+"),
    "aws:cloudfront/originAccessControl:OriginAccessControl": ("name", 64, r".+"),
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": ("name", 128, r"[A-Za-z0-9_-]+"),
    "aws:cloudwatch/eventRule:EventRule": ("name", 64, r"[.A-Za-z0-9_-]+"),
    "aws:cloudwatch/logGroup:LogGroup": ("name", 512, r"[.A-Za-z0-9_/#-]+"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": ("name", 255, r".+"),
    "aws:dynamodb/table:Table": ("name", 255, r"[A-Za-z0-9_.-]{3,}"),
    "aws:ec2/securityGroup:SecurityGroup": ("name", 255, r"[A-Za-z0-9 ._:/()#,@\[\]+=&;{}!$*-]+"),
    "aws:ecr/repository:Repository": ("name", 256, r"[a-z0-9]+(?:[._/-][a-z0-9]+)*"),
    "aws:ecs/cluster:Cluster": ("name", 255, r"[A-Za-z0-9_-]+"),
    "aws:ecs/service:Service": ("name", 255, r"[A-Za-z0-9_-]+"),
    "aws:ecs/taskDefinition:TaskDefinition": ("family", 255, r"[A-Za-z0-9_-]+"),
    "aws:iam/role:Role": ("name", 64, r"[A-Za-z0-9+=,.@_-]+"),
    "aws:lambda/function:Function": ("name", 64, r"[A-Za-z0-9_-]+"),
    "aws:s3/bucket:Bucket": ("bucket", 63, r"[a-z0-9][a-z0-9-]+[a-z0-9]"),
    "aws:apigateway/apiKey:ApiKey": ("name", 1024, r".+"),
    "aws:apigateway/usagePlan:UsagePlan": ("name", 1024, r".+"),
    "aws:sns/topic:Topic": ("name", 256, r"[A-Za-z0-9_-]+"),
    "aws:sqs/queue:Queue": ("name", 80, r"[A-Za-z0-9_-]+"),
}
"""What must be unique in an account and region, or beyond: its property, limit and characters [the API reference of
each service, its Create operation]. API keys and usage plans may share names, but nobody could tell them apart."""
_IN_A_PARENT = frozenset(
    {
        *(f"aws:apigateway/{kind}" for kind in ("model:Model", "requestValidator:RequestValidator", "restApi:RestApi")),
        "aws:iam/rolePolicy:RolePolicy",
        "aws:lambda/alias:Alias",
    }
)
"""Names that are unique in their parent only, and of REST APIs, whose names may be shared."""


def names(deployment: Deployment) -> Iterator[tuple[str, str]]:
    for item in deployment.registrations:
        if item.type in UNIQUE:
            yield item.type, item.inputs[UNIQUE[item.type][0]]


@pytest.fixture(scope="module")
def other_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same program under another project's name, with the stacks of this one."""
    root = tmp_path_factory.mktemp("other")
    for name in ("components", "lambda_src", "pipelines", "swagger", "__main__.py"):
        (root / name).symlink_to(ROOT / name)
    (root / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text().replace("name: slipway", "name: jetty", 1))
    return root


def preview(root: Path, stack: str, **settings: Any) -> Deployment:
    config = {
        "aws:region": REGION,
        "pipelines": {"wordcount": {"context": "pipelines/wordcount"}},
        "docs": {"mode": "website" if stack in ("dev", "local") else "cloudfront"},
        "functions": {"mailer": {"pipeline": "wordcount"}},
        "services": {"web": {"pipeline": "wordcount"}},
        "notifications": {"emails": ["team@example.org"]},
        **settings,
    }
    return run_program(root, stack, provider=PreviewProvider(REGION), preview=True, config=config)


def test_stacks_and_projects_share_an_account_without_sharing_a_name(other_project: Path) -> None:
    deployments = [preview(root, stack) for root in (ROOT, other_project) for stack in ("dev", "prod")]
    config = {"aws:region": REGION, "repositories": ["wordcount"], "notifications": {"emails": ["team@example.org"]}}
    deployments += [
        run_program(root, "shared", provider=PreviewProvider(REGION), preview=True, config=config)
        for root in (ROOT, other_project)
    ]
    taken = [name for deployment in deployments for name in names(deployment)]
    assert len(taken) == len(set(taken)), sorted({name for name in taken if taken.count(name) > 1})
    assert len(taken) > 4 * 15


def test_every_type_that_takes_a_name_is_looked_at() -> None:
    for stack in ("dev", "prod"):
        named = {item.type for item in preview(ROOT, stack).registrations if item.custom and "name" in item.inputs}
        assert named <= set(UNIQUE) | _IN_A_PARENT


def test_the_longest_names_are_shortened_and_stay_apart() -> None:
    long = "a" * (MAX_NAME_LENGTH - 1)
    pipelines = {name: {"context": "pipelines/wordcount"} for name in (f"{long}x", f"{long}y")}
    consumers: dict[str, Any] = {"default": {}, "c" * 32: {}}
    runs = {name: {"pipeline": f"{long}x"} for name in (f"{long}x", f"{long}y")}
    deployment = preview(
        ROOT,
        "a-stack-of-somebody-who-likes-long-names",
        pipelines=pipelines,
        consumers=consumers,
        functions=runs,
        services=runs,
    )
    found = list(names(deployment))
    assert len(found) == len(set(found))
    for type_, name in found:
        _, limit, characters = UNIQUE[type_]
        assert len(name) <= limit, name
        assert re.fullmatch(characters, name), name


def test_a_pipeline_a_function_and_a_service_may_share_a_name() -> None:
    pipelines = {
        name: {"context": "pipelines/wordcount"}
        for name in ("same", "same-function", "same-service", "same-trigger", "notifications", "reconciler", "services")
    }
    runs = {name: {"pipeline": "same"} for name in pipelines}
    found = list(names(preview(ROOT, "dev", pipelines=pipelines, functions=runs, services=runs)))
    assert len(found) == len(set(found)), sorted({name for name in found if found.count(name) > 1})
