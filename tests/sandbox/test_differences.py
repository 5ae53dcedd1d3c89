"""Where the sandbox is laxer or stricter than AWS: docs/sandbox.md lists each point with its test.

A test here shows the difference, so that the list stays true: one that fails has lost its reason. What the sandbox can
not prove, other tests do; the list says which.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import boto3
import pulumi
import pytest

from sandbox.context import Clients
from sandbox.process import Sandbox
from sandbox.resources import CREATORS, INVOKES
from tests import patient
from tests.sandbox.conftest import REGION, Create

ROOT = Path(__file__).parents[2]
_ECHO = """
import json, sys, threading

def handle(event, context):
    threading.Event().wait(0.2)
    body = json.dumps({"headers": event["headers"], "python": sys.version_info[:2]})
    return {"statusCode": 200, "body": body}
"""


@pytest.fixture
def api(create: Create, unique: str) -> Any:
    """A deployed API without methods."""
    return create("aws:apigateway/restApi:RestApi", name=unique)


def method(create: Create, api: Any, verb: str, **integration: Any) -> None:
    place = {"restApi": api.id, "resourceId": api["rootResourceId"], "httpMethod": verb}
    create("aws:apigateway/method:Method", **place, authorization="NONE")
    create("aws:apigateway/integration:Integration", **place, **integration)


def deploy(create: Create, api: Any) -> str:
    deployment = create("aws:apigateway/deployment:Deployment", restApi=api.id)
    stage = create("aws:apigateway/stage:Stage", restApi=api.id, deployment=deployment.id, stageName="default")
    return stage["invokeUrl"]


@pytest.fixture
def slow_echo(create: Create, api: Any, unique: str, role: str) -> str:
    """The URL of a method whose function takes longer than its integration may."""
    function = create(
        "aws:lambda/function:Function",
        name=unique,
        code=pulumi.AssetArchive({"handler.py": pulumi.StringAsset(_ECHO)}),
        handler="handler.handle",
        runtime="python3.13",
        role=role,
        timeout=60,
    )
    create(
        "aws:lambda/permission:Permission",
        function=unique,
        action="lambda:InvokeFunction",
        principal="apigateway.amazonaws.com",
        sourceArn=f"{api['executionArn']}/*/*",
    )
    uri = function["invokeArn"]
    method(create, api, "GET", type="AWS_PROXY", integrationHttpMethod="POST", uri=uri, timeoutMilliseconds=50)
    return deploy(create, api)


def test_the_roots_signature_is_not_checked(sandbox: Sandbox) -> None:
    root = boto3.client(
        "s3",
        endpoint_url=sandbox.endpoint_url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="wrong",
    )
    assert root.list_buckets()["Buckets"] is not None


def test_plain_http_counts_as_https(create: Create, client: Clients, unique: str) -> None:
    create("aws:s3/bucket:Bucket", bucket=unique)
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{unique}", f"arn:aws:s3:::{unique}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    create("aws:s3/bucketPolicy:BucketPolicy", bucket=unique, policy=json.dumps(policy))
    assert client("s3").list_objects_v2(Bucket=unique)["KeyCount"] == 0


def test_what_a_public_bucket_does_not_have_is_a_404(create: Create, sandbox: Sandbox, unique: str) -> None:
    create("aws:s3/bucket:Bucket", bucket=unique)
    create("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", bucket=unique, blockPublicPolicy=False)
    resource = f"arn:aws:s3:::{unique}/*"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": resource}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    create("aws:s3/bucketPolicy:BucketPolicy", bucket=unique, policy=json.dumps(policy))
    assert patient.get(f"{sandbox.endpoint_url}/{unique}/nothing").status_code == 404


def test_the_control_plane_has_no_rate_limit(create: Create, client: Clients, api: Any) -> None:
    parents = [api["rootResourceId"]]
    for number in range(30):
        made = client("apigateway").create_resource(restApiId=api.id, parentId=parents[0], pathPart=f"r{number}")
        parents.append(made["id"])
    assert len(parents) == 31


def test_a_method_works_without_a_new_deployment(create: Create, api: Any) -> None:
    url = deploy(create, api)
    assert patient.get(url).status_code == 403
    method(create, api, "GET", type="MOCK")
    assert patient.get(url).status_code == 200


def test_templates_are_not_evaluated(create: Create, api: Any) -> None:
    method(create, api, "GET", type="MOCK")
    create(
        "aws:apigateway/integrationResponse:IntegrationResponse",
        restApi=api.id,
        resourceId=api["rootResourceId"],
        httpMethod="GET",
        statusCode="200",
        responseTemplates={"application/json": "$context.requestId"},
    )
    assert patient.get(deploy(create, api)).text == "$context.requestId"


def test_an_integration_may_take_longer_than_its_timeout(slow_echo: str) -> None:
    assert patient.get(slow_echo).status_code == 200


def test_a_function_gets_header_names_in_lower_case(slow_echo: str) -> None:
    headers = patient.get(slow_echo, headers={"X-Custom-Name": "value"}).json()["headers"]
    assert headers["x-custom-name"] == "value"
    assert "X-Custom-Name" not in headers


def test_an_image_needs_no_layers(create: Create, client: Clients, unique: str) -> None:
    """AWS answers LayersNotFoundException."""
    create("aws:ecr/repository:Repository", name=unique)
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": f"sha256:{'0' * 64}", "size": 1}
    manifest = json.dumps({"schemaVersion": 2, "config": layer, "layers": [layer]})
    client("ecr").put_image(repositoryName=unique, imageManifest=manifest, imageTag="one")
    (image,) = client("ecr").describe_images(repositoryName=unique)["imageDetails"]
    assert image["imageTags"] == ["one"]


def test_a_function_runs_on_the_sandboxs_own_python(slow_echo: str) -> None:
    assert patient.get(slow_echo).json()["python"] == list(sys.version_info[:2])


def test_a_key_is_told_without_being_asked_for(create: Create, client: Clients, unique: str) -> None:
    key = create("aws:apigateway/apiKey:ApiKey", name=unique)
    assert client("apigateway").get_api_key(apiKey=key.id)["value"] == key["value"]


def test_the_docs_and_the_api_have_one_origin(create: Create, api: Any, sandbox: Sandbox, unique: str) -> None:
    create("aws:s3/bucket:Bucket", bucket=unique)
    site = create(
        "aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration",
        bucket=unique,
        indexDocument={"suffix": "index.html"},
    )
    assert deploy(create, api).startswith(f"{sandbox.endpoint_url}/")
    assert f"http://{site['websiteEndpoint']}".startswith(f"{sandbox.endpoint_url}/")


def test_each_point_in_the_docs_names_a_test() -> None:
    text = (ROOT / "docs" / "sandbox.md").read_text()
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    missing = [f"{path}::{name}" for path, name in named if f"def {name}(" not in (ROOT / path).read_text()]
    assert missing == []
    own = re.findall(r"^def (test_\w+)\(", Path(__file__).read_text(), re.MULTILINE)
    listed = {name for _, name in named}
    assert [name for name in own if name not in listed and "in_the_docs" not in name] == []


def test_each_resource_type_is_in_the_docs() -> None:
    text = (ROOT / "docs" / "sandbox.md").read_text()
    assert [token for token in (*CREATORS, *INVOKES) if f"`{token}`" not in text] == []
