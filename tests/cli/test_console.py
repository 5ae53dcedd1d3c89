"""What the command line prints is what it was given: whole, and in columns as wide as the terminal if that can be."""

import subprocess
import sys
from pathlib import Path

import pytest

from cli import console

COLUMNS = ("NAME", "TAG", "WHY")
ROWS = [
    ("words", "release-4.0.0\ndeployed-production-677d32c06b65", "number 1 of 3 by age, 9999 stay in the repository"),
    ("[wip] :ship:", "(none)", "[/] [#12]"),
]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A narrow one."""
    monkeypatch.setattr(console.answer, "_width", 60)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_behind_standard_output_is_told_of(project: Path) -> None:
    (project / "Pulumi.dev.yaml").write_text("config: {}\n")
    command = [sys.executable, "-m", "cli", "ci", "stacks"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
    assert done.returncode == 1
    assert done.stderr.startswith("slipway: There is no space left on the disk for what this writes")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (21_680, "21.7 kB"), (10**6, "1.0 MB"), (12 * 10**8, "1.2 GB")],
)
def test_sizes_have_one_form(count: int, text: str) -> None:
    assert console.size_text(count) == text


def test_texts_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_table(COLUMNS, ROWS, prose=["WHY"])
    console.answer.print("[wip] at 12:100:05 [/]")
    console.progress.print("[wip] at 12:100:05 [/]")
    printed = capsys.readouterr()
    *_, row, line = printed.out.splitlines()
    assert row.split() == ["[wip]", ":ship:", "(none)", "[/]", "[#12]"]
    assert line == "[wip] at 12:100:05 [/]"
    assert printed.err == "[wip] at 12:100:05 [/]\n"


@pytest.mark.usefixtures("terminal")
def test_prose_is_folded_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_table(("NAME", "WHY"), [(name, why) for name, _, why in ROWS], prose=["WHY"])
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 60
    assert [line.split("  ")[0].strip() for line in lines] == ["NAME", "words", "", "[wip] :ship:"]


@pytest.mark.usefixtures("terminal")
def test_a_terminal_that_is_too_narrow_cuts_no_name(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_table(COLUMNS, ROWS, prose=["WHY"])
    text = capsys.readouterr().out
    assert "deployed-production-677d32c06b65" in text
    assert "…" not in text
    assert [line[:12].rstrip() for line in text.splitlines() if not line[0].isspace()] == [
        "NAME",
        "words",
        "[wip] :ship:",
    ]
    assert " ".join(line[48:].strip() for line in text.splitlines()[1:-1]).split() == ROWS[0][2].split()
