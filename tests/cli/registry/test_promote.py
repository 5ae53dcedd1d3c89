"""`slipway promote` against a registry on this machine: what is refused, what is done, and that nothing is half done.

What it can't prove: that ECR itself answers as this registry does; tests/sandbox/test_registry_images.py says what that
is modelled on.
"""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli import stack_files
from cli.registry.client import Repository
from tests.cli.conftest import Result, Slipway
from tests.cli.registry.conftest import ACCOUNT, HOST, OCI, REGION, FakeRegistry, name_image, sha256

INDEX = f"{OCI}index.v1+json"


def entry(root: Path, stack: str = "staging") -> dict[str, Any]:
    config = yaml.safe_load((root / f"Pulumi.{stack}.yaml").read_text())["config"]
    return next(value for key, value in config.items() if key.endswith(":pipelines"))["words"]


def promote(slipway: Slipway, *words: str) -> Result:
    return slipway("promote", "words", "--from", "dev", "--to", "staging", *words)


@pytest.fixture
def repository(registry: FakeRegistry) -> str:
    return registry.repository()


@pytest.fixture
def digest(registry: FakeRegistry, repository: str, stacks: Path) -> str:
    """An image that the stack dev names."""
    made = registry.image(repository, tag="content-1")
    name_image(stacks, "dev", f"{HOST}/{repository}@{made}")
    return made


def test_the_image_is_tagged_and_named_in_the_targets_file(
    slipway: Slipway, stacks: Path, registry: FakeRegistry, repository: str, digest: str
) -> None:
    before = (stacks / "Pulumi.staging.yaml").read_text()
    result = promote(slipway, "--tag", "4.0.0")
    assert result.code == 0, result.err
    image = f"{HOST}/{repository}@{digest}"
    text = (stacks / "Pulumi.staging.yaml").read_text()
    assert text == before.replace("context: pipelines/words", f"image: {image}\n      imageTag: release-4.0.0")
    assert registry.tags(repository, digest) == ["content-1", "release-4.0.0"]
    assert f"words: {digest}  (linux/arm64)" in result.out
    assert f"{repository}: tagged release-4.0.0" in result.out
    assert f"Pulumi.staging.yaml: image built here -> {image}" in result.out
    assert "WARNING: not scanned" in result.err
    assert "Next: git commit" in result.err
    assert "pulumi up --stack staging" in result.err


def test_without_a_version_the_tag_says_where_it_went(
    slipway: Slipway, stacks: Path, registry: FakeRegistry, repository: str, digest: str
) -> None:
    result = promote(slipway, "--json")
    assert result.code == 0, result.err
    tag = f"deployed-staging-{digest[7:19]}"
    assert registry.tags(repository, digest) == ["content-1", tag]
    document = json.loads(result.out)
    assert document == {
        "pipeline": "words",
        "from": "dev",
        "to": "staging",
        "rollback": False,
        "repository": repository,
        "digest": digest,
        "platform": "linux/arm64",
        "tag": tag,
        "tagged": True,
        "file": "Pulumi.staging.yaml",
        "image": f"{HOST}/{repository}@{digest}",
        "previous": None,
        "changed": True,
        "scan": document["scan"],
    }
    assert document["scan"]["status"] == "UNSUPPORTED_IMAGE"
    assert document["scan"]["scanned"] is False


def test_a_second_promotion_changes_nothing(slipway: Slipway, stacks: Path, digest: str) -> None:
    assert promote(slipway, "--tag", "1").code == 0
    before = (stacks / "Pulumi.staging.yaml").stat()
    result = promote(slipway, "--tag", "release-1")
    assert (result.code, "has the tag release-1 already" in result.out) == (0, True)
    assert "names it already" in result.out
    assert "Next:" not in result.err
    after = (stacks / "Pulumi.staging.yaml").stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


def test_a_further_version_of_the_same_image_is_told_by_its_tag(slipway: Slipway, stacks: Path, digest: str) -> None:
    assert promote(slipway, "--tag", "1").code == 0
    result = promote(slipway, "--tag", "2")
    assert "  Pulumi.staging.yaml: the same image, imageTag release-1 -> release-2\n" in result.out
    assert 'git commit -m "Promote words release-2 to staging"' in result.err
    assert entry(stacks)["imageTag"] == "release-2"


