"""What a pull request, or time, would do to one stack: the changes and the policy pack's verdict, as one JSON document.

Two makers: the offline engine, which compares two states of the program and needs no account, and the event log of a
real `pulumi preview`. A report of a pull request from a fork was made by the fork's own code: reading one checks every
type.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from cli.errors import CliError

OPERATIONS: Final = ("replace", "delete", "update", "create")
"""The gravest first."""
OFFLINE, PREVIEW, DRIFT = "offline", "preview", "drift"
_MAX_DIFF_CHARACTERS: Final = 200_000
_MAX_BYTES: Final = 20_000_000
_REPLACING: Final = frozenset({"replace", "create-replacement", "delete-replaced", "import-replacement"})
_VALUE_CHARACTERS: Final = 80


@dataclass(frozen=True, kw_only=True)
class ReportedChange:
    """What happens to one resource."""

    operation: str
    """One of `OPERATIONS`."""
    type: str
    name: str
    protected: bool = False
    """The engine refuses to replace or delete it."""
    retained: bool = False
    """It stays in AWS when it is deleted here."""
    holds_data: bool = False
    paths: tuple[str, ...] = ()
    """What differs, with the values where they are short and no secret: `timeout: 3 -> 10`."""
    forced_by: tuple[str, ...] = ()
    """The properties that can't be changed in place."""


@dataclass(frozen=True, kw_only=True)
class ReportedViolation:
    """One violation of the policy pack."""

    level: str
    """`mandatory` or `advisory`."""
    policy: str
    resource: str
    message: str


@dataclass(frozen=True, kw_only=True)
class StackReport:
    """What would happen to one stack."""

    stack: str
    source: str
    """`offline`, `preview` (the real engine) or `drift`."""
    compared: bool = True
    """False: there was nothing to compare with, so that everything is new."""
    error: str = ""
    """Why there are no changes to tell of."""
    changes: tuple[ReportedChange, ...] = ()
    violations: tuple[ReportedViolation, ...] = ()
    diff: str = ""
    """The engine's own text."""

    def count(self, operation: str) -> int:
        """How many resources have this operation."""
        return sum(change.operation == operation for change in self.changes)

    @property
    def mandatory(self) -> int:
        """How many violations stop a deployment."""
        return sum(violation.level == "mandatory" for violation in self.violations)


def short(value: object) -> str:
    """A value on one line; the middle of a long one is left out: a digest differs at its end."""
    text = "absent" if value is None else json.dumps(value, ensure_ascii=False, default=repr)
    half = _VALUE_CHARACTERS // 2
    return text if len(text) <= _VALUE_CHARACTERS else f"{text[:half]}…{text[-half + 1 :]}"


def from_event_log(stack: str, source: str, lines: Sequence[str], diff: str = "") -> StackReport:
    """Read the event log of the real engine [pulumi, sdk/go/common/apitype/events.go].

    Args:
        lines: one JSON document each.
        diff: what the engine printed.
    """
    changes: dict[str, ReportedChange] = {}
    violations: list[ReportedViolation] = []
    errors: list[str] = []
    for event in _events(lines):
        if "resourcePreEvent" in event:
            change = _change(event["resourcePreEvent"].get("metadata", {}))
            urn = event["resourcePreEvent"].get("metadata", {}).get("urn", "")
            # A replacement comes as several steps of one resource; the one that tells most is kept.
            if change and len(change.paths) >= len(changes[urn].paths if urn in changes else ()):
                changes[urn] = change
        elif "policyEvent" in event:
            violations.append(_violation(event["policyEvent"]))
        elif event.get("diagnosticEvent", {}).get("severity") == "error":
            errors.append(_plain_text(event["diagnosticEvent"].get("message", "")))
    ordered = sorted(changes.values(), key=lambda item: (OPERATIONS.index(item.operation), item.type, item.name))
    # What a policy refuses is told as a violation, not as an error of the engine.
    error = "" if violations else "\n".join(errors).strip()
    return StackReport(
        stack=stack,
        source=source,
        error=error,
        changes=tuple(ordered),
        violations=tuple(sorted(violations, key=lambda item: (item.level != "mandatory", item.policy, item.resource))),
        diff=diff[:_MAX_DIFF_CHARACTERS],
    )


