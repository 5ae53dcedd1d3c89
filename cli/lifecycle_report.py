"""How `slipway lifecycle` says what a lifecycle policy would do."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cli.console import answer, print_table, size_text
from policy.guardrails.lifecycle import LifecycleRule
from policy.guardrails.lifecycle_simulation import Action, Verdict

WORDS: Final = {Action.KEEP: "stays", Action.EXPIRE: "expires", Action.ARCHIVE: "archived"}
_SHORT_DIGEST: Final = 19
_COLUMNS: Final = ("DIGEST", "TAGS", "AGE", "SIZE", "VERDICT", "RULE", "WHY")


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Where ECR's own preview says something else about an image."""

    digest: str
    simulated: str
    """`expires by rule 3`, or `stays`."""
    ecr: str


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What a lifecycle policy would do at a time."""

    stack: str
    pipeline: str
    repository: str
    policy_from: str
    """Where the policy was read, for the reader."""
    at: datetime.datetime
    verdicts: Sequence[Verdict]
    """The newest image first."""
    differences: Sequence[Difference] | None = None
    """None if ECR wasn't asked."""

    def of(self, action: Action) -> list[Verdict]:
        """The verdicts with one outcome."""
        return [verdict for verdict in self.verdicts if verdict.action is action]


def document(outlook: Outlook) -> Mapping[str, Any]:
    """For programs."""
    return {
        "stack": outlook.stack,
        "pipeline": outlook.pipeline,
        "repository": outlook.repository,
        "policyFrom": outlook.policy_from,
        "at": outlook.at.isoformat(),
        "images": [
            {
                "digest": verdict.image.digest,
                "tags": list(verdict.image.tags),
                "pushedAt": verdict.image.pushed_at.isoformat(),
                "sizeBytes": verdict.image.size_bytes,
                "storageClass": verdict.image.storage_class,
                "action": verdict.action.value,
                "rulePriority": verdict.rule.priority if verdict.rule else None,
                "why": verdict.why,
                "shieldedFrom": [rule.priority for rule in verdict.shielded_from],
            }
            for verdict in outlook.verdicts
        ],
        "totals": {
            action.value: {"images": len(outlook.of(action)), "sizeBytes": _size(outlook.of(action))}
            for action in Action
        },
        "differences": None
        if outlook.differences is None
        else [{"digest": item.digest, "simulated": item.simulated, "ecr": item.ecr} for item in outlook.differences],
    }


def show(outlook: Outlook) -> None:
    """For people."""
    head = f"{outlook.pipeline}: {outlook.repository} at {outlook.at.isoformat(timespec='seconds')}, by the policy of "
    answer.print(head + outlook.policy_from)
    if outlook.verdicts:
        print_table(_COLUMNS, [_row(outlook, verdict) for verdict in outlook.verdicts], prose=["RULE", "WHY"])
        _show_totals(outlook)
    else:
        answer.print("  no images")
    if outlook.differences is not None:
        _show_differences(outlook.differences)


def _row(outlook: Outlook, verdict: Verdict) -> tuple[str, ...]:
    image = verdict.image
    return (
        image.digest[:_SHORT_DIGEST],
        "\n".join(image.tags) or "(none)",
        f"{(outlook.at - image.pushed_at) / datetime.timedelta(days=1):.1f} d",
        size_text(image.size_bytes),
        WORDS[verdict.action],
        _rule(verdict.rule),
        "; ".join((verdict.why, *_shielded(verdict))),
    )


def _rule(rule: LifecycleRule | None) -> str:
    if rule is None:
        return "none"
    return f"{rule.priority}: {rule.description}" if rule.description else str(rule.priority)


def _shielded(verdict: Verdict) -> list[str]:
    """What would become of an image that stays, had its rule not selected it first."""
    if verdict.action is not Action.KEEP or not verdict.shielded_from:
        return []
    return [f"so rule {verdict.shielded_from[0].priority} can't take it"]


def _show_totals(outlook: Outlook) -> None:
    expired, archived = outlook.of(Action.EXPIRE), outlook.of(Action.ARCHIVE)
    parts = [f"{len(expired)} of {len(outlook.verdicts)} images expire, {size_text(_size(expired))}"]
    if archived:
        parts.append(f"{len(archived)} go to the archive, {size_text(_size(archived))}")
    answer.print(f"\n{'; '.join(parts)}. Layers that other images share stay, so less may be freed.")


def _show_differences(differences: Sequence[Difference]) -> None:
    if not differences:
        answer.print("ECR's own preview says the same.")
        return
    answer.print(f"ECR's own preview says something else of {len(differences)}:")
    for item in differences:
        answer.print(f"  {item.digest}: {item.simulated} here, {item.ecr} by ECR")


def _size(verdicts: Sequence[Verdict]) -> int:
    return sum(verdict.image.size_bytes for verdict in verdicts)
