"""Reports of what would happen to a stack. The event logs here are written by hand after the engine's own types; what
they can't prove is that a future engine writes them alike."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.errors import CliError
from cli.stack_report import (
    ReportedChange,
    ReportedViolation,
    StackReport,
    from_event_log,
    read_report,
    short,
    write_report,
)

URN = "urn:pulumi:dev::slipway::slipway:components:ResultsStore$aws:s3/bucket:Bucket::slipway-dev-results"


def step(operation: str, urn: str = URN, type_: str = "aws:s3/bucket:Bucket", **metadata: Any) -> str:
    return json.dumps({"resourcePreEvent": {"metadata": {"op": operation, "urn": urn, "type": type_, **metadata}}})


def test_the_steps_of_a_replacement_are_one_change() -> None:
    detailed = {"bucket": {"diffKind": "update-replace"}, "tags.x": {"diffKind": "add"}}
    report = from_event_log(
        "dev",
        "preview",
        [
            step("create-replacement", detailedDiff=detailed, old={"protect": True}),
            step("replace", detailedDiff=detailed, old={"protect": True}),
            step("delete-replaced"),
        ],
    )
    assert report.changes == (
        ReportedChange(
            operation="replace",
            type="aws:s3/bucket:Bucket",
            name="slipway-dev-results",
            protected=True,
            holds_data=True,
            paths=("bucket", "tags.x"),
            forced_by=("bucket",),
        ),
    )


def test_what_changes_nothing_in_aws_is_left_out() -> None:
    lines = [
        step("same"),
        step("read"),
        step("refresh"),
        step("create", urn="urn:pulumi:dev::slipway::pulumi:pulumi:Stack::slipway-dev", type_="pulumi:pulumi:Stack"),
        step("create", urn="u::v::pulumi:providers:aws::default", type_="pulumi:providers:aws"),
        json.dumps({"summaryEvent": {"resourceChanges": {"same": 3}}}),
        "",
    ]
    assert from_event_log("dev", "preview", lines).changes == ()


def test_the_gravest_changes_come_first() -> None:
    lines = [
        step(op, urn=f"u::p::t::{name}", type_="t")
        for op, name in (
            ("create", "a"),
            ("update", "b"),
            ("delete", "c"),
            ("create-replacement", "d"),
            ("import", "e"),
        )
    ]
    report = from_event_log("dev", "preview", lines)
    assert [(change.operation, change.name) for change in report.changes] == [
        ("replace", "d"),
        ("delete", "c"),
        ("update", "b"),
        ("create", "a"),
        ("create", "e"),
    ]


def test_what_a_policy_refuses_is_a_violation_and_no_error() -> None:
    lines = [
        json.dumps(
            {
                "policyEvent": {
                    "policyName": "s3-public-block",
                    "enforcementLevel": level,
                    "resourceUrn": URN,
                    "message": "<{%fg 1%}>public<{%reset%}>\nfix it",
                }
            }
        )
        for level in ("advisory", "mandatory")
    ]
    lines.append(json.dumps({"diagnosticEvent": {"severity": "error", "message": "preview failed"}}))
    report = from_event_log("dev", "preview", lines)
    assert report.error == ""
    assert report.mandatory == 1
    assert report.violations[0] == ReportedViolation(
        level="mandatory", policy="s3-public-block", resource="slipway-dev-results", message="public\nfix it"
    )


def test_an_error_of_the_engine_is_told_without_its_colours() -> None:
    line = json.dumps({"diagnosticEvent": {"severity": "error", "message": "<{%fg 1%}>error: <{%reset%}>no stack"}})
    assert from_event_log("dev", "preview", [line]).error == "error: no stack"


def test_a_line_that_is_no_json_is_refused() -> None:
    with pytest.raises(CliError, match="no JSON"):
        from_event_log("dev", "preview", ["{"])


REPORT = StackReport(
    stack="dev",
    source="offline",
    compared=False,
    changes=(ReportedChange(operation="update", type="t", name="n", paths=("a: 1 → 2",), retained=True),),
    violations=(ReportedViolation(level="mandatory", policy="p", resource="r", message="m"),),
    diff="d",
)


def test_a_report_survives_its_file(tmp_path: Path) -> None:
    write_report(REPORT, tmp_path / "a" / "dev.json")
    assert read_report(tmp_path / "a" / "dev.json") == REPORT


@pytest.mark.parametrize(
    "overlay",
    [
        {"changes": "none"},
        {"changes": [{"operation": "explode"}]},
        {"changes": [["replace"]]},
        {"violations": [{"level": 1, "policy": "p", "resource": "r", "message": "m"}]},
        {"stack": None},
        {"error": ["x"]},
        {"diff": 1},
    ],
)
def test_a_report_of_another_shape_is_refused(tmp_path: Path, overlay: dict[str, Any]) -> None:
    path = tmp_path / "dev.json"
    write_report(REPORT, path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **overlay}))
    with pytest.raises(CliError, match=r"dev\.json is no report of a stack"):
        read_report(path)


@pytest.mark.parametrize("content", ["", "[]", "3", "[" * 100_000])
def test_a_file_that_is_no_report_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(CliError):
        read_report(tmp_path / "x.json")


def test_a_file_that_is_too_big_is_not_even_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_report(REPORT, tmp_path / "x.json")
    monkeypatch.setattr("cli.stack_report._MAX_BYTES", 10)
    with pytest.raises(CliError, match="more than 10 bytes"):
        read_report(tmp_path / "x.json")


def test_a_long_value_keeps_its_beginning_and_its_end() -> None:
    assert short(None) == "absent"
    assert short("a") == '"a"'
    text = short("repository@sha256:" + "0" * 200 + "abc")
    assert len(text) == 80
    assert text.startswith('"repository@sha256:')
    assert text.endswith('abc"')