def _events(lines: Sequence[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if line.strip():
            try:
                event: object = json.loads(line)
            except ValueError as error:
                raise CliError(f"The engine's event log has a line that is no JSON: {line[:80]!r}") from error
            if isinstance(event, dict):
                yield cast("dict[str, Any]", event)


def _change(metadata: Mapping[str, Any]) -> ReportedChange | None:
    from engine.replacement import HOLDS_DATA

    operation = str(metadata.get("op", ""))
    operation = "replace" if operation in _REPLACING else operation
    operation = "create" if operation == "import" else operation
    type_ = str(metadata.get("type", ""))
    if operation not in OPERATIONS or type_.startswith("pulumi:"):
        return None
    state: Mapping[str, Any] = metadata.get("old") or metadata.get("new") or {}
    detailed: Mapping[str, Mapping[str, Any]] = metadata.get("detailedDiff") or {}
    forced = [path for path, item in detailed.items() if str(item.get("diffKind", "")).endswith("-replace")]
    return ReportedChange(
        operation=operation,
        type=type_,
        name=str(metadata.get("urn", "")).rpartition("::")[2],
        protected=bool(state.get("protect")),
        retained=bool(state.get("retainOnDelete")),
        holds_data=type_ in HOLDS_DATA,
        paths=tuple(sorted(detailed or metadata.get("diffs") or ())),
        forced_by=tuple(sorted(forced or metadata.get("keys") or ())) if operation == "replace" else (),
    )


def _violation(event: Mapping[str, Any]) -> ReportedViolation:
    return ReportedViolation(
        level="mandatory" if event.get("enforcementLevel") == "mandatory" else "advisory",
        policy=str(event.get("policyName", "")),
        resource=str(event.get("resourceUrn") or "").rpartition("::")[2] or "the stack",
        message=_plain_text(str(event.get("message", ""))),
    )


def _plain_text(text: str) -> str:
    """Without the engine's colour directives, which look like `<{%fg 1%}>`."""
    while (start := text.find("<{%")) >= 0 and (end := text.find("%}>", start)) >= 0:
        text = text[:start] + text[end + 3 :]
    return text.strip()


def write_report(report: StackReport, path: Path) -> None:
    """Write a report as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(_to_plain(report), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read_report(path: Path) -> StackReport:
    """Read a report, whoever made it.

    Raises:
        CliError: it can't be read, or has another shape.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise CliError(f"The report {path} has more than {_MAX_BYTES:,} bytes: that is no report.")
        content: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CliError(f"The report {path} can't be read: {error}") from error
    try:
        return _from_plain(_mapping(content))
    except (KeyError, TypeError, ValueError) as error:
        raise CliError(f"{path} is no report of a stack: {error}") from error


def _to_plain(report: StackReport) -> dict[str, Any]:
    return {
        **vars(report),
        "changes": [{**vars(item), "paths": item.paths, "forced_by": item.forced_by} for item in report.changes],
        "violations": [dict(vars(item)) for item in report.violations],
    }


def _from_plain(content: Mapping[str, Any]) -> StackReport:
    changes = [_mapping(item) for item in _list(content["changes"])]
    if strange := {_text(item["operation"]) for item in changes} - set(OPERATIONS):
        raise ValueError(f"unknown operations {strange}")
    return StackReport(
        stack=_text(content["stack"]),
        source=_text(content["source"]),
        compared=content["compared"] is True,
        error=_text(content["error"]),
        changes=tuple(
            ReportedChange(
                operation=_text(item["operation"]),
                type=_text(item["type"]),
                name=_text(item["name"]),
                protected=item["protected"] is True,
                retained=item["retained"] is True,
                holds_data=item["holds_data"] is True,
                paths=tuple(_text(path) for path in _list(item["paths"])),
                forced_by=tuple(_text(path) for path in _list(item["forced_by"])),
            )
            for item in changes
        ),
        violations=tuple(
            ReportedViolation(**{key: _text(item[key]) for key in ("level", "policy", "resource", "message")})
            for item in map(_mapping, _list(content["violations"]))
        ),
        diff=_text(content["diff"])[:_MAX_DIFF_CHARACTERS],
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a text, found {type(value).__name__}")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"expected a list, found {type(value).__name__}")
    return cast("list[Any]", value)


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"expected a mapping, found {type(value).__name__}")
    return cast("Mapping[str, Any]", value)
