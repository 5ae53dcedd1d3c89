"""What a lifecycle policy does with the images of a repository, by ECR's own semantics; reads and changes nothing.

From the ECR user guide, "Lifecycle policy evaluation rules": all rules are evaluated at once, on all images; then they
are applied from the lowest priority number up. An image that matches the tags of a rule can't be touched by any later
one, whether the first one touches it or not, but later rules still count it. At most one rule acts on an image. Rules
for the archive see archived images only, all others see none of those.

What that page leaves open, and what is taken here:

- "older than N days" is more than N times 24 hours; images pushed at the same instant are ordered by digest.
- A restored image counts from its restoration wherever its push would count, not only where images are ordered.
- Reference artifacts (signatures, SBOMs: manifests with a subject) go where their subject goes. No rule selects them by
  itself and none counts them: else "untagged" would delete each signature.
- An image that an index refers to stays as long as the index is there, but is counted.
"""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from . import lifecycle
from .lifecycle import ARCHIVE, COUNT, EXPIRE, PULLED, STANDARD, TRANSITIONED, LifecycleRule
from .values import MalformedError, Node, NotYetKnownError, plain

RESTORING: Final = "restoring"
"""Storage class of an image on its way back from the archive, which takes minutes. No rule selects it."""

_DAY: Final = datetime.timedelta(days=1)


class LifecyclePolicyError(Exception):
    """A document that ECR would refuse as a lifecycle policy; the text says what was found and what is expected."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image, index or artifact of a repository. All times have a time zone."""

    digest: str
    tags: tuple[str, ...] = ()
    pushed_at: datetime.datetime
    pulled_at: datetime.datetime | None = None
    """Last recorded pull; None if it was never pulled."""
    storage_class: str = STANDARD
    """`standard`, `archive` or `restoring`."""
    archived_at: datetime.datetime | None = None
    """Last transition to the archive; known of each archived image."""
    restored_at: datetime.datetime | None = None
    """Last return from the archive."""
    size_bytes: int = 0
    members: tuple[str, ...] = ()
    """Digests that it refers to, if it is an index (a manifest list)."""
    subject: str = ""
    """Digest that it is about, if it is a reference artifact."""

    def __post_init__(self) -> None:
        times = (self.pushed_at, self.pulled_at, self.archived_at, self.restored_at)
        if any(time is not None and time.tzinfo is None for time in times):
            raise ValueError(f"{self.digest} has a time without a time zone.")
        if self.storage_class == ARCHIVE and self.archived_at is None:
            raise ValueError(f"{self.digest} is archived, but not said since when.")

    @property
    def age_starts(self) -> datetime.datetime:
        """Its push, or its restoration from the archive if there was one."""
        return self.restored_at or self.pushed_at


class Action(StrEnum):
    KEEP = "keep"
    EXPIRE = "expire"
    ARCHIVE = "archive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What happens to one image."""

    image: Image
    action: Action
    rule: LifecycleRule | None
    """The only rule that may act on it, whether it does or not; None if no rule selects it."""
    why: str
    """For people: `pushed 15 days ago, more than 14`."""
    shielded_from: tuple[LifecycleRule, ...] = ()
    """Later rules that would have acted on it, had that rule not selected it first."""


def read_policy(policy: str | Mapping[str, object]) -> list[LifecycleRule]:
    """The rules of a policy, given as JSON text or as its object, by priority.

    Raises:
        LifecyclePolicyError: ECR would refuse it.
    """
    node = Node(plain(policy), "policy")
    try:
        if node.document()["rules"].missing:
            raise LifecyclePolicyError(["policy.rules is missing, expected a list of rules"])
        rules = lifecycle.parse(node)
    except MalformedError as error:
        raise LifecyclePolicyError([f"{error.path} is {error.found}, expected {error.expected}"]) from None
    except NotYetKnownError as error:
        raise LifecyclePolicyError([f"{error.path} {error.why}, expected a value"]) from None
    if refused := list(lifecycle.refusals(rules)):
        raise LifecyclePolicyError(refused)
    return rules


def simulate(rules: Sequence[LifecycleRule], images: Iterable[Image], at: datetime.datetime) -> list[Verdict]:
    """What the rules do at a time, image by image, in the order of the listing.

    Args:
        rules: as `read_policy` returns them.
        images: the whole listing of the repository; digests are unique.
        at: when ECR evaluates; with a time zone.
    """
    listed = list(images)
    by_digest = {image.digest: image for image in listed}
    ordered = sorted(rules, key=lambda rule: rule.priority)
    marks = [_Marks(rule, listed, at) for rule in ordered]
    holders = {
        member: image.digest
        for image in sorted(listed, key=lambda image: image.digest)
        if image.storage_class != ARCHIVE
        for member in image.members
        if member != image.digest
    }
    verdicts = {
        image.digest: _verdict(image, marks, holders.get(image.digest)) for image in listed if not image.subject
    }
    return [_with_subject(image, verdicts, by_digest) if image.subject else verdicts[image.digest] for image in listed]


