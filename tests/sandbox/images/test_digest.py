"""An image has a manifest and is known by its digest, which is of its content alone."""

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from sandbox.images import ImageStore
from tests.sandbox.images.conftest import FROM, Context


def test_an_image_has_files_settings_and_a_manifest_whose_digest_it_bears(context: Context):
    context.write("main.py", "print(1)")
    image = context.build(
        "# a comment",
        "FROM --platform=linux/arm64 python:3.13-slim@sha256:" + "0" * 64,
        "LABEL a=b",
        "ENV A=1 \\",
        "    B='two words'",
        "WORKDIR /app",
        "COPY main.py ./",
        "EXPOSE 80",
        "HEALTHCHECK NONE",
        "USER 1000:1000",
        'ENTRYPOINT ["python", "main.py"]',
        'CMD ["--help"]',
    )

    assert (image.rootfs / "app/main.py").read_text() == "print(1)"
    assert dict(image.environment) == {"A": "1", "B": "two words"}
    assert (image.entrypoint, image.cmd) == (["python", "main.py"], ["--help"])
    assert (image.workdir, image.user, image.notes) == ("/app", "1000:1000", [])
    assert image.digest == f"sha256:{hashlib.sha256(image.manifest.encode()).hexdigest()}"
    assert image.folder == context.state / "images" / image.digest.removeprefix("sha256:")
    manifest = json.loads(image.manifest)
    config = (image.folder / "config.json").read_bytes()
    assert manifest["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert manifest["config"]["digest"] == f"sha256:{hashlib.sha256(config).hexdigest()}"
    assert manifest["config"]["size"] == len(config)
    document = json.loads(config)
    assert (document["architecture"], document["os"]) == ("arm64", "linux")
    assert document["config"]["Env"] == ["A=1", "B=two words"]
    assert document["config"]["Labels"] == {"a": "b"}
    assert document["rootfs"]["diff_ids"] == [manifest["layers"][0]["digest"]]


def test_images_are_found_by_digest_and_by_reference(context: Context):
    image = context.build("FROM scratch")
    store = ImageStore(context.state / "images")

    assert store.find(image.digest) == image
    assert store.find(f"123.dkr.ecr.eu-central-1.amazonaws.com/slipway-dev/wordcount@{image.digest}") == image
    for reference in ("name:tag", image.digest[:-1], f"sha256:{'0' * 64}", ""):
        assert store.find(reference) is None


def test_the_digest_is_of_content_not_of_times_modes_or_places(context: Context, tmp_path: Path):
    (tmp_path / "other").mkdir()
    other = Context(tmp_path / "other")
    for each, mode, moment in ((context, 0o600, 1), (other, 0o777, 10**9)):
        each.write("a/b", "text")
        (each.folder / "a/b").chmod(mode)
        os.utime(each.folder / "a/b", (moment, moment))
    lines = (FROM, "COPY a /a", "ENV A=1 B=2")

    first = context.build(*lines)

    assert other.build(*lines).digest == first.digest
    assert context.build(*lines).folder.stat().st_ino == first.folder.stat().st_ino


@pytest.mark.parametrize(
    "lines",
    [
        ("FROM python:3.12-slim", "COPY a /a"),
        (FROM, "COPY a /b"),
        (FROM, "COPY a /a", "ENV A=1"),
        (FROM, "COPY a /a", "USER 1"),
        (FROM, "COPY a /a", "RUN pip install boto3"),
        (FROM, "COPY a /a", 'CMD ["sh"]'),
    ],
)
def test_whatever_changes_the_image_changes_the_digest(context: Context, lines):
    context.write("a", "text")
    digest = context.build(FROM, "COPY a /a").digest

    assert context.build(*lines).digest != digest
    context.write("a", "other text")
    assert context.build(FROM, "COPY a /a").digest != digest


def test_neither_umask_nor_the_order_of_a_listing_changes_the_digest(context: Context, monkeypatch):
    for name in ("a", "d/b", "d/c"):
        context.write(name)
    lines = (FROM, "WORKDIR /app", "COPY . .", "RUN mkdir out")
    digest = context.build(*lines).digest
    listed = Path.rglob
    monkeypatch.setattr(Path, "rglob", lambda self, pattern: reversed(list(listed(self, pattern))))
    umask = os.umask(0o077)
    try:
        assert context.build(*lines).digest == digest
    finally:
        os.umask(umask)


def test_a_hard_link_is_a_file_like_any_other(context: Context):
    def archive(*, linked: bool) -> None:
        with tarfile.open(context.folder / "a.tar", "w") as tar:
            for name in ("one", "two"):
                info = tarfile.TarInfo(name)
                info.size = 1
                if linked and name == "two":
                    info.type, info.linkname, info.size = tarfile.LNKTYPE, "one", 0
                tar.addfile(info, io.BytesIO(b"x"))

    archive(linked=False)
    digest = context.build(FROM, "ADD a.tar /").digest
    archive(linked=True)

    assert context.build(FROM, "ADD a.tar /").digest == digest


def test_links_are_part_of_the_content(context: Context):
    context.write("d/a")
    (context.folder / "d/l").symlink_to("a")
    digest = context.build(FROM, "COPY d /d").digest
    (context.folder / "d/l").unlink()
    (context.folder / "d/l").symlink_to("b")

    assert context.build(FROM, "COPY d /d").digest != digest


def test_nothing_is_left_of_a_build_but_the_image(context: Context):
    image = context.build(FROM)
    context.build(FROM)

    assert list((context.state / "images").iterdir()) == [image.folder]
