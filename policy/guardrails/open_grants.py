"""Statements of a resource's policy that grant something to anybody."""

from collections.abc import Callable, Iterator

from . import iam_documents
from .rules import Finding, NotYetKnown, Violation
from .values import Node, shown


def open_grants(statement: Node, is_narrowed: Callable[[Node], bool]) -> Iterator[Finding]:
    """What in one statement allows anybody; nothing for a Deny.

    Args:
        statement: One statement of a policy document.
        is_narrowed: Whether the statement's conditions tie the caller to somebody.
    """
    if not iam_documents.allows(statement):
        return
    excluded = iam_documents.member(statement, "NotPrincipal")
    if not excluded.known or not excluded.missing:
        yield Violation(
            found=f"{excluded.path} allows everybody but the listed principals",
            expected="an Allow that lists its principals",
        )
        return
    listed = listed_principals(statement)
    if not listed:
        yield Violation(
            found=f"{statement.path} allows without a principal", expected="an Allow that lists its principals"
        )
        return
    unknown = [node for _, node in listed if not node.known]
    opened = [(kind, node) for kind, node in listed if node.known and iam_documents.is_open_principal(node.text())]
    if not (opened or unknown) or is_narrowed(statement):
        return
    for kind, node in opened[:1]:
        yield Violation(
            found=f"{node.path} allows {kind} {shown(node.text())}, narrowed by no condition that names its callers",
            expected="listed accounts, roles or services, or a condition on a listed organisation, account or network",
        )
    for node in unknown[: 0 if opened else 1]:
        yield NotYetKnown(path=node.path)


def listed_principals(statement: Node) -> list[tuple[str, Node]]:
    """As `iam_documents.principals`, but one that is unknown hides no other."""
    principal = iam_documents.member(statement, "Principal")
    groups = principal.fields().items() if principal.known and principal.is_object else [("AWS", principal)]
    return [
        (kind, item) for kind, value in groups for item in (value.items(or_single=True) if value.known else [value])
    ]
