"""`slipway images`: what lies in a registry on this machine, what it costs, and what runs where."""

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from cli.registry.stored import age
from tests.cli.conftest import Slipway
from tests.cli.fake_pulumi import FakePulumi
from tests.cli.registry.conftest import HOST, OCI, FakeRegistry, name_image, sha256


@pytest.fixture
def repository(registry: FakeRegistry) -> str:
    return registry.repository()


def listed(slipway: Slipway, *words: str) -> dict[str, Any]:
    result = slipway("images", "--json", *words)
    assert result.code == 0, result.err
    return json.loads(result.out)


def by_digest(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {image["digest"]: image for item in document["repositories"] for image in item["images"]}


def test_each_image_with_its_tags_platform_size_and_users(
    slipway: Slipway, stacks: Path, registry: FakeRegistry, repository: str
) -> None:
    running = registry.image(repository, tag="content-1")
    other = registry.image(repository, config={"architecture": "amd64"})
    cache = registry.image(repository, tag="buildcache", config_type="application/vnd.buildkit.cacheconfig.v0")
    platform = {"os": "linux", "architecture": "arm64", "variant": "v8"}
    child = {"mediaType": f"{OCI}manifest.v1+json", "digest": running, "size": 1, "platform": platform}
    index = registry.put(
        repository, {"schemaVersion": 2, "mediaType": f"{OCI}index.v1+json", "manifests": [child]}, tag="all"
    )
    name_image(stacks, "staging", f"{HOST}/{repository}@{running}")
    name_image(stacks, "prod", sha256(b"elsewhere"))
    document = listed(slipway, "words")
    (stored,) = document["repositories"]
    assert (stored["pipeline"], stored["repository"], document["stack"]) == ("words", repository, "dev")
    found = by_digest(document)
    assert found[running]["tags"] == ["content-1"]
    assert found[running]["usedBy"] == ["staging (file)"]
    assert 1000 < found[running]["sizeBytes"] < 1200
    assert datetime.datetime.fromisoformat(found[running]["pushedAt"]).tzinfo is not None
    assert (found[other]["tags"], found[other]["usedBy"]) == ([], [])
    assert {digest: image["platform"] for digest, image in found.items()} == {
        running: "linux/arm64",
        other: "linux/amd64",
        cache: "build cache (application/vnd.buildkit.cacheconfig.v0)",
        index: "index (linux/arm64/v8)",
    }


def test_a_layer_that_several_images_share_is_stored_once(
    slipway: Slipway, stacks: Path, registry: FakeRegistry, repository: str
) -> None:
    layer = {"mediaType": f"{OCI}layer.v1.tar", "digest": sha256(b"large"), "size": 600_000_000}
    for number in range(3):
        own = {**layer, "digest": sha256(b"%d" % number), "size": 100_000_000}
        registry.image(repository, layers=[layer, own])
    document = listed(slipway)
    assert 900_000_000 < document["storedBytes"] < 900_010_000
    assert document["repositories"][0]["storedBytes"] == document["storedBytes"]
    assert (document["freeBytes"], document["dollarsPerMonth"]) == (500_000_000, 0.09)
    result = slipway("images")
    assert f"words: {repository}, 900.0 MB" in result.out
    assert "Stored, each layer once: 900.0 MB, $0.09 a month at $0.10 per GB" in result.out
    assert "400.0 MB are beyond that, $0.04 a month" in result.err
    rows = [line.split() for line in result.out.splitlines() if line.startswith("sha256:")]
    assert len(rows) == 3
    assert rows[0][1:] == ["(none)", "linux/arm64", "0", "min", "700.0", "MB"]


def test_what_a_deployed_stack_runs_is_told_beside_what_its_file_says(
    slipway: Slipway,
    stacks: Path,
    registry: FakeRegistry,
    repository: str,
    fake_pulumi: FakePulumi,
) -> None:
    old, new = registry.image(repository), registry.image(repository)
    name_image(stacks, "prod", f"{HOST}/{repository}@{new}")
    local = {"pipelines": {"words": {"imageReference": f"127.0.0.1:1/{repository}@{old}"}}}
    (stacks / ".slipway" / "outputs.json").write_text(json.dumps(local))
    (fake_pulumi.folder / "pulumi").write_text(
        f"""#!/bin/sh
case "$*" in
  *"--stack prod"*) echo '{{"pipelines": {{"words": {{"imageReference": "{HOST}/{repository}@{old}"}}}}}}' ;;
  *"--stack dev"*) echo '{{"pipelines": {{"words": {{"imageReference": "{HOST}/{repository}@{new}"}}}}}}' ;;
  *) echo 'no stack named so' >&2; exit 1 ;;
esac
"""
    )
    found = by_digest(listed(slipway))
    assert found[new]["usedBy"] == ["dev (running)", "prod (file)"]
    assert found[old]["usedBy"] == ["local (running)", "prod (running)"]
    name_image(stacks, "prod", f"{HOST}/{repository}@{old}")
    assert by_digest(listed(slipway))[old]["usedBy"] == ["local (running)", "prod"]


def test_the_repositories_of_the_shared_stack(slipway: Slipway, stacks: Path, registry: FakeRegistry) -> None:
    repository = registry.repository("shared")
    made = registry.image(repository, tag="release-1")
    project = registry.project
    (stacks / "Pulumi.shared.yaml").write_text(
        f"config:\n  aws:region: eu-central-1\n  {project}:repositories: [words]\n"
    )
    name_image(stacks, "staging", made, settings=f"  {project}:registry: shared\n")
    for words in (("--stack", "shared"), ("--stack", "shared", "words"), ("--stack", "staging")):
        document = listed(slipway, *words)
        assert document["repositories"][0]["repository"] == repository
        assert by_digest(document)[made]["usedBy"] == ["staging (file)"]
    own = registry.repository()
    name_image(stacks, "staging", f"{HOST}/{own}@{made}")
    assert by_digest(listed(slipway, "--stack", "shared"))[made]["usedBy"] == []
    refused = slipway("scan", "words", "--stack", "shared")
    assert (refused.code, "has repositories and runs nothing. Name a stack that runs 'words'." in refused.err) == (
        1,
        True,
    )
    result = slipway("images", "word", "--stack", "shared")
    assert (result.code, "Did you mean 'words'?" in result.err) == (1, True)


def test_an_empty_repository_and_one_that_is_not_there(
    slipway: Slipway, stacks: Path, registry: FakeRegistry, repository: str
) -> None:
    assert "no images" in slipway("images").out
    result = slipway("images", "--stack", "prod")
    assert (result.code, "There is no repository" in result.err) == (1, True)
    result = slipway("images", "word")
    assert (result.code, "has no pipeline 'word'" in result.err) == (1, True)
    (stacks / "Pulumi.empty.yaml").write_text("config: {}\n")
    assert "has no pipelines, so it has no images" in slipway("images", "--stack", "empty").err


def test_a_damaged_configuration_does_not_hide_the_others(
    slipway: Slipway, stacks: Path, registry: FakeRegistry, repository: str
) -> None:
    good = registry.image(repository)
    config = {"mediaType": f"{OCI}config.v1+json", "digest": sha256(b"gone"), "size": 4}
    bad = registry.put(
        repository, {"schemaVersion": 2, "mediaType": f"{OCI}manifest.v1+json", "config": config, "layers": []}
    )
    found = by_digest(listed(slipway))
    assert (found[good]["platform"], found[bad]["platform"]) == ("linux/arm64", "unreadable")


@pytest.mark.parametrize(
    ("span", "text"),
    [
        ({"seconds": -5}, "0 min"),
        ({"minutes": 59}, "59 min"),
        ({"hours": 23}, "23 h"),
        ({"days": 12, "hours": 5}, "12 d"),
    ],
)
def test_an_age_is_told_in_its_largest_unit(span: dict[str, float], text: str) -> None:
    assert age(datetime.timedelta(**span)) == text
