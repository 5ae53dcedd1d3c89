"""The resource of an image where there is an engine. What it builds and pushes is replaced."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox import docker_images, process
from sandbox.context import Clients
from sandbox.deploy import SandboxProvider
from sandbox.docker_engine import DockerEngine
from sandbox.docker_images import Build, DockerError
from sandbox.errors import DeploymentError
from tests import patient
from tests.sandbox.conftest import REGION, registration

ENGINE = DockerEngine(command="/nowhere/docker", host="unix:///nowhere.sock")
IMAGE = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
    "config": {"digest": "sha256:00"},
    "layers": [],
}
INDEX = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Build, list[str]]]:
    """What the engine was asked to build."""
    found: list[tuple[Build, list[str]]] = []
    monkeypatch.setattr(docker_images, "build", lambda _engine, what, references: found.append((what, references)))
    return found


@pytest.fixture
def pushes(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """`pushes(manifest)`: that is what the engine sends to the registry; None sends nothing."""

    def send(manifest: Any) -> None:
        def push(_engine: DockerEngine, reference: str) -> None:
            host, _, path = reference.partition("/")
            repository, _, tag = path.rpartition(":")
            if manifest is not None:
                url = f"http://{host}/v2/{repository}/manifests/{tag}"
                headers = {"Content-Type": manifest["mediaType"]}
                patient.put(url, content=json.dumps(manifest), headers=headers).raise_for_status()

        monkeypatch.setattr(docker_images, "push", push)

    return send


@pytest.fixture
def image(sandbox: process.Sandbox, client: Clients, unique: str, tmp_path: Path) -> Callable[..., Any]:
    """`image(**inputs)` makes one where there is an engine; it is pushed with the tag `build-1`."""
    client("ecr").create_repository(repositoryName=unique)
    provider = SandboxProvider(
        endpoint_url=sandbox.endpoint_url,
        region=REGION,
        state=tmp_path / "state",
        root=tmp_path,
        docker=ENGINE,
        advise=lambda name, errors: f"advice for {name}: {len(errors)}",
    )

    def make(**inputs: Any) -> Any:
        given = {"context": {"location": "."}, "tags": [f"127.0.0.1:{sandbox.port}/{unique}:build-1"], **inputs}
        return provider.create(registration("docker-build:index:Image", given, "hello"))

    return make


EXPORTS = [{"raw": "type=registry,rewrite-timestamp=true"}]


def test_the_engine_builds_with_the_resources_arguments_and_the_digest_is_the_registrys(
    image: Callable[..., Any],
    builds: list[tuple[Build, list[str]]],
    pushes: Callable[[Any], None],
    client: Clients,
    unique: str,
    tmp_path: Path,
) -> None:
    pushes(IMAGE)
    digest, outputs = image(
        exports=EXPORTS,
        dockerfile={"location": "Dockerfile.job"},
        buildArgs={"A": "b"},
        labels={"c": "d"},
        noCache=True,
        pull=True,
    )
    (pushed,) = client("ecr").describe_images(repositoryName=unique)["imageDetails"]
    assert digest == outputs["digest"] == pushed["imageDigest"]
    ((what, (reference,)),) = builds
    assert outputs["ref"] == f"{reference}@{digest}"
    assert what == Build(
        context=tmp_path,
        dockerfile=tmp_path / "Dockerfile.job",
        build_args={"A": "b"},
        labels={"c": "d"},
        no_cache=True,
        pull=True,
    )


def test_an_index_is_refused(
    image: Callable[..., Any], builds: list[tuple[Build, list[str]]], pushes: Callable[[Any], None]
) -> None:
    pushes(INDEX)
    with pytest.raises(DeploymentError, match=r"was pushed as application/vnd.oci.image.index.v1\+json"):
        image(push=True)


def test_a_push_that_went_elsewhere_is_noticed(
    image: Callable[..., Any], builds: list[tuple[Build, list[str]]], pushes: Callable[[Any], None]
) -> None:
    pushes(None)
    with pytest.raises(DeploymentError, match="was pushed, but the registry doesn't have it"):
        image(push=True)


def test_a_failure_comes_with_what_to_do(image: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise DockerError("Docker can't build it")

    monkeypatch.setattr(docker_images, "build", fail)
    with pytest.raises(DeploymentError, match="Docker can't build it\n  advice for hello: 1"):
        image(push=True)


def test_what_is_not_pushed_is_interpreted(
    image: Callable[..., Any], builds: list[tuple[Build, list[str]]], tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    assert image()[0].startswith("sha256:")
    assert builds == []
