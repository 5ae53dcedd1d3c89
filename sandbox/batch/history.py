"""Jobs on disk: an accepted job outlives the server that accepted it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import tempfile
from concurrent.futures import Executor
from pathlib import Path
from typing import cast

from sandbox.batch.job import FINISHED, Job
from sandbox.batch.model import Json
from sandbox.batch.state import State

_log = logging.getLogger(__name__)

KEPT_MILLISECONDS = 7 * 24 * 3600 * 1000
"""Batch keeps finished jobs for seven days at least; the sandbox for no longer."""
_VERSION = 1
_PAUSE_SECONDS = 0.5
_MEMBERS = {"jobId", "jobName", "jobQueue", "jobDefinition", "status", "createdAt", "container", "dependsOn"}
_LOST = "The sandbox ended before the job did."


class History:
    """One JSON file, rewritten as a whole and swapped in, at most twice a second."""

    def __init__(self, path: Path | None, executor: Executor) -> None:
        self._path = path
        self._executor = executor
        self._texts: dict[str, str] = {}
        self._changed: dict[str, Job] = {}
        self._dirty = asyncio.Event()
        self._closing = asyncio.Event()

    def record(self, job: Job) -> None:
        """Have a job written with the next write."""
        self._changed[job.id] = job
        self._dirty.set()

    def load(self, state: State) -> None:
        """Put the jobs of earlier servers into the state. What had not finished is FAILED; nothing runs it any more."""
        if self._path is None or not self._path.exists():
            return
        try:
            details = _details(json.loads(self._path.read_text()))
        except (OSError, ValueError) as error:
            # A file that can't be read must not keep the sandbox from starting; it is replaced by the next write.
            _log.warning("The job history %s can't be read: %s", self._path, error)
            return
        oldest = state.now() - KEPT_MILLISECONDS
        for detail in details:
            if detail["status"] not in FINISHED:
                detail |= {"status": "FAILED", "statusReason": _LOST, "stoppedAt": state.now()}
            if detail.get("stoppedAt", 0) >= oldest:
                job = Job(detail=detail, sequence=state.next_sequence())
                state.jobs[job.id] = job
                self.record(job)
        for job in state.jobs.values():
            parent = state.jobs.get(job.id.partition(":")[0])
            if parent is not None and parent is not job:
                job.parent = parent
                parent.children.append(job)
        for job in state.jobs.values():
            if job.children:
                summary = job.detail["arrayProperties"]["statusSummary"]
                summary.update(dict.fromkeys(summary, 0))
                for child in job.children:
                    summary[child.status] += 1

    async def run(self) -> None:
        """Write whenever something has changed, until `close`."""
        while not self._closing.is_set():
            await self._dirty.wait()
            await self._write()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), _PAUSE_SECONDS)
        await self._write()

    def close(self) -> None:
        """Have `run` write what is left and return."""
        self._closing.set()
        self._dirty.set()

    async def _write(self) -> None:
        """Only jobs that have changed are serialised again."""
        self._dirty.clear()
        if self._path is None:
            return
        for job_id, job in self._changed.items():
            self._texts[job_id] = json.dumps(job.detail)
        self._changed.clear()
        texts = list(self._texts.values())
        try:
            await asyncio.get_running_loop().run_in_executor(self._executor, _replace, self._path, texts)
        except OSError as error:
            _log.error("The job history %s can't be written: %s", self._path, error)


def _details(document: object) -> list[Json]:
    """The jobs of a history file.

    Raises:
        ValueError: it is not a history file.
    """
    details = cast("Json", document).get("jobs") if isinstance(document, dict) else None
    if not isinstance(details, list):
        raise ValueError("it has no list of jobs")  # noqa: TRY004  the file is wrong, not the program
    for detail in cast("list[object]", details):
        if not isinstance(detail, dict) or not cast("Json", detail).keys() >= _MEMBERS:
            raise ValueError("it has an entry that is not a job")
    return cast("list[Json]", details)


def _replace(path: Path, texts: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(f'{{"version": {_VERSION}, "jobs": [\n')
            file.write(",\n".join(texts))
            file.write("\n]}\n")
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
