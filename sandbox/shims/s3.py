"""S3: index and error documents of websites, and who pays. The emulator does the rest itself, CORS included."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from xml.etree import ElementTree

from sandbox import emulator
from sandbox.shims.replacing import replace

_ERRORS: Final = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)


def install() -> None:
    """Replace the emulator's function."""
    replace(emulator.app(), "_dispatch_service_request", _serve_website)


def install_reads() -> None:
    """Replace a function of the service, which the emulator loads at its first request."""
    replace(emulator.service("s3"), "_list_objects_v1", _tell_who_pays)


def _tell_who_pays(original: Callable[..., Any]) -> Callable[..., Any]:
    """The emulator takes `?requestPayment` for a wish to list the bucket."""

    def answer(bucket: str, query: Mapping[str, Any]) -> Any:
        if "requestPayment" in query:
            return emulator.service("s3")._get_bucket_request_payment(bucket)
        return original(bucket, query)

    return answer


def _serve_website(original: Callable[..., Any]) -> Callable[..., Any]:
    async def dispatch(
        method: str, path: str, headers: dict[str, str], body: bytes, query: Mapping[str, Any], request_id: str
    ) -> Any:
        bucket, _, key = path.lstrip("/").partition("/")
        plain = method in ("GET", "HEAD") and not query and not {"authorization", "x-amz-target"} & headers.keys()
        website = _website(bucket) if plain else None
        if website is None:
            return await original(method, path, headers, body, query, request_id)
        if not key and not path.endswith("/"):
            return HTTPStatus.FOUND, {"Location": f"/{bucket}/", "Content-Length": "0"}, b""
        if not key or key.endswith("/"):
            path = f"/{bucket}/{key}{website.index}"
        status, answer, content = await original(method, path, headers, body, query, request_id)
        if status in _ERRORS and website.error:
            _, answer, content = await original(method, f"/{bucket}/{website.error}", headers, body, query, request_id)
        return status, answer, content

    return dispatch


@dataclass(frozen=True)
class _Website:
    index: str
    """What is served for a folder."""
    error: str
    """Key of what is served in the place of an error; empty for none."""


def _website(bucket: str) -> _Website | None:
    """The website configuration of a bucket; None for a bucket that is no website."""
    document = emulator.service("s3")._bucket_websites.get(bucket)
    if not document:
        return None
    elements = ElementTree.fromstring(document).iter()  # noqa: S314 - written by the program, read on the same machine
    texts = {element.tag.rpartition("}")[2]: (element.text or "").strip() for element in elements}
    return _Website(index=texts.get("Suffix", ""), error=texts.get("Key", ""))
