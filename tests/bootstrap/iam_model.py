"""A small model of how IAM decides: enough for the statements that the bootstrap project writes.

What it doesn't prove: session and resource policies. A condition that it doesn't know is an error.
"""

import fnmatch
import json
from collections.abc import Mapping, Sequence
from typing import Any

Context = Mapping[str, str | Sequence[str]]


def allowed(
    statements: Sequence[Mapping[str, Any]], action: str, resource: str, context: Context | None = None
) -> bool:
    """Whether the statements allow an action on a resource: a Deny beats every Allow."""
    matching = [item for item in statements if _applies(item, action, resource, context or {})]
    effects = {item["Effect"] for item in matching}
    return effects == {"Allow"}


def statements_of(*documents: str) -> list[dict[str, Any]]:
    """The statements of policy documents."""
    return [statement for document in documents for statement in json.loads(document)["Statement"]]


def _applies(statement: Mapping[str, Any], action: str, resource: str, context: Context) -> bool:
    if "NotAction" in statement:
        acts = not _matches(statement["NotAction"], action)
    else:
        acts = _matches(statement["Action"], action)
    return acts and _matches(statement["Resource"], resource) and _holds(statement.get("Condition", {}), context)


def _matches(patterns: str | Sequence[str], text: str) -> bool:
    given = [patterns] if isinstance(patterns, str) else patterns
    return any(fnmatch.fnmatchcase(text.lower(), pattern.lower().replace("[", "[[]")) for pattern in given)


def _holds(condition: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    for operator, tests in condition.items():
        for key, expected in tests.items():
            wanted = [expected] if isinstance(expected, str) else expected
            present = context.get(key)
            if operator == "StringEqualsIfExists":
                holds = present is None or present in wanted
            elif operator == "StringEquals":
                holds = present in wanted
            elif operator == "ForAnyValue:StringEquals":
                holds = any(value in wanted for value in present or ())
            else:
                raise AssertionError(f"the model doesn't know {operator}")
            if not holds:
                return False
    return True
