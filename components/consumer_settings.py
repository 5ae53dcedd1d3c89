"""Who may call the API, and how much: the settings of the consumers."""

import re
from dataclasses import dataclass
from typing import cast

from components.settings_keys import KEYS
from components.settings_reader import Section

_MAX_RATE = 10_000
"""Requests per second of an account and region [API Gateway developer guide, "Quotas"]."""


@dataclass(frozen=True, kw_only=True)
class Consumer:
    """Someone who gets an API key."""

    name: str
    rate: float
    """Requests per second."""
    burst: int
    quota_per_day: int
    key_generations: tuple[int, int]
    """The generation of the key in each of two slots; 0 is an empty slot."""


def read_consumers(top: Section) -> tuple[Consumer, ...]:
    """Read `throttle`, `quotaPerDay` and `consumers`; problems are kept in the section."""
    throttle = top.section("throttle", KEYS["throttle"][1])
    throttle.refuse_unknown(("rate", "burst"))
    default = KEYS["throttle"][1]
    rate = throttle.number("rate", default["rate"], above=0, maximum=_MAX_RATE, unit="requests per second")
    burst = throttle.integer("burst", default["burst"], minimum=1, maximum=_MAX_RATE, unit="requests")
    quota = top.integer("quotaPerDay", KEYS["quotaPerDay"][1], minimum=1, maximum=1_000_000_000, unit="requests")
    section = top.section("consumers", KEYS["consumers"][1])
    consumers: list[Consumer] = []
    for name, entry in section.sections():
        entry.refuse_unknown(("rate", "burst", "quotaPerDay", "keyGenerations"))
        if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or len(name) > 32:
            section.refuse(
                name,
                "a name of at most 32 lower-case letters, digits and single hyphens, a letter first (it becomes part "
                "of the names of jobs)",
                "rename it in the stack file",
                found=f'the name "{name}"',
            )
        consumers.append(
            Consumer(
                name=name,
                rate=entry.number("rate", rate, above=0, maximum=_MAX_RATE, unit="requests per second"),
                burst=entry.integer("burst", burst, minimum=1, maximum=_MAX_RATE, unit="requests"),
                quota_per_day=entry.integer("quotaPerDay", quota, minimum=1, maximum=1_000_000_000, unit="requests"),
                key_generations=_read_generations(entry),
            )
        )
    if not consumers and isinstance(top.values.get("consumers", {}), dict):
        top.refuse("consumers", "at least one: without a key nobody can call the API", top.remove_command("consumers"))
    return tuple(consumers)


def _read_generations(entry: Section) -> tuple[int, int]:
    value: object = entry.values.get("keyGenerations", [1, 0])
    if isinstance(value, list):
        generations = cast("list[object]", value)
        whole = [item for item in generations if isinstance(item, int) and not isinstance(item, bool) and item >= 0]
        if len(whole) == len(generations) == 2 and whole[0] != whole[1]:
            return whole[0], whole[1]
    entry.refuse(
        "keyGenerations",
        "two different whole numbers, the generation of each key slot; 0 is an empty slot, the highest is current",
        entry.remove_command("keyGenerations"),
    )
    return 1, 0
