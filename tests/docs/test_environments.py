"""The table of the environments follows from the stack files."""

from pathlib import Path

from docs import environments
from engine.config import load_project

ROOT = Path(__file__).parent.parent.parent


def rows() -> dict[str, list[str]]:
    lines = environments.environments_table().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: row[1:] for row in cells}


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


def test_what_a_stack_of_repositories_does_not_have_is_blank() -> None:
    found = rows()
    column = found[""].index("shared")
    assert found["`repositories`"][column] == "wordcount"
    assert {cell for index, cell in enumerate(found["`repositories`"][:-1]) if index != column} == {""}
    for key in ("`docs.mode`", "`maxVcpus`", "`throttle`", "`resultRetentionDays`"):
        assert found[key][column] == "", key
    assert found["`retainedImages`"][column] == "50"


def test_prod_needs_no_exemption() -> None:
    found = rows()
    assert found["policy exemptions"][found[""].index("prod")] == "none"
