"""Where the command line writes: answers to standard output, progress and errors to standard error.

Colour and moving parts only on a terminal [rich: Console.is_terminal; NO_COLOR is honoured].
"""

import json
import sys
from typing import Any

from rich.console import Console
from rich.tree import Tree

_FILE_WIDTH = 200
"""Columns of what goes to a file or another program."""

answer = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _FILE_WIDTH)
progress = Console(stderr=True, highlight=False, soft_wrap=True)


def print_tree(tree: Tree) -> None:
    """A tree, folded to the terminal's width; to anything else in full."""
    answer.print(tree, soft_wrap=False)


def print_json(value: Any) -> None:
    """One JSON document, for programs. Unknown values, which JSON has no word for, become null."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False, default=_unknown_as_null)
    sys.stdout.write("\n")


def _unknown_as_null(value: object) -> object:
    from engine.values import UNKNOWN

    if value is UNKNOWN:
        return None
    return str(value)
