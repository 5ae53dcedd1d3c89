"""The only door to ministack, whose modules carry no types: everything that comes through is `Any`.

ministack reads its environment when it is imported: set it first, see `sandbox.environment`.
"""

import asyncio
import importlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

_WORKER_THREADS: Final = 32
_FIRST_SERVICES: Final = (
    "s3",
    "ecr",
    "ec2",
    "iam",
    "cloudwatch_logs",
    "lambda_svc",
    "apigateway_v1",
    "dynamodb",
    "eventbridge",
    "cloudfront",
)


def app() -> Any:
    """The module `ministack.app`."""
    return importlib.import_module("ministack.app")


def core(name: str) -> Any:
    """A module of `ministack.core`."""
    return importlib.import_module(f"ministack.core.{name}")


def service(name: str) -> Any:
    """A module of `ministack.services`, registered with the application as its first request would do."""
    return app()._get_module(name)


def start() -> None:
    """Do what ministack's own start does for a server that needs no listener, Docker sweep or start-up script.

    Its lifespan handler is never run: that one removes containers by label, opens ports and runs scripts from /etc.
    Call it on the event loop that serves the requests.
    """
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(_WORKER_THREADS, thread_name_prefix="emulator"))
    app()._MAIN_LOOP = loop


def warm() -> None:
    """Import the services that a deployment meets first, while its program still loads its own libraries."""
    for name in _FIRST_SERVICES:
        service(name)


def stop() -> None:
    """End the processes in which functions ran."""
    core("lambda_runtime").reset()
