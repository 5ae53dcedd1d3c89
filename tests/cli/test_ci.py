"""What the workflows run, on small projects.

What these tests can't prove: that GitHub and the real CLI are called as they want to be; the CLI here is a script that
notes how it was called.
"""

import json
import subprocess
from pathlib import Path

import pytest

from cli import ci
from cli.ci import due_stacks, offline_report
from cli.errors import CliError
from cli.stack_report import StackReport, read_report, write_report
from tests.cli.conftest import Slipway
from tests.cli.fake_pulumi import FakePulumi

PROJECT = "name: demo\nruntime: python\n"
STACK = "config:\n  aws:region: eu-west-1\n  demo:images: {a: sha256:1}\n"
PROGRAM = """
import pulumi_aws as aws
from parts import topic
topic.make()
"""
PART = """
import pulumi_aws as aws

def make():
    aws.sns.Topic("t", name="t", display_name="one")
"""


def project(root: Path, part: str = PART, stacks: tuple[str, ...] = ("dev",)) -> Path:
    (root / "parts").mkdir(parents=True)
    (root / "Pulumi.yaml").write_text(PROJECT)
    (root / "__main__.py").write_text(PROGRAM)
    (root / "parts" / "__init__.py").write_text("")
    (root / "parts" / "topic.py").write_text(part)
    for stack in stacks:
        (root / f"Pulumi.{stack}.yaml").write_text(STACK)
    return root


JUDGE = ci._judge
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def no_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    """These programs have no policy pack of their own."""
    monkeypatch.setattr("cli.ci._judge", lambda *_arguments: ())


def test_each_checkout_runs_its_own_code(tmp_path: Path) -> None:
    base = project(tmp_path / "base")
    head = project(tmp_path / "head", PART.replace("one", "two"))
    for _ in range(2):  # the second time with the modules of the first in memory
        (change,) = offline_report(head, "dev", base).changes
        assert (change.operation, change.paths) == ("update", ('displayName: "one" → "two"',))
        assert offline_report(base, "dev", base).changes == ()


def test_without_a_base_everything_is_new(tmp_path: Path) -> None:
    report = offline_report(project(tmp_path / "head"), "dev", None)
    assert report.compared is False
    assert [change.operation for change in report.changes] == ["create"]


def test_a_base_that_has_no_such_stack_or_is_broken_is_none(tmp_path: Path) -> None:
    head = project(tmp_path / "head")
    assert offline_report(head, "dev", project(tmp_path / "old", stacks=())).compared is False
    assert offline_report(head, "dev", project(tmp_path / "bad", "raise RuntimeError('no')")).compared is False


def test_a_program_that_fails_is_reported_with_its_error(tmp_path: Path) -> None:
    head = project(tmp_path / "head", "raise RuntimeError('out of paper')")
    assert "out of paper" in offline_report(head, "dev", None).error


def test_the_policy_packs_verdict_is_part_of_a_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.ci.default_config", lambda *_arguments: None)  # no exemption of the public docs site
    found = {(item.level, item.policy, item.resource) for item in JUDGE(ROOT, "dev")}
    assert ("mandatory", "s3-public-block", "slipway-dev-docs") in found


