"""Everything that Batch remembers while the server runs, and how its things are named."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sandbox.batch.errors import ClientError
from sandbox.batch.job import Job
from sandbox.batch.model import Json

_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")


def now_milliseconds() -> int:
    """Batch gives every time in milliseconds since 1970."""
    return int(time.time() * 1000)


@dataclass(frozen=True, kw_only=True)
class Arns:
    """ARNs of one account and region."""

    region: str
    account_id: str

    def of(self, kind: str, name: str) -> str:
        """`kind` is AWS's word in the ARN: `compute-environment`, `job-queue`, `job-definition`, `job` ..."""
        return f"arn:aws:batch:{self.region}:{self.account_id}:{kind}/{name}"

    def resolve(self, kind: str, reference: str) -> str:
        """The ARN for a name or an ARN; the thing itself need not exist."""
        if not reference.startswith("arn:"):
            return self.of(kind, reference)
        if not reference.startswith(self.of(kind, "")):
            raise ClientError(f"{reference} is not the ARN of a {kind} in {self.region}.")
        return reference


@dataclass(kw_only=True)
class State:
    """All resources by ARN, all jobs by id."""

    arns: Arns
    now: Callable[[], int] = now_milliseconds
    compute_environments: dict[str, Json] = field(default_factory=dict[str, Json])
    job_queues: dict[str, Json] = field(default_factory=dict[str, Json])
    job_definitions: dict[str, Json] = field(default_factory=dict[str, Json])
    revisions: dict[str, int] = field(default_factory=dict[str, int])
    """Last revision given out, by name of the job definition; never goes back."""
    scheduling_policies: dict[str, Json] = field(default_factory=dict[str, Json])
    jobs: dict[str, Job] = field(default_factory=dict[str, Job])
    """Array parents and children included."""
    sequence: int = 0
    """Number of the job accepted last."""

    def next_sequence(self) -> int:
        self.sequence += 1
        return self.sequence

    def compute_environment(self, reference: str) -> Json:
        """By name or ARN."""
        return self._find(self.compute_environments, "compute-environment", reference, "Compute environment")

    def job_queue(self, reference: str) -> Json:
        """By name or ARN."""
        return self._find(self.job_queues, "job-queue", reference, "Job queue")

    def new(self, existing: Mapping[str, Json], kind: str, request: Json, member: str) -> tuple[str, str]:
        """Name and ARN of what a request makes; `member` has the name. Raises ClientError if it is bad or taken."""
        name = request[member]
        check_name(name, member)
        arn = self.arns.of(kind, name)
        if arn in existing:
            raise ClientError("Object already exists")
        return name, arn

    def _find(self, things: dict[str, Json], kind: str, reference: str, word: str) -> Json:
        thing = things.get(self.arns.resolve(kind, reference))
        if thing is None:
            raise ClientError(f"{word} {reference} does not exist.")
        return thing


def check_name(name: str, what: str) -> None:
    """Raises ClientError unless a name has 1 to 128 letters, digits, hyphens and underscores."""
    if not _NAME.fullmatch(name):
        raise ClientError(f"{what} {name!r} doesn't match the pattern [A-Za-z0-9_-]{{1,128}}.")
