"""What AWS refuses, said in words that tell what to do; the errors are raised by botocore itself."""

from collections.abc import Callable
from typing import Any

import boto3
import httpx
import pytest
from botocore import exceptions
from botocore.stub import Stubber

from cli.errors import CliError
from cli.registry import client as client_module
from cli.registry.client import Manifest, Repository, ecr_client, open_repository
from cli.registry.stacks import load_stack
from tests.cli.registry.conftest import FakeRegistry, name_image, sha256

CONTENT = b"{}"


@pytest.fixture
def ecr() -> Any:
    return boto3.client("ecr", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")


def error_of(call: Callable[[], Any]) -> str:
    with pytest.raises(CliError) as caught:
        call()
    return str(caught.value)


@pytest.mark.parametrize(
    ("code", "message", "status", "said"),
    [
        ("ExpiredTokenException", "", 400, ["expired (ExpiredTokenException)", "aws sso login"]),
        ("RequestExpired", "", 400, ["expired (RequestExpired)"]),
        ("UnrecognizedClientException", "", 400, ["does not accept the credentials", "AWS_PROFILE"]),
        (
            "AccessDeniedException",
            "User: x is not authorized to perform: ecr:PutImage",
            400,
            [
                "refuses ecr:PutImage on repository 'a/words' in account 123456789012, eu-central-1: User: x is not",
                "to perform: ecr:PutImage. Expected: credentials that may do it.",
            ],
        ),
        ("RepositoryNotFoundException", "", 400, ["There is no repository 'a/words' in account 123456789012"]),
        ("ThrottlingException", "Rate exceeded", 400, ["too many requests", "Wait a minute"]),
        ("ServerException", "oh", 500, ["a problem of its own (ServerException: oh)"]),
        ("Unknown", "bad gateway", 502, ["a problem of its own"]),
        ("KmsException", "no key", 400, ["ECR refuses PutImage", "(KmsException): no key"]),
        ("LimitExceededException", "too many tags", 400, ["ECR refuses PutImage", "too many tags"]),
    ],
)
def test_a_refusal_says_what_was_found_and_what_to_do(
    ecr: Any, code: str, message: str, status: int, said: list[str]
) -> None:
    repository = Repository(ecr, "a/words", account="123456789012")
    with Stubber(ecr) as stub:
        stub.add_client_error("put_image", code, message, status)
        manifest = Manifest(digest=sha256(CONTENT), media_type="x", text=CONTENT.decode())
        text = error_of(lambda: repository.tag(manifest, "release-1"))
    for part in said:
        assert part in text


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (exceptions.NoCredentialsError(), "No AWS credentials for repository 'a/words' in eu-central-1"),
        (exceptions.PartialCredentialsError(provider="env", cred_var="secret"), "No AWS credentials"),
        (exceptions.CredentialRetrievalError(provider="sso", error_msg="no"), "No AWS credentials"),
        (exceptions.UnauthorizedSSOTokenError(), "sign-in to AWS has expired"),
        (exceptions.TokenRetrievalError(provider="sso", error_msg="old"), "sign-in to AWS has expired"),
        (exceptions.SSOTokenLoadError(error_msg="none"), "sign-in to AWS has expired"),
        (exceptions.EndpointConnectionError(endpoint_url="https://ecr"), "ECR can't be reached"),
        (exceptions.ConnectTimeoutError(endpoint_url="https://ecr"), "ECR can't be reached"),
        (exceptions.SSLError(endpoint_url="https://ecr", error="no"), "ECR can't be reached"),
        (exceptions.NoRegionError(), "No AWS region is known"),
        (exceptions.ParamValidationError(report="odd"), "DescribeImages failed"),
    ],
)
def test_a_call_that_gets_no_answer_says_what_to_do(
    ecr: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def fail(**_arguments: Any) -> Any:
        raise error

    monkeypatch.setattr(ecr, "describe_images", fail)
    assert said in error_of(lambda: list(Repository(ecr, "a/words").images()))


def test_nobody_is_reached_at_a_closed_port(stacks: Any, free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port}")
    name_image(stacks, "dev", sha256(b"x"))
    stack = load_stack(stacks, "dev")
    image = stack.reference("words")
    assert image is not None
    text = error_of(lambda: open_repository(stacks, stack, image).manifest(image.digest))
    assert f'Could not connect to the endpoint URL: "http://127.0.0.1:{free_port}/"' in text
    assert "AWS_ENDPOINT_URL and the region" in text


def test_a_proxy_of_the_environment_is_not_for_the_sandbox(stacks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert "repositories" in ecr_client(stacks, "local", "eu-central-1").describe_repositories()


def test_without_credentials_the_error_says_how_to_get_some(stacks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    client = ecr_client(stacks, "dev", "eu-central-1")
    assert "aws sso login" in error_of(lambda: Repository(client, "a/words").manifest(sha256(b"x")))
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert "The config profile (nobody) could not be found" in error_of(lambda: ecr_client(stacks, "dev", "x"))


def test_without_a_region_the_error_says_where_to_set_it(stacks: Any) -> None:
    assert "Set aws:region in the stack's file" in error_of(lambda: ecr_client(stacks, "dev", ""))
    assert error_of(lambda: ecr_client(stacks, "dev", "no region")) != ""


def test_an_endpoint_that_is_no_address_is_said(stacks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "nowhere")
    assert "AWS_ENDPOINT_URL is no address" in error_of(lambda: ecr_client(stacks, "dev", "eu-central-1"))


def image_answer(text: str, digest: str) -> dict[str, Any]:
    return {"images": [{"imageId": {"imageDigest": digest}, "imageManifest": text, "imageManifestMediaType": "x"}]}


def test_a_manifest_that_is_not_what_its_digest_says_is_refused(ecr: Any) -> None:
    with Stubber(ecr) as stub:
        stub.add_response("batch_get_image", image_answer("{ }", sha256(CONTENT)))
        text = error_of(lambda: Repository(ecr, "a/words").manifest(sha256(CONTENT)))
    assert f"answers for {sha256(CONTENT)} is that of {sha256(b'{ }')}" in text


def test_an_image_that_is_there_but_cannot_be_read_is_said(ecr: Any) -> None:
    failure = {"imageId": {}, "failureCode": "ImageInaccessible", "failureReason": "archived"}
    with Stubber(ecr) as stub:
        stub.add_response("batch_get_image", {"images": [], "failures": [failure]})
        text = error_of(lambda: Repository(ecr, "a/words").manifest(sha256(CONTENT)))
    assert "can't be read (ImageInaccessible: archived)" in text


class Served:
    """What an address answers instead of S3."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, respond: Callable[[httpx.Request], httpx.Response]) -> None:
        def stream(method: str, url: str, **_options: Any) -> Any:
            return httpx.Client(transport=httpx.MockTransport(respond)).stream(method, url)

        monkeypatch.setattr(client_module.httpx, "stream", stream)


@pytest.mark.parametrize(
    ("respond", "said"),
    [
        (lambda _: httpx.Response(403), "can't be downloaded (HTTP 403)"),
        (lambda _: httpx.Response(200, content=b"other"), "is something else: it is damaged"),
        (lambda _: httpx.Response(200, content=b" " * (8 * 1024 * 1024 + 1)), "larger than 8 MiB"),
    ],
)
def test_a_configuration_that_is_not_served_whole_is_refused(
    ecr: Any, monkeypatch: pytest.MonkeyPatch, respond: Callable[[httpx.Request], httpx.Response], said: str
) -> None:
    Served(monkeypatch, respond)
    with Stubber(ecr) as stub:
        stub.add_response("get_download_url_for_layer", {"downloadUrl": "https://s3/blob", "layerDigest": "x"})
        assert said in error_of(lambda: Repository(ecr, "a/words").blob(sha256(CONTENT)))


def test_a_network_that_ends_at_the_proxy_is_said(ecr: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def respond(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no way")

    Served(monkeypatch, respond)
    with Stubber(ecr) as stub:
        stub.add_response("get_download_url_for_layer", {"downloadUrl": "https://s3/blob", "layerDigest": "x"})
        text = error_of(lambda: Repository(ecr, "a/words").blob(sha256(CONTENT)))
    assert "no way" in text
    assert "proxies" in text


def test_an_emulator_that_names_aws_is_asked_at_its_own_address(
    registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = registry.repository()
    registry.blob(name, CONTENT)
    url = f"https://000000000000.dkr.ecr.eu-central-1.amazonaws.com/v2/{name}/blobs/{sha256(CONTENT)}"
    monkeypatch.setattr(registry.ecr, "get_download_url_for_layer", lambda **_: {"downloadUrl": url}, raising=False)
    assert Repository(registry.ecr, name).blob(sha256(CONTENT)) == CONTENT
    monkeypatch.undo()
