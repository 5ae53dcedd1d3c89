"""What README.md says must hold: its generated tables, its links, the make targets that it names."""

import re
from pathlib import Path

from docs.tables import with_tables

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_generated_tables_are_current() -> None:
    assert with_tables(README) == README, "run `make docs`"


def test_every_link_to_a_file_leads_somewhere() -> None:
    targets = [target for target in re.findall(r"\]\(([^)#]+)", README) if "://" not in target]
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_every_make_target_that_it_names_exists_and_has_a_help_text() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"`make ([a-z-]+)", README))
    assert named >= {"up", "test", "down"}
    assert [name for name in named if not re.search(rf"^{name}:.*## ", makefile, re.MULTILINE)] == []


def test_no_text_of_the_project_names_a_place_of_one_machine() -> None:
    texts = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*.yaml"), ROOT / "requirements.txt"]
    # A path like this one is where somebody happened to work, and a registry's host is a setting of the reader's.
    foreign = re.compile(r"/root/|/home/\w+/|pypi\.org|files\.pythonhosted")
    assert [path.name for path in texts if foreign.search(path.read_text(encoding="utf-8"))] == []
