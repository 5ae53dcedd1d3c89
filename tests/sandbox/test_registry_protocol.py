"""The registry protocol, which a Docker engine speaks, against ECR's own rules."""

import json

import httpx
import pytest

from sandbox.context import Clients
from tests import patient

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


@pytest.mark.parametrize(
    ("mode", "filters", "tag", "moves"),
    [
        ("MUTABLE", [], "any", True),
        ("IMMUTABLE", [], "any", False),
        ("IMMUTABLE_WITH_EXCLUSION", ["cache*"], "release", False),
        ("IMMUTABLE_WITH_EXCLUSION", ["cache*"], "cache-arm64", True),
        ("MUTABLE_WITH_EXCLUSION", ["release*"], "release-1", False),
    ],
)
def test_a_pushed_tag_moves_only_where_it_may(
    client: Clients, unique: str, mode: str, filters: list[str], tag: str, moves: bool
) -> None:
    ecr = client("ecr")
    excepted = [{"filter": text, "filterType": "WILDCARD"} for text in filters]
    more = {"imageTagMutabilityExclusionFilters": excepted} if excepted else {}
    ecr.create_repository(repositoryName=unique, imageTagMutability=mode, **more)

    def push(content: int) -> httpx.Response:
        body = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "content": content})
        url = f"{ecr.meta.endpoint_url}/v2/{unique}/manifests/{tag}"
        return patient.put(url, content=body, headers={"Content-Type": MANIFEST_TYPE})

    first = push(1)
    assert first.status_code == 201
    assert push(1).status_code == 201, "the same image may be pushed again"
    second = push(2)
    assert second.status_code == (201 if moves else 400)
    if not moves:
        (error,) = second.json()["errors"]
        assert error["code"] == "TAG_INVALID"
        assert error["message"] == (
            f"The image tag '{tag}' already exists in the '{unique}' repository and cannot be overwritten because the "
            "tag is immutable."
        )
    (named,) = ecr.describe_images(repositoryName=unique, imageIds=[{"imageTag": tag}])["imageDetails"]
    assert named["imageDigest"] == (second if moves else first).headers["Docker-Content-Digest"]
