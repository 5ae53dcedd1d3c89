"""What the provider refuses, and how it says so."""

from pathlib import Path
from typing import Any

import pytest

from engine.registration import Registration
from sandbox.context import Clients
from sandbox.deploy import SandboxProvider
from sandbox.errors import DeploymentError
from sandbox.process import Sandbox
from tests.sandbox.conftest import ACCOUNT, REGION


def registration(kind: str, **inputs: Any) -> Registration:
    return Registration(urn="urn", type=kind, name="the-name", custom=True, parent="", inputs=inputs)


def test_a_resource_type_that_is_not_listed_fails_with_its_name(provider: SandboxProvider) -> None:
    with pytest.raises(DeploymentError, match=r"aws:rds/instance:Instance \('the-name'\)"):
        provider.create(registration("aws:rds/instance:Instance"))


def test_a_proxy_and_a_profile_of_the_environment_are_not_for_the_sandbox(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert Clients(sandbox.endpoint_url, REGION)("sts").get_caller_identity()["Account"] == ACCOUNT


def test_a_property_that_is_not_known_fails_with_its_name(provider: SandboxProvider, unique: str) -> None:
    with pytest.raises(DeploymentError, match="doesn't know fooBar, kmsMagic of aws:cloudwatch/logGroup:LogGroup"):
        provider.create(registration("aws:cloudwatch/logGroup:LogGroup", name=unique, kmsMagic=1, fooBar=0))


def test_a_property_that_is_unset_is_none_of_our_business(provider: SandboxProvider, unique: str) -> None:
    provider.create(registration("aws:cloudwatch/logGroup:LogGroup", name=unique, kmsMagic=None))


def test_a_missing_property_fails_with_its_name(provider: SandboxProvider) -> None:
    with pytest.raises(DeploymentError, match="'the-name' has no 'cidrBlock'"):
        provider.create(registration("aws:ec2/vpc:Vpc"))


def test_what_the_service_refuses_is_told_with_the_resource(provider: SandboxProvider, unique: str) -> None:
    provider.create(registration("aws:cloudwatch/logGroup:LogGroup", name=unique))
    with pytest.raises(DeploymentError, match=r"'the-name' failed: .*ResourceAlreadyExists"):
        provider.create(registration("aws:cloudwatch/logGroup:LogGroup", name=unique))


def test_a_parameter_that_the_service_does_not_have_is_told_with_the_resource(provider: SandboxProvider) -> None:
    with pytest.raises(DeploymentError, match=r"(?s)'the-name' failed: .*wings"):
        provider.create(
            registration("aws:ecr/repository:Repository", name="any", imageScanningConfiguration={"wings": True})
        )


def test_a_provider_function_that_is_not_listed_fails_with_its_name(provider: SandboxProvider) -> None:
    with pytest.raises(DeploymentError, match="aws:ec2/getAmi:getAmi"):
        provider.invoke("aws:ec2/getAmi:getAmi", {})


def test_what_the_builder_cannot_honour_is_told_with_its_line(provider: SandboxProvider, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python:3.13-slim\nRUN make everything\n")
    with pytest.raises(DeploymentError, match=r"Dockerfile.*2"):
        provider.create(registration("docker-build:index:Image", context={"location": str(tmp_path)}))


def test_an_image_for_two_platforms_is_refused(provider: SandboxProvider, tmp_path: Path) -> None:
    platforms = ["linux/arm64", "linux/amd64"]
    with pytest.raises(DeploymentError, match="linux/arm64, linux/amd64"):
        provider.create(
            registration("docker-build:index:Image", context={"location": str(tmp_path)}, platforms=platforms)
        )


def test_an_imported_api_is_refused(provider: SandboxProvider, unique: str) -> None:
    with pytest.raises(DeploymentError, match="doesn't know body of aws:apigateway/restApi:RestApi"):
        provider.create(registration("aws:apigateway/restApi:RestApi", name=unique, body='{"openapi": "3.0.1"}'))
