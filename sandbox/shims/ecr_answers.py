"""ECR: what its calls have in common: the repository that each is for, its refusals, and its pages."""

import json
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from sandbox import emulator
from sandbox.shims.replacing import replace

Data = Mapping[str, Any]
Action = Callable[[Data], Any]

_PAGE: Final = 100
"""Entries of one page unless the caller says otherwise [ECR API reference, "DescribeImages", "ListImages",
"GetLifecyclePolicyPreview"]."""


def add(actions: Mapping[str, Action]) -> None:
    """Answer actions that the emulator doesn't know, each for a repository that is there."""

    def extended(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def handle(method: str, path: str, headers: Mapping[str, str], body: bytes, query: Any) -> Any:
            action = actions.get(headers.get("x-amz-target", "").rpartition(".")[2])
            if action is None:
                return await original(method, path, headers, body, query)
            return in_repository(action)(json.loads(body or b"{}"))

        return handle

    replace(emulator.service("ecr"), "handle_request", extended)


def in_repository(action: Action) -> Action:
    """The action, for a repository that is there; ECR's refusal for another."""

    def answered(data: Data) -> Any:
        name = data.get("repositoryName", "")
        if name in emulator.service("ecr")._repositories:
            return action(data)
        message = f"The repository with name '{name}' does not exist in the registry with id '{registry_id()}'"
        return refuse("RepositoryNotFoundException", message)

    return answered


def answer(document: Data) -> Any:
    """An answer of ECR."""
    return emulator.core("responses").json_response(document)


def refuse(code: str, message: str) -> Any:
    """An answer of ECR that is an error."""
    return emulator.core("responses").error_response_json(code, message, 400)


def page(data: Data, name: str, entries: Sequence[Any], **more: Any) -> Any:
    """An answer with the entries of the page that was asked for, and whatever else it has."""
    start, size = int(data.get("nextToken") or 0), int(data.get("maxResults") or _PAGE)
    token = {"nextToken": str(start + size)} if start + size < len(entries) else {}
    return answer({**more, name: entries[start : start + size], **token})


def has_wanted_tags(data: Data, entry: Mapping[str, Any]) -> bool:
    """Whether a call's filter takes an image: tagged ones, untagged ones, or any."""
    return data.get("filter", {}).get("tagStatus", "ANY") in ("ANY", "TAGGED" if entry.get("imageTags") else "UNTAGGED")


def names(data: Data) -> dict[str, str]:
    """Registry and repository, as answers tell them."""
    return {"registryId": registry_id(), "repositoryName": data["repositoryName"]}


def repository(data: Data) -> str:
    """Registry and repository, as the texts of errors tell them."""
    return f"the repository with name '{data['repositoryName']}' in the registry with id '{registry_id()}'"


def registry_id() -> str:
    """The account."""
    return str(emulator.service("ecr").get_account_id())


def address() -> str:
    """Host and port where the sandbox speaks the registry protocol."""
    return f"127.0.0.1:{os.environ['GATEWAY_PORT']}"
