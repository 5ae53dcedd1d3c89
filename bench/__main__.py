"""Measures what the project promises and prints it as a table. Needs nothing but the virtual environment.

Each figure is the median of several runs of a whole process, after one that isn't counted. It judges nothing: a slow
machine is no failure.
"""

import argparse
import sys

from rich.console import Console
from rich.table import Table

from bench import api, commands, function, policy
from bench.measure import Figure

GROUPS = {"commands": commands.figures, "function": function.figures, "policy": policy.figures, "api": api.figures}


def main() -> None:
    """Run the groups that are named, or all."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("groups", nargs="*", choices=[[], *GROUPS], help=f"of {', '.join(GROUPS)}")
    chosen = parser.parse_args().groups or list(GROUPS)
    table = Table("what", "median", "min", "max", "must reach", title=f"Python {sys.version.split()[0]}")
    for group in chosen:
        for figure in GROUPS[group]():
            _add(table, figure)
    Console(width=120).print(table)


def _add(table: Table, figure: Figure) -> None:
    table.add_row(
        figure.what,
        *(f"{value:.{figure.digits}f} {figure.unit}" for value in (figure.median, figure.low, figure.high)),
        figure.target,
    )


if __name__ == "__main__":
    main()
