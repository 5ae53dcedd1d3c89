"""Finds and ends the processes of one sandbox by the identity in their environment.

Children outlive a server that was killed: this finds them without any list that the server would have had to keep.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from sandbox.environment import INSTANCE_VARIABLE

_PROC: Final = Path("/proc")
_POLL_SECONDS: Final = 0.01
_KILL_SECONDS: Final = 30.0


def marked(instance: str) -> list[int]:
    """Pids of all live processes that were started with this identity."""
    mark = f"{INSTANCE_VARIABLE}={instance}".encode()
    found: list[int] = []
    for folder in _PROC.iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        if mark in environment.split(b"\0") and alive(int(folder.name)):
            found.append(int(folder.name))
    return found


def alive(pid: int) -> bool:
    """Whether a process exists and hasn't ended: one that only waits to be collected by its parent has.

    Its first thread may end before the others do; until the last one has, the process still has its port.
    """
    folder = _PROC / str(pid)
    try:
        status = (folder / "stat").read_text()
        return status.rpartition(")")[2].split()[0] not in ("Z", "X") or len(list((folder / "task").iterdir())) > 1
    except OSError:
        return False


def end(pids: Sequence[int], *, grace_seconds: float, reap: Callable[[int], None]) -> None:
    """SIGTERM, wait, then SIGKILL for those that still run; returns once all have ended.

    Args:
        grace_seconds: how long they may take to end by themselves.
        reap: called while waiting, to collect a process that this one started.
    """
    for number, seconds in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, _KILL_SECONDS)):
        remaining = [pid for pid in pids if alive(pid)]
        for pid in remaining:
            _signal(pid, number)
        deadline = time.monotonic() + seconds
        while any(alive(pid) for pid in remaining) and time.monotonic() < deadline:
            for pid in remaining:
                reap(pid)
            time.sleep(_POLL_SECONDS)
        for pid in remaining:
            reap(pid)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
