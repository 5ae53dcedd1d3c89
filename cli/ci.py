"""`slipway ci ...`: what the workflows in `.github/workflows` run. Each command works on any machine."""

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from cli.comment import DRIFT_MARKER, PREVIEW_MARKER, render_drift, render_preview
from cli.console import answer, progress
from cli.errors import CliError
from cli.git import run_git
from cli.github import GithubApi
from cli.outputs import LOCAL_STACK
from cli.policy import default_config, read_config
from cli.preview import stack_region
from cli.project import find_root
from cli.pulumi_cli import NON_INTERACTIVE, policy_arguments, run_pulumi
from cli.registry.documents import mapping
from cli.stack_files import read_stack_file
from cli.stack_report import (
    DRIFT,
    OFFLINE,
    OPERATIONS,
    PREVIEW,
    ReportedChange,
    ReportedViolation,
    StackReport,
    from_event_log,
    read_report,
    short,
    write_report,
)
from engine.config import load_project
from engine.errors import EngineError

REPORTS = Path("build") / "reports"
"""Where the reports go unless told otherwise."""
ALWAYS_DEPLOYED = "dev"
"""The stack that follows every merge."""
_ORDER = ("shared", ALWAYS_DEPLOYED, "staging", "prod")
_NO_COMMIT = "0" * 40
"""What GitHub calls the commit before the first push of a branch."""
_OWN_PACKAGES = ("cli", "engine", "policy", "sandbox")
"""This command line's own, which stay whatever program runs."""
_COMMIT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./~^-]*")
BUILT_IMAGES = "**docker-build:index:Image::**"
"""The URNs of all images that a stack builds, as `--exclude` takes them."""
_TITLE = "Resources differ from the program"
_NOT_LOOKED_AT = "The look at it ended before there was a report: see the run."


def run_stacks() -> int:
    """Print the stacks that live in an account, as a JSON list."""
    answer.print(json.dumps(_stacks(find_root())))
    return 0


def run_changes(stacks: Sequence[str], base: Path | None, output: Path) -> int:
    """Compare the program with its state in another folder, offline, and judge it; 1 if a stack can't be or may not.

    Args:
        stacks: all of the project but the local one, if empty.
        base: a checkout to compare with.

    Raises:
        CliError: there is no such folder; without a comparison all would look new.
    """
    root = find_root()
    if base is not None and not base.is_dir():
        raise CliError(f"There is no folder {base} to compare with. Check it out there: git worktree add {base} main")
    worst = 0
    for stack in stacks or _stacks(root):
        report = offline_report(root, stack, base)
        _tell(report)
        write_report(report, output / f"{stack}.{OFFLINE}.json")
        worst |= bool(report.error or report.mandatory)
    return worst


def offline_report(root: Path, stack: str, base: Path | None) -> StackReport:
    """What a deployment of the program in `root` would change in a stack that the one in `base` made."""
    from engine.upgrade import SimulatedAccount

    report = StackReport(stack=stack, source=OFFLINE, compared=False)
    account = SimulatedAccount(stack_region(root, stack))
    if base is not None and (base / f"Pulumi.{stack}.yaml").is_file():
        try:
            _simulate(base, stack, account)
            report = replace(report, compared=True)
        except EngineError as error:
            # The pull request may be what mends it.
            progress.print(f"The base of {stack} can't be previewed: {error}")
            account = SimulatedAccount(account.region)
    try:
        changes = tuple(
            _reported(change) for change in _simulate(root, stack, account) if change.operation in OPERATIONS
        )
        return replace(report, changes=changes, violations=_judge(root, stack))
    except EngineError as error:
        return replace(report, error=str(error))


def run_real(stack: str, output: Path, *, drift: bool, arguments: Sequence[str]) -> int:
    """Preview a stack with the real CLI, with its policy pack, or look for drift; the CLI's exit code.

    A refresh as part of a preview reads every resource and changes neither them nor the state, so that it needs no lock
    and no more than a reading role. Built images are left out: the state has the registry's token of the last update,
    which is good for 12 hours, and an image that can't be asked for counts as gone [pulumi/pulumi-docker-build,
    provider/internal/image.go, "Read"].
    """
    root = find_root()
    source = DRIFT if drift else PREVIEW
    output.mkdir(parents=True, exist_ok=True)
    events, diff = output / f"{stack}.{source}.events", output / f"{stack}.{source}.diff"
    events.unlink(missing_ok=True)
    mode = ["--refresh", "--exclude", BUILT_IMAGES, "--expect-no-changes"] if drift else policy_arguments(root, stack)
    options = ["--stack", stack, "--diff", *mode, "--event-log", str(events.resolve()), *NON_INTERACTIVE, *arguments]
    # The engine keeps its event log behind this variable, for its own automation API.
    environment = {**os.environ, "PULUMI_DEBUG_COMMANDS": "true", "PULUMI_SKIP_UPDATE_CHECK": "true"}
    code = run_pulumi(["preview", *options], root=root, environment=environment, output=diff)
    text = diff.read_text(encoding="utf-8", errors="replace")
    lines = events.read_text(encoding="utf-8").splitlines() if events.is_file() else []
    report = from_event_log(stack, source, lines, text)
    if code != 0 and not (report.changes or report.violations or report.error):
        report = replace(report, error=f"`pulumi preview` ended with code {code}.")
    write_report(report, output / f"{stack}.{source}.json")
    events.unlink(missing_ok=True)  # it has the inputs of every resource
    answer.print(text)
    _tell(report)
    return code


