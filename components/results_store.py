"""The private buckets: what jobs write, and what callers upload for them."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.private_bucket import PrivateBucket, PrivateBucketArgs
from components.settings import Settings


@dataclass(frozen=True, kw_only=True)
class ResultsStoreArgs:
    settings: Settings
    """`resultRetentionDays`, `inputRetentionDays`; `corsOrigins` may follow presigned links and uploads; `protectData`
    keeps deleted and overwritten results for the retention time, and refuses to delete either bucket."""
    tags: Mapping[str, str]


class ResultsStore(pulumi.ComponentResource):
    """A bucket of results and a bucket of inputs. Each pipeline has its own prefix in both; both expire."""

    results_bucket: pulumi.Output[str]
    results_bucket_arn: pulumi.Output[str]
    inputs_bucket: pulumi.Output[str]
    inputs_bucket_arn: pulumi.Output[str]

    def __init__(self, name: str, args: ResultsStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:ResultsStore", name, None, opts)
        settings = args.settings
        results = PrivateBucket(
            f"{name}-results",
            PrivateBucketArgs(
                expire_days=settings.result_retention_days,
                versioned=settings.protect_data,
                protect_data=settings.protect_data,
                cors_methods=("GET", "HEAD"),
                cors_origins=settings.cors_origins,
                tags=args.tags,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        inputs = PrivateBucket(
            f"{name}-inputs",
            PrivateBucketArgs(
                expire_days=settings.input_retention_days,
                protect_data=settings.protect_data,
                cors_methods=("POST",),
                cors_origins=settings.cors_origins,
                tags=args.tags,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.results_bucket, self.results_bucket_arn = results.bucket, results.arn
        self.inputs_bucket, self.inputs_bucket_arn = inputs.bucket, inputs.arn
        self.register_outputs({"resultsBucket": self.results_bucket, "inputsBucket": self.inputs_bucket})
