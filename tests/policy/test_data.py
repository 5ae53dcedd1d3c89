"""Data: what has to be protected, in which stacks."""

from typing import Any

import pytest

from policy.guardrails import data
from tests.policy.harness import UNKNOWN, resource, verdict

PROD = {"stacks": ["dev"]}
"""The harness names its stack `dev`."""


def answer(kind: str, protect: bool = False, config: Any = PROD, **properties: Any):
    return verdict(data.DATA_PROTECTED, resource(kind, properties, protect=protect), config=config)


class TestStacks:
    def test_only_named_stacks_are_judged(self):
        result = answer("s3:Bucket", config={})
        assert result.not_applicable == ["the stack 'dev' is not among those whose data is protected"]
        assert answer("s3:Bucket", config={"stacks": ["prod", "d*"]}).status == "violation"
        assert answer("s3:Bucket", config={"stacks": []}).status == "not applicable"

    @pytest.mark.parametrize(
        ("urn", "stack"),
        [
            ("urn:pulumi:prod::shop::aws:s3/bucket:Bucket::results", "prod"),
            ("urn:pulumi:a.b-c::shop::x:y:Z$aws:s3/bucket:Bucket::a::b", "a.b-c"),
            ("", ""),
        ],
    )
    def test_stack_is_read_from_the_urn(self, urn: str, stack: str):
        assert data.stack_of(urn) == stack

    def test_production_is_named_unless_told_otherwise(self):
        assert data.DATA_PROTECTED.schema["stacks"]["default"] == ["prod", "production"]


class TestProtection:
    @pytest.mark.parametrize("kind", data.DATA_PROTECTED.kinds)
    def test_protected_passes_and_unprotected_is_refused(self, kind: str):
        assert answer(kind, protect=True).status == "pass"
        assert answer(kind).found[0].startswith("it is not protected")

    @pytest.mark.parametrize(
        ("kind", "properties"),
        [
            ("dynamodb:Table", {"deletionProtectionEnabled": True}),
            ("rds:Instance", {"deletionProtection": "true"}),
            ("cognito:UserPool", {"deletionProtection": "ACTIVE"}),
        ],
    )
    def test_protection_of_the_service_counts(self, kind: str, properties: Any):
        assert answer(kind, **properties).status == "pass"

    @pytest.mark.parametrize(
        ("kind", "properties"),
        [
            ("dynamodb:Table", {"deletionProtectionEnabled": False}),
            ("dynamodb:Table", {"deletionProtection": True}),
            ("cognito:UserPool", {"deletionProtection": "INACTIVE"}),
            ("s3:Bucket", {"deletionProtection": True}),
        ],
    )
    def test_other_properties_do_not_count(self, kind: str, properties: Any):
        assert answer(kind, **properties).status == "violation"

    def test_message_says_what_would_do(self):
        assert answer("dynamodb:Table").found == ["it is not protected and deletionProtectionEnabled is not set"]
        assert answer("s3:Bucket").found == ["it is not protected"]

    def test_unknown_is_not_yet_known_unless_protected(self):
        assert answer("dynamodb:Table", deletionProtectionEnabled=UNKNOWN).unknown == ["deletionProtectionEnabled"]
        assert answer("dynamodb:Table", protect=True, deletionProtectionEnabled=UNKNOWN).status == "pass"

    @pytest.mark.parametrize(
        ("kind", "key"),
        [
            ("s3:Bucket", "forceDestroy"),
            ("ecr:Repository", "forceDelete"),
            ("rds:Cluster", "skipFinalSnapshot"),
            ("redshift:Cluster", "skipFinalSnapshot"),
        ],
    )
    def test_deletion_with_the_data_is_refused(self, kind: str, key: str):
        assert answer(kind, protect=True, **{key: True}).found == [f"{key} is true, so a deletion takes the data along"]
        assert answer(kind, protect=True, **{key: False}).status == "pass"
        assert len(answer(kind, **{key: True}).found) == 2
        assert answer(kind, protect=True, **{key: UNKNOWN}).unknown == [key]

    def test_old_and_new_buckets_are_alike(self):
        assert answer("aws:s3/bucketV2:BucketV2").status == "violation"

    def test_other_kinds_are_not_applicable(self):
        assert answer("lambda:Function").status == "not applicable"
