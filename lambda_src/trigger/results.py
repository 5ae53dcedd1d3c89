"""Links to what a job wrote."""

from typing import Any, Final

import limits
from aws import Aws
from clock import Clock, rfc3339

_CONTENT_TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "gif": "image/gif",
    "gz": "application/gzip",
    "htm": "text/html; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "log": "text/plain; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "pdf": "application/pdf",
    "png": "image/png",
    "svg": "image/svg+xml",
    "tsv": "text/tab-separated-values; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "xml": "application/xml",
    "yaml": "application/yaml",
    "yml": "application/yaml",
    "zip": "application/zip",
}
"""Written out: Python's own table differs between machines."""


class Results:
    """The results bucket, below one pipeline's prefix."""

    def __init__(self, aws: Aws, clock: Clock, bucket: str, pipeline: str) -> None:
        self._aws = aws
        self._clock = clock
        self._bucket = bucket
        self._pipeline = pipeline

    def of_job(self, job_id: str) -> dict[str, Any]:
        """The files that a job wrote, each with a link that works without a key."""
        prefix = f"{self._pipeline}/{job_id}/"
        page = self._aws.call(
            "s3", "list_objects_v2", Bucket=self._bucket, Prefix=prefix, MaxKeys=limits.MAX_RESULT_FILES
        )
        expires_at = rfc3339(int((self._clock.now() + limits.LINK_SECONDS) * 1000))
        files = [self._file(entry["Key"], entry["Size"], prefix) for entry in page.get("Contents", [])]
        return {
            "files": sorted(files, key=lambda file: file["name"]),
            "truncated": bool(page.get("IsTruncated")),
            "expiresAt": expires_at,
        }

    def _file(self, key: str, size: int, prefix: str) -> dict[str, Any]:
        content_type = content_type_of(key)
        parameters = {"Bucket": self._bucket, "Key": key}
        if content_type:
            parameters["ResponseContentType"] = content_type
        url = self._aws.client("s3").generate_presigned_url("get_object", parameters, ExpiresIn=limits.LINK_SECONDS)
        file: dict[str, Any] = {"name": key.removeprefix(prefix), "sizeBytes": int(size), "url": url}
        if content_type:
            file["contentType"] = content_type
        return file


def content_type_of(name: str) -> str | None:
    """The media type that a name's ending tells, or None: then the object's own applies."""
    _, dot, ending = name.rpartition("/")[2].rpartition(".")
    return _CONTENT_TYPES.get(ending.lower()) if dot else None
