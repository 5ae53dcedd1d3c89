"""Runs the Pulumi program of a project, once, without the Pulumi CLI."""

import asyncio
import contextlib
import contextvars
import os
import runpy
import sys
import traceback
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from google.protobuf import empty_pb2
from pulumi.runtime import config as runtime_config
from pulumi.runtime import settings as runtime_settings
from pulumi.runtime.proto import engine_pb2
from pulumi.runtime.stack import run_in_stack

from engine import lazy_sdk
from engine.config import load_project, load_stack_config, program_config
from engine.errors import EngineError, ProgramError
from engine.monitor import Observer, RecordingMonitor
from engine.provider import Provider
from engine.registration import Registration
from engine.sdk_tuning import tuned_sdk
from engine.values import UNKNOWN

__all__ = ["UNKNOWN", "Deployment", "Registration", "run_program"]


@dataclass(frozen=True)
class Deployment:
    """What a run of the program registered and exported."""

    project: str
    stack: str
    registrations: list[Registration]
    """Every resource, components and the stack included, in the order of registration."""
    exports: dict[str, Any]
    """Stack outputs, secrets unwrapped; what only a deployment can tell is `UNKNOWN`."""
    secret_exports: frozenset[str]
    messages: list[str]
    """What the program logged at level info or above."""
    aws_settings: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the stack sets for the default provider of AWS: `defaultTags` -> JSON, for example."""

    def all(self, type_: str) -> list[Registration]:
        """The resources of a type token, in program order."""
        return [registration for registration in self.registrations if registration.type == type_]

    def one(self, type_: str, name: str | None = None) -> Registration:
        """The only resource of a type, or the one of that logical name.

        Raises:
            LookupError: there is none, or more than one.
        """
        found = [item for item in self.all(type_) if name is None or item.name == name]
        if len(found) != 1:
            names = ", ".join(item.name for item in self.all(type_)) or "none"
            raise LookupError(f"expected one {type_} {name or ''}, found {len(found)}; of that type: {names}")
        return found[0]


def run_program(
    root: Path,
    stack: str,
    *,
    provider: Provider,
    preview: bool,
    config: Mapping[str, Any] | None = None,
    observer: Observer | None = None,
) -> Deployment:
    """Run `__main__.py` in `root` as the language host does: in the project's folder, inside the root stack.

    Args:
        root: folder of `Pulumi.yaml`.
        stack: stack name; its file gives the configuration.
        provider: creates the resources and answers the invokes.
        preview: what `pulumi.runtime.is_dry_run()` answers; unknown outputs are allowed only here.
        config: values instead of the stack file's, keys with or without the project's namespace.
        observer: called before and after each custom resource.

    Raises:
        ConfigError: project or stack file.
        ProgramError: the program raised, or ended itself; its text is the program's own, and the place of what isn't a
            `RunError`.
    """
    lazy_sdk.install()
    project = load_project(root)
    values = load_stack_config(project, stack) if config is None else config
    settings = program_config(project, values)
    monitor = (
        RecordingMonitor(project.name, stack, provider, observer)
        if observer
        else RecordingMonitor(project.name, stack, provider)
    )
    log = _EngineLog()
    # The SDK keeps its settings in context variables: in a context of its own the run leaves nothing behind.
    contextvars.Context().run(_run, root, project.name, stack, settings, monitor, log, preview)
    return Deployment(
        project.name,
        stack,
        monitor.registrations,
        monitor.stack_outputs,
        monitor.secret_outputs,
        log.messages,
        {key.removeprefix("aws:"): value for key, value in settings.items() if key.startswith("aws:")},
    )


def _run(
    root: Path,
    project: str,
    stack: str,
    config: Mapping[str, str],
    monitor: RecordingMonitor,
    log: "_EngineLog",
    preview: bool,
) -> None:
    # `reset_options` takes addresses only; `Settings` itself takes objects.
    runtime_settings.configure(
        runtime_settings.Settings(
            project, stack, monitor, log, dry_run=preview, organization="organization", root_directory=str(root)
        )
    )
    runtime_config.set_all_config(dict(config), [])
    with _working_directory(root), tuned_sdk(), contextlib.closing(asyncio.new_event_loop()) as loop:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(run_in_stack(lambda: _execute(root)))
        except (Exception, SystemExit) as error:
            # The futures of all that was still to come hold this same error; it is reported once, here.
            loop.set_exception_handler(lambda _loop, _context: None)
            # Left to themselves, they would be complained of later, wherever memory is cleared up.
            pending = asyncio.all_tasks(loop)
            for task in pending:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
            raise ProgramError(_told(error, root)) from error
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            asyncio.set_event_loop(None)


def _told(error: BaseException, root: Path) -> str:
    """The text of an error, in which a bug of the program can be found: the engine shows a stack trace there."""
    if isinstance(error, pulumi.RunError | EngineError):
        return str(error)
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if _is_of_project(Path(frame.filename), root)
    ]
    place = f" ({Path(frames[-1].filename).relative_to(root)}, line {frames[-1].lineno})" if frames else ""
    if isinstance(error, SystemExit):
        return f"The program ended itself: sys.exit({error.code!r}){place}"
    return f"{': '.join(filter(None, (type(error).__name__, str(error))))}{place}"


def _is_of_project(file: Path, root: Path) -> bool:
    return file.is_relative_to(root) and "site-packages" not in file.parts


def _execute(root: Path) -> None:
    runpy.run_path(str(root / "__main__.py"), run_name="__main__")


@contextlib.contextmanager
def _working_directory(root: Path) -> Generator[None]:
    """The program's imports and relative paths start at the project's folder."""
    with contextlib.chdir(root):
        sys.path.insert(0, os.fspath(root))
        try:
            yield
        finally:
            sys.path.remove(os.fspath(root))


class _EngineLog:
    """The engine's log service: keeps the program's messages."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def Log(self, request: engine_pb2.LogRequest) -> empty_pb2.Empty:
        if request.severity > engine_pb2.DEBUG and not request.ephemeral:
            self.messages.append(request.message)
        return empty_pb2.Empty()

    def RequirePulumiVersion(self, _request: object) -> engine_pb2.RequirePulumiVersionResponse:
        return engine_pb2.RequirePulumiVersionResponse()
