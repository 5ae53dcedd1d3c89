"""IAM policy documents: statements, principals, and conditions that really narrow them.

A document arrives as a JSON string or as an object, `Statement` as a list or as one object, and each of `Action`,
`Resource`, `Principal` and the values of conditions as one text or a list.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from .values import Node

_ACCOUNT: Final = re.compile(r"\d{12}")
_ARN_ACCOUNT: Final = re.compile(r"arn:[^:*?]+:[^:*?]+:[^:]*:(\d{12}):.*", re.DOTALL)
_ORGANISATION: Final = re.compile(r"o-[a-z0-9]{10,32}")
_ORGANISATION_PATH: Final = re.compile(r"o-[a-z0-9]{10,32}/.*", re.DOTALL)
_VPC: Final = re.compile(r"vpce?-[0-9a-f]+")

STATEMENT: Final = "Statement"
EFFECT: Final = "Effect"
PRINCIPAL: Final = "Principal"
NOT_PRINCIPAL: Final = "NotPrincipal"
ACTION: Final = "Action"
NOT_ACTION: Final = "NotAction"
RESOURCE: Final = "Resource"
NOT_RESOURCE: Final = "NotResource"
CONDITION: Final = "Condition"

NARROWING_KEYS: Final[Mapping[str, tuple[re.Pattern[str], ...]]] = {
    "aws:principalorgid": (_ORGANISATION,),
    "aws:sourceorgid": (_ORGANISATION,),
    "aws:principalorgpaths": (_ORGANISATION_PATH,),
    "aws:sourceorgpaths": (_ORGANISATION_PATH,),
    "aws:principalaccount": (_ACCOUNT,),
    "aws:sourceaccount": (_ACCOUNT,),
    "aws:sourceowner": (_ACCOUNT,),
    "aws:principalarn": (_ARN_ACCOUNT,),
    "aws:sourcearn": (_ARN_ACCOUNT,),
    "aws:sourcevpc": (_VPC,),
    "aws:sourcevpce": (_VPC,),
}
"""Condition keys that tie a caller to somebody, and what their values must look like. Keys ignore case."""

_NARROWING_OPERATORS: Final = frozenset(
    {"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike"}
)


def member(node: Node, key: str) -> Node:
    """An element of a document; element names are found whatever their case, so that none is overlooked."""
    return node.member(key)


def statements(document: Node) -> list[Node]:
    """The statements of a document. Raises `MalformedError` where there can't be any."""
    statement = member(document.document(), STATEMENT)
    if statement.missing:
        raise statement.malformed("a list of statements")
    return statement.items(or_single=True)


def allows(statement: Node) -> bool:
    """Whether it grants something: anything but an explicit Deny."""
    return member(statement, EFFECT).text("Allow").lower() != "deny"


def texts(node: Node) -> list[str]:
    """One text or a list of them."""
    return [item.text() for item in node.items(or_single=True)]


def principals(statement: Node) -> Iterator[tuple[str, Node]]:
    """Each principal with its kind: AWS, Service, Federated, CanonicalUser; `*` alone is of kind AWS."""
    principal = member(statement, PRINCIPAL)
    if principal.missing:
        return
    if not principal.is_object:
        for item in principal.items(or_single=True):
            yield "AWS", item
        return
    for kind, value in principal.fields().items():
        for item in value.items(or_single=True):
            yield kind, item


def is_open_principal(principal: str) -> bool:
    """Whether a principal stands for anybody: `*`, or an ARN that doesn't fix its account."""
    if principal.startswith("arn:"):
        account = principal.split(":")[4] if principal.count(":") >= 4 else "*"
        return "*" in account or "?" in account
    return "*" in principal or "?" in principal


def is_narrowed(statement: Node) -> bool:
    """Whether the conditions tie the caller to listed organisations, accounts, ARNs or VPCs.

    Operators with `IfExists` and `ForAllValues:` hold when the key isn't there at all, so they narrow nothing; nor do
    negated ones.
    """
    return any(
        _narrows(operator, key, values)
        for operator, keys in member(statement, CONDITION).fields().items()
        for key, values in keys.fields().items()
    )


def _narrows(operator: str, key: str, values: Node) -> bool:
    operator = operator.lower().removeprefix("foranyvalue:")
    patterns = NARROWING_KEYS.get(key.lower())
    if operator not in _NARROWING_OPERATORS or patterns is None:
        return False
    listed = texts(values)
    return bool(listed) and all(any(pattern.fullmatch(value) for pattern in patterns) for value in listed)
