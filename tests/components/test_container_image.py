"""The build of an image. What isn't proven here: that BuildKit takes the options, and that the push succeeds."""

from components.build_context import content_tag
from components.container_image import BUILD_SETTINGS
from engine.program import Deployment
from tests.components.stack import ACCOUNT, REGION, ROOT, Run

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
