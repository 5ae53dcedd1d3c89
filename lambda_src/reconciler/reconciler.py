"""Ends the younger of two jobs of one name: what the trigger function's Idempotency-Key can't prevent.

Entry: `reconciler.handle`, for EventBridge events "Batch Job State Change" of jobs that aren't finished. A name whose
id starts with `k` comes from an Idempotency-Key, and there must be one job of it. A late or repeated event does no
harm, and a failure is raised: Lambda tries again.

What it calls, and what its role must allow (nothing else):

| action | on | for |
|---|---|---|
| batch:ListJobs | * (it has no resource level) | the jobs of a name |
| batch:TerminateJob | job/* | ending the younger ones |

Its own log group apart: logs:CreateLogStream and logs:PutLogEvents, which Lambda itself uses.
"""

import json
import re
import sys
from collections.abc import Mapping
from typing import Any, Final

import botocore.session  # pyright: ignore[reportMissingTypeStubs]
from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs]

KEYED_NAME: Final = re.compile(r".+-k[0-9a-f]{24}")
_FINISHED: Final = frozenset({"SUCCEEDED", "FAILED"})

_clients: list[Any] = []


def handle(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Lambda's entry.

    Args:
        event: an EventBridge event, or anything else, which is ignored.

    Returns:
        The ids of the jobs that were ended.
    """
    job: Mapping[str, Any] = event.get("detail", {})
    name = str(job.get("jobName", ""))
    if not KEYED_NAME.fullmatch(name):
        return {"ended": []}
    if not _clients:
        _clients.append(_batch())
    ended = reconcile(_clients[0], job)
    if ended:
        sys.stdout.write(json.dumps({"level": "WARNING", "jobName": name, "duplicatesEnded": ended}) + "\n")
    return {"ended": ended}


def reconcile(batch: Any, job: Mapping[str, Any]) -> list[str]:
    """End every unfinished job of a job's name but the oldest.

    Args:
        batch: a client.
        job: the event's detail. The list may not show it yet.
    """
    jobs = {job["jobId"]: job}
    request: dict[str, Any] = {
        "jobQueue": job["jobQueue"],
        "filters": [{"name": "JOB_NAME", "values": [job["jobName"]]}],
    }
    while True:
        page = batch.list_jobs(**request)
        for listed in page["jobSummaryList"]:
            # The filter ignores case.
            if listed["jobName"] == job["jobName"] and _family(listed) == _family(job):
                jobs[listed["jobId"]] = listed
        if not page.get("nextToken"):
            break
        request["nextToken"] = page["nextToken"]
    oldest, *younger = sorted(jobs.values(), key=lambda one: (one["createdAt"], one["jobId"]))
    duplicates = [one["jobId"] for one in younger if one["status"] not in _FINISHED]
    for job_id in duplicates:
        batch.terminate_job(
            jobId=job_id, reason=f"Duplicate of job {oldest['jobId']}, which has the same Idempotency-Key"
        )
    return duplicates


def _family(job: Mapping[str, Any]) -> str:
    """The job definition's name, without its revision: a new image makes no other pipeline."""
    return str(job["jobDefinition"]).rpartition("/")[2].rpartition(":")[0]


def _batch() -> Any:
    new_session: Any = botocore.session.Session
    return new_session().create_client("batch", config=Config(retries={"total_max_attempts": 4, "mode": "standard"}))
