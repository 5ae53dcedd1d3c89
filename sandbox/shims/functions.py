"""Functions run in a bounded number of processes, versions have ARNs of their own, and no policy is an empty one."""

import json
import threading
from collections.abc import Callable, Mapping
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
    replace(service, "_create_function", _tell_version)
    replace(service, "_update_code", _tell_version)
    replace(service, "_put_event_invoke_config", _without_age)


def _tell_version(original: Callable[..., Any]) -> Callable[..., Any]:
    """The ARN of a version that is published with its code ends in its number; the hash of an image is its digest."""

    def write(*arguments: Any) -> Any:
        answer = original(*arguments)
        if answer[0] not in (HTTPStatus.OK, HTTPStatus.CREATED):
            return answer
        service = emulator.service("lambda_svc")
        response: dict[str, Any] = json.loads(answer[2])
        function = service._functions[response["FunctionName"]]
        for config in (function["config"], *(record["config"] for record in function["versions"].values())):
            if config.get("ImageUri"):
                config["CodeSha256"] = config["ImageUri"].rpartition(":")[2]
            if config["Version"] != "$LATEST":
                config["FunctionArn"] = f"{function['config']['FunctionArn']}:{config['Version']}"
        response["CodeSha256"] = function["config"]["CodeSha256"]
        return service.json_response(response, answer[0])

    return write


def _without_age(original: Callable[..., Any]) -> Callable[..., Any]:
    """An age that was never set must stay absent, or each preview of the real provider shows a change."""

    def put(name: str, qualifier: str | None, data: Mapping[str, Any]) -> Any:
        answer = original(name, qualifier, data)
        if answer[0] != HTTPStatus.OK or "MaximumEventAgeInSeconds" in data:
            return answer
        service = emulator.service("lambda_svc")
        config = service._functions[name]["event_invoke_configs"][qualifier or ""]
        config.pop("MaximumEventAgeInSeconds", None)
        return service.json_response(config)

    return put


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
