"""S3 buckets and objects."""

import base64
import hashlib
from typing import Final

from sandbox.archives import asset_bytes
from sandbox.context import Context, Inputs, Outputs, tag_list
from sandbox.errors import DeploymentError

_LEGACY_REGION: Final = "us-east-1"


def bucket(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:s3/bucket:Bucket`."""
    name: str = inputs.get("bucket") or inputs.name
    inputs.accept(["forceDestroy"])
    client = context.client("s3")
    where = {} if context.region == _LEGACY_REGION else {"LocationConstraint": context.region}
    client.create_bucket(
        Bucket=name,
        **({"CreateBucketConfiguration": where} if where else {}),
        **({"ObjectLockEnabledForBucket": True} if inputs.get("objectLockEnabled") else {}),
    )
    tags: dict[str, str] = inputs.get("tags", {})
    if tags:
        client.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tag_list(tags)})
    return name, {
        "bucket": name,
        "arn": f"arn:aws:s3:::{name}",
        "bucketDomainName": f"{name}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{name}.s3.{context.region}.amazonaws.com",
        "bucketRegion": context.region,
        "tagsAll": tags,
    }


def bucket_object(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:s3/bucketObject:BucketObject` and `BucketObjectv2`."""
    name: str = inputs.need("bucket")
    key: str = inputs.get("key") or inputs.name
    inputs.accept(["sourceHash", "forceDestroy"])
    body = _content(context, inputs)
    properties = [
        "acl",
        "cacheControl",
        "contentDisposition",
        "contentEncoding",
        "contentLanguage",
        "contentType",
        "metadata",
        "serverSideEncryption",
        "storageClass",
    ]
    request = inputs.pascal(properties, acl="ACL", websiteRedirect="WebsiteRedirectLocation")
    tags: dict[str, str] = inputs.get("tags", {})
    client = context.client("s3")
    answer = client.put_object(Bucket=name, Key=key, Body=body, **request)
    if tags:
        client.put_object_tagging(Bucket=name, Key=key, Tagging={"TagSet": tag_list(tags)})
    return key, {
        "key": key,
        "arn": f"arn:aws:s3:::{name}/{key}",
        "etag": hashlib.md5(body, usedforsecurity=False).hexdigest(),
        "versionId": answer.get("VersionId", ""),
        "contentType": inputs.get("contentType", "binary/octet-stream"),
        "tagsAll": tags,
    }


def _content(context: Context, inputs: Inputs) -> bytes:
    source, text, encoded = inputs.get("source"), inputs.get("content"), inputs.get("contentBase64")
    if source is not None:
        return asset_bytes(source, context.root)
    if text is not None:
        return text.encode()
    if encoded is not None:
        return base64.b64decode(encoded)
    raise DeploymentError(f"{inputs.type} {inputs.name!r} has no source, content or contentBase64.")


CREATORS: Final = {
    "aws:s3/bucket:Bucket": bucket,
    "aws:s3/bucketObject:BucketObject": bucket_object,
    "aws:s3/bucketObjectv2:BucketObjectv2": bucket_object,
}
