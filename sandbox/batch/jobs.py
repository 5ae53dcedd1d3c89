"""SubmitJob, DescribeJobs, ListJobs, CancelJob and TerminateJob."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.batch import job_definitions, submission
from sandbox.batch.errors import ClientError, ServerError
from sandbox.batch.job import Job
from sandbox.batch.lifecycle import Lifecycle
from sandbox.batch.model import Json
from sandbox.batch.paging import Key, page
from sandbox.batch.state import State

_LONGEST_REASON = 1024
_SUMMARY = (
    "jobArn",
    "jobId",
    "jobName",
    "createdAt",
    "shareIdentifier",
    "status",
    "statusReason",
    "startedAt",
    "stoppedAt",
    "arrayProperties",
    "jobDefinition",
    "isCancelled",
    "isTerminated",
)


def submit(state: State, lifecycle: Lifecycle, request: Json) -> Json:
    if lifecycle.ending:
        raise ServerError("The sandbox is ending and accepts no more jobs.")
    job = submission.build(state, request)
    lifecycle.accept(job)
    return {"jobArn": job.detail["jobArn"], "jobName": job.name, "jobId": job.id}


def describe(state: State, request: Json) -> Json:
    """Unknown ids are left out of the answer."""
    if len(request["jobs"]) > 100:
        raise ClientError(f"jobs may name 100 at most; it names {len(request['jobs'])}.")
    return {"jobs": [state.jobs[job_id].detail for job_id in request["jobs"] if job_id in state.jobs]}


def list_jobs(state: State, request: Json) -> Json:
    """Jobs of a queue, or children of an array.

    One filter at most; with it `jobStatus` means nothing. Without both, only jobs that are RUNNING are listed.
    """
    sources = [member for member in ("jobQueue", "arrayJobId", "multiNodeJobId") if member in request]
    if len(sources) != 1:
        raise ClientError("Exactly one of jobQueue, arrayJobId and multiNodeJobId is required.")
    filters: list[Json] = request.get("filters", [])
    if len(filters) > 1:
        raise ClientError(f"Only one filter can be used at a time; there are {len(filters)}.")
    key: Callable[[Job], Key] = _newest_first
    selects: Callable[[Job], bool]
    if filters and "jobQueue" not in request:
        raise ClientError("A filter doesn't apply to the children of a job.")
    if filters:
        selects = _filter(state, filters[0])
        if filters[0]["name"] == "JOB_NAME":
            key = _by_name
    else:
        status = request.get("jobStatus", "RUNNING")
        selects = lambda job: job.status == status  # noqa: E731  one of two, chosen above
    candidates = _candidates(state, request)
    shown, token = page((job for job in candidates if selects(job)), key, request, 100 if filters else 1000)
    answer: Json = {"jobSummaryList": [_summary(job) for job in shown]}
    return answer | ({"nextToken": token} if token else {})


def cancel(state: State, lifecycle: Lifecycle, request: Json) -> Json:
    lifecycle.cancel(_find(state, request), request["reason"])
    return {}


def terminate(state: State, lifecycle: Lifecycle, request: Json) -> Json:
    lifecycle.terminate(_find(state, request), request["reason"])
    return {}


def _find(state: State, request: Json) -> Job:
    if len(request["reason"]) > _LONGEST_REASON:
        raise ClientError(f"reason may have {_LONGEST_REASON} characters at most; it has {len(request['reason'])}.")
    job = state.jobs.get(request["jobId"])
    if job is None:
        raise ClientError(f"Job {request['jobId']} does not exist.")
    return job


def _candidates(state: State, request: Json) -> list[Job]:
    if "arrayJobId" in request:
        parent = state.jobs.get(request["arrayJobId"])
        return parent.children if parent else []
    if "multiNodeJobId" in request:
        return []
    queue = state.job_queue(request["jobQueue"])["jobQueueArn"]
    return [job for job in state.jobs.values() if job.parent is None and job.queue == queue]


def _filter(state: State, entry: Json) -> Callable[[Job], bool]:
    name, values = entry.get("name"), entry.get("values", [])
    if len(values) != 1:
        raise ClientError(f"The filter {name} needs exactly one value.")
    value = str(values[0])
    if name == "JOB_NAME":
        return lambda job: _name_fits(value.lower(), job.name.lower())
    if name == "JOB_DEFINITION":
        if value.startswith("arn:"):
            return lambda job: job.detail["jobDefinition"] == value
        return lambda job: _name_fits(value, job_definitions.parse(state, job.detail["jobDefinition"]).name)
    if name == "SHARE_IDENTIFIER":
        return lambda job: job.detail.get("shareIdentifier") == value
    if name not in ("BEFORE_CREATED_AT", "AFTER_CREATED_AT"):
        raise ClientError(f"{name!r} is not a filter of ListJobs.")
    if not value.isdecimal():
        raise ClientError(f"The filter {name} needs milliseconds since 1970; it has {value!r}.")
    moment = int(value)
    if name == "BEFORE_CREATED_AT":
        return lambda job: job.detail["createdAt"] < moment
    return lambda job: job.detail["createdAt"] > moment


def _name_fits(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def _newest_first(job: Job) -> Key:
    return (-job.detail["createdAt"], -job.sequence)


def _by_name(job: Job) -> Key:
    """With a JOB_NAME filter AWS groups by name, so the newest job of all need not be the first."""
    return (job.name, *_newest_first(job))


def _summary(job: Job) -> Json:
    summary = {member: job.detail[member] for member in _SUMMARY if member in job.detail}
    container = {member: job.container[member] for member in ("exitCode", "reason") if member in job.container}
    return summary | ({"container": container} if container else {})