def test_what_was_promoted_goes_on_to_the_next_stack(
    slipway: Slipway, stacks: Path, registry: FakeRegistry, repository: str, digest: str
) -> None:
    assert promote(slipway).code == 0
    result = slipway("promote", "words", "--from", "staging", "--to", "prod")
    assert result.code == 0, result.err
    assert entry(stacks, "prod")["image"] == f"{HOST}/{repository}@{digest}"
    short = digest[7:19]
    assert registry.tags(repository, digest)[1:] == [f"deployed-staging-{short}", f"deployed-prod-{short}"]


def test_what_is_promoted_to_the_sandbox_is_deployed_there(slipway: Slipway, stacks: Path, digest: str) -> None:
    result = slipway("promote", "words", "--from", "dev", "--to", "local")
    assert (result.code, "or deploy it: make up\n" in result.err) == (0, True)


SHARED = "  {project}:registry: shared\n"


@pytest.mark.parametrize(
    ("source", "target", "bare"),
    [
        (SHARED, SHARED, True),
        (SHARED, SHARED + f"  {{project}}:registryAccount: '{ACCOUNT}'\n", True),
        (SHARED, SHARED + "  {project}:registryAccount: '111111111111'\n", False),
        (SHARED, "", False),
        ("", SHARED, False),
    ],
)
def test_a_digest_alone_is_enough_where_the_target_uses_the_same_repository(
    slipway: Slipway, stacks: Path, registry: FakeRegistry, source: str, target: str, bare: bool
) -> None:
    repository = registry.repository("shared" if source else "dev")
    made = registry.image(repository)
    name_image(stacks, "dev", made, settings=source.format(project=registry.project))
    name_image(stacks, "staging", sha256(b"old"), settings=target.format(project=registry.project))
    result = promote(slipway)
    assert result.code == 0, result.err
    assert entry(stacks)["image"] == (made if bare else f"{HOST}/{repository}@{made}")


def test_a_stack_in_another_region_names_the_whole_image(
    slipway: Slipway, stacks: Path, registry: FakeRegistry
) -> None:
    repository = registry.repository("shared")
    made = registry.image(repository)
    settings = f"  {registry.project}:registry: shared\n"
    name_image(stacks, "dev", made, settings=settings)
    name_image(stacks, "staging", sha256(b"old"), settings=settings)
    path = stacks / "Pulumi.staging.yaml"
    path.write_text(path.read_text().replace(REGION, "us-east-1"))
    assert promote(slipway).code == 0
    assert entry(stacks)["image"] == f"{HOST}/{repository}@{made}"


def test_an_image_that_dev_builds_is_found_in_its_outputs(
    slipway: Slipway, stacks: Path, registry: FakeRegistry
) -> None:
    repository = registry.repository("local")
    made = registry.image(repository)
    outputs = {"pipelines": {"words": {"imageReference": f"127.0.0.1:4566/{repository}@{made}"}}}
    (stacks / ".slipway" / "outputs.json").write_text(json.dumps(outputs))
    result = slipway("promote", "words", "--from", "local", "--to", "staging")
    assert result.code == 0, result.err
    assert entry(stacks)["image"] == f"{HOST}/{repository}@{made}"
    assert "sandbox of this machine" in result.err
    assert "pulumi up" not in result.err  # which would not work