def run_deploy(stack: str, arguments: Sequence[str]) -> int:
    """Deploy a stack with the real CLI; its exit code. The preview that it begins with is held to the policy pack."""
    root = find_root()
    options = ["--stack", stack, "--diff", *policy_arguments(root, stack), *NON_INTERACTIVE, *arguments]
    return run_pulumi(["up", "--yes", *options], root=root)


def run_comment(files: Sequence[Path], head: str, commit: str, run_url: str, *, publish: bool) -> int:
    """Print the comment on a pull request, or write it there."""
    body = render_preview(_read_reports(files), commit=commit, run_url=run_url)
    if not publish:
        answer.print(body)
        return 0
    api = _github()
    number = api.pull_request_of(head, commit)
    if number is None:
        progress.print(f"No open pull request has {head} at {commit}: it was closed, or has moved on.")
        return 0
    progress.print(api.keep_comment(number, PREVIEW_MARKER, body))
    return 0


def run_drift_issue(files: Sequence[Path], stacks: str, run_url: str, *, publish: bool) -> int:
    """Print the issue about drift, or write it; where nothing differs, close it.

    Args:
        stacks: JSON list of those that were to be looked at. One without a report was not: it keeps the issue open.
    """
    names = _names(stacks)
    # Where no look got as far as a report, there is no folder of them either.
    reports = _read_reports([file for file in files if file.exists()] if names else files)
    seen = {report.stack for report in reports}
    reports += [StackReport(stack=name, source=DRIFT, error=_NOT_LOOKED_AT) for name in names if name not in seen]
    body = render_drift(reports, run_url=run_url)
    if not publish:
        answer.print(body)
    elif any(report.changes or report.error for report in reports):
        progress.print(_github().keep_issue(DRIFT_MARKER, _TITLE, body))
    elif _github().close_issue(DRIFT_MARKER, f"Nothing differs any more. {run_url}".rstrip()):
        progress.print("Nothing differs any more; the issue is closed.")
    return 0


def run_due(since: str, stack: str, name: str) -> int:
    """Print the stacks that a push makes due, as a JSON list in the order of their deployment.

    Args:
        stack: the one that somebody asked for; empty to find out by `since`.
        name: makes the line an assignment of a workflow's output.
    """
    root = find_root()
    if stack and stack not in _stacks(root):
        raise CliError(f"There is no stack {stack!r} to deploy. Stacks: {', '.join(_stacks(root))}.")
    text = json.dumps([stack] if stack else due_stacks(root, since))
    answer.print(f"{name}={text}" if name else text)
    return 0


def due_stacks(root: Path, since: str) -> list[str]:
    """The stacks to deploy after a push: dev always, another when its file says something else than before.

    What a promotion changes there is the digest of an image. A comment or the order of keys makes nothing due. Where
    the earlier commit isn't known, every stack is due; those with an approval wait for it.
    """
    if not _COMMIT.fullmatch(since):
        raise CliError(f"{since!r} names no commit.")
    due: list[str] = []
    for stack in _stacks(root):
        before = None if since == _NO_COMMIT else _config_at(root, since, stack)
        path = root / f"Pulumi.{stack}.yaml"
        after = _read_config(read_stack_file(path))
        if after is None:
            raise CliError(f"{path.name} is no stack file: expected YAML, with a mapping below `config`.")
        if before is not None and before != after:
            progress.print(f"{stack}: {', '.join(_changed_keys(before, after))}")
        if stack == ALWAYS_DEPLOYED or before != after:
            due.append(stack)
    return due


def _names(text: str) -> list[str]:
    try:
        content: object = json.loads(text)
    except ValueError:
        content = None
    names = cast("list[object]", content) if isinstance(content, list) else [content]
    if not all(isinstance(name, str) for name in names):
        raise CliError(f'Stacks must be a JSON list of names, such as ["dev"]; found {text!r}.')
    return cast("list[str]", names)


