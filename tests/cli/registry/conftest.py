"""A registry on this machine, a project whose stacks name images in it, and images of every kind to put there."""

import hashlib
import json
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bench.projects import free_port
from sandbox import process
from sandbox.context import Clients

REGION = "eu-central-1"
ACCOUNT = "000000000000"
HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
OCI = "application/vnd.oci.image."
LIFECYCLE = {
    "rules": [
        {
            "rulePriority": priority,
            "selection": {"tagStatus": "tagged", "tagPrefixList": [prefix], "countType": "imageCountMoreThan"}
            | {"countNumber": 10_000},
            "action": {"type": "expire"},
        }
        for priority, prefix in enumerate(("release-", "deployed-"), 1)
    ]
    + [
        {
            "rulePriority": 3,
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10},
            "action": {"type": "expire"},
        }
    ]
}


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.fixture(scope="session")
def server_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    state = tmp_path_factory.mktemp("registry")
    process.start(state, port=free_port(), region=REGION)
    try:
        yield state
    finally:
        process.stop(state)


@pytest.fixture(scope="session")
def server(server_state: Path) -> process.Sandbox:
    running = process.status(server_state)
    assert running is not None
    return running


@dataclass
class FakeRegistry:
    """ECR on this machine, and how to fill it."""

    ecr: Any
    project: str

    def repository(self, stack: str = "dev", pipeline: str = "words", *, lifecycle: Any = LIFECYCLE) -> str:
        name = f"{self.project}-{stack}/{pipeline}"
        self.ecr.create_repository(repositoryName=name, imageTagMutability="IMMUTABLE")
        if lifecycle is not None:
            self.ecr.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=json.dumps(lifecycle))
        return name

    def blob(self, repository: str, content: bytes) -> dict[str, Any]:
        upload = {"repositoryName": repository}
        upload["uploadId"] = self.ecr.initiate_layer_upload(**upload)["uploadId"]
        self.ecr.upload_layer_part(**upload, partFirstByte=0, partLastByte=len(content) - 1, layerPartBlob=content)
        self.ecr.complete_layer_upload(**upload, layerDigests=[sha256(content)])
        return {"digest": sha256(content), "size": len(content)}

    def put(self, repository: str, document: dict[str, Any], *, tag: str | None = None) -> str:
        """Store a manifest, in a layout that no serializer would give it again; its digest."""
        text = json.dumps(document, indent=3) + "\n"
        named = {"imageTag": tag} if tag else {}
        self.ecr.put_image(
            repositoryName=repository, imageManifest=text, imageManifestMediaType=document["mediaType"], **named
        )
        return sha256(text.encode())

    def image(
        self,
        repository: str,
        *,
        tag: str | None = None,
        config: dict[str, Any] | None = None,
        config_type: str = f"{OCI}config.v1+json",
        layers: list[dict[str, Any]] | None = None,
        **manifest: Any,
    ) -> str:
        """An image for linux/arm64, unlike any other, unless told otherwise."""
        content = {"os": "linux", "architecture": "arm64", "made": uuid.uuid4().hex, **(config or {})}
        place = self.blob(repository, json.dumps({key: value for key, value in content.items() if value}).encode())
        layer = {"mediaType": f"{OCI}layer.v1.tar", "digest": sha256(b"layer"), "size": 1000}
        document = {
            "schemaVersion": 2,
            "mediaType": f"{OCI}manifest.v1+json",
            "config": {"mediaType": config_type, **place},
            "layers": layers if layers is not None else [layer],
            **manifest,
        }
        return self.put(repository, document, tag=tag)

    def tags(self, repository: str, digest: str) -> list[str]:
        (image,) = self.ecr.describe_images(repositoryName=repository, imageIds=[{"imageDigest": digest}])[
            "imageDetails"
        ]
        return image.get("imageTags", [])


@pytest.fixture
def registry(server: process.Sandbox) -> FakeRegistry:
    """A registry with a project of its own in it."""
    return FakeRegistry(Clients(server.endpoint_url, REGION)("ecr"), f"p{uuid.uuid4().hex[:8]}")


@pytest.fixture
def stacks(
    tmp_path: Path, registry: FakeRegistry, server: process.Sandbox, server_state: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A project with the pipeline `words` in the stacks dev, staging and prod, and credentials for the registry."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "Pulumi.yaml").write_text(f"name: {registry.project}\nruntime: python\n")
    for stack in ("dev", "staging", "prod", "local"):
        (root / f"Pulumi.{stack}.yaml").write_text(stack_file(registry.project, "      context: pipelines/words\n"))
    (root / ".slipway").mkdir()
    shutil.copy(server_state / "sandbox.json", root / ".slipway")
    monkeypatch.chdir(root)
    for name, value in {
        "AWS_ENDPOINT_URL": server.endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": str(tmp_path / "no-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "no-credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return root


def stack_file(project: str, entry: str, settings: str = "") -> str:
    head = f"# a stack\nconfig:\n  aws:region: {REGION}\n{settings}"
    return f"{head}  {project}:pipelines:\n    words:\n{entry}      vcpus: 1  # small\n"


def name_image(root: Path, stack: str, image: str, tag: str = "", settings: str = "") -> None:
    """Have a stack's file name an image."""
    project = (root / "Pulumi.yaml").read_text().split()[1]
    entry = f"      image: {image}\n" + (f"      imageTag: {tag}\n" if tag else "")
    (root / f"Pulumi.{stack}.yaml").write_text(stack_file(project, entry, settings))


class Git:
    """A repository whose commits are made one after the other, a minute apart."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._minute = 0
        self("init", "--quiet", "--initial-branch=main")

    def __call__(self, *words: str) -> str:
        stamp = f"2026-03-01T12:{self._minute:02d}:00+00:00"
        environment = {
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_SYSTEM": "/dev/null",
            **{
                f"GIT_{who}_{what}": value
                for who in ("AUTHOR", "COMMITTER")
                for what, value in {"NAME": "Ann Author", "EMAIL": "ann@example.org", "DATE": stamp}.items()
            },
        }
        git = shutil.which("git")
        assert git is not None
        done = subprocess.run(  # noqa: S603 - our own words
            [git, *words], cwd=self._root, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, subject: str) -> str:
        self._minute += 1
        self("add", "Pulumi.yaml", *(path.name for path in self._root.glob("Pulumi.*.yaml")))
        self("commit", "--quiet", "--allow-empty", "--all", "--message", subject)
        return self("rev-parse", "HEAD")


@pytest.fixture
def git(stacks: Path) -> Git:
    return Git(stacks)
