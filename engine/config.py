"""The configuration that the Pulumi CLI would hand to the program: project file, then stack file.

Both files are read as the CLI reads them [Pulumi documentation, "Project file reference"]: a key without a namespace
belongs to the project, a declared `default` or `value` applies where the stack sets nothing, and a declared type is
checked. `pulumi config set` writes every plain value as text, so `"5"` is an integer and `"true"` a boolean, too. A
number where a string is declared is refused, which the CLI takes for its text: YAML has already read 1.10 as 1.1.
Values reach the program as strings; numbers, booleans, lists and mappings as JSON.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from engine.errors import ConfigError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Ten times faster where libyaml is there."""

_TEXTS: Mapping[str, re.Pattern[str]] = {
    "integer": re.compile(r"[+-]?[0-9]+"),
    "boolean": re.compile(r"true|false"),
}
"""What a value of the type looks like as text."""

_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


@dataclass(frozen=True)
class Project:
    """What `Pulumi.yaml` says."""

    name: str
    root: Path
    declarations: Mapping[str, Mapping[str, Any]]
    """Configuration key with its namespace -> its declaration (`type`, `default`, `description`)."""

    @property
    def stacks(self) -> list[str]:
        """The names of the stacks that have a file, sorted."""
        files = (path.name for path in self.root.glob("Pulumi.*.yaml"))
        return sorted(name.removeprefix("Pulumi.").removesuffix(".yaml") for name in files)

    def stack_file(self, stack: str) -> Path:
        """The file of a stack.

        Raises:
            ConfigError: it does not exist; the text lists those that do.
        """
        path = self.root / f"Pulumi.{stack}.yaml"
        if not path.exists():
            known = ", ".join(self.stacks) or "none"
            raise ConfigError(f"There is no stack {stack!r}: {path.name} does not exist. Stacks found: {known}.")
        return path


def load_project(root: Path) -> Project:
    """Read `Pulumi.yaml` in `root`.

    Raises:
        ConfigError: the file is missing, isn't YAML or has no name.
    """
    content = _read_yaml(root / "Pulumi.yaml")
    name = content.get("name")
    if not isinstance(name, str):
        raise ConfigError(f"{root / 'Pulumi.yaml'} has no `name`.")
    declarations = {
        key: cast("Mapping[str, Any]", value) if isinstance(value, dict) else {"value": value}
        for key, value in _config_section(content, name).items()
    }
    return Project(name, root, declarations)


def load_stack_config(project: Project, stack: str) -> dict[str, Any]:
    """The values of a stack's own file, keys with namespace.

    Raises:
        ConfigError: the file is missing, isn't YAML, or holds an encrypted value, which only the Pulumi CLI can open.
    """
    path = project.stack_file(stack)
    values = _config_section(_read_yaml(path), project.name)
    for key, value in values.items():
        for place in _encrypted(value, key):
            raise ConfigError(f"{path.name}: {place} is encrypted; only the Pulumi CLI can open it.")
    return values


def _encrypted(value: object, place: str) -> Iterator[str]:
    """Where a value is encrypted: it, or what it holds."""
    if isinstance(value, dict):
        items = cast("dict[object, object]", value)
        if items.keys() == {"secure"} and isinstance(items["secure"], str):
            yield place
        for key, item in items.items():
            yield from _encrypted(item, f"{place}.{key}")
    elif isinstance(value, list):
        for number, item in enumerate(cast("list[object]", value)):
            yield from _encrypted(item, f"{place}[{number}]")


def program_config(project: Project, values: Mapping[str, Any]) -> dict[str, str]:
    """What the program's `pulumi.Config` sees: declared defaults, overlaid by `values` (a namespace may be left out).

    Raises:
        ConfigError: a value has another type than `Pulumi.yaml` declares; all such values are named. Or it has no JSON
            form: YAML makes a date of 2026-01-31.
    """
    stack_values = {_with_namespace(key, project.name): value for key, value in values.items()}
    problems: list[str] = []
    for key, declaration in project.declarations.items():
        declared = declaration.get("type")
        if declared is None or key not in stack_values:
            continue
        value = stack_values[key]
        if not _fits(declared, value):
            quotes = " Put it in quotes." if declared == "string" and isinstance(value, int | float) else ""
            problems.append(f"{key} must be of type {declared}, found {json.dumps(value, default=str)}.{quotes}")
    if problems:
        raise ConfigError("\n".join(problems))
    merged = {
        key: declaration["value"] if "value" in declaration else declaration["default"]
        for key, declaration in project.declarations.items()
        if "value" in declaration or "default" in declaration
    }
    merged.update(stack_values)
    return {key: value if isinstance(value, str) else _json(key, value) for key, value in merged.items()}


def _json(key: str, value: object) -> str:
    try:
        return json.dumps(value)
    except TypeError as error:
        raise ConfigError(f"{key} can't be written as JSON: {error}. Put dates in quotes.") from error


def _fits(declared: str, value: object) -> bool:
    if isinstance(value, str) and declared in _TEXTS:
        return _TEXTS[declared].fullmatch(value) is not None
    if declared == "integer" and isinstance(value, bool):
        return False
    return isinstance(value, _PYTHON_TYPES.get(declared, (object,)))


def _config_section(content: Mapping[str, Any], project: str) -> dict[str, Any]:
    section: Any = content.get("config") or {}
    if not isinstance(section, dict):
        raise ConfigError(f"`config` must be a mapping, found {type(section).__name__}.")
    return {_with_namespace(str(key), project): value for key, value in cast("dict[object, Any]", section).items()}


def _with_namespace(key: str, project: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        content: object = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - both are safe
    except FileNotFoundError as error:
        raise ConfigError(f"{path} does not exist. Run this in the folder of a Pulumi project.") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} can't be read: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{path} must hold a mapping, found {type(content).__name__}.")
    return cast("dict[str, Any]", content)
