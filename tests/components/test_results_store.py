"""The private buckets, and the table of idempotency keys."""

import json

import pytest

from engine.program import Deployment
from tests.components.stack import Run


@pytest.mark.parametrize("role", ["results", "inputs"])
def test_a_bucket_is_private_encrypted_and_tls_only(dev: Deployment, role: str) -> None:
    name = f"slipway-dev-{role}"
    block = dev.one("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", name).inputs
    flags = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    assert [block[flag] for flag in flags] == [True] * 4
    encryption = dev.one(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", name
    ).inputs
    assert encryption["rules"] == [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]
    ownership = dev.one("aws:s3/bucketOwnershipControls:BucketOwnershipControls", name).inputs
    assert ownership["rule"] == {"objectOwnership": "BucketOwnerEnforced"}
    bucket = dev.one("aws:s3/bucket:Bucket", name).inputs["bucket"]
    (statement,) = json.loads(dev.one("aws:s3/bucketPolicy:BucketPolicy", name).inputs["policy"])["Statement"]
    assert statement == {
        "Sid": "DenyPlainHttp",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


@pytest.mark.parametrize(("role", "days"), [("results", 90), ("inputs", 7)])
def test_what_is_in_a_bucket_expires(dev: Deployment, role: str, days: int) -> None:
    (rule,) = dev.one("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", f"slipway-dev-{role}").inputs[
        "rules"
    ]
    assert rule == {
        "id": "expire",
        "status": "Enabled",
        "filter": {},
        "expiration": {"days": days},
        "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
    }


@pytest.mark.parametrize(("role", "methods"), [("results", ["GET", "HEAD"]), ("inputs", ["POST"])])
def test_pages_may_follow_presigned_links(run: Run, role: str, methods: list[str]) -> None:
    deployment = run({"corsOrigins": ["https://a.example", "https://b.example"]})
    (rule,) = deployment.one("aws:s3/bucketCorsConfiguration:BucketCorsConfiguration", f"slipway-dev-{role}").inputs[
        "corsRules"
    ]
    assert rule["allowedMethods"] == methods
    assert rule["allowedOrigins"] == ["https://a.example", "https://b.example"]
    assert rule["allowedHeaders"] == ["*"]


def test_in_prod_overwritten_results_are_kept_for_the_retention_time(run: Run) -> None:
    deployment = run(stack="prod")
    versioning = deployment.one("aws:s3/bucketVersioning:BucketVersioning")
    assert versioning.name == "slipway-prod-results"
    assert versioning.inputs["versioningConfiguration"] == {"status": "Enabled"}
    lifecycle = deployment.one(
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "slipway-prod-results"
    )
    assert lifecycle.inputs["rules"][0]["noncurrentVersionExpiration"] == {"noncurrentDays": 365}
    assert versioning.urn in lifecycle.dependencies


def test_the_table_is_paid_by_request_encrypted_and_forgets(dev: Deployment) -> None:
    inputs = {key: value for key, value in dev.one("aws:dynamodb/table:Table").inputs.items() if key != "tags"}
    assert inputs == {
        "name": "slipway-dev-idempotency",
        "billingMode": "PAY_PER_REQUEST",
        "hashKey": "id",
        "attributes": [{"name": "id", "type": "S"}],
        "ttl": {"attributeName": "expiresAt", "enabled": True},
        "serverSideEncryption": {"enabled": True},
        "pointInTimeRecovery": {"enabled": False},
        "deletionProtectionEnabled": False,
    }


def test_in_prod_the_table_can_be_restored_to_any_second(run: Run) -> None:
    assert run(stack="prod").one("aws:dynamodb/table:Table").inputs["pointInTimeRecovery"] == {"enabled": True}
