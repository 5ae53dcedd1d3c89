"""Resources carry the tags that say whose they are."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from .resources import Resource
from .rules import Finding, Level, NotApplicable, Rule, Settings, Severity, Violation
from .values import MISSING, Node, NotYetKnownError

_WITHOUT_DEFAULT_TAGS: Final = frozenset({"autoscaling:Group"})
"""Kinds that the provider's default tags don't reach; their tags are a list."""


@cache
def taggable() -> frozenset[str]:
    """The kinds of resources that take tags, from `taggable.txt`: a module a line, then its resources."""
    lines = Path(__file__).with_name("taggable.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(f"{module}:{name}" for module, *names in map(str.split, lines) for name in names)


def check_required_tags(resource: Resource, settings: Settings) -> Iterator[Finding]:
    required = settings.texts("tags")
    if not required:
        yield NotApplicable("the configuration requires no tag")
        return
    if resource.kind not in taggable():
        yield NotApplicable("it takes no tags")
        return
    given = _tags_of(resource["tags"]) if resource["tags"].known else None
    inherited: Mapping[str, Node] = {}
    if resource.kind not in _WITHOUT_DEFAULT_TAGS:
        inherited = Node(resource.provider.get("defaultTags", MISSING), "defaultTags").document()["tags"].fields()
    missing = [tag for tag in required if not _is_set(tag, given or {}) and not _is_set(tag, inherited)]
    if not missing:
        return
    if given is None:
        raise NotYetKnownError("tags")
    yield Violation(found=f"it lacks the tags {', '.join(missing)}", expected=f"the tags {', '.join(required)}")


def _tags_of(tags: Node) -> Mapping[str, Node]:
    """Key -> value, of an object or of a list of {key, value}."""
    if not tags.is_list:
        return tags.fields()
    return {item["key"].text(): item["value"] for item in tags.items()}


def _is_set(tag: str, tags: Mapping[str, Node]) -> bool:
    """Whether a tag is there and not empty; an unknown value will be something."""
    value = tags.get(tag)
    return value is not None and (not value.known or bool(value.text("").strip()))


REQUIRED_TAGS: Final = Rule(
    id="required-tags",
    level=Level.ADVISORY,
    severity=Severity.LOW,
    title="Resources are tagged",
    description="Each resource that takes tags has the required ones, itself or by the provider's default tags.",
    why="Without them nobody can tell who pays for a resource, who may delete it, and what made it.",
    fix="Pass the tags to the resource, or set defaultTags on the provider; keys mind the case, values aren't empty.",
    link="https://docs.aws.amazon.com/whitepapers/latest/tagging-best-practices/tagging-best-practices.html",
    kinds=("*",),
    peers=("AWS Config required-tags", "AWSGuard (none)", "Security Hub *.tagged controls"),
    schema={
        "tags": {
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "default": ["Project", "Stack", "ManagedBy"],
            "description": "Keys of the tags that each resource has.",
        }
    },
    check=check_required_tags,
)

RULES: Final = (REQUIRED_TAGS,)
