"""How a shim replaces a function of the emulator."""

from collections.abc import Callable, MutableMapping
from typing import Any

Make = Callable[[Callable[..., Any]], Callable[..., Any]]


def replace(module: Any, name: str, make: Make) -> None:
    """Put `make(original)` in the place of a module's function.

    Raises:
        AttributeError: this version of the emulator has no such function.
    """
    setattr(module, name, make(getattr(module, name)))


def replace_action(actions: MutableMapping[str, Callable[..., Any]], name: str, make: Make) -> None:
    """Put `make(original)` in the place of what a service's table says for an action.

    Raises:
        KeyError: this version of the emulator has no such action.
    """
    actions[name] = make(actions[name])
