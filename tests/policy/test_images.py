"""Images are named by digest in jobs, tasks and functions."""

import json
from typing import Any

import pytest

from policy.guardrails import images
from tests.policy.harness import UNKNOWN, UNKNOWN_TEXT, resource, verdict

REPOSITORY = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/jobs"
DIGEST = "sha256:" + "0a" * 32


def users(image: Any):
    """Each resource that runs an image."""
    container = {"name": "c", "image": image}
    return [
        resource("batch:JobDefinition", {"containerProperties": json.dumps(container)}),
        resource("batch:JobDefinition", {"ecsProperties": {"taskProperties": [{"containers": [container]}]}}),
        resource("batch:JobDefinition", {"nodeProperties": {"nodeRangeProperties": [{"container": container}]}}),
        resource("batch:JobDefinition", {"eksProperties": {"podProperties": {"containers": container}}}),
        resource("ecs:TaskDefinition", {"containerDefinitions": json.dumps([container])}),
        resource("ecs:TaskDefinition", {"containerDefinitions": [container]}),
        resource("lambda:Function", {"packageType": "Image", "imageUri": image}),
    ]


@pytest.mark.parametrize("image", [f"{REPOSITORY}@{DIGEST}", f"{REPOSITORY}:1.0@{DIGEST}"])
def test_digest_passes(image: str):
    assert [verdict(images.DIGEST_PINNED, user).status for user in users(image)] == ["pass"] * 7


@pytest.mark.parametrize(
    "image",
    [
        REPOSITORY,
        f"{REPOSITORY}:latest",
        f"{REPOSITORY}@sha256:abc",
        f"{REPOSITORY}@{DIGEST}0",
        f"{REPOSITORY}@{DIGEST.upper()}",
        DIGEST,
        f"@{DIGEST}",
    ],
)
def test_anything_else_is_refused(image: str):
    assert [verdict(images.DIGEST_PINNED, user).status for user in users(image)] == ["violation"] * 7


def test_message_names_path_and_image():
    subject = resource("batch:JobDefinition", {"containerProperties": json.dumps({"image": "jobs:1"})})
    assert verdict(images.DIGEST_PINNED, subject).found == ["containerProperties.image is 'jobs:1'"]


def test_container_without_image_is_refused():
    subject = resource("batch:JobDefinition", {"containerProperties": "{}"})
    assert verdict(images.DIGEST_PINNED, subject).found == ["containerProperties.image is missing"]


def test_each_container_is_judged():
    containers = [{"image": UNKNOWN_TEXT}, {"image": "a"}, {"image": f"a@{DIGEST}"}]
    answer = verdict(images.DIGEST_PINNED, resource("ecs:TaskDefinition", {"containerDefinitions": containers}))
    assert answer.unknown == ["containerDefinitions[0].image"]
    assert answer.found == ["containerDefinitions[1].image is 'a'"]


def test_unbuilt_image_is_not_yet_known():
    statuses = [verdict(images.DIGEST_PINNED, user).status for user in users(UNKNOWN_TEXT)]
    assert statuses == ["unknown"] * 7
    subject = resource("batch:JobDefinition", {"containerProperties": UNKNOWN})
    assert verdict(images.DIGEST_PINNED, subject).unknown == ["containerProperties"]


def test_function_from_a_zip_is_not_applicable():
    assert verdict(images.DIGEST_PINNED, resource("lambda:Function", {"runtime": "python3.13"})).status == (
        "not applicable"
    )


def test_other_kinds_are_not_applicable():
    assert verdict(images.DIGEST_PINNED, resource("ecr:Repository")).status == "not applicable"
