"""What a word is, and how the words of a text of any size are counted.

The boundaries follow the spirit of Unicode's default word boundaries (UAX #29) as far as the standard library
carries: letters with their combining marks, joined by an apostrophe or a middle dot inside; numbers with their
separators; each Han character and each Hiragana on its own, because those scripts put no space between words.
Thai, Lao, Khmer and Burmese need a dictionary: a run of their letters counts as one word.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator

# `\w` leaves out combining marks, without which a Devanagari or a decomposed word falls apart. They all lie below
# U+1F000 but for the variation selectors from U+E0100 on.
_MARKS = "".join(
    chr(code)
    for code in (*range(0x300, 0x1F000), *range(0xE0100, 0xE01F0))
    if unicodedata.category(chr(code)).startswith("M")
)
_APOSTROPHES = "'\u2019"
_SINGLE = "\u3041-\u309f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_LETTER = rf"(?:(?![{_SINGLE}])[^\W\d_][{_MARKS}]*)"
_WORD = re.compile(
    rf"[{_SINGLE}][{_MARKS}]*"
    rf"|\d+(?:[.,{_APOSTROPHES}]\d+)*(?![^\W_])"
    rf"|(?:{_LETTER}|\d)+(?:[{_APOSTROPHES}\u00b7]{_LETTER}+)*"
)

# A word that touches the end of what was read may go on in the next piece. Nothing that long is a word.
_LONGEST = 4096


def words(pieces: Iterable[str]) -> Iterator[str]:
    """The words of a text that comes in pieces, cut anywhere, as they stand in it."""
    rest = ""
    for piece in pieces:
        rest += piece
        kept = len(rest)
        for match in _WORD.finditer(rest):
            # One more character than the match may be a joiner whose other half is still to come.
            if match.end() + 1 >= len(rest) and match.end() - match.start() < _LONGEST:
                kept = match.start()
                break
            yield match.group()
        rest = rest[kept:]
    yield from _WORD.findall(rest)


def folded(word: str, *, case_sensitive: bool) -> str:
    """The form under which a word is counted: composed (NFC), one kind of apostrophe, case folded unless it counts."""
    word = unicodedata.normalize("NFC", word).replace("\u2019", "'")
    return word if case_sensitive else unicodedata.normalize("NFC", word.casefold())


def count(pieces: Iterable[str], *, min_length: int = 1, case_sensitive: bool = False) -> Counter[str]:
    """How often each word of at least `min_length` characters occurs."""
    forms = (folded(word, case_sensitive=case_sensitive) for word in words(pieces))
    return Counter(form for form in forms if len(form) >= min_length)


def most_frequent(counts: Counter[str], top: int) -> list[tuple[str, int]]:
    """The `top` words by falling count, those of one count in alphabetical order: the same result on each run."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:top]
