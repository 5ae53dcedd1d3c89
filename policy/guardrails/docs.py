"""Writes RULES.md from the rules' own metadata: `python -m policy.guardrails.docs [file]`."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from .catalogue import SERVICES
from .rules import Level, Rule

HEAD: Final = """\
# Rules of the policy pack

Generated from the rules' own metadata by `make docs`; a test holds it current. M stops a deployment, A is shown.
A rule answers pass, violation, not yet known (with the property that it waits for) or not applicable (with the reason).
"""
FOOT: Final = """\
Each rule takes `exemptions` in its configuration: a list of `{urn, reason, until}`. `*` in a URN stands for any text,
`until` is the last day, in UTC, as YYYY-MM-DD and may be left out.
"""


def render(services: Mapping[str, Sequence[Rule]] = SERVICES) -> str:
    """The whole document."""
    return "\n".join([HEAD, *_overview(services), "", *_chapters(services), FOOT])


def _overview(services: Mapping[str, Sequence[Rule]]) -> Iterator[str]:
    yield "| rule | level | severity | what must be so |"
    yield "|---|---|---|---|"
    for rules in services.values():
        for rule in rules:
            level = "M" if rule.level is Level.MANDATORY else "A"
            yield f"| [{rule.id}](#{rule.id}) | {level} | {rule.severity} | {_cell(rule.description)} |"


def _chapters(services: Mapping[str, Sequence[Rule]]) -> Iterator[str]:
    for service, rules in services.items():
        yield f"## {service}"
        yield ""
        for rule in rules:
            yield from _section(rule)


def _section(rule: Rule) -> Iterator[str]:
    scope = "with the whole stack in view" if rule.is_stack_rule else "by itself"
    yield f"### {rule.id}"
    yield ""
    yield f"**{rule.title}** ({rule.level}, {rule.severity}). {rule.description}"
    yield ""
    yield f"- Why: {rule.why}"
    yield f"- Fix: {rule.fix}"
    yield f"- Judges: {', '.join(f'`{kind}`' for kind in rule.kinds)}, {scope}"
    yield f"- Peers: {', '.join(rule.peers) if rule.peers else 'none that was found'}"
    yield f"- More: <{rule.link}>"
    for name, schema in rule.schema.items():
        default = json.dumps(schema.get("default"))
        yield f"- Setting `{name}` ({_type(schema)}, default `{default}`): {schema['description']}"
    yield ""


def _type(schema: Mapping[str, Any]) -> str:
    if schema["type"] == "array":
        return f"list of {schema.get('items', {}).get('type', 'value')}"
    return str(schema["type"])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main(arguments: Sequence[str]) -> None:
    target = Path(arguments[0]) if arguments else Path(__file__).parent.parent / "RULES.md"
    target.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
