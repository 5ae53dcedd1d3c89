"""docs/releases.md says what the commands about images do: its commands, options, permissions and numbers hold."""

import re
from pathlib import Path
from typing import Any

import typer

from cli import main
from cli.registry import client, findings
from cli.registry.edit import BUILD_KEYS
from components.repository_access import PULL_ACTIONS, PUSH_ACTIONS

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "docs" / "releases.md").read_text()


def test_every_command_and_option_exists() -> None:
    commands: dict[str, Any] = dict(typer.main.get_command(main.app).commands)
    named = set(re.findall(r"slipway ([a-z]+)", TEXT))
    assert named == {"promote", "releases", "images", "scan", "lifecycle"}
    known = {option for name in named for parameter in commands[name].params for option in parameter.opts}
    others = {"--unshallow", "--repository-name", "--filter"}
    assert set(re.findall(r"(?<![\w`/-])--[a-z][a-z-]+", TEXT)) - others <= known


def test_every_call_that_is_made_is_among_the_permissions() -> None:
    start = TEXT.index("It needs `ecr:")
    permissions = set(
        re.findall(r"`(?:ecr:)?([A-Z]\w+)`", TEXT[start : TEXT.index("on the image's repository", start)])
    )
    # The previews of lifecycle policies are another command's.
    # Another account that may push may promote as well.
    assert {f"ecr:{name}" for name in permissions} <= {*PULL_ACTIONS, *PUSH_ACTIONS}
    assert permissions == {name for name in client._OPERATIONS.values() if "Preview" not in name}


def test_numbers_and_keys_are_those_of_the_code() -> None:
    assert f"at most {findings.WAIT_SECONDS / 60:g} minutes" in TEXT
    assert all(f"`{key}`" in TEXT for key in BUILD_KEYS)


def test_every_link_leads_somewhere() -> None:
    targets = [target for target in re.findall(r"\]\(([^)#]+)", TEXT) if "://" not in target]
    assert targets
    assert [target for target in targets if not (ROOT / "docs" / target).exists()] == []
