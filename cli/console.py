"""Where the command line writes: answers to standard output, progress and errors to standard error.

Colour and moving parts only on a terminal [rich: Console.is_terminal; NO_COLOR is honoured].
"""

import json
import sys
from typing import Any

from rich.console import Console
from rich.tree import Tree

answer = Console(highlight=False, soft_wrap=True)
progress = Console(stderr=True, highlight=False, soft_wrap=True)


_FILE_WIDTH = 200
"""Columns of a tree that goes to a file or another program."""


def print_tree(tree: Tree) -> None:
    """A tree, folded to the terminal; to anything else in full."""
    answer.print(tree, soft_wrap=False, width=None if answer.is_terminal else _FILE_WIDTH)


def print_json(value: Any) -> None:
    """One JSON document, for programs. Unknown values, which JSON has no word for, become null."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False, default=_unknown_as_null)
    sys.stdout.write("\n")


def _unknown_as_null(value: object) -> object:
    from engine.values import UNKNOWN

    if value is UNKNOWN:
        return None
    return str(value)