def test_a_stack_that_runs_nothing_yet_has_nothing_to_promote(slipway: Slipway, stacks: Path) -> None:
    (stacks / ".slipway" / "outputs.json").write_text('{"pipelines": {}}')
    result = slipway("promote", "words", "--from", "local", "--to", "staging")
    assert (result.code, "Deploy it first: pulumi up --stack local" in result.err) == (1, True)
    (stacks / ".slipway" / "outputs.json").write_text('{"pipelines": {"words": {"imageReference": "words:latest"}}}')
    result = slipway("promote", "words", "--from", "local", "--to", "staging")
    assert (result.code, '"words:latest"; expected' in result.err) == (1, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["words", "--from", "dev", "--to", "stagin"], "Stacks: dev, local, prod, staging. Did you mean 'staging'?"),
        (["words", "--from", "deb", "--to", "staging"], "Did you mean 'dev'?"),
        (
            ["word", "--from", "dev", "--to", "staging"],
            "has no pipeline 'word'. Pipelines: words. Did you mean 'words'?",
        ),
        (["words", "--from", "dev", "--to", "dev"], "can't be promoted to itself"),
        (["words", "--from", "dev", "--to", "staging", "--tag", "a b"], "'a b' can't be the version in a tag"),
        (["words", "--from", "dev", "--to", "staging", "--tag", ""], "'' can't be the version in a tag"),
        (["words", "--from", "dev", "--to", "staging", "--tag", "release-"], "1 to 120 of them"),
        (["words", "--from", "dev", "--to", "staging", "--tag", "1" * 121], "1 to 120 of them"),
    ],
)
def test_wrong_words_are_refused(slipway: Slipway, digest: str, words: list[str], said: str) -> None:
    result = slipway("promote", *words)
    assert (result.code, said in result.err) == (1, True), result.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "slipway promote words --from dev --to dev"),
        (["--from", "dev", "--rollback"], "leave --from out"),
        (["--rollback", "--require-scan"], "leave --require-scan out"),
        (["--rollback", "--allowed-severity", "HIGH"], "leave --allowed-severity out"),
        (["--from", "staging", "--allowed-severity", "BAD"], "'BAD' is no severity"),
    ],
)
def test_wrong_usage_is_told_by_the_exit_code(slipway: Slipway, digest: str, options: list[str], said: str) -> None:
    result = slipway("promote", "words", "--to", "dev", *options)
    assert (result.code, said in result.err) == (2, True), result.err


def refused(slipway: Slipway, root: Path, *words: str) -> str:
    """The error of a promotion that must change nothing."""
    before = {path.name: path.read_bytes() for path in root.iterdir() if path.is_file()}
    result = promote(slipway, *words)
    after = {path.name: path.read_bytes() for path in root.iterdir() if path.is_file()}
    assert (result.code, result.out, after) == (1, "", before), result.err
    assert "Traceback" not in result.err
    return result.err


def test_a_tag_of_another_image_is_refused_with_both(
    slipway: Slipway, stacks: Path, registry: FakeRegistry, repository: str, digest: str
) -> None:
    other = registry.image(repository, tag="release-4.0.0")
    error = refused(slipway, stacks, "--tag", "4.0.0")
    assert other in error
    assert digest in error
    assert registry.tags(repository, digest) == ["content-1"]


def test_an_index_is_refused(slipway: Slipway, stacks: Path, registry: FakeRegistry, repository: str) -> None:
    platforms = [{"os": "linux", "architecture": "arm64"}, {"os": "unknown", "architecture": "unknown"}]
    child = {"mediaType": f"{OCI}manifest.v1+json", "digest": sha256(b"x"), "size": 1}
    manifests = [{**child, "platform": platform} for platform in platforms]
    made = registry.put(repository, {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})
    name_image(stacks, "dev", f"{HOST}/{repository}@{made}")
    error = refused(slipway, stacks)
    assert "an index of several manifests (linux/arm64, unknown/unknown)" in error
    assert "--provenance=false" in error
    assert registry.tags(repository, made) == []


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
def test_what_is_no_image_for_arm64_is_refused(
    slipway: Slipway, stacks: Path, registry: FakeRegistry, repository: str, made: dict[str, Any], said: str
) -> None:
    image = registry.image(repository, **made)
    name_image(stacks, "dev", f"{HOST}/{repository}@{image}")
    assert said in refused(slipway, stacks)
    assert registry.tags(repository, image) == []


def test_the_second_name_of_arm64_is_taken(
    slipway: Slipway, stacks: Path, registry: FakeRegistry, repository: str
) -> None:
    docker = "application/vnd.docker.container.image.v1+json"
    image = registry.image(repository, config={"variant": "v8"}, config_type=docker)
    name_image(stacks, "dev", f"{HOST}/{repository}@{image}")
    assert promote(slipway).code == 0


