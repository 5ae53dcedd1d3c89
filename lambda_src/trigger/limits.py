"""Every limit of the function in one place: seconds, bytes and counts.

The times fit into each other: all that one request may wait for, one after the other, ends before the function's own
timeout, and that before the gateway gives up. `worst_case_seconds` adds them up, and a test holds the order.
"""

from typing import Final

GATEWAY_TIMEOUT_SECONDS: Final = 29
"""API Gateway ends an integration after this [API Gateway developer guide, "Quotas for REST APIs"]."""
FUNCTION_TIMEOUT_SECONDS: Final = 28
"""The function's timeout, as it is deployed."""
OWN_SECONDS: Final = 2.0
"""Set aside for all that isn't waiting: a cold start's clients, validation, the answer."""

CONNECT_TIMEOUT_SECONDS: Final = 1.0
READ_TIMEOUT_SECONDS: Final = {"batch": 3.0, "dynamodb": 1.0, "logs": 5.0, "s3": 3.0}
ATTEMPTS: Final = 2
"""Of a call that may be repeated without harm. SubmitJob gets one: Batch has no token that makes a repeat harmless."""
RETRY_PAUSE_SECONDS: Final = 0.2
IDLE_CONNECTION_SECONDS: Final = 10.0
"""An idle connection is not used again after this: the other side may have closed it while the function was frozen, and
a SubmitJob that fails on it would leave open whether a job was started."""

LISTING_LAG_SECONDS: Final = 30
"""How late a job may appear in ListJobs without being missed by a take-over."""
LEASE_SECONDS: Final = FUNCTION_TIMEOUT_SECONDS + LISTING_LAG_SECONDS
"""How long a request with an Idempotency-Key keeps others out: it is over before that, dead or alive."""
FIRST_RETRY_AFTER_SECONDS: Final = 2
"""When to ask again while the first request is likely still at work."""
UNAVAILABLE_RETRY_AFTER_SECONDS: Final = 5
RECORD_DAYS: Final = 7
"""How long an Idempotency-Key is remembered: as long as Batch promises to remember the job."""
LOOKUP_PAUSES_SECONDS: Final = (0.5, 1.0, 2.0, 4.0)
"""Before each look for a job whose SubmitJob got no answer. All but the first are taken only if time is left."""

MAX_BODY_BYTES: Final = 256 * 1024
"""Of a request's body as it was sent."""
MAX_DEPTH: Final = 64
"""Arrays and objects within each other."""
MAX_SUBMIT_BYTES: Final = 30 * 1024
"""Of a SubmitJob request [AWS Batch user guide, "Service quotas"]."""
MIN_JOB_SECONDS: Final = 60
"""Batch's smallest attemptDurationSeconds."""
MAX_ATTEMPTS: Final = 10
"""Batch's largest number of attempts."""
MAX_KEY_CHARACTERS: Final = 255
MAX_JOB_NAME_CHARACTERS: Final = 128

LIST_DEFAULT: Final = 20
LIST_MAX: Final = 100
LIST_CALL_SIZE: Final = 100
"""ListJobs answers at most this many [Batch API reference, ListJobs]."""
LIST_CALLS: Final = 5
"""ListJobs calls for one page: a rare status would otherwise be searched for without end."""
LOG_DEFAULT: Final = 200
LOG_MAX: Final = 1000
MAX_LOG_BYTES: Final = 4 * 1024 * 1024
"""Of one page: Lambda answers at most 6 MB, in which each quote and backslash of the body counts twice."""
MAX_REASON_CHARACTERS: Final = 200
MAX_TOKEN_CHARACTERS: Final = 4096

MAX_RESULT_FILES: Final = 100
LINK_SECONDS: Final = 15 * 60
MAX_UPLOAD_BYTES: Final = 1024**3


def call_seconds(service: str, attempts: int = ATTEMPTS) -> float:
    """The longest that one call can take, with its repeats."""
    return attempts * (CONNECT_TIMEOUT_SECONDS + READ_TIMEOUT_SECONDS[service]) + (attempts - 1) * RETRY_PAUSE_SECONDS


LOOKUP_SECONDS: Final = call_seconds("batch", attempts=1)
SUBMIT_SECONDS: Final = call_seconds("batch", attempts=1)
RECORD_SECONDS: Final = call_seconds("dynamodb")


def worst_case_seconds() -> float:
    """The longest request: claim, take over, look up, submit without an answer, look again, record."""
    return (
        call_seconds("dynamodb")
        + call_seconds("dynamodb")
        + LOOKUP_SECONDS
        + SUBMIT_SECONDS
        + LOOKUP_PAUSES_SECONDS[0]
        + LOOKUP_SECONDS
        + RECORD_SECONDS
        + OWN_SECONDS
    )
