"""A CloudFront distribution as a browser meets it: here plain HTTP stands for HTTPS, and the bucket is private."""

import json
from typing import Any

import pytest

from sandbox.process import Sandbox
from tests import patient
from tests.sandbox.conftest import Create


@pytest.fixture
def host(create: Create, control: Any, unique: str) -> str:
    """The host name of a distribution of a private bucket with an index, a page and an error page."""
    bucket = create("aws:s3/bucket:Bucket", bucket=unique)
    for key in ("index.html", "page.html", "404.html"):
        create("aws:s3/bucketObject:BucketObject", bucket=bucket.id, key=key, content=key, contentType="text/html")
    headers = create(
        "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
        name=unique,
        securityHeadersConfig={
            "contentSecurityPolicy": {"contentSecurityPolicy": "default-src 'self'", "override": True}
        },
    )
    distribution = create(
        "aws:cloudfront/distribution:Distribution",
        enabled=True,
        defaultRootObject="index.html",
        origins=[
            {
                "originId": "docs",
                "domainName": bucket["bucketRegionalDomainName"],
                "originAccessControlId": control.id,
            }
        ],
        defaultCacheBehavior={
            "targetOriginId": "docs",
            "viewerProtocolPolicy": "redirect-to-https",
            "allowedMethods": ["GET", "HEAD"],
            "cachedMethods": ["GET", "HEAD"],
            "cachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
            "responseHeadersPolicyId": headers.id,
        },
        customErrorResponses=[{"errorCode": 403, "responseCode": 404, "responsePagePath": "/404.html"}],
        restrictions={"geoRestriction": {"restrictionType": "none"}},
        viewerCertificate={"cloudfrontDefaultCertificate": True},
    )
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": f"{bucket['arn']}/*",
        "Condition": {"StringEquals": {"AWS:SourceArn": distribution["arn"]}},
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    create("aws:s3/bucketPolicy:BucketPolicy", bucket=bucket.id, policy=json.dumps(policy))
    return distribution["domainName"]


def test_pages_are_served_with_the_policys_headers(host: str, sandbox: Sandbox) -> None:
    for path, content in (("/", "index.html"), ("/page.html", "page.html")):
        answer = patient.get(f"{sandbox.endpoint_url}{path}", headers={"host": host})
        assert (answer.status_code, answer.text) == (200, content)
        assert answer.headers["content-security-policy"] == "default-src 'self'"
        assert answer.headers["content-type"] == "text/html"


def test_what_is_not_there_is_the_error_page(host: str, sandbox: Sandbox) -> None:
    answer = patient.get(f"{sandbox.endpoint_url}/nothing.html", headers={"host": host})
    assert (answer.status_code, answer.text) == (404, "404.html")


def test_an_unknown_distribution_is_no_bucket(sandbox: Sandbox) -> None:
    answer = patient.get(f"{sandbox.endpoint_url}/", headers={"host": "dunknown.cloudfront.localhost"})
    assert answer.status_code in (403, 404)
