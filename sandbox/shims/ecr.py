"""ECR: immutable tags with exceptions, which a build cache needs, and addresses to which images can be pushed."""

import fnmatch
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from sandbox import emulator
from sandbox.shims.ecr_answers import address
from sandbox.shims.replacing import replace

_FILTERS: Final = "imageTagMutabilityExclusionFilters"


def install() -> None:
    """Replace the emulator's functions."""
    ecr = emulator.service("ecr")
    replace(ecr, "_create_repository", _keep_filters)
    replace(ecr, "_put_image_tag_mutability", _keep_filters)
    replace(ecr, "_repo_shape", _show_filters)
    replace(ecr, "_put_image", _respect_filters)
    replace(ecr, "_repo_uri", _on_this_machine)
    replace(ecr, "_get_authorization_token", _for_this_machine)


def _keep_filters(original: Callable[..., Any]) -> Callable[..., Any]:
    def write(data: Mapping[str, Any]) -> Any:
        answer = original(data)
        repository = emulator.service("ecr")._repositories.get(data.get("repositoryName", ""))
        if repository is not None and answer[0] == 200:
            repository[_FILTERS] = data.get(_FILTERS, [])
        return answer

    return write


def _show_filters(original: Callable[..., Any]) -> Callable[..., Any]:
    def show(repository: Mapping[str, Any]) -> dict[str, Any]:
        shape: dict[str, Any] = original(repository)
        if repository.get(_FILTERS):
            shape[_FILTERS] = repository[_FILTERS]
        return shape

    return show


def _respect_filters(original: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse to move a tag that no filter excepts, as in a repository whose tags are all immutable."""

    def put(data: Mapping[str, Any]) -> Any:
        name: str = data.get("repositoryName", "")
        repository = emulator.service("ecr")._repositories.get(name, {})
        mode: str = repository.get("imageTagMutability", "")
        if not mode.endswith("_WITH_EXCLUSION"):
            return original(data)
        repository["imageTagMutability"] = mutability(name, data.get("imageTag", ""))
        try:
            return original(data)
        finally:
            repository["imageTagMutability"] = mode

    return put


def mutability(name: str, tag: str) -> str:
    """`IMMUTABLE` or `MUTABLE`: what counts for one tag of a repository, its exceptions included."""
    repository = emulator.service("ecr")._repositories.get(name, {})
    mode: str = repository.get("imageTagMutability", "")
    if not mode.endswith("_WITH_EXCLUSION"):
        return mode
    filters: list[Mapping[str, str]] = repository.get(_FILTERS, [])
    excepted = any(fnmatch.fnmatchcase(tag, entry["filter"]) for entry in filters)
    return "IMMUTABLE" if mode.startswith("IMMUTABLE") != excepted else "MUTABLE"


def _on_this_machine(_original: Callable[..., Any]) -> Callable[..., Any]:
    """Repositories are where the sandbox speaks the registry protocol: a push to AWS's host name would go to AWS."""

    def uri(name: str) -> str:
        return f"{address()}/{name}"

    return uri


def _for_this_machine(original: Callable[..., Any]) -> Callable[..., Any]:
    def token(data: Mapping[str, Any]) -> Any:
        status, headers, body = original(data)
        content = json.loads(body)
        for entry in content["authorizationData"]:
            entry["proxyEndpoint"] = f"http://{address()}"
        return status, headers, json.dumps(content).encode()

    return token
