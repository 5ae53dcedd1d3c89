"""The repository of a pipeline, and its lifecycle."""

import json
from typing import Any

from components.image_registry import SHIELDED_IMAGES, ImageRegistryArgs, lifecycle_policy
from engine.program import Deployment
from tests.components.stack import IMAGE, Run

REPOSITORY = "aws:ecr/repository:Repository"


def rules(**changed: Any) -> list[dict[str, Any]]:
    values: dict[str, Any] = {
        "repository": "slipway-dev/wordcount",
        "retained_images": 10,
        "untagged_days": 1,
        "protected_tag_prefixes": ("release-", "deployed-"),
        "build_cache": True,
        "protect_data": False,
        "tags": {},
    }
    return lifecycle_policy(ImageRegistryArgs(**(values | changed)))["rules"]


def test_the_repository_is_private_scanned_encrypted_and_can_be_destroyed(dev: Deployment) -> None:
    repository = dev.one(REPOSITORY)
    inputs = {key: value for key, value in repository.inputs.items() if key != "tags"}
    assert repository.name == "slipway-dev-wordcount"
    assert inputs == {
        "name": "slipway-dev/wordcount",
        "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
        "imageTagMutabilityExclusionFilters": [{"filter": "buildcache", "filterType": "WILDCARD"}],
        "imageScanningConfiguration": {"scanOnPush": True},
        "encryptionConfigurations": [{"encryptionType": "AES256"}],
        "forceDelete": True,
    }


def test_without_a_build_cache_every_tag_is_immutable(run: Run) -> None:
    inputs = run({"buildCache": False}).one(REPOSITORY).inputs
    assert inputs["imageTagMutability"] == "IMMUTABLE"
    assert "imageTagMutabilityExclusionFilters" not in inputs


def test_the_local_stack_keeps_no_build_cache_in_its_repository(run: Run) -> None:
    """The emulator by itself forgets what a tag's immutability excepts, and each `pulumi up` would show a change."""
    inputs = run(None, stack="local").one(REPOSITORY).inputs
    assert inputs["imageTagMutability"] == "IMMUTABLE"


def test_the_lifecycle_belongs_to_the_repository(dev: Deployment) -> None:
    policy = dev.one("aws:ecr/lifecyclePolicy:LifecyclePolicy")
    assert policy.inputs["repository"] == "slipway-dev/wordcount"
    assert policy.property_dependencies["repository"] == (dev.one(REPOSITORY).urn,)
    assert json.loads(policy.inputs["policy"]) == {"rules": rules()}


def test_the_build_cache_is_shielded_from_the_count() -> None:
    first, *_ = rules()
    assert first["selection"] == {
        "tagStatus": "tagged",
        "tagPrefixList": ["buildcache"],
        "countType": "imageCountMoreThan",
        "countNumber": 1,
    }


def test_each_protected_prefix_is_shielded_by_a_rule_of_its_own() -> None:
    """Prefixes in one list would all have to match the same image."""
    _cache, *shields, _untagged, _total = rules(protected_tag_prefixes=("release-", "keep.", "x"))
    assert [rule["selection"] for rule in shields] == [
        {
            "tagStatus": "tagged",
            "tagPrefixList": [prefix],
            "countType": "imageCountMoreThan",
            "countNumber": SHIELDED_IMAGES,
        }
        for prefix in ("release-", "keep.", "x")
    ]


def test_no_two_rules_have_the_same_prefix() -> None:
    found = [rule["selection"].get("tagPrefixList") for rule in rules(protected_tag_prefixes=("buildcache", "v"))]
    assert found == [["buildcache"], ["v"], None, None]
    alone = rules(build_cache=False, protected_tag_prefixes=("buildcache",))
    assert alone[0]["selection"]["countNumber"] == 10_000


def test_untagged_images_expire_and_the_total_is_bounded() -> None:
    untagged, total = rules(build_cache=False, protected_tag_prefixes=(), retained_images=3, untagged_days=5)
    assert untagged["selection"] == {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": 5,
    }
    assert total["selection"] == {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 3}


def test_rules_are_in_order_and_the_one_for_all_is_last() -> None:
    found = rules()
    assert [rule["rulePriority"] for rule in found] == [1, 2, 3, 4, 5]
    assert [rule["selection"]["tagStatus"] for rule in found] == [*["tagged"] * 3, "untagged", "any"]
    assert all(rule["action"] == {"type": "expire"} for rule in found)


def test_an_image_from_elsewhere_needs_no_repository(run: Run) -> None:
    entry = {"image": IMAGE, "schema": "pipelines/wordcount/parameters.schema.json"}
    deployment = run({"pipelines": {"wordcount": entry}})
    assert not deployment.all(REPOSITORY)
    assert not deployment.all("docker-build:index:Image")
