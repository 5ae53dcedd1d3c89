"""Containers of jobs in a Docker engine, where one answers."""

from __future__ import annotations

import asyncio
import logging
import shutil
import uuid
from collections.abc import Callable, Mapping

from sandbox.batch import processes
from sandbox.batch.processes import Output
from sandbox.batch.runner import Runner, StartError, Task

_log = logging.getLogger(__name__)

_ENGINE_SECONDS = 10.0
"""For an answer, and from the end of a container to the end of the `docker run` that shows it."""
_ENGINE_EXIT = 125
"""`docker run` itself failed."""


class DockerRunner:
    """Uses the `docker` command. Containers share the machine's network, so that 127.0.0.1 is the sandbox."""

    def __init__(self, command: str, aws: Mapping[str, str]) -> None:
        self._command = command
        self._aws = dict(aws)

    async def has(self, image: str) -> bool:
        """Whether the engine answers soon and holds the image; nothing is pulled."""
        try:
            return await asyncio.wait_for(self._call("image", "inspect", image), _ENGINE_SECONDS) == 0
        except TimeoutError:
            return False

    async def run(self, task: Task, *, started: Callable[[], None], output: Output, stop: asyncio.Event) -> int:
        name = f"slipway-job-{uuid.uuid4().hex}"
        variables = {**task.environment, **self._aws, **task.credentials}
        arguments = [
            *(self._command, "run", "--name", name, "--rm", "--pull=never", "--network=host"),
            *(f"--cpus={task.vcpus}", f"--memory={task.memory_mib}m"),
            *(f"--env={key}={value}" for key, value in variables.items()),
            task.image,
            *(task.command or ()),
        ]
        process, pump = await processes.start(arguments, output)
        started()
        reading = asyncio.create_task(pump.run())
        stopping = asyncio.create_task(stop.wait())
        ending = asyncio.create_task(process.wait())
        try:
            await asyncio.wait({stopping, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not ending.done():
                await self._call("stop", "--time", str(round(task.stop_seconds)), name)
                await asyncio.wait({ending}, timeout=_ENGINE_SECONDS)
        finally:
            stopping.cancel()
            if not ending.done():
                await self._call("rm", "--force", name)
            code = await ending
            await reading
        if code == _ENGINE_EXIT:
            raise StartError(f"CannotStartContainerError: {pump.tail.decode(errors='replace').strip()}")
        return code

    async def _call(self, *arguments: str) -> int:
        process = await asyncio.create_subprocess_exec(
            self._command,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            return await process.wait()
        finally:
            if process.returncode is None:
                process.kill()


class PreferredRunner:
    """A container where the engine holds the image, else a process."""

    def __init__(self, docker: DockerRunner | None, process: Runner) -> None:
        self._docker = docker
        self._process = process

    async def run(self, task: Task, *, started: Callable[[], None], output: Output, stop: asyncio.Event) -> int:
        runner: Runner = self._process
        if self._docker is not None and await self._docker.has(task.image):
            runner = self._docker
        return await runner.run(task, started=started, output=output, stop=stop)


def docker_runner(aws: Mapping[str, str]) -> DockerRunner | None:
    """None without a `docker` command; whether an engine answers is asked for each job."""
    command = shutil.which("docker")
    return DockerRunner(command, aws) if command else None
