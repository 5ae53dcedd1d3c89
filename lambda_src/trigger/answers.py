"""Answers in the form that the gateway's proxy integration expects."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from problems import Problem


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A 2xx answer."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    job_id: str | None = None
    """For the log line."""


def render(answer: Answer, cors: Mapping[str, str]) -> dict[str, Any]:
    """A proxy response."""
    return _response(answer.status, "application/json", answer.body, {**answer.headers, **cors})


def render_problem(problem: Problem, request_id: str | None, cors: Mapping[str, str]) -> dict[str, Any]:
    """A proxy response for a problem."""
    body = problem.body(request_id)
    return _response(problem.status, "application/problem+json", body, {**problem.headers, **cors})


def to_json(value: object) -> str:
    """Compact, and readable in any language."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _response(status: int, content_type: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {
            "Content-Type": content_type,
            # Answers hold links that work without a key.
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            **headers,
        },
        "body": to_json(body),
        "isBase64Encoded": False,
    }
