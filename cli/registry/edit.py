"""Naming an image in a stack's file. Lines are edited, not the document: all else stays as it is, byte for byte.

A parsed YAML document that is written again loses comments of what is removed and the layout of what is kept. So the
parser only tells where things are, and afterwards whether the edited text says what it should.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, cast

import yaml

from cli.errors import CliError
from cli.registry.documents import mapping

BUILD_KEYS = ("context", "dockerfile", "buildArgs", "generation", "noCache")
"""What only a pipeline that is built here may have."""
SCHEMA_FILE = "parameters.schema.json"
_STEP = 2
"""Columns that a level is indented by where the file doesn't show."""


@dataclass
class _Edits:
    """Replacements of parts of a text, none of which overlap."""

    text: str
    newline: str
    parts: list[tuple[int, int, str]] = field(default_factory=list[tuple[int, int, str]])

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


def with_image(text: str, *, project: str, stack: str, pipeline: str, image: str, tag: str) -> str:
    """The text of a stack's file in which a pipeline names an image instead of being built.

    Args:
        text: a Pulumi stack file, YAML.
        project: name of the project, the namespace of its settings.
        stack: for messages.
        pipeline: its name; the file has it.
        image: what `image` shall be.
        tag: what `imageTag` shall be; empty: none.

    Raises:
        CliError: the file isn't YAML or is written in a way that can't be edited safely.
    """
    wanted = _expected(text, project, pipeline, image, tag)
    additions = {key: wanted[key] for key in ("image", "imageTag", "schema") if key in wanted}
    by_hand = "\n".join(f"  {key}: {value}" for key, value in additions.items())
    refusal = CliError(
        f"Pulumi.{stack}.yaml is written in a way that can't be edited safely, so it was left as it is. "
        f"Write this into the pipeline {pipeline!r} by hand, and remove {', '.join(BUILD_KEYS)}:\n{by_hand}"
    )
    try:
        edited = _edit(text, project, pipeline, additions, removed={*BUILD_KEYS} if tag else {*BUILD_KEYS, "imageTag"})
        done = pipelines_of(edited, project).get(pipeline)
    except (LookupError, ValueError, yaml.YAMLError) as error:
        raise refusal from error
    if done != wanted or not _same_otherwise(text, edited, project, pipeline):
        raise refusal
    return edited


def pipelines_of(text: str, project: str) -> Mapping[str, Any]:
    """The pipelines that a stack's file names; empty if it has none.

    Raises:
        yaml.YAMLError: it isn't YAML.
    """
    document: object = yaml.safe_load(text)
    config = mapping(mapping(document).get("config"))
    return mapping(config.get(f"{project}:pipelines", config.get("pipelines")))


def _expected(text: str, project: str, pipeline: str, image: str, tag: str) -> dict[str, Any]:
    entry = mapping(pipelines_of(text, project).get(pipeline))
    kept = {key: value for key, value in entry.items() if key not in (*BUILD_KEYS, "imageTag")}
    context: object = entry.get("context")
    named = {**kept, "image": image, **({"imageTag": tag} if tag else {})}
    # An image's schema is looked for in pipelines/NAME, that of a context in the context.
    if isinstance(context, str) and "schema" not in entry:
        folder = PurePosixPath(context)
        if folder != PurePosixPath("pipelines", pipeline):
            named["schema"] = str(folder / SCHEMA_FILE)
    return named


def _same_otherwise(before: str, after: str, project: str, pipeline: str) -> bool:
    documents = [mapping(yaml.safe_load(text)) for text in (before, after)]
    for document in documents:
        config = mapping(document.get("config"))
        mapping(config.get(f"{project}:pipelines", config.get("pipelines"))).pop(pipeline, None)
    return documents[0] == documents[1]


def _edit(text: str, project: str, pipeline: str, additions: Mapping[str, str], removed: set[str]) -> str:
    edits = _Edits(text, "\r\n" if "\r\n" in text else "\n")
    config = _entry(_compose(text), "config")[1]
    try:
        pipelines_key, pipelines = _entry(config, f"{project}:pipelines")
    except LookupError:
        pipelines_key, pipelines = _entry(config, "pipelines")
    key, value = _entry(pipelines, pipeline)
    _check_follows(key, value)
    if isinstance(value, yaml.MappingNode) and not value.flow_style:
        _edit_block(edits, value, additions, removed)
    elif pipelines.flow_style or (isinstance(value, yaml.MappingNode) and value.value):
        _edit_flow(edits, value, additions, removed)
    else:
        # Nothing is there yet: `null`, `{}` or no word at all.
        step = key.start_mark.column - pipelines_key.start_mark.column
        edits.replace(text.index(":", key.end_mark.index) + 1, value.end_mark.index, "")
        lines = [f"{name}: {_plain(text)}" for name, text in additions.items()]
        edits.insert_lines(
            edits.line_end(value.end_mark.index), key.start_mark.column + (step if step > 0 else _STEP), lines
        )
    return edits.result()


