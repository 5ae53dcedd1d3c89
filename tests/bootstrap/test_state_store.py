"""Where the state is kept. What these tests don't prove: that S3 and KMS take the requests."""

import json

from tests.bootstrap.conftest import Bootstrap


def test_the_state_bucket_is_versioned_encrypted_private_and_protected(bootstrap: Bootstrap) -> None:
    deployment = bootstrap()
    bucket = deployment.one("aws:s3/bucket:Bucket")
    assert bucket.protect
    assert bucket.inputs["forceDestroy"] is False
    versioning = deployment.one("aws:s3/bucketVersioning:BucketVersioning")
    assert versioning.inputs["versioningConfiguration"] == {"status": "Enabled"}
    assert versioning.protect
    rules = deployment.one(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    ).inputs["rules"]
    assert rules == [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]
    block = deployment.one("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock").inputs
    settings = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    assert [block[name] for name in settings] == [True] * 4


def test_the_state_bucket_answers_to_tls_only(bootstrap: Bootstrap) -> None:
    deployment = bootstrap()
    name = deployment.one("aws:s3/bucket:Bucket").inputs["bucket"]
    (statement,) = json.loads(deployment.one("aws:s3/bucketPolicy:BucketPolicy").inputs["policy"])["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Resource"] == [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_nothing_but_replaced_versions_expires(bootstrap: Bootstrap) -> None:
    deployment = bootstrap(stateHistoryDays=400)
    lifecycle = deployment.one("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
    (rule,) = lifecycle.inputs["rules"]
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 400}
    assert "expiration" not in rule
    assert deployment.one("aws:s3/bucketVersioning:BucketVersioning").urn in lifecycle.dependencies


def test_the_key_of_the_secrets_rotates_and_is_protected(bootstrap: Bootstrap) -> None:
    deployment = bootstrap()
    key = deployment.one("aws:kms/key:Key")
    assert key.protect
    assert (key.inputs["enableKeyRotation"], key.inputs["deletionWindowInDays"]) == (True, 30)
    (statement,) = json.loads(key.inputs["policy"])["Statement"]
    assert statement["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}
    alias = deployment.one("aws:kms/alias:Alias")
    assert alias.inputs["name"] == "alias/slipway-bootstrap-state"
    assert alias.property_dependencies["targetKeyId"] == (key.urn,)


def test_each_stack_has_a_secrets_provider_with_its_own_encryption_context(bootstrap: Bootstrap) -> None:
    providers = bootstrap().exports["secretsProviders"]
    assert providers["prod"] == "awskms://alias/slipway-bootstrap-state?region=eu-central-1&context_stack=prod"
    assert len(set(providers.values())) == 4
