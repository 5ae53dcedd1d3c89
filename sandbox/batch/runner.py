"""Containers of jobs as processes: from the image's tree, in a folder of their own, and nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import shlex
import shutil
import signal
import sys
import tempfile
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sandbox.batch import processes
from sandbox.batch.processes import Output
from sandbox.images import Image, ImageStore
from sandbox.images.command import Invocation, invocation

_log = logging.getLogger(__name__)

_INSTANCE = "SLIPWAY_SANDBOX"
_ROUND_SECONDS = 0.1
_IDLE_ROUNDS = 20
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./-]+")


class StartError(Exception):
    """A container that can't be started; the text is the reason that DescribeJobs shows."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What one attempt runs."""

    image: str
    """Reference of the job definition, `...@sha256:<hex>`."""
    command: list[str] | None
    """Replaces the image's CMD."""
    environment: Mapping[str, str]
    """Of job definition, overrides and Batch."""
    vcpus: float
    memory_mib: int
    stop_seconds: float
    """From SIGTERM to SIGKILL."""
    credentials: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of the job role, as environment variables; they go before those of the runner."""


class Runner(Protocol):
    """Runs containers."""

    async def run(self, task: Task, *, started: Callable[[], None], output: Output, stop: asyncio.Event) -> int:
        """Run to the end and return the exit code, 128 + N after signal N.

        Args:
            task: what to run.
            started: called once it runs.
            output: takes standard output and standard error, as they come.
            stop: when set, the container is asked to end, and after `stop_seconds` made to.

        Raises:
            StartError: it can't be started.
        """
        ...


class ProcessRunner:
    """For a machine without a container engine.

    The process sees the machine's files: the tree is where it starts, not a jail. Memory and vCPUs aren't limited.
    """

    def __init__(self, images: ImageStore, aws: Mapping[str, str]) -> None:
        """`aws` is what an AWS SDK needs: credentials, region, endpoint. It goes before all other variables."""
        self._images = images
        self._aws = dict(aws)

    async def run(self, task: Task, *, started: Callable[[], None], output: Output, stop: asyncio.Event) -> int:
        image = self._images.find(task.image)
        if image is None:
            raise StartError(f"CannotPullContainerError: {task.image} is not an image of this sandbox: not found")
        scratch = Path(await asyncio.to_thread(unpack, image))
        mark = uuid.uuid4().hex
        try:
            return await self._run_in(scratch, mark, image, task, started, output, stop)
        finally:
            await asyncio.to_thread(_clean_up, mark, scratch)

    async def _run_in(
        self,
        scratch: Path,
        mark: str,
        image: Image,
        task: Task,
        started: Callable[[], None],
        output: Output,
        stop: asyncio.Event,
    ) -> int:
        fixed = {**self._aws, **task.credentials, processes.MARK: mark}
        if _INSTANCE in os.environ:
            fixed[_INSTANCE] = os.environ[_INSTANCE]
        call = invocation(image, scratch / "rootfs", scratch / "bin", task.command, task.environment)
        process, pump = await _start(call, fixed, output)
        started()
        reading = asyncio.create_task(pump.run())
        stopping = asyncio.create_task(stop.wait())
        ending = asyncio.create_task(process.wait())
        try:
            await asyncio.wait({stopping, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not ending.done():
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(image.stop_signal)
                await asyncio.wait({ending}, timeout=task.stop_seconds)
        finally:
            stopping.cancel()
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            code = await ending
            await self._drain(pump, reading, mark, scratch)
        return code if code >= 0 else 128 - code

    async def _drain(self, pump: processes.Pump, reading: asyncio.Task[None], mark: str, scratch: Path) -> None:
        """Take the rest of the output, which has an end once nothing that holds the pipe is left."""
        idle_rounds = 0
        while not reading.done() and idle_rounds < _IDLE_ROUNDS:
            await asyncio.to_thread(processes.kill_all, mark, scratch)
            await asyncio.wait({reading}, timeout=_ROUND_SECONDS)
            idle_rounds = idle_rounds + 1 if pump.idle else 0
        if not reading.done():
            _log.warning("A process of attempt %s has hidden itself; the rest of its output is lost.", mark)
            reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _start(
    call: Invocation, fixed: Mapping[str, str], output: Output
) -> tuple[asyncio.subprocess.Process, processes.Pump]:
    if not call.arguments:
        raise StartError("CannotStartContainerError: no command specified: neither the image nor the job has one")
    try:
        return await processes.start(
            call.arguments, output, folder=call.folder, environment={**call.environment, **fixed}
        )
    except OSError as error:
        raise StartError(f"CannotStartContainerError: exec {call.arguments[0]}: {error.strerror}") from error


def unpack(image: Image) -> str:
    """A scratch folder with `rootfs`, a copy of the image's tree, and `bin`, which has the sandbox's Python."""
    parent = tempfile.gettempdir()
    # Paths of the tree are put into shell commands, see `invocation`.
    scratch = tempfile.mkdtemp(prefix="slipway-job-", dir=parent if _PLAIN_PATH.fullmatch(parent) else "/tmp")  # noqa: S108
    try:
        shutil.copytree(image.rootfs, Path(scratch) / "rootfs", symlinks=True)
        for folder in ("tmp", "root"):
            (Path(scratch) / "rootfs" / folder).mkdir(exist_ok=True)
        programs = Path(scratch) / "bin"
        programs.mkdir()
        for name in ("python", "python3"):
            # Not a link: through one, the interpreter would lose sight of its virtual environment.
            (programs / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
            (programs / name).chmod(0o755)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return scratch


def _clean_up(mark: str, scratch: Path) -> None:
    processes.kill_all(mark, scratch)
    shutil.rmtree(scratch, ignore_errors=True)
