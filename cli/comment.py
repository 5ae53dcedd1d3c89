"""The comment on a pull request, and the issue about drift: pure functions from reports to Markdown.

What the reports say is untrusted: names and values go into code spans and code blocks that their own backticks can't
close, where no mention, link or image works. The text is made of blocks, the gravest first, so that what doesn't fit is
cut at the end, between lines, with every block closed.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cli.stack_report import DRIFT, OFFLINE, OPERATIONS, ReportedChange, StackReport

LIMIT = 65_536
"""Characters of a comment or an issue on GitHub."""
PREVIEW_MARKER = "<!-- slipway: preview -->"
DRIFT_MARKER = "<!-- slipway: drift -->"
"""Invisible first lines by which the comment, or the issue, is found again."""
_MAX_LINE = 600
_SOURCES = {OFFLINE: "offline", "preview": "real preview", DRIFT: "refresh"}
_VERBS = {"replace": "replaced", "delete": "deleted", "update": "updated", "create": "created"}


@dataclass(frozen=True, kw_only=True)
class Block:
    """Lines that belong together; some of the last may be left out, the head and the end may not."""

    head: Sequence[str]
    lines: Sequence[str]
    end: Sequence[str] = ()


def render_preview(reports: Sequence[StackReport], *, commit: str = "", run_url: str = "", limit: int = LIMIT) -> str:
    """The comment on a pull request: what it would do to each stack.

    Args:
        commit: the commit that was looked at.
        run_url: where the whole output is.
        limit: characters that the text may have.
    """
    reports = _chosen(reports)
    changed = [report for report in reports if report.changes]
    grave = sum(report.count(operation) for report in reports for operation in ("replace", "delete"))
    failed = [report for report in reports if report.error]
    title = f"{_count(len(changed), 'stack')} of {len(reports)} would change"
    if grave:
        title += f", {_count(grave, 'resource')} replaced or deleted"
    if failed:
        title += f", {_count(len(failed), 'preview')} failed"
    about = f"Commit {code(commit[:12])}. " if commit else ""
    head = [PREVIEW_MARKER, f"### {title}", ""]
    footer = f"{about}Offline previews compare two states of the program and ask no account."
    return _assemble(head, _blocks(reports), footer, run_url, limit)


def render_drift(reports: Sequence[StackReport], *, run_url: str = "", limit: int = LIMIT) -> str:
    """The text of the issue about stacks whose resources are not as their program says."""
    drifted = [report.stack for report in reports if report.changes or report.error]
    head = [
        DRIFT_MARKER,
        f"The nightly look found that {', '.join(map(code, drifted)) or 'no stack'} differs from what the program "
        "says: someone changed a resource by hand, or an update stopped half way.",
        "",
        "An update puts it right: run the workflow *deploy* for the stack. Where the change is wanted, write it into "
        "the program first. This issue is kept up to date, and closed once nothing differs.",
        "",
    ]
    return _assemble(head, _blocks(reports), "", run_url, limit)


def code(text: str) -> str:
    """A code span that shows `text` as it is, on one line."""
    line = " ".join(text.split()) or " "
    if len(line) > _MAX_LINE:
        line = line[: _MAX_LINE - 1] + "…"
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{space}{line}{space}{ticks}"


def fence(text: str) -> str:
    """Backticks enough to put `text` between them as a code block."""
    return "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))


def _blocks(reports: Sequence[StackReport]) -> list[Block]:
    return [
        _table(reports),
        *_errors(reports),
        *_changes(reports, ("replace", "delete"), "Replaced or deleted", opened=True),
        *_violations(reports, "mandatory"),
        *_changes(reports, ("update",), "Updated"),
        *_changes(reports, ("create",), "Created"),
        *_violations(reports, "advisory"),
        *_diffs(reports),
    ]


def _table(reports: Sequence[StackReport]) -> Block:
    rows: list[str] = []
    for report in reports:
        counts = [str(report.count(operation) or "") for operation in OPERATIONS]
        verdict = f"**{report.mandatory} mandatory**" if report.mandatory else ""
        advisory = len(report.violations) - report.mandatory
        verdict = ", ".join(part for part in (verdict, f"{advisory} advisory" if advisory else "") if part) or "passed"
        name = code(report.stack).replace("|", "\\|")
        source = _SOURCES.get(report.source, "unknown source") + ("" if report.compared else ", first deployment")
        cells = [f"{name} ({source})", *counts, "not judged" if report.error else verdict]
        rows.append(f"| {' | '.join(cells)} |")
    return Block(
        head=["| stack | replace | delete | update | create | policies |", "|---|--:|--:|--:|--:|---|"], lines=rows
    )


def _errors(reports: Sequence[StackReport]) -> list[Block]:
    found: list[Block] = []
    for report in reports:
        if report.error:
            ticks = fence(report.error)
            head = ["", f"**No preview of {code(report.stack)}:**", ticks]
            found.append(Block(head=head, lines=_cut_lines(report.error), end=[ticks]))
    return found


def _changes(
    reports: Sequence[StackReport], operations: Sequence[str], title: str, *, opened: bool = False
) -> list[Block]:
    found: list[Block] = []
    for report in reports:
        lines = [_line(change) for wanted in operations for change in report.changes if change.operation == wanted]
        if lines:
            summary = f"{title} in {_escape(report.stack)}: {len(lines)}"
            head = ["", f"<details{' open' if opened else ''}><summary>{summary}</summary>", ""]
            found.append(Block(head=head, lines=lines, end=["", "</details>"]))
    return found


def _line(change: ReportedChange) -> str:
    parts = [f"- {_VERBS[change.operation]}: {code(change.name)} {code(change.type)}"]
    if change.forced_by:
        parts.append(f"because of {', '.join(map(code, change.forced_by))}")
    elif change.paths:
        parts.append(", ".join(map(code, change.paths[:8])) + (", …" if len(change.paths) > 8 else ""))
    if change.operation in ("replace", "delete"):
        if change.holds_data:
            parts.append("**holds data**")
        if change.protected:
            parts.append("protected: the engine will refuse")
        if change.retained:
            parts.append("stays in AWS")
    return "; ".join(parts)


def _violations(reports: Sequence[StackReport], level: str) -> list[Block]:
    found: list[Block] = []
    for report in reports:
        # Violations in the order of the rules; one line each.
        lines = [
            f"- {code(item.policy)} {code(item.resource)}: {code(item.message)}"
            for item in report.violations
            if item.level == level
        ]
        if lines:
            opened = " open" if level == "mandatory" else ""
            summary = f"{level.capitalize()} policies violated in {_escape(report.stack)}: {len(lines)}"
            head = ["", f"<details{opened}><summary>{summary}</summary>", ""]
            found.append(Block(head=head, lines=lines, end=["", "</details>"]))
    return found


def _diffs(reports: Sequence[StackReport]) -> list[Block]:
    found: list[Block] = []
    for report in reports:
        if report.diff.strip():
            ticks = fence(report.diff)
            head = [
                "",
                f"<details><summary>What the engine says of {_escape(report.stack)}</summary>",
                "",
                f"{ticks}diff",
            ]
            found.append(Block(head=head, lines=_cut_lines(report.diff), end=[ticks, "", "</details>"]))
    return found


def _cut_lines(text: str) -> list[str]:
    """The lines of a text; one that is too long would keep out all that follow it."""
    return [line if len(line) <= _MAX_LINE else line[: _MAX_LINE - 1] + "…" for line in text.rstrip().splitlines()]


def _chosen(reports: Sequence[StackReport]) -> list[StackReport]:
    """One report a stack: what the real engine says, where it could be asked."""
    real = {report.stack for report in reports if report.source != OFFLINE and not report.error}
    return [report for report in reports if report.source != OFFLINE or report.stack not in real]


def _assemble(head: Sequence[str], blocks: Sequence[Block], footer: str, run_url: str, limit: int) -> str:
    """Head, as many blocks and lines as fit, and the foot; says what was left out."""
    link = f" [The whole output]({run_url})." if run_url else ""
    foot = ["", f"<sub>{footer}{link}</sub>"] if footer or link else []
    # Room for the line that says what is missing, whatever number it tells.
    room = limit - _size([*head, *foot]) - _size(_left_out(10**9))
    lines: list[str] = []
    missing = 0
    for block in blocks:
        frame = _size([*block.head, *block.end])
        fitting: list[str] = []
        used = frame
        for line in block.lines:
            if missing or used + _size([line]) > room:
                break
            fitting.append(line)
            used += _size([line])
        missing += len(block.lines) - len(fitting)
        if fitting:
            lines += [*block.head, *fitting, *block.end]
            room -= used
    return "\n".join([*head, *lines, *(_left_out(missing) if missing else []), *foot]) + "\n"


def _left_out(lines: int) -> list[str]:
    return ["", f"_{lines} more lines don't fit into a comment._"]


def _size(lines: Sequence[str]) -> int:
    """Characters of lines with their ends, counted as UTF-16 units: GitHub may count either way, and these are more."""
    return sum(len(line.encode("utf-16-le")) // 2 + 1 for line in lines)


def _escape(text: str) -> str:
    """A word inside HTML: stacks have simple names, and what isn't one is not shown as it is."""
    return re.sub(r"[^A-Za-z0-9._-]", "?", text)[:100]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
