"""The problems of the document, of the function and of the gateway are the same ones: type, status and title."""

import json
import re
import runpy
from typing import Any

from components.gateway_errors import GATEWAY_ERRORS
from tests.swagger.documents import ROOT, nodes, template

PREFIX = "urn:slipway:problem:"
TEMPLATE = template()
FUNCTION: dict[str, tuple[int, str]] = runpy.run_path(str(ROOT / "lambda_src" / "trigger" / "problems.py"))["TYPES"]


def explained() -> dict[str, set[int]]:
    """Type -> statuses, by the table in the document's introduction."""
    rows = re.findall(r"^\| ((?:`[a-z-]+`(?:, )?)+) \| ([\d, ]+) \|", TEMPLATE["info"]["description"], re.MULTILINE)
    return {
        kind: {int(status) for status in statuses.split(", ")}
        for kinds, statuses in rows
        for kind in re.findall(r"`([a-z-]+)`", kinds)
    }


def gateway() -> list[tuple[str, str, int | None]]:
    """Type, title and status of each error that the gateway makes itself."""
    bodies: list[dict[str, Any]] = [
        # An unquoted variable stands for a string that the gateway quotes.
        json.loads(re.sub(r":(\$context[\w.]+)", r':"\1"', error.templates["application/json"]))
        for error in GATEWAY_ERRORS
    ]
    return [(body["type"].removeprefix(PREFIX), body["title"], body.get("status")) for body in bodies]


def test_each_problem_of_the_function_is_explained_with_its_status() -> None:
    table = explained()
    assert {kind: table.get(kind) for kind in FUNCTION} == {kind: {status} for kind, (status, _) in FUNCTION.items()}


def test_each_problem_of_the_gateway_is_explained_with_its_status() -> None:
    table = explained()
    for kind, _, status in gateway():
        assert kind in table
        assert status is None or status in table[kind], kind


def test_nothing_is_explained_that_nobody_answers() -> None:
    assert explained().keys() == FUNCTION.keys() | {kind for kind, _, _ in gateway()}


def test_a_type_has_one_title_everywhere() -> None:
    titles = {kind: {title} for kind, (_, title) in FUNCTION.items()}
    for kind, title, _ in gateway():
        titles.setdefault(kind, set()).add(title)
    for _, node in nodes(TEMPLATE["components"]["responses"]):
        if isinstance(node, dict) and str(node.get("type", "")).startswith(PREFIX):
            titles.setdefault(node["type"].removeprefix(PREFIX), set()).add(node["title"])
    assert {kind: found for kind, found in titles.items() if len(found) > 1} == {}
