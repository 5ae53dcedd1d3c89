"""Files go where Docker puts them, and none comes from elsewhere than the context."""

import io
import tarfile
from pathlib import Path

import pytest

from sandbox.images import build
from tests.sandbox.images.conftest import FROM, Context


@pytest.mark.parametrize(
    ("instruction", "files"),
    [
        ("COPY a.txt /x", ["x"]),
        ("COPY a.txt /x/", ["x/a.txt"]),
        ("COPY a.txt .", ["work/a.txt"]),
        ("COPY a.txt sub/b", ["work/sub/b"]),
        ("COPY a.txt d/c.txt /x/", ["x/a.txt", "x/c.txt"]),
        ("COPY d /x", ["x/c.txt", "x/e/f.txt"]),
        ("COPY d/ x", ["work/x/c.txt", "work/x/e/f.txt"]),
        ("COPY . /x", ["x/Dockerfile", "x/a.txt", "x/b c.txt", "x/d/c.txt", "x/d/e/f.txt"]),
        ("COPY *.txt /x/", ["x/a.txt", "x/b c.txt"]),
        ("COPY d/* /x/", ["x/c.txt", "x/f.txt"]),
        ('COPY ["b c.txt", "/x/"]', ["x/b c.txt"]),
        ("COPY --chown=1:1 --chmod=755 --link a.txt /x", ["x"]),
        ("COPY /a.txt ../../x", ["x"]),
        ("ADD a.txt /x", ["x"]),
    ],
)
def test_files_go_where_docker_puts_them(context: Context, instruction, files):
    for name in ("a.txt", "b c.txt", "d/c.txt", "d/e/f.txt"):
        context.write(name)

    assert context.tree(FROM, "WORKDIR /work", instruction) == files


def test_several_sources_need_a_folder(context: Context):
    context.write("a")

    assert "must be a folder" in context.refused(FROM, "COPY a a /x").problem


def test_add_unpacks_an_archive(context: Context):
    with tarfile.open(context.folder / "a.tar.gz", "w:gz") as tar:
        info = tarfile.TarInfo("inner/file")
        info.size = 1
        tar.addfile(info, io.BytesIO(b"x"))

    assert context.tree(FROM, "ADD a.tar.gz /x/") == ["x/inner/file"]
    assert context.tree(FROM, "COPY a.tar.gz /x/") == ["x/a.tar.gz"]


@pytest.mark.parametrize(
    ("ignore", "files"),
    [
        ("*.md\nd", ["Dockerfile", "a.txt", "e/b.md"]),
        ("**/*.md\n!e/b.md\n# d", ["Dockerfile", "a.txt", "d/c.txt", "e/b.md"]),
        ("*\n!d/c.txt", ["d/c.txt"]),
        ("/d/\nDockerfile*", ["a.txt", "b.md", "e/b.md"]),
        ("c.txt", ["Dockerfile", "a.txt", "b.md", "d/c.txt", "e/b.md"]),
    ],
)
def test_dockerignore_counts_from_the_root_and_the_last_match_decides(context: Context, ignore, files):
    for name in ("a.txt", "b.md", "d/c.txt", "e/b.md"):
        context.write(name)
    context.write(".dockerignore", ignore)

    assert [name for name in context.tree(FROM, "COPY . /") if name != ".dockerignore"] == files


def test_a_dockerfile_may_have_its_own_ignore_file_and_name(context: Context):
    for name in ("a", "b"):
        context.write(name)
    context.write(".dockerignore", "a")
    context.write("other.Dockerfile.dockerignore", "*\n!b")
    context.write("other.Dockerfile", f"{FROM}\nCOPY . /\n")

    image = build(context.folder, Path("other.Dockerfile"), {}, context.state)

    assert [path.name for path in image.rootfs.iterdir()] == ["b"]


def test_what_dockerignore_leaves_out_is_not_there(context: Context):
    context.write("a")
    context.write(".dockerignore", "a")

    assert "a is not in the context, or .dockerignore leaves it out" in context.refused(FROM, "COPY a /").problem


@pytest.mark.parametrize("target", ["/etc/passwd", "../../secret"])
def test_a_link_out_of_the_context_is_refused(context: Context, target):
    context.write("d/a")
    (context.folder / "d/link").symlink_to(target)

    error = context.refused(FROM, "COPY d /d")

    assert "d/link is a link out of the tree" in error.problem
    assert error.place.line == 2


def test_scripts_are_executable_whatever_their_mode_was(context: Context):
    context.write("run", "#!/bin/sh\n")
    context.write("data")
    image = context.build(FROM, "COPY run data /x/")

    assert (image.rootfs / "x/run").stat().st_mode & 0o777 == 0o755
    assert (image.rootfs / "x/data").stat().st_mode & 0o777 == 0o644


def test_a_later_copy_replaces_an_earlier_one(context: Context):
    for name in ("d/a", "d/b"):
        context.write(name, name)
    (context.folder / "d/link").symlink_to("a")
    image = context.build(FROM, "COPY d /x", "COPY d/b /x/a", "COPY d/b /x/link")

    texts = {path.name: path.read_text() for path in (image.rootfs / "x").iterdir()}
    assert texts == {"a": "d/b", "b": "d/b", "link": "d/b"}


@pytest.mark.parametrize("line", ["COPY d /", "RUN mkdir /x/y", "WORKDIR /x", "COPY a /x/y"])
def test_a_file_where_a_folder_should_be_names_its_line(context: Context, line):
    for name in ("a", "d/x/y"):
        context.write(name)

    error = context.refused(FROM, "COPY a /x", line)

    assert "can't be carried out" in error.problem
    assert error.place.line == 3


def test_an_archive_that_leaves_the_tree_is_refused(context: Context):
    with tarfile.open(context.folder / "a.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("../../out"))

    assert "outside the destination" in context.refused(FROM, "ADD a.tar /").problem
