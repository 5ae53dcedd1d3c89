"""The functions: environment, permissions, and a zip that is the same on every machine."""

import json
import re
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components import lambda_package
from engine.program import Deployment
from tests.components.stack import ACCOUNT, REGION, ROOT, Run

FUNCTION = "aws:lambda/function:Function"
TRIGGER = "slipway-dev-wordcount-trigger"
BATCH = f"arn:aws:batch:{REGION}:{ACCOUNT}"
LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group"


def bucket(deployment: Deployment, role: str) -> str:
    return deployment.one("aws:s3/bucket:Bucket", f"slipway-dev-{role}").inputs["bucket"]


def granted(deployment: Deployment, role: str) -> dict[str, list[str]]:
    """Action -> resources of a role's policy."""
    document = json.loads(deployment.one("aws:iam/rolePolicy:RolePolicy", role).inputs["policy"])
    return {action: statement["Resource"] for statement in document["Statement"] for action in statement["Action"]}


def documented_actions(path: str) -> set[str]:
    """The table of a function's docstring, and what Lambda itself needs to log."""
    text = (ROOT / path).read_text()
    return set(re.findall(r"^\| (\w+:\w+) \|", text, re.MULTILINE)) | {"logs:CreateLogStream", "logs:PutLogEvents"}


def test_the_function_is_small_on_arm64_and_ends_before_the_gateway_gives_up(dev: Deployment) -> None:
    inputs = dev.one(FUNCTION, TRIGGER).inputs
    assert inputs["name"] == TRIGGER
    assert inputs["runtime"] == "python3.13"
    assert inputs["architectures"] == ["arm64"]
    assert inputs["handler"] == "handler.handle"
    assert inputs["timeout"] == 28
    assert inputs["memorySize"] == 512


def test_the_function_learns_all_from_its_environment(dev: Deployment) -> None:
    assert dev.one(FUNCTION, TRIGGER).inputs["environment"]["variables"] == {
        "CONSUMERS": json.dumps({"id-of-slipway-dev-default-0-1": "default"}),
        "CORS_ORIGINS": "*",
        "IDEMPOTENCY_TABLE": "slipway-dev-idempotency",
        "INPUTS_BUCKET": bucket(dev, "inputs"),
        "JOB_NAME_PREFIX": "wordcount",
        "JOB_VISIBILITY": "consumer",
        "LOG_GROUP": "/aws/batch/slipway-dev-wordcount",
        "MAX_TIMEOUT_SECONDS": "900",
        "PIPELINE": "wordcount",
        "RESULTS_BUCKET": bucket(dev, "results"),
        "aws_jobdefinition": "slipway-dev-wordcount:7",
        "aws_jobqueue": "slipway-dev",
    }


def test_settings_reach_the_function(run: Run) -> None:
    deployment = run({"corsOrigins": ["https://a.example", "https://b.example"], "jobVisibility": "all"})
    variables = deployment.one(FUNCTION, TRIGGER).inputs["environment"]["variables"]
    assert variables["CORS_ORIGINS"] == "https://a.example,https://b.example"
    assert variables["JOB_VISIBILITY"] == "all"


def test_the_function_may_do_exactly_this(dev: Deployment) -> None:
    results, inputs = bucket(dev, "results"), bucket(dev, "inputs")
    table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/slipway-dev-idempotency"
    assert granted(dev, TRIGGER) == {
        "batch:SubmitJob": [f"{BATCH}:job-queue/slipway-dev", f"{BATCH}:job-definition/slipway-dev-wordcount:*"],
        "batch:DescribeJobs": ["*"],
        "batch:ListJobs": ["*"],
        "batch:TerminateJob": [f"{BATCH}:job/*"],
        "s3:ListBucket": [f"arn:aws:s3:::{results}"],
        "s3:GetObject": [f"arn:aws:s3:::{results}/wordcount/*"],
        "s3:PutObject": [f"arn:aws:s3:::{inputs}/wordcount/*"],
        "dynamodb:PutItem": [table],
        "dynamodb:UpdateItem": [table],
        "logs:GetLogEvents": [f"{LOGS}:/aws/batch/slipway-dev-wordcount:log-stream:*"],
        "logs:CreateLogStream": [f"{LOGS}:/aws/lambda/{TRIGGER}:log-stream:*"],
        "logs:PutLogEvents": [f"{LOGS}:/aws/lambda/{TRIGGER}:log-stream:*"],
    }


