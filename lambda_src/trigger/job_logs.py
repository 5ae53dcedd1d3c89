"""What a job writes to its log."""

from collections.abc import Mapping
from typing import Any

import job_views
import limits
import page_tokens
from answers import to_json
from aws import Aws, AwsError, Cause
from clock import rfc3339

_MAX_MESSAGE_CHARACTERS = 256 * 1024


class JobLogs:
    """The log group of the pipeline's jobs: a stream for each attempt."""

    def __init__(self, aws: Aws, log_group: str) -> None:
        self._aws = aws
        self._log_group = log_group

    def page(self, job: Mapping[str, Any], *, attempt: int | None, limit: int, token: str | None) -> dict[str, Any]:
        """One page of a job's log, oldest line first.

        Args:
            job: of DescribeJobs.
            attempt: from 1; None for the one of the token, or else the latest.
        """
        job_id, finished = str(job["jobId"]), job["status"] in job_views.FINISHED
        bound_to = ["logs", job_id, str(attempt or "")]
        state = {} if token is None else page_tokens.decode(token, bound_to)
        streams = _streams(job)
        number = state.get("attempt") or attempt or max(streams, default=0)
        shown: dict[str, Any] = {"jobId": job_id, "status": job["status"]}
        events: list[dict[str, Any]] = []
        forward, at_end = state.get("forward"), True
        if number in streams:
            shown["attempt"] = state["attempt"] = number
            events, forward, at_end = self._read(streams[number], forward, limit)
        shown["events"] = events
        if forward:
            state["forward"] = forward
        # While the job runs there may be more, even after the end of what there is now.
        if not (finished and at_end):
            shown["nextPageToken"] = page_tokens.encode(bound_to, state)
        return shown

    def _read(self, stream: str, forward: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None, bool]:
        """Events, the token to go on with, and whether the stream's end was reached."""
        more: dict[str, Any] = {"nextToken": forward} if forward else {}
        try:
            page = self._aws.call(
                "logs",
                "get_log_events",
                logGroupName=self._log_group,
                logStreamName=stream,
                startFromHead=True,
                limit=limit,
                **more,
            )
        except AwsError as error:
            if error.code == "ResourceNotFoundException":
                # The stream is made with its first line.
                return [], forward, True
            if forward and error.cause is Cause.REJECTED and error.code == "InvalidParameterException":
                # Tokens of CloudWatch end after 24 hours.
                raise page_tokens.invalid_token() from None
            raise
        events = [
            {"timestamp": rfc3339(int(event["timestamp"])), "message": event["message"][:_MAX_MESSAGE_CHARACTERS]}
            for event in page.get("events", [])
        ]
        if len(events) > 1 and len(to_json(events).encode()) > limits.MAX_LOG_BYTES:
            return self._read(stream, forward, max(1, len(events) // 4))
        after: str | None = page.get("nextForwardToken")
        # The same token again means the end; an empty page alone doesn't.
        return events, after, after == forward


def _streams(job: Mapping[str, Any]) -> dict[int, str]:
    """Attempt, from 1 -> its log stream. One that never started has none; a running one isn't among `attempts`."""
    attempts: list[Mapping[str, Any]] = [*job.get("attempts", [])]
    names = [attempt.get("container", {}).get("logStreamName") for attempt in attempts]
    current = job.get("container", {}).get("logStreamName")
    if current not in names:
        names.append(current)
    return {number: name for number, name in enumerate(names, start=1) if name}
