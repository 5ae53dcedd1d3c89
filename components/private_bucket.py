"""A bucket that nobody reaches without permission and TLS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import s3

from components import iam

_CORS_MAX_AGE_SECONDS = 3600
_ABORT_UPLOAD_DAYS = 7


@dataclass(frozen=True, kw_only=True)
class PrivateBucketArgs:
    expire_days: int | None
    """Days after which an object is deleted; None: never."""
    versioned: bool = False
    """Keep what is deleted or overwritten for `expire_days` more."""
    own_policy: bool = True
    """False: whoever made the bucket writes its policy, with `iam.deny_plain_http` in it."""
    protect_data: bool
    """Refuse to delete the bucket, with or without objects in it."""
    cors_methods: Sequence[str] = ()
    """What a page of `cors_origins` may do by a presigned link. Empty: no CORS."""
    cors_origins: Sequence[str] = ()
    tags: Mapping[str, str]


class PrivateBucket(pulumi.ComponentResource):
    """An S3 bucket: no public access, no ACLs, encrypted, TLS only, with an expiry. The provider names it."""

    arn: pulumi.Output[str]
    bucket: pulumi.Output[str]
    domain_name: pulumi.Output[str]
    """Of the REST endpoint in its region."""

    def __init__(self, name: str, args: PrivateBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:PrivateBucket", name, None, opts)
        bucket = s3.Bucket(
            name,
            force_destroy=not args.protect_data,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect_data),
        )
        own = pulumi.ResourceOptions(parent=self)
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
        s3.BucketServerSideEncryptionConfiguration(
            name,
            bucket=bucket.bucket,
            rules=[
                s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                        sse_algorithm="AES256"
                    )
                )
            ],
            opts=own,
        )
        if args.expire_days is not None:
            versioning = self._versioning(name, bucket) if args.versioned else None
            self._lifecycle(name, bucket, args, args.expire_days, versioning)
        if args.cors_methods:
            self._cors(name, bucket, args)
        if args.own_policy:
            s3.BucketPolicy(
                name,
                bucket=bucket.bucket,
                policy=iam.document(iam.deny_plain_http(bucket.arn)),
                # S3 refuses two changes of a bucket's access at once.
                opts=pulumi.ResourceOptions(parent=self, depends_on=[block]),
            )
        self.arn = bucket.arn
        self.bucket = bucket.bucket
        self.domain_name = bucket.bucket_regional_domain_name
        self.register_outputs({"arn": self.arn, "bucket": self.bucket})

    def _versioning(self, name: str, bucket: s3.Bucket) -> s3.BucketVersioning:
        return s3.BucketVersioning(
            name,
            bucket=bucket.bucket,
            versioning_configuration=s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _lifecycle(
        self,
        name: str,
        bucket: s3.Bucket,
        args: PrivateBucketArgs,
        days: int,
        versioning: s3.BucketVersioning | None,
    ) -> None:
        rule = s3.BucketLifecycleConfigurationRuleArgs(
            id="expire",
            status="Enabled",
            filter=s3.BucketLifecycleConfigurationRuleFilterArgs(),
            expiration=s3.BucketLifecycleConfigurationRuleExpirationArgs(days=days),
            noncurrent_version_expiration=s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                noncurrent_days=days
            )
            if args.versioned
            else None,
            abort_incomplete_multipart_upload=s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                days_after_initiation=_ABORT_UPLOAD_DAYS
            ),
        )
        s3.BucketLifecycleConfiguration(
            name,
            bucket=bucket.bucket,
            rules=[rule],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning] if versioning else None),
        )

    def _cors(self, name: str, bucket: s3.Bucket, args: PrivateBucketArgs) -> None:
        s3.BucketCorsConfiguration(
            name,
            bucket=bucket.bucket,
            cors_rules=[
                s3.BucketCorsConfigurationCorsRuleArgs(
                    allowed_methods=list(args.cors_methods),
                    allowed_origins=list(args.cors_origins),
                    allowed_headers=["*"],
                    expose_headers=["ETag"],
                    max_age_seconds=_CORS_MAX_AGE_SECONDS,
                )
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
