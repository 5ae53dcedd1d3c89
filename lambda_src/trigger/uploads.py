"""Inputs: a form with which a browser or a program sends one object straight to S3."""

import secrets
from typing import Any, Final

import limits
from aws import Aws
from clock import Clock, rfc3339

REQUEST_SCHEMA: Final = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "type": "object",
    "required": ["contentType"],
    "additionalProperties": False,
    "properties": {
        "contentType": {
            "type": "string",
            "maxLength": 127,
            "pattern": "^[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*$",
        },
        "maxBytes": {"type": "integer", "minimum": 1, "maximum": limits.MAX_UPLOAD_BYTES},
    },
}


class Uploads:
    """The inputs bucket, below one pipeline's prefix."""

    def __init__(self, aws: Aws, clock: Clock, bucket: str, pipeline: str) -> None:
        self._aws = aws
        self._clock = clock
        self._bucket = bucket
        self._pipeline = pipeline

    def create(self, consumer: str, content_type: str, max_bytes: int | None) -> dict[str, Any]:
        """A form that S3 accepts for 1 to `max_bytes` bytes of that type, for a quarter of an hour.

        The object's key can't be guessed. Parameters name it relative to the pipeline's prefix, as a job sees it.
        """
        upload_id = f"upload-{secrets.token_hex(16)}"
        key = f"{consumer}/{upload_id}"
        size = int(max_bytes or limits.MAX_UPLOAD_BYTES)
        form = self._aws.client("s3").generate_presigned_post(
            self._bucket,
            f"{self._pipeline}/{key}",
            Fields={"Content-Type": content_type},
            Conditions=[{"Content-Type": content_type}, ["content-length-range", 1, size]],
            ExpiresIn=limits.LINK_SECONDS,
        )
        return {
            "uploadId": upload_id,
            "key": key,
            "contentType": content_type,
            "maxBytes": size,
            "expiresAt": rfc3339(int((self._clock.now() + limits.LINK_SECONDS) * 1000)),
            "url": form["url"],
            "fields": form["fields"],
        }
