"""From method and path to an operation."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from problems import Problem

JOB_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

ROUTES: Final[Mapping[tuple[str, ...], Mapping[str, str]]] = {
    ("jobs",): {"GET": "listJobs", "POST": "submitJob"},
    ("jobs", "{jobId}"): {"DELETE": "cancelJob", "GET": "getJob"},
    ("jobs", "{jobId}", "logs"): {"GET": "getJobLogs"},
    ("uploads",): {"POST": "createUpload"},
}
"""Path below the pipeline -> method -> operation, named as in the API's description."""


@dataclass(frozen=True, kw_only=True)
class Route:
    """What a request asks for."""

    operation: str
    job_id: str | None
    """None where the path has none, and where it can't be one of Batch's."""


def find_route(method: str, path: str, pipeline: str) -> Route:
    """The operation for a request.

    Raises:
        Problem: 404 or 405.
    """
    first, *segments = path.removeprefix("/").split("/")
    if first == pipeline and path.startswith("/"):
        for pattern, methods in ROUTES.items():
            matched, job_id = _match(pattern, segments)
            if not matched:
                continue
            if method not in methods:
                allowed = ", ".join(methods)
                raise Problem("method-not-allowed", f"Allowed here: {allowed}.", headers={"Allow": allowed})
            return Route(operation=methods[method], job_id=job_id)
    raise Problem("not-found", "There is nothing at this address; see the API's description.")


def _match(pattern: tuple[str, ...], segments: list[str]) -> tuple[bool, str | None]:
    if len(pattern) != len(segments):
        return False, None
    job_id = None
    for part, segment in zip(pattern, segments, strict=True):
        if part == "{jobId}":
            if not segment:
                return False, None
            job_id = segment if JOB_ID.fullmatch(segment) else None
        elif part != segment:
            return False, None
    return True, job_id
