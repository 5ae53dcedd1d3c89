"""S3 as a browser sees it: the bucket's own CORS rules, and the index and error documents of a website."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
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
    """Put the bucket's CORS headers in the place of the emulator's, and serve index and error documents."""

    async def dispatch(
        method: str, path: str, headers: dict[str, str], body: bytes, query: Mapping[str, Any], request_id: str
    ) -> Any:
        target = None if headers.get("x-amz-target") else _bucket_of(path)
        if target is None or not _is_s3(headers):
            return await original(method, path, headers, body, query, request_id)
        bucket, key = target
        website = _Website()
        if method in ("GET", "HEAD") and not query and "authorization" not in headers:
            website = _website(bucket)
        if website.index and not key and not path.endswith("/"):
            return HTTPStatus.FOUND, {"Location": f"/{bucket}/", "Content-Length": "0"}, b""
        if website.index and (not key or key.endswith("/")):
            path = f"/{bucket}/{key}{website.index}"
        status, answer, content = await original(method, path, headers, body, query, request_id)
        if status == HTTPStatus.NOT_FOUND and website.error:
            _, answer, content = await original(method, f"/{bucket}/{website.error}", headers, body, query, request_id)
        kept = {name: value for name, value in answer.items() if not name.lower().startswith(_CORS_HEADERS)}
        return status, kept | emulator.service("s3").cors_response_headers(bucket, method, headers), content

    return dispatch


def _is_s3(headers: Mapping[str, str]) -> bool:
    authorization = headers.get("authorization", "")
    return not authorization or "/s3/aws4_request" in authorization


@dataclass(frozen=True)
class _Website:
    """What a bucket's website configuration says; all empty for a bucket that is no website."""

    index: str = ""
    error: str = ""


def _website(bucket: str) -> _Website:
    document = emulator.service("s3")._bucket_websites.get(bucket)
    if not document:
        return _Website()
    elements = ElementTree.fromstring(document).iter()  # noqa: S314 - written by the program, read on the same machine
    texts = {element.tag.rpartition("}")[2]: (element.text or "").strip() for element in elements}
    return _Website(index=texts.get("Suffix", ""), error=texts.get("Key", ""))
