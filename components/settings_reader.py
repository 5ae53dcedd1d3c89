"""Reads a mapping of settings and keeps every problem: what was found, what is expected, and how to fix it."""

import difflib
import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pulumi


class SettingsError(pulumi.RunError):
    """The settings of a stack can't be used. `problems` has one full sentence each.

    A `RunError` ends the program with its text alone; any other exception would bury that under a stack trace.
    """

    def __init__(self, stack: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = "".join(f"\n  {number}. {text}" for number, text in enumerate(problems, 1))
        super().__init__(f"The settings of stack {stack!r} have {count}; nothing was created.{lines}")


@dataclass
class Problems:
    """The problems found so far."""

    texts: list[str] = field(default_factory=list[str])

    def add(self, key: str, found: str, expected: str, fix: str) -> None:
        self.texts.append(f"{key}: found {found}; expected {expected}. Fix: {fix}")


@dataclass(frozen=True)
class Section:
    """One mapping of the settings. Each reader method returns a usable value even where it adds a problem."""

    problems: Problems
    key: str
    """What leads here, for example `slipway:pipelines.wordcount`; ends in `:` for the settings as a whole."""
    values: Mapping[str, Any]

    def path(self, name: str) -> str:
        """The full key of one value, quoted where `pulumi config set --path` wants that."""
        if self.key.endswith(":"):
            return f"{self.key}{name}"
        return f"{self.key}.{name}" if re.fullmatch(r"[\w-]+(\[0\])?", name) else f'{self.key}["{name}"]'

    def set_command(self, name: str, value: object) -> str:
        """The command that sets one value; `name` may end in `[0]`, for the first item of a list."""
        text = value if isinstance(value, str) else json.dumps(value)
        key = self.path(name)
        option = "" if self.key.endswith(":") and "[" not in name else "--path "
        return f"pulumi config set {option}{shlex.quote(key)} {shlex.quote(text)}"

    def remove_command(self, name: str) -> str:
        """The command that removes one value."""
        option = "" if self.key.endswith(":") else "--path "
        return f"pulumi config rm {option}{shlex.quote(self.path(name))}"

    def refuse(self, name: str, expected: str, fix: str, *, found: str | None = None) -> None:
        """Add a problem with one value."""
        shown = _show(self.values[name]) if found is None and name in self.values else found or "nothing"
        self.problems.add(self.path(name), shown, expected, fix)

    def refuse_unknown(self, known: Sequence[str]) -> None:
        """Add a problem for each key that is none of `known`, with the nearest of them."""
        for name in self.values:
            if name in known:
                continue
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}? Rename it" if near else "remove it"
            self.problems.add(
                self.path(name),
                "an unknown key",
                f"one of {', '.join(sorted(known))}",
                f"{hint}: {self.remove_command(name)}",
            )

    def integer(self, name: str, default: int, *, minimum: int, maximum: int, unit: str = "") -> int:
        """A whole number within a range."""
        value = self.values.get(name, default)
        if isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= maximum:
            return value
        of_unit = f" of {unit}" if unit else ""
        expected = f"a whole number{of_unit} from {minimum} to {maximum}"
        self.refuse(name, expected, self.set_command(name, min(max(default, minimum), maximum)))
        return default

    def number(self, name: str, default: float, *, above: float, maximum: float, unit: str) -> float:
        """A number greater than `above`."""
        value = plain_number(self.values.get(name, default))
        if isinstance(value, int | float) and not isinstance(value, bool) and above < value <= maximum:
            return value
        expected = f"a number of {unit} above {above:g} and up to {maximum:g}"
        self.refuse(name, expected, self.set_command(name, default))
        return default

    def boolean(self, name: str, default: bool) -> bool:
        value = self.values.get(name, default)
        if isinstance(value, bool):
            return value
        self.refuse(name, "true or false", self.set_command(name, default))
        return default

    def text(self, name: str, default: str, pattern: str, expected: str) -> str:
        """A string that matches a regular expression as a whole."""
        value = self.values.get(name, default)
        if isinstance(value, str) and re.fullmatch(pattern, value):
            return value
        self.refuse(name, expected, self.set_command(name, default))
        return default

    def choice(self, name: str, default: str, choices: Sequence[str]) -> str:
        """One of a few words."""
        value = self.values.get(name, default)
        if value in choices:
            return cast("str", value)
        near = difflib.get_close_matches(str(value), choices, n=1)
        self.refuse(name, " or ".join(choices), self.set_command(name, near[0] if near else default))
        return default

    def section(self, name: str, default: Mapping[str, Any] | None = None) -> "Section":
        """A mapping below this one; empty if what is there is no mapping."""
        value: object = self.values.get(name, default or {})
        if not isinstance(value, dict):
            self.refuse(name, "a mapping", self.remove_command(name))
            value = {}
        mapping = cast("dict[object, Any]", value)
        return Section(self.problems, self.path(name), {str(key): item for key, item in mapping.items()})

    def sections(self) -> Iterator[tuple[str, "Section"]]:
        """Each value as a mapping, with its name."""
        for name in self.values:
            yield name, self.section(name)

    def strings(self, name: str, default: Sequence[str] = ()) -> tuple[str, ...]:
        """A list of strings."""
        value: object = self.values.get(name, list(default))
        if isinstance(value, list):
            items = cast("list[object]", value)
            if all(isinstance(item, str) for item in items):
                return tuple(cast("list[str]", items))
        self.refuse(name, "a list of strings (quote numbers)", self.remove_command(name))
        return tuple(default)

    def distinct(self, name: str, is_right: Callable[[str], object], expected: str, fix: str) -> tuple[str, ...]:
        """A list of strings, each of them right and there once; the problem names those that are wrong."""
        items = self.strings(name)
        wrong = [item for item in items if not is_right(item)]
        if wrong or len(set(items)) != len(items):
            self.refuse(name, expected, fix, found=", ".join(map(repr, wrong)) or None)
        return items

    def string_map(self, name: str, key_pattern: str, key_expected: str) -> dict[str, str]:
        """A mapping of names to strings. Values are never shown: they may be confidential."""
        entries = self.section(name)
        result: dict[str, str] = {}
        for key, value in entries.values.items():
            if not re.fullmatch(key_pattern, key):
                entries.refuse(key, key_expected, entries.remove_command(key), found="this name")
            elif not isinstance(value, str):
                entries.refuse(
                    key,
                    "a string (quote numbers and booleans)",
                    entries.set_command(key, "..."),
                    found=f"a value of type {type(value).__name__}",
                )
            else:
                result[key] = value
        return result


def plain_number(value: object) -> object:
    """A fraction as a number: `pulumi config set --path` stores it as text, unlike a whole number [pulumi/pulumi,
    sdk/go/common/resource/config, "adjustObjectValue"]. Anything else as it is."""
    return float(value) if isinstance(value, str) and re.fullmatch(r"[0-9]+\.[0-9]+", value, re.ASCII) else value


def _show(value: object) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."
