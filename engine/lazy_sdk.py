"""Loads of pulumi-aws only the classes that the program names.

`pulumi_aws.ec2` imports two hundred modules of its own with its first attribute, and building all those classes takes
longer than running the program. Here a service's package looks a name up in its own modules when it is asked for. The
program can't tell the difference; under the real engine it loads the SDK the usual way.
"""

import importlib
import re
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from engine.lazy_classes import LazyClasses, exporting

_SERVICE: Final = re.compile(r"pulumi_aws\.(?!config$)[a-z0-9_]+")
"""Not `pulumi_aws.config`, whose values are properties of the module itself."""
_CLASSES: Final = re.compile(r"pulumi_aws\.[a-z0-9_]+\.(_inputs|outputs)")
_INPUTS: Final = "_inputs"
_QUOTED: Final = re.compile(rb"'(\w+)'")
_MEMBER: Final = re.compile(r"^from \.(\w+) import \*$", re.MULTILINE)
_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SUFFIX: Final = re.compile(r"(ArgsDict|Args|Output|Result)$")


def install() -> None:
    """Load services this way from now on, those that are loaded already excepted. Calling it again changes nothing."""
    if not any(isinstance(finder, _LazyServices) for finder in sys.meta_path):
        sys.meta_path.insert(0, _LazyServices())


class _LazyServices(MetaPathFinder):
    """Finds the packages of pulumi-aws's services, and has them loaded lazily."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        of_classes = _CLASSES.fullmatch(fullname)
        if not of_classes and not _SERVICE.fullmatch(fullname):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.origin is None:
            return None
        if of_classes:
            spec.loader = LazyClasses(fullname, spec.origin)
        elif spec.submodule_search_locations is not None:
            spec.loader = _LazyService(Path(spec.origin))
        return spec


class _LazyService(Loader):
    """Makes a package that imports its members when they are asked for."""

    def __init__(self, init_file: Path) -> None:
        self._init_file = init_file

    def exec_module(self, module: ModuleType) -> None:
        members = _MEMBER.findall(self._init_file.read_text(encoding="utf-8"))
        folder = self._init_file.parent

        def find(name: str) -> Any:
            for member in _likely_first(name, members):
                source = (folder / f"{member}.py").read_bytes()
                if _exports(source, name):
                    loaded = _load(module.__name__, folder, member, source)
                    # All of them at once: importing bound the module itself to a name that one of them may have.
                    for exported in loaded.__all__ if member != _INPUTS else [name]:
                        setattr(module, exported, getattr(loaded, exported))
                    return getattr(loaded, name)
            # `outputs`, and modules that nothing is exported from; a function of the same name has gone first.
            if (folder / f"{name}.py").is_file():
                return importlib.import_module(f"{module.__name__}.{name}")
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

        setattr(module, "__getattr__", find)  # noqa: B010 - a module's own hook [PEP 562], which its type doesn't declare


def _load(service: str, folder: Path, member: str, source: bytes) -> Any:
    """Import a member of a service, which takes from `_inputs` no more than it names."""
    if member == _INPUTS or not (folder / f"{_INPUTS}.py").is_file():
        return importlib.import_module(f"{service}.{member}")
    named = {name.decode() for name in _QUOTED.findall(source)}
    with exporting(importlib.import_module(f"{service}.{_INPUTS}"), named):
        return importlib.import_module(f"{service}.{member}")


def _exports(source: bytes, name: str) -> bool:
    """Whether a module's `__all__` has a name: reading it is a hundred times cheaper than building classes in vain."""
    start = source.find(b"\n__all__ = [")
    return source.find(f"'{name}'".encode(), start, source.find(b"]", start)) > start >= 0


def _likely_first(name: str, members: Sequence[str]) -> list[str]:
    """The members of a service, the one named like the class or function first: `SubnetArgs` is in `subnet`."""
    likely = _WORD.sub("_", _SUFFIX.sub("", name)).lower().removesuffix("_output")
    return sorted(members, key=lambda member: (member != likely, not member.startswith("_")))
