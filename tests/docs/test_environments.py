"""The table of the environments follows from the stack files."""

from pathlib import Path

import pytest

from docs import environments
from engine.config import load_project

ROOT = Path(__file__).parent.parent.parent
PAGE = environments.PAGE.read_text()


def rows() -> dict[str, list[str]]:
    lines = environments.environments_table().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: row[1:] for row in cells}


def test_the_page_has_the_table_of_today() -> None:
    assert environments.with_table(PAGE) == PAGE, "run `make docs`"


def test_every_stack_has_a_column() -> None:
    assert set(rows()[""]) == {*load_project(ROOT).stacks, "why"}


def test_what_makes_prod_prod_is_in_the_table_with_its_reason() -> None:
    found = rows()
    column = found[""].index("prod")
    assert found["`protectData`"][column] == "true"
    assert found["`docs.mode`"][column] == "cloudfront"
    assert found["approval"][column] == "yes"


def test_every_row_differs_between_stacks_and_says_why() -> None:
    for key, cells in rows().items():
        if key not in ("", "---"):
            assert len(set(cells[:-1])) > 1, key
            assert cells[-1], f"{key} has no reason: add it to REASONS"


def test_a_page_without_the_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="markers"):
        environments.with_table("no markers")
