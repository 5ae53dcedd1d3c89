"""The docs site in both modes. What isn't proven here: that a browser likes it; the browser tests do."""

import json
import re
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components import site_files
from components.docs_distribution import content_security_policy
from engine.program import Deployment
from tests.components.stack import REGION, ROOT, Run

OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2"
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
API = f"https://api.execute-api.{REGION}.amazonaws.com"


def objects(deployment: Deployment) -> dict[str, dict[str, Any]]:
    return {item.inputs["key"]: item.inputs for item in deployment.all(OBJECT)}


def test_the_document_is_the_apis_own_with_the_stages_url(dev: Deployment) -> None:
    file = objects(dev)["openapi.json"]
    document = json.loads(file["content"])
    assert [server["url"] for server in document["servers"]] == [f"{API}/default"]
    assert "/wordcount/jobs" in document["paths"]
    assert document["info"]["x-environment"] == "dev"
    assert document["components"]["examples"]["wordcount.SampleInput"]["value"] == json.loads(
        (ROOT / "pipelines/wordcount/sample-input.json").read_text()
    )
    assert (file["contentType"], file["cacheControl"]) == ("application/json; charset=utf-8", "no-cache")


def test_pages_are_asked_for_again_and_assets_kept_for_ever(dev: Deployment) -> None:
    for key, file in objects(dev).items():
        if key.startswith("assets/"):
            assert re.fullmatch(r"assets/[\w-]+\.[0-9a-f]{10}\.\w+", key)
            assert file["cacheControl"] == "public, max-age=31536000, immutable"
        else:
            assert file["cacheControl"] == "no-cache"


def test_a_browser_is_told_what_each_file_is(dev: Deployment) -> None:
    types = {
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".svg": "image/svg+xml",
        ".json": "application/json; charset=utf-8",
    }
    for key, file in objects(dev).items():
        assert file["contentType"] == types[Path(key).suffix], key


def test_pages_name_assets_that_are_there_and_no_other_host(dev: Deployment) -> None:
    files = objects(dev)
    pages = {key: file["content"] for key, file in files.items() if key.endswith(".html")}
    assert "index.html" in pages
    for html in pages.values():
        for name in re.findall(r'(?:src|href)="(?!#)([^"#]+)', html):
            assert name in files, name
        assert not re.search(r"<script(?![^>]*\bsrc=)", html)
        assert not re.search(r'(?:src|href)="(?:https?:)?//', html)


def test_swagger_ui_comes_from_the_installed_package(dev: Deployment) -> None:
    (bundle,) = [file for key, file in objects(dev).items() if key.startswith("assets/swagger-ui-bundle.")]
    assert isinstance(bundle["source"], pulumi.FileAsset)
    path = ROOT / bundle["source"].path
    assert b"SwaggerUIBundle" in path.read_bytes()
    assert not path.is_relative_to(ROOT / "swagger")


def test_a_new_content_is_a_new_name_and_not_another_resource(tmp_path: Path) -> None:
    pages = tmp_path / site_files.PAGES
    (pages / "assets").mkdir(parents=True)
    (pages / "index.html").write_text('<script src="assets/site.js"></script>')
    (pages / "assets/site.js").write_text("1")
    first = site_files.site_files(tmp_path)
    site_files.site_files.cache_clear()
    (pages / "assets/site.js").write_text("2")
    second = site_files.site_files(tmp_path)
    changed = {file.key for file in first} ^ {file.key for file in second}
    assert len(changed) == 2
    assert all(key.startswith("assets/site.") for key in changed)
    assert [file.text for file in first if file.text] != [file.text for file in second if file.text]


def test_a_page_that_names_a_missing_asset_is_refused(tmp_path: Path) -> None:
    pages = tmp_path / site_files.PAGES
    (pages / "assets").mkdir(parents=True)
    (pages / "index.html").write_text('<script src="assets/missing.js"></script>')
    with pytest.raises(ValueError, match=r"index\.html names assets/missing\.js"):
        site_files.site_files(tmp_path)


