"""AWS Batch behind one method: `Batch.handle` answers what the SDKs and the Pulumi provider send."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, unquote

from sandbox.batch import (
    compute_environments,
    job_definitions,
    job_queues,
    jobs,
    scheduling_policies,
    tags,
)
from sandbox.batch.docker import DockerRunner, PreferredRunner
from sandbox.batch.errors import BatchError, ClientError, ServerError, UnknownOperationError
from sandbox.batch.execution import Execution
from sandbox.batch.history import History
from sandbox.batch.lifecycle import Lifecycle
from sandbox.batch.model import Json, checked, operations
from sandbox.batch.runner import ProcessRunner, Runner
from sandbox.batch.state import Arns, State, now_milliseconds
from sandbox.docker_engine import DockerEngine
from sandbox.images import ImageStore

_log = logging.getLogger(__name__)

STOP_SECONDS = 30.0
"""From SIGTERM to SIGKILL: `stopTimeout` of ECS, default."""
_THREADS = 8

Answer = tuple[int, dict[str, str], bytes]
Operation = Callable[[Json], Json]


class Batch:
    """The service: control plane, and a data plane that runs each job."""

    def __init__(
        self,
        *,
        endpoint_url: str,
        region: str,
        account_id: str,
        images: ImageStore,
        history: Path | None = None,
        on_state_change: Callable[[dict[str, Any]], None] | None = None,
        runner: Runner | None = None,
        docker: DockerEngine | None = None,
        mark: str = "",
        logs_client: Callable[[], Any] | None = None,
        stop_seconds: float = STOP_SECONDS,
        credentials: Callable[[str, str], Mapping[str, str]] | None = None,
        now: Callable[[], int] = now_milliseconds,
    ) -> None:
        """Make the service; it runs jobs after `start`.

        Args:
            endpoint_url: of the sandbox; jobs get it as AWS_ENDPOINT_URL, their logs go there.
            region: AWS region.
            account_id: twelve digits.
            images: where the images of jobs are.
            history: JSON file that keeps jobs over a restart; None keeps nothing.
            on_state_change: called with the detail of each "Batch Job State Change", in order, on a worker thread.
            runner: replaces the choice of container or process.
            docker: runs jobs as containers; without one they are processes.
            mark: label of those containers.
            logs_client: makes the boto3 client of CloudWatch Logs; called on worker threads.
            stop_seconds: from SIGTERM to SIGKILL for a job that is ended.
            credentials: the environment variables with which a job acts as its role (ARN, job id); without it, a job
                has the sandbox's own.
            now: milliseconds since 1970.
        """
        self._endpoint_url = endpoint_url
        self._region = region
        self._on_state_change = on_state_change
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="batch")
        self._events = ThreadPoolExecutor(1, thread_name_prefix="batch-events")
        self._state = State(arns=Arns(region=region, account_id=account_id), now=now)
        self._history = History(history, self._threads)
        self._client: Any = None
        self._client_lock = threading.Lock()
        aws = {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_ENDPOINT_URL": endpoint_url,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        containers = DockerRunner(docker, aws, mark) if docker is not None else None
        chosen = runner or PreferredRunner(containers, ProcessRunner(images, aws))
        execute = Execution(
            self._state,
            chosen,
            logs_client or self._logs,
            self._threads,
            stop_seconds=stop_seconds,
            credentials=credentials,
        )
        self._lifecycle = Lifecycle(self._state, execute=execute, publish=self._publish, record=self._history.record)
        self._operations = self._routes()
        self._writing: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load the history and begin to run jobs."""
        self._history.load(self._state)
        self._writing = asyncio.create_task(self._history.run())
        self._watching = asyncio.create_task(self._lifecycle.watch())

    async def stop(self, grace_seconds: float) -> None:
        """End in order, while the server still answers: jobs and their logs need it.

        Afterwards each accepted job is SUCCEEDED or FAILED, no process of a job is left, and the history is written.

        Args:
            grace_seconds: how long running jobs may take to finish by themselves.
        """
        await self._lifecycle.stop(grace_seconds)
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        if self._writing is not None:
            self._history.close()
            await self._writing
        await asyncio.to_thread(self._events.shutdown)
        await asyncio.to_thread(self._threads.shutdown)

    async def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:  # noqa: ARG002
        """Answer one request: status, headers, body.

        Args:
            method: HTTP method.
            path: as in the request line, percent-encoded, with the query.
            headers: not read.
            body: JSON, or empty.
        """
        request_id = str(uuid.uuid4())
        try:
            status, document, code = 200, self._answer(method, path, body), None
        except BatchError as error:
            status, document, code = error.status, {"message": error.message}, error.code
        except Exception:
            _log.exception("%s %s failed.", method, path)
            error = ServerError("The sandbox's Batch failed; its log says why.")
            status, document, code = error.status, {"message": error.message}, error.code
        answer_headers = {"content-type": "application/json", "x-amzn-requestid": request_id}
        if code is not None:
            answer_headers["x-amzn-errortype"] = code
        return status, answer_headers, json.dumps(document).encode()

    def _answer(self, method: str, path: str, body: bytes) -> Json:
        target, _, query = path.partition("?")
        request: object = {}
        if target.startswith("/v1/tags/"):
            members: Json = {"resourceArn": unquote(target.removeprefix("/v1/tags/"))}
            if method == "DELETE":
                members["tagKeys"] = parse_qs(query).get("tagKeys", [])
            elif method == "POST":
                members |= cast("Json", _parsed(body))
            target, request = "/v1/tags/{resourceArn}", members
        else:
            request = _parsed(body)
        name = operations().get((method, target))
        if name is None:
            raise UnknownOperationError(f"Batch has no {method} {target}.")
        operation = self._operations.get(name)
        if operation is None:
            raise UnknownOperationError(f"The sandbox's Batch has no {name}.")
        return operation(checked(name, request))

    def _routes(self) -> dict[str, Operation]:
        state, lifecycle = self._state, self._lifecycle

        def plain(function: Callable[[State, Json], Json]) -> Operation:
            return lambda request: function(state, request)

        def then_schedule(function: Callable[[State, Json], Json]) -> Operation:
            def operation(request: Json) -> Json:
                answer = function(state, request)
                lifecycle.schedule()
                return answer

            return operation

        def delete_queue(request: Json) -> Json:
            lifecycle.end_queue(job_queues.delete(state, request))
            return {}

        return {
            "CreateComputeEnvironment": plain(compute_environments.create),
            "DescribeComputeEnvironments": plain(compute_environments.describe),
            "UpdateComputeEnvironment": then_schedule(compute_environments.update),
            "DeleteComputeEnvironment": plain(compute_environments.delete),
            "CreateJobQueue": plain(job_queues.create),
            "DescribeJobQueues": plain(job_queues.describe),
            "UpdateJobQueue": then_schedule(job_queues.update),
            "DeleteJobQueue": delete_queue,
            "RegisterJobDefinition": plain(job_definitions.register),
            "DescribeJobDefinitions": plain(job_definitions.describe),
            "DeregisterJobDefinition": plain(job_definitions.deregister),
            "CreateSchedulingPolicy": plain(scheduling_policies.create),
            "DescribeSchedulingPolicies": plain(scheduling_policies.describe),
            "ListSchedulingPolicies": plain(scheduling_policies.list_all),
            "UpdateSchedulingPolicy": plain(scheduling_policies.update),
            "DeleteSchedulingPolicy": plain(scheduling_policies.delete),
            "SubmitJob": lambda request: jobs.submit(state, lifecycle, request),
            "DescribeJobs": plain(jobs.describe),
            "ListJobs": plain(jobs.list_jobs),
            "CancelJob": lambda request: jobs.cancel(state, lifecycle, request),
            "TerminateJob": lambda request: jobs.terminate(state, lifecycle, request),
            "TagResource": plain(tags.tag),
            "UntagResource": plain(tags.untag),
            "ListTagsForResource": plain(tags.list_tags),
        }

    def _publish(self, detail: Json) -> None:
        if self._on_state_change is not None:
            # As text, for the job goes on changing.
            self._events.submit(self._deliver, self._on_state_change, json.dumps(detail))

    @staticmethod
    def _deliver(deliver: Callable[[Json], None], detail: str) -> None:
        try:
            deliver(json.loads(detail))
        except Exception:  # an event that can't be delivered must not stop those after it
            _log.exception("A state change was not delivered: %s", detail)

    def _logs(self) -> Any:
        with self._client_lock:
            if self._client is None:
                # Loaded when the first job starts: it takes as long as all the rest of the server's start.
                import boto3  # pyright: ignore[reportMissingTypeStubs]

                self._client = cast("Any", boto3).client(
                    "logs",
                    region_name=self._region,
                    endpoint_url=self._endpoint_url,
                    aws_access_key_id="test",
                    aws_secret_access_key="test",  # noqa: S106  the emulator checks none
                )
            return self._client


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body or b"{}")
    except ValueError as error:
        raise ClientError("The request is not JSON.") from error
