"""Functions that are made of an image: versions and alias read back as written, and are gone when deleted; those whose
image the sandbox built do run."""

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.context import Clients
from tests.sandbox.conftest import ACCOUNT, REGION, TAGS, Create, refused

IMAGE = "any@sha256:{}".format


@pytest.fixture
def image_function(create: Create, role: str, unique: str) -> Any:
    return create(
        "aws:lambda/function:Function",
        name=unique,
        packageType="Image",
        imageUri=IMAGE("0" * 64),
        imageConfig={"commands": ["app.handle"]},
        architectures=["arm64"],
        role=role,
        memorySize=512,
        timeout=60,
        ephemeralStorage={"size": 512},
        publish=True,
        tags=TAGS,
    )


def test_a_function_of_an_image_and_its_versions(image_function: Any, client: Clients, unique: str) -> None:
    functions = client("lambda")
    read = functions.get_function(FunctionName=unique)
    assert read["Code"]["ImageUri"] == read["Code"]["ResolvedImageUri"] == IMAGE("0" * 64)
    found = read["Configuration"]
    assert (found["PackageType"], found["Architectures"], found["CodeSha256"]) == ("Image", ["arm64"], "0" * 64)
    assert found["ImageConfigResponse"] == {"ImageConfig": {"Command": ["app.handle"]}}
    assert (image_function["version"], image_function["arn"]) == ("1", found["FunctionArn"])
    functions.get_waiter("function_active_v2").wait(FunctionName=unique, WaiterConfig={"Delay": 0.1})
    functions.update_function_code(FunctionName=unique, ImageUri=IMAGE("1" * 64))
    functions.get_waiter("function_updated_v2").wait(FunctionName=unique, WaiterConfig={"Delay": 0.1})
    assert functions.publish_version(FunctionName=unique)["Version"] == "2"
    # What the provider waits for before it calls the new version published.
    functions.get_waiter("published_version_active").wait(
        FunctionName=unique, Qualifier="2", WaiterConfig={"Delay": 0.1}
    )
    listed = functions.list_versions_by_function(FunctionName=unique)["Versions"]
    assert [(item["Version"], item["FunctionArn"], item["CodeSha256"]) for item in listed[1:]] == [
        ("1", found["FunctionArn"] + ":1", "0" * 64),
        ("2", found["FunctionArn"] + ":2", "1" * 64),
    ]
    functions.delete_function(FunctionName=unique)
    assert refused(functions.get_function, FunctionName=unique) == "ResourceNotFoundException"


def test_alias(create: Create, image_function: Any, client: Clients, unique: str) -> None:
    functions = client("lambda")
    alias = create(
        "aws:lambda/alias:Alias",
        name="live",
        functionName=unique,
        functionVersion=image_function["version"],
        description="what callers get",
    )
    read = functions.get_alias(FunctionName=unique, Name="live")
    assert alias["arn"] == read["AliasArn"] == f"{image_function['arn']}:live"
    assert (read["FunctionVersion"], read["Description"]) == ("1", "what callers get")
    assert "RoutingConfig" not in read
    functions.update_function_code(FunctionName=unique, ImageUri=IMAGE("1" * 64), Publish=True)
    functions.update_alias(FunctionName=unique, Name="live", FunctionVersion="2")
    assert functions.get_alias(FunctionName=unique, Name="live")["FunctionVersion"] == "2"
    queue_arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:failures"
    config = create(
        "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
        functionName=unique,
        qualifier="live",
        maximumRetryAttempts=2,
        destinationConfig={"onFailure": {"destination": queue_arn}},
    )
    assert config.id == f"{unique}:live"
    read = functions.get_function_event_invoke_config(FunctionName=unique, Qualifier="live")
    assert read["DestinationConfig"] == {"OnFailure": {"Destination": queue_arn}}
    assert read["MaximumRetryAttempts"] == 2
    assert "MaximumEventAgeInSeconds" not in read
    functions.delete_function_event_invoke_config(FunctionName=unique, Qualifier="live")
    code = refused(functions.get_function_event_invoke_config, FunctionName=unique, Qualifier="live")
    assert code == "ResourceNotFoundException"
    functions.delete_alias(FunctionName=unique, Name="live")
    assert refused(functions.get_alias, FunctionName=unique, Name="live") == "ResourceNotFoundException"


_PROGRAM = """
import json, os, sys, urllib.request

api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
while True:
    with urllib.request.urlopen(f"{api}/next") as answer:
        request, event = answer.headers["Lambda-Runtime-Aws-Request-Id"], json.load(answer)
    said = {"twice": event["n"] * 2, "word": os.environ["WORD"], "arguments": sys.argv[1:]}
    urllib.request.urlopen(f"{api}/{request}/response", json.dumps(said).encode()).close()
"""


def test_a_function_of_an_image_that_was_built_here_runs(
    create: Create, client: Clients, role: str, unique: str, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(_PROGRAM)
    dockerfile = 'FROM python:3.13-slim\nWORKDIR /app\nCOPY app.py .\nENTRYPOINT ["python", "app.py"]\nCMD ["first"]\n'
    (tmp_path / "Dockerfile").write_text(dockerfile)
    image = create("docker-build:index:Image", context={"location": str(tmp_path)})
    create(
        "aws:lambda/function:Function",
        name=unique,
        packageType="Image",
        imageUri=f"any@{image['digest']}",
        imageConfig={"commands": ["second"]},
        environment={"variables": {"WORD": "it's said"}},
        architectures=["arm64"],
        role=role,
        timeout=60,
        publish=True,
    )
    create("aws:lambda/alias:Alias", name="live", functionName=unique, functionVersion="1")
    for n in (1, 21):
        answer = client("lambda").invoke(FunctionName=f"{unique}:live", Payload=json.dumps({"n": n}))
        assert "FunctionError" not in answer
        assert json.load(answer["Payload"]) == {"twice": 2 * n, "word": "it's said", "arguments": ["second"]}


def test_a_function_of_another_image_says_that_it_does_not_run_here(
    image_function: Any, client: Clients, unique: str
) -> None:
    answer = client("lambda").invoke(FunctionName=unique)
    assert answer["FunctionError"] == "Unhandled"
    text = f"The sandbox doesn't run {unique}: it didn't build {IMAGE('0' * 64)} itself; see docs/sandbox.md."
    assert json.load(answer["Payload"])["errorMessage"] == text
