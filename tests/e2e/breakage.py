"""Ways to break the deployed stack for a moment, from which it recovers."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.context import Clients

FUNCTION = "slipway-local-steps-trigger"
"""The function behind the pipeline `steps`."""


@contextmanager
def variables(aws: Clients, **changed: str) -> Iterator[None]:
    """The function with other environment variables."""
    functions = aws("lambda")
    known = functions.get_function_configuration(FunctionName=FUNCTION)["Environment"]["Variables"]
    functions.update_function_configuration(FunctionName=FUNCTION, Environment={"Variables": {**known, **changed}})
    try:
        yield
    finally:
        functions.update_function_configuration(FunctionName=FUNCTION, Environment={"Variables": known})


@contextmanager
def broken_function(aws: Clients) -> Iterator[None]:
    """The function without its handler: each invocation fails."""
    functions = aws("lambda")
    functions.update_function_configuration(FunctionName=FUNCTION, Handler="handler.missing")
    try:
        yield
    finally:
        functions.update_function_configuration(FunctionName=FUNCTION, Handler="handler.handle")


@contextmanager
def forbidden_function(aws: Clients) -> Iterator[None]:
    """The function without the statement that lets the API invoke it."""
    functions = aws("lambda")
    [statement] = json.loads(functions.get_policy(FunctionName=FUNCTION)["Policy"])["Statement"]
    functions.remove_permission(FunctionName=FUNCTION, StatementId=statement["Sid"])
    try:
        yield
    finally:
        functions.add_permission(
            FunctionName=FUNCTION,
            StatementId=statement["Sid"],
            Action=statement["Action"],
            Principal=statement["Principal"]["Service"],
            SourceArn=statement["Condition"]["ArnLike"]["AWS:SourceArn"],
        )
