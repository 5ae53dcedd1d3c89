"""What `slipway promote` refuses, before it changes anything."""

from typing import Any

import pytest

from tests.cli.registry.conftest import ACCOUNT, HOST, OCI, REGION, name_image, sha256
from tests.cli.registry.promote.conftest import Promotion

INDEX = f"{OCI}index.v1+json"


def test_a_tag_of_another_image_is_refused_with_both(promotion: Promotion, digest: str) -> None:
    other = promotion.registry.image(promotion.repository, tag="release-4.0.0")
    error = promotion.refused("--tag", "4.0.0")
    assert other in error
    assert digest in error
    assert promotion.tags(digest) == ["content-1"]


def test_an_index_is_refused(promotion: Promotion) -> None:
    platforms = [{"os": "linux", "architecture": "arm64"}, {"os": "unknown", "architecture": "unknown"}]
    child = {"mediaType": f"{OCI}manifest.v1+json", "digest": sha256(b"x"), "size": 1}
    manifests = [{**child, "platform": platform} for platform in platforms]
    made = promotion.registry.put(
        promotion.repository, {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
    )
    promotion.names(made)
    error = promotion.refused()
    assert "an index of several manifests (linux/arm64, unknown/unknown)" in error
    assert "--provenance=false" in error
    assert promotion.tags(made) == []


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"config": {"architecture": "amd64"}}, "an image for linux/amd64; expected linux/arm64"),
        ({"config": {"os": "windows"}}, "an image for windows/arm64"),
        ({"config": {"architecture": "arm", "variant": "v7"}}, "an image for linux/arm/v7"),
        ({"config": {"variant": "v9"}}, "an image for linux/arm64/v9"),
        ({"config": {"architecture": ""}}, "an image for linux/unknown"),
        ({"config_type": "application/vnd.buildkit.cacheconfig.v0"}, "is a build cache"),
        ({"config_type": "application/vnd.cncf.helm.config.v1+json"}, "is an artifact (application/vnd.cncf.helm"),
        ({"artifactType": "application/vnd.example"}, "is an artifact (application/vnd.example)"),
        ({"layers": [{"mediaType": "application/vnd.in-toto+json"}]}, "is an attestation"),
    ],
)
def test_what_is_no_image_for_arm64_is_refused(promotion: Promotion, made: dict[str, Any], said: str) -> None:
    image = promotion.registry.image(promotion.repository, **made)
    promotion.names(image)
    assert said in promotion.refused()
    assert promotion.tags(image) == []


def test_the_second_name_of_arm64_is_taken(promotion: Promotion) -> None:
    docker = "application/vnd.docker.container.image.v1+json"
    image = promotion.registry.image(promotion.repository, config={"variant": "v8"}, config_type=docker)
    promotion.names(image)
    assert promotion.run().code == 0


def test_an_image_that_is_gone_is_refused(promotion: Promotion) -> None:
    promotion.names(sha256(b"gone"))
    assert f"There is no image {sha256(b'gone')} in repository '{promotion.repository}'" in promotion.refused()
    name_image(promotion.root, "dev", f"{HOST}/none@{sha256(b'gone')}")
    assert f"There is no repository 'none' in account {ACCOUNT}, {REGION}" in promotion.refused()


def test_a_configuration_that_is_gone_is_refused(promotion: Promotion) -> None:
    config = {"mediaType": f"{OCI}config.v1+json", "digest": sha256(b"gone"), "size": 4}
    document = {"schemaVersion": 2, "mediaType": f"{OCI}manifest.v1+json", "config": config, "layers": []}
    promotion.names(promotion.registry.put(promotion.repository, document))
    assert "LayersNotFoundException" in promotion.refused()


@pytest.mark.parametrize("lifecycle", [{"rulePriority": 3}, {"tagPrefixList": ["release-", "deployed-"]}])
def test_a_tag_that_the_lifecycle_does_not_keep_is_refused(promotion: Promotion, lifecycle: dict[str, Any]) -> None:
    keep = {"tagStatus": "tagged", "tagPrefixList": ["deployed-"], "countType": "imageCountMoreThan"}
    some = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10}
    rules = [
        {"rulePriority": 1, "selection": {**keep, "countNumber": 10_000}, "action": {"type": "expire"}},
        {"rulePriority": 2, "selection": some, "action": {"type": "expire"}},
    ]
    if "tagPrefixList" in lifecycle:
        rules[0]["selection"] = {**keep, **lifecycle, "countNumber": 10_000}
    promotion.repository = promotion.registry.repository(lifecycle={"rules": rules})
    image = promotion.registry.image(promotion.repository)
    promotion.names(image)
    error = promotion.refused("--tag", "1")
    assert f"'release-1' would not keep {image}" in error
    assert "rule 2 would expire it" in error
    assert promotion.tags(image) == []


def test_a_tag_that_keeps_for_some_days_only_is_refused(promotion: Promotion) -> None:
    aged = {"tagStatus": "tagged", "tagPrefixList": ["release-"], "countType": "sinceImagePushed"}
    rule = {"rulePriority": 1, "selection": {**aged, "countUnit": "days", "countNumber": 3650}}
    promotion.repository = promotion.registry.repository(lifecycle={"rules": [{**rule, "action": {"type": "expire"}}]})
    promotion.names(promotion.registry.image(promotion.repository))
    assert "rule 1 would expire it" in promotion.refused("--tag", "1")
    assert promotion.run().code == 0


def test_without_a_lifecycle_every_tag_keeps(promotion: Promotion) -> None:
    promotion.repository = promotion.registry.repository(lifecycle=None)
    promotion.names(promotion.registry.image(promotion.repository))
    assert promotion.run().code == 0


def test_an_image_that_nobody_scanned_is_refused_where_a_scan_is_asked_for(promotion: Promotion, digest: str) -> None:
    error = promotion.refused("--require-scan")
    assert "is not scanned (UNSUPPORTED_IMAGE: UnsupportedImageError: The sandbox has no scanner" in error
    assert promotion.tags(digest) == ["content-1"]
