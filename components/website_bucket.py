"""A public S3 website."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import s3

from components import iam

INDEX = "index.html"
_CORS_MAX_AGE_SECONDS = 3600


@dataclass(frozen=True, kw_only=True)
class WebsiteBucketArgs:
    protect_data: bool
    """Refuse to delete the bucket, with or without pages in it."""
    tags: Mapping[str, str]


class WebsiteBucket(pulumi.ComponentResource):
    """A bucket that anyone may read, by policy and not by ACLs, over plain HTTP: the website endpoint knows no TLS."""

    bucket: pulumi.Output[str]
    url: pulumi.Output[str]

    def __init__(self, name: str, args: WebsiteBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:WebsiteBucket", name, None, opts)
        own = pulumi.ResourceOptions(parent=self)
        bucket = s3.Bucket(
            name,
            force_destroy=not args.protect_data,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect_data),
        )
        block = s3.BucketPublicAccessBlock(
            name,
            bucket=bucket.bucket,
            block_public_acls=True,
            ignore_public_acls=True,
            block_public_policy=False,
            restrict_public_buckets=False,
            opts=own,
        )
        s3.BucketOwnershipControls(
            name,
            bucket=bucket.bucket,
            rule=s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=own,
        )
        website = s3.BucketWebsiteConfiguration(
            name,
            bucket=bucket.bucket,
            index_document=s3.BucketWebsiteConfigurationIndexDocumentArgs(suffix=INDEX),
            opts=own,
        )
        # Reading only: a page of another origin may show the document, none may write.
        s3.BucketCorsConfiguration(
            name,
            bucket=bucket.bucket,
            cors_rules=[
                s3.BucketCorsConfigurationCorsRuleArgs(
                    allowed_methods=["GET", "HEAD"],
                    allowed_origins=["*"],
                    allowed_headers=["*"],
                    max_age_seconds=_CORS_MAX_AGE_SECONDS,
                )
            ],
            opts=own,
        )
        s3.BucketPolicy(
            name,
            bucket=bucket.bucket,
            policy=iam.document(
                {
                    "Sid": "PublicRead",
                    "Effect": "Allow",
                    "Principal": "*",
                    "Action": ["s3:GetObject"],
                    "Resource": [pulumi.Output.concat(bucket.arn, "/*")],
                }
            ),
            # S3 refuses a public policy as long as the account's or the bucket's block is on.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[block]),
        )
        self.bucket = bucket.bucket
        self.url = pulumi.Output.concat("http://", website.website_endpoint, f"/{INDEX}")
        self.register_outputs({"bucket": self.bucket, "url": self.url})
