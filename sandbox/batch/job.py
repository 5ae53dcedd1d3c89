"""A job as Batch keeps it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sandbox.batch.model import Json

FINISHED = frozenset({"SUCCEEDED", "FAILED"})
STATUSES = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED")


@dataclass(eq=False, kw_only=True)
class Job:
    """One job, array parent or array child."""

    detail: Json
    """Exactly what DescribeJobs answers."""
    sequence: int
    """Order of acceptance; jobs accepted in the same millisecond have one, too."""
    vcpus: Decimal = Decimal(0)
    children: list[Job] = field(default_factory=list["Job"])
    parent: Job | None = None
    compute_environment: str | None = None
    """ARN of the environment whose capacity it uses, from STARTING until the attempt has ended."""
    blocked_since: int | None = None
    """Milliseconds since 1970: since when it is at the head of its queue and can't be placed as things are."""
    end_reason: str | None = None
    """Why it is to end early: the reason given to CancelJob, TerminateJob or by the end of the sandbox."""
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    """Set to end the attempt that runs."""
    blocked_by: set[str] = field(default_factory=set[str])
    """Ids of the jobs that must finish first."""

    @property
    def id(self) -> str:
        return str(self.detail["jobId"])

    @property
    def name(self) -> str:
        return str(self.detail["jobName"])

    @property
    def status(self) -> str:
        return str(self.detail["status"])

    @property
    def queue(self) -> str:
        """ARN."""
        return str(self.detail["jobQueue"])

    @property
    def finished(self) -> bool:
        return self.status in FINISHED

    @property
    def container(self) -> dict[str, Any]:
        return self.detail["container"]
