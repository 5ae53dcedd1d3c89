"""`slipway pulumi ...`: the real engine and the real AWS provider, on the sandbox's server instead of an account.

State is a folder, encryption a passphrase. The CLI notes the passphrase's salt in the stack's file, which is committed
and shall stay as it is: the stack is therefore made from a project file of its own, and run with a copy of the stack's
file.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import yaml

from cli.console import progress
from cli.errors import CliError
from cli.outputs import LOCAL_STACK, outputs_file, save_outputs
from cli.preview import stack_region
from cli.project import find_root, state_folder
from cli.pulumi_cli import NON_INTERACTIVE, find_pulumi, run_pulumi
from engine.config import load_project, load_stack_config
from sandbox import process
from sandbox.docker_engine import choose
from sandbox.environment import provider_environment
from sandbox.process import Sandbox

PASSPHRASE_VARIABLE: Final = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105 - its name
_OTHERS: Final = ("AWS_", "PULUMI_")
"""The user's own accounts and backends, which have no business here."""


def run_local(action: str, arguments: Sequence[str], port: int | None) -> int:
    """Preview, deploy or destroy the local stack with the real CLI; its exit code.

    Args:
        action: `preview`, `up` or `down`.
        arguments: more options for the CLI.

    Raises:
        CliError: the CLI or the passphrase is missing.
        SandboxError: the server doesn't start.
    """
    find_pulumi()
    if not os.environ.get(PASSPHRASE_VARIABLE):
        raise CliError(f"{PASSPHRASE_VARIABLE} isn't set. Use the make target, which sets it: make pulumi-{action}")
    root = find_root()
    local = LocalStack(root)
    if action == "down" and not local.is_running():
        local.forget()
        progress.print("Nothing was running.")
        return 0
    sandbox = local.start(port)
    environment = local.environment(sandbox, os.environ)
    local.make_stack(environment)
    options = ["--stack", LOCAL_STACK, "--config-file", str(local.config_file), *NON_INTERACTIVE, *arguments]
    if action == "preview":
        return run_pulumi(["preview", "--diff", *options], root=root, environment=environment)
    if action == "up":
        _warn_of_missing_builder(root)
        code = run_pulumi(["up", "--yes", *options], root=root, environment=environment)
        if code == 0:
            save_outputs(root, local.outputs(environment))
        return code
    code = run_pulumi(["destroy", "--yes", *options], root=root, environment=environment)
    return local.end(sandbox) if code == 0 else code


def _warn_of_missing_builder(root: Path) -> None:
    """Say what the CLI will miss to build images, before it does so in its own words."""
    from cli.doctor import builds_images, docker_findings
    from cli.doctor_finding import Status

    if builds_images(root, load_stack_config(load_project(root), LOCAL_STACK)):
        for finding in docker_findings():
            if finding.status is Status.FAIL:
                progress.print(f"Images can't be built: {finding.found}. {finding.advice}")


class LocalStack:
    """What the local stack consists of here: a state folder, a copy of the stack's file, a running server."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._state = state_folder(root)
        self._folder = self._state / "pulumi"
        self._instance = self._folder / "sandbox"
        self.backend = self._state / "pulumi-state"
        self.config_file = self._folder / "config.yaml"

    def is_running(self) -> bool:
        """Whether the server runs that this stack was deployed into."""
        running = process.status(self._state)
        return running is not None and self._recorded() == running.instance

    def start(self, port: int | None) -> Sandbox:
        """The server of this stack; a new one, and an empty state, if it is gone or holds something else."""
        running = process.status(self._state)
        if running is not None and self._recorded() == running.instance:
            return running
        # The emulator forgets all when it ends: state that outlives it speaks of what is no more.
        self.forget()
        region = stack_region(self._root, LOCAL_STACK)
        # The provider's own builder pushes the images; an engine, if there is one, pulls them from the sandbox.
        docker = choose(self._state).engine
        sandbox = process.start(self._state, port=port or process.chosen_port(), region=region, docker=docker)
        outputs_file(self._root).unlink(missing_ok=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        self.backend.mkdir(parents=True, exist_ok=True)
        self._instance.write_text(sandbox.instance)
        progress.print(f"The sandbox's server answers on {sandbox.endpoint_url}.")
        return sandbox

    def environment(self, sandbox: Sandbox, given: Mapping[str, str]) -> dict[str, str]:
        """What the CLI gets: this user's environment, but for accounts and backends those of the sandbox alone."""
        own = provider_environment(sandbox.port, sandbox.region, self._state / "home")
        del own["HOME"]  # the CLI keeps its plugins there, and Docker its configuration
        return {
            **{key: value for key, value in given.items() if not key.startswith(_OTHERS)},
            **own,
            PASSPHRASE_VARIABLE: given[PASSPHRASE_VARIABLE],
            "PULUMI_BACKEND_URL": self.backend.resolve().as_uri(),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }

    def make_stack(self, environment: Mapping[str, str]) -> None:
        """Make the stack unless it exists, and the copy of its file that has the passphrase's salt.

        Raises:
            CliError: the CLI refused.
        """
        project = load_project(self._root)
        twin = self._folder / f"Pulumi.{LOCAL_STACK}.yaml"
        if not twin.is_file():
            (self._folder / "Pulumi.yaml").write_text(f"name: {project.name}\nruntime: python\n")
            command = ["stack", "init", LOCAL_STACK, "--no-select", *NON_INTERACTIVE]
            if run_pulumi(command, root=self._folder, environment=environment) != 0:
                raise CliError("`pulumi stack init` failed; see its message above.")
        salt = yaml.safe_load(twin.read_text(encoding="utf-8"))["encryptionsalt"]
        committed = (self._root / f"Pulumi.{LOCAL_STACK}.yaml").read_text(encoding="utf-8")
        self.config_file.write_text(f"encryptionsalt: {salt}\n{committed}", encoding="utf-8")

    def outputs(self, environment: Mapping[str, str]) -> dict[str, object]:
        """The stack's outputs, the keys included."""
        command = [find_pulumi(), "stack", "output", "--json", "--show-secrets", "--stack", LOCAL_STACK]
        result = subprocess.run(  # noqa: S603 - our own words
            command, cwd=self._root, env=dict(environment), capture_output=True, text=True, check=False
        )
        if result.returncode != 0:
            raise CliError(f"`pulumi stack output` failed: {result.stderr.strip()}")
        return json.loads(result.stdout)

    def end(self, sandbox: Sandbox) -> int:
        """Look for what a destroy left behind, and end the server; 1 if there was anything."""
        from cli.leftovers import find_leftovers
        from sandbox.context import Clients

        found = find_leftovers(Clients(sandbox.endpoint_url, sandbox.region))
        for item in found:
            progress.print(f"Left behind: {item}")
        process.stop(self._state)
        self.forget()
        progress.print("The stack is destroyed and the server has ended.")
        return int(bool(found))

    def forget(self) -> None:
        """Remove state and outputs."""
        for folder in (self._folder, self.backend):
            shutil.rmtree(folder, ignore_errors=True)
        outputs_file(self._root).unlink(missing_ok=True)

    def _recorded(self) -> str:
        return self._instance.read_text() if self._instance.is_file() else ""