def test_an_image_that_is_gone_is_refused(
    slipway: Slipway, stacks: Path, registry: FakeRegistry, repository: str
) -> None:
    name_image(stacks, "dev", f"{HOST}/{repository}@{sha256(b'gone')}")
    assert f"There is no image {sha256(b'gone')} in repository '{repository}'" in refused(slipway, stacks)
    name_image(stacks, "dev", f"{HOST}/none@{sha256(b'gone')}")
    assert f"There is no repository 'none' in account {ACCOUNT}, {REGION}" in refused(slipway, stacks)


def test_a_configuration_that_is_gone_is_refused(
    slipway: Slipway, stacks: Path, registry: FakeRegistry, repository: str
) -> None:
    config = {"mediaType": f"{OCI}config.v1+json", "digest": sha256(b"gone"), "size": 4}
    document = {"schemaVersion": 2, "mediaType": f"{OCI}manifest.v1+json", "config": config, "layers": []}
    name_image(stacks, "dev", f"{HOST}/{repository}@{registry.put(repository, document)}")
    assert "LayersNotFoundException" in refused(slipway, stacks)


@pytest.mark.parametrize("lifecycle", [{"rulePriority": 3}, {"tagPrefixList": ["release-", "deployed-"]}])
def test_a_tag_that_the_lifecycle_does_not_keep_is_refused(
    slipway: Slipway, stacks: Path, registry: FakeRegistry, lifecycle: dict[str, Any]
) -> None:
    keep = {"tagStatus": "tagged", "tagPrefixList": ["deployed-"], "countType": "imageCountMoreThan"}
    some = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10}
    rules = [
        {"rulePriority": 1, "selection": {**keep, "countNumber": 10_000}, "action": {"type": "expire"}},
        {"rulePriority": 2, "selection": some, "action": {"type": "expire"}},
    ]
    if "tagPrefixList" in lifecycle:
        rules[0]["selection"] = {**keep, **lifecycle, "countNumber": 10_000}
    repository = registry.repository(lifecycle={"rules": rules})
    image = registry.image(repository)
    name_image(stacks, "dev", f"{HOST}/{repository}@{image}")
    error = refused(slipway, stacks, "--tag", "1")
    assert f"'release-1' would not keep {image}" in error
    assert "rule 2 would expire it" in error
    assert registry.tags(repository, image) == []


def test_a_tag_that_keeps_for_some_days_only_is_refused(slipway: Slipway, stacks: Path, registry: FakeRegistry) -> None:
    aged = {"tagStatus": "tagged", "tagPrefixList": ["release-"], "countType": "sinceImagePushed"}
    rule = {"rulePriority": 1, "selection": {**aged, "countUnit": "days", "countNumber": 3650}}
    repository = registry.repository(lifecycle={"rules": [{**rule, "action": {"type": "expire"}}]})
    name_image(stacks, "dev", f"{HOST}/{repository}@{registry.image(repository)}")
    assert "rule 1 would expire it" in refused(slipway, stacks, "--tag", "1")
    assert promote(slipway).code == 0


def test_without_a_lifecycle_every_tag_keeps(slipway: Slipway, stacks: Path, registry: FakeRegistry) -> None:
    repository = registry.repository(lifecycle=None)
    name_image(stacks, "dev", f"{HOST}/{repository}@{registry.image(repository)}")
    assert promote(slipway).code == 0


def test_an_image_that_nobody_scanned_is_refused_where_a_scan_is_asked_for(
    slipway: Slipway, stacks: Path, registry: FakeRegistry, repository: str, digest: str
) -> None:
    error = refused(slipway, stacks, "--require-scan")
    assert "is not scanned (UNSUPPORTED_IMAGE: UnsupportedImageError: The sandbox has no scanner" in error
    assert registry.tags(repository, digest) == ["content-1"]


