"""Builds the classes of a module when they are asked for.

The modules `_inputs` and `outputs` of a service of pulumi-aws are hundreds of classes, of which a program uses a few:
building all of EC2's takes longer than running the program. Here the module's own code runs with a `__build_class__`
that keeps the bodies for later.
"""

import builtins
import threading
from collections.abc import Callable, Generator, Iterable, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.machinery import SourceFileLoader
from types import FunctionType, ModuleType
from typing import Any, Final

import pulumi

_DECORATORS: Final = ("input_type", "output_type")
"""What pulumi's SDK has for these classes: they look at all of a class's members."""
_LOCK: Final = threading.RLock()


class LazyClasses(SourceFileLoader):
    """Loads a module whose classes have no use for each other but in annotations, by name."""

    def exec_module(self, module: ModuleType) -> None:
        code = self.get_code(module.__name__)
        if code is None:
            raise ImportError(f"There is no code of {module.__name__}.", name=module.__name__)
        with _LOCK, _keeping_bodies(module):
            exec(code, vars(module))  # noqa: S102 - the module's own code, as the loader above would
        pending = {name: value for name, value in vars(module).items() if isinstance(value, _Body)}
        for name in pending:
            delattr(module, name)

        def find(name: str) -> Any:
            with _LOCK:
                _build(module, pending, [name])
                if name in vars(module):
                    return vars(module)[name]
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

        setattr(module, "__getattr__", find)  # noqa: B010 - a module's own hook [PEP 562], which its type doesn't declare


@contextmanager
def exporting(module: ModuleType, names: Set[str]) -> Generator[None]:
    """Within it `from module import *` takes these names alone: each of them is built for it."""
    exports: Any = vars(module)["__all__"]
    module.__all__ = [name for name in exports if name in names]  # pyright: ignore[reportAttributeAccessIssue]
    try:
        yield
    finally:
        module.__all__ = exports  # pyright: ignore[reportAttributeAccessIssue]


@dataclass(frozen=True, kw_only=True)
class _Body:
    """A class that isn't built yet."""

    function: FunctionType
    """The body."""
    name: str
    bases: tuple[Any, ...]
    keywords: dict[str, Any]
    decorators: list[Callable[[Any], Any]] = field(default_factory=list[Callable[[Any], Any]])


@contextmanager
def _keeping_bodies(module: ModuleType) -> Generator[None]:
    def keep(function: FunctionType, name: str, *bases: Any, **keywords: Any) -> _Body:
        return _Body(function=function, name=name, bases=bases, keywords=keywords)

    def later(decorator: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def decorate(subject: Any) -> Any:
            if not isinstance(subject, _Body):
                return decorator(subject)
            subject.decorators.append(decorator)
            return subject

        return decorate

    originals: dict[str, Any] = {name: getattr(pulumi, name) for name in _DECORATORS}
    vars(module)["__builtins__"] = {**vars(builtins), "__build_class__": keep}
    for name, decorator in originals.items():
        setattr(pulumi, name, later(decorator))
    try:
        yield
    finally:
        vars(module)["__builtins__"] = builtins
        for name, decorator in originals.items():
            setattr(pulumi, name, decorator)


def _build(module: ModuleType, pending: dict[str, _Body], names: Iterable[object]) -> None:
    """Build classes, and those that they name: annotations are looked up in the module as it is."""
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        body = pending.pop(name, None) if isinstance(name, str) else None
        if body is None:
            continue
        built: Any = builtins.__build_class__(body.function, body.name, *body.bases, **body.keywords)
        for decorator in body.decorators:
            built = decorator(built)
        setattr(module, body.name, built)
        waiting.extend(body.function.__code__.co_consts)
