"""Buckets and distributions: read back as written, and gone when deleted."""

import json
from typing import Any

import pulumi
import pytest

from sandbox.context import Clients
from sandbox.process import Sandbox
from tests.sandbox.conftest import REGION, TAG_LIST, TAGS, Create, refused


@pytest.fixture
def s3(client: Clients) -> Any:
    return client("s3")


@pytest.fixture
def bucket(create: Create, unique: str) -> str:
    return create("aws:s3/bucket:Bucket", bucket=f"{unique}-bucket", forceDestroy=True, tags=TAGS).id


def test_bucket(create: Create, s3: Any, unique: str) -> None:
    bucket = create("aws:s3/bucket:Bucket", bucket=unique, tags=TAGS)
    assert s3.get_bucket_location(Bucket=unique)["LocationConstraint"] == REGION
    assert s3.get_bucket_tagging(Bucket=unique)["TagSet"] == TAG_LIST
    assert bucket["arn"] == f"arn:aws:s3:::{unique}"
    assert bucket["bucketRegionalDomainName"] == f"{unique}.s3.{REGION}.amazonaws.com"
    s3.put_object(Bucket=unique, Key="any", Body=b"x")
    assert refused(s3.delete_bucket, Bucket=unique) == "BucketNotEmpty"
    s3.delete_object(Bucket=unique, Key="any")
    s3.delete_bucket(Bucket=unique)
    assert refused(s3.head_bucket, Bucket=unique) == "404"


@pytest.mark.parametrize(
    ("read", "code"),
    [
        ("get_bucket_cors", "NoSuchCORSConfiguration"),
        ("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration"),
        ("get_bucket_policy", "NoSuchBucketPolicy"),
        ("get_bucket_replication", "ReplicationConfigurationNotFoundError"),
        ("get_bucket_website", "NoSuchWebsiteConfiguration"),
        ("get_object_lock_configuration", "ObjectLockConfigurationNotFoundError"),
    ],
)
def test_what_was_never_set_on_a_bucket_is_not_found(s3: Any, bucket: str, read: str, code: str) -> None:
    assert refused(getattr(s3, read), Bucket=bucket) == code


def test_public_access_block(create: Create, s3: Any, bucket: str) -> None:
    block = {"blockPublicAcls": True, "blockPublicPolicy": False, "ignorePublicAcls": True}
    create("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", bucket=bucket, **block)
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": False,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": False,
    }
    s3.delete_public_access_block(Bucket=bucket)
    assert refused(s3.get_public_access_block, Bucket=bucket) == "NoSuchPublicAccessBlockConfiguration"


