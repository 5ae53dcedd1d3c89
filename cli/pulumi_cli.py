"""The real Pulumi CLI: where it is, how to get it, and how it is called for a stack."""

import importlib.metadata
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from cli.errors import CliError

NON_INTERACTIVE = ("--non-interactive", "--color", "never")


def find_pulumi() -> str:
    """The path of the CLI.

    Raises:
        CliError: it isn't installed; the text says how to get it.
    """
    found = shutil.which("pulumi")
    if found is None:
        raise CliError(
            "The Pulumi CLI isn't installed here. Get the version that fits the SDK of this project:\n"
            f"  curl -fsSL https://get.pulumi.com | sh -s -- --version {sdk_version()}\n"
            '  export PATH="$HOME/.pulumi/bin:$PATH"\n'
            "or see https://www.pulumi.com/docs/install/. Without it: make preview (offline), make up (sandbox)."
        )
    return found


def sdk_version() -> str:
    """The version of the SDK, which is that of the CLI to go with it."""
    return importlib.metadata.version("pulumi")


def run_pulumi(
    arguments: Sequence[str], *, root: Path, environment: Mapping[str, str] | None = None, output: Path | None = None
) -> int:
    """Run the CLI in a project's folder; its exit code.

    Args:
        arguments: command and options.
        environment: the whole environment; by default that of this process.
        output: file for what it prints; by default it prints to the terminal.
    """
    command = [find_pulumi(), *arguments]
    given = dict(os.environ if environment is None else environment)
    if output is None:
        return subprocess.run(command, cwd=root, env=given, check=False).returncode  # noqa: S603 - our own words
    with output.open("wb") as file:
        return subprocess.run(command, cwd=root, env=given, stdout=file, check=False).returncode  # noqa: S603


def policy_arguments(root: Path, stack: str) -> list[str]:
    """The options that hold an operation to this project's policy pack, with the stack's configuration of it."""
    config = root / "policy" / f"config.{stack}.json"
    arguments = ["--policy-pack", "policy"]
    return [*arguments, "--policy-pack-config", str(config.relative_to(root))] if config.is_file() else arguments
