"""What a job prints, line by line, into CloudWatch Logs while it runs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from sandbox.batch.model import Json

_log = logging.getLogger(__name__)

DEFAULT_GROUP = "/aws/batch/job"
LARGEST_LINE_BYTES = 256 * 1024 - 26
"""A longer line becomes several events, as CloudWatch Logs limits one to 256 KiB with 26 bytes of its own."""
_LARGEST_BATCH_BYTES = 1024 * 1024
_WAITING_EVENTS = 2_000
"""Lines held in memory, and more than one batch never has (PutLogEvents takes 10,000).

When they are full the job waits, as with Docker's blocking log driver.
"""
_GATHER_SECONDS = 0.2

Event = dict[str, Any]


class LogGroupMissingError(Exception):
    """The job definition names a group that doesn't exist; on AWS such a job doesn't start."""


class LogStream:
    """One stream. Lines are gathered for a moment and put by a worker thread."""

    def __init__(self, client: Callable[[], Any], executor: Executor, group: str, stream: str) -> None:
        """`client` makes or returns a boto3 client of CloudWatch Logs; it is called on a worker thread only."""
        self._client = client
        self._executor = executor
        self._group = group
        self._stream = stream
        self._waiting: asyncio.Queue[Event | None] = asyncio.Queue(_WAITING_EVENTS)
        self._partial = bytearray()
        self._shipping: asyncio.Task[None] | None = None

    async def open(self, *, create_group: bool) -> None:
        """Create the stream, and the group where Batch or the job definition asks for that.

        Raises:
            LogGroupMissingError: there is no such group.
        """
        await self._in_thread(self._create, create_group)
        self._shipping = asyncio.create_task(self._ship())

    async def write(self, chunk: bytes) -> None:
        """Take output as it comes; waits while too many lines are held."""
        self._partial += chunk
        *lines, rest = bytes(self._partial).split(b"\n")
        self._partial = bytearray(rest)
        for line in lines:
            await self._put(line)
        while len(self._partial) >= LARGEST_LINE_BYTES:
            await self._put(bytes(self._partial[:LARGEST_LINE_BYTES]))
            del self._partial[:LARGEST_LINE_BYTES]

    async def close(self) -> None:
        """Put what is left."""
        if self._shipping is None:
            return
        if self._partial:
            await self._put(bytes(self._partial))
        await self._waiting.put(None)
        await self._shipping

    async def _put(self, line: bytes) -> None:
        line = line.removesuffix(b"\r")
        for start in range(0, len(line), LARGEST_LINE_BYTES) or (0,):
            text = line[start : start + LARGEST_LINE_BYTES].decode(errors="replace")
            # CloudWatch Logs refuses an empty message, and Docker's driver leaves empty lines out.
            if text:
                await self._waiting.put({"timestamp": int(time.time() * 1000), "message": text})

    async def _ship(self) -> None:
        open_ended = True
        carried: Event | None = None
        while open_ended or carried is not None:
            batch: list[Event] = []
            size = 0
            first = carried or await self._waiting.get()
            carried = None
            if first is None:
                return
            batch.append(first)
            size += _size(first)
            if open_ended and self._waiting.empty():
                await asyncio.sleep(_GATHER_SECONDS)
            while open_ended and not self._waiting.empty():
                event = self._waiting.get_nowait()
                if event is None:
                    open_ended = False
                elif size + _size(event) > _LARGEST_BATCH_BYTES:
                    carried = event
                    break
                else:
                    batch.append(event)
                    size += _size(event)
            await self._in_thread(self._send, batch)

    def _create(self, create_group: bool) -> None:
        client = self._client()
        try:
            client.create_log_stream(logGroupName=self._group, logStreamName=self._stream)
        except client.exceptions.ResourceNotFoundException as error:
            if not create_group:
                raise LogGroupMissingError(self._group) from error
            try:
                client.create_log_group(logGroupName=self._group)
            except client.exceptions.ResourceAlreadyExistsException:
                _log.debug("Another job has created %s meanwhile.", self._group)
            client.create_log_stream(logGroupName=self._group, logStreamName=self._stream)

    def _send(self, batch: list[Event]) -> None:
        try:
            self._client().put_log_events(logGroupName=self._group, logStreamName=self._stream, logEvents=batch)
        except Exception:  # a job isn't to fail because its output can't be kept
            _log.exception("%d lines of %s were lost.", len(batch), self._stream)

    async def _in_thread(self, function: Callable[..., None], *args: object) -> None:
        await asyncio.get_running_loop().run_in_executor(self._executor, function, *args)


class NoLog:
    """For a log driver that isn't CloudWatch's: the output goes nowhere."""

    async def open(self, *, create_group: bool) -> None: ...

    async def write(self, chunk: bytes) -> None: ...

    async def close(self) -> None: ...


def destination(container: Json, definition_name: str, task_id: str) -> tuple[str, str, bool] | None:
    """Group, stream, and whether to create the group; None if the log goes elsewhere.

    The stream is `<prefix>/default/<task id>`; the prefix is the job definition's name unless the log configuration
    says otherwise.
    """
    configuration: Json = container.get("logConfiguration", {"logDriver": "awslogs"})
    if configuration["logDriver"] != "awslogs":
        return None
    options: dict[str, str] = configuration.get("options", {})
    group = options.get("awslogs-group", DEFAULT_GROUP)
    prefix = options.get("awslogs-stream-prefix", definition_name)
    creates = group == DEFAULT_GROUP or options.get("awslogs-create-group") == "true"
    return group, f"{prefix}/default/{task_id}", creates


def _size(event: Event) -> int:
    return len(event["message"].encode()) + 26
