"""S3 as a browser sees it: the bucket's own CORS rules, and index documents of a website."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from xml.etree import ElementTree

from sandbox import emulator
from sandbox.shims.replacing import replace

_CORS_HEADERS: Final = ("access-control-", "vary")


def install() -> None:
    """Replace the emulator's functions."""
    app = emulator.app()
    replace(app, "_handle_options_request", _bucket_preflight)
    replace(app, "_dispatch_service_request", _bucket_answer)


def _bucket_of(path: str) -> tuple[str, str] | None:
    """Bucket and key of a path-style request for an existing bucket."""
    bucket, _, key = path.lstrip("/").partition("/")
    if not bucket or emulator.service("s3")._bucket_owner_account(bucket) is None:
        return None
    return bucket, key


def _bucket_preflight(original: Callable[..., Any]) -> Callable[..., Any]:
    """A bucket's CORS configuration answers a preflight; the emulator would allow everything."""

    def answer(method: str, path: str, headers: Mapping[str, str], query: Any, request_id: str) -> Any:
        target = _bucket_of(path) if method == "OPTIONS" else None
        if target is None:
            return original(method, path, headers, query, request_id)
        return emulator.service("s3").cors_preflight(*target, headers)

    return answer


def _bucket_answer(original: Callable[..., Any]) -> Callable[..., Any]:
    """Put the bucket's CORS headers in the place of the emulator's, and serve index documents."""

    async def dispatch(
        method: str, path: str, headers: dict[str, str], body: bytes, query: Mapping[str, Any], request_id: str
    ) -> Any:
        target = None if headers.get("x-amz-target") else _bucket_of(path)
        if target is None or not _is_s3(headers):
            return await original(method, path, headers, body, query, request_id)
        bucket, key = target
        if method in ("GET", "HEAD") and not query and "authorization" not in headers:
            suffix = _index_document(bucket)
            if suffix and not key and not path.endswith("/"):
                return 302, {"Location": f"/{bucket}/", "Content-Length": "0"}, b""
            if suffix and (not key or key.endswith("/")):
                path = f"/{bucket}/{key}{suffix}"
        status, answer, content = await original(method, path, headers, body, query, request_id)
        kept = {name: value for name, value in answer.items() if not name.lower().startswith(_CORS_HEADERS)}
        return status, kept | emulator.service("s3").cors_response_headers(bucket, method, headers), content

    return dispatch


def _is_s3(headers: Mapping[str, str]) -> bool:
    authorization = headers.get("authorization", "")
    return not authorization or "/s3/aws4_request" in authorization


def _index_document(bucket: str) -> str:
    """The index suffix of a bucket that is a website; empty for any other."""
    s3 = emulator.service("s3")
    document = s3._bucket_websites.get(bucket)
    if not document:
        return ""
    for element in ElementTree.fromstring(document).iter():  # noqa: S314 - written by the program, parsed on this machine
        if element.tag.rpartition("}")[2] == "Suffix":
            return (element.text or "").strip()
    return ""
