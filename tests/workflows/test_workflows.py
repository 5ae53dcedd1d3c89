"""What every workflow must keep to.

What these tests can't prove: that GitHub runs them; `make workflows` has zizmor look at them, too.
"""

import re
import shlex
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from cli.main import app
from engine.config import load_project

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
PINNED = re.compile(r"uses: ([\w.-]+/[\w./-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)$")


def load(path: Path) -> dict[Any, Any]:
    return yaml.safe_load(path.read_text())


def triggers(path: Path) -> dict[str, Any]:
    # YAML 1.1 reads the key `on` as true.
    found = load(path)[True]
    return found if isinstance(found, dict) else {found: None}


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in FILES:
        for name, job in load(path)["jobs"].items():
            yield f"{path.stem}.{name}", job


def steps(key: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, job in jobs():
        for step in job.get("steps", []):
            if not key or key in step:
                yield name, step


def test_there_is_one_workflow_for_each_task() -> None:
    names = {path.stem for path in FILES}
    assert names == {"ci", "preview", "comment", "deploy", "deploy-stack", "drift", "real-cli"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_action_is_pinned_by_commit_with_its_version_beside(path: Path) -> None:
    for line in path.read_text().splitlines():
        if "uses:" in line:
            own = re.search(r"uses: \$/(\S+)$", line)
            assert PINNED.search(line) or (own and (ROOT / own[1]).is_file()), line


def test_an_action_has_one_commit_everywhere() -> None:
    found: dict[str, set[str]] = {}
    for path in FILES:
        for line in path.read_text().splitlines():
            if match := PINNED.search(line):
                found.setdefault(match[1], set()).add(f"{match[2]} {match[3]}")
    assert all(len(commits) == 1 for commits in found.values()), found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_is_allowed_but_what_a_job_asks_for(path: Path) -> None:
    assert load(path)["permissions"] == {}
    for name, job in load(path)["jobs"].items():
        assert job.get("permissions"), name
        assert "timeout-minutes" in job or "uses" in job, name


def test_only_the_comment_and_the_issue_are_written() -> None:
    writing = {
        (name, scope)
        for name, job in jobs()
        for scope, level in job["permissions"].items()
        if level == "write" and scope != "id-token"
    }
    assert writing == {("comment.comment", "pull-requests"), ("drift.issue", "issues")}


def test_a_token_for_aws_is_asked_for_where_credentials_are_made_and_nowhere_else() -> None:
    for name, job in jobs():
        if "uses" not in job:
            configures = any("configure-aws-credentials" in step.get("uses", "") for step in job["steps"])
            assert configures == ("id-token" in job["permissions"]), name


def test_there_is_no_secret_but_the_token_of_the_run() -> None:
    for path in FILES:
        assert "secrets." not in path.read_text(), path


def test_no_checkout_keeps_its_credentials() -> None:
    checkouts = [step for _, step in steps("uses") if step["uses"].startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))


def check_slipway(words: list[str]) -> None:
    """The command and its options exist: as typer parses them, without running anything."""
    command: Any = typer.main.get_command(app)
    while words and hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    values = [re.sub(r"^\$\w+$", "value", word) for word in words]
    with command.make_context("slipway", values, resilient_parsing=False) as context:
        assert not context.args or context.allow_extra_args is False


@pytest.mark.parametrize(("name", "command"), [(name, step["run"]) for name, step in steps("run")])
def test_what_is_run_is_a_make_target_or_a_command_of_slipway(name: str, command: str) -> None:
    assert "${{" not in command, "values come through the environment, where nothing is evaluated"
    words = shlex.split(command.strip())
    if words[-2:-1] == [">>"]:
        assert words[-1] == "$GITHUB_OUTPUT"
        words = words[:-2]
    if words[0] == "make":
        assert words[1] in make_targets()
    elif words[0] == ".venv/bin/slipway":
        check_slipway(words[1:])
    else:
        assert words in ([".ci/run"], ["sudo", "bin/docker-engine", "install"])
    assert "\n" not in command.strip()


def test_the_cli_fits_the_sdk() -> None:
    versions = {step["with"]["pulumi-version"] for _, step in steps("uses") if "pulumi/actions" in step["uses"]}
    assert versions == {version("pulumi")}


def test_pull_requests_get_no_token_that_writes_and_no_credentials_of_forks() -> None:
    assert not [path for path in FILES if "pull_request_target" in triggers(path)]
    for path in FILES:
        if "pull_request" not in triggers(path):
            continue
        for name, job in load(path)["jobs"].items():
            if "id-token" in job["permissions"]:
                assert "head.repo.full_name == github.repository" in job["if"], name


def test_the_workflow_that_comments_runs_the_default_branch_alone() -> None:
    path = FOLDER / "comment.yml"
    assert triggers(path) == {"workflow_run": {"workflows": ["preview"], "types": ["completed"]}}
    assert load(FOLDER / "preview.yml")["name"] == "preview"
    (checkout,) = [step for name, step in steps("uses") if name == "comment.comment" and "checkout" in step["uses"]]
    assert checkout["with"]["ref"] == "${{ github.event.repository.default_branch }}"


def test_a_stack_has_one_update_at_a_time_that_nothing_interrupts_or_drops() -> None:
    groups = {name: job["concurrency"] for name, job in jobs() if "concurrency" in job}
    # Without `queue`, GitHub cancels the one that waits when another joins. A job that waits for an approval is in the
    # group already: whatever else were in it, a nightly look for example, would wait as long.
    assert groups == {
        "deploy-stack.deploy": {"group": "stack-${{ inputs.stack }}", "cancel-in-progress": False, "queue": "max"}
    }
    assert all("concurrency" in load(path) for path in FILES if path.stem != "deploy-stack")


def test_every_stack_has_its_deployment_in_its_environment() -> None:
    deploy = load(FOLDER / "deploy.yml")
    stacks = set(load_project(ROOT).stacks) - {"local"}
    called = {name: job for name, job in deploy["jobs"].items() if "uses" in job}
    assert stacks <= set(called)
    assert set(triggers(FOLDER / "deploy.yml")["workflow_dispatch"]["inputs"]["stack"]["options"]) == set(called)
    for name, job in called.items():
        assert job["with"] == {"stack": name}
        assert f"'{name}')" in job["if"]
    (job,) = load(FOLDER / "deploy-stack.yml")["jobs"].values()
    assert job["environment"] == "${{ inputs.stack }}"


def test_deployments_follow_each_other_from_dev_to_prod() -> None:
    needs = {name: job.get("needs") for name, job in load(FOLDER / "deploy.yml")["jobs"].items()}
    assert needs == {
        "plan": None,
        "shared": "plan",
        "dev": ["plan", "shared"],
        "staging": ["plan", "dev"],
        "prod": ["plan", "staging"],
    }


def test_only_the_main_branch_deploys_and_looks_for_drift() -> None:
    for path, job in (("deploy.yml", "plan"), ("drift.yml", "look")):
        assert "github.ref == 'refs/heads/main'" in load(FOLDER / path)["jobs"][job]["if"]


def test_the_real_cli_proves_a_second_update_and_a_refresh_without_changes_and_an_empty_end() -> None:
    commands = [step["run"] for name, step in steps("run") if name == "real-cli.sandbox"]
    assert commands == [
        "make venv",
        "make pulumi-up",
        "make pulumi-up ARGS=--expect-no-changes",
        'make pulumi-preview ARGS="--refresh --expect-no-changes"',
        "make pulumi-down",
    ]


def test_reports_are_left_even_where_a_check_is_red() -> None:
    uploads = [step for _, step in steps("uses") if "upload-artifact" in step["uses"]]
    assert len(uploads) == 4
    assert all(step["if"] == "${{ !cancelled() }}" for step in uploads)
