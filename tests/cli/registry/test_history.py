"""`slipway releases` and `slipway promote --rollback` go by the history of the stack files in git."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import Result, Slipway
from tests.cli.registry.conftest import HOST, FakeRegistry, Git, name_image, sha256


@pytest.fixture
def repository(registry: FakeRegistry) -> str:
    return registry.repository()


@pytest.fixture
def digests(registry: FakeRegistry, repository: str) -> list[str]:
    return [registry.image(repository, tag=f"content-{number}") for number in range(3)]


def full(repository: str, digest: str) -> str:
    return f"{HOST}/{repository}@{digest}"


def rollback(slipway: Slipway, *words: str) -> Result:
    return slipway("promote", "words", "--to", "staging", "--rollback", *words)


def entry(root: Path, stack: str = "staging") -> dict[str, Any]:
    config = yaml.safe_load((root / f"Pulumi.{stack}.yaml").read_text())["config"]
    return next(value for key, value in config.items() if key.endswith(":pipelines"))["words"]


def listed(slipway: Slipway, *words: str) -> list[dict[str, Any]]:
    result = slipway("releases", "--json", *words)
    assert result.code == 0, result.err
    return json.loads(result.out)


def test_who_gave_which_image_to_which_stack(slipway: Slipway, stacks: Path, git: Git) -> None:
    git.commit("Start")
    name_image(stacks, "staging", sha256(b"1"), "release-1")
    first = git.commit("Promote words 1 to staging")
    (stacks / "Pulumi.staging.yaml").write_text((stacks / "Pulumi.staging.yaml").read_text() + "# a comment\n")
    git.commit("Say more")
    name_image(stacks, "prod", f"{HOST}/a/words@{sha256(b'1')}", "release-1")
    second = git.commit("Promote words 1 to prod")
    name_image(stacks, "staging", sha256(b"2"), "release-2")
    found = listed(slipway)
    assert [(item["stack"], item["digest"], item["tag"], item["commit"]) for item in found] == [
        ("staging", sha256(b"2"), "release-2", None),
        ("prod", sha256(b"1"), "release-1", second),
        ("staging", sha256(b"1"), "release-1", first),
    ]
    assert [item["committed"] for item in found] == [False, True, True]
    assert found[2] == {
        "stack": "staging",
        "pipeline": "words",
        "what": "image",
        "image": sha256(b"1"),
        "digest": sha256(b"1"),
        "tag": "release-1",
        "committed": True,
        "commit": first,
        "author": "Ann Author",
        "date": "2026-03-01T12:02:00+00:00",
        "subject": "Promote words 1 to staging",
    }
    assert [item["stack"] for item in listed(slipway, "--stack", "prod")] == ["prod"]
    assert len(listed(slipway, "words")) == 3


def test_the_table_has_what_is_needed_to_find_a_release_again(slipway: Slipway, stacks: Path, git: Git) -> None:
    name_image(stacks, "staging", sha256(b"1"), "release-1")
    commit = git.commit("Promote words 1 to staging")
    name_image(stacks, "staging", sha256(b"2"), "release-2")
    result = slipway("releases")
    newest, oldest = (line.split() for line in result.out.splitlines()[1:])
    assert newest == ["not", "committed", "staging", "words", sha256(b"2")[:19], "release-2"]
    assert oldest[:2] == ["2026-03-01", "12:01"]
    assert oldest[2:8] == ["staging", "words", sha256(b"1")[:19], "release-1", "Ann", "Author"]
    assert oldest[8:] == [commit[:10], "Promote", "words", "1", "to", "staging"]


def test_a_subject_is_printed_as_it_is(slipway: Slipway, stacks: Path, git: Git) -> None:
    name_image(stacks, "staging", sha256(b"1"), "release-1")
    git.commit("[wip] Promote words :ship: [/] [#12]")
    result = slipway("releases")
    assert (result.code, result.out.splitlines()[1].rstrip()[-36:]) == (0, "[wip] Promote words :ship: [/] [#12]")


def test_a_stack_that_builds_again_and_a_pipeline_that_goes_are_told(
    slipway: Slipway, stacks: Path, git: Git, registry: FakeRegistry
) -> None:
    path = stacks / "Pulumi.staging.yaml"
    built = path.read_text()
    git.commit("Start")
    name_image(stacks, "staging", sha256(b"1"))
    git.commit("Name an image")
    path.write_text(built)
    git.commit("Build again")
    name_image(stacks, "staging", sha256(b"1"))
    git.commit("Name it again")
    path.write_text("config: {}\n")
    git.commit("Remove it")
    assert [(item["what"], item["digest"]) for item in listed(slipway)] == [
        ("removed", None),
        ("image", sha256(b"1")),
        ("built here", None),
        ("image", sha256(b"1")),
    ]
    assert "(removed)" in slipway("releases").out
    assert len(listed(slipway, "words")) == 4


def test_a_merge_changes_only_what_neither_side_had(slipway: Slipway, stacks: Path, git: Git) -> None:
    name_image(stacks, "staging", sha256(b"1"))
    git.commit("One")
    git("checkout", "--quiet", "-b", "branch")
    name_image(stacks, "staging", sha256(b"2"))
    git.commit("Two on a branch")
    git("checkout", "--quiet", "main")
    path = stacks / "Pulumi.staging.yaml"
    path.write_text(path.read_text().replace("# a stack", "# the stack"))
    git.commit("Later, and still with one")
    git("merge", "--quiet", "--no-ff", "--message", "Merge", "branch")
    assert [item["subject"] for item in listed(slipway)] == ["Two on a branch", "One"]


def test_files_that_are_no_yaml_in_some_commit_are_passed_over(slipway: Slipway, stacks: Path, git: Git) -> None:
    git.commit("Start")
    (stacks / "Pulumi.staging.yaml").write_text("config: [\n")
    git.commit("Break it")
    name_image(stacks, "staging", sha256(b"1"))
    git.commit("Mend it")
    assert [item["subject"] for item in listed(slipway)] == ["Mend it"]


def test_without_releases_the_command_says_how_to_make_one(slipway: Slipway, stacks: Path, git: Git) -> None:
    assert "slipway promote" in slipway("releases").out
    git.commit("Start")
    assert "slipway promote" in slipway("releases").out
    assert listed(slipway) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--stack", "stagin"], "Did you mean 'staging'?"),
        (["word"], "has no pipeline 'word'. Pipelines: words. Did you mean 'words'?"),
        (["--stack", "prod", "word"], "Stack 'prod' has no pipeline 'word'"),
    ],
)
def test_unknown_names_are_refused(slipway: Slipway, stacks: Path, git: Git, words: list[str], said: str) -> None:
    git.commit("Start")
    result = slipway("releases", *words)
    assert (result.code, said in result.err) == (1, True)


def test_without_git_or_a_repository_the_error_says_so(
    slipway: Slipway, stacks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(stacks.parent))
    for words in (["releases"], ["promote", "words", "--to", "staging", "--rollback"]):
        result = slipway(*words)
        assert (result.code, "is not in a git repository" in result.err) == (1, True)
    monkeypatch.setenv("PATH", str(stacks))
    result = slipway("releases")
    assert (result.code, "git isn't installed here" in result.err) == (1, True)


def test_a_rollback_names_the_image_before(
    slipway: Slipway, stacks: Path, git: Git, registry: FakeRegistry, repository: str, digests: list[str]
) -> None:
    for number, digest in enumerate(digests):
        registry.ecr.put_image(
            repositoryName=repository,
            imageTag=f"release-{number}",
            imageManifest=_manifest(registry, repository, digest),
        )
        name_image(stacks, "staging", full(repository, digest), f"release-{number}")
        git.commit(f"Promote {number}")
    before = (stacks / "Pulumi.staging.yaml").read_text()
    result = rollback(slipway)
    assert result.code == 0, result.err
    assert (stacks / "Pulumi.staging.yaml").read_text() == before.replace(digests[2], digests[1]).replace(
        "release-2", "release-1"
    )
    assert f"image {full(repository, digests[2])} -> {full(repository, digests[1])}" in result.out
    assert 'git commit -m "Roll back words in staging to release-1"' in result.err
    assert "not scanned" not in result.err


def _manifest(registry: FakeRegistry, repository: str, digest: str) -> str:
    image_ids = [{"imageDigest": digest}]
    return registry.ecr.batch_get_image(repositoryName=repository, imageIds=image_ids)["images"][0]["imageManifest"]


def test_a_rollback_of_a_rollback_is_the_image_that_was_rolled_back(
    slipway: Slipway, stacks: Path, git: Git, repository: str, digests: list[str]
) -> None:
    for digest in digests:
        name_image(stacks, "staging", full(repository, digest))
        git.commit("Promote")
    assert rollback(slipway).code == 0
    assert entry(stacks)["image"] == full(repository, digests[1])
    assert rollback(slipway).code == 0
    assert entry(stacks)["image"] == full(repository, digests[2])
    assert rollback(slipway).code == 0
    git.commit("Roll back")
    assert rollback(slipway).code == 0
    assert entry(stacks)["image"] == full(repository, digests[2])


def test_a_promotion_that_is_not_committed_yet_is_rolled_back_to_the_last_commit(
    slipway: Slipway, stacks: Path, git: Git, repository: str, digests: list[str]
) -> None:
    name_image(stacks, "staging", full(repository, digests[0]))
    git.commit("Promote")
    name_image(stacks, "dev", full(repository, digests[1]))
    assert slipway("promote", "words", "--from", "dev", "--to", "staging").code == 0
    assert rollback(slipway).code == 0
    assert entry(stacks)["image"] == full(repository, digests[0])


def test_a_tag_names_a_release_that_is_further_back(
    slipway: Slipway, stacks: Path, git: Git, registry: FakeRegistry, repository: str, digests: list[str]
) -> None:
    for number, digest in enumerate(digests):
        name_image(stacks, "staging", full(repository, digest), f"release-{number}")
        git.commit("Promote")
    result = rollback(slipway, "--tag", "0", "--json")
    assert result.code == 0, result.err
    document = json.loads(result.out)
    assert (document["digest"], document["tag"], document["rollback"]) == (digests[0], "release-0", True)
    # The tag was gone from the registry: without it the lifecycle would delete what is about to run.
    assert (document["tagged"], registry.tags(repository, digests[0])) == (True, ["content-0", "release-0"])
    result = rollback(slipway, "--tag", "7")
    assert (result.code, "no image of 'words' with the tag 'release-7' to go back to" in result.err) == (1, True)


def test_a_rollback_to_a_tag_can_be_tried_again(
    slipway: Slipway, stacks: Path, git: Git, repository: str, digests: list[str]
) -> None:
    for tag, digest in zip(("deployed-staging-0", "release-1"), digests, strict=False):
        name_image(stacks, "staging", full(repository, digest), tag)
        git.commit("Promote")
    # A promotion without a version has a whole tag of its own.
    assert rollback(slipway, "--tag", "deployed-staging-0").code == 0
    assert (entry(stacks)["image"], entry(stacks)["imageTag"]) == (full(repository, digests[0]), "deployed-staging-0")
    again = rollback(slipway, "--tag", "deployed-staging-0")
    assert (again.code, "Pulumi.staging.yaml names it already" in again.out) == (0, True)
    assert rollback(slipway, "--tag", "").code == 1


def test_an_image_that_never_had_a_tag_gets_one_that_keeps_it(
    slipway: Slipway, stacks: Path, git: Git, registry: FakeRegistry, repository: str, digests: list[str]
) -> None:
    for digest in digests[:2]:
        name_image(stacks, "staging", full(repository, digest))
        git.commit("By hand")
    assert rollback(slipway).code == 0
    tag = f"deployed-staging-{digests[0][7:19]}"
    assert (entry(stacks)["imageTag"], registry.tags(repository, digests[0])[1:]) == (tag, [tag])


def test_a_digest_alone_means_the_registry_that_the_stack_had_then(
    slipway: Slipway, stacks: Path, git: Git, registry: FakeRegistry
) -> None:
    shared = registry.repository("shared")
    settings = f"  {registry.project}:registry: shared\n"
    first, second = registry.image(shared), registry.image(shared)
    name_image(stacks, "staging", first, settings=settings)
    git.commit("Shared")
    name_image(stacks, "staging", full(shared, second))
    git.commit("Own")
    assert rollback(slipway).code == 0
    assert entry(stacks)["image"] == full(shared, first)


def test_an_image_that_is_gone_is_not_gone_back_to(
    slipway: Slipway, stacks: Path, git: Git, registry: FakeRegistry, repository: str, digests: list[str]
) -> None:
    for digest in digests[:2]:
        name_image(stacks, "staging", full(repository, digest))
        git.commit("Promote")
    registry.ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageDigest": digests[0]}])
    before = (stacks / "Pulumi.staging.yaml").read_text()
    result = rollback(slipway)
    assert (result.code, f"There is no image {digests[0]}" in result.err) == (1, True)
    assert (stacks / "Pulumi.staging.yaml").read_text() == before


def test_without_an_image_before_there_is_nothing_to_go_back_to(slipway: Slipway, stacks: Path, git: Git) -> None:
    git.commit("Start")
    assert "has no other image of 'words' to go back to" in rollback(slipway).err
    name_image(stacks, "staging", sha256(b"1"))
    git.commit("Promote")
    result = rollback(slipway)
    assert (result.code, "`slipway releases --stack staging words` shows" in result.err) == (1, True)
    assert "unshallow" not in result.err


def test_a_clone_without_history_says_how_to_get_it(
    slipway: Slipway, stacks: Path, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        name_image(stacks, "staging", sha256(b"%d" % number))
        git.commit("Promote")
    clone = tmp_path / "clone"
    words = ["clone", "--quiet", "--depth=1", f"file://{stacks}", str(clone)]
    subprocess.run([str(shutil.which("git")), *words], check=True, capture_output=True)  # noqa: S603 - our own words
    monkeypatch.chdir(clone)
    result = rollback(slipway)
    assert (result.code, "git fetch --unshallow" in result.err) == (1, True)
    assert "git fetch --unshallow" in slipway("releases").err
