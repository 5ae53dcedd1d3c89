"""The API's operations: from a request to an answer."""

import re
from collections.abc import Callable
from typing import Any, Final

import job_views
import limits
from answers import Answer
from aws import Aws
from clock import Clock
from deadline import Deadline
from idempotency import Idempotency
from job_logs import JobLogs
from jobs import Jobs
from problems import Problem
from request import Request
from results import Results
from settings import Settings
from submission import Submission, idempotency_key
from uploads import REQUEST_SCHEMA, Uploads
from validation import Schema, read_object, refuse_inputs_of_others

_REASON: Final = re.compile(rf"[ -~]{{1,{limits.MAX_REASON_CHARACTERS}}}")


class Operations:
    """All operations on one pipeline."""

    def __init__(self, settings: Settings, aws: Aws, clock: Clock) -> None:
        pipeline = settings.pipeline
        self._settings = settings
        self._jobs = Jobs(aws, clock, settings)
        self._submission = Submission(self._jobs, Idempotency(aws, clock, settings.idempotency_table), settings)
        self._logs = JobLogs(aws, settings.log_group)
        self._results = Results(aws, clock, settings.results_bucket, pipeline)
        self._uploads = Uploads(aws, clock, settings.inputs_bucket, pipeline)
        self._parameters = Schema(settings.schema)
        self._upload_request = Schema(REQUEST_SCHEMA)
        self._table: dict[str, Callable[[Request, str, str | None, Deadline], Answer]] = {
            "submitJob": self._submit,
            "listJobs": self._list,
            "getJob": self._get,
            "cancelJob": self._cancel,
            "getJobLogs": self._read_logs,
            "createUpload": self._create_upload,
        }

    def run(self, operation: str, request: Request, *, consumer: str, job_id: str | None, deadline: Deadline) -> Answer:
        """Carry out an operation.

        Raises:
            Problem: the answer is an error.
            AwsError: a call failed.
        """
        return self._table[operation](request, consumer, job_id, deadline)

    def _submit(self, request: Request, consumer: str, _: str | None, deadline: Deadline) -> Answer:
        request.allow_query("timeoutSeconds")
        key = idempotency_key(request)
        seconds = request.integer("timeoutSeconds", limits.MIN_JOB_SECONDS, self._settings.max_timeout_seconds)
        parameters = read_object(request)
        self._parameters.check(parameters)
        if not self._settings.sees_all_jobs:
            refuse_inputs_of_others(parameters, consumer)
        job_id = self._submission.start(consumer, parameters, timeout_seconds=seconds, key=key, deadline=deadline)
        links = job_views.links(self._jobs_path(request), job_id)
        body = {
            "jobId": job_id,
            "pipeline": self._settings.pipeline,
            "consumer": consumer,
            "status": "SUBMITTED",
            "links": links,
        }
        return Answer(status=202, body=body, headers={"Location": links["self"]}, job_id=job_id)

    def _list(self, request: Request, consumer: str, _: str | None, __: Deadline) -> Answer:
        request.allow_query("status", "limit", "pageToken")
        status = request.text("status")
        if status is not None and status not in job_views.STATUSES:
            raise Problem("invalid-request", f"status must be one of {', '.join(job_views.STATUSES)}.")
        body = self._jobs.list_jobs(
            consumer,
            status=status,
            limit=request.integer("limit", 1, limits.LIST_MAX) or limits.LIST_DEFAULT,
            token=request.text("pageToken"),
            jobs_path=self._jobs_path(request),
        )
        return Answer(status=200, body=body)

    def _get(self, request: Request, consumer: str, job_id: str | None, _: Deadline) -> Answer:
        request.allow_query()
        job, owner = self._jobs.describe(job_id, consumer)
        body = job_views.detail(
            job, pipeline=self._settings.pipeline, consumer=owner, jobs_path=self._jobs_path(request)
        )
        if job["status"] in job_views.FINISHED:
            body["results"] = self._results.of_job(job["jobId"])
        return Answer(status=200, body=body)

    def _cancel(self, request: Request, consumer: str, job_id: str | None, _: Deadline) -> Answer:
        request.allow_query("reason")
        reason = request.text("reason")
        if reason is not None and not _REASON.fullmatch(reason):
            raise Problem(
                "invalid-request",
                f"reason must be 1 to {limits.MAX_REASON_CHARACTERS} printable ASCII characters.",
            )
        job, owner = self._jobs.describe(job_id, consumer)
        if job["status"] in job_views.FINISHED:
            raise Problem("job-finished", f"The job is {job['status']}.")
        self._jobs.terminate(job["jobId"], f"Cancelled by {consumer}" + (f": {reason}" if reason else ""))
        body: dict[str, Any] = {
            "jobId": job["jobId"],
            "pipeline": self._settings.pipeline,
            "consumer": owner,
            "status": job["status"],
            "cancelRequested": True,
            "links": job_views.links(self._jobs_path(request), job["jobId"]),
        }
        return Answer(status=202, body=body)

    def _read_logs(self, request: Request, consumer: str, job_id: str | None, _: Deadline) -> Answer:
        request.allow_query("attempt", "limit", "pageToken")
        attempt = request.integer("attempt", 1, limits.MAX_ATTEMPTS)
        limit = request.integer("limit", 1, limits.LOG_MAX) or limits.LOG_DEFAULT
        job, _owner = self._jobs.describe(job_id, consumer)
        body = self._logs.page(job, attempt=attempt, limit=limit, token=request.text("pageToken"))
        return Answer(status=200, body=body)

    def _create_upload(self, request: Request, consumer: str, _: str | None, __: Deadline) -> Answer:
        request.allow_query()
        wanted = read_object(request)
        self._upload_request.check(wanted)
        return Answer(status=201, body=self._uploads.create(consumer, wanted["contentType"], wanted.get("maxBytes")))

    def _jobs_path(self, request: Request) -> str:
        return f"{request.prefix}/{self._settings.pipeline}/jobs"
