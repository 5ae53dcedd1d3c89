"""`slipway keys rotate`: a new API key for a consumer, without downtime, and not behind the stack's back.

A consumer has two key slots, each with a generation; 0 is an empty slot and the highest is the key in use. A rotation
gives the older slot the next generation in the stack's file. The next `pulumi up` makes that key; the one that was in
use until now stays valid until the rotation after.
"""

import json
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any, cast

from cli.console import answer, progress
from cli.errors import CliError
from cli.outputs import LOCAL_STACK
from cli.project import find_root
from cli.stack_files import read_stack_file, write_stack_file
from engine.config import load_project, load_stack_config, program_config

SLOTS = 2
FIRST_GENERATIONS = (1, 0)
"""What a consumer has whose settings don't say."""


def run_rotate(consumer: str, stack: str) -> None:
    """Raise the generation of a consumer's older key slot in the stack's file; comments and layout stay.

    Raises:
        CliError: the stack has no such consumer, or its generations are none.
    """
    root = find_root()
    before = _generations(root, stack, consumer)
    after = rotated(before)
    _write(root, stack, consumer, after)
    slot = next(index for index in range(SLOTS) if before[index] != after[index])
    answer.print(f"{consumer}: key generations {list(before)} -> {list(after)} in Pulumi.{stack}.yaml")
    if stack == LOCAL_STACK:
        progress.print("Next: make up. The sandbox then starts anew, with the new keys.")
        return
    if before[slot]:
        progress.print(f"The key of generation {before[slot]} ends with the next update of the stack.")
    progress.print(
        f"Next: pulumi up --stack {stack}, then hand over the new key "
        f"(pulumi stack output apiKeys --show-secrets --stack {stack}). "
        f"The key of generation {max(before)} stays valid until the next rotation."
    )


def rotated(generations: Sequence[int]) -> tuple[int, ...]:
    """The older slot gets the next generation."""
    slot = min(range(len(generations)), key=lambda index: generations[index])
    newest = max(generations) + 1
    return tuple(newest if index == slot else value for index, value in enumerate(generations))


def _generations(root: Path, stack: str, consumer: str) -> tuple[int, ...]:
    project = load_project(root)
    values = program_config(project, load_stack_config(project, stack))
    if json.loads(values.get(f"{project.name}:repositories", "[]")):
        raise CliError(
            f"Stack {stack!r} has repositories and nothing else, so it has no consumers. Name another stack."
        )
    consumers: dict[str, Any] = json.loads(values.get(f"{project.name}:consumers", "{}"))
    if consumer not in consumers:
        known = ", ".join(consumers) or "none"
        raise CliError(f"Stack {stack!r} has no consumer {consumer!r}. Consumers: {known}.")
    settings: object = consumers[consumer] or {}
    found: object = (
        cast("dict[str, object]", settings).get("keyGenerations", list(FIRST_GENERATIONS))
        if isinstance(settings, dict)
        else None
    )
    generations = cast("list[object]", found) if isinstance(found, list) else []
    numbers = tuple(value for value in generations if isinstance(value, int) and value >= 0)
    if len(numbers) != SLOTS or len(generations) != SLOTS:
        raise CliError(
            f"keyGenerations of {consumer!r} in Pulumi.{stack}.yaml is {found!r}; expected two whole numbers, "
            "one a slot, for example [1, 0]."
        )
    return numbers


def _write(root: Path, stack: str, consumer: str, generations: Sequence[int]) -> None:
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedSeq

    path = root / f"Pulumi.{stack}.yaml"
    yaml: Any = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    before = read_stack_file(path)
    document: Any = yaml.load(before)
    config: Any = document["config"]
    project = load_project(root)
    key = f"{project.name}:consumers"
    if key not in config:
        # The consumers of Pulumi.yaml's default, written out: a stack's value replaces the default as a whole.
        default = project.declarations.get(key, {}).get("default", {})
        config[key] = {name: dict(settings or {}) for name, settings in default.items()}
    if config[key][consumer] is None:
        config[key][consumer] = {}
    slots: Any = CommentedSeq(generations)
    slots.fa.set_flow_style()
    config[key][consumer]["keyGenerations"] = slots
    after = StringIO()
    yaml.dump(document, after)
    write_stack_file(path, before=before, after=after.getvalue())
