"""A deployed stack's outputs: from the sandbox's file, or from the Pulumi CLI."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from cli.errors import CliError
from cli.project import state_folder

LOCAL_STACK = "local"
"""The stack that `slipway up` runs in the sandbox."""


@dataclass(frozen=True)
class StackOutputs:
    """What the commands need of a stack's outputs."""

    api_url: str
    api_keys: Mapping[str, str]
    """Consumer -> the key in use now."""
    docs_url: str
    pipelines: tuple[str, ...]

    def key_of(self, consumer: str | None) -> str:
        """The API key of a consumer; of the only one, or of the one named `default`, if none is named.

        Raises:
            CliError: there is no such consumer.
        """
        if consumer is None:
            consumer = "default" if "default" in self.api_keys else next(iter(self.api_keys), "")
        if consumer not in self.api_keys:
            known = ", ".join(self.api_keys) or "none"
            raise CliError(f"There is no consumer {consumer!r} in this stack. Consumers: {known}.")
        return self.api_keys[consumer]

    def check_pipeline(self, pipeline: str) -> None:
        """Raise a CliError that lists the pipelines unless `pipeline` is one."""
        if pipeline not in self.pipelines:
            known = ", ".join(self.pipelines) or "none"
            raise CliError(f"There is no pipeline {pipeline!r} in this stack. Pipelines: {known}.")


def outputs_file(root: Path) -> Path:
    """Where `slipway up` leaves the outputs of the local stack; only its owner can read it, it has the keys."""
    return state_folder(root) / "outputs.json"


def save_outputs(root: Path, exports: Mapping[str, Any]) -> None:
    """Write the outputs of the local stack."""
    path = outputs_file(root)
    path.parent.mkdir(exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(exports, file, indent=2)


def load_outputs(root: Path, stack: str) -> StackOutputs:
    """The outputs of a stack that is deployed.

    Raises:
        CliError: the sandbox doesn't run, or the Pulumi CLI can't tell.
    """
    exports = stack_exports(root, stack, secrets=True)
    try:
        return StackOutputs(
            api_url=str(exports["apiUrl"]),
            api_keys=cast("dict[str, str]", exports["apiKeys"]),
            docs_url=str(exports["docsUrl"]),
            pipelines=tuple(cast("dict[str, Any]", exports["pipelines"])),
        )
    except KeyError as error:
        raise CliError(f"Stack {stack!r} has no output {error}. Deploy it first: pulumi up --stack {stack}") from error


def stack_exports(root: Path, stack: str, *, secrets: bool = False) -> dict[str, Any]:
    """All outputs of a stack that is deployed.

    Raises:
        CliError: the sandbox doesn't run, or the Pulumi CLI can't tell.
        ConfigError: it can't, and there is no such stack.
    """
    return _local_exports(root) if stack == LOCAL_STACK else _pulumi_exports(root, stack, secrets=secrets)


def _local_exports(root: Path) -> dict[str, Any]:
    try:
        return json.loads(outputs_file(root).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CliError("Nothing runs in the sandbox. Start it: make up") from error


def _pulumi_exports(root: Path, stack: str, *, secrets: bool) -> dict[str, Any]:
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        _check_file(root, stack)
        raise CliError(
            f"The outputs of stack {stack!r} are known to the Pulumi CLI, which isn't installed here. "
            "Install it (https://www.pulumi.com/docs/install/), or use the sandbox: --stack local"
        )
    shown = ["--show-secrets"] if secrets else []
    command = [pulumi, "stack", "output", "--json", *shown, "--stack", stack]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    if result.returncode != 0:
        _check_file(root, stack)
        raise CliError(
            f"`pulumi stack output --stack {stack}` failed: {result.stderr.strip()}\n"
            "It needs a login to the backend that has the state (pulumi whoami), and a stack that is deployed: "
            f"pulumi up --stack {stack}"
        )
    return json.loads(result.stdout)


def _check_file(root: Path, stack: str) -> None:
    """Refuse a stack without a file. A stack may do without one, so that only one that can't be asked is looked at."""
    from engine.config import load_project

    load_project(root).stack_file(stack.rpartition("/")[2])  # the CLI takes `ORGANIZATION/PROJECT/STACK`, too
