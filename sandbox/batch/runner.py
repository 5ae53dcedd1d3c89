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
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sandbox.images import Image, ImageStore
from sandbox.images.command import Invocation, invocation

_log = logging.getLogger(__name__)

_MARK = "SLIPWAY_ATTEMPT"
"""Variable that every process of one attempt has, those that left its process group included."""
_INSTANCE = "SLIPWAY_SANDBOX"
_CHUNK_BYTES = 64 * 1024
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./-]+")

Output = Callable[[bytes], Awaitable[None]]


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
        scratch = Path(await asyncio.to_thread(_unpack, image))
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
        fixed = {**self._aws, _MARK: mark}
        if _INSTANCE in os.environ:
            fixed[_INSTANCE] = os.environ[_INSTANCE]
        call = invocation(image, scratch / "rootfs", scratch / "bin", task.command, task.environment)
        process = await _start(call, fixed)
        started()
        reading = asyncio.create_task(_read(process, output))
        stopping = asyncio.create_task(stop.wait())
        ending = asyncio.create_task(process.wait())
        try:
            await asyncio.wait({stopping, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not ending.done():
                _signal_group(process.pid, image.stop_signal)
                await asyncio.wait({ending}, timeout=task.stop_seconds)
        finally:
            stopping.cancel()
            _signal_group(process.pid, signal.SIGKILL)
            # Whoever still holds the pipe would keep the reader waiting.
            await asyncio.to_thread(_kill_marked, mark)
            code = await ending
            await reading
        return code if code >= 0 else 128 - code


async def _start(call: Invocation, fixed: Mapping[str, str]) -> asyncio.subprocess.Process:
    if not call.arguments:
        raise StartError("CannotStartContainerError: no command specified: neither the image nor the job has one")
    try:
        return await asyncio.create_subprocess_exec(
            *call.arguments,
            cwd=call.folder,
            env={**call.environment, **fixed},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise StartError(f"CannotStartContainerError: exec {call.arguments[0]}: {error.strerror}") from error


async def _read(process: asyncio.subprocess.Process, output: Output) -> None:
    pipe = process.stdout
    assert pipe is not None  # noqa: S101  asked for above
    while chunk := await pipe.read(_CHUNK_BYTES):
        await output(chunk)


def _unpack(image: Image) -> str:
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
    _kill_marked(mark)
    shutil.rmtree(scratch, ignore_errors=True)


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _kill_marked(mark: str) -> None:
    """Kill what the attempt has started until nothing of it is found. Does nothing where there is no /proc."""
    while pids := list(_marked(f"{_MARK}={mark}".encode())):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _marked(entry: bytes) -> Iterator[int]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if entry in (folder / "environ").read_bytes().split(b"\0"):
                yield int(folder.name)
        except OSError:
            continue
