"""Editing YAML in its lines: all that is not changed stays as it is, byte for byte.

A parsed document that is written again loses comments and its layout. So the parser only tells where things are, and
whoever edits looks afterwards whether the new text says what it should.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import yaml


@dataclass
class Edits:
    """Replacements of parts of a text, none of which overlap."""

    text: str
    parts: list[tuple[int, int, str]] = field(default_factory=list[tuple[int, int, str]])

    @property
    def newline(self) -> str:
        """How the text ends its lines."""
        return "\r\n" if "\r\n" in self.text else "\n"

    def replace(self, start: int, end: int, new: str) -> None:
        self.parts.append((start, end, new))

    def insert_lines(self, position: int, indent: int, lines: Sequence[str]) -> None:
        """Put lines before `position`, which is a line's beginning or the text's end."""
        block = "".join(f"{' ' * indent}{line}{self.newline}" for line in lines)
        if position and self.text[position - 1] != "\n":
            block = self.newline + block.removesuffix(self.newline)
        self.parts.append((position, position, block))

    def result(self) -> str:
        text = self.text
        for start, end, new in sorted(self.parts, key=lambda part: part[:2], reverse=True):
            text = text[:start] + new + text[end:]
        return text

    def line_start(self, position: int) -> int:
        return self.text.rfind("\n", 0, position) + 1

    def line_end(self, position: int) -> int:
        """Where the next line begins, or the text's end."""
        found = self.text.find("\n", position)
        return len(self.text) if found < 0 else found + 1


def compose(text: str) -> yaml.Node | None:
    """Where everything is in a text.

    Raises:
        yaml.YAMLError: it isn't YAML.
    """
    # The loader in Python: that of libyaml counts characters in bytes.
    return cast("Any", yaml).compose(text, Loader=yaml.SafeLoader)


def entry_of(node: Any, name: str) -> tuple[yaml.Node, Any]:
    """Key and value of one entry of a mapping.

    Raises:
        LookupError: it has none of that name, or is no mapping.
    """
    return entries_of(node)[name]


def entries_of(node: Any) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    """Name -> key and value of each entry of a mapping.

    Raises:
        LookupError: it is no mapping.
    """
    if not isinstance(node, yaml.MappingNode):
        raise LookupError("no mapping")  # noqa: TRY004 - as for a key that a mapping lacks
    pairs = cast("list[tuple[yaml.Node, yaml.Node]]", node.value)
    return {str(key.value): (key, value) for key, value in pairs}


def check_follows(key: yaml.Node, value: yaml.Node) -> None:
    """Refuse an alias: the parser answers with what it stands for, which is somewhere else."""
    if value.start_mark.index < key.end_mark.index:
        raise ValueError("an alias")


def end_of(text: str, node: yaml.Node) -> int:
    """Where a node's last character is. The parser's own mark of a block is where the next token begins."""
    if isinstance(node, yaml.ScalarNode):
        end = node.end_mark.index
        return len(text[:end].rstrip()) if node.style in ("|", ">") else end
    if isinstance(node, yaml.CollectionNode) and node.flow_style:
        return node.end_mark.index
    if isinstance(node, yaml.MappingNode):
        pairs = cast("list[tuple[yaml.Node, yaml.Node]]", node.value)
        return max(end_of(text, item) for pair in pairs for item in pair)
    items = cast("list[yaml.Node]", node.value)
    return max(end_of(text, item) for item in items)


def add_entry(edits: Edits, node: yaml.MappingNode, name: str, value: object) -> None:
    """Add an entry at the end of a mapping, in the mapping's own style.

    Raises:
        ValueError: its last entry is an alias, whose end the parser doesn't tell.
    """
    entries = list(entries_of(node).values())
    if node.flow_style:
        entry = f"{plain(name)}: {json.dumps(value)}"
        if not entries:
            edits.replace(node.start_mark.index + 1, node.start_mark.index + 1, entry)
            return
        check_follows(*entries[-1])
        end = end_of(edits.text, entries[-1][1])
        edits.replace(end, end, f", {entry}")
        return
    # Only what holds no other collection is written on one line.
    dumped = yaml.safe_dump({name: value}, default_flow_style=None, sort_keys=False, width=4096)
    edits.insert_lines(edits.line_end(end_of(edits.text, node)), entries[0][0].start_mark.column, dumped.splitlines())


def plain(text: str) -> str:
    """A text as YAML: without quotes where it then still is a text, as in what Pulumi writes."""
    return text if yaml.safe_load(f"key: {text}") == {"key": text} else json.dumps(text)
