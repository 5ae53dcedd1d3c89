"""Checks a policy configuration for what the engine takes without a word.

The engine ignores the entry of a rule that doesn't exist, and can demote a mandatory rule whose entry names no level.
An exemption that covers nothing is a hole for the next resource of that name.
"""

import datetime
import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

from .exemptions import Exemption, exemptions_of
from .resources import Resource, Stack
from .rules import Exempted, Level, NotYetKnown, Rule, Violation, judge
from .schemas import problems_of
from .values import kind_of_value

LEVELS: Final = ("advisory", "mandatory", "disabled")
WEAKER: Final = ("advisory", "disabled")
ALL: Final = "all"
ENGINE_EXCEPTIONS: Final = "exceptions"
LEVEL_KEY: Final = "enforcementLevel"


def check_config(
    config: object,
    rules: Sequence[Rule],
    *,
    today: datetime.date,
    resources: Sequence[Resource] | None = None,
) -> list[str]:
    """All that is wrong with a policy configuration, one sentence each; empty if it is in order.

    Args:
        config: the parsed file: rule id -> level, or an object with `enforcementLevel` and the rule's settings.
        rules: the rules of the pack.
        today: decides which exemptions have ended.
        resources: the resources of the stack that the configuration is for; with them, each exemption must cover a
            resource that violates its rule.
    """
    if not isinstance(config, dict):
        return [f"The configuration is {kind_of_value(config)}, not an object of rule ids."]
    entries = cast("dict[str, object]", config)
    known = {rule.id: rule for rule in rules}
    strict = _level_of(entries.get(ALL)) == "mandatory"
    found: list[str] = []
    for key, entry in entries.items():
        if key == ALL:
            found.extend(_check_all(entry))
        elif key == ENGINE_EXCEPTIONS:
            found.append(f"{key}: the CLI's own exceptions have no end and aren't checked; use a rule's exemptions.")
        elif key in known:
            found.extend(f"{key}: {problem}." for problem in _check_entry(known[key], entry, strict, today))
        else:
            found.append(_unknown(key, known))
    if resources is not None and not found:
        found.extend(_check_use(entries, known, Stack(resources), today))
    return found


def settings_of(entry: object) -> dict[str, object]:
    """A rule's settings without its level; none for an entry that is a level alone."""
    if not isinstance(entry, dict):
        return {}
    return {key: value for key, value in cast("dict[str, object]", entry).items() if key != LEVEL_KEY}


def _level_of(entry: object) -> object:
    return cast("dict[str, object]", entry).get(LEVEL_KEY) if isinstance(entry, dict) else entry


def _check_all(entry: object) -> Iterator[str]:
    level = _level_of(entry)
    if level not in LEVELS:
        yield f"{ALL}: {level!r} is not a level; there are {', '.join(LEVELS)}."
    elif level in WEAKER:
        yield f"{ALL}: {level} weakens every mandatory rule at once; name the rules instead."
    if settings_of(entry):
        yield f"{ALL}: has settings, which the engine ignores."


def _unknown(key: str, known: Mapping[str, Rule]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "RULES.md lists the rules."
    return f"{key}: there is no such rule, and the engine ignores it silently; {hint}"


def _check_entry(rule: Rule, entry: object, strict: bool, today: datetime.date) -> Iterator[str]:
    level = _level_of(entry)
    if level is None and kind_of_value(entry) == "an object":
        if rule.level is Level.MANDATORY or strict:
            yield f"names no {LEVEL_KEY}, which can demote the rule to advisory; say mandatory, or the level you mean"
    elif level not in LEVELS:
        yield f"{level!r} is not a level; there are {', '.join(LEVELS)}"
    settings = settings_of(entry)
    problems = problems_of(rule.full_schema, settings)
    yield from problems
    if not problems:
        for exemption in exemptions_of(settings):
            if not exemption.holds(today):
                yield f"the exemption of {exemption.urn} ended on {exemption.until}; remove it or renew it"


def _check_use(
    entries: Mapping[str, object], known: Mapping[str, Rule], stack: Stack, today: datetime.date
) -> Iterator[str]:
    for key, entry in entries.items():
        if key == ALL:
            continue
        settings = settings_of(entry)
        for exemption in exemptions_of(settings):
            yield from _check_exemption(known[key], exemption, settings, stack, today)


def _check_exemption(
    rule: Rule, exemption: Exemption, settings: Mapping[str, object], stack: Stack, today: datetime.date
) -> Iterator[str]:
    covered = [resource for resource in stack.resources if exemption.covers(resource.urn)]
    if not covered:
        yield f"{rule.id}: the exemption of {exemption.urn} matches no resource of the stack."
        return
    outcomes = [
        outcome for resource in covered for outcome in judge(rule, resource, stack=stack, config=settings, today=today)
    ]
    # A verdict that is still open may become the violation that the exemption is for.
    if not any(isinstance(outcome, (Exempted, Violation, NotYetKnown)) for outcome in outcomes):
        yield f"{rule.id}: the exemption of {exemption.urn} isn't needed: nothing that it covers violates the rule."