def test_the_function_may_do_what_its_code_says_it_calls(dev: Deployment) -> None:
    assert set(granted(dev, TRIGGER)) == documented_actions("lambda_src/trigger/handler.py")


def test_listing_ends_at_the_pipelines_own_prefix(dev: Deployment) -> None:
    document = json.loads(dev.one("aws:iam/rolePolicy:RolePolicy", TRIGGER).inputs["policy"])
    (statement,) = [found for found in document["Statement"] if found["Action"] == ["s3:ListBucket"]]
    assert statement["Condition"] == {"StringLike": {"s3:prefix": "wordcount/*"}}


@pytest.mark.parametrize("name", [TRIGGER, "slipway-dev-reconciler"])
def test_log_group_and_permissions_come_before_the_function(dev: Deployment, name: str) -> None:
    group = dev.one("aws:cloudwatch/logGroup:LogGroup", name)
    assert (group.inputs["name"], group.inputs["retentionInDays"]) == (f"/aws/lambda/{name}", 30)
    dependencies = dev.one(FUNCTION, name).dependencies
    assert group.urn in dependencies
    assert dev.one("aws:iam/rolePolicy:RolePolicy", name).urn in dependencies


def test_the_reconciler_hears_of_jobs_of_this_queue(dev: Deployment) -> None:
    rule = dev.one("aws:cloudwatch/eventRule:EventRule")
    assert json.loads(rule.inputs["eventPattern"]) == {
        "source": ["aws.batch"],
        "detail-type": ["Batch Job State Change"],
        "detail": {"jobQueue": [f"{BATCH}:job-queue/slipway-dev"], "status": ["RUNNABLE", "STARTING", "RUNNING"]},
    }
    target = dev.one("aws:cloudwatch/eventTarget:EventTarget").inputs
    function = dev.one(FUNCTION, "slipway-dev-reconciler")
    assert (target["rule"], target["arn"]) == ("slipway-dev-reconciler", function.outputs["arn"])
    permission = dev.one("aws:lambda/permission:Permission", "slipway-dev-reconciler").inputs
    assert (permission["principal"], permission["sourceArn"]) == ("events.amazonaws.com", rule.outputs["arn"])


def test_the_reconciler_may_do_what_its_code_says_it_calls(dev: Deployment) -> None:
    found = granted(dev, "slipway-dev-reconciler")
    assert set(found) == documented_actions("lambda_src/reconciler/reconciler.py")
    assert found["batch:TerminateJob"] == [f"{BATCH}:job/*"]
    inputs = dev.one(FUNCTION, "slipway-dev-reconciler").inputs
    assert (inputs["handler"], inputs["architectures"]) == ("reconciler.handle", ["arm64"])


def files(archive: pulumi.AssetArchive) -> dict[str, Any]:
    return dict(archive.assets)


def test_the_zip_holds_python_files_the_schema_and_nothing_else() -> None:
    found = files(lambda_package.trigger_archive(ROOT, {"type": "object"}))
    assert found.pop("parameters.schema.json").text == '{"type": "object"}'
    assert all(name.endswith(".py") for name in found)
    assert "handler.py" in found
    assert "fastjsonschema/__init__.py" in found
    assert not [name for name in found if "__pycache__" in name or name.startswith(("/", ".."))]
    size = sum((ROOT / asset.path).stat().st_size for asset in found.values())
    assert size < 2 * 1024 * 1024


def test_paths_inside_the_project_are_relative() -> None:
    for name, asset in files(lambda_package.trigger_archive(ROOT, {})).items():
        if name != "parameters.schema.json":
            absolute = ROOT / asset.path
            assert absolute.is_file()
            assert Path(asset.path).is_absolute() == (not absolute.is_relative_to(ROOT)), name


def test_the_zip_is_in_order_and_the_same_whatever_was_run_before(tmp_path: Path) -> None:
    source = tmp_path / lambda_package.RECONCILER
    (source / "__pycache__").mkdir(parents=True)
    (source / "__pycache__/reconciler.cpython-311.pyc").write_bytes(b"x")
    for name in ("b.py", "a.py", "notes.txt"):
        (source / name).write_text("")
    assert list(files(lambda_package.reconciler_archive(tmp_path))) == ["a.py", "b.py"]
