"""How the tests of the rules build resources and ask for verdicts, without the policy SDK.

What it doesn't prove: that the engine sends what these tests build; `test_pack.py` and `test_our_stacks.py` go through
the driver, which speaks to the pack as the engine does.
"""

import atexit
import datetime
import functools
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policy.guardrails.catalogue import BY_ID
from policy.guardrails.resources import Resource, Stack
from policy.guardrails.rules import Exempted, NotApplicable, NotYetKnown, Outcome, Rule, Violation, judge
from policy.guardrails.values import UNKNOWN, plain

TODAY = datetime.date(2026, 11, 15)
UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

__all__ = ["TODAY", "UNKNOWN", "UNKNOWN_TEXT", "Verdict", "aws", "resource", "verdict"]


@dataclass(frozen=True)
class Verdict:
    """What one rule said about one resource."""

    found: list[str]
    """`found` of each violation."""
    unknown: list[str]
    """Path of each property that isn't known yet."""
    not_applicable: list[str]
    exempted: list[str]

    @property
    def status(self) -> str:
        """violation, unknown, not applicable, exempted or pass: the first that applies."""
        for name in ("found", "unknown", "not_applicable", "exempted"):
            if getattr(self, name):
                return {"found": "violation", "not_applicable": "not applicable"}.get(name, name)
        return "pass"


def aws(kind: str) -> str:
    """The provider's type token of a kind: `ecr:Repository` -> `aws:ecr/repository:Repository`."""
    module, _, name = kind.partition(":")
    return f"aws:{module}/{name[0].lower()}{name[1:]}:{name}"


def resource(
    kind: str,
    properties: Mapping[str, Any] | None = None,
    *,
    name: str = "subject",
    depends: Mapping[str, list[Resource]] | None = None,
    parent: Resource | None = None,
    protect: bool = False,
    provider: Mapping[str, Any] | None = None,
) -> Resource:
    """A resource. `kind` is a kind (`ecr:Repository`) or, with a slash or three parts, a type token.

    `depends` are its property dependencies: the resources whose outputs a top-level property was made of.
    """
    token = kind if "/" in kind or kind.count(":") > 1 else aws(kind)
    values = plain(properties or {})
    assert isinstance(values, dict)
    relations = {key: frozenset(item.urn for item in items) for key, items in (depends or {}).items()}
    return Resource(
        urn=f"urn:pulumi:dev::shop::{token}::{name}",
        type=token,
        name=name,
        properties=values,
        protect=protect,
        parent=parent.urn if parent else "",
        property_dependencies=relations,
        provider=provider or {},
    )


def verdict(
    rule: Rule,
    subject: Resource,
    *others: Resource,
    config: Mapping[str, Any] | None = None,
    today: datetime.date = TODAY,
) -> Verdict:
    """What a rule says about `subject` in a stack of it and `others`."""
    stack = Stack([subject, *others])
    outcomes = judge(rule, subject, stack=stack, config=config or {}, today=today)
    _check_texts(rule, outcomes)
    return Verdict(
        found=[outcome.found for outcome in outcomes if isinstance(outcome, Violation)],
        unknown=[outcome.path for outcome in outcomes if isinstance(outcome, NotYetKnown)],
        not_applicable=[outcome.reason for outcome in outcomes if isinstance(outcome, NotApplicable)],
        exempted=[outcome.violation.found for outcome in outcomes if isinstance(outcome, Exempted)],
    )


MESSAGES = Path(__file__).with_name("messages.txt")
"""Every text that the rules say in these tests, one a line, for people to read and for the tests to hold.

`UPDATE_MESSAGES=1 pytest tests/policy` writes it anew.
"""
_UPDATING = os.environ.get("UPDATE_MESSAGES") == "1"
_said: set[str] = set()


@functools.cache
def _known() -> frozenset[str]:
    return frozenset(MESSAGES.read_text(encoding="utf-8").splitlines())


def _check_texts(rule: Rule, outcomes: Iterable[Outcome]) -> None:
    if rule.id not in BY_ID:
        return
    lines = [f"{rule.id}: {_text(outcome)}" for outcome in outcomes]
    if _UPDATING:
        _said.update(lines)
    else:
        unknown = [line for line in lines if line not in _known()]
        assert not unknown, f"not in {MESSAGES.name}: {unknown}"


def _text(outcome: Outcome) -> str:
    match outcome:
        case Violation():
            fix = f" | fix: {outcome.fix}" if outcome.fix else ""
            return f"{outcome.found} | expected: {outcome.expected}{fix}"
        case NotYetKnown():
            return f"not yet known: {outcome.path} {outcome.why}"
        case NotApplicable():
            return f"not applicable: {outcome.reason}"
        case Exempted():
            return f"exempted: {_text(outcome.violation)}"


def _write() -> None:
    if _said:
        MESSAGES.write_text("".join(f"{line}\n" for line in sorted(_said)), encoding="utf-8")


atexit.register(_write)
