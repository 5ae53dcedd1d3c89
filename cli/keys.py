"""`slipway keys rotate`: a new API key for a consumer, without downtime, and not behind the stack's back.

A consumer has two key slots, each with a generation; 0 is an empty slot and the highest is the key in use. A rotation
gives the older slot the next generation in the stack's file. The next `pulumi up` makes that key; the one that was in
use until now stays valid until the rotation after.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

import yaml

from cli.console import answer, progress
from cli.errors import CliError
from cli.outputs import LOCAL_STACK
from cli.project import find_root
from cli.registry.documents import mapping
from cli.stack_files import read_stack_file, write_stack_file
from cli.yaml_text import Edits, add_entry, check_follows, compose, end_of, entries_of, entry_of
from engine.config import Project, load_project, load_stack_config, program_config

SLOTS = 2
FIRST_GENERATIONS = (1, 0)
"""What a consumer has whose settings don't say."""


def run_rotate(consumer: str, stack: str) -> None:
    """Raise the generation of a consumer's older key slot in the stack's file; comments and layout stay.

    Raises:
        CliError: the stack has no such consumer, its generations are none, or its file can't be edited safely.
    """
    root = find_root()
    project = load_project(root)
    consumers = _consumers(project, stack)
    before = _generations(consumers, stack, consumer)
    after = rotated(before)
    path = root / f"Pulumi.{stack}.yaml"
    text = read_stack_file(path)
    edited = with_generations(
        text, project=project.name, stack=stack, consumer=consumer, generations=after, consumers=consumers
    )
    write_stack_file(path, before=text, after=edited)
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


def with_generations(
    text: str,
    *,
    project: str,
    stack: str,
    consumer: str,
    generations: Sequence[int],
    consumers: Mapping[str, Any],
) -> str:
    """The text of a stack's file in which a consumer has these generations; all else stays, byte for byte.

    Args:
        text: a Pulumi stack file, YAML.
        project: name of the project, the namespace of its settings.
        stack: for messages.
        consumer: its name, one of `consumers`.
        generations: one a slot.
        consumers: all of the stack, with their settings; they are written out where the file leaves them to the
            project's default, which a stack's own value replaces as a whole.

    Raises:
        CliError: the file is written in a way that can't be edited safely.
    """
    refusal = CliError(
        f"Pulumi.{stack}.yaml is written in a way that can't be edited safely, so it was left as it is. Write this "
        f"into it by hand, for the consumer {consumer!r} in {project}:consumers:\n  keyGenerations: {list(generations)}"
    )
    settings = {**mapping(consumers[consumer]), "keyGenerations": list(generations)}
    wanted = {**consumers, consumer: settings}
    try:
        edited = _edit(text, project, consumer, wanted)
        before, after = (mapping(yaml.safe_load(version)) for version in (text, edited))
    except (LookupError, ValueError, yaml.YAMLError) as error:
        raise refusal from error
    key = _key(mapping(before.get("config")), project)
    if after != {**before, "config": {**mapping(before.get("config")), key: wanted}}:
        raise refusal
    return edited


def _key(names: Mapping[str, object], project: str) -> str:
    """What the file calls the setting; a key without a namespace belongs to the project, too."""
    full = f"{project}:consumers"
    return "consumers" if full not in names and "consumers" in names else full


def _edit(text: str, project: str, consumer: str, wanted: Mapping[str, Any]) -> str:
    edits = Edits(text)
    _, config = entry_of(compose(text), "config")
    names = entries_of(config)
    key = _key(names, project)
    if key not in names:
        add_entry(edits, config, key, dict(wanted))
        return edits.result()
    name, value = entry_of(names[key][1], consumer)
    check_follows(*names[key])
    check_follows(name, value)
    generations: list[int] = wanted[consumer]["keyGenerations"]
    if not isinstance(value, yaml.MappingNode):
        # Nothing is there yet: `null`, or no word at all.
        start = text.index(":", name.end_mark.index) + 1
        edits.replace(start, value.end_mark.index, f" {{keyGenerations: {generations}}}")
    elif "keyGenerations" in entries_of(value):
        slots, numbers = entry_of(value, "keyGenerations")
        check_follows(slots, numbers)
        for node, number in zip(numbers.value, generations, strict=True):
            edits.replace(node.start_mark.index, end_of(text, node), str(number))
    else:
        add_entry(edits, value, "keyGenerations", generations)
    return edits.result()


def _consumers(project: Project, stack: str) -> Mapping[str, Any]:
    """All consumers of a stack, the project's default included.

    Raises:
        CliError: the stack has none.
    """
    values = program_config(project, load_stack_config(project, stack))
    if json.loads(values.get(f"{project.name}:repositories", "[]")):
        raise CliError(
            f"Stack {stack!r} has repositories and nothing else, so it has no consumers. Name another stack."
        )
    return json.loads(values.get(f"{project.name}:consumers", "{}"))


def _generations(consumers: Mapping[str, Any], stack: str, consumer: str) -> tuple[int, ...]:
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
