"""Which job runs next, and where.

Queues take turns by priority, the highest first. Within a queue the order is first in, first out, and a job that finds
no room holds up those behind it, as in AWS.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable
from decimal import Decimal

from sandbox.batch.job import Job
from sandbox.batch.model import Json
from sandbox.batch.state import State

# Jobs stuck in RUNNABLE, Batch user guide.
_TOO_LARGE = (
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - All compute environments have a maxVcpu setting that is "
    "smaller than the job requirements."
)
_NO_ENVIRONMENT = "UNDETERMINED - Batch job is blocked, the compute environments of its queue are not ENABLED."


class Scheduler:
    """Jobs that are RUNNABLE, and the vCPUs in use."""

    def __init__(self, state: State, launch: Callable[[Job], None]) -> None:
        self._state = state
        self._launch = launch
        self._runnable: dict[str, list[Job]] = {}
        self._used: dict[str, Decimal] = {}

    def add(self, job: Job) -> None:
        """Queue a job at the place that its acceptance gives it; a repeated attempt doesn't go to the back."""
        bisect.insort(self._runnable.setdefault(job.queue, []), job, key=lambda other: other.sequence)

    def remove(self, job: Job) -> None:
        """Take a job out that isn't to run any more."""
        waiting = self._runnable.get(job.queue, [])
        if job in waiting:
            waiting.remove(job)

    def release(self, job: Job) -> None:
        """Give back what an attempt used."""
        if job.compute_environment is not None:
            self._used[job.compute_environment] -= job.vcpus
            job.compute_environment = None

    def place(self) -> None:
        """Launch all that fits now."""
        for queue in self._queues():
            waiting = self._runnable.get(queue["jobQueueArn"], [])
            while waiting:
                job = waiting[0]
                environment = self._room_for(job, queue)
                if environment is None:
                    self._explain(job, queue)
                    break
                del waiting[0]
                self._used[environment] = self._used.get(environment, Decimal(0)) + job.vcpus
                job.compute_environment = environment
                job.detail.pop("statusReason", None)
                job.blocked_since = None
                self._launch(job)

    def overdue(self) -> list[tuple[Job, str]]:
        """Heads of queues that a `jobStateTimeLimitActions` entry cancels now, and the reason of that entry."""
        found: list[tuple[Job, str]] = []
        for queue in self._queues():
            head = next(iter(self._runnable.get(queue["jobQueueArn"], [])), None)
            if head is None or head.blocked_since is None:
                continue
            blocked_seconds = (self._state.now() - head.blocked_since) / 1000
            for action in queue.get("jobStateTimeLimitActions", []):
                matches = head.detail.get("statusReason", "").startswith(action["reason"])
                if matches and blocked_seconds >= action["maxTimeSeconds"]:
                    found.append((head, action["reason"]))
                    break
        return found

    def _queues(self) -> list[Json]:
        return sorted(self._state.job_queues.values(), key=lambda queue: -queue["priority"])

    def _environments(self, queue: Json) -> list[Json]:
        ordered = sorted(queue["computeEnvironmentOrder"], key=lambda entry: entry["order"])
        environments = [self._state.compute_environments[entry["computeEnvironment"]] for entry in ordered]
        return [environment for environment in environments if environment["state"] == "ENABLED"]

    def _room_for(self, job: Job, queue: Json) -> str | None:
        for environment in self._environments(queue):
            arn = str(environment["computeEnvironmentArn"])
            if self._used.get(arn, Decimal(0)) + job.vcpus <= _capacity(environment):
                return arn
        return None

    def _explain(self, job: Job, queue: Json) -> None:
        environments = self._environments(queue)
        if not environments:
            reason = _NO_ENVIRONMENT
        elif all(_capacity(environment) < job.vcpus for environment in environments):
            reason = _TOO_LARGE
        else:
            # It waits for others to finish: nothing is wrong, and AWS gives no reason.
            job.detail.pop("statusReason", None)
            job.blocked_since = None
            return
        job.detail["statusReason"] = reason
        if job.blocked_since is None:
            job.blocked_since = self._state.now()


def _capacity(environment: Json) -> Decimal:
    """vCPUs; an unmanaged environment has no limit that Batch knows."""
    resources = environment.get("computeResources")
    return Decimal(resources["maxvCpus"]) if resources else Decimal("Infinity")
