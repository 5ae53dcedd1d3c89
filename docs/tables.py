"""Writes the tables of README.md that follow from other files: `make docs`. A test holds them current."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from docs.environments import environments_table

ROOT = Path(__file__).parent.parent


def settings_table() -> str:
    """Every setting of `Pulumi.yaml` with type, default and description."""
    declarations: Mapping[str, Any] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    rows = [
        f"| `{key}` | {declared['type']} | `{json.dumps(declared['default'])}` | {declared['description'].strip()} |"
        for key, declared in declarations.items()
    ]
    return "\n".join(["| setting | type | default | what it does |", "| --- | --- | --- | --- |", *rows])


TABLES: Mapping[str, Callable[[], str]] = {"environments": environments_table, "settings": settings_table}


def with_tables(text: str) -> str:
    """A text with each generated table between its markers, `<!-- NAME -->` and `<!-- /NAME -->`."""
    for name, table in TABLES.items():
        before, start, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        if not start or not end:
            raise ValueError(f"README.md lacks the markers of the table {name!r}")
        text = f"{before}{start}{table()}\n{end}{after}"
    return text


def main() -> None:
    """Rewrite README.md in place."""
    readme = ROOT / "README.md"
    readme.write_text(with_tables(readme.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