def _stacks(root: Path) -> list[str]:
    """The project's stacks that live in an account, in the order of their deployment."""
    found = [stack for stack in load_project(root).stacks if stack != LOCAL_STACK]
    return sorted(found, key=lambda stack: (_ORDER.index(stack) if stack in _ORDER else len(_ORDER), stack))


def _config_at(root: Path, commit: str, stack: str) -> Mapping[str, Any] | None:
    """What a stack's file said at a commit; None if it wasn't there or was none, or the commit isn't known."""
    result = run_git(root, ["show", f"{commit}:./Pulumi.{stack}.yaml"])
    return _read_config(result.stdout.decode(errors="replace")) if result.returncode == 0 else None


def _read_config(text: str) -> Mapping[str, Any] | None:
    """The settings of a stack file; None if it isn't one."""
    import yaml

    try:
        content: object = yaml.safe_load(text)
    except yaml.YAMLError:
        return None
    config: object = mapping(content).get("config")
    if not (content is None or isinstance(content, dict)) or not (config is None or isinstance(config, dict)):
        return None
    return mapping(cast("object", config))


def _changed_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    from engine.upgrade import differences_of

    keys = sorted({*before, *after}, key=str)
    return [found.path for key in keys for found in differences_of(key, before.get(key), after.get(key))]


def _simulate(root: Path, stack: str, account: Any) -> list[Any]:
    from engine.program import run_program

    folder = root.resolve()
    _forget_other_programs(folder)
    run_program(folder, stack, provider=account, preview=False)
    return account.finish()


def _forget_other_programs(root: Path) -> None:
    """Forget what was imported from another checkout's packages, so that the program in `root` gets its own."""
    for name, module in list(sys.modules.items()):
        package = name.partition(".")[0]
        file = getattr(module, "__file__", None)
        if package not in _OWN_PACKAGES and file and (root / package).is_dir() and not Path(file).is_relative_to(root):
            del sys.modules[name]


def _reported(change: Any) -> ReportedChange:
    from engine.replacement import HOLDS_DATA

    return ReportedChange(
        operation=change.operation.value,
        type=change.type,
        name=change.name,
        protected=change.protected,
        retained=change.retained,
        holds_data=change.type in HOLDS_DATA,
        paths=tuple(f"{item.path}: {short(item.old)} → {short(item.new)}" for item in change.differences),
        forced_by=change.forced_by,
    )


def _judge(root: Path, stack: str) -> tuple[ReportedViolation, ...]:
    """The policy pack's verdict on the offline preview."""
    from engine.policy_driver import analyze
    from engine.policy_subjects import from_registrations
    from engine.preview import PreviewProvider
    from engine.program import run_program

    region = stack_region(root, stack)
    deployment = run_program(root, stack, provider=PreviewProvider(region, placeholders=True), preview=True)
    report = analyze(
        from_registrations(deployment.registrations, region=region, settings=deployment.aws_settings),
        pack=root / "policy",
        config=read_config(default_config(root, stack)),
        project=deployment.project,
        stack=stack,
    )
    return tuple(
        ReportedViolation(
            level=finding.level,
            policy=finding.policy,
            resource=finding.urn.rpartition("::")[2] or "the stack",
            message=finding.message,
        )
        for findings in report.by_resource().values()
        for finding in findings
    )


def _read_reports(files: Sequence[Path]) -> list[StackReport]:
    """The reports in files, and in folders below which they are."""
    paths = [path for file in files for path in (sorted(file.rglob("*.json")) if file.is_dir() else [file])]
    reports = [read_report(path) for path in paths]
    rank = {stack: number for number, stack in enumerate(_ORDER)}
    return sorted(reports, key=lambda report: (rank.get(report.stack, len(rank)), report.stack, report.source))


def _tell(report: StackReport) -> None:
    counts = ", ".join(f"{report.count(operation)} to {operation}" for operation in OPERATIONS)
    progress.print(f"{report.stack} ({report.source}): {report.error or counts}")
    for change in report.changes:
        if change.operation in ("replace", "delete"):
            progress.print(f"  {change.operation} {change.name} ({change.type})")
    for violation in report.violations:
        if violation.level == "mandatory":
            progress.print(f"  {violation.policy}: {violation.resource}: {violation.message}")


def _github() -> GithubApi:
    repository, token = os.environ.get("GITHUB_REPOSITORY"), os.environ.get("GITHUB_TOKEN")
    if not repository or not token:
        raise CliError("GITHUB_REPOSITORY and GITHUB_TOKEN must be set to write to GitHub; a workflow's run has them.")
    return GithubApi(repository, token, api_url=os.environ.get("GITHUB_API_URL", "https://api.github.com"))
