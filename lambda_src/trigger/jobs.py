"""Jobs of one pipeline in Batch: start, find, list, end."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import job_views
import limits
import page_tokens
from answers import to_json
from aws import Aws, AwsError, Cause
from clock import Clock
from deadline import Deadline
from job_names import owner_of
from problems import Problem
from settings import Settings


class Jobs:
    """The pipeline's jobs. Whatever isn't the caller's to see doesn't exist."""

    def __init__(self, aws: Aws, clock: Clock, settings: Settings) -> None:
        self._aws = aws
        self._clock = clock
        self._settings = settings

    def submission(self, name: str, parameters: Mapping[str, Any], timeout_seconds: int | None) -> dict[str, Any]:
        """The SubmitJob request.

        Raises:
            Problem: it has more bytes than Batch accepts.
        """
        request: dict[str, Any] = {
            "jobName": name,
            "jobQueue": self._settings.job_queue,
            "jobDefinition": self._settings.job_definition,
            "containerOverrides": {"environment": [{"name": "JOB_PARAMETERS", "value": to_json(parameters)}]},
        }
        if timeout_seconds is not None:
            request["timeout"] = {"attemptDurationSeconds": timeout_seconds}
        size = len(self._aws.request_body("batch", "SubmitJob", request))
        if size > limits.MAX_SUBMIT_BYTES:
            raise Problem(
                "too-large",
                f"The job's request would have {size} bytes, {limits.MAX_SUBMIT_BYTES} is the limit. "
                "Upload the input and name its key.",
            )
        return request

    def submit(self, request: Mapping[str, Any], deadline: Deadline) -> str | None:
        """Submit once, and find out what became of it.

        Args:
            request: from `submission`.
            deadline: ends the search for a job whose submission got no answer.

        Returns:
            The job's id, or None if it stays open whether there is a job.

        Raises:
            AwsError: there is certainly no job.
        """
        try:
            return str(self._aws.call("batch", "submit_job", attempts=1, **request)["jobId"])
        except AwsError as error:
            if error.certainly_not_done:
                raise
        for attempt, pause in enumerate(limits.LOOKUP_PAUSES_SECONDS):
            if attempt and not deadline.allows(pause + limits.LOOKUP_SECONDS + limits.RECORD_SECONDS):
                break
            self._clock.sleep(pause)
            job_id = self._look_up(request["jobName"])
            if job_id:
                return job_id
        return None

    def find_by_name(self, name: str) -> str | None:
        """The oldest job of a name: the one that the reconciler lets live.

        Raises:
            AwsError: Batch couldn't be asked.
        """
        page = self._list_page(name, None, attempts=1)
        same = [job for job in page["jobSummaryList"] if job["jobName"] == name and self._is_ours(job, listed=True)]
        return min(same, key=lambda job: (job["createdAt"], job["jobId"]))["jobId"] if same else None

    def describe(self, job_id: str | None, consumer: str) -> tuple[dict[str, Any], str]:
        """A job and the consumer that it belongs to.

        Raises:
            Problem: there is none that this consumer may see.
        """
        if job_id is not None:
            for job in self._aws.call("batch", "describe_jobs", jobs=[job_id])["jobs"]:
                owner = self._visible_owner(job, consumer)
                if job["jobId"] == job_id and owner is not None:
                    return job, owner
        raise Problem("job-not-found", "There is no job of this id that is yours, in this pipeline.")

    def list_jobs(
        self, consumer: str, *, status: str | None, limit: int, token: str | None, jobs_path: str
    ) -> dict[str, Any]:
        """One page, newest first.

        ListJobs takes one filter: the name's, so statuses are picked here. A token says which of Batch's pages to go on
        with, and after which job of it.
        """
        bound_to = ["jobs", self._settings.pipeline, consumer, status or ""]
        state = {} if token is None else page_tokens.decode(token, bound_to)
        batch_token, after = state.get("batch"), cast("list[Any] | None", state.get("after"))
        prefix = self._settings.job_name_prefix + "-" + ("" if self._settings.sees_all_jobs else f"{consumer}-")
        shown: list[dict[str, Any]] = []
        for _ in range(limits.LIST_CALLS):
            page = self._list_after(prefix + "*", batch_token)
            listed = sorted(page["jobSummaryList"], key=lambda job: -int(job["createdAt"]))
            start, after = _continue_after(listed, after)
            matching = [
                (job, owner)
                for job in listed[start:]
                if (owner := self._visible_owner(job, consumer, listed=True)) and status in (None, job["status"])
            ]
            for job, owner in matching[: limit - len(shown)]:
                shown.append(
                    job_views.summary(job, pipeline=self._settings.pipeline, consumer=owner, jobs_path=jobs_path)
                )
                last = [job["createdAt"], job["jobId"]]
                if len(shown) == limit and job is not matching[-1][0]:
                    return _page(shown, page_tokens.encode(bound_to, {"batch": batch_token, "after": last}))
            batch_token = page.get("nextToken")
            if not batch_token:
                return _page(shown, None)
            if len(shown) == limit:
                break
        return _page(shown, page_tokens.encode(bound_to, {"batch": batch_token, "after": after}))

    def terminate(self, job_id: str, reason: str) -> None:
        """End a job. One that waits is cancelled, one that runs is stopped: TerminateJob does both."""
        self._aws.call("batch", "terminate_job", jobId=job_id, reason=reason)

    def _look_up(self, name: str) -> str | None:
        try:
            return self.find_by_name(name)
        except AwsError:
            return None

    def _list_after(self, name_filter: str, batch_token: str | None) -> dict[str, Any]:
        try:
            return self._list_page(name_filter, batch_token, attempts=limits.ATTEMPTS)
        except AwsError as error:
            # Tokens of Batch go stale.
            if (
                batch_token
                and error.cause is Cause.REJECTED
                and error.code in ("ClientException", "ValidationException")
            ):
                raise page_tokens.invalid_token() from None
            raise

    def _list_page(self, name_filter: str, batch_token: str | None, *, attempts: int) -> dict[str, Any]:
        more: dict[str, Any] = {"nextToken": batch_token} if batch_token else {}
        return self._aws.call(
            "batch",
            "list_jobs",
            attempts=attempts,
            jobQueue=self._settings.job_queue,
            filters=[{"name": "JOB_NAME", "values": [name_filter]}],
            maxResults=limits.LIST_CALL_SIZE,
            **more,
        )

    def _visible_owner(self, job: Mapping[str, Any], consumer: str, *, listed: bool = False) -> str | None:
        owner = owner_of(str(job.get("jobName", "")), self._settings.job_name_prefix)
        if owner is None or not self._is_ours(job, listed=listed):
            return None
        return owner if self._settings.sees_all_jobs or owner == consumer else None

    def _is_ours(self, job: Mapping[str, Any], *, listed: bool) -> bool:
        """Whether a job is this pipeline's: no name tells `a` with consumer `b-c` from `a-b` with consumer `c`."""
        definition = _last_part(str(job.get("jobDefinition", ""))).rpartition(":")[0]
        in_queue = listed or _last_part(str(job.get("jobQueue", ""))) == self._settings.job_queue
        return in_queue and definition == self._settings.job_definition_name


def _continue_after(listed: Sequence[Mapping[str, Any]], after: list[Any] | None) -> tuple[int, list[Any] | None]:
    """Where to go on in one of Batch's pages, and what is still to be skipped in the next.

    New jobs push older ones from the first page into the next ones: the job to go on after may have moved.
    """
    if after is None:
        return 0, None
    created_at, job_id = after
    for index, job in enumerate(listed):
        if job["jobId"] == job_id:
            return index + 1, None
        if job["createdAt"] < created_at:
            return index, None
    return len(listed), after


def _page(jobs: list[dict[str, Any]], token: str | None) -> dict[str, Any]:
    return {"jobs": jobs, "nextPageToken": token} if token else {"jobs": jobs}


def _last_part(arn: str) -> str:
    return arn.rpartition("/")[2]
