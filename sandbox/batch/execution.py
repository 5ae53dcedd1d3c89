"""One attempt of a job: image, log, container, and how it ended."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Executor as ThreadExecutor
from typing import Any

from sandbox.batch import logs
from sandbox.batch.fargate import requirements
from sandbox.batch.job import Job
from sandbox.batch.model import Json
from sandbox.batch.retry import Outcome
from sandbox.batch.runner import Runner, StartError, Task
from sandbox.batch.state import State

_log = logging.getLogger(__name__)

TIMEOUT_REASON = "Job attempt duration exceeded timeout"
_NOT_STARTED = "Task failed to start"


class Execution:
    """Runs attempts; see `lifecycle.Execute`."""

    def __init__(
        self,
        state: State,
        runner: Runner,
        logs_client: Callable[[], Any],
        executor: ThreadExecutor,
        *,
        stop_seconds: float,
        credentials: Callable[[str, str], Mapping[str, str]] | None = None,
    ) -> None:
        self._state = state
        self._runner = runner
        self._logs_client = logs_client
        self._executor = executor
        self._stop_seconds = stop_seconds
        self._credentials = credentials

    async def __call__(self, job: Job, attempt: int, started: Callable[[], None]) -> Outcome:
        try:
            return await self._run(job, attempt, started)
        except StartError as error:
            return Outcome(exit_code=None, reason=str(error)[:255], status_reason=_NOT_STARTED)
        except Exception as error:  # a job must end, whatever breaks in the sandbox itself
            _log.exception("Job %s can't be run.", job.id)
            return Outcome(exit_code=None, reason=f"{type(error).__name__}: {error}"[:255], status_reason=_NOT_STARTED)

    async def _run(self, job: Job, attempt: int, started: Callable[[], None]) -> Outcome:
        environment = self._state.compute_environments.get(job.compute_environment or "", {})
        cluster = environment.get("ecsClusterArn", "cluster/sandbox").rpartition("/")[2]
        task_id = uuid.uuid4().hex
        arns = self._state.arns
        job.container["taskArn"] = f"arn:aws:ecs:{arns.region}:{arns.account_id}:task/{cluster}/{task_id}"
        job.container.pop("logStreamName", None)
        definition_name = job.detail["jobDefinition"].rpartition("/")[2].partition(":")[0]
        target = logs.destination(job.container, definition_name, task_id)
        log = logs.NoLog()
        if target is not None:
            log = logs.LogStream(self._logs_client, self._executor, target[0], target[1])
        try:
            await log.open(create_group=target is not None and target[2])
        except logs.LogGroupMissingError as error:
            raise StartError(
                "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: "
                f"failed to create CloudWatch log stream: ResourceNotFoundException: {error} does not exist."
            ) from error
        timer: asyncio.TimerHandle | None = None
        timed_out = False

        def expire() -> None:
            nonlocal timed_out
            timed_out = True
            job.stop.set()

        def on_start() -> None:
            nonlocal timer
            if target is not None:
                job.container["logStreamName"] = target[1]
            seconds = job.detail.get("timeout", {}).get("attemptDurationSeconds")
            if seconds is not None:
                timer = asyncio.get_running_loop().call_later(seconds, expire)
            started()

        try:
            exit_code = await self._runner.run(
                self._task(job, attempt, environment), started=on_start, output=log.write, stop=job.stop
            )
        finally:
            if timer is not None:
                timer.cancel()
            await log.close()
        if timed_out:
            return Outcome(exit_code=exit_code, status_reason=TIMEOUT_REASON, timed_out=True)
        return Outcome(exit_code=exit_code)

    def _task(self, job: Job, attempt: int, environment: Json) -> Task:
        container = job.container
        queue = job.queue.rpartition("/")[2]
        given = {variable["name"]: variable.get("value", "") for variable in container.get("environment", [])}
        given |= {
            "AWS_BATCH_JOB_ID": job.id,
            "AWS_BATCH_JOB_ATTEMPT": str(attempt),
            "AWS_BATCH_JQ_NAME": queue,
            "AWS_BATCH_CE_NAME": environment.get("computeEnvironmentName", ""),
        }
        if job.parent is not None:
            array = job.detail["arrayProperties"]
            given["AWS_BATCH_JOB_ARRAY_INDEX"] = str(array["index"])
            given["AWS_BATCH_JOB_ARRAY_SIZE"] = str(job.parent.detail["arrayProperties"]["size"])
        needed = requirements(container)
        role = container.get("jobRoleArn")
        return Task(
            image=container["image"],
            command=container.get("command"),
            environment=given,
            vcpus=float(needed["VCPU"]),
            memory_mib=int(needed["MEMORY"]),
            stop_seconds=self._stop_seconds,
            credentials=self._credentials(role, job.id) if self._credentials and role else {},
        )
