"""The tag of an image: it changes with all that goes into the build, and with nothing else."""

import os
from pathlib import Path
from typing import Any

import pytest

from components.build_context import content_tag, context_files


@pytest.fixture
def context(tmp_path: Path) -> Path:
    for name in ("Dockerfile", "app/main.py", "app/data/a.csv", "app/data/b.csv", "README.md", "docs/README.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def tag(context: Path, **changed: Any) -> str:
    values: dict[str, Any] = {"dockerfile": "Dockerfile", "build_args": {}, "generation": 1, "settings": {}}
    return content_tag(context, **(values | changed))


def test_the_tag_is_stable_and_a_valid_tag(context: Path) -> None:
    assert tag(context) == tag(context)
    assert tag(context).startswith("build-")
    assert len(tag(context)) == len("build-") + 20


def test_the_tag_follows_content_names_arguments_generation_and_settings(context: Path) -> None:
    tags = {
        tag(context),
        tag(context, generation=2),
        tag(context, build_args={"A": "1"}),
        tag(context, settings={"a": "1"}),
    }
    tags.add(tag(context, build_args={"A": "2"}))
    (context / "app/main.py").write_text("changed")
    tags.add(tag(context))
    (context / "app/main.py").rename(context / "app/renamed.py")
    tags.add(tag(context))
    (context / "Dockerfile").write_text("changed")
    tags.add(tag(context))
    assert len(tags) == 8


def test_an_argument_is_never_taken_for_another(context: Path) -> None:
    assert tag(context, build_args={"A": "1", "B": "2"}) == tag(context, build_args={"B": "2", "A": "1"})
    assert tag(context, build_args={"A": "1B"}) != tag(context, build_args={"A1": "B"})


def test_modes_and_times_do_not_matter(context: Path) -> None:
    before = tag(context)
    (context / "app/main.py").chmod(0o700)
    os.utime(context / "app/main.py", (1, 1))
    assert tag(context) == before


def test_a_link_counts_by_what_it_points_to(context: Path) -> None:
    (context / "link").symlink_to("app/main.py")
    first = tag(context)
    (context / "link").unlink()
    (context / "link").symlink_to("README.md")
    assert tag(context) != first


def test_a_link_to_a_folder_is_not_followed(context: Path) -> None:
    (context / "folder").symlink_to("..")
    assert "folder" in context_files(context, "Dockerfile")


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        ("", {"Dockerfile", "README.md", "app/data/a.csv", "app/data/b.csv", "app/main.py", "docs/README.md"}),
        ("README.md", {"Dockerfile", "app/data/a.csv", "app/data/b.csv", "app/main.py", "docs/README.md"}),
        ("**/README.md", {"Dockerfile", "app/data/a.csv", "app/data/b.csv", "app/main.py"}),
        ("# a comment\n\n/docs/\n", {"Dockerfile", "README.md", "app/data/a.csv", "app/data/b.csv", "app/main.py"}),
        ("app/*/*.csv", {"Dockerfile", "README.md", "app/main.py", "docs/README.md"}),
        ("app\n!app/data/b.csv", {"Dockerfile", "README.md", "app/data/b.csv", "docs/README.md"}),
        ("*", {"Dockerfile"}),
        ("app/*", {"Dockerfile", "README.md", "docs/README.md"}),
        ("*\n!app/main.py", {"Dockerfile", "app/main.py"}),
        ("./docs/../README.md", {"Dockerfile", "app/data/a.csv", "app/data/b.csv", "app/main.py", "docs/README.md"}),
        ("data", {"Dockerfile", "README.md", "app/data/a.csv", "app/data/b.csv", "app/main.py", "docs/README.md"}),
    ],
)
def test_dockerignore_decides_what_is_sent(context: Path, lines: str, left: set[str]) -> None:
    (context / ".dockerignore").write_text(f"{lines}\n.dockerignore\n")
    assert set(context_files(context, "Dockerfile")) == left


def test_a_dockerfile_may_have_an_ignore_file_of_its_own(context: Path) -> None:
    (context / ".dockerignore").write_text("app\n")
    (context / "Dockerfile.dockerignore").write_text("docs\n**/*.dockerignore\n.dockerignore\n")
    assert set(context_files(context, "Dockerfile")) == {
        "Dockerfile",
        "README.md",
        "app/data/a.csv",
        "app/data/b.csv",
        "app/main.py",
    }


def test_what_is_ignored_does_not_change_the_tag(context: Path) -> None:
    (context / ".dockerignore").write_text("docs\n")
    before = tag(context)
    (context / "docs/README.md").write_text("changed")
    assert tag(context) == before
