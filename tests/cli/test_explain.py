"""`slipway explain`; which card a message finds is tested beside the cards, in `tests/docs/test_failures.py`."""

from pathlib import Path

import pytest

from cli.explain import find_cards, read_cards
from tests.cli.conftest import Slipway

ROOT = Path(__file__).parent.parent.parent
CARDS = read_cards((ROOT / "docs" / "failures.md").read_text(encoding="utf-8"))


def test_explain_prints_the_card(slipway: Slipway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    found = slipway("explain", "Essential", "container", "in", "task", "exited")
    assert found.code == 0
    assert found.out.startswith("The job failed by itself\n  Why: ")
    missing = slipway("explain", "pizza")
    assert (missing.code, "No card" in missing.out) == (1, True)


@pytest.mark.parametrize(
    ("word", "title"),
    [
        ("VpcLimitExceeded", "A quota of the account is used up"),
        ("CannotPullContainerError", "The image can't be pulled: it is gone"),
        ("forbidden", "The API says 403"),
        ("OutOfMemoryError", "The job ran out of memory"),
    ],
)
def test_the_code_of_an_error_is_enough(word: str, title: str) -> None:
    assert find_cards(CARDS, word)[0].title == title


@pytest.mark.parametrize("word", ["error", "Forbid", "in", "the", ""])
def test_a_word_of_many_messages_or_a_part_of_one_names_no_card(word: str) -> None:
    assert find_cards(CARDS, word) == []


def test_explain_says_where_the_cards_should_be(
    slipway: Slipway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: demo\n")
    monkeypatch.chdir(tmp_path)
    result = slipway("explain", "x")
    assert result.code == 1
    assert "docs/failures.md can't be read" in result.err
