"""Images as ECR lists them: the answer of DescribeImages, as boto3 gives it or as the AWS CLI prints it.

What a listing doesn't have is what an index refers to: that is in the index's own manifest (`members_of`).
"""

import datetime
import json
import math
from collections.abc import Mapping, Sequence
from typing import Final, cast

from .lifecycle import ARCHIVE, STANDARD
from .lifecycle_simulation import RESTORING, Image
from .values import MalformedError, Node, parse_json, shown

INDEX_MEDIA_TYPES: Final = frozenset(
    {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    }
)
STORAGE_CLASSES: Final = {"ACTIVE": STANDARD, "ARCHIVED": ARCHIVE, "ACTIVATING": RESTORING}
"""ECR's image status -> storage class."""
_STATUSES: Final = {storage_class: status for status, storage_class in STORAGE_CLASSES.items()}


class ListingError(Exception):
    """A listing that can't be read; the text says what was found and what is expected."""


def read_listing(document: str | Mapping[str, object] | Sequence[object]) -> list[Image]:
    """The images of a listing: JSON text, the answer with its `imageDetails`, or these alone.

    Raises:
        ListingError: it is none, or an image in it can't be.
    """
    try:
        root = Node(document, "listing")
        if isinstance(document, str):
            root = Node(parse_json(document, root), "listing")
        details = root if root.is_list else root["imageDetails"]
        if details.missing:
            raise details.malformed("a list of images")
        images = [image_of(detail) for detail in details.items()]
    except MalformedError as error:
        raise ListingError(f"{error.path} is {error.found}, expected {error.expected}.") from None
    digests = [image.digest for image in images]
    if twice := sorted({digest for digest in digests if digests.count(digest) > 1}):
        raise ListingError(f"The listing has {twice[0]} more than once, expected each image once.")
    return images


def image_of(detail: Node) -> Image:
    """One entry of `imageDetails`. Raises `MalformedError`."""
    status = detail["imageStatus"].text("ACTIVE")
    if status not in STORAGE_CLASSES:
        raise MalformedError(detail["imageStatus"].path, shown(status), ", ".join(STORAGE_CLASSES))
    archived_at = _time(detail["lastArchivedAt"])
    if status == "ARCHIVED" and archived_at is None:
        raise detail["lastArchivedAt"].malformed("the time when it was archived")
    pushed_at = _time(detail["imagePushedAt"])
    if pushed_at is None:
        raise detail["imagePushedAt"].malformed("the time of its push")
    return Image(
        digest=detail["imageDigest"].text(),
        tags=tuple(tag.text() for tag in detail["imageTags"].items()),
        pushed_at=pushed_at,
        pulled_at=_time(detail["lastRecordedPullTime"]),
        storage_class=STORAGE_CLASSES[status],
        archived_at=archived_at,
        restored_at=_time(detail["lastActivatedAt"]),
        size_bytes=int(detail["imageSizeInBytes"].number(0)),
        subject=detail["subjectManifestDigest"].text(""),
    )


def detail_of(image: Image) -> dict[str, object]:
    """The entry of an image, as the AWS CLI prints it."""
    times = {
        "imagePushedAt": image.pushed_at,
        "lastRecordedPullTime": image.pulled_at,
        "lastArchivedAt": image.archived_at,
        "lastActivatedAt": image.restored_at,
    }
    return {
        "imageDigest": image.digest,
        **({"imageTags": list(image.tags)} if image.tags else {}),
        "imageSizeInBytes": image.size_bytes,
        **{key: time.isoformat() for key, time in times.items() if time is not None},
        "imageStatus": _STATUSES[image.storage_class],
        **({"subjectManifestDigest": image.subject} if image.subject else {}),
    }


def members_of(manifest: str) -> tuple[str, ...]:
    """The digests that an index refers to; none for any other manifest or for text that is none."""
    try:
        content: object = json.loads(manifest)
    except (ValueError, RecursionError):
        return ()
    entries: object = cast("dict[str, object]", content).get("manifests") if isinstance(content, dict) else None
    listed = cast("list[object]", entries) if isinstance(entries, list) else []
    digests = [cast("dict[str, object]", entry).get("digest") for entry in listed if isinstance(entry, dict)]
    return tuple(digest for digest in digests if isinstance(digest, str))


def _time(node: Node) -> datetime.datetime | None:
    """A time as boto3, version 2 of the AWS CLI (ISO 8601) or version 1 (seconds since 1970) gives it."""
    match node.raw:
        case datetime.datetime() as time:
            return time if time.tzinfo else time.replace(tzinfo=datetime.UTC)
        case bool():
            raise node.malformed(_TIME)
        case int() | float() as seconds if math.isfinite(seconds):
            try:
                return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
            except (OverflowError, OSError, ValueError):
                raise node.malformed(_TIME) from None
        case str() as text:
            return parse_time(text, node)
        case _ if node.missing:
            return None
        case _:
            raise node.malformed(_TIME)


_TIME: Final = "a time such as 2026-01-31T12:00:00+00:00"


def parse_time(text: str, node: Node) -> datetime.datetime:
    """ISO 8601, in UTC where it names no time zone. Raises `MalformedError`."""
    try:
        time = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise MalformedError(node.path, shown(text), _TIME) from None
    return time if time.tzinfo else time.replace(tzinfo=datetime.UTC)