class _Marks:
    """What one rule alone would do: the images that it selects, newest first, and whether it acts on each."""

    def __init__(self, rule: LifecycleRule, images: Sequence[Image], at: datetime.datetime) -> None:
        self.rule = rule
        self._at = at
        selected = sorted((image for image in images if selects(rule, image)), key=lambda image: image.digest)
        selected.sort(key=lambda image: _starts(rule, image), reverse=True)  # which leaves equals in their order
        self.positions = {image.digest: position for position, image in enumerate(selected, start=1)}

    def acts_on(self, image: Image) -> bool:
        if image.digest not in self.positions:
            return False
        if self.rule.count_type == COUNT:
            return self.positions[image.digest] > self.rule.count
        # Whole days and the rest: a count of days can be more than a timedelta holds.
        days, rest = divmod(self._at - _starts(self.rule, image), _DAY)
        return days > self.rule.count or (days == self.rule.count and bool(rest))

    def why(self, image: Image) -> str:
        if self.rule.count_type == COUNT:
            return f"number {self.positions[image.digest]} of {len(self.positions)} by age, {self.rule.count} stay"
        days = (self._at - _starts(self.rule, image)) / _DAY
        compared = "more than" if self.acts_on(image) else "not more than"
        return f"{_EVENTS[self.rule.count_type]} {days:.1f} days ago, {compared} {self.rule.count}"


_EVENTS: Final = {
    lifecycle.PUSHED: "pushed",
    PULLED: "last used",
    TRANSITIONED: "archived",
}


def _starts(rule: LifecycleRule, image: Image) -> datetime.datetime:
    """From when a rule counts an image's age."""
    if rule.count_type == TRANSITIONED:
        return image.archived_at or image.pushed_at
    if rule.count_type == PULLED and image.pulled_at is not None:
        return max(image.pulled_at, image.restored_at or image.pulled_at)
    return image.age_starts


def selects(rule: LifecycleRule, image: Image) -> bool:
    """Whether an image has the storage class and meets the tagging requirements of a rule."""
    if image.storage_class != rule.storage_class or image.subject:
        return False
    match rule.tag_status:
        case "untagged":
            return not image.tags
        case "any":
            return True
        case _:
            # Each entry needs a tag; one tag may do for several, and different ones for each.
            return all(any(tag.startswith(prefix) for tag in image.tags) for prefix in rule.prefixes) and all(
                any(matches(pattern, tag) for tag in image.tags) for pattern in rule.patterns
            )


def matches(pattern: str, tag: str) -> bool:
    """Whether a tag matches a pattern as a whole; `*` is any text, also none, and nothing else is special."""
    first, *rest = pattern.split("*")
    if not rest:
        return tag == pattern
    *middle, last = rest
    position, end = len(first), len(tag) - len(last)
    if position > end or not tag.startswith(first) or not tag.endswith(last):
        return False
    for part in middle:
        found = tag.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return True


def _verdict(image: Image, marks: Sequence[_Marks], holder: str | None) -> Verdict:
    first = next((mark for mark in marks if image.digest in mark.positions), None)
    if first is None:
        why = "being restored from the archive" if image.storage_class == RESTORING else "no rule selects it"
        return Verdict(image=image, action=Action.KEEP, rule=None, why=why)
    shielded_from = tuple(mark.rule for mark in marks if mark is not first and mark.acts_on(image))
    action, why = Action.KEEP, first.why(image)
    if first.acts_on(image):
        if holder is None:
            action = Action.EXPIRE if first.rule.action == EXPIRE else Action.ARCHIVE
        else:
            why = f"the index {holder} refers to it"
    return Verdict(image=image, action=action, rule=first.rule, why=why, shielded_from=shielded_from)


def _with_subject(image: Image, verdicts: Mapping[str, Verdict], by_digest: Mapping[str, Image]) -> Verdict:
    """The fate of a reference artifact: that of what it is about in the end, which may be an artifact itself."""
    seen, subject = {image.digest}, by_digest.get(image.subject)
    while subject is not None and subject.subject and subject.digest not in seen:
        seen.add(subject.digest)
        subject = by_digest.get(subject.subject)
    if subject is None:
        return Verdict(image=image, action=Action.EXPIRE, rule=None, why="what it refers to is gone")
    verdict = verdicts.get(subject.digest)
    if verdict is None:
        return Verdict(image=image, action=Action.KEEP, rule=None, why="refers to itself")
    action = Action.KEEP if image.storage_class == ARCHIVE and verdict.action is Action.ARCHIVE else verdict.action
    return Verdict(image=image, action=action, rule=verdict.rule, why=f"goes with {subject.digest}")
