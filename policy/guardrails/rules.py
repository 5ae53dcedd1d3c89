"""What a rule is, what it can answer, and how one is run so that it can't fail.

A check is a pure generator: it reads nodes and yields findings. Yielding nothing is a pass. Reading an unknown or
malformed value ends the check for that resource with "not yet known" or a violation; what it found before stays, so a
check looks first at what it can decide without unknown values.
"""

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, Final, TypeVar

from .exemptions import Exemption, exemptions_of
from .resources import Resource, Stack
from .schemas import EXEMPTIONS_SCHEMA, problems_of
from .values import MISSING, MalformedError, Node, NotYetKnownError, plain


class Level(StrEnum):
    """What a violation does: stop the deployment, or be shown."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"


class Severity(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """What is wrong with a resource. `found` never holds a secret."""

    found: str
    """Completes "<resource>: ...", for example "imageTagMutability is 'MUTABLE'"."""
    expected: str
    fix: str = ""
    """Replaces the rule's own remediation where a finding knows better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotYetKnown:
    """A property that has to be known to decide."""

    path: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """Why the rule says nothing about a resource."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exempted:
    """A violation that the pack's configuration allows."""

    violation: Violation
    exemption: Exemption


Finding = Violation | NotYetKnown | NotApplicable
Outcome = Violation | NotYetKnown | NotApplicable | Exempted


class Settings:
    """The configuration of one rule: what was given, else the defaults of its schema."""

    def __init__(self, schema: Mapping[str, Mapping[str, Any]], given: Mapping[str, object]) -> None:
        self._values = {key: plain(given.get(key, definition.get("default"))) for key, definition in schema.items()}

    def __getitem__(self, key: str) -> Node:
        return Node(self._values.get(key, MISSING), key)

    def texts(self, key: str) -> list[str]:
        return [item.text() for item in self[key].items()]

    def number(self, key: str) -> float:
        return self[key].number()

    def flag(self, key: str) -> bool:
        return self[key].flag()


