"""ECR lifecycle policies: the rules in a document, and which of them expire what.

Semantics from the ECR user guide, "Lifecycle policy properties": rules apply from the lowest priority number up, and an
image that matches the tags of one rule is hidden from all later ones. A transition moves an image to the archive, where
only rules for that storage class see it; it expires nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from .values import MalformedError, Node

AGES: Final = frozenset({"sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned"})
COUNT: Final = "imageCountMoreThan"
STANDARD: Final = "standard"
ARCHIVE: Final = "archive"


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
    prefixes = tuple(item.text() for item in selection["tagPrefixList"].items())
    patterns = tuple(item.text() for item in selection["tagPatternList"].items())
    if tag_status == "tagged" and not prefixes and not patterns:
        raise MalformedError(
            selection.path, "for tagged images without a tag list", "with tagPrefixList or tagPatternList"
        )
    if tag_status != "tagged" and (prefixes or patterns):
        raise MalformedError(selection.path, f"for {tag_status} images with a tag list", "without tag lists")
    if count_type in AGES:
        _choice(selection["countUnit"], ("days",))
    return LifecycleRule(
        path=rule.path,
        priority=_whole(rule["rulePriority"]),
        tag_status=tag_status,
        prefixes=prefixes,
        patterns=patterns,
        count_type=count_type,
        count=_whole(selection["countNumber"]),
        action=_choice(action["type"], ("expire", "transition")),
        storage_class=selection["storageClass"].text(STANDARD).lower(),
    )


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
    if first is None or first.action == "expire":
        return first
    return None if storage_class == ARCHIVE else _ending(rules, takes, ARCHIVE)
