"""What goes wrong between a Dockerfile and a registry: a clear error, nothing half there, a second try that works."""

import os
import re
import shutil
import subprocess
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.push_advice import push_advice
from sandbox import docker_images, process
from sandbox.context import Clients
from sandbox.deploy import SandboxProvider
from sandbox.docker_engine import DockerEngine
from sandbox.errors import DeploymentError
from tests.docker.conftest import REGION, ROOT, remove_images
from tests.docker.faults import Fault, Registry, cut, refuse, registry
from tests.sandbox.conftest import registration

IMAGE = "docker-build:index:Image"
EXPIRED = "Your authorization token has expired. Reauthenticate and try again."


@pytest.fixture(scope="module")
def proxy(sandbox: process.Sandbox, engine: DockerEngine) -> Generator[Registry]:
    with registry(sandbox.endpoint_url) as server:
        yield server
        remove_images(engine, server.address)


@pytest.fixture(scope="module")
def ecr(sandbox: process.Sandbox) -> Any:
    return Clients(sandbox.endpoint_url, REGION)("ecr")


@pytest.fixture(scope="module")
def provider(
    sandbox: process.Sandbox, engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory
) -> SandboxProvider:
    return SandboxProvider(
        endpoint_url=sandbox.endpoint_url,
        region=REGION,
        state=tmp_path_factory.mktemp("state"),
        root=ROOT,
        docker=engine,
        advise=push_advice,
    )


def build(provider: SandboxProvider, context: Path, reference: str) -> str:
    """The digest of an image that is built and pushed."""
    inputs = {
        "context": {"location": str(context)},
        "platforms": ["linux/arm64"],
        "tags": [reference],
        "exports": [{"raw": "type=registry,rewrite-timestamp=true"}],
    }
    return provider.create(registration(IMAGE, inputs, "hello"))[0]


@pytest.mark.parametrize(
    ("fault", "text", "advice"),
    [
        # An engine that keeps images in containerd tells only the status, as BuildKit does where it pushes itself.
        (refuse("POST", "/blobs/uploads", 403, "DENIED", EXPIRED), f"{EXPIRED}|403 Forbidden", "have expired"),
        (refuse("PUT", "/manifests/", 403, "DENIED", EXPIRED), f"{EXPIRED}|403 Forbidden", "have expired"),
        (
            refuse(
                "POST",
                "/blobs/uploads",
                403,
                "DENIED",
                "User: arn:aws:iam::1:user/x is not authorized to perform: ecr:x",
            ),
            "is not authorized to perform|403 Forbidden",
            "may not push",
        ),
        (cut("PUT", "/manifests/"), "EOF", "The connection to a registry broke"),
    ],
    ids=["expired", "expired meanwhile", "refused", "interrupted"],
)
def test_a_push_that_fails_leaves_no_image_and_can_be_repeated(
    provider: SandboxProvider,
    ecr: Any,
    proxy: Registry,
    context: Path,
    request: Any,
    fault: Fault,
    text: str,
    advice: str,
) -> None:
    name = f"failing/{abs(hash(request.node.name)):x}"
    ecr.create_repository(repositoryName=name, imageTagMutability="IMMUTABLE")
    proxy.fault = fault
    try:
        with pytest.raises(DeploymentError) as caught:
            build(provider, context, f"{proxy.address}/{name}:build-1")
    finally:
        proxy.fault = None
    assert re.search(text, str(caught.value))
    assert advice in str(caught.value)
    assert ecr.list_images(repositoryName=name)["imageIds"] == []

    digest = build(provider, context, f"{proxy.address}/{name}:build-1")

    assert ecr.list_images(repositoryName=name)["imageIds"] == [{"imageDigest": digest, "imageTag": "build-1"}]


def test_a_tag_that_exists_with_another_digest_stays(
    provider: SandboxProvider, ecr: Any, sandbox: process.Sandbox, context: Path, tmp_path: Path
) -> None:
    ecr.create_repository(repositoryName="immutable", imageTagMutability="IMMUTABLE")
    reference = f"127.0.0.1:{sandbox.port}/immutable:build-1"
    digest = build(provider, context, reference)
    other = shutil.copytree(context, tmp_path / "other")
    (other / "job.sh").write_text("/bin/busybox true\n")
    with pytest.raises(DeploymentError, match="generation 2"):
        build(provider, other, reference)
    assert ecr.list_images(repositoryName="immutable")["imageIds"] == [{"imageDigest": digest, "imageTag": "build-1"}]


def test_a_context_without_a_dockerfile(provider: SandboxProvider, sandbox: process.Sandbox, tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match="There is no Dockerfile here"):
        build(provider, tmp_path, f"127.0.0.1:{sandbox.port}/none:build-1")


@pytest.fixture
def small_disk(tmp_path: Path) -> Generator[Path]:
    """A folder of 8 MiB for an engine of its own."""
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        pytest.skip("only root may mount a small disk, and start an engine on it")
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], check=True, timeout=30)  # noqa: S603, S607
    try:
        yield folder
    finally:
        script = [str(ROOT / "bin" / "docker-engine"), "stop", str(folder)]
        subprocess.run(script, check=True, capture_output=True, timeout=60)  # noqa: S603
        subprocess.run(["umount", "--recursive", str(folder)], check=True, timeout=30)  # noqa: S603, S607


def test_a_full_disk(engine: DockerEngine, small_disk: Path, context: Path, tmp_path: Path) -> None:
    script = [str(ROOT / "bin" / "docker-engine"), "start", str(small_disk)]
    started = subprocess.run(  # noqa: S603
        script, env={**os.environ, "SLIPWAY_DOCKER_OWN": "1"}, capture_output=True, text=True, timeout=90
    )
    assert started.returncode == 0, started.stderr
    engine = replace(engine, host=started.stdout.strip(), has_bridge=False)
    folder = shutil.copytree(context, tmp_path / "large")
    with (folder / "large").open("wb") as file:
        file.write(os.urandom(16 * 1024 * 1024))
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY busybox /bin/busybox\nCOPY large /large\n")
    what = docker_images.Build(context=folder)
    with pytest.raises(docker_images.DockerError, match="no space left on device") as caught:
        docker_images.build(engine, what, ["large:1"])
    assert "docker builder prune" in (push_advice("hello", [str(caught.value)]) or "")

    subprocess.run(["mount", "-o", "remount,size=256m", str(small_disk)], check=True, timeout=30)  # noqa: S603, S607

    docker_images.build(engine, what, ["large:1"])
