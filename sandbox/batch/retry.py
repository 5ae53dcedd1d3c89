"""Whether a failed attempt is repeated."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.batch.model import Json


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one attempt ended."""

    exit_code: int | None
    """None: the container never ran."""
    reason: str | None = None
    """The container's own reason, for example `CannotPullContainerError: ...`."""
    status_reason: str = "Essential container in task exited"
    timed_out: bool = False


def is_repeated(strategy: Json, attempts: int, outcome: Outcome) -> bool:
    """By the job's retry strategy.

    The first condition of `evaluateOnExit` that matches decides; if none does, the attempt is repeated. A condition
    matches when all of its patterns do. What timed out is never repeated.

    Args:
        strategy: `attempts` and `evaluateOnExit`.
        attempts: how many there were.
        outcome: of the last one.
    """
    if outcome.timed_out or attempts >= strategy["attempts"]:
        return False
    for condition in strategy.get("evaluateOnExit", []):
        if _matches(condition, outcome):
            return condition["action"].upper() == "RETRY"
    return True


def _matches(condition: Json, outcome: Outcome) -> bool:
    facts = {
        "onExitCode": "" if outcome.exit_code is None else str(outcome.exit_code),
        "onReason": outcome.reason or "",
        "onStatusReason": outcome.status_reason,
    }
    return all(_fits(condition[member], fact) for member, fact in facts.items() if member in condition)


def _fits(pattern: str, fact: str) -> bool:
    """A pattern may end in an asterisk; nowhere else has one a meaning."""
    if pattern.endswith("*"):
        return fact.startswith(pattern[:-1])
    return fact == pattern