def test_changes_writes_a_report_a_stack_and_fails_where_one_fails(
    tmp_path: Path, slipway: Slipway, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = project(tmp_path / "head", stacks=("prod", "dev", "local"))
    monkeypatch.chdir(root)
    result = slipway("ci", "changes", "--output", "out")
    assert result.code == 0
    assert sorted(path.name for path in (root / "out").iterdir()) == ["dev.offline.json", "prod.offline.json"]
    (root / "parts" / "topic.py").write_text("raise RuntimeError('no')")
    result = slipway("ci", "changes", "--stack", "dev", "--output", "out", "--base", str(project(tmp_path / "base")))
    assert result.code == 1
    assert read_report(root / "out" / "dev.offline.json").error
    result = slipway("ci", "changes", "--output", "new", "--base", str(tmp_path / "nowhere"))
    assert (result.code, f"There is no folder {tmp_path / 'nowhere'} to compare with." in result.err) == (1, True)
    assert not (root / "new").exists()


def test_the_stacks_are_listed_in_the_order_of_their_deployment(
    tmp_path: Path, slipway: Slipway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project(tmp_path / "p", stacks=("prod", "local", "dev", "extra", "shared", "staging")))
    assert json.loads(slipway("ci", "stacks").out) == ["shared", "dev", "staging", "prod", "extra"]


def git(root: Path, *words: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", *identity, *words]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603


@pytest.fixture
def history(tmp_path: Path) -> tuple[Path, str]:
    """A repository with one commit of three stacks, and that commit."""
    root = project(tmp_path / "p", stacks=("dev", "staging", "prod", "local"))
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "first")
    return root, git(root, "rev-parse", "HEAD")


def test_dev_is_due_after_every_push_and_the_others_when_their_digest_changes(
    history: tuple[Path, str], capfd: pytest.CaptureFixture[str]
) -> None:
    root, first = history
    assert due_stacks(root, first) == ["dev"]
    (root / "Pulumi.staging.yaml").write_text(STACK.replace("sha256:1", "sha256:2"))
    assert due_stacks(root, first) == ["dev", "staging"]
    assert "staging: demo:images.a" in capfd.readouterr().err
    (root / "Pulumi.prod.yaml").write_text("# a comment\n" + STACK)
    assert due_stacks(root, first) == ["dev", "staging"]


def test_a_new_stack_file_is_due(history: tuple[Path, str]) -> None:
    root, first = history
    (root / "Pulumi.shared.yaml").write_text(STACK)
    assert due_stacks(root, first) == ["shared", "dev"]


@pytest.mark.parametrize("since", ["0" * 40, "f" * 40])
def test_where_the_earlier_commit_is_not_known_every_stack_is_due(history: tuple[Path, str], since: str) -> None:
    assert due_stacks(history[0], since) == ["dev", "staging", "prod"]


@pytest.mark.parametrize("since", ["--output=x", "", "a b", ":x"])
def test_what_names_no_commit_is_refused(history: tuple[Path, str], since: str) -> None:
    with pytest.raises(CliError, match="names no commit"):
        due_stacks(history[0], since)


NO_STACK_FILES = ["a: [", "- a", "config: [a]", "config:\n\ta: 1", "text"]


@pytest.mark.parametrize("text", NO_STACK_FILES)
def test_a_file_that_is_no_stack_file_is_an_error_that_names_it(
    history: tuple[Path, str], slipway: Slipway, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    root, first = history
    (root / "Pulumi.staging.yaml").write_text(text)
    monkeypatch.chdir(root)
    result = slipway("ci", "due", "--since", first)
    assert (result.code, result.out) == (1, "")
    assert (
        result.err == "slipway: Pulumi.staging.yaml is no stack file: expected YAML, with a mapping below `config`.\n"
    )


@pytest.mark.parametrize("text", NO_STACK_FILES)
def test_a_stack_whose_file_was_none_is_due(history: tuple[Path, str], text: str) -> None:
    root, _ = history
    good = (root / "Pulumi.staging.yaml").read_text()
    (root / "Pulumi.staging.yaml").write_text(text)
    git(root, "commit", "-q", "-a", "-m", "broken")
    (root / "Pulumi.staging.yaml").write_text(good)
    assert due_stacks(root, "HEAD") == ["dev", "staging"]


def test_without_git_nobody_knows_what_is_due(
    history: tuple[Path, str], slipway: Slipway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(history[0])
    monkeypatch.setenv("PATH", str(history[0]))
    result = slipway("ci", "due", "--since", "HEAD")
    assert (result.code, result.out, "git isn't installed here" in result.err) == (1, "", True)


def test_due_prints_a_json_list(history: tuple[Path, str], slipway: Slipway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(history[0])
    assert json.loads(slipway("ci", "due", "--since", "HEAD").out) == ["dev"]
    assert slipway("ci", "due", "--since", "HEAD", "--stack", "", "--as", "stacks").out == 'stacks=["dev"]\n'
    assert json.loads(slipway("ci", "due", "--since", "HEAD", "--stack", "prod").out) == ["prod"]
    unknown = slipway("ci", "due", "--since", "HEAD", "--stack", "local")
    assert (unknown.code, "Stacks: dev, staging, prod" in unknown.err) == (1, True)


EVENT = {"resourcePreEvent": {"metadata": {"op": "update", "urn": "u::p::t::name", "type": "t", "diffs": ["x"]}}}


def test_a_real_preview_runs_with_the_policy_pack_and_leaves_a_report(
    tmp_path: Path, slipway: Slipway, monkeypatch: pytest.MonkeyPatch, fake_pulumi: FakePulumi
) -> None:
    root = project(tmp_path / "p")
    (root / "policy").mkdir()
    (root / "policy" / "config.dev.json").write_text("{}")
    monkeypatch.chdir(root)
    fake_pulumi.behave(code=3, output="~ name", events=[EVENT])
    assert slipway("ci", "preview", "--stack", "dev", "--output", "out", "--parallel", "4").code == 3
    (call,) = fake_pulumi.calls
    log = str(root / "out" / "dev.preview.events")
    assert call.arguments == [
        *("preview", "--stack", "dev", "--diff", "--policy-pack", "policy"),
        *("--policy-pack-config", "policy/config.dev.json", "--event-log", log),
        *("--non-interactive", "--color", "never", "--parallel", "4"),
    ]
    assert call.folder == str(root)
    assert call.environment["PULUMI_DEBUG_COMMANDS"] == "true"
    report = read_report(root / "out" / "dev.preview.json")
    assert (report.source, report.diff) == ("preview", "~ name\n")
    assert [change.name for change in report.changes] == ["name"]
    assert not Path(log).exists()


def test_drift_refreshes_inside_of_a_preview_and_expects_nothing(
    tmp_path: Path, slipway: Slipway, monkeypatch: pytest.MonkeyPatch, fake_pulumi: FakePulumi
) -> None:
    monkeypatch.chdir(project(tmp_path / "p"))
    assert slipway("ci", "drift", "--stack", "dev").code == 0
    (call,) = fake_pulumi.calls
    assert call.arguments[:4] == ["preview", "--stack", "dev", "--diff"]
    # Without the images, which would be asked for with the registry's token of the last update, and taken to be gone.
    left_out = "**docker-build:index:Image::**"
    assert call.arguments[4:8] == ["--refresh", "--exclude", left_out, "--expect-no-changes"]
    assert "--policy-pack" not in call.arguments
    assert read_report(tmp_path / "p" / "build" / "reports" / "dev.drift.json").changes == ()


def test_a_deployment_is_held_to_the_policy_pack(
    tmp_path: Path, slipway: Slipway, monkeypatch: pytest.MonkeyPatch, fake_pulumi: FakePulumi
) -> None:
    monkeypatch.chdir(project(tmp_path / "p"))
    fake_pulumi.behave(code=7)
    assert slipway("ci", "deploy", "--stack", "dev", "--refresh").code == 7
    (call,) = fake_pulumi.calls
    assert call.arguments == [
        *("up", "--yes", "--stack", "dev", "--diff", "--policy-pack", "policy"),
        *("--non-interactive", "--color", "never", "--refresh"),
    ]


def test_a_preview_that_fails_without_a_word_is_an_error(
    tmp_path: Path, slipway: Slipway, monkeypatch: pytest.MonkeyPatch, fake_pulumi: FakePulumi
) -> None:
    monkeypatch.chdir(project(tmp_path / "p"))
    fake_pulumi.behave(code=255)
    assert slipway("ci", "preview", "--stack", "dev", "--output", "out").code == 255
    assert read_report(tmp_path / "p" / "out" / "dev.preview.json").error == "`pulumi preview` ended with code 255."


def test_comment_and_issue_are_printed_from_folders_of_reports(
    tmp_path: Path, slipway: Slipway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project(tmp_path / "p", stacks=("prod", "dev")))
    slipway("ci", "changes", "--output", "out/a")
    comment = slipway("ci", "comment", "out", "--commit", "abc", "--run-url", "https://run.example")
    assert comment.code == 0
    assert comment.out.index("`dev` (offline") < comment.out.index("`prod` (offline")
    assert "https://run.example" in comment.out
    issue = slipway("ci", "drift-issue", "out")
    assert "`dev`, `prod`" in issue.out


@pytest.mark.parametrize(("stacks", "closed"), [('["dev"]', True), ('["dev", "prod"]', False)])
def test_a_stack_that_was_not_looked_at_keeps_the_issue_open(
    tmp_path: Path, slipway: Slipway, monkeypatch: pytest.MonkeyPatch, stacks: str, *, closed: bool
) -> None:
    done: list[tuple[str, str]] = []

    class Github:
        def keep_issue(self, _marker: str, _title: str, body: str) -> str:
            done.append(("kept", body))
            return "https://issue.example"

        def close_issue(self, _marker: str, reason: str) -> bool:
            done.append(("closed", reason))
            return True

    monkeypatch.setattr("cli.ci._github", Github)
    monkeypatch.chdir(project(tmp_path / "p"))
    write_report(StackReport(stack="dev", source="drift"), Path("out/dev.drift.json"))
    assert slipway("ci", "drift-issue", "out", "--stacks", stacks, "--publish").code == 0
    ((what, text),) = done
    assert what == ("closed" if closed else "kept")
    assert closed or "**No preview of `prod`:**" in text


def test_the_issue_tells_of_a_night_without_any_report(
    tmp_path: Path, slipway: Slipway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project(tmp_path / "p"))
    issue = slipway("ci", "drift-issue", "out", "--stacks", '["prod"]')
    assert (issue.code, "**No preview of `prod`:**" in issue.out) == (0, True)
    assert "out can't be read" in slipway("ci", "drift-issue", "out").err


@pytest.mark.parametrize("stacks", ["", "dev", "{}", "[1]"])
def test_stacks_that_are_no_list_of_names_are_refused(
    tmp_path: Path, slipway: Slipway, monkeypatch: pytest.MonkeyPatch, stacks: str
) -> None:
    monkeypatch.chdir(project(tmp_path / "p"))
    write_report(StackReport(stack="dev", source="drift"), Path("out/dev.drift.json"))
    result = slipway("ci", "drift-issue", "out", "--stacks", stacks)
    assert result.code == 1
    assert f'must be a JSON list of names, such as ["dev"]; found {stacks!r}' in result.err


def test_writing_to_github_needs_a_token(tmp_path: Path, slipway: Slipway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project(tmp_path / "p"))
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    slipway("ci", "changes", "--output", "out")
    result = slipway("ci", "comment", "out", "--head", "o:b", "--commit", "abc", "--publish")
    assert result.code == 1
    assert "GITHUB_TOKEN must be set" in result.err