def test_the_website_is_public_by_policy_for_reading_only(dev: Deployment) -> None:
    name = "slipway-dev-docs"
    bucket = dev.one("aws:s3/bucket:Bucket", name).inputs["bucket"]
    policy = dev.one("aws:s3/bucketPolicy:BucketPolicy", name)
    block = dev.one("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", name)
    assert json.loads(policy.inputs["policy"])["Statement"] == [
        {
            "Sid": "PublicRead",
            "Effect": "Allow",
            "Principal": "*",
            "Action": ["s3:GetObject"],
            "Resource": [f"arn:aws:s3:::{bucket}/*"],
        }
    ]
    assert block.urn in policy.dependencies
    flags = ("blockPublicAcls", "ignorePublicAcls", "blockPublicPolicy", "restrictPublicBuckets")
    assert [block.inputs[flag] for flag in flags] == [True, True, False, False]
    (rule,) = dev.one("aws:s3/bucketCorsConfiguration:BucketCorsConfiguration", name).inputs["corsRules"]
    assert (rule["allowedMethods"], rule["allowedOrigins"]) == (["GET", "HEAD"], ["*"])
    website = dev.one("aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration").inputs
    assert website["indexDocument"] == {"suffix": "index.html"}
    assert not dev.all(DISTRIBUTION)


@pytest.fixture
def staging(run: Run) -> Deployment:
    return run(stack="staging")


def test_cloudfront_serves_over_https_and_compresses(staging: Deployment) -> None:
    inputs = staging.one(DISTRIBUTION).inputs
    behavior = inputs["defaultCacheBehavior"]
    assert behavior["viewerProtocolPolicy"] == "redirect-to-https"
    assert behavior["compress"] is True
    assert behavior["allowedMethods"] == ["GET", "HEAD"]
    assert behavior["responseHeadersPolicyId"] == "id-of-slipway-staging-docs"
    assert inputs["defaultRootObject"] == "index.html"
    assert inputs["viewerCertificate"] == {"cloudfrontDefaultCertificate": True}
    assert staging.exports["docsUrl"] == "https://d111111abcdef8.cloudfront.net/"


def test_only_this_distribution_reads_the_private_bucket(staging: Deployment) -> None:
    name = "slipway-staging-docs"
    bucket = staging.one("aws:s3/bucket:Bucket", name).inputs["bucket"]
    distribution = staging.one(DISTRIBUTION)
    (origin,) = distribution.inputs["origins"]
    assert origin["domainName"] == f"{bucket}.s3.{REGION}.amazonaws.com"
    assert origin["originAccessControlId"] == f"id-of-{name}"
    read, deny = json.loads(staging.one("aws:s3/bucketPolicy:BucketPolicy", name).inputs["policy"])["Statement"]
    assert read == {
        "Sid": "CloudFrontRead",
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"StringEquals": {"AWS:SourceArn": distribution.outputs["arn"]}},
    }
    assert deny["Sid"] == "DenyPlainHttp"
    block = staging.one("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", name).inputs
    assert [value for key, value in block.items() if key != "bucket"] == [True] * 4
    assert not staging.all("aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration")
    control = staging.one("aws:cloudfront/originAccessControl:OriginAccessControl").inputs
    assert (control["originAccessControlOriginType"], control["signingBehavior"]) == ("s3", "always")


def test_a_page_may_reach_itself_and_the_api_and_nothing_else(staging: Deployment) -> None:
    config = staging.one("aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy").inputs["securityHeadersConfig"]
    policy = config["contentSecurityPolicy"]["contentSecurityPolicy"]
    assert policy == content_security_policy(API)
    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == "'self'"
    assert directives["connect-src"] == f"'self' {API}"
    assert directives["frame-ancestors"] == "'none'"
    assert config["strictTransportSecurity"]["accessControlMaxAgeSec"] >= 31_536_000
    assert config["contentTypeOptions"]["override"] is True
    assert config["frameOptions"]["frameOption"] == "DENY"


def test_with_a_certificate_of_ones_own_tls_1_2_is_the_least(run: Run) -> None:
    certificate = "arn:aws:acm:us-east-1:123456789012:certificate/0a1b"
    docs = {"mode": "cloudfront", "domain": "docs.example.org", "certificateArn": certificate}
    deployment = run({"docs": docs})
    inputs = deployment.one(DISTRIBUTION).inputs
    assert inputs["aliases"] == ["docs.example.org"]
    assert inputs["viewerCertificate"] == {
        "acmCertificateArn": certificate,
        "sslSupportMethod": "sni-only",
        "minimumProtocolVersion": "TLSv1.2_2021",
    }
    assert deployment.exports["docsUrl"] == "https://docs.example.org/"
