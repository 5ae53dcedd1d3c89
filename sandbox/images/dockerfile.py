"""A Dockerfile as instructions, and the words and variables in them.

Lines, continuations and comments are read by dockerfile-parse. Variables are not: it doesn't know `${name:-default}`.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

# dockerfile-parse ships neither stubs nor annotations.
from dockerfile_parse import DockerfileParser  # pyright: ignore[reportMissingTypeStubs]
from dockerfile_parse.util import WordSplitter  # pyright: ignore[reportMissingTypeStubs]

from sandbox.images.errors import ImageError, Place

_FLAG = re.compile(r"--([a-z-]+)(?:=(\S*))?\s*")
_VARIABLE = re.compile(r"\$(?:(?P<plain>\w+)|\{(?P<name>\w+)(?:(?P<operator>:[-+?]|[-+?])(?P<word>[^}]*))?\})")
_HEREDOC = re.compile(r"<<-?[\"']?\w")


@dataclass(frozen=True)
class Instruction:
    """One instruction, continuation lines joined."""

    keyword: str
    value: str
    place: Place

    def error(self, problem: str, remedy: str) -> ImageError:
        return ImageError(self.place, problem, remedy)

    def flags(self) -> tuple[list[tuple[str, str]], str]:
        """Leading `--name=value` flags, and the rest."""
        rest, found = self.value, list[tuple[str, str]]()
        while match := _FLAG.match(rest):
            found.append((match[1], match[2] or ""))
            rest = rest[match.end() :]
        return found, rest

    def exec_form(self) -> list[str] | None:
        """The words of a JSON list; None for the shell form, which is what Docker makes of broken JSON, too."""
        return as_list(self.value)


def as_list(value: str) -> list[str] | None:
    try:
        words: object = json.loads(value)
    except ValueError:
        return None
    if isinstance(words, list) and all(isinstance(word, str) for word in cast("list[object]", words)):
        return cast("list[str]", words)
    return None


def read(path: Path) -> list[Instruction]:
    """All instructions, in order.

    Raises:
        ImageError: there is no such file, it isn't text, or it has a here-document.
    """
    try:
        content = path.read_bytes()
        content.decode()
    except OSError as error:
        raise ImageError(
            Place(path, 0, ""), "There is no Dockerfile here.", "Add one, or name it in the settings."
        ) from error
    except UnicodeDecodeError as error:
        raise ImageError(Place(path, 0, ""), "The Dockerfile is not UTF-8 text.", "Save it as UTF-8.") from error
    parser = cast("Any", DockerfileParser)(fileobj=io.BytesIO(content), env_replace=False)
    instructions: list[Instruction] = []
    for entry in cast("list[dict[str, Any]]", parser.structure):
        if entry["instruction"] == "COMMENT":
            continue
        place = Place(path, entry["startline"] + 1, " ".join(str(entry["content"]).replace("\\\n", " ").split()))
        instruction = Instruction(entry["instruction"], str(entry["value"]).strip(), place)
        if instruction.keyword in ("RUN", "COPY", "ADD") and _HEREDOC.search(instruction.value):
            raise instruction.error(
                "The sandbox doesn't read here-documents.", "Put the text into a file of the context and COPY it."
            )
        instructions.append(instruction)
    return instructions


def words(value: str) -> list[str]:
    """Split at white space outside quotes; quotes and backslashes stay."""
    return [str(word) for word in cast("Any", WordSplitter)(value).split(dequote=False)]


def expand(word: str, variables: Mapping[str, str]) -> str:
    """A word without its quotes, with `$name`, `${name}`, `${name:-default}` and `${name:+other}` filled in.

    What isn't set is empty, as in Docker.
    """
    result: list[str] = []
    quote = ""
    position = 0
    while position < len(word):
        character = word[position]
        position += 1
        if character == "\\" and quote != "'" and position < len(word):
            following = word[position]
            position += 1
            result.append(following if not quote or following in '"\\$' else character + following)
        elif character in "'\"" and quote in ("", character):
            quote = "" if quote else character
        elif character == "$" and quote != "'" and (match := _VARIABLE.match(word, position - 1)):
            result.append(_value(match, variables))
            position = match.end()
        else:
            result.append(character)
    return "".join(result)


def _value(match: re.Match[str], variables: Mapping[str, str]) -> str:
    name = match["plain"] or match["name"]
    value = variables.get(name)
    operator = match["operator"] or ""
    is_set = bool(value) if operator.startswith(":") else value is not None
    if operator.endswith("-"):
        return str(value) if is_set else expand(match["word"], variables)
    if operator.endswith("+"):
        return expand(match["word"], variables) if is_set else ""
    return value or ""


def pairs(value: str, variables: Mapping[str, str]) -> dict[str, str]:
    """`a=1 b="2 3"` of ENV and LABEL, or their old form `a 1`."""
    parts = words(value)
    if parts and "=" not in parts[0]:
        name, _, rest = value.partition(" ")
        return {expand(name, variables): expand(rest.strip(), variables)}
    return {
        expand(name, variables): expand(content, variables)
        for name, _, content in (part.partition("=") for part in parts)
    }


def expanded(value: str, variables: Mapping[str, str]) -> list[str]:
    """All words of an instruction that takes words."""
    return [expand(word, variables) for word in words(value)]
