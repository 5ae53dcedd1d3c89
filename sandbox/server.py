"""The sandbox's server: `python -m sandbox.server --port N --state DIR --region R`.

One process, bound to 127.0.0.1. It replaces its own environment, refuses connections to other machines, and ends what
it started before it ends: first the jobs, while they can still reach it, then the listener, then the functions'
processes.
"""

import argparse
import asyncio
import functools
import importlib
import os
import shutil
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sandbox.environment import ACCOUNT_ID, endpoint_url, server_environment

SERVICE: Final = "slipway-sandbox"
STOP_GRACE_SECONDS: Final = 5.0
"""How long running jobs may take to finish when the server is asked to end; then they are FAILED."""
JOB_STOP_SECONDS: Final = 5.0
"""From SIGTERM to SIGKILL for a job that is ended; 30 on AWS, which is long for somebody who waits for `make down`."""
_CONNECTION_GRACE_SECONDS: Final = 1.0
_WARM_AFTER_SECONDS: Final = 0.1


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT. A second signal ends the process at once."""
    options = _parser().parse_args(arguments)
    state: Path = options.state.resolve()
    _prepare(state, options.port, options.region, options.instance)

    from sandbox import loopback

    loopback.install()
    try:
        asyncio.run(_serve(state, options))
    finally:
        shutil.rmtree(state / "tmp", ignore_errors=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sandbox.server", description="The sandbox's server, on 127.0.0.1.")
    parser.add_argument("--port", type=int, required=True, help="TCP port")
    parser.add_argument("--state", type=Path, required=True, help="folder for images, job history and temporary files")
    parser.add_argument("--region", required=True, help="AWS region that the sandbox plays")
    parser.add_argument("--grace", type=float, default=STOP_GRACE_SECONDS, help="seconds that jobs may take to finish")
    parser.add_argument("--docker", default="", help="docker command; without one jobs are processes")
    parser.add_argument("--docker-host", default="", help="address of the Docker engine")
    parser.add_argument("--instance", default=uuid.uuid4().hex, help="identity that the health endpoint answers")
    return parser


def _prepare(state: Path, port: int, region: str, instance: str) -> None:
    """Make the folders, and the environment that this process and its children will have."""
    shutil.rmtree(state / "tmp", ignore_errors=True)
    for folder in ("home", "tmp"):
        (state / folder).mkdir(parents=True, exist_ok=True)
    environment = server_environment(port, region, state, instance)
    os.environ.clear()
    os.environ.update(environment)


async def _serve(state: Path, options: argparse.Namespace) -> None:
    from hypercorn.config import Config

    from sandbox import emulator, shims
    from sandbox.gateway import Gateway
    from sandbox.shims import authorization

    identity = {
        "service": SERVICE,
        "instance": options.instance,
        "pid": os.getpid(),
        "port": options.port,
        "region": options.region,
        "startedAt": time.time(),
    }
    application = emulator.app().app
    batch = _batch(options, state, shims.publish_batch_event)
    shims.install()
    emulator.start()
    stopping = _signals()
    await batch.start()
    # A daemon, so that an early end doesn't wait for it; later, so that it doesn't slow the first answer.
    warming = threading.Thread(target=emulator.warm, name="warming", daemon=True)
    asyncio.get_running_loop().call_later(_WARM_AFTER_SECONDS, warming.start)
    config = Config()
    config.bind = [f"127.0.0.1:{options.port}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = _CONNECTION_GRACE_SECONDS
    config.h11_max_incomplete_size = 64 * 1024
    config.loglevel = "WARNING"

    async def stopped() -> None:
        await stopping.wait()
        await batch.stop(options.grace)

    try:
        serve: Any = importlib.import_module("hypercorn.asyncio").serve  # its own types are partial
        gateway = Gateway(
            application,
            batch,
            identity=identity,
            refuse=functools.partial(authorization.refuse_batch_call, region=options.region),
            calls=authorization.recorded_calls,
        )
        await serve(gateway, config, shutdown_trigger=stopped, mode="asgi")
    finally:
        emulator.stop()


def _batch(options: argparse.Namespace, state: Path, on_state_change: Callable[[Mapping[str, Any]], None]) -> Any:
    from sandbox.batch import Batch
    from sandbox.docker_engine import DockerEngine
    from sandbox.images import ImageStore
    from sandbox.shims import authorization

    return Batch(
        endpoint_url=endpoint_url(options.port),
        region=options.region,
        account_id=ACCOUNT_ID,
        images=ImageStore(state / "images"),
        history=state / "jobs.json",
        on_state_change=on_state_change,
        docker=DockerEngine(command=options.docker, host=options.docker_host) if options.docker else None,
        mark=options.instance,
        stop_seconds=JOB_STOP_SECONDS,
        credentials=authorization.role_credentials,
    )


def _signals() -> asyncio.Event:
    """An event that the first SIGTERM or SIGINT sets."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if stopping.is_set():
            os._exit(1)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    return stopping


if __name__ == "__main__":
    sys.exit(main())