def _compose(text: str) -> yaml.Node | None:
    # The loader in Python: that of libyaml counts characters in bytes.
    return cast("Any", yaml).compose(text, Loader=yaml.SafeLoader)


def _edit_block(edits: _Edits, mapping: yaml.MappingNode, additions: Mapping[str, str], removed: set[str]) -> None:
    entries = _entries(mapping)
    column = next(iter(entries.values()))[0].start_mark.column
    missing = {name: value for name, value in additions.items() if name not in entries}
    gone = [name for name in entries if name in removed]
    for name, text in additions.items():
        if name in entries:
            _replace_value(edits, *entries[name], _plain(text))
    for name in gone:
        key, value = entries[name]
        _check_follows(key, value)
        start = edits.line_start(key.start_mark.index)
        if edits.text[start : key.start_mark.index].strip():
            raise ValueError(f"{name} does not begin its line")
        edits.replace(start, edits.line_end(_end(edits.text, value)), "")
    lines = [f"{name}: {_plain(text)}" for name, text in missing.items()]
    if not lines:
        return
    if "image" in entries:
        position = edits.line_end(_end(edits.text, entries["image"][1]))
    else:
        # In the place of what it stands for, which is removed; else at the top.
        anchor = entries[gone[0]][0] if gone else next(iter(entries.values()))[0]
        position = edits.line_start(anchor.start_mark.index)
    edits.insert_lines(position, column, lines)


def _edit_flow(edits: _Edits, value: yaml.Node, additions: Mapping[str, str], removed: set[str]) -> None:
    entries = _entries(value) if isinstance(value, yaml.MappingNode) else {}
    start, end = value.start_mark.index, value.end_mark.index
    if re.search(r"[#\n]", edits.text[start:end]):
        raise ValueError("a flow mapping over several lines")
    parts = [f"{name}: {json.dumps(text)}" for name, text in additions.items()]
    for name, (key, item) in entries.items():
        _check_follows(key, item)
        if name not in removed and name not in additions:
            parts.append(edits.text[key.start_mark.index : _end(edits.text, item)])
    blank = "" if edits.text[start - 1 : start].isspace() else " "
    edits.replace(start, end, f"{blank}{{{', '.join(parts)}}}")


def _replace_value(edits: _Edits, key: yaml.Node, value: yaml.Node, text: str) -> None:
    _check_follows(key, value)
    start, end = value.start_mark.index, _end(edits.text, value)
    if not isinstance(value, yaml.ScalarNode):
        raise ValueError("not a text")  # noqa: TRY004 - the file's fault, as every other one here
    edits.replace(start, end, text if edits.text[start - 1 : start].isspace() else f" {text}")


def _entry(node: Any, name: str) -> tuple[yaml.Node, Any]:
    return _entries(node)[name]


def _entries(node: Any) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        raise LookupError("no mapping")  # noqa: TRY004 - as for a key that a mapping lacks
    pairs = cast("list[tuple[yaml.Node, yaml.Node]]", node.value)
    return {str(key.value): (key, value) for key, value in pairs}


def _check_follows(key: yaml.Node, value: yaml.Node) -> None:
    """Refuse an alias: the parser answers with what it stands for, which is somewhere else."""
    if value.start_mark.index < key.end_mark.index:
        raise ValueError("an alias")


def _end(text: str, node: yaml.Node) -> int:
    """Where a node's last character is. The parser's own mark of a block is where the next token begins."""
    if isinstance(node, yaml.ScalarNode):
        end = node.end_mark.index
        return len(text[:end].rstrip()) if node.style in ("|", ">") else end
    if isinstance(node, yaml.CollectionNode) and node.flow_style:
        return node.end_mark.index
    if isinstance(node, yaml.MappingNode):
        pairs = cast("list[tuple[yaml.Node, yaml.Node]]", node.value)
        return max(_end(text, item) for pair in pairs for item in pair)
    items = cast("list[yaml.Node]", node.value)
    return max(_end(text, item) for item in items)


def _plain(text: str) -> str:
    """A text as YAML: without quotes where it then still is a text, as in what Pulumi writes."""
    return text if yaml.safe_load(f"key: {text}") == {"key": text} else json.dumps(text)
