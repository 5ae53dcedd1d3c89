"""ECR lifecycle policies: the rules in a document, and which of them expire what.

Semantics from the ECR user guide, "Lifecycle policy properties": rules apply from the lowest priority number up, and an
image that matches the tags of one rule is hidden from all later ones. A transition moves an image to the archive, where
only rules for that storage class see it; it expires nothing. `lifecycle_simulation` applies rules to images.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from .values import MalformedError, Node, shown

PUSHED: Final = "sinceImagePushed"
PULLED: Final = "sinceImagePulled"
TRANSITIONED: Final = "sinceImageTransitioned"
AGES: Final = frozenset({PUSHED, PULLED, TRANSITIONED})
COUNT: Final = "imageCountMoreThan"
STANDARD: Final = "standard"
ARCHIVE: Final = "archive"
EXPIRE: Final = "expire"
TRANSITION: Final = "transition"
MOST_WILDCARDS: Final = 4
"""In one entry of tagPatternList."""
LEAST_ARCHIVE_DAYS: Final = 90
"""ECR keeps, and bills, an archived image that long [ECR user guide, "Examples of lifecycle policies"]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleRule:
    """One rule of a lifecycle policy."""

    path: str
    priority: int
    tag_status: str
    """`tagged`, `untagged` or `any`."""
    prefixes: tuple[str, ...]
    patterns: tuple[str, ...]
    count_type: str
    count: int
    """Images for imageCountMoreThan, else days."""
    action: str
    """`expire` or `transition`."""
    storage_class: str
    """Which images it sees: `standard` or `archive`."""
    description: str = ""

    @property
    def takes_untagged(self) -> bool:
        return self.tag_status in {"untagged", "any"}

    @property
    def takes_all_tagged(self) -> bool:
        """An image must match every entry of a list, so only `*` alone takes them all."""
        if self.tag_status == "tagged":
            return bool(self.patterns) and all(set(pattern) == {"*"} for pattern in self.patterns)
        return self.tag_status == "any"


def parse(policy: Node) -> list[LifecycleRule]:
    """The rules by priority. Raises `MalformedError` for what ECR refuses in a single rule."""
    rules = policy.document()["rules"]
    return sorted((_parse_rule(rule) for rule in rules.items()), key=lambda rule: rule.priority)


def _parse_rule(rule: Node) -> LifecycleRule:
    selection, action = rule["selection"], rule["action"]
    tag_status = _choice(selection["tagStatus"], ("tagged", "untagged", "any"))
    count_type = _choice(selection["countType"], (COUNT, *sorted(AGES)))
    prefixes, patterns = _tag_lists(selection, tag_status)
    _check_unit(selection["countUnit"], count_type)
    parsed = LifecycleRule(
        path=rule.path,
        priority=_whole(rule["rulePriority"]),
        tag_status=tag_status,
        prefixes=prefixes,
        patterns=patterns,
        count_type=count_type,
        count=_whole(selection["countNumber"]),
        action=_choice(action["type"], (EXPIRE, TRANSITION)),
        storage_class=selection["storageClass"].text(STANDARD).lower(),
        description=rule["description"].text(""),
    )
    _check_storage(selection, action, parsed)
    return parsed


