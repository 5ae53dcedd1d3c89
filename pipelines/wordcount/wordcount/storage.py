"""The two places a job knows: what was uploaded for it, and where its result goes. Both are S3 URIs."""

import codecs
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import ClientError

_PIECE_BYTES = 1 << 20


class InputError(Exception):
    """The input cannot be read: it is not there, or it is not UTF-8 text."""


def read_text(inputs_uri: str, input_key: str) -> Iterator[str]:
    """The uploaded text in pieces of at most 1 MiB: a job's memory doesn't grow with its input.

    Raises:
        InputError: no such input, or not UTF-8.
    """
    bucket, prefix = _location(inputs_uri)
    try:
        body = boto3.client("s3").get_object(Bucket=bucket, Key=prefix + input_key)["Body"]
    except ClientError as error:
        code = error.response["Error"]["Code"]
        # Without s3:ListBucket, S3 answers AccessDenied for a key that does not exist.
        if code in {"NoSuchKey", "AccessDenied"}:
            raise InputError(f'There is no input "{input_key}": it was never uploaded, or it has expired.') from error
        raise
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for piece in body.iter_chunks(_PIECE_BYTES):
            yield decoder.decode(piece)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise InputError(f'The input "{input_key}" is not UTF-8 text: {error.reason}.') from error


def write_result(results_uri: str, job_id: str, result: dict[str, Any]) -> str:
    """Write `result` as `<results_uri><job_id>/result.json` and return that URI."""
    bucket, prefix = _location(results_uri)
    key = f"{prefix}{job_id}/result.json"
    body = json.dumps(result, ensure_ascii=False, indent=2) + "\n"
    boto3.client("s3").put_object(
        Bucket=bucket, Key=key, Body=body.encode(), ContentType="application/json; charset=utf-8"
    )
    return f"s3://{bucket}/{key}"


def _location(uri: str) -> tuple[str, str]:
    """Bucket and key prefix of an `s3://bucket/prefix/` URI; the prefix ends in a slash or is empty."""
    parts = urlsplit(uri)
    prefix = parts.path.strip("/")
    return parts.netloc, f"{prefix}/" if prefix else ""
