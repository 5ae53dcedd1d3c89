"""What README.md says must hold: its generated tables, its tree, its make targets. Every page: links, commands."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from cli import main
from docs.tables import with_tables

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [
    ROOT / "README.md",
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / "bootstrap").glob("*.md"),
    *ROOT.glob("pipelines/*/*.md"),
]


def test_the_generated_tables_are_current() -> None:
    assert with_tables(README) == README, "run `make docs`"


def _anchors(text: str) -> set[str]:
    """Of each heading, as GitHub makes it."""
    return {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_or_heading_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in link:
            name, _, anchor = link.partition("#")
            target = page.parent / name if name else page
            assert target.exists(), link
            assert not anchor or anchor in _anchors(target.read_text(encoding="utf-8")), link


def test_the_tree_has_every_folder() -> None:
    """A newcomer finds each one explained."""
    listed = README[README.index("## The tree") : README.index("## Your own pipeline")]
    named = {name.split("/")[0] for name in re.findall(r"[\w/]+/", listed)}
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()}
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    assert named - {"adr"} == folders - ignored


def test_every_make_target_that_it_names_exists_and_has_a_help_text() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"`make ([a-z-]+)", README))
    assert named >= {"up", "test", "down"}
    assert [name for name in named if not re.search(rf"^{name}:.*## ", makefile, re.MULTILINE)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for words in re.findall(r"(?:^\$ |^|`)slipway ((?:[a-z-]+ ?)+)", text, re.MULTILINE):
        command: Any = typer.main.get_command(main.app)
        for word in words.split():
            if not hasattr(command, "commands"):
                break
            assert word in command.commands, words
            command = command.commands[word]


def test_no_text_of_the_project_names_a_place_of_one_machine() -> None:
    texts = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*.yaml"), ROOT / "requirements.txt"]
    # A path like this one is where somebody happened to work, and a registry's host is a setting of the reader's.
    foreign = re.compile(r"/root/|/home/\w+/|pypi\.org|files\.pythonhosted")
    assert [path.name for path in texts if foreign.search(path.read_text(encoding="utf-8"))] == []
