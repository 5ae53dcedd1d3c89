"""Nothing is half promoted: a full disk, an interruption, and somebody else at the same time."""

import stat
from typing import Any

import pytest

from cli import stack_files
from cli.registry.client import Repository
from tests.cli.registry.promote.conftest import Promotion


def test_a_folder_that_cannot_be_written_stops_it_before_the_tag(
    promotion: Promotion, digest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, said in ((28, "no space left on the disk"), (30, "can't be written (Read-only file system")):

        def fail(*_arguments: Any, number: int = number, **_options: Any) -> Any:
            raise OSError(number, {28: "No space left on device", 30: "Read-only file system"}[number])

        with monkeypatch.context() as patch:
            patch.setattr(stack_files.tempfile, "mkstemp", fail)
            assert said in promotion.refused()
    assert promotion.tags(digest) == ["content-1"]


def test_a_disk_that_fills_up_while_it_is_written_leaves_nothing_behind(
    promotion: Promotion, digest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stack_files.os, "fsync", fail)
    assert "no space left on the disk for Pulumi.staging.yaml" in promotion.refused()


def test_interrupted_after_the_tag_a_second_try_succeeds(
    promotion: Promotion, digest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {path.name for path in promotion.root.iterdir()}
    before = (promotion.root / "Pulumi.staging.yaml").read_text()
    original = Repository.tag

    def tag_and_stop(self: Repository, *arguments: Any) -> None:
        original(self, *arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Repository, "tag", tag_and_stop)
        assert promotion.run("--tag", "2").code == 130
    assert (promotion.root / "Pulumi.staging.yaml").read_text() == before
    assert {path.name for path in promotion.root.iterdir()} == names
    assert promotion.tags(digest) == ["content-1", "release-2"]
    result = promotion.run("--tag", "2")
    assert (result.code, "has the tag release-2 already" in result.out) == (0, True)
    assert promotion.entry()["imageTag"] == "release-2"


def test_a_file_that_somebody_changes_meanwhile_is_left_to_them(
    promotion: Promotion, digest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = promotion.root / "Pulumi.staging.yaml"
    original = Repository.tag

    def tag_and_edit(self: Repository, *arguments: Any) -> None:
        original(self, *arguments)
        path.write_text(path.read_text() + "# mine\n")

    with monkeypatch.context() as patch:
        patch.setattr(Repository, "tag", tag_and_edit)
        result = promotion.run()
    assert (result.code, "Somebody else changed Pulumi.staging.yaml meanwhile" in result.err) == (1, True)
    assert path.read_text().endswith("# mine\n")
    assert promotion.run().code == 0
    assert path.read_text().endswith("# mine\n")


def test_two_promotions_at_once_end_with_one_tag(
    promotion: Promotion, digest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Repository.tag

    def be_late(self: Repository, manifest: Any, tag: str) -> None:
        original(self, manifest, tag)
        original(self, manifest, tag)

    monkeypatch.setattr(Repository, "tag", be_late)
    result = promotion.run("--tag", "5")
    assert (result.code, "has the tag release-5 already" in result.out) == (0, True)


def test_a_tag_that_another_image_gets_at_the_same_time_is_refused(
    promotion: Promotion, digest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Repository.tag

    def be_late(self: Repository, manifest: Any, tag: str) -> None:
        promotion.registry.image(promotion.repository, tag=tag)
        original(self, manifest, tag)

    monkeypatch.setattr(Repository, "tag", be_late)
    assert "is taken by another image" in promotion.refused("--tag", "5")


def test_mode_and_link_of_the_file_stay(promotion: Promotion, digest: str) -> None:
    path, elsewhere = promotion.root / "Pulumi.staging.yaml", promotion.root / "files"
    elsewhere.mkdir()
    path.rename(elsewhere / path.name)
    path.symlink_to(elsewhere / path.name)
    (elsewhere / path.name).chmod(0o640)
    assert promotion.run().code == 0
    assert path.is_symlink()
    assert stat.S_IMODE((elsewhere / path.name).stat().st_mode) == 0o640
    assert [item.name for item in elsewhere.iterdir()] == [path.name]
    assert "image" in promotion.entry()
