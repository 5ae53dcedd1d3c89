"""The build of an image. What isn't proven here: that BuildKit takes the options, and that the push succeeds."""

from collections.abc import Mapping
from typing import Any

from components.build_context import content_tag
from components.container_image import BUILD_SETTINGS
from engine.program import Deployment, Registration, run_program
from tests.components.stack import ACCOUNT, REGION, ROOT, FakeAws, Run

IMAGE = "docker-build:index:Image"
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
REPOSITORY = f"{REGISTRY}/slipway-dev/wordcount"


def test_the_image_is_built_for_arm64_alone_and_pushed_once(dev: Deployment) -> None:
    inputs = dict(dev.one(IMAGE).inputs)
    (tag,) = inputs.pop("tags")
    assert tag.startswith(f"{REPOSITORY}:build-")
    assert inputs == {
        "context": {"location": "pipelines/wordcount"},
        "dockerfile": {"location": "pipelines/wordcount/Dockerfile"},
        "platforms": ["linux/arm64"],
        "buildArgs": {"SOURCE_DATE_EPOCH": "315532800"},
        "push": False,
        "exports": [{"raw": "type=registry,rewrite-timestamp=true"}],
        "registries": [{"address": REGISTRY, "username": "AWS", "password": "short-lived"}],
        "buildOnPreview": False,
        "noCache": False,
        "network": "default",
        "cacheFrom": [{"registry": {"ref": f"{REPOSITORY}:buildcache"}}],
        "cacheTo": [
            {
                "registry": {
                    "ref": f"{REPOSITORY}:buildcache",
                    "mode": "max",
                    "imageManifest": True,
                    "ociMediaTypes": True,
                    "ignoreError": True,
                    "compression": "gzip",
                    "compressionLevel": 0,
                    "forceCompression": False,
                }
            }
        ],
    }


def test_the_token_is_secret_and_the_digest_outlives_the_resource(dev: Deployment) -> None:
    image = dev.one(IMAGE)
    assert "registries" in image.secret_inputs
    assert image.retain_on_delete


def test_the_image_waits_for_its_repository(dev: Deployment) -> None:
    assert dev.one("aws:ecr/repository:Repository").urn in dev.one(IMAGE).dependencies


def test_a_pipeline_decides_on_its_own_build(run: Run) -> None:
    entry = {"context": "pipelines/wordcount", "buildArgs": {"A": "1"}, "noCache": True, "generation": 2}
    deployment = run({"pipelines": {"wordcount": entry}, "buildOnPreview": True})
    inputs = deployment.one(IMAGE).inputs
    assert inputs["buildArgs"] == {"A": "1", "SOURCE_DATE_EPOCH": "315532800"}
    assert inputs["noCache"] is True
    assert inputs["buildOnPreview"] is True
    assert "cacheFrom" not in inputs
    assert "cacheTo" not in inputs


def test_a_higher_generation_is_another_tag(dev: Deployment) -> None:
    tags = [
        content_tag(
            ROOT / "pipelines/wordcount",
            dockerfile="Dockerfile",
            build_args={},
            generation=generation,
            settings=BUILD_SETTINGS,
        )
        for generation in (1, 2)
    ]
    (used,) = dev.one(IMAGE).inputs["tags"]
    assert used == f"{REPOSITORY}:{tags[0]}"
    assert tags[0] != tags[1]


def test_consumers_get_the_digest_and_never_the_tag(dev: Deployment) -> None:
    (tag,) = dev.one(IMAGE).inputs["tags"]
    others = [item for item in dev.registrations if item.custom and item.type != IMAGE]
    assert tag.split(":")[-1] not in repr([item.inputs for item in others])


class Emulator(FakeAws):
    """A registry whose address doesn't begin with the account."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, Any]] = []

    def create(self, registration: Registration) -> tuple[str, dict[str, Any]]:
        id_, outputs = super().create(registration)
        if registration.type == "aws:ecr/repository:Repository":
            outputs["repositoryUrl"] = "127.0.0.1:4566/slipway-dev/wordcount"
        return id_, outputs

    def invoke(self, token: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        if "AuthorizationToken" in token:
            self.asked.append(args)
        return super().invoke(token, args)


def test_the_token_is_asked_for_by_account_whatever_the_registrys_address() -> None:
    provider = Emulator()
    config = {"aws:region": REGION, "pipelines": {"wordcount": {"context": "pipelines/wordcount"}}}
    deployment = run_program(ROOT, "dev", provider=provider, preview=False, config=config)
    assert provider.asked == [{"registryId": ACCOUNT}]
    assert deployment.one(IMAGE).inputs["registries"][0]["address"] == "127.0.0.1:4566"