ResourceCheck = Callable[[Resource, Settings], Iterable[Finding]]
StackCheck = Callable[[Resource, Stack, Settings], Iterable[Finding]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule. Exactly one of `check` and `stack_check` is given."""

    id: str
    level: Level
    severity: Severity
    title: str
    description: str
    """One sentence: what must be so."""
    why: str
    """What goes wrong otherwise."""
    fix: str
    """Steps that make a violating resource pass."""
    link: str
    kinds: Sequence[str]
    """Kinds of resources it judges, as `kind_of` names them; `*` at the end or alone stands for any."""
    peers: Sequence[str] = ()
    """Rules of other packs that look at the same thing."""
    schema: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """JSON schema of each setting, with a default and a description."""
    check: ResourceCheck | None = None
    stack_check: StackCheck | None = None

    @property
    def is_stack_rule(self) -> bool:
        return self.stack_check is not None

    @cached_property
    def full_schema(self) -> dict[str, Mapping[str, Any]]:
        """The settings, and the exemptions that each rule has."""
        return {**self.schema, "exemptions": EXEMPTIONS_SCHEMA}

    @cached_property
    def _exact_kinds(self) -> frozenset[str]:
        return frozenset(kind for kind in self.kinds if "*" not in kind)

    @cached_property
    def _kind_patterns(self) -> tuple[str, ...]:
        return tuple(kind for kind in self.kinds if "*" in kind)

    def judges(self, kind: str) -> bool:
        """Whether resources of this kind are its subject."""
        return kind in self._exact_kinds or any(fnmatchcase(kind, pattern) for pattern in self._kind_patterns)

    @cached_property
    def scope(self) -> str:
        """The reason for "not applicable" on any other kind."""
        return f"judges {', '.join(self.kinds)} only"


T = TypeVar("T")

NO_CONFIG: Final[Mapping[str, object]] = {}
NOT_MANAGED: Final = "the stack only reads it, or this update leaves it out"


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A rule's configuration, read once: it is the same for each resource."""

    config: Mapping[str, object]
    problems: Sequence[str]
    settings: Settings
    exemptions: Sequence[Exemption]


_prepared: dict[str, _Prepared] = {}


def _prepare(rule: Rule, config: Mapping[str, object]) -> _Prepared:
    last = _prepared.get(rule.id)
    if last is not None and last.config == config:
        return last
    problems = problems_of(rule.full_schema, config)
    exemptions = [] if problems else exemptions_of(config)
    last = _prepared[rule.id] = _Prepared(config, problems, Settings(rule.schema, config), exemptions)
    return last


def judge(
    rule: Rule,
    resource: Resource,
    *,
    stack: Stack | None = None,
    config: Mapping[str, object] = NO_CONFIG,
    today: datetime.date,
) -> list[Outcome]:
    """The verdict of one rule on one resource; an empty list is a pass. Never raises.

    `config` is the rule's own part of the pack's configuration, without the enforcement level.
    """
    if not rule.judges(resource.kind):
        return [NotApplicable(rule.scope)]
    if not resource.managed:
        return [NotApplicable(NOT_MANAGED)]
    prepared = _prepare(rule, config)
    if prepared.problems:
        return [_broken_configuration(rule, prepared.problems)]
    findings = list(_run(rule, resource, stack, prepared.settings))
    exemptions = [exemption for exemption in prepared.exemptions if exemption.covers(resource.urn)]
    return [_exempted(finding, exemptions, today) for finding in findings]


def _broken_configuration(rule: Rule, problems: Sequence[str]) -> Violation:
    return Violation(
        found=f"the configuration of {rule.id} is not valid ({'; '.join(problems)})",
        expected="a configuration that its schema allows",
        fix="Correct the policy configuration; `slipway policy check-config` lists every problem in it.",
    )


def _run(rule: Rule, resource: Resource, stack: Stack | None, settings: Settings) -> Iterator[Finding]:
    try:
        if rule.stack_check is not None:
            yield from rule.stack_check(resource, stack or Stack([resource]), settings)
        elif rule.check is not None:
            yield from rule.check(resource, settings)
    except (NotYetKnownError, MalformedError) as error:
        yield as_finding(error)
    except Exception as error:
        yield Violation(
            found=f"the rule itself failed with {type(error).__name__}, so nothing is proven",
            expected="a verdict",
            fix=f"Report this as an error of {rule.id}; until it is repaired, exempt the resource with a reason.",
        )


def as_finding(error: NotYetKnownError | MalformedError) -> Violation | NotYetKnown:
    """What reading a property that isn't readable means."""
    if isinstance(error, NotYetKnownError):
        return NotYetKnown(path=error.path, why=error.why)
    return Violation(found=f"{error.path} is {error.found}", expected=f"{error.path} to be {error.expected}")


def each(subjects: Iterable[T], check: Callable[[T], Iterable[Finding]]) -> Iterator[Finding]:
    """Check all subjects, so that one that can't be read doesn't hide the findings in the others."""
    for subject in subjects:
        try:
            yield from check(subject)
        except (NotYetKnownError, MalformedError) as error:
            yield as_finding(error)


def _exempted(finding: Finding, exemptions: Sequence[Exemption], today: datetime.date) -> Outcome:
    if not isinstance(finding, Violation) or not exemptions:
        return finding
    for exemption in exemptions:
        if exemption.holds(today):
            return Exempted(violation=finding, exemption=exemption)
    ended = exemptions[-1]
    return Violation(
        found=f"{finding.found} (the exemption for it ended on {ended.until})",
        expected=finding.expected,
        fix=finding.fix,
    )


def message(rule: Rule, resource: Resource, violation: Violation) -> str:
    """The text of a violation: resource, found, expected, fix."""
    return f"{resource.label}: {violation.found}. Expected: {violation.expected}. Fix: {violation.fix or rule.fix}"


def not_yet_known(resource: Resource, finding: NotYetKnown) -> str:
    """The text of an open verdict."""
    return f"{resource.label}: not yet known: {finding.path} {finding.why}".rstrip()
