"""`slipway lifecycle` on a registry on this machine, and on listings in files.

What it can't prove: that ECR's preview is what the sandbox answers, which is the same simulator. Where they differ
here, the answer is made up.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from cli.registry.client import Repository
from tests.cli.conftest import Result, Slipway
from tests.cli.registry.conftest import HOST, OCI, REGION, FakeRegistry, name_image, stack_file

ROOT = Path(__file__).parents[3]
NOW = "2026-11-15T12:00:00+00:00"
EXPIRE = {"type": "expire"}


def rule(priority: int, count: int, description: str = "", **selection: Any) -> dict[str, Any]:
    selected = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": count, **selection}
    described = {"description": description} if description else {}
    return {"rulePriority": priority, **described, "selection": selected, "action": EXPIRE}


RELEASES = {"tagStatus": "tagged", "tagPrefixList": ["release-"]}
AGE = {"countType": "sinceImagePushed", "countUnit": "days"}
ONE = {"rules": [rule(1, 99, "Releases", **RELEASES), rule(2, 1, "The last one")]}
POLICY = {"rules": [rule(1, 99, "Keep releases", **RELEASES), rule(2, 14, "Two weeks", **AGE)]}


def detail(digit: str, day: int, *tags: str, **more: Any) -> dict[str, Any]:
    named = {"imageTags": list(tags)} if tags else {}
    return {
        "imageDigest": f"sha256:{digit * 64}",
        "imagePushedAt": f"2026-10-{day:02}T12:00:00+00:00",
        "imageSizeInBytes": 1_000_000 * day,
        **named,
        **more,
    }


IMAGES = [detail("a", 1, "release-1"), detail("b", 2, "content"), detail("c", 31), detail("d", 1, "old")]


@pytest.fixture
def listing(stacks: Path) -> Path:
    file = stacks / "images.json"
    file.write_text(json.dumps({"imageDetails": [*IMAGES, detail("e", 31, "young") | {"imagePushedAt": NOW}]}))
    return file


@pytest.fixture
def policy(stacks: Path) -> Path:
    file = stacks / "policy.json"
    file.write_text(json.dumps(POLICY))
    return file


@pytest.fixture
def document(stacks: Path) -> None:
    """What all settings are checked with."""
    (stacks / "swagger").mkdir()
    shutil.copy(ROOT / "swagger" / "openapi.yaml", stacks / "swagger")


def actions(result: Result) -> dict[str, tuple[str, int | None]]:
    """First digit of the digest -> action and rule."""
    assert result.code in (0, 1), result.err
    images = json.loads(result.out)["images"]
    return {image["digest"][7:8]: (image["action"], image["rulePriority"]) for image in images}


class TestListing:
    def test_each_image_is_shown_with_its_rule(self, slipway: Slipway, listing: Path, policy: Path) -> None:
        result = slipway(
            "lifecycle", "words", "--listing", str(listing), "--policy", str(policy), "--at", "2026-11-15T12:00:00Z"
        )
        assert result.code == 0, result.err
        lines = result.out.splitlines()
        assert lines[0].endswith(f"-dev/words at {NOW}, by the policy of {policy}")
        rows = {line.split()[0]: " ".join(line.split()[1:]) for line in lines if line.startswith("sha256:")}
        assert rows == {
            "sha256:eeeeeeeeeeee": "young 0.0 d 31.0 MB stays 2: Two weeks pushed 0.0 days ago, not more than 14",
            "sha256:cccccccccccc": "(none) 15.0 d 31.0 MB expires 2: Two weeks pushed 15.0 days ago, more than 14",
            "sha256:bbbbbbbbbbbb": "content 44.0 d 2.0 MB expires 2: Two weeks pushed 44.0 days ago, more than 14",
            "sha256:aaaaaaaaaaaa": "release-1 45.0 d 1.0 MB stays 1: Keep releases number 1 of 1 by age, 99 stay; "
            "so rule 2 can't take it",
            "sha256:dddddddddddd": "old 45.0 d 1.0 MB expires 2: Two weeks pushed 45.0 days ago, more than 14",
        }
        assert next(iter(rows)) == "sha256:eeeeeeeeeeee"
        assert lines[-1].startswith("3 of 5 images expire, 34.0 MB. Layers that other images share stay")

    def test_json_for_programs(self, slipway: Slipway, listing: Path, policy: Path, registry: FakeRegistry) -> None:
        words = ("--listing", str(listing), "--policy", str(policy), "--at", NOW, "--json")
        result = slipway("lifecycle", "words", *words)
        found = json.loads(result.out)
        assert {key: found[key] for key in ("stack", "pipeline", "repository", "policyFrom", "at", "differences")} == {
            "stack": "dev",
            "pipeline": "words",
            "repository": f"{registry.project}-dev/words",
            "policyFrom": str(policy),
            "at": NOW,
            "differences": None,
        }
        assert found["totals"] == {
            "keep": {"images": 2, "sizeBytes": 32_000_000},
            "expire": {"images": 3, "sizeBytes": 34_000_000},
            "archive": {"images": 0, "sizeBytes": 0},
        }
        assert found["images"][3] == {
            "digest": f"sha256:{'a' * 64}",
            "tags": ["release-1"],
            "pushedAt": "2026-10-01T12:00:00+00:00",
            "sizeBytes": 1_000_000,
            "storageClass": "standard",
            "action": "keep",
            "rulePriority": 1,
            "why": "number 1 of 1 by age, 99 stay",
            "shieldedFrom": [2],
        }

    def test_time_decides(self, slipway: Slipway, listing: Path, policy: Path) -> None:
        words = ("lifecycle", "words", "--listing", str(listing), "--policy", str(policy), "--json", "--at")
        early = actions(slipway(*words, "2026-10-16T12:00:00"))
        assert early["b"] == ("keep", 2)
        assert early["d"] == ("expire", 2)
        assert actions(slipway(*words, "2026-12-31T12:00:00+01:00"))["e"] == ("expire", 2)

    def test_shield_is_told_only_of_what_stays(self, slipway: Slipway, stacks: Path, listing: Path) -> None:
        tagged = {"tagStatus": "tagged", "tagPatternList": ["*"], **AGE}
        (stacks / "two.json").write_text(json.dumps({"rules": [rule(1, 14, **tagged), rule(2, 1)]}))
        result = slipway("lifecycle", "words", "--listing", str(listing), "--policy", "two.json", "--at", NOW)
        assert "4 of 5 images expire" in result.out
        assert "so rule" not in result.out

    def test_archived_images_are_told_apart(self, slipway: Slipway, stacks: Path, listing: Path) -> None:
        archive = {"rules": [{**rule(1, 1), "action": {"type": "transition", "targetStorageClass": "archive"}}]}
        (stacks / "archive.json").write_text(json.dumps(archive))
        result = slipway("lifecycle", "words", "--listing", str(listing), "--policy", "archive.json")
        assert "archived" in result.out
        assert "0 of 5 images expire, 0 B; 4 go to the archive, 35.0 MB." in result.out

    def test_policy_without_description_and_image_without_rule(
        self, slipway: Slipway, stacks: Path, listing: Path
    ) -> None:
        (stacks / "one.json").write_text(json.dumps({"rules": [rule(5, 1, **RELEASES)]}))
        result = slipway("lifecycle", "words", "--listing", str(listing), "--policy", "one.json")
        rows = [" ".join(line.split()) for line in result.out.splitlines()]
        assert any("stays 5 number 1 of 1 by age, 1 stay" in row for row in rows)
        assert any("stays none no rule selects it" in row for row in rows)

    def test_empty_listing(self, slipway: Slipway, stacks: Path, policy: Path) -> None:
        (stacks / "empty.json").write_text('{"imageDetails": []}')
        result = slipway("lifecycle", "words", "--listing", "empty.json", "--policy", str(policy))
        assert (result.code, result.out.splitlines()[1:]) == (0, ["  no images"])

    def test_index_in_a_listing_is_warned_of(self, slipway: Slipway, stacks: Path, policy: Path) -> None:
        index = detail("a", 1, "v1", imageManifestMediaType=f"{OCI}index.v1+json")
        (stacks / "index.json").write_text(json.dumps([index]))
        result = slipway("lifecycle", "words", "--listing", "index.json", "--policy", str(policy))
        assert "The listing has image indexes" in result.err
        assert "expires" in result.out

    @pytest.mark.usefixtures("document")
    def test_settings_stand_for_the_policy(self, slipway: Slipway, stacks: Path, listing: Path) -> None:
        (stacks / "pipelines" / "words").mkdir(parents=True)
        (stacks / "pipelines" / "words" / "Dockerfile").write_text("FROM scratch\n")
        schema = {"$schema": "http://json-schema.org/draft-04/schema#", "type": "object", "properties": {}}
        (stacks / "pipelines" / "words" / "parameters.schema.json").write_text(json.dumps(schema))
        project = (stacks / "Pulumi.yaml").read_text().split()[1]
        settings = f"  {project}:untaggedDays: 10\n  {project}:retainedImages: 2\n"
        entry = "      context: pipelines/words\n"
        (stacks / "Pulumi.dev.yaml").write_text(stack_file(project, entry, settings))
        result = slipway("lifecycle", "words", "--listing", str(listing), "--at", NOW)
        assert result.code == 0, result.err
        assert "by the policy of the settings of stack dev" in result.out
        assert "Keep what is tagged release-..." in result.out
        assert "Expire untagged images after 10 days" in result.out
        assert "3 of 5 images expire" in result.out

    def test_settings_that_are_wrong_are_told(self, slipway: Slipway, listing: Path) -> None:
        result = slipway("lifecycle", "words", "--listing", str(listing))
        assert result.code == 1
        assert "The settings of stack 'dev' have" in result.err
        assert "--policy FILE" in result.err

    @pytest.mark.usefixtures("document")
    def test_shared_registry_has_the_settings_of_its_own_stack(
        self, slipway: Slipway, stacks: Path, listing: Path, registry: FakeRegistry
    ) -> None:
        settings = f"  {registry.project}:registry: shared\n"
        name_image(stacks, "dev", f"sha256:{'a' * 64}", settings=settings)
        shared = f"config:\n  aws:region: {REGION}\n  {registry.project}:retainedImages: 1\n"
        (stacks / "Pulumi.shared.yaml").write_text(f"{shared}  {registry.project}:repositories: [words]\n")
        for stack in ("dev", "shared"):
            result = slipway("lifecycle", "words", "--stack", stack, "--listing", str(listing), "--at", NOW)
            assert result.code == 0, result.err
            head = f"words: {registry.project}-shared/words at {NOW}, by the policy of the settings of stack shared"
            assert result.out.splitlines()[0] == head
            assert "Keep the last 1 images" in result.out


class TestErrors:
    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            ("{", "listing is text that isn't valid JSON"),
            ("{}", "listing.imageDetails is missing, expected a list of images."),
            ('[{"imageDigest": "sha256:a"}]', "listing[0].imagePushedAt is missing, expected the time of its push."),
        ],
    )
    def test_broken_listing(self, slipway: Slipway, stacks: Path, policy: Path, content: str, problem: str) -> None:
        (stacks / "broken.json").write_text(content)
        result = slipway("lifecycle", "words", "--listing", "broken.json", "--policy", str(policy))
        assert result.code == 1
        assert "broken.json is no listing of images: " in result.err
        assert problem in result.err
        assert "aws ecr describe-images --repository-name REPOSITORY" in result.err

    def test_file_that_is_not_there(self, slipway: Slipway, stacks: Path, listing: Path, policy: Path) -> None:
        missing = slipway("lifecycle", "words", "--listing", "none.json", "--policy", str(policy))
        assert missing.code == 1
        assert "none.json can't be read as a listing of images: " in missing.err
        (stacks / "binary").write_bytes(b"\xff\xfe")
        binary = slipway("lifecycle", "words", "--listing", str(listing), "--policy", "binary")
        assert binary.code == 1
        assert "binary can't be read as a lifecycle policy: " in binary.err

    def test_policy_that_ecr_refuses(self, slipway: Slipway, stacks: Path, listing: Path) -> None:
        (stacks / "bad.json").write_text(json.dumps({"rules": [rule(1, 1), rule(1, 1, **RELEASES)]}))
        result = slipway("lifecycle", "words", "--listing", str(listing), "--policy", "bad.json")
        assert result.code == 1
        assert result.err.splitlines()[:2] == [
            "slipway: The lifecycle policy of bad.json is none that ECR takes:",
            "  rulePriority 1 is used more than once",
        ]

    def test_no_such_pipeline(self, slipway: Slipway, stacks: Path, registry: FakeRegistry) -> None:
        result = slipway("lifecycle", "word")
        assert result.code == 1
        assert "Stack 'dev' has no pipeline 'word'. Pipelines: words. Did you mean 'words'?" in result.err
        (stacks / "Pulumi.shared.yaml").write_text(f"config:\n  {registry.project}:repositories: [words, b]\n")
        shared = slipway("lifecycle", "word", "--stack", "shared")
        assert "Stack 'shared' has no repository for 'word'. Repositories: b, words." in shared.err

    def test_time_that_is_none(self, slipway: Slipway, stacks: Path) -> None:
        result = slipway("lifecycle", "words", "--at", "tomorrow")
        assert result.code == 2
        assert "--at is 'tomorrow', expected a time such as 2026-01-31T12:00:00+00:00." in result.err

    @pytest.mark.parametrize("words", [("--listing", "x.json"), ("--at", NOW)])
    def test_ecr_knows_its_own_images_and_time_only(
        self, slipway: Slipway, stacks: Path, words: tuple[str, str]
    ) -> None:
        result = slipway("lifecycle", "words", "--aws", *words)
        assert result.code == 2
        assert "leave --listing and --at out with --aws" in result.err


class TestRegistry:
    def test_archived_images_are_listed(
        self, slipway: Slipway, stacks: Path, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The sandbox has no archive, so the answer is made up."""
        registry.repository(lifecycle=ONE)
        old = detail("a", 1, "v1", imageStatus="ARCHIVED", lastArchivedAt=NOW)

        def images(_self: Repository, *, archived: bool = False) -> list[dict[str, Any]]:
            return [old] if archived else []

        monkeypatch.setattr(Repository, "images", images)
        (found,) = json.loads(slipway("lifecycle", "words", "--json").out)["images"]
        assert (found["storageClass"], found["action"], found["rulePriority"]) == ("archive", "keep", None)

    def test_what_ecr_says_is_checked(
        self, slipway: Slipway, stacks: Path, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        registry.repository(lifecycle=ONE)
        monkeypatch.setattr(Repository, "images", lambda _self, **_arguments: [{"imageDigest": "sha256:a"}])
        result = slipway("lifecycle", "words")
        assert result.code == 1
        assert "can't be understood: listing[0].imagePushedAt is missing" in result.err

    def test_images_and_policy_of_the_registry(self, slipway: Slipway, stacks: Path, registry: FakeRegistry) -> None:
        repository = registry.repository(lifecycle=ONE)
        digests = {registry.image(repository, tag="release-1"), *(registry.image(repository) for _ in range(3))}
        result = slipway("lifecycle", "words", "--json")
        found = json.loads(result.out)
        assert (found["repository"], found["policyFrom"]) == (repository, "the registry")
        assert {image["digest"] for image in found["images"]} == digests
        assert {image["action"] for image in found["images"] if image["tags"]} == {"keep"}
        assert found["totals"]["expire"]["images"] in (2, 3)
        assert found["totals"]["expire"]["sizeBytes"] > 2000

    def test_local_stack_is_the_sandbox(
        self, slipway: Slipway, stacks: Path, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        repository = registry.repository("local", lifecycle=ONE)
        digest = registry.image(repository, tag="v1")
        monkeypatch.delenv("AWS_ENDPOINT_URL")
        result = slipway("lifecycle", "words", "--stack", "local")
        assert result.code == 0, result.err
        assert digest[:19] in result.out
        assert "0 of 1 images expire, 0 B" in result.out

    def test_other_policy_is_tried(self, slipway: Slipway, stacks: Path, registry: FakeRegistry, policy: Path) -> None:
        repository = registry.repository(lifecycle=ONE)
        registry.image(repository, tag="a")
        words = ("lifecycle", "words", "--policy", str(policy), "--json", "--at")
        assert [image["action"] for image in json.loads(slipway(*words, "2099-01-01").out)["images"]] == ["expire"]

    def test_image_from_elsewhere_is_looked_for_there(
        self, slipway: Slipway, stacks: Path, registry: FakeRegistry
    ) -> None:
        repository = registry.repository("dev", lifecycle=ONE)
        digest = registry.image(repository, tag="v1")
        name_image(stacks, "prod", f"{HOST}/{repository}@{digest}")
        found = json.loads(slipway("lifecycle", "words", "--stack", "prod", "--json").out)
        assert (found["repository"], len(found["images"])) == (repository, 1)

    def test_member_of_an_index_stays(self, slipway: Slipway, stacks: Path, registry: FakeRegistry) -> None:
        untagged = rule(1, 1, tagStatus="untagged", **AGE)
        repository = registry.repository(lifecycle={"rules": [untagged]})
        member, other = registry.image(repository), registry.image(repository)
        entry = {"mediaType": f"{OCI}manifest.v1+json", "digest": member, "size": 1}
        index = {"schemaVersion": 2, "mediaType": f"{OCI}index.v1+json", "manifests": [entry]}
        registry.put(repository, index, tag="v1")
        found = json.loads(slipway("lifecycle", "words", "--at", "2099-01-01", "--json").out)
        assert {image["digest"]: image["action"] for image in found["images"] if not image["tags"]} == {
            member: "keep",
            other: "expire",
        }

    def test_repository_without_a_policy(self, slipway: Slipway, stacks: Path, registry: FakeRegistry) -> None:
        repository = registry.repository(lifecycle=None)
        result = slipway("lifecycle", "words")
        assert result.code == 1
        assert f"The repository '{repository}' in {REGION} has no lifecycle policy, so nothing expires." in result.err
        assert "--policy FILE" in result.err

    def test_repository_that_is_not_there(self, slipway: Slipway, stacks: Path) -> None:
        result = slipway("lifecycle", "words")
        assert result.code == 1
        assert "There is no repository" in result.err


class TestEcrsOwnPreview:
    def test_same_answer(self, slipway: Slipway, stacks: Path, registry: FakeRegistry) -> None:
        repository = registry.repository(lifecycle=ONE)
        for number in range(4):
            registry.image(repository, tag=f"content-{number}")
        result = slipway("lifecycle", "words", "--aws")
        assert result.code == 0, result.err
        assert result.out.splitlines()[-1] == "ECR's own preview says the same."
        assert json.loads(slipway("lifecycle", "words", "--aws", "--json").out)["differences"] == []

    def test_policy_of_a_file_is_previewed(
        self, slipway: Slipway, stacks: Path, registry: FakeRegistry, policy: Path
    ) -> None:
        repository = registry.repository(lifecycle=None)
        registry.image(repository, tag="a")
        assert slipway("lifecycle", "words", "--aws", "--policy", str(policy)).code == 0
        preview = registry.ecr.get_lifecycle_policy_preview(repositoryName=repository)
        assert json.loads(preview["lifecyclePolicyText"]) == POLICY

    def test_differences_are_listed(
        self, slipway: Slipway, stacks: Path, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        two = {"rules": [rule(1, 1, **RELEASES), rule(2, 1, tagStatus="untagged", **AGE)]}
        repository = registry.repository(lifecycle=two)
        tags = ("release-1", "release-2", "a")
        digests = {tag: registry.image(repository, tag=tag) for tag in tags}
        found = json.loads(slipway("lifecycle", "words", "--json").out)["images"]
        (expired,) = [image["digest"] for image in found if image["action"] == "expire"]
        subject = {"mediaType": f"{OCI}manifest.v1+json", "digest": expired, "size": 1}
        registry.image(repository, subject=subject)
        theirs = [
            {"imageDigest": digests["a"], "action": {"type": "TRANSITION"}, "appliedRulePriority": 7},
            {"imageDigest": "sha256:gone", "action": {"type": "EXPIRE"}, "appliedRulePriority": 2},
        ]
        monkeypatch.setattr(Repository, "preview_lifecycle", lambda _self, _policy: theirs)
        result = slipway("lifecycle", "words", "--aws")
        assert result.code == 1
        assert "ECR's own preview says something else of 3:" in result.out
        assert sorted(result.out.splitlines()[-3:]) == sorted(
            [
                f"  {digests['a']}: stays here, archived by rule 7 by ECR",
                f"  {expired}: expires by rule 1 here, stays by ECR",
                "  sha256:gone: not listed here, expires by rule 2 by ECR",
            ]
        )
        listed = json.loads(slipway("lifecycle", "words", "--aws", "--json").out)["differences"]
        assert {"digest": expired, "simulated": "expires by rule 1", "ecr": "stays"} in listed
