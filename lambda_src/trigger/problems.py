"""Errors as the caller sees them: RFC 9457 problem details. Nothing else may be said about a failure."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

TYPE_PREFIX: Final = "urn:slipway:problem:"

TYPES: Final[Mapping[str, tuple[int, str]]] = {
    "invalid-request": (400, "The request is not valid"),
    "invalid-page-token": (400, "The page token is not valid here"),
    "invalid-body": (400, "The body is not valid JSON"),
    "invalid-parameters": (400, "The body does not match its schema"),
    "unknown-consumer": (403, "The API key belongs to no consumer of this API"),
    "not-found": (404, "There is nothing at this address"),
    "job-not-found": (404, "There is no such job"),
    "method-not-allowed": (405, "This address does not have that method"),
    "idempotency-in-progress": (409, "The first request with this Idempotency-Key is still under way"),
    "job-finished": (409, "The job has already ended"),
    "too-large": (413, "The request is too large"),
    "unsupported-media-type": (415, "The body must be JSON"),
    "idempotency-mismatch": (422, "The Idempotency-Key was used for another request"),
    "internal": (500, "Something went wrong on our side"),
    "unavailable": (503, "The service is not available right now"),
    "outcome-unknown": (503, "It is not known whether the job was started"),
}
"""Kind -> status and title."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Place:
    """Where a document doesn't fit its schema."""

    pointer: str
    """RFC 6901; empty for the whole document."""
    detail: str


class Problem(Exception):  # noqa: N818 - it is an answer, not an accident
    """Ends a request with a problem answer."""

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        places: Sequence[Place] = (),
    ) -> None:
        super().__init__(kind)
        self.kind = kind
        self.detail = detail
        self.status, self.title = TYPES[kind]
        self.headers = dict(headers or {})
        self.places = tuple(places)

    def body(self, request_id: str | None) -> dict[str, Any]:
        """The problem details object."""
        body: dict[str, Any] = {
            "type": TYPE_PREFIX + self.kind,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if request_id:
            body["requestId"] = request_id
        if self.places:
            body["errors"] = [dataclasses.asdict(place) for place in self.places]
        return body


def retry_later(kind: str, detail: str, seconds: int) -> Problem:
    """A problem that says when the same request makes sense again."""
    return Problem(kind, detail, headers={"Retry-After": str(seconds)})
