"""What AWS refuses, in words that say what to do."""

from collections.abc import Mapping
from typing import Any, Final, cast

from botocore.exceptions import (  # pyright: ignore[reportMissingTypeStubs] - it has none
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's own
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from cli.errors import CliError

EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
INVALID: Final = frozenset(
    {"InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch", "UnrecognizedClientException"}
)
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_THROTTLED: Final = frozenset({"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"})
EXPIRED_LOGIN: Final = (SSOTokenLoadError, TokenRetrievalError, UnauthorizedSSOTokenError)
NO_LOGIN: Final = (NoCredentialsError, PartialCredentialsError, ProfileNotFound, CredentialRetrievalError)
_UNREACHABLE: Final = (ConnectionError, HTTPClientError)


def error_code(error: ClientError) -> str:
    """AWS's word for what went wrong."""
    return str(_details(error).get("Code", ""))


def explain(error: ClientError | BotoCoreError, operation: str, subject: str) -> CliError:
    """The error of a call as a text for the user.

    Args:
        error: what boto3 raised.
        operation: the action, for example `PutImage`.
        subject: what it was about, for example `repository a/b in 123456789012, eu-central-1`.
    """
    if isinstance(error, ClientError):
        return CliError(_refused(error, operation, subject))
    if isinstance(error, EXPIRED_LOGIN):
        return CliError(f"The sign-in to AWS has expired: {error}. Sign in again (aws sso login), then run this again.")
    if isinstance(error, NO_LOGIN):
        return CliError(
            f"No AWS credentials for {subject}: {error}. Sign in (aws sso login), or set AWS_PROFILE to a profile that "
            "may use it."
        )
    if isinstance(error, NoRegionError):
        return CliError(f"No AWS region is known for {subject}. Set aws:region in the stack's file, or AWS_REGION.")
    if isinstance(error, _UNREACHABLE):
        return CliError(
            f"ECR can't be reached for {subject}: {error}. Check the network, proxies in the environment, "
            "AWS_ENDPOINT_URL and the region, then run this again."
        )
    return CliError(f"{operation} failed for {subject}: {error}")


def _refused(error: ClientError, operation: str, subject: str) -> str:
    code, message = error_code(error), str(_details(error).get("Message", "")).strip()
    if code in EXPIRED:
        return f"The AWS credentials have expired ({code}). Sign in again (aws sso login), then run this again."
    if code in INVALID:
        return f"AWS does not accept the credentials ({code}). Check AWS_PROFILE, AWS_ACCESS_KEY_ID and the clock."
    if code in _DENIED:
        return (
            f"AWS refuses ecr:{operation} on {subject}: {(message or code).removesuffix('.')}. "
            f"Expected: credentials that may do it. Ask for ecr:{operation} on that repository; in another account its "
            "repository policy must allow it, too."
        )
    if code == "RepositoryNotFoundException":
        return (
            f"There is no {subject}. Expected the repository of a stack that is deployed: check account and region of "
            "the credentials (aws sts get-caller-identity), or deploy the stack that owns it."
        )
    if code in _THROTTLED:
        return (
            f"AWS answers too many requests at the moment ({code}, after several tries of {operation}). "
            "Wait a minute, then run this again."
        )
    if code == "ServerException" or _status(error) >= 500:
        return f"ECR has a problem of its own ({code or _status(error)}: {message}). Run this again in a minute."
    return f"ECR refuses {operation} for {subject} ({code}): {message}"


def _details(error: ClientError) -> Mapping[str, Any]:
    return cast("Mapping[str, Mapping[str, Any]]", cast("Any", error).response).get("Error", {})


def _status(error: ClientError) -> int:
    response = cast("Mapping[str, Mapping[str, Any]]", cast("Any", error).response)
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
