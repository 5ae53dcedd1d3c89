"""Listings as boto3 and both versions of the AWS CLI give them, and what is wrong with others."""

import datetime
import json
from typing import Any

import pytest

from policy.guardrails.image_listing import ListingError, members_of, read_listing
from policy.guardrails.lifecycle_simulation import Image

NOON = datetime.datetime(2026, 11, 15, 12, tzinfo=datetime.UTC)
DETAIL = {"imageDigest": "sha256:a", "imagePushedAt": NOON.isoformat()}


def test_all_that_ecr_tells_is_read():
    detail = {
        **DETAIL,
        "registryId": "123456789012",
        "imageTags": ["v1", "release-1"],
        "imageSizeInBytes": 1024,
        "lastRecordedPullTime": NOON.isoformat(),
        "imageStatus": "ARCHIVED",
        "lastArchivedAt": NOON.isoformat(),
        "lastActivatedAt": NOON.isoformat(),
        "subjectManifestDigest": "sha256:b",
    }
    assert read_listing({"imageDetails": [detail]}) == [
        Image(
            digest="sha256:a",
            tags=("v1", "release-1"),
            pushed_at=NOON,
            pulled_at=NOON,
            storage_class="archive",
            archived_at=NOON,
            restored_at=NOON,
            size_bytes=1024,
            subject="sha256:b",
        )
    ]


def test_what_ecr_leaves_out_has_a_meaning():
    assert read_listing([DETAIL]) == [Image(digest="sha256:a", pushed_at=NOON)]


@pytest.mark.parametrize(
    "time",
    [
        NOON,
        NOON.replace(tzinfo=None),
        "2026-11-15T12:00:00Z",
        "2026-11-15T13:00:00+01:00",
        "2026-11-15T12:00:00",
        NOON.timestamp(),
        int(NOON.timestamp()),
    ],
)
def test_time_is_read_in_each_form(time: Any):
    assert read_listing([{**DETAIL, "imagePushedAt": time}])[0].pushed_at == NOON


@pytest.mark.parametrize(
    ("status", "storage_class"), [("ACTIVE", "standard"), ("ARCHIVED", "archive"), ("ACTIVATING", "restoring")]
)
def test_status_tells_the_storage_class(status: str, storage_class: str):
    detail = {**DETAIL, "imageStatus": status, "lastArchivedAt": NOON.isoformat()}
    assert read_listing([detail])[0].storage_class == storage_class


def test_text_object_and_list_are_the_same():
    answer = {"imageDetails": [DETAIL]}
    assert read_listing(json.dumps(answer)) == read_listing(answer) == read_listing(json.dumps([DETAIL]))
    assert read_listing({"imageDetails": []}) == []


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ("", "listing is text that isn't valid JSON, expected a JSON document."),
        ("null", "listing.imageDetails is missing, expected a list of images."),
        ("1", "listing is a number, expected an object."),
        ({"imageIds": []}, "listing.imageDetails is missing, expected a list of images."),
        ({"imageDetails": {}}, "listing.imageDetails is an object, expected a list."),
        ([1], "listing[0] is a number, expected an object."),
        ([{}], "listing[0].imagePushedAt is missing, expected the time of its push."),
        ([{"imagePushedAt": 1}], "listing[0].imageDigest is missing, expected text."),
        (
            [{**DETAIL, "imagePushedAt": "yesterday"}],
            "listing[0].imagePushedAt is 'yesterday', expected a time such as 2026-01-31T12:00:00+00:00.",
        ),
        (
            [{**DETAIL, "imagePushedAt": True}],
            "listing[0].imagePushedAt is a boolean, expected a time such as 2026-01-31T12:00:00+00:00.",
        ),
        (
            [{**DETAIL, "imagePushedAt": 1e300}],
            "listing[0].imagePushedAt is a number, expected a time such as 2026-01-31T12:00:00+00:00.",
        ),
        (
            [{**DETAIL, "imagePushedAt": [1]}],
            "listing[0].imagePushedAt is a list, expected a time such as 2026-01-31T12:00:00+00:00.",
        ),
        (
            [{**DETAIL, "imageStatus": "GONE"}],
            "listing[0].imageStatus is 'GONE', expected ACTIVE, ARCHIVED, ACTIVATING.",
        ),
        (
            [{**DETAIL, "imageStatus": "ARCHIVED"}],
            "listing[0].lastArchivedAt is missing, expected the time when it was archived.",
        ),
        ([{**DETAIL, "imageTags": "v1"}], "listing[0].imageTags is text, expected a list."),
        ([{**DETAIL, "imageSizeInBytes": "big"}], "listing[0].imageSizeInBytes is text, expected a number."),
        ([DETAIL, DETAIL], "The listing has sha256:a more than once, expected each image once."),
    ],
)
def test_listing_that_is_none_is_refused(document: Any, problem: str):
    with pytest.raises(ListingError) as caught:
        read_listing(document)
    assert str(caught.value) == problem


def test_members_of_an_index():
    index = {"manifests": [{"digest": "sha256:a", "platform": {}}, {"digest": "sha256:b"}, {"digest": 1}, 1, {}]}
    assert members_of(json.dumps(index)) == ("sha256:a", "sha256:b")


@pytest.mark.parametrize("manifest", ["", "{", "[]", "{}", '{"manifests": {}}', '{"layers": [{"digest": "sha256:a"}]}'])
def test_other_manifests_have_no_members(manifest: str):
    assert members_of(manifest) == ()
