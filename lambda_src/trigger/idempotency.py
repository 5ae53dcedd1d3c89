"""Idempotency-Key: at most one job survives per consumer, pipeline and key.

Batch has no token for that, so a DynamoDB item does it. One request claims the key with a conditional write and leads
until its lease ends; it submits, then records the job's id. Others get the recorded job, or are told to come back. When
a leader dies, the first to come after its lease takes over: it looks for a job of the recorded name, then submits.

What that can't close: a SubmitJob that Batch accepts after the take-over has looked, or a job that ListJobs doesn't
show within the lease's reserve. Two jobs of one name are the result; the reconciler ends the younger.

Item: `id` (hash of consumer, pipeline and key), `request` (hash of body and timeout), `jobName`, `leader`, `leaseUntil`
(milliseconds since 1970), `jobId` (once known), `expiresAt` (seconds since 1970; the table's TTL).
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import limits
from aws import Aws, AwsError
from clock import Clock
from problems import Problem, retry_later

_CONDITION_FAILED: Final = "ConditionalCheckFailedException"

Item = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """This request leads: it must submit the job, and record it."""

    record_id: str
    leader: str
    job_name: str
    taken_over: bool
    """Somebody led before, and may have submitted."""
    lease_until_millis: int


class Idempotency:
    """The table of keys."""

    def __init__(self, aws: Aws, clock: Clock, table: str) -> None:
        self._aws = aws
        self._clock = clock
        self._table = table

    def claim(self, record_id: str, request_hash: str, name_job: Callable[[int], str]) -> Claim | str:
        """Become the leader, or get the id of the job that another made.

        Args:
            record_id: from `record_id_of`.
            request_hash: from `request_hash_of`.
            name_job: the job's name, for the time of the record in milliseconds.

        Raises:
            Problem: another request was made with this key, or one is under way.
            AwsError: the table couldn't be asked.
        """
        now = self._now_millis()
        claim = Claim(
            record_id=record_id,
            leader=secrets.token_hex(8),
            job_name=name_job(now),
            taken_over=False,
            lease_until_millis=now + limits.LEASE_SECONDS * 1000,
        )
        item = {
            "id": {"S": record_id},
            "request": {"S": request_hash},
            "jobName": {"S": claim.job_name},
            "leader": {"S": claim.leader},
            "leaseUntil": {"N": str(claim.lease_until_millis)},
            "expiresAt": {"N": str(now // 1000 + limits.RECORD_DAYS * 86_400)},
        }
        found = self._write(
            "put_item",
            Item=item,
            # The table's TTL deletes late: an expired item counts as none.
            ConditionExpression="attribute_not_exists(id) OR expiresAt <= :now",
            ExpressionAttributeValues={":now": {"N": str(now // 1000)}},
        )
        if found is None or _text(found, "leader") == claim.leader:
            return claim
        if _lease_until(found) > now or _text(found, "jobId"):
            return self._answer_of(found, request_hash)
        return self._take_over(record_id, found, request_hash)

    def record(self, claim: Claim, job_id: str) -> str:
        """Remember the job, and answer the one that counts: the first that was recorded.

        A leader that wakes up late may be that first, and a successor then has its job: likely the older of the two.

        Raises:
            AwsError: the table couldn't be asked. The job exists, and is found by its name after the lease.
        """
        found = self._write(
            "update_item",
            Key={"id": {"S": claim.record_id}},
            UpdateExpression="SET jobId = :job",
            # The name, too: an item that is gone must not come back as half a one.
            ConditionExpression="jobName = :name AND attribute_not_exists(jobId)",
            ExpressionAttributeValues={":job": {"S": job_id}, ":name": {"S": claim.job_name}},
        )
        if found is None or _text(found, "jobName") != claim.job_name:
            return job_id
        return _text(found, "jobId")

    def release(self, claim: Claim) -> None:
        """End the lease now: no job was submitted, and the next request need not wait."""
        try:
            self._write(
                "update_item",
                Key={"id": {"S": claim.record_id}},
                UpdateExpression="SET leaseUntil = :none",
                ConditionExpression="leader = :leader AND attribute_not_exists(jobId)",
                ExpressionAttributeValues={":none": {"N": "0"}, ":leader": {"S": claim.leader}},
            )
        except AwsError:
            # The lease ends by itself; the caller hears of the first failure.
            return

    def in_progress(self, lease_until_millis: int) -> Problem:
        """The answer while another request leads."""
        left = max(1, -(-(lease_until_millis - self._now_millis()) // 1000))
        # A leader that lives is done within moments; one that is older than that may be dead.
        young = left > limits.LEASE_SECONDS - limits.FIRST_RETRY_AFTER_SECONDS
        seconds = limits.FIRST_RETRY_AFTER_SECONDS if young else left
        return retry_later("idempotency-in-progress", f"Repeat this request after {seconds} seconds.", seconds)

    def _answer_of(self, found: Item, request_hash: str) -> str:
        """What a request gets whose key another one has."""
        if _text(found, "request") != request_hash:
            raise Problem("idempotency-mismatch", "Use a new Idempotency-Key for another body or timeoutSeconds.")
        job_id = _text(found, "jobId")
        if job_id:
            return job_id
        raise self.in_progress(_lease_until(found))

    def _take_over(self, record_id: str, found: Item, request_hash: str) -> Claim | str:
        if _text(found, "request") != request_hash:
            return self._answer_of(found, request_hash)
        now = self._now_millis()
        claim = Claim(
            record_id=record_id,
            leader=secrets.token_hex(8),
            job_name=found["jobName"]["S"],
            taken_over=True,
            lease_until_millis=now + limits.LEASE_SECONDS * 1000,
        )
        other = self._write(
            "update_item",
            Key={"id": {"S": record_id}},
            UpdateExpression="SET leader = :leader, leaseUntil = :until",
            ConditionExpression="leader = :old AND leaseUntil = :ended AND attribute_not_exists(jobId)",
            ExpressionAttributeValues={
                ":leader": {"S": claim.leader},
                ":until": {"N": str(claim.lease_until_millis)},
                ":old": found["leader"],
                ":ended": found["leaseUntil"],
            },
        )
        if other is None or _text(other, "leader") == claim.leader:
            return claim
        return self._answer_of(other, request_hash)

    def _write(self, operation: str, **parameters: Any) -> Item | None:
        """Write, or answer the item that stood in the way (an empty one if there is none)."""
        try:
            self._aws.call(
                "dynamodb",
                operation,
                TableName=self._table,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **parameters,
            )
        except AwsError as error:
            if error.code != _CONDITION_FAILED:
                raise
            return error.response.get("Item") or {}
        return None

    def _now_millis(self) -> int:
        return int(self._clock.now() * 1000)


def record_id_of(consumer: str, pipeline: str, key: str) -> str:
    """The item's id. The key itself is stored nowhere."""
    return _hash([consumer, pipeline, key])


def request_hash_of(parameters: Mapping[str, Any], timeout_seconds: int | None) -> str:
    """What must be the same in a repeated request, whatever its white space and order of members."""
    return _hash([parameters, timeout_seconds])


def _hash(value: object) -> str:
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _text(item: Item, name: str) -> str:
    return item.get(name, {}).get("S", "")


def _lease_until(item: Item) -> int:
    return int(item.get("leaseUntil", {}).get("N", "0"))
