"""Previews of lifecycle policies, as boto3 asks for them. What ECR itself would answer is not proven here."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.context import Clients
from tests.sandbox.conftest import refused

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def rule(priority: int, count: int, **selection: Any) -> dict[str, Any]:
    selected = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": count, **selection}
    return {"rulePriority": priority, "selection": selected, "action": {"type": "expire"}}


KEEP_ONE = json.dumps({"rules": [rule(7, 9, tagStatus="tagged", tagPrefixList=["release-"]), rule(9, 1)]})


@pytest.fixture
def ecr(client: Clients) -> Any:
    return client("ecr")


@pytest.fixture
def name(ecr: Any, unique: str) -> Iterator[str]:
    ecr.create_repository(repositoryName=unique)
    yield unique
    ecr.delete_repository(repositoryName=unique, force=True)


@pytest.fixture
def push(ecr: Any, name: str) -> Callable[..., str]:
    def put(text: str, tag: str | None = None, **more: Any) -> str:
        manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "annotations": {"n": text}, **more})
        tagged = {"imageTag": tag} if tag else {}
        media_type = more.get("mediaType", MANIFEST)
        image = ecr.put_image(repositoryName=name, imageManifest=manifest, imageManifestMediaType=media_type, **tagged)
        return image["image"]["imageId"]["imageDigest"]

    return put


def by_age(ecr: Any, name: str) -> list[str]:
    """Digests, the newest first; those of one second, which is all that the emulator notes, by digest."""
    details = ecr.describe_images(repositoryName=name)["imageDetails"]
    ordered = sorted(details, key=lambda detail: (-detail["imagePushedAt"].timestamp(), detail["imageDigest"]))
    return [detail["imageDigest"] for detail in ordered]


def test_what_would_expire_is_told_with_its_rule(ecr: Any, name: str, push: Callable[..., str]) -> None:
    release = push("release", "release-1")
    for text, tag in (("a", "a"), ("b", None), ("c", "c")):
        push(text, tag)
    started = ecr.start_lifecycle_policy_preview(repositoryName=name, lifecyclePolicyText=KEEP_ONE)
    assert (started["repositoryName"], started["lifecyclePolicyText"], started["status"]) == (
        name,
        KEEP_ONE,
        "IN_PROGRESS",
    )
    waiter = ecr.get_waiter("lifecycle_policy_preview_complete")
    waiter.wait(repositoryName=name, WaiterConfig={"MaxAttempts": 1})
    preview = ecr.get_lifecycle_policy_preview(repositoryName=name)
    assert (preview["status"], preview["lifecyclePolicyText"]) == ("COMPLETE", KEEP_ONE)
    results = {result["imageDigest"]: result for result in preview["previewResults"]}
    # The release counts, and stays whichever it is.
    gone = {*by_age(ecr, name)[1:]} - {release}
    assert set(results) == gone
    assert {(result["action"]["type"], result["appliedRulePriority"]) for result in results.values()} == {("EXPIRE", 9)}
    assert preview["summary"] == {"expiringImageTotalCount": len(gone)}
    (detail,) = ecr.describe_images(repositoryName=name, imageIds=[{"imageDigest": min(gone)}])["imageDetails"]
    result = results[min(gone)]
    assert result.get("imageTags") == detail.get("imageTags")
    assert (result["imagePushedAt"], result["storageClass"]) == (detail["imagePushedAt"], "STANDARD")


def test_results_come_in_pages_and_by_tag(ecr: Any, name: str, push: Callable[..., str]) -> None:
    digests = {push("a", "a"), push("b"), push("c", "c")}
    push("keeper", "release-1")
    policy = json.dumps({"rules": [rule(1, 9, tagStatus="tagged", tagPrefixList=["release-"]), rule(2, 1)]})
    ecr.start_lifecycle_policy_preview(repositoryName=name, lifecyclePolicyText=policy)
    pages = ecr.get_paginator("get_lifecycle_policy_preview").paginate(repositoryName=name, maxResults=1)
    found = [[result["imageDigest"] for result in page["previewResults"]] for page in pages]
    assert all(len(page) <= 1 for page in found)
    gone = {digest for page in found for digest in page}
    assert gone < digests or gone == digests
    assert len(gone) >= 2
    tagged = ecr.get_lifecycle_policy_preview(repositoryName=name, filter={"tagStatus": "TAGGED"})
    untagged = ecr.get_lifecycle_policy_preview(repositoryName=name, filter={"tagStatus": "UNTAGGED"})
    assert all("imageTags" in result for result in tagged["previewResults"])
    assert not any("imageTags" in result for result in untagged["previewResults"])
    assert {r["imageDigest"] for r in (*tagged["previewResults"], *untagged["previewResults"])} == gone
    one = ecr.get_lifecycle_policy_preview(repositoryName=name, imageIds=[{"imageDigest": min(gone)}])
    assert [result["imageDigest"] for result in one["previewResults"]] == [min(gone)]


def test_policy_of_the_repository_is_the_default(ecr: Any, name: str, push: Callable[..., str]) -> None:
    push("a", "a")
    assert refused(ecr.start_lifecycle_policy_preview, repositoryName=name) == "LifecyclePolicyNotFoundException"
    ecr.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=KEEP_ONE)
    ecr.start_lifecycle_policy_preview(repositoryName=name)
    preview = ecr.get_lifecycle_policy_preview(repositoryName=name)
    assert (preview["lifecyclePolicyText"], preview["previewResults"]) == (KEEP_ONE, [])
    assert preview["summary"] == {"expiringImageTotalCount": 0}


def test_members_of_an_index_and_artifacts_are_known(ecr: Any, name: str, push: Callable[..., str]) -> None:
    old = {"tagStatus": "untagged", "countType": "imageCountMoreThan"}
    member, lonely = push("member"), push("lonely")
    push("index", "index", mediaType=INDEX, manifests=[{"digest": member, "mediaType": MANIFEST, "size": 1}])
    signature = push("signature", subject={"digest": lonely, "mediaType": MANIFEST, "size": 1})
    described = ecr.describe_images(repositoryName=name)["imageDetails"]
    assert {item["imageDigest"]: item.get("subjectManifestDigest") for item in described}[signature] == lonely
    assert sum("subjectManifestDigest" in item for item in described) == 1
    third = push("third")
    policy = json.dumps({"rules": [rule(1, 1, **old)]})
    ecr.start_lifecycle_policy_preview(repositoryName=name, lifecyclePolicyText=policy)
    results = ecr.get_lifecycle_policy_preview(repositoryName=name)["previewResults"]
    gone = {result["imageDigest"] for result in results}
    assert member not in gone
    ordered = [digest for digest in by_age(ecr, name) if digest in (member, lonely, third)]
    assert gone & {lonely, third} == {*ordered[1:]} - {member}
    assert (len(gone) - len(gone & {lonely, third}) == 1) is (lonely in gone)


def test_archived_images_are_told_apart(ecr: Any, name: str, push: Callable[..., str]) -> None:
    push("a", "a")
    push("b", "b")
    archive = {"type": "transition", "targetStorageClass": "archive"}
    policy = json.dumps({"rules": [{**rule(1, 1), "action": archive}]})
    ecr.start_lifecycle_policy_preview(repositoryName=name, lifecyclePolicyText=policy)
    preview = ecr.get_lifecycle_policy_preview(repositoryName=name)
    assert [result["action"] for result in preview["previewResults"]] == [
        {"type": "TRANSITION", "targetStorageClass": "ARCHIVE"}
    ]
    assert preview["summary"] == {
        "expiringImageTotalCount": 0,
        "transitioningImageTotalCounts": [{"targetStorageClass": "ARCHIVE", "imageTotalCount": 1}],
    }


def test_errors(ecr: Any, name: str) -> None:
    start, get = ecr.start_lifecycle_policy_preview, ecr.get_lifecycle_policy_preview
    assert refused(get, repositoryName=name) == "LifecyclePolicyPreviewNotFoundException"
    assert refused(start, repositoryName=f"{name}-none") == "RepositoryNotFoundException"
    assert refused(get, repositoryName=f"{name}-none") == "RepositoryNotFoundException"
    bad = json.dumps({"rules": [rule(1, 0)]})
    assert refused(start, repositoryName=name, lifecyclePolicyText=bad) == "InvalidParameterException"
    assert "lifecyclePolicyPreview" not in ecr.describe_repositories(repositoryNames=[name])["repositories"][0]