def test_ownership_controls(create: Create, s3: Any, bucket: str) -> None:
    rule = {"objectOwnership": "BucketOwnerEnforced"}
    create("aws:s3/bucketOwnershipControls:BucketOwnershipControls", bucket=bucket, rule=rule)
    read = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]
    assert read["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    assert refused(s3.get_bucket_ownership_controls, Bucket=bucket) == "OwnershipControlsNotFoundError"


def test_encryption(create: Create, s3: Any, bucket: str) -> None:
    rule = {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}, "bucketKeyEnabled": True}
    create(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        bucket=bucket,
        rules=[rule],
    )
    (read,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert read["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert read["BucketKeyEnabled"] is True


def test_lifecycle(create: Create, s3: Any, bucket: str) -> None:
    create(
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        bucket=bucket,
        rules=[
            {
                "id": "results",
                "status": "Enabled",
                "filter": {"prefix": "wordcount/"},
                "expiration": {"days": 90},
                "noncurrentVersionExpiration": {"noncurrentDays": 1},
            },
            {"id": "parts", "status": "Enabled", "abortIncompleteMultipartUpload": {"daysAfterInitiation": 1}},
        ],
    )
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == [
        {
            "ID": "results",
            "Status": "Enabled",
            "Filter": {"Prefix": "wordcount/"},
            "Expiration": {"Days": 90},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
        },
        {
            "ID": "parts",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        },
    ]
    s3.delete_bucket_lifecycle(Bucket=bucket)
    assert refused(s3.get_bucket_lifecycle_configuration, Bucket=bucket) == "NoSuchLifecycleConfiguration"


def test_versioning(create: Create, s3: Any, bucket: str) -> None:
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    create("aws:s3/bucketVersioning:BucketVersioning", bucket=bucket, versioningConfiguration={"status": "Enabled"})
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


def test_bucket_policy(create: Create, s3: Any, bucket: str) -> None:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    create("aws:s3/bucketPolicy:BucketPolicy", bucket=bucket, policy=json.dumps(policy))
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == policy
    s3.delete_bucket_policy(Bucket=bucket)
    assert refused(s3.get_bucket_policy, Bucket=bucket) == "NoSuchBucketPolicy"


def test_cors(create: Create, s3: Any, bucket: str) -> None:
    rule = {
        "id": "uploads",
        "allowedMethods": ["POST"],
        "allowedOrigins": ["https://docs.example"],
        "allowedHeaders": ["*"],
        "exposeHeaders": ["ETag"],
        "maxAgeSeconds": 300,
    }
    create("aws:s3/bucketCorsConfiguration:BucketCorsConfiguration", bucket=bucket, corsRules=[rule])
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == [
        {
            "ID": "uploads",
            "AllowedMethods": ["POST"],
            "AllowedOrigins": ["https://docs.example"],
            "AllowedHeaders": ["*"],
            "ExposeHeaders": ["ETag"],
            "MaxAgeSeconds": 300,
        }
    ]
    s3.delete_bucket_cors(Bucket=bucket)
    assert refused(s3.get_bucket_cors, Bucket=bucket) == "NoSuchCORSConfiguration"


def test_website(create: Create, s3: Any, bucket: str, sandbox: Sandbox) -> None:
    website = create(
        "aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration",
        bucket=bucket,
        indexDocument={"suffix": "index.html"},
        errorDocument={"key": "404.html"},
    )
    read = s3.get_bucket_website(Bucket=bucket)
    assert (read["IndexDocument"], read["ErrorDocument"]) == ({"Suffix": "index.html"}, {"Key": "404.html"})
    assert website["websiteEndpoint"] == f"127.0.0.1:{sandbox.port}/{bucket}"
    s3.delete_bucket_website(Bucket=bucket)
    assert refused(s3.get_bucket_website, Bucket=bucket) == "NoSuchWebsiteConfiguration"


@pytest.mark.parametrize(
    "content",
    [
        {"source": pulumi.StringAsset("text")},
        {"content": "text"},
        {"contentBase64": "dGV4dA=="},
    ],
)
def test_object(create: Create, s3: Any, bucket: str, content: dict[str, Any]) -> None:
    made = create(
        "aws:s3/bucketObject:BucketObject",
        bucket=bucket,
        key="docs/openapi.json",
        contentType="application/json",
        cacheControl="no-cache",
        metadata={"version": "1"},
        tags=TAGS,
        **content,
    )
    read = s3.get_object(Bucket=bucket, Key="docs/openapi.json")
    assert read["Body"].read() == b"text"
    assert (read["ContentType"], read["CacheControl"]) == ("application/json", "no-cache")
    assert read["Metadata"] == {"version": "1"}
    assert read["ETag"] == f'"{made["etag"]}"'
    assert s3.get_object_tagging(Bucket=bucket, Key="docs/openapi.json")["TagSet"] == TAG_LIST
    assert made.id == "docs/openapi.json"
    s3.delete_object(Bucket=bucket, Key="docs/openapi.json")
    assert refused(s3.head_object, Bucket=bucket, Key="docs/openapi.json") == "404"


def test_distribution(
    create: Create, client: Clients, bucket: str, control: Any, unique: str, sandbox: Sandbox
) -> None:
    cloudfront = client("cloudfront")
    policy = create(
        "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
        name=unique,
        securityHeadersConfig={
            "contentSecurityPolicy": {"contentSecurityPolicy": "default-src 'self'", "override": True},
            "contentTypeOptions": {"override": True},
            "frameOptions": {"frameOption": "DENY", "override": True},
            "referrerPolicy": {"referrerPolicy": "no-referrer", "override": True},
            "strictTransportSecurity": {"accessControlMaxAgeSec": 60, "override": True},
            "xssProtection": {"protection": False, "override": True},
        },
        customHeadersConfig={"items": [{"header": "x-a", "value": "b", "override": True}]},
        removeHeadersConfig={"items": [{"header": "server"}]},
    )
    distribution = create(
        "aws:cloudfront/distribution:Distribution",
        enabled=True,
        comment="docs",
        defaultRootObject="index.html",
        httpVersion="http2and3",
        isIpv6Enabled=True,
        priceClass="PriceClass_100",
        origins=[
            {
                "originId": "docs",
                "domainName": f"{bucket}.s3.{REGION}.amazonaws.com",
                "originAccessControlId": control.id,
            }
        ],
        defaultCacheBehavior={
            "targetOriginId": "docs",
            "viewerProtocolPolicy": "redirect-to-https",
            "allowedMethods": ["GET", "HEAD"],
            "cachedMethods": ["GET", "HEAD"],
            "compress": True,
            "cachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
            "responseHeadersPolicyId": policy.id,
        },
        customErrorResponses=[{"errorCode": 403, "responseCode": 404, "responsePagePath": "/404.html"}],
        restrictions={"geoRestriction": {"restrictionType": "none"}},
        viewerCertificate={"cloudfrontDefaultCertificate": True},
        tags=TAGS,
    )
    label, _, host = distribution["domainName"].partition(".")
    assert host == f"cloudfront.localhost:{sandbox.port}"
    read = cloudfront.get_distribution(Id=distribution.id)["Distribution"]
    assert (read["ARN"], read["DomainName"]) == (distribution["arn"], f"{label}.cloudfront.net")
    configuration = read["DistributionConfig"]
    assert (configuration["Comment"], configuration["DefaultRootObject"]) == ("docs", "index.html")
    assert (configuration["HttpVersion"], configuration["PriceClass"]) == ("http2and3", "PriceClass_100")
    assert configuration["IsIPV6Enabled"] is True
    (origin,) = configuration["Origins"]["Items"]
    assert (origin["Id"], origin["OriginAccessControlId"]) == ("docs", control.id)
    behavior = configuration["DefaultCacheBehavior"]
    assert (
        behavior["AllowedMethods"]["Items"] == behavior["AllowedMethods"]["CachedMethods"]["Items"] == ["GET", "HEAD"]
    )
    assert (behavior["ResponseHeadersPolicyId"], behavior["Compress"]) == (policy.id, True)
    assert cloudfront.list_tags_for_resource(Resource=distribution["arn"])["Tags"]["Items"] == TAG_LIST
    headers = cloudfront.get_response_headers_policy(Id=policy.id)["ResponseHeadersPolicy"][
        "ResponseHeadersPolicyConfig"
    ]
    security = headers["SecurityHeadersConfig"]
    assert security["ContentSecurityPolicy"]["ContentSecurityPolicy"] == "default-src 'self'"
    assert security["XSSProtection"] == {"Override": True, "Protection": False}
    assert headers["CustomHeadersConfig"]["Items"] == [{"Header": "x-a", "Value": "b", "Override": True}]
    assert headers["RemoveHeadersConfig"]["Items"] == [{"Header": "server"}]
    stored = cloudfront.get_origin_access_control(Id=control.id)["OriginAccessControl"]["OriginAccessControlConfig"]
    assert (stored["SigningBehavior"], stored["OriginAccessControlOriginType"]) == ("always", "s3")
