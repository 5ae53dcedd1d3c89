"""One JSON line a request.

Only what is listed here is ever logged: names from the settings, ids made by AWS, counts and times. What a caller
wrote, be it key, header, query or body, is not; nor are messages of exceptions, which may repeat it.
"""

import json
import sys
import traceback
from pathlib import Path
from typing import Any, Final

from aws import Aws, AwsError
from clock import Clock, rfc3339

_HERE: Final = Path(__file__).parent
_MILLIS: Final = 1000


class RequestLog:
    """Collects what one request's line says."""

    def __init__(self, clock: Clock, aws: Aws, pipeline: str) -> None:
        self._clock = clock
        self._aws = aws
        self._pipeline = pipeline
        self._began = clock.elapsed()
        self._aws_before = aws.seconds
        self._error: str | None = None
        self.operation: str | None = None
        self.consumer: str | None = None
        self.job_id: str | None = None
        self.problem: str | None = None

    def note_aws_error(self, error: AwsError) -> None:
        """A call failed: which, and AWS's code for why."""
        self._error = f"{error.call} {error.cause.value} {error.code}"

    def note_exception(self, error: Exception) -> None:
        """Something unforeseen: its type, and where in this function."""
        frames = traceback.extract_tb(error.__traceback__)
        places = [
            f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames if Path(frame.filename).parent == _HERE
        ]
        self._error = " < ".join([type(error).__name__, *reversed(places)])

    def write(self, *, status: int, request_id: str | None) -> None:
        """Write the line."""
        took = self._clock.elapsed() - self._began
        waited = self._aws.seconds - self._aws_before
        line: dict[str, Any] = {
            "time": rfc3339(int(self._clock.now() * _MILLIS)),
            "level": "ERROR" if self._error else "INFO",
            "requestId": request_id,
            "pipeline": self._pipeline,
            "operation": self.operation,
            "consumer": self.consumer,
            "jobId": self.job_id,
            "status": status,
            "problem": self.problem,
            "milliseconds": round(took * _MILLIS, 1),
            "awsMilliseconds": round(waited * _MILLIS, 1),
            "error": self._error,
        }
        sys.stdout.write(json.dumps({name: value for name, value in line.items() if value is not None}) + "\n")
        sys.stdout.flush()
