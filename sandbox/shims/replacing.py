"""How a shim replaces a function of the emulator."""

from collections.abc import Callable
from typing import Any


def replace(module: Any, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Put `make(original)` in the place of a module's function.

    Raises:
        AttributeError: this version of the emulator has no such function.
    """
    original: Callable[..., Any] = getattr(module, name)
    setattr(module, name, make(original))
