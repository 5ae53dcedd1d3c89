"""Reading documents of whose shape nothing is certain."""

from typing import Any, cast


def mapping(value: object) -> dict[str, Any]:
    """A mapping as it is; anything else as an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """A list as it is; anything else as an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []
