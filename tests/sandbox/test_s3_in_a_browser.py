"""S3 as a browser meets it in the sandbox: websites, CORS, and forms that upload."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from sandbox.context import Clients
from sandbox.process import Sandbox
from tests import patient

ORIGIN = "https://docs.example"


@pytest.fixture
def bucket(create: Callable[..., Any], unique: str) -> str:
    return create("aws:s3/bucket:Bucket", bucket=f"{unique}-bucket").id


@pytest.fixture
def public_bucket(create: Callable[..., Any], bucket: str) -> str:
    """A bucket from which everybody may read."""
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    create("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", bucket=bucket, blockPublicPolicy=False)
    create("aws:s3/bucketPolicy:BucketPolicy", bucket=bucket, policy=json.dumps(policy))
    return bucket


def allow(client: Clients, bucket: str, origins: list[str], methods: list[str]) -> None:
    rule = {
        "AllowedOrigins": origins,
        "AllowedMethods": methods,
        "AllowedHeaders": ["content-type"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 300,
    }
    client("s3").put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})


def preflight(url: str, method: str, headers: str = "", origin: str = ORIGIN) -> httpx.Response:
    wanted = {"access-control-request-headers": headers} if headers else {}
    return patient.options(url, headers={"origin": origin, "access-control-request-method": method, **wanted})


def test_a_website_serves_its_index_document(create: Callable[..., Any], public_bucket: str, sandbox: Sandbox) -> None:
    site = create(
        "aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration",
        bucket=public_bucket,
        indexDocument={"suffix": "index.html"},
    )
    for key in ("index.html", "deep/index.html"):
        create("aws:s3/bucketObject:BucketObject", bucket=public_bucket, key=key, content=key, contentType="text/html")
    url = f"http://{site['websiteEndpoint']}"
    assert site["websiteEndpoint"] == f"127.0.0.1:{sandbox.port}/{public_bucket}"
    assert patient.get(url, follow_redirects=True).text == "index.html"
    assert str(patient.get(url, follow_redirects=True).url) == f"{url}/"
    assert patient.get(f"{url}/deep/").text == "deep/index.html"
    assert patient.get(f"{url}/").headers["content-type"] == "text/html"
    assert patient.get(f"{url}/nothing").status_code == 404


def test_a_website_serves_its_error_document(create: Callable[..., Any], public_bucket: str) -> None:
    site = create(
        "aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration",
        bucket=public_bucket,
        indexDocument={"suffix": "index.html"},
        errorDocument={"key": "404.html"},
    )
    create(
        "aws:s3/bucketObject:BucketObject", bucket=public_bucket, key="404.html", content="no", contentType="text/html"
    )
    answer = patient.get(f"http://{site['websiteEndpoint']}/nothing")
    assert (answer.status_code, answer.text, answer.headers["content-type"]) == (404, "no", "text/html")


def test_a_bucket_that_is_no_website_has_no_index(client: Clients, bucket: str, sandbox: Sandbox) -> None:
    client("s3").put_object(Bucket=bucket, Key="index.html", Body=b"x")
    assert patient.get(f"{sandbox.endpoint_url}/{bucket}/").status_code == 403
    assert client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 1


def test_without_cors_rules_a_preflight_is_refused(bucket: str, sandbox: Sandbox) -> None:
    answer = preflight(f"{sandbox.endpoint_url}/{bucket}/key", "GET")
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def test_the_buckets_own_rules_answer_a_preflight(client: Clients, bucket: str, sandbox: Sandbox) -> None:
    allow(client, bucket, [ORIGIN], ["POST"])
    url = f"{sandbox.endpoint_url}/{bucket}"
    answer = preflight(url, "POST", "Content-Type")
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-max-age"] == "300"
    assert preflight(url, "PUT").status_code == 403
    assert preflight(url, "POST", "x-other").status_code == 403
    assert preflight(url, "POST", origin="https://other.example").status_code == 403


def test_an_answer_has_the_cors_headers_of_the_rules_only(client: Clients, bucket: str) -> None:
    client("s3").put_object(Bucket=bucket, Key="key", Body=b"x")
    url = client("s3").generate_presigned_url("get_object", {"Bucket": bucket, "Key": "key"})
    assert "access-control-allow-origin" not in patient.get(url, headers={"origin": ORIGIN}).headers
    allow(client, bucket, ["*"], ["GET"])
    answer = patient.get(url, headers={"origin": ORIGIN})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-expose-headers"] == "ETag"
    assert "access-control-allow-origin" not in patient.get(url).headers


class Form:
    """A presigned POST for text of 2 to 10 bytes under one key."""

    def __init__(self, client: Clients, bucket: str, expires_in: int = 60) -> None:
        made = client("s3").generate_presigned_post(
            bucket,
            "inputs/1",
            Fields={"Content-Type": "text/plain"},
            Conditions=[["content-length-range", 2, 10], {"Content-Type": "text/plain"}],
            ExpiresIn=expires_in,
        )
        self.url: str = made["url"]
        self.fields: dict[str, str] = made["fields"]

    def send(self, content: bytes, **changed: str) -> httpx.Response:
        fields = self.fields | {name.replace("_", "-"): value for name, value in changed.items()}
        return patient.post(self.url, data=fields, files={"file": ("name", content)}, headers={"origin": ORIGIN})


def test_a_form_uploads_from_another_origin(client: Clients, bucket: str) -> None:
    allow(client, bucket, ["*"], ["POST"])
    answer = Form(client, bucket).send(b"hello")
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    stored = client("s3").get_object(Bucket=bucket, Key="inputs/1")
    assert (stored["Body"].read(), stored["ContentType"]) == (b"hello", "text/plain")


@pytest.mark.parametrize(("content", "code"), [(b"x", "EntityTooSmall"), (b"x" * 11, "EntityTooLarge")])
def test_a_form_bounds_the_size(client: Clients, bucket: str, content: bytes, code: str) -> None:
    answer = Form(client, bucket).send(content)
    assert answer.status_code == 400
    assert f"<Code>{code}</Code>" in answer.text


def test_a_form_binds_media_type_and_key(client: Clients, bucket: str) -> None:
    form = Form(client, bucket)
    assert form.send(b"hello", Content_Type="text/html").status_code == 403
    assert form.send(b"hello", key="other").status_code == 403


def test_a_form_expires(client: Clients, bucket: str) -> None:
    answer = Form(client, bucket, expires_in=-1).send(b"hello")
    assert answer.status_code == 403
    assert "Policy expired" in answer.text


def test_a_presigned_link_reads_and_expires(client: Clients, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client("s3").put_object(Bucket=bucket, Key="key", Body=b"x")

    def link() -> str:
        return client("s3").generate_presigned_url("get_object", {"Bucket": bucket, "Key": "key"}, 60)

    assert patient.get(link()).content == b"x"
    long_ago = datetime.now(UTC) - timedelta(minutes=2)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: long_ago)
    answer = patient.get(link())
    assert answer.status_code == 403
    assert "Request has expired" in answer.text
