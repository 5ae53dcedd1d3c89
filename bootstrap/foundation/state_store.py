"""Where Pulumi keeps the state of every stack of the account, and the key of the secrets in it."""

import json

import pulumi
from pulumi_aws import kms, s3

from foundation.settings import Settings

_ABORT_UPLOADS_DAYS = 7
_KEY_DELETION_DAYS = 30
"""The longest that KMS waits before a key is gone for good [KMS API reference, "ScheduleKeyDeletion"]."""


class StateStore(pulumi.ComponentResource):
    """A versioned, encrypted, private bucket that answers to TLS only, and a rotated key. Both are protected.

    Nothing here ever expires but replaced versions: a state file that is lost takes its stack's resources with it.
    """

    backend_url: str
    """For `pulumi login`."""
    secrets_providers: dict[str, str]
    """Stack -> what `pulumi stack init --secrets-provider` takes."""

    def __init__(self, name: str, settings: Settings, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:bootstrap:StateStore", name, None, opts)
        own = pulumi.ResourceOptions(parent=self)
        kept = pulumi.ResourceOptions(parent=self, protect=True)
        bucket = s3.Bucket(name, bucket=settings.state_bucket, tags=settings.tags, opts=kept)
        block = s3.BucketPublicAccessBlock(
            name,
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=own,
        )
        s3.BucketOwnershipControls(
            name,
            bucket=bucket.bucket,
            rule=s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=own,
        )
        encryption = s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
            sse_algorithm="AES256"
        )
        s3.BucketServerSideEncryptionConfiguration(
            name,
            bucket=bucket.bucket,
            rules=[
                s3.BucketServerSideEncryptionConfigurationRuleArgs(apply_server_side_encryption_by_default=encryption)
            ],
            opts=own,
        )
        versioning = s3.BucketVersioning(
            name,
            bucket=bucket.bucket,
            versioning_configuration=s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=kept,
        )
        s3.BucketLifecycleConfiguration(
            name,
            bucket=bucket.bucket,
            rules=[
                s3.BucketLifecycleConfigurationRuleArgs(
                    id="history",
                    status="Enabled",
                    filter=s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
                    noncurrent_version_expiration=s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                        noncurrent_days=settings.state_history_days
                    ),
                    abort_incomplete_multipart_upload=s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                        days_after_initiation=_ABORT_UPLOADS_DAYS
                    ),
                )
            ],
            # S3 refuses a rule about old versions on a bucket that has none.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
        )
        s3.BucketPolicy(
            name,
            bucket=bucket.bucket,
            policy=json.dumps(_tls_only(settings)),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[block]),
        )
        key = kms.Key(
            name,
            description=f"Secrets in Pulumi's state of {settings.project}; one encryption context a stack",
            enable_key_rotation=True,
            deletion_window_in_days=_KEY_DELETION_DAYS,
            policy=json.dumps(_key_policy(settings)),
            tags=settings.tags,
            opts=kept,
        )
        kms.Alias(name, name=settings.key_alias, target_key_id=key.key_id, opts=own)
        self.backend_url = f"s3://{settings.state_bucket}?region={settings.region}"
        # One pair of encryption context only: with several Pulumi mixes up their values [pulumi/pulumi#21068].
        self.secrets_providers = {
            stack: f"awskms://{settings.key_alias}?region={settings.region}&context_stack={stack}"
            for stack in settings.environments
        }
        self.register_outputs({"backendUrl": self.backend_url})


def _tls_only(settings: Settings) -> dict[str, object]:
    bucket_arn = f"arn:{settings.partition}:s3:::{settings.state_bucket}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "DenyPlainHttp",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [bucket_arn, f"{bucket_arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }


def _key_policy(settings: Settings) -> dict[str, object]:
    """The account decides by IAM who may do what with the key [KMS developer guide, "Default key policy"]."""
    root = f"arn:{settings.partition}:iam::{settings.account_id}:root"
    statement = {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [{"Sid": "AccountDecidesByIam", **statement}]}
