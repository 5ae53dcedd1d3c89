"""The comment on a pull request. What these tests can't prove: how GitHub shows it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.comment import DRIFT_MARKER, LIMIT, PREVIEW_MARKER, code, fence, render_drift, render_preview
from cli.stack_report import ReportedChange, ReportedViolation, StackReport

REPLACED = ReportedChange(
    operation="replace",
    type="aws:s3/bucket:Bucket",
    name="slipway-dev-results",
    protected=True,
    holds_data=True,
    forced_by=("bucket",),
)
DELETED = ReportedChange(operation="delete", type="docker-build:index:Image", name="old-image", retained=True)
UPDATED = ReportedChange(operation="update", type="aws:lambda/function:Function", name="fn", paths=("timeout: 3 → 10",))
CREATED = ReportedChange(operation="create", type="aws:sns/topic:Topic", name="topic")


def report(*changes: ReportedChange, stack: str = "dev", **other: object) -> StackReport:
    return StackReport(stack=stack, source=str(other.pop("source", "offline")), changes=changes, **other)  # type: ignore[arg-type]


def test_the_first_line_is_the_marker_by_which_it_is_found_again() -> None:
    assert render_preview([]).startswith(PREVIEW_MARKER + "\n")
    assert render_drift([]).startswith(DRIFT_MARKER + "\n")


def test_replacements_and_deletions_come_first_whatever_the_stack() -> None:
    text = render_preview([report(CREATED, UPDATED), report(CREATED, DELETED, REPLACED, stack="prod")])
    places = [text.index(f"- {verb}:") for verb in ("replaced", "deleted", "updated", "created")]
    assert places == sorted(places)
    assert "### 2 stacks of 2 would change, 2 resources replaced or deleted" in text


def test_a_line_tells_what_a_reviewer_must_know() -> None:
    text = render_preview([report(REPLACED, DELETED, UPDATED)])
    assert (
        "- replaced: `slipway-dev-results` `aws:s3/bucket:Bucket`; because of `bucket`; **holds data**; "
        "protected: the engine will refuse" in text
    )
    assert "- deleted: `old-image` `docker-build:index:Image`; stays in AWS" in text
    assert "- updated: `fn` `aws:lambda/function:Function`; `timeout: 3 → 10`" in text


def test_the_table_has_a_row_a_stack_with_counts_and_the_verdict() -> None:
    violations = (
        ReportedViolation(level="mandatory", policy="p", resource="r", message="m"),
        ReportedViolation(level="advisory", policy="q", resource="r", message="m"),
    )
    text = render_preview(
        [
            report(REPLACED, CREATED, CREATED, violations=violations),
            report(stack="prod", source="preview"),
            report(CREATED, stack="new", compared=False),
            report(stack="bad", error="boom"),
        ]
    )
    assert "| `dev` (offline) | 1 |  |  | 2 | **1 mandatory**, 1 advisory |" in text
    assert "| `prod` (real preview) |  |  |  |  | passed |" in text
    assert "| `new` (offline, first deployment) |  |  |  | 1 | passed |" in text
    assert "| `bad` (offline) |  |  |  |  | not judged |" in text
    assert "1 preview failed" in text
    assert "**No preview of `bad`:**\n```\nboom\n```" in text


def test_the_real_preview_stands_for_the_offline_one_of_its_stack() -> None:
    text = render_preview([report(UPDATED), report(CREATED, source="preview")])
    assert "- created:" in text
    assert "- updated:" not in text
    failed = render_preview([report(UPDATED), report(source="preview", error="no credentials")])
    assert "- updated:" in failed
    assert "no credentials" in failed


def test_mandatory_violations_are_open_and_come_before_updates() -> None:
    violation = ReportedViolation(level="mandatory", policy="ecr-scan", resource="repo", message="not\nscanned")
    text = render_preview([report(UPDATED, violations=(violation,))])
    assert "- `ecr-scan` `repo`: `not scanned`" in text
    assert text.index("ecr-scan") < text.index("- updated")


def test_commit_and_run_are_named() -> None:
    text = render_preview([], commit="0123456789abcdef", run_url="https://github.example/run/1")
    assert "Commit `0123456789ab`." in text
    assert "[The whole output](https://github.example/run/1)" in text


@pytest.mark.parametrize(
    "hostile",
    ["`@everyone` [x](http://evil)", "a\nb", "```", "``x`", "<!-- -->", "</details>", "| cell |", "", "\u202e"],
)
def test_no_text_of_a_report_leaves_its_code(hostile: str) -> None:
    span = code(hostile)
    ticks = re.match("`+", span)
    assert ticks
    inside = span[len(ticks[0]) : -len(ticks[0])]
    assert span.endswith(ticks[0])
    assert not re.search(f"(?<!`){ticks[0]}(?!`)", inside)
    assert "\n" not in span


def test_a_strange_stack_name_is_shown_in_code_and_never_as_html() -> None:
    text = render_preview([report(CREATED, stack="<img src=x>|")])
    assert "<img" not in text.replace("`<img src=x>\\|`", "")


def test_a_block_of_code_is_closed_by_nothing_in_it() -> None:
    text = render_preview([report(CREATED, diff="+ a\n```\n</details>\n````\n")])
    assert "`````diff\n+ a\n```\n</details>\n````\n`````\n" in text
    assert fence("no ticks") == "```"


def test_what_does_not_fit_is_cut_at_the_end_and_said() -> None:
    many = tuple(
        ReportedChange(operation="create", type="aws:sns/topic:Topic", name=f"topic-{number}") for number in range(3000)
    )
    text = render_preview([report(*many, REPLACED, diff="+ x\n" * 5000)], run_url="https://run.example")
    assert len(text) <= LIMIT
    assert len(text) > LIMIT - 2000
    assert "- replaced: `slipway-dev-results`" in text
    assert "`topic-0`" in text
    assert "`topic-2999`" not in text
    assert "<summary>What the engine says" not in text
    missing = re.search(r"_(\d+) more lines don't fit", text)
    assert missing
    shown = len(re.findall(r"- created", text))
    assert int(missing[1]) == 3000 - shown + 5000
    assert text.rstrip().endswith("</sub>")


def test_one_endless_line_keeps_out_nothing_that_follows() -> None:
    text = render_preview([report(CREATED, diff="x" * 100_000 + "\n+ after")])
    assert "+ after" in text
    assert len(text) < 5000


NAMES = st.text(max_size=40)
CHANGES = st.builds(
    ReportedChange,
    operation=st.sampled_from(["replace", "delete", "update", "create"]),
    type=NAMES,
    name=NAMES,
    paths=st.lists(NAMES, max_size=4).map(tuple),
    forced_by=st.lists(NAMES, max_size=2).map(tuple),
)
VIOLATIONS = st.builds(
    ReportedViolation, level=st.sampled_from(["mandatory", "advisory"]), policy=NAMES, resource=NAMES, message=st.text()
)
REPORTS = st.builds(
    StackReport,
    stack=NAMES,
    source=st.sampled_from(["offline", "preview", "drift"]),
    error=st.text(max_size=200),
    changes=st.lists(CHANGES, max_size=8).map(tuple),
    violations=st.lists(VIOLATIONS, max_size=4).map(tuple),
    diff=st.text(max_size=400),
)


@given(st.lists(REPORTS, max_size=3), st.integers(min_value=700, max_value=6000))
def test_any_report_fits_any_limit_with_every_block_closed(reports: list[StackReport], limit: int) -> None:
    for text in (render_preview(reports, limit=limit), render_drift(reports, limit=max(limit, 1200))):
        assert len(text.encode("utf-16-le")) // 2 <= max(limit, 1200)
        outside = _without_code(text)
        assert outside.count("<details") == outside.count("</details>")


def _without_code(text: str) -> str:
    """What Markdown takes for markup: lines outside of code blocks, without code spans."""
    lines: list[str] = []
    closing = ""
    for line in text.split("\n"):
        ticks = re.match("`{3,}", line)
        if closing:
            closing = "" if line == closing else closing
        elif ticks and "`" not in line[len(ticks[0]) :]:
            closing = ticks[0]
        else:
            lines.append(line)
    assert closing == "", "a code block is left open"
    return re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", "\n".join(lines))