def _tag_lists(selection: Node, tag_status: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    prefixes = tuple(item.text() for item in selection["tagPrefixList"].items())
    patterns = tuple(item.text() for item in selection["tagPatternList"].items())
    if tag_status == "tagged" and not prefixes and not patterns:
        raise MalformedError(
            selection.path, "for tagged images without a tag list", "with tagPrefixList or tagPatternList"
        )
    if tag_status != "tagged" and (prefixes or patterns):
        raise MalformedError(selection.path, f"for {tag_status} images with a tag list", "without tag lists")
    if prefixes and patterns:
        raise MalformedError(selection.path, "with tagPrefixList and tagPatternList", "with one of the two")
    for item in selection["tagPatternList"].items():
        if item.text().count("*") > MOST_WILDCARDS:
            found = f"a pattern with {item.text().count('*')} wildcards"
            raise MalformedError(item.path, found, f"one with {MOST_WILDCARDS} at most")
    return prefixes, patterns


def _check_unit(unit: Node, count_type: str) -> None:
    if count_type in AGES:
        _choice(unit, ("days",))
    elif not unit.missing:
        raise MalformedError(unit.path, f"set for {count_type}", "left out: a number of images has no unit")


def _check_storage(selection: Node, action: Node, rule: LifecycleRule) -> None:
    """What goes together: a count type, the class of the images that it sees, and what becomes of them."""
    wanted = ARCHIVE if rule.count_type == TRANSITIONED else STANDARD
    if rule.storage_class != wanted:
        found = shown(rule.storage_class)
        raise MalformedError(selection["storageClass"].path, f"{found} for {rule.count_type}", wanted)
    fixed = {PULLED: TRANSITION, TRANSITIONED: EXPIRE}.get(rule.count_type, rule.action)
    if rule.action != fixed:
        raise MalformedError(action["type"].path, f"'{rule.action}' for {rule.count_type}", fixed)
    if rule.action == TRANSITION:
        _choice(action["targetStorageClass"], (ARCHIVE,))
    if rule.count_type == TRANSITIONED and rule.count < LEAST_ARCHIVE_DAYS:
        expected = f"{LEAST_ARCHIVE_DAYS} or more: ECR keeps an archived image that long"
        raise MalformedError(selection["countNumber"].path, str(rule.count), expected)


def _choice(node: Node, choices: Sequence[str]) -> str:
    if node.missing or not node.is_text or node.text() not in choices:
        found = f"{node.text()!r}" if not node.missing and node.is_text else node.malformed("").found
        raise MalformedError(node.path, found, " or ".join(choices))
    return node.text()


def _whole(node: Node) -> int:
    """A whole number of 1 or more; ECR refuses a number that is written as text."""
    if node.missing:
        raise node.malformed("a whole number")
    number = node.number(strict=True)
    if number < 1 or number != int(number):
        raise MalformedError(node.path, str(number), "a whole number of 1 or more")
    return int(number)


def refusals(rules: Sequence[LifecycleRule]) -> Iterator[str]:
    """Why ECR refuses the rules together."""
    priorities = [rule.priority for rule in rules]
    yield from (
        f"rulePriority {priority} is used more than once"
        for priority in sorted(set(priorities))
        if priorities.count(priority) > 1
    )
    for storage_class in (STANDARD, ARCHIVE):
        seen = [rule for rule in rules if rule.storage_class == storage_class]
        for rule in seen[:-1]:
            if rule.tag_status == "any":
                yield f"the rule for any image (rulePriority {rule.priority}) isn't the last one"
        if sum(rule.tag_status == "untagged" for rule in seen) > 1:
            yield "there is more than one rule for untagged images"
        lists = [sorted({*rule.prefixes, *rule.patterns}) for rule in seen if rule.tag_status == "tagged"]
        for repeated in (tags for index, tags in enumerate(lists) if tags in lists[:index]):
            yield f"more than one rule selects the tags {shown(', '.join(repeated))}"


def ending_of_untagged(rules: Sequence[LifecycleRule]) -> LifecycleRule | None:
    """The rule that expires untagged images, if one does."""
    return _ending(rules, lambda rule: rule.takes_untagged)


def ending_of_tagged(rules: Sequence[LifecycleRule]) -> LifecycleRule | None:
    """The rule that expires tagged images that no special rule selects, if one does."""
    return _ending(rules, lambda rule: rule.takes_all_tagged)


def _ending(
    rules: Sequence[LifecycleRule], takes: Callable[[LifecycleRule], bool], storage_class: str = STANDARD
) -> LifecycleRule | None:
    """The first rule decides, since it hides its images from the later ones; a transition passes them on."""
    first = next((rule for rule in rules if rule.storage_class == storage_class and takes(rule)), None)
    if first is None or first.action == EXPIRE:
        return first
    return None if storage_class == ARCHIVE else _ending(rules, takes, ARCHIVE)
