"""Pulumi's assets and archives as bytes."""

import io
import os
import zipfile
from pathlib import Path

import pulumi
import pytest

from sandbox.archives import asset_bytes, zip_bytes
from sandbox.errors import DeploymentError


def contents(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        return {entry.filename: file.read(entry) for entry in file.infolist()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "code" / "deep").mkdir(parents=True)
    (tmp_path / "code" / "a.py").write_text("a")
    (tmp_path / "code" / "deep" / "b.py").write_text("b")
    return tmp_path


def test_assets_are_read(folder: Path) -> None:
    assert asset_bytes(pulumi.StringAsset("text"), folder) == b"text"
    assert asset_bytes(pulumi.FileAsset("code/a.py"), folder) == b"a"


def test_an_archive_of_archives_and_assets_becomes_one_zip(folder: Path) -> None:
    archive = pulumi.AssetArchive(
        {
            "main.py": pulumi.StringAsset("main"),
            "file.py": pulumi.FileAsset("code/a.py"),
            "lib": pulumi.FileArchive("code"),
        }
    )
    expected = {"main.py": b"main", "file.py": b"a", "lib/a.py": b"a", "lib/deep/b.py": b"b"}
    assert contents(zip_bytes(archive, folder)) == expected


def test_a_folder_is_packed_without_its_own_name(folder: Path) -> None:
    assert contents(zip_bytes(pulumi.FileArchive("code"), folder)) == {"a.py": b"a", "deep/b.py": b"b"}


def test_a_zip_stays_as_it_is(folder: Path) -> None:
    packed = zip_bytes(pulumi.FileArchive("code"), folder)
    (folder / "code.zip").write_bytes(packed)
    assert zip_bytes(pulumi.FileArchive("code.zip"), folder) == packed


def test_equal_content_gives_equal_bytes(folder: Path) -> None:
    before = zip_bytes(pulumi.FileArchive("code"), folder)
    os.utime(folder / "code" / "a.py", (1, 1))
    (folder / "code" / "a.py").chmod(0o755)
    assert zip_bytes(pulumi.FileArchive("code"), folder) == before


@pytest.mark.parametrize(
    "archive",
    [
        pulumi.FileArchive("missing"),
        pulumi.RemoteArchive("https://example.com/x.zip"),
        pulumi.AssetArchive({"a": pulumi.FileAsset("missing")}),
    ],
)
def test_what_cannot_be_read_is_an_error(archive: pulumi.Archive, folder: Path) -> None:
    with pytest.raises(DeploymentError):
        zip_bytes(archive, folder)
