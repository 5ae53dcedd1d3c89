"""Containers of jobs in a Docker engine, where one answers."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Callable, Mapping

from sandbox.batch import processes
from sandbox.batch.processes import Output
from sandbox.batch.runner import Runner, StartError, Task
from sandbox.docker_engine import LABEL, DockerEngine

_ECR_HOST = re.compile(r"^[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/")
_ENGINE_SECONDS = 10.0
"""For an answer, and from the end of a container to the end of the `docker run` that shows it."""
_PULL_SECONDS = 300.0
_ENGINE_EXIT = 125
"""`docker run` itself failed."""


class DockerRunner:
    """Uses the `docker` command. Containers share the machine's network, so that 127.0.0.1 is the sandbox."""

    def __init__(self, engine: DockerEngine, aws: Mapping[str, str], mark: str = "") -> None:
        """Make a runner.

        Args:
            engine: runs the containers.
            aws: what an AWS SDK needs: credentials, region, endpoint. It goes before all other variables.
            mark: label of the containers, by which those of a killed server are found; see `remove_containers`.
        """
        self._engine = engine
        self._aws = dict(aws)
        self._mark = mark
        self._registry = f"{aws['AWS_ENDPOINT_URL'].partition('://')[2]}/"

    async def obtains(self, image: str) -> bool:
        """Whether the engine answers soon and holds the image, or gets it from the sandbox's own registry.

        Nothing is pulled from anywhere else.
        """
        here = self._here(image)
        if await self._succeeds(_ENGINE_SECONDS, "image", "inspect", here):
            return True
        return here.startswith(self._registry) and await self._succeeds(_PULL_SECONDS, "pull", "--quiet", here)

    def _here(self, image: str) -> str:
        """A reference as a promotion writes it, with ECR's own host name, leads to the sandbox, too."""
        return _ECR_HOST.sub(lambda _: self._registry, image)

    async def _succeeds(self, seconds: float, *arguments: str) -> bool:
        try:
            return await asyncio.wait_for(self._call(*arguments), seconds) == 0
        except TimeoutError:
            return False

    async def run(self, task: Task, *, started: Callable[[], None], output: Output, stop: asyncio.Event) -> int:
        name = f"slipway-job-{uuid.uuid4().hex}"
        variables = {**task.environment, **self._aws, **task.credentials}
        arguments = [
            *(self._engine.command, "run", "--name", name, "--rm", "--pull=never", "--network=host"),
            *("--platform=linux/arm64", f"--label={LABEL}={self._mark}"),
            *(f"--cpus={task.vcpus}", f"--memory={task.memory_mib}m"),
            *(f"--env={key}={value}" for key, value in variables.items()),
            self._here(task.image),
            *(task.command or ()),
        ]
        process, pump = await processes.start(arguments, output, environment=self._engine.environment())
        started()
        reading = asyncio.create_task(pump.run())
        stopping = asyncio.create_task(stop.wait())
        ending = asyncio.create_task(process.wait())
        try:
            await asyncio.wait({stopping, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not ending.done():
                await self._call("stop", "-t", str(round(task.stop_seconds)), name)
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
            self._engine.command,
            *arguments,
            env=self._engine.environment(),
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
    """A container where the engine has the image, else a process."""

    def __init__(self, docker: DockerRunner | None, process: Runner) -> None:
        self._docker = docker
        self._process = process

    async def run(self, task: Task, *, started: Callable[[], None], output: Output, stop: asyncio.Event) -> int:
        runner: Runner = self._process
        if self._docker is not None and await self._docker.obtains(task.image):
            runner = self._docker
        return await runner.run(task, started=started, output=output, stop=stop)
