"""Starting a process, reading what it prints, and ending all that it has started."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path

_log = logging.getLogger(__name__)

_CHUNK_BYTES = 64 * 1024
_TAIL_BYTES = 255
_KILL_ROUNDS = 500
_KILL_PAUSE_SECONDS = 0.01

Output = Callable[[bytes], Awaitable[None]]

MARK = "SLIPWAY_ATTEMPT"
"""Variable that every process of one attempt has, those that left its process group included."""


class Pump:
    """Passes on what a process prints."""

    def __init__(self, reader: asyncio.StreamReader, transport: asyncio.ReadTransport, output: Output) -> None:
        self._reader = reader
        self._transport = transport
        self._output = output
        self.idle = False
        """It waits for the process, not for whoever takes the output."""
        self.tail = b""
        """The last of it, for an error text."""

    async def run(self) -> None:
        """Until nothing has the other end of the pipe open."""
        try:
            while True:
                self.idle = True
                chunk = await self._reader.read(_CHUNK_BYTES)
                self.idle = False
                if not chunk:
                    return
                self.tail = chunk[-_TAIL_BYTES:]
                await self._output(chunk)
        finally:
            self._transport.close()


async def start(
    arguments: Sequence[str],
    output: Output,
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> tuple[asyncio.subprocess.Process, Pump]:
    """Start a process in a session of its own, with one pipe for standard output and standard error.

    The pipe isn't one of asyncio's: with those, waiting for a process also waits for all who have inherited the pipe.

    Args:
        arguments: the program and its arguments.
        output: takes what it prints.
        folder: where it starts; None for the current one.
        environment: all of it; None to inherit.

    Raises:
        OSError: the program can't be executed.
    """
    reading, writing = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *arguments,
            cwd=folder,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            start_new_session=True,
        )
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb")
    )
    return process, Pump(reader, transport, output)


def kill_all(mark: str, folder: Path) -> None:
    """Kill the processes of an attempt until none is found. Does nothing where there is no /proc.

    Args:
        mark: value of their variable `MARK`.
        folder: where they are, which tells of those without an environment: it is cleared, or not yet there while a
            process begins to execute another program.
    """
    pids: list[int] = []
    for _ in range(_KILL_ROUNDS):
        pids = list(_found(f"{MARK}={mark}".encode(), f"{folder}/"))
        if not pids:
            return
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_KILL_PAUSE_SECONDS)
    _log.warning("Processes of attempt %s don't end: %s", mark, pids)


def _found(variable: bytes, folder: str) -> Iterator[int]:
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes()
            is_inside = not environment and f"{(entry / 'cwd').readlink()}/".startswith(folder)
            if is_inside or variable in environment.split(b"\0"):
                yield int(entry.name)
        except OSError:
            continue  # it has ended meanwhile, or is another user's
