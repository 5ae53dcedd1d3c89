"""What is set on an S3 bucket by resources of their own."""

from collections.abc import Mapping
from typing import Any, Final, cast

from sandbox.context import Context, Inputs, Outputs, pascal_keys

_SPELLINGS: Final = {"Id": "ID", "SseAlgorithm": "SSEAlgorithm", "KmsMasterKeyId": "KMSMasterKeyID"}


def public_access_block(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock`."""
    name: str = inputs.need("bucket")
    inputs.accept(["skipDestroy"])
    switches = ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"]
    configuration = dict.fromkeys((switch[0].upper() + switch[1:] for switch in switches), False)
    context.client("s3").put_public_access_block(
        Bucket=name, PublicAccessBlockConfiguration=configuration | inputs.pascal(switches)
    )
    return name, {}


def ownership_controls(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:s3/bucketOwnershipControls:BucketOwnershipControls`."""
    name: str = inputs.need("bucket")
    context.client("s3").put_bucket_ownership_controls(
        Bucket=name, OwnershipControls={"Rules": [_aws(inputs.need("rule"))]}
    )
    return name, {}


def encryption(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration`."""
    name: str = inputs.need("bucket")
    context.client("s3").put_bucket_encryption(
        Bucket=name, ServerSideEncryptionConfiguration={"Rules": _aws(inputs.need("rules"))}
    )
    return name, {}


def lifecycle(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration`."""
    name: str = inputs.need("bucket")
    inputs.accept(["timeouts"])
    rules = [{"Filter": {"Prefix": ""}, **rule} for rule in _aws(inputs.need("rules"))]
    context.client("s3").put_bucket_lifecycle_configuration(
        Bucket=name,
        LifecycleConfiguration={"Rules": rules},
        **inputs.pascal(["transitionDefaultMinimumObjectSize"]),
    )
    return name, {}


def versioning(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:s3/bucketVersioning:BucketVersioning`."""
    name: str = inputs.need("bucket")
    context.client("s3").put_bucket_versioning(
        Bucket=name, VersioningConfiguration=_aws(inputs.need("versioningConfiguration"))
    )
    return name, {}


def policy(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:s3/bucketPolicy:BucketPolicy`."""
    name: str = inputs.need("bucket")
    context.client("s3").put_bucket_policy(Bucket=name, Policy=inputs.need("policy"))
    return name, {}


def cors(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:s3/bucketCorsConfiguration:BucketCorsConfiguration`."""
    name: str = inputs.need("bucket")
    context.client("s3").put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": _aws(inputs.need("corsRules"))})
    return name, {}


def website(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration`.

    The endpoint has the bucket in its path: not every client could resolve a host name for each bucket.
    """
    name: str = inputs.need("bucket")
    configuration = {
        key[0].upper() + key[1:]: _aws(inputs.get(key))
        for key in ("indexDocument", "errorDocument")
        if inputs.get(key) is not None
    }
    context.client("s3").put_bucket_website(Bucket=name, WebsiteConfiguration=configuration)
    return name, {"websiteDomain": context.address, "websiteEndpoint": f"{context.address}/{name}"}


def _aws(value: Any) -> Any:
    return _respell(pascal_keys(value))


def _respell(value: Any) -> Any:
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value).items()
        return {_SPELLINGS.get(key, key): _respell(item) for key, item in items}
    if isinstance(value, list):
        return [_respell(item) for item in cast("list[Any]", value)]
    return value


CREATORS: Final = {
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": public_access_block,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": ownership_controls,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": encryption,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": lifecycle,
    "aws:s3/bucketVersioning:BucketVersioning": versioning,
    "aws:s3/bucketPolicy:BucketPolicy": policy,
    "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": cors,
    "aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration": website,
}
