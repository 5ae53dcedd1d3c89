"""`slipway promote`: which image, which tag, what the target's file then says, and what is printed."""

import json

import pytest

from tests.cli.registry.conftest import ACCOUNT, REGION, name_image, sha256
from tests.cli.registry.promote.conftest import Promotion


def test_the_image_is_tagged_and_named_in_the_targets_file(promotion: Promotion, digest: str) -> None:
    before = (promotion.root / "Pulumi.staging.yaml").read_text()
    result = promotion.run("--tag", "4.0.0")
    assert result.code == 0, result.err
    image = promotion.reference(digest)
    text = (promotion.root / "Pulumi.staging.yaml").read_text()
    assert text == before.replace("context: pipelines/words", f"image: {image}\n      imageTag: release-4.0.0")
    assert promotion.tags(digest) == ["content-1", "release-4.0.0"]
    assert f"words: {digest}  (linux/arm64)" in result.out
    assert f"{promotion.repository}: tagged release-4.0.0" in result.out
    assert f"Pulumi.staging.yaml: image built here -> {image}" in result.out
    assert "WARNING: not scanned" in result.err
    assert "Next: git commit" in result.err
    assert "pulumi up --stack staging" in result.err


def test_without_a_version_the_tag_says_where_it_went(promotion: Promotion, digest: str) -> None:
    result = promotion.run("--json")
    assert result.code == 0, result.err
    tag = f"deployed-staging-{digest[7:19]}"
    assert promotion.tags(digest) == ["content-1", tag]
    document = json.loads(result.out)
    assert document == {
        "pipeline": "words",
        "from": "dev",
        "to": "staging",
        "rollback": False,
        "repository": promotion.repository,
        "digest": digest,
        "platform": "linux/arm64",
        "tag": tag,
        "tagged": True,
        "file": "Pulumi.staging.yaml",
        "image": promotion.reference(digest),
        "previous": None,
        "changed": True,
        "scan": document["scan"],
    }
    assert document["scan"]["status"] == "UNSUPPORTED_IMAGE"
    assert document["scan"]["scanned"] is False


def test_a_second_promotion_changes_nothing(promotion: Promotion, digest: str) -> None:
    assert promotion.run("--tag", "1").code == 0
    before = (promotion.root / "Pulumi.staging.yaml").stat()
    result = promotion.run("--tag", "release-1")
    assert (result.code, "has the tag release-1 already" in result.out) == (0, True)
    assert "names it already" in result.out
    assert "Next:" not in result.err
    after = (promotion.root / "Pulumi.staging.yaml").stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


def test_a_further_version_of_the_same_image_is_told_by_its_tag(promotion: Promotion, digest: str) -> None:
    assert promotion.run("--tag", "1").code == 0
    result = promotion.run("--tag", "2")
    assert "  Pulumi.staging.yaml: the same image, imageTag release-1 -> release-2\n" in result.out
    assert 'git commit -m "Promote words release-2 to staging"' in result.err
    assert promotion.entry()["imageTag"] == "release-2"


def test_what_was_promoted_goes_on_to_the_next_stack(promotion: Promotion, digest: str) -> None:
    assert promotion.run().code == 0
    result = promotion.slipway("promote", "words", "--from", "staging", "--to", "prod")
    assert result.code == 0, result.err
    assert promotion.entry("prod")["image"] == promotion.reference(digest)
    short = digest[7:19]
    assert promotion.tags(digest)[1:] == [f"deployed-staging-{short}", f"deployed-prod-{short}"]


def test_what_is_promoted_to_the_sandbox_is_deployed_there(promotion: Promotion, digest: str) -> None:
    result = promotion.slipway("promote", "words", "--from", "dev", "--to", "local")
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
    promotion: Promotion, source: str, target: str, bare: bool
) -> None:
    promotion.repository = promotion.registry.repository("shared" if source else "dev")
    made = promotion.registry.image(promotion.repository)
    name_image(promotion.root, "dev", made, settings=source.format(project=promotion.registry.project))
    name_image(promotion.root, "staging", sha256(b"old"), settings=target.format(project=promotion.registry.project))
    result = promotion.run()
    assert result.code == 0, result.err
    assert promotion.entry()["image"] == (made if bare else promotion.reference(made))


def test_a_stack_in_another_region_names_the_whole_image(promotion: Promotion) -> None:
    promotion.repository = promotion.registry.repository("shared")
    made = promotion.registry.image(promotion.repository)
    settings = f"  {promotion.registry.project}:registry: shared\n"
    name_image(promotion.root, "dev", made, settings=settings)
    name_image(promotion.root, "staging", sha256(b"old"), settings=settings)
    path = promotion.root / "Pulumi.staging.yaml"
    path.write_text(path.read_text().replace(REGION, "us-east-1"))
    assert promotion.run().code == 0
    assert promotion.entry()["image"] == promotion.reference(made)


def test_an_image_that_dev_builds_is_found_in_its_outputs(promotion: Promotion) -> None:
    promotion.repository = promotion.registry.repository("local")
    made = promotion.registry.image(promotion.repository)
    outputs = {"pipelines": {"words": {"imageReference": f"127.0.0.1:4566/{promotion.repository}@{made}"}}}
    (promotion.root / ".slipway" / "outputs.json").write_text(json.dumps(outputs))
    result = promotion.slipway("promote", "words", "--from", "local", "--to", "staging")
    assert result.code == 0, result.err
    assert promotion.entry()["image"] == promotion.reference(made)
    assert "sandbox of this machine" in result.err
    assert "pulumi up" not in result.err  # which would not work


def test_a_stack_that_runs_nothing_yet_has_nothing_to_promote(promotion: Promotion) -> None:
    (promotion.root / ".slipway" / "outputs.json").write_text('{"pipelines": {}}')
    result = promotion.slipway("promote", "words", "--from", "local", "--to", "staging")
    assert (result.code, "Deploy it first: pulumi up --stack local" in result.err) == (1, True)
    (promotion.root / ".slipway" / "outputs.json").write_text(
        '{"pipelines": {"words": {"imageReference": "words:latest"}}}'
    )
    result = promotion.slipway("promote", "words", "--from", "local", "--to", "staging")
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
def test_wrong_words_are_refused(promotion: Promotion, digest: str, words: list[str], said: str) -> None:
    result = promotion.slipway("promote", *words)
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
def test_wrong_usage_is_told_by_the_exit_code(promotion: Promotion, digest: str, options: list[str], said: str) -> None:
    result = promotion.slipway("promote", "words", "--to", "dev", *options)
    assert (result.code, said in result.err) == (2, True), result.err


def test_the_sandbox_must_run_for_the_local_stack(promotion: Promotion, monkeypatch: pytest.MonkeyPatch) -> None:
    (promotion.root / ".slipway" / "sandbox.json").unlink()
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    name_image(promotion.root, "local", sha256(b"x"))
    result = promotion.slipway("promote", "words", "--from", "local", "--to", "staging")
    assert (result.code, result.err) == (
        1,
        "slipway: Nothing runs in the sandbox, so it has no images. Start it: make up\n",
    )
