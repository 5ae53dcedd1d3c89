"""The way of a job from SUBMITTED to SUCCEEDED or FAILED.

Everything here runs on the server's event loop; what blocks is behind `execute`, `publish` and `record`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from sandbox.batch.job import Job
from sandbox.batch.model import Json
from sandbox.batch.retry import Outcome, is_repeated
from sandbox.batch.scheduler import Scheduler
from sandbox.batch.state import State

_log = logging.getLogger(__name__)

LIMIT_CHECK_SECONDS = 5.0
"""How often stuck jobs are looked for; their limits start at ten minutes."""


_LAST_SECONDS = 2.0
"""From SIGTERM to SIGKILL for what still runs when the sandbox ends: nobody waits half a minute for that."""
_KILLED = 137


class Execute(Protocol):
    """Runs one attempt and never raises."""

    def __call__(self, job: Job, attempt: int, started: Callable[[], None]) -> Awaitable[Outcome]: ...


class Lifecycle:
    """Moves jobs on; the only place that changes a status."""

    def __init__(
        self, state: State, *, execute: Execute, publish: Callable[[Json], None], record: Callable[[Job], None]
    ) -> None:
        self._state = state
        self._execute = execute
        self._publish = publish
        self._record = record
        self._waiting: dict[str, list[Job]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._scheduler = Scheduler(state, self._launch)
        self._ending = False

    @property
    def ending(self) -> bool:
        """No job is accepted any more."""
        return self._ending

    def accept(self, job: Job) -> None:
        """Take a new job; it moves on after the answer to SubmitJob."""
        for member in (job, *job.children):
            self._state.jobs[member.id] = member
            self._record(member)
        self._publish(job.detail)
        asyncio.get_running_loop().call_soon(self._advance, job)

    def schedule(self) -> None:
        """Look for room: a job, a queue or a compute environment has changed."""
        self._scheduler.place()

    def cancel(self, job: Job, reason: str) -> None:
        """End a job that hasn't started; one that has goes on."""
        if job.finished or job.status in ("STARTING", "RUNNING"):
            return
        job.detail["isCancelled"] = True
        job.end_reason = reason
        for child in job.children:
            self.cancel(child, reason)
        if not job.children and not job.blocked_by:
            # One that is PENDING ends when the jobs that it depends on have: CancelJob, API reference.
            self._end_unstarted(job, reason)
        self._record(job)

    def terminate(self, job: Job, reason: str) -> None:
        """End a job wherever it is."""
        if job.finished:
            return
        if job.children or job.status in ("STARTING", "RUNNING"):
            job.detail["isTerminated"] = True
            job.end_reason = reason
            job.stop.set()
            self._record(job)
            for child in job.children:
                self.terminate(child, reason)
        else:
            self.cancel(job, reason)

    def end_queue(self, queue: str) -> None:
        """The queue was deleted: end its jobs."""
        for job in [job for job in self._state.jobs.values() if job.queue == queue]:
            self.terminate(job, "Job queue was deleted")

    async def watch(self) -> None:
        """Cancel jobs that are stuck for longer than their queue allows, until cancelled."""
        while True:
            await asyncio.sleep(LIMIT_CHECK_SECONDS)
            self.check_limits()

    def check_limits(self) -> None:
        for job, reason in self._scheduler.overdue():
            self.cancel(job, f"Canceled by JobStateTimeLimit action due to reason: {reason}")

    async def stop(self, grace_seconds: float) -> None:
        """End in order: what runs may finish within the grace, everything else is FAILED."""
        self._ending = True
        for job in list(self._state.jobs.values()):
            if not job.children and job.status in ("SUBMITTED", "PENDING", "RUNNABLE"):
                self._end_unstarted(job, "The sandbox ended before the job started.")
        if self._running:
            await asyncio.wait(self._running, timeout=grace_seconds)
        for job in list(self._state.jobs.values()):
            if job.status in ("STARTING", "RUNNING"):
                job.end_reason = job.end_reason or "The sandbox ended before the job did."
                job.stop.set()
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=_LAST_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for job in list(self._state.jobs.values()):
            if job.status in ("STARTING", "RUNNING"):
                self._note_attempt(job, Outcome(exit_code=_KILLED))
                self._finish(job, "FAILED", job.end_reason)

    def _advance(self, job: Job) -> None:
        """SUBMITTED to PENDING or RUNNABLE."""
        if job.finished:
            return
        plain = [entry["jobId"] for entry in job.detail["dependsOn"] if "jobId" in entry and "type" not in entry]
        if not job.children:
            self._wait_for(job, plain)
        else:
            self._set_status(job, "PENDING")
        for index, child in enumerate(job.children):
            needed = list(plain)
            for entry in job.detail["dependsOn"]:
                if entry.get("type") == "N_TO_N":
                    needed.append(f"{entry['jobId']}:{index}")
                elif entry.get("type") == "SEQUENTIAL" and "jobId" in entry:
                    needed.append(entry["jobId"])
                elif entry.get("type") == "SEQUENTIAL" and index:
                    needed.append(job.children[index - 1].id)
            self._wait_for(child, needed)
        self.schedule()

    def _wait_for(self, job: Job, needed: list[str]) -> None:
        if job.finished:
            return
        jobs = [self._state.jobs[job_id] for job_id in needed if job_id in self._state.jobs]
        job.blocked_by = {other.id for other in jobs if not other.finished}
        if any(other.status == "FAILED" for other in jobs):
            self._finish(job, "FAILED", "Dependent Job failed")
        elif job.blocked_by:
            for job_id in job.blocked_by:
                self._waiting.setdefault(job_id, []).append(job)
            self._set_status(job, "PENDING")
        else:
            self._make_runnable(job)

    def _make_runnable(self, job: Job) -> None:
        self._set_status(job, "RUNNABLE")
        self._scheduler.add(job)

    def _launch(self, job: Job) -> None:
        task = asyncio.get_running_loop().create_task(self._attempt(job))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _attempt(self, job: Job) -> None:
        self._set_status(job, "STARTING")
        number = len(job.detail["attempts"]) + 1

        def started() -> None:
            job.detail["startedAt"] = self._state.now()
            self._set_status(job, "RUNNING")

        outcome = await self._execute(job, number, started)
        self._note_attempt(job, outcome)
        self._scheduler.release(job)
        if job.end_reason is not None:
            self._finish(job, "FAILED", job.end_reason)
        elif outcome.exit_code == 0 and not outcome.timed_out:
            self._finish(job, "SUCCEEDED", outcome.status_reason)
        elif self._ending or not is_repeated(job.detail["retryStrategy"], number, outcome):
            self._finish(job, "FAILED", outcome.status_reason)
        else:
            self._make_runnable(job)
        self.schedule()

    def _note_attempt(self, job: Job, outcome: Outcome) -> None:
        stopped_at = self._state.now()
        container: Json = {
            **{member: job.container[member] for member in ("taskArn", "logStreamName") if member in job.container},
            **({} if outcome.exit_code is None else {"exitCode": outcome.exit_code}),
            **({} if outcome.reason is None else {"reason": outcome.reason}),
            "networkInterfaces": [],
        }
        attempt: Json = {
            "container": container,
            # A container that never ran has no start of its own: AWS answers the time of its end.
            "startedAt": job.detail.get("startedAt", stopped_at),
            "stoppedAt": stopped_at,
            "statusReason": job.end_reason or outcome.status_reason,
        }
        job.detail["attempts"] = [*job.detail["attempts"], attempt]
        for member in ("exitCode", "reason"):
            job.container.pop(member, None)
            if member in container:
                job.container[member] = container[member]

    def _end_unstarted(self, job: Job, reason: str) -> None:
        self._scheduler.remove(job)
        self._finish(job, "FAILED", job.end_reason or reason)
        self.schedule()

    def _finish(self, job: Job, status: str, reason: str | None) -> None:
        if reason is not None:
            job.detail["statusReason"] = reason
        job.detail["stoppedAt"] = self._state.now()
        job.blocked_by.clear()
        self._set_status(job, status)
        dependents = self._waiting.pop(job.id, None)
        if dependents is not None:
            # Later, for a chain of ten thousand failed children is deeper than Python's stack.
            asyncio.get_running_loop().call_soon(self._unblock_all, dependents, job)

    def _unblock_all(self, dependents: list[Job], dependency: Job) -> None:
        for job in dependents:
            self._unblock(job, dependency)
        self.schedule()

    def _unblock(self, job: Job, dependency: Job) -> None:
        if job.finished:
            return
        job.blocked_by.discard(dependency.id)
        if dependency.status == "FAILED" and job.end_reason is None:
            self._finish(job, "FAILED", "Dependent Job failed")
        elif not job.blocked_by and job.end_reason is not None:
            self._finish(job, "FAILED", job.end_reason)
        elif not job.blocked_by:
            self._make_runnable(job)

    def _set_status(self, job: Job, status: str) -> None:
        previous, job.detail["status"] = job.status, status
        if status == "RUNNABLE":
            job.detail.pop("startedAt", None)
        _log.info("Job %s (%s): %s", job.id, job.name, status)
        self._record(job)
        self._publish(job.detail)
        if job.parent is not None:
            self._count(job.parent, previous, status)

    def _count(self, parent: Job, previous: str, status: str) -> None:
        array = parent.detail["arrayProperties"]
        summary = array["statusSummary"]
        summary[previous] -= 1
        summary[status] += 1
        array["statusSummaryLastUpdatedAt"] = self._state.now()
        done = summary["SUCCEEDED"] + summary["FAILED"]
        if done < array["size"]:
            return
        if summary["FAILED"]:
            self._finish(parent, "FAILED", parent.end_reason or "Array Child Job failed")
        else:
            self._finish(parent, "SUCCEEDED", None)
