"""Where the command line writes: answers to standard output, progress and errors to standard error.

Colour and moving parts only on a terminal [rich: Console.is_terminal; NO_COLOR is honoured]. Texts are printed as they
are: a commit's subject or a job's log may have brackets and colons, which are no markup and no emoji.
"""

import json
import sys
from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.tree import Tree

_FILE_WIDTH = 200
"""Columns of what goes to a file or another program."""

_PROSE_WIDTH = 16
"""Columns that a table leaves for a text that may be folded."""

answer = Console(
    highlight=False,
    markup=False,
    emoji=False,
    soft_wrap=True,
    width=None if sys.stdout.isatty() else _FILE_WIDTH,
)
progress = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


def print_tree(tree: Tree) -> None:
    """A tree, folded to the terminal's width; to anything else in full."""
    answer.print(tree, soft_wrap=False)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, prose: Sequence[str] = ()) -> None:
    """A table, folded to the terminal's width as far as it can be without a loss; no name, tag or digest is cut.

    Args:
        columns: their heads.
        rows: a text for each column.
        prose: the columns whose texts may be folded between words; a terminal that is too narrow for the others folds
            the lines itself.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    least = 2 * (len(columns) - 1)
    for index, column in enumerate(columns):
        texts = [column, *(row[index] for row in rows)]
        width = max(cell_len(line) for text in texts for line in text.split("\n"))
        width = min(width, _PROSE_WIDTH) if column in prose else width
        table.add_column(column, no_wrap=column not in prose, min_width=width)
        least += width
    for row in rows:
        table.add_row(*row)
    if least > answer.width:
        table.width = least
    answer.print(table, soft_wrap=False, crop=False)


def size_text(count: int) -> str:
    """A number of bytes in the largest decimal unit, as AWS counts them: `411 B`, `21.7 kB`, `1.2 GB`."""
    for unit, factor in (("GB", 1000**3), ("MB", 1000**2), ("kB", 1000)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} B"


def print_json(value: Any) -> None:
    """One JSON document, for programs. Unknown values, which JSON has no word for, become null."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False, default=_unknown_as_null)
    sys.stdout.write("\n")


def _unknown_as_null(value: object) -> object:
    from engine.values import UNKNOWN

    if value is UNKNOWN:
        return None
    return str(value)
