"""Starting a job: with an Idempotency-Key at most one survives, without it each request starts its own."""

import re
from collections.abc import Mapping
from typing import Any

import job_names
import limits
from aws import AwsError
from deadline import Deadline
from idempotency import Claim, Idempotency, record_id_of, request_hash_of
from jobs import Jobs
from problems import Problem, retry_later
from request import Request
from settings import Settings

_KEY = re.compile(rf"[!-~]{{1,{limits.MAX_KEY_CHARACTERS}}}")


class Submission:
    """Starts jobs."""

    def __init__(self, jobs: Jobs, idempotency: Idempotency, settings: Settings) -> None:
        self._jobs = jobs
        self._idempotency = idempotency
        self._settings = settings

    def start(
        self,
        consumer: str,
        parameters: Mapping[str, Any],
        *,
        timeout_seconds: int | None,
        key: str | None,
        deadline: Deadline,
    ) -> str:
        """The id of the job.

        Raises:
            Problem: there is no job, it isn't known whether there is one, or another request is making it.
            AwsError: there is no job.
        """
        if key is None:
            name = self._name(consumer, job_names.random_id())
            job_id = self._jobs.submit(self._jobs.submission(name, parameters, timeout_seconds), deadline)
            if job_id is None:
                raise retry_later(
                    "outcome-unknown",
                    "Batch did not say whether it accepted the job. List your jobs before you repeat this request; "
                    "with an Idempotency-Key a repeated request is safe.",
                    limits.LISTING_LAG_SECONDS,
                )
            return job_id
        record_id = record_id_of(consumer, self._settings.pipeline, key)
        # Each name has the same length: what is too large is refused before the key is used up.
        self._jobs.submission(self._name(consumer, job_names.random_id()), parameters, timeout_seconds)
        claim = self._idempotency.claim(
            record_id,
            request_hash_of(parameters, timeout_seconds),
            lambda millis: self._name(consumer, job_names.keyed_id(record_id, millis)),
        )
        if isinstance(claim, str):
            return claim
        return self._lead(claim, parameters, timeout_seconds, deadline)

    def _lead(
        self, claim: Claim, parameters: Mapping[str, Any], timeout_seconds: int | None, deadline: Deadline
    ) -> str:
        job_id = self._jobs.find_by_name(claim.job_name) if claim.taken_over else None
        if job_id is None:
            if not deadline.allows(limits.SUBMIT_SECONDS + limits.RECORD_SECONDS):
                self._idempotency.release(claim)
                raise retry_later(
                    "unavailable", "There was no time left to start the job.", limits.UNAVAILABLE_RETRY_AFTER_SECONDS
                )
            request = self._jobs.submission(claim.job_name, parameters, timeout_seconds)
            try:
                job_id = self._jobs.submit(request, deadline)
            except AwsError:
                self._idempotency.release(claim)
                raise
        if job_id is None:
            raise self._idempotency.in_progress(claim.lease_until_millis)
        try:
            return self._idempotency.record(claim, job_id)
        except AwsError:
            # The job exists; whoever repeats the request finds it by its name once the lease is over.
            return job_id

    def _name(self, consumer: str, identifier: str) -> str:
        return job_names.job_name(self._settings.job_name_prefix, consumer, identifier)


def idempotency_key(request: Request) -> str | None:
    """The request's Idempotency-Key.

    Raises:
        Problem: it isn't 1 to 255 visible ASCII characters.
    """
    key = request.header("Idempotency-Key")
    if key is not None and not _KEY.fullmatch(key):
        raise Problem(
            "invalid-request",
            f"Idempotency-Key must be 1 to {limits.MAX_KEY_CHARACTERS} visible ASCII characters.",
        )
    return key