def test_a_folder_that_cannot_be_written_stops_it_before_the_tag(
    slipway: Slipway,
    stacks: Path,
    registry: FakeRegistry,
    repository: str,
    digest: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number, said in ((28, "no space left on the disk"), (30, "can't be written (Read-only file system")):

        def fail(*_arguments: Any, number: int = number, **_options: Any) -> Any:
            raise OSError(number, {28: "No space left on device", 30: "Read-only file system"}[number])

        with monkeypatch.context() as patch:
            patch.setattr(stack_files.tempfile, "mkstemp", fail)
            assert said in refused(slipway, stacks)
    assert registry.tags(repository, digest) == ["content-1"]


def test_a_disk_that_fills_up_while_it_is_written_leaves_nothing_behind(
    slipway: Slipway, stacks: Path, digest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stack_files.os, "fsync", fail)
    assert "no space left on the disk for Pulumi.staging.yaml" in refused(slipway, stacks)


def test_interrupted_after_the_tag_a_second_try_succeeds(
    slipway: Slipway,
    stacks: Path,
    registry: FakeRegistry,
    repository: str,
    digest: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = {path.name for path in stacks.iterdir()}
    before = (stacks / "Pulumi.staging.yaml").read_text()
    original = Repository.tag

    def tag_and_stop(self: Repository, *arguments: Any) -> None:
        original(self, *arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Repository, "tag", tag_and_stop)
        assert promote(slipway, "--tag", "2").code == 130
    assert (stacks / "Pulumi.staging.yaml").read_text() == before
    assert {path.name for path in stacks.iterdir()} == names
    assert registry.tags(repository, digest) == ["content-1", "release-2"]
    result = promote(slipway, "--tag", "2")
    assert (result.code, "has the tag release-2 already" in result.out) == (0, True)
    assert entry(stacks)["imageTag"] == "release-2"


def test_a_file_that_somebody_changes_meanwhile_is_left_to_them(
    slipway: Slipway, stacks: Path, digest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = stacks / "Pulumi.staging.yaml"
    original = Repository.tag

    def tag_and_edit(self: Repository, *arguments: Any) -> None:
        original(self, *arguments)
        path.write_text(path.read_text() + "# mine\n")

    with monkeypatch.context() as patch:
        patch.setattr(Repository, "tag", tag_and_edit)
        result = promote(slipway)
    assert (result.code, "Somebody else changed Pulumi.staging.yaml meanwhile" in result.err) == (1, True)
    assert path.read_text().endswith("# mine\n")
    assert promote(slipway).code == 0
    assert path.read_text().endswith("# mine\n")


def test_two_promotions_at_once_end_with_one_tag(
    slipway: Slipway,
    stacks: Path,
    registry: FakeRegistry,
    repository: str,
    digest: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = Repository.tag

    def be_late(self: Repository, manifest: Any, tag: str) -> None:
        original(self, manifest, tag)
        original(self, manifest, tag)

    monkeypatch.setattr(Repository, "tag", be_late)
    result = promote(slipway, "--tag", "5")
    assert (result.code, "has the tag release-5 already" in result.out) == (0, True)


def test_a_tag_that_another_image_gets_at_the_same_time_is_refused(
    slipway: Slipway,
    stacks: Path,
    registry: FakeRegistry,
    repository: str,
    digest: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = Repository.tag

    def be_late(self: Repository, manifest: Any, tag: str) -> None:
        registry.image(repository, tag=tag)
        original(self, manifest, tag)

    monkeypatch.setattr(Repository, "tag", be_late)
    assert "is taken by another image" in refused(slipway, stacks, "--tag", "5")


def test_mode_and_link_of_the_file_stay(slipway: Slipway, stacks: Path, digest: str) -> None:
    path, elsewhere = stacks / "Pulumi.staging.yaml", stacks / "files"
    elsewhere.mkdir()
    path.rename(elsewhere / path.name)
    path.symlink_to(elsewhere / path.name)
    (elsewhere / path.name).chmod(0o640)
    assert promote(slipway).code == 0
    assert path.is_symlink()
    assert stat.S_IMODE((elsewhere / path.name).stat().st_mode) == 0o640
    assert [item.name for item in elsewhere.iterdir()] == [path.name]
    assert "image" in entry(stacks)


def test_the_sandbox_must_run_for_the_local_stack(
    slipway: Slipway, stacks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (stacks / ".slipway" / "sandbox.json").unlink()
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    name_image(stacks, "local", sha256(b"x"))
    result = slipway("promote", "words", "--from", "local", "--to", "staging")
    assert (result.code, result.err) == (
        1,
        "slipway: Nothing runs in the sandbox, so it has no images. Start it: make up\n",
    )
