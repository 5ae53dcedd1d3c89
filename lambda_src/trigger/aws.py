"""The AWS clients, and what may go wrong with a call in the few words that matter here.

The SDK's own retries are off everywhere: SubmitJob must never be repeated blindly, and only waits that are written down
in `limits` can be added up.
"""

import enum
from collections.abc import Callable, Mapping
from typing import Any, cast

import botocore.serialize  # pyright: ignore[reportMissingTypeStubs]
import botocore.session  # pyright: ignore[reportMissingTypeStubs]
import limits
from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs]
from botocore.exceptions import (  # pyright: ignore[reportMissingTypeStubs]
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
)
from clock import Clock

_THROTTLES = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
    }
)
_NEVER_SENT = (NoCredentialsError, NoRegionError, ParamValidationError, PartialCredentialsError)
_SERVER_ERROR = 500


class Cause(enum.Enum):
    """Why a call failed."""

    THROTTLED = "throttled"
    """Not carried out; later it may be."""
    UNREACHABLE = "unreachable"
    """Not carried out: it never got there."""
    UNKNOWN = "unknown"
    """No answer, or one that leaves it open: it may have been carried out."""
    REJECTED = "rejected"
    """Not carried out, and a repeat would fail, too."""


class AwsError(Exception):
    """A call failed. The text of AWS's own error stays here: it may repeat what the caller sent."""

    def __init__(self, call: str, cause: Cause, code: str, response: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{call}: {cause.value} ({code})")
        self.call = call
        self.cause = cause
        self.code = code
        self.response: Mapping[str, Any] = response or {}

    @property
    def certainly_not_done(self) -> bool:
        return self.cause is not Cause.UNKNOWN


Factory = Callable[[str], Any]
"""Service name -> botocore client."""


class Aws:
    """Calls AWS; each client is made when it is first used."""

    def __init__(self, clock: Clock, factory: Factory | None = None) -> None:
        self._clock = clock
        self._factory = factory or _factory()
        self._clients: dict[str, Any] = {}
        self._last_used: dict[str, float] = {}
        self.seconds = 0.0
        """Spent in calls, over the function's life."""

    def client(self, service: str) -> Any:
        """The client of a service."""
        client = self._clients.get(service)
        if client is None:
            client = self._clients[service] = self._factory(service)
        return client

    def call(
        self, service: str, operation: str, *, attempts: int = limits.ATTEMPTS, **parameters: Any
    ) -> dict[str, Any]:
        """Call an operation, such as `call("batch", "describe_jobs", jobs=[...])`.

        Args:
            attempts: how often in all; 1 for what must not be repeated.

        Raises:
            AwsError: the last attempt's.
        """
        for attempt in range(attempts):
            if attempt:
                self._clock.sleep(limits.RETRY_PAUSE_SECONDS)
            try:
                return self._attempt(service, operation, parameters)
            except AwsError as error:
                if error.cause is Cause.REJECTED or attempt == attempts - 1:
                    raise
        raise AssertionError("attempts must be at least 1")

    def request_body(self, service: str, operation: str, parameters: Mapping[str, Any]) -> bytes:
        """The body that a call sends, to the byte.

        Args:
            operation: as in the service's API, such as `SubmitJob`.
        """
        model = self.client(service).meta.service_model
        serializers: Any = botocore.serialize
        serializer = serializers.create_serializer(model.metadata["protocol"], include_validation=False)
        return cast(
            "bytes", serializer.serialize_to_request(dict(parameters), model.operation_model(operation))["body"]
        )

    def _attempt(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        client = self.client(service)
        now = self._clock.now()
        if now - self._last_used.get(service, now) > limits.IDLE_CONNECTION_SECONDS:
            client.close()
        began = self._clock.elapsed()
        try:
            return cast("dict[str, Any]", getattr(client, operation)(**parameters))
        except (ClientError, BotoCoreError) as error:
            raise _translate(f"{service}:{operation}", error) from None
        finally:
            self._last_used[service] = self._clock.now()
            self.seconds += self._clock.elapsed() - began


def _translate(call: str, error: Exception) -> AwsError:
    if isinstance(error, ClientError):
        response = cast("dict[str, Any]", error.response)  # pyright: ignore[reportUnknownMemberType]
        code = str(response.get("Error", {}).get("Code", ""))
        status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code in _THROTTLES:
            return AwsError(call, Cause.THROTTLED, code, response)
        return AwsError(call, Cause.UNKNOWN if status >= _SERVER_ERROR else Cause.REJECTED, code, response)
    name = type(error).__name__
    if isinstance(error, EndpointConnectionError | ConnectTimeoutError):
        return AwsError(call, Cause.UNREACHABLE, name)
    return AwsError(call, Cause.REJECTED if isinstance(error, _NEVER_SENT) else Cause.UNKNOWN, name)


def _factory() -> Factory:
    new_session: Any = botocore.session.Session
    session = new_session()

    def create(service: str) -> Any:
        return session.create_client(service, config=client_config(service))

    return create


def client_config(service: str) -> Any:
    """How the client of a service is set up."""
    options: dict[str, Any] = {}
    if service == "s3":
        # Links must name the bucket's own region: the global endpoint answers a redirect, for which they aren't signed.
        options = {"signature_version": "s3v4", "s3": {"addressing_style": "virtual"}}
    return Config(
        retries={"total_max_attempts": 1, "mode": "standard"},
        connect_timeout=limits.CONNECT_TIMEOUT_SECONDS,
        read_timeout=limits.READ_TIMEOUT_SECONDS[service],
        **options,
    )
