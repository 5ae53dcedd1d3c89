"""Naming an image in a stack's file. Lines are edited, not the document: all else stays as it is, byte for byte."""

import json
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import yaml

from cli.errors import CliError
from cli.registry.documents import mapping
from cli.yaml_text import Edits, check_follows, compose, end_of, entries_of, entry_of, plain

BUILD_KEYS = ("context", "dockerfile", "buildArgs", "generation", "noCache")
"""What only a pipeline that is built here may have."""
SCHEMA_FILE = "parameters.schema.json"
_STEP = 2
"""Columns that a level is indented by where the file doesn't show."""


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
    edits = Edits(text)
    config = entry_of(compose(text), "config")[1]
    try:
        pipelines_key, pipelines = entry_of(config, f"{project}:pipelines")
    except LookupError:
        pipelines_key, pipelines = entry_of(config, "pipelines")
    key, value = entry_of(pipelines, pipeline)
    check_follows(key, value)
    if isinstance(value, yaml.MappingNode) and not value.flow_style:
        _edit_block(edits, value, additions, removed)
    elif pipelines.flow_style or (isinstance(value, yaml.MappingNode) and value.value):
        _edit_flow(edits, value, additions, removed)
    else:
        # Nothing is there yet: `null`, `{}` or no word at all.
        step = key.start_mark.column - pipelines_key.start_mark.column
        edits.replace(text.index(":", key.end_mark.index) + 1, value.end_mark.index, "")
        lines = [f"{name}: {plain(text)}" for name, text in additions.items()]
        edits.insert_lines(
            edits.line_end(value.end_mark.index), key.start_mark.column + (step if step > 0 else _STEP), lines
        )
    return edits.result()


def _edit_block(edits: Edits, mapping: yaml.MappingNode, additions: Mapping[str, str], removed: set[str]) -> None:
    entries = entries_of(mapping)
    column = next(iter(entries.values()))[0].start_mark.column
    missing = {name: value for name, value in additions.items() if name not in entries}
    gone = [name for name in entries if name in removed]
    for name, text in additions.items():
        if name in entries:
            _replace_value(edits, *entries[name], plain(text))
    for name in gone:
        key, value = entries[name]
        check_follows(key, value)
        start = edits.line_start(key.start_mark.index)
        if edits.text[start : key.start_mark.index].strip():
            raise ValueError(f"{name} does not begin its line")
        edits.replace(start, edits.line_end(end_of(edits.text, value)), "")
    lines = [f"{name}: {plain(text)}" for name, text in missing.items()]
    if not lines:
        return
    if "image" in entries:
        position = edits.line_end(end_of(edits.text, entries["image"][1]))
    else:
        # In the place of what it stands for, which is removed; else at the top.
        anchor = entries[gone[0]][0] if gone else next(iter(entries.values()))[0]
        position = edits.line_start(anchor.start_mark.index)
    edits.insert_lines(position, column, lines)


def _edit_flow(edits: Edits, value: yaml.Node, additions: Mapping[str, str], removed: set[str]) -> None:
    entries = entries_of(value) if isinstance(value, yaml.MappingNode) else {}
    start, end = value.start_mark.index, value.end_mark.index
    if re.search(r"[#\n]", edits.text[start:end]):
        raise ValueError("a flow mapping over several lines")
    parts = [f"{name}: {json.dumps(text)}" for name, text in additions.items()]
    for name, (key, item) in entries.items():
        check_follows(key, item)
        if name not in removed and name not in additions:
            parts.append(edits.text[key.start_mark.index : end_of(edits.text, item)])
    blank = "" if edits.text[start - 1 : start].isspace() else " "
    edits.replace(start, end, f"{blank}{{{', '.join(parts)}}}")


def _replace_value(edits: Edits, key: yaml.Node, value: yaml.Node, text: str) -> None:
    check_follows(key, value)
    start, end = value.start_mark.index, end_of(edits.text, value)
    if not isinstance(value, yaml.ScalarNode):
        raise ValueError("not a text")  # noqa: TRY004 - the file's fault, as every other one here
    edits.replace(start, end, text if edits.text[start - 1 : start].isspace() else f" {text}")
