"""URNs and aliases as the engine makes them [pulumi/pulumi, step_generator.go, "generateAliases"]."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, cast

from engine.errors import ProgramError
from engine.registration import Registration

if TYPE_CHECKING:
    from pulumi.runtime.proto import alias_pb2, resource_pb2

STACK_TYPE: Final = "pulumi:pulumi:Stack"
_SEPARATORS: Final = 3
"""Between stack, project, types and name; a name may hold more."""


def make_urn(stack: str, project: str, parent: str, type_: str, name: str) -> str:
    """The URN of a resource: with the chain of its parents' types, the stack's own left out."""
    parents = _chain(parent) if parent else ""
    chain = "" if parents in ("", STACK_TYPE) else f"{parents}$"
    return f"urn:pulumi:{stack}::{project}::{chain}{type_}::{name}"


def aliases_of(
    request: "resource_pb2.RegisterResourceRequest", stack: str, project: str, parent: Registration | None
) -> tuple[str, ...]:
    """The URNs that a resource may have had: its own aliases, and what follows from those of its parent.

    Raises:
        ProgramError: an alias is no URN.
    """
    specs = cast("Iterable[alias_pb2.Alias]", request.aliases)  # pyright: ignore[reportUnknownMemberType]
    own = [*request.aliasURNs, *(_own_alias(alias, request, stack, project) for alias in specs)]
    inherited: list[str] = []
    for parent_alias in parent.aliases if parent else ():
        for urn in (make_urn(stack, project, request.parent, request.type, request.name), *own):
            name = _name(urn)
            if parent and name.startswith(parent.name):
                name = _name(parent_alias) + name.removeprefix(parent.name)
            inherited.append(make_urn(stack, project, parent_alias, _chain(urn).rpartition("$")[2], name))
    return tuple(dict.fromkeys([*own, *inherited]))


def _own_alias(
    alias: "alias_pb2.Alias", request: "resource_pb2.RegisterResourceRequest", stack: str, project: str
) -> str:
    if alias.urn:
        if not alias.urn.startswith("urn:pulumi:") or alias.urn.count("::") < _SEPARATORS:
            raise ProgramError(f"{request.name} ({request.type}) has the alias {alias.urn!r}, which is no URN.")
        return alias.urn
    spec = alias.spec
    parent = "" if spec.noParent else spec.parentUrn or request.parent
    return make_urn(
        spec.stack or stack, spec.project or project, parent, spec.type or request.type, spec.name or request.name
    )


def _chain(urn: str) -> str:
    return urn.split("::", _SEPARATORS)[2]


def _name(urn: str) -> str:
    return urn.split("::", _SEPARATORS)[3]
