"""Which repositories the other stacks of the project run images of, by their stack files.

A promotion writes a digest into the target's stack file. From then on the repository that has it must stay, though the
stack that owns it knows nothing of that by itself.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from components import naming
from components.settings_reader import Problems

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Ten times faster where libyaml is there."""
_REFERENCE = re.compile(r"[^/]+/(?P<repository>[^@]+)@sha256:[0-9a-f]{64}")


def repositories_in_use(problems: Problems, *, root: Path, project: str, stack: str) -> dict[str, tuple[str, ...]]:
    """Repository name -> the other stacks whose files name an image in it, sorted.

    A file that can't be read is a problem: what it names can't be known, and so nothing may be deleted.

    Args:
        root: the project's folder.
        stack: the one to leave out.
    """
    found: dict[str, list[str]] = {}
    for path in sorted(root.glob("Pulumi.*.yaml")):
        other = path.name.removeprefix("Pulumi.").removesuffix(".yaml")
        if other == stack:
            continue
        try:
            content: object = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - both are safe
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            problems.add(path.name, f"a problem ({error})", "a stack file in YAML", f"correct {path.name}")
            continue
        for repository in sorted(set(_repositories(_mapping(_mapping(content).get("config")), project))):
            found.setdefault(repository, []).append(other)
    return {repository: tuple(stacks) for repository, stacks in found.items()}


def _repositories(config: Mapping[str, Any], project: str) -> Iterator[str]:
    """The repositories, of other stacks too, that a stack's configuration has images in."""
    values = {key.removeprefix(f"{project}:"): value for key, value in config.items()}
    shared = values.get("registry") == "shared"
    for name, entry in _mapping(values.get("pipelines")).items():
        image = _mapping(entry).get("image")
        match = _REFERENCE.fullmatch(image) if isinstance(image, str) else None
        if match:
            yield match["repository"]
        elif shared:
            yield naming.repository_name(project, naming.SHARED_STACK, name)


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        return {}
    return {str(key): item for key, item in cast("dict[object, Any]", value).items()}
