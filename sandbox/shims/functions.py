"""Functions run in a bounded number of processes; one without permissions has no policy."""

import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from sandbox import emulator
from sandbox.shims.replacing import replace


def install(max_workers: int) -> None:
    """Replace the emulator's functions.

    Args:
        max_workers: processes that may run functions at once; further invocations wait for a free one. AWS scales out
            instead: a burst of 50 requests would start 50 interpreters on this machine.
    """
    slots = threading.BoundedSemaphore(max_workers)
    service = emulator.service("lambda_svc")

    def bounded(original: Callable[..., Any]) -> Callable[..., Any]:
        def execute(*arguments: Any, **options: Any) -> Any:
            with slots:
                return original(*arguments, **options)

        return execute

    replace(service, "_execute_function_warm", bounded)
    replace(service, "_get_policy", _refuse_empty_policy)


def _refuse_empty_policy(original: Callable[..., Any]) -> Callable[..., Any]:
    """A function from which the last permission was taken away has no policy."""

    def read(function: str, *arguments: Any) -> Any:
        answer = original(function, *arguments)
        service = emulator.service("lambda_svc")
        if answer[0] == HTTPStatus.OK and not service._functions[function]["policy"]["Statement"]:
            text = "The resource you requested does not exist."
            return service.error_response_json("ResourceNotFoundException", text, HTTPStatus.NOT_FOUND)
        return answer

    return read
