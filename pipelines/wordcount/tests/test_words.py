"""What counts as a word, and that the cut of the text into pieces never shows in the count."""

import unicodedata
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.wordcount.wordcount.words import count, most_frequent, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The ship, the sea.", ["The", "ship", "the", "sea"]),
        ("don't rock'n'roll 'quoted'", ["don't", "rock'n'roll", "quoted"]),
        ("col\u00b7lecci\u00f3", ["col\u00b7lecci\u00f3"]),
        ("3.14 1,000 2026.", ["3.14", "1,000", "2026"]),
        ("mp3 3rd", ["mp3", "3rd"]),
        ("well-known snake_case", ["well", "known", "snake", "case"]),
        (
            "\u0939\u093f\u0928\u094d\u0926\u0940 \u092e\u0947\u0902",
            ["\u0939\u093f\u0928\u094d\u0926\u0940", "\u092e\u0947\u0902"],
        ),
        ("\u65e5\u672c\u306e\u30c6\u30ad\u30b9\u30c8", ["\u65e5", "\u672c", "\u306e", "\u30c6\u30ad\u30b9\u30c8"]),
        ("\u05e9\u05dc\u05d5\u05dd \u0639\u0627\u0644\u0645", ["\u05e9\u05dc\u05d5\u05dd", "\u0639\u0627\u0644\u0645"]),
        (" \n\t -- \u2026 \U0001f6a2", []),
        ("", []),
    ],
)
def test_words_are_found_in_any_script(text: str, expected: list[str]) -> None:
    assert list(words([text])) == expected


def test_case_folding_and_composition_make_one_word_of_its_spellings() -> None:
    spellings = "Stra\u00dfe STRASSE strasse caf\u00e9 " + unicodedata.normalize("NFD", "CAF\u00c9")
    assert count([spellings]) == {"strasse": 3, "caf\u00e9": 2}


def test_case_sensitive_keeps_case_but_still_composes() -> None:
    spellings = "Sea sea caf\u00e9 " + unicodedata.normalize("NFD", "caf\u00e9")
    assert count([spellings], case_sensitive=True) == {"Sea": 1, "sea": 1, "caf\u00e9": 2}


def test_both_apostrophes_are_the_same() -> None:
    assert count(["don't don\u2019t"]) == {"don't": 2}


def test_short_words_are_left_out() -> None:
    assert count(["a an the ship"], min_length=3) == {"the": 1, "ship": 1}


def test_ties_come_in_alphabetical_order() -> None:
    assert most_frequent(Counter({"sea": 2, "ship": 2, "and": 1, "the": 5}), 3) == [("the", 5), ("sea", 2), ("ship", 2)]


@given(
    st.text(st.sampled_from("ab1 \u00e9e\u0301\u0939\u093f\u65e5\u306e\u30c6.,'\u2019\u00b7-_\n"), max_size=60),
    st.lists(st.integers(0, 60), max_size=6),
)
@example("don't", [4])
@example("3.14", [2])
def test_the_cut_into_pieces_makes_no_difference(text: str, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[start:end] for start, end in pairwise(places)]
    assert list(words(pieces)) == list(words([text]))


def test_an_endless_word_is_not_kept_whole_in_memory() -> None:
    longest = max(len(word) for word in words(["a" * 3000] * 10))
    assert longest < 10_000
