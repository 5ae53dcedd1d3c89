"""What an image is built from, as far as the build's own properties tell."""

from typing import Final

from .resources import Resource
from .values import MalformedError, Node, NotYetKnownError

_PARTS: Final = ("context", "path", "dockerfile", "target", "buildArgs", "buildArg", "args")
"""Of a build, or of what it has under `build`: each is text, or an object of texts."""


def sources_of(build: Resource) -> frozenset[tuple[str, str]]:
    """Context, Dockerfile, target and arguments; empty if none is told, or if one of them isn't known yet."""
    found: set[tuple[str, str]] = set()
    try:
        inner = build["build"]
        nested = not inner.missing and inner.is_object
        for part in _PARTS:
            found |= _texts(inner[part] if nested else build[part])
        if not nested:
            # The path of the context: as much as an object with it alone.
            found |= _texts(Node(inner.raw, f"{inner.path}.context"))
    except (MalformedError, NotYetKnownError):
        return frozenset()
    return frozenset(found)


def _texts(node: Node) -> set[tuple[str, str]]:
    if node.missing:
        return set()
    values = node.fields().values() if node.is_object else [node]
    # What an object holds besides texts, such as contexts by name, tells no builds apart.
    return {(value.path, value.text()) for value in values if not value.missing and value.is_text}
