"""Jobs as the API shows them. Members that have no value are left out."""

from collections.abc import Mapping
from typing import Any

from clock import rfc3339

FINISHED = frozenset({"SUCCEEDED", "FAILED"})
STATUSES = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED")


def links(jobs_path: str, job_id: str) -> dict[str, str]:
    """Addresses relative to the API's host."""
    address = f"{jobs_path}/{job_id}"
    return {"self": address, "logs": f"{address}/logs", "list": jobs_path}


def summary(job: Mapping[str, Any], *, pipeline: str, consumer: str, jobs_path: str) -> dict[str, Any]:
    """What a list shows.

    Args:
        job: of ListJobs or DescribeJobs.
    """
    shown: dict[str, Any] = {
        "jobId": job["jobId"],
        "pipeline": pipeline,
        "consumer": consumer,
        "status": job["status"],
    }
    if job.get("statusReason"):
        shown["statusReason"] = job["statusReason"]
    shown["createdAt"] = rfc3339(int(job["createdAt"]))
    shown |= _times(job)
    shown["links"] = links(jobs_path, str(job["jobId"]))
    return shown


def detail(job: Mapping[str, Any], *, pipeline: str, consumer: str, jobs_path: str) -> dict[str, Any]:
    """What a job's own address shows, apart from its results.

    Args:
        job: of DescribeJobs.
    """
    shown = summary(job, pipeline=pipeline, consumer=consumer, jobs_path=jobs_path)
    seconds = job.get("timeout", {}).get("attemptDurationSeconds")
    if seconds:
        shown["timeoutSeconds"] = int(seconds)
    shown["cancelRequested"] = cancel_requested(job)
    shown["attempts"] = [_attempt(attempt) for attempt in job.get("attempts", [])]
    return shown


def cancel_requested(job: Mapping[str, Any]) -> bool:
    """Whether somebody asked to end the job."""
    return bool(job.get("isCancelled") or job.get("isTerminated"))


def _attempt(attempt: Mapping[str, Any]) -> dict[str, Any]:
    container: Mapping[str, Any] = attempt.get("container", {})
    shown: dict[str, Any] = _times(attempt)
    if container.get("exitCode") is not None:
        shown["exitCode"] = int(container["exitCode"])
    reason = container.get("reason") or attempt.get("statusReason")
    if reason:
        shown["reason"] = reason
    return shown


def _times(source: Mapping[str, Any]) -> dict[str, str]:
    return {name: rfc3339(int(source[name])) for name in ("startedAt", "stoppedAt") if source.get(name)}
