"""What Batch answers when it refuses or fails."""

from __future__ import annotations


class BatchError(Exception):
    """An answer other than 200, in the form that the AWS SDKs turn into an exception."""

    code = "ServerException"
    status = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ClientError(BatchError):
    """The request is wrong, or names something that isn't there (`ClientException`, HTTP 400)."""

    code = "ClientException"
    status = 400


class ServerError(BatchError):
    """Batch itself can't answer (`ServerException`, HTTP 500); the AWS SDKs try again."""


class UnknownOperationError(BatchError):
    """No such path or method (HTTP 404)."""

    code = "UnknownOperationException"
    status = 404
