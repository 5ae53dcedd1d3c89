"""Names of jobs: they say whose a job is, since Batch has no owner.

A name is `{prefix}-{consumer}-{id}`. Prefix and consumer may hold hyphens, so a name is never split at one: the id has
a fixed width, and the rest is compared as a whole. `a` and `a-b` are two consumers, and neither sees the other's jobs.
"""

import hashlib
import re
import secrets
from typing import Final

ID_WIDTH: Final = 25
_ID = re.compile(r"[kr][0-9a-f]{24}")
_CONSUMER = re.compile(r"[a-z][a-z0-9-]*")


def random_id() -> str:
    """The id of a job that no key was given for."""
    return "r" + secrets.token_hex(12)


def keyed_id(record_id: str, created_millis: int) -> str:
    """The id of the job of one Idempotency-Key.

    Whoever repeats the request comes to the same name, and two jobs of that name are one too many.

    Args:
        record_id: the key's record.
        created_millis: when that record was made. A record lives for days and Batch may remember a job for longer: the
            next use of the key must not find the job of the use before.
    """
    return "k" + hashlib.sha256(f"{record_id}:{created_millis}".encode()).hexdigest()[:24]


def job_name(prefix: str, consumer: str, job_name_id: str) -> str:
    """The name of a job."""
    return f"{prefix}-{consumer}-{job_name_id}"


def owner_of(name: str, prefix: str) -> str | None:
    """The consumer that a job belongs to, or None if the name isn't one of this prefix."""
    start, rest, identifier = name[: len(prefix) + 1], name[len(prefix) + 1 : -ID_WIDTH], name[-ID_WIDTH:]
    consumer = rest.removesuffix("-")
    if start != f"{prefix}-" or consumer == rest or not _ID.fullmatch(identifier) or not _CONSUMER.fullmatch(consumer):
        return None
    return consumer
