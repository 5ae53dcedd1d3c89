"""`slipway explain`: looks a message up among the failure cards of `docs/failures.md`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.console import answer
from cli.errors import CliError
from cli.project import find_root

CARDS = Path("docs") / "failures.md"
_CARD = re.compile(r"^## (?P<title>.+?)\n\n```text\n(?P<messages>.*?)```\n\n(?P<rest>.*)", re.DOTALL)
_ANYTHING = "…"
_MIN_WORDS_IN_COMMON = 3
_MIN_WORDS_OF_A_PART = 2
_MAX_CARDS_OF_A_WORD = 3


@dataclass(frozen=True, kw_only=True)
class Card:
    """One failure."""

    title: str
    messages: Sequence[str]
    """What is seen; `…` stands for what differs."""
    why: str
    do: str

    def fits(self, text: str) -> bool:
        """Whether one of the messages is in a text."""
        return any(re.search(_pattern(message), text, re.IGNORECASE) for message in self.messages)

    def has_part(self, text: str) -> bool:
        """Whether a text is a part of the title or of a message; an ellipsis in it stands for anything, too."""
        pattern = _pattern(text.replace("...", _ANYTHING))
        # One word is in many a message; in a title it is what the card is about.
        places = [self.title, *(self.messages if len(_words(text)) >= _MIN_WORDS_OF_A_PART else ())]
        return any(re.search(pattern, place, re.IGNORECASE) for place in places)

    def names(self, word: str) -> bool:
        """Whether a message has a text as a whole word."""
        return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", message, re.IGNORECASE) for message in self.messages)

    def words_in_common(self, text: str) -> int:
        """How many words of the text the best message has."""
        words = _words(text)
        return max(len(words & _words(message)) for message in self.messages)


def read_cards(text: str) -> list[Card]:
    """The cards of a document.

    Raises:
        ValueError: a card lacks its message, its reason or what to do.
    """
    cards: list[Card] = []
    for part in re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]:
        match = _CARD.match(part)
        why = re.search(r"^\*\*Why\.\*\* (.+?)(?=\n\n)", part, re.DOTALL | re.MULTILINE)
        do = re.search(r"^\*\*Do\.\*\* (.+?)(?=\n\n|\n*\Z)", part, re.DOTALL | re.MULTILINE)
        if match is None or why is None or do is None or not match["messages"].strip():
            raise ValueError(f"a card must have a message, Why and Do: {part.splitlines()[0]}")
        cards.append(
            Card(
                title=match["title"],
                messages=match["messages"].splitlines(),
                why=" ".join(why[1].split()),
                do=" ".join(do[1].split()),
            )
        )
    return cards


def find_cards(cards: Sequence[Card], text: str) -> list[Card]:
    """The cards with one of their messages in the text.

    If there is none, those that have the text in their title or in a message; for a single word, an error's code for
    example, those with it in a message if they are few; else the one that has most words in common with it, if any.
    """
    text = " ".join(text.split())
    fitting = [card for card in cards if card.fits(text)]
    if fitting:
        # What matches only because it is short says least.
        return sorted(
            fitting, key=lambda card: -max(len(m) for m in card.messages if re.search(_pattern(m), text, re.I))
        )
    quoted = [card for card in cards if card.has_part(text)] if _words(text) or text.isdecimal() else []
    if quoted:
        return quoted
    named = [card for card in cards if card.names(text)] if _words(text) else []
    if 0 < len(named) <= _MAX_CARDS_OF_A_WORD:
        return named
    near = max(cards, key=lambda card: card.words_in_common(text), default=None)
    return [near] if near and near.words_in_common(text) >= _MIN_WORDS_IN_COMMON else []


def run_explain(text: str) -> int:
    """Print what there is to say about a message; 1 if nothing."""
    path = find_root() / CARDS
    try:
        cards = read_cards(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CliError(f"The failure cards {path} can't be read: {error.strerror}.") from error
    found = find_cards(cards, text)
    for card in found:
        answer.print(f"{card.title}\n  Why: {card.why}\n  Do:  {card.do}")
    if not found:
        answer.print(f"No card in {CARDS} has this message.")
    return int(not found)


def _pattern(message: str) -> str:
    """A message as a regular expression: spaces of any length, anything for `…`."""
    parts = [r"\s+".join(map(re.escape, part.split())) for part in message.split(_ANYTHING)]
    return ".*?".join(parts)


def _words(text: str) -> set[str]:
    return {word for word in re.findall(r"[a-z]+", text.lower()) if len(word) > 3}
