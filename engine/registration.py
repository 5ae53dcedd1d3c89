"""One resource as the program registered it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Registration:
    """A resource with everything that the program said about it.

    `inputs` are checked inputs: provider defaults and auto-names are filled in, as the engine hands them to a policy.
    """

    urn: str
    type: str
    name: str
    custom: bool
    parent: str
    """URN of the parent; empty for the stack itself."""
    inputs: dict[str, Any]
    """camelCase property -> plain value; see `engine.values`."""
    defaults: frozenset[str] = frozenset()
    """The inputs that the program left to the provider: auto-names and defaults."""
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    protect: bool = False
    retain_on_delete: bool = False
    delete_before_replace: bool | None = None
    ignore_changes: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    """URNs under which an earlier run may have made it."""
    additional_secret_outputs: tuple[str, ...] = ()
    custom_timeouts: Mapping[str, float] = field(default_factory=dict[str, float])
    secret_inputs: frozenset[str] = frozenset()
    """Top-level properties that are secrets or have one inside."""
    provider: str = ""
    id: str = ""
    outputs: dict[str, Any] = field(default_factory=dict[str, Any])
    seconds: float = 0.0
    """How long the provider took to create it."""
