"""ECR: immutable tags with exceptions, which a repository's build cache needs."""

import fnmatch
from collections.abc import Callable, Mapping
from typing import Any, Final

from sandbox import emulator
from sandbox.shims.replacing import replace

_FILTERS: Final = "imageTagMutabilityExclusionFilters"


def install() -> None:
    """Replace the emulator's functions."""
    ecr = emulator.service("ecr")
    replace(ecr, "_create_repository", _keep_filters)
    replace(ecr, "_put_image_tag_mutability", _keep_filters)
    replace(ecr, "_repo_shape", _show_filters)
    replace(ecr, "_put_image", _respect_filters)


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
        repository = emulator.service("ecr")._repositories.get(data.get("repositoryName", ""), {})
        mode: str = repository.get("imageTagMutability", "")
        if not mode.endswith("_WITH_EXCLUSION"):
            return original(data)
        filters: list[Mapping[str, str]] = repository.get(_FILTERS, [])
        excepted = any(fnmatch.fnmatchcase(data.get("imageTag", ""), entry["filter"]) for entry in filters)
        repository["imageTagMutability"] = "IMMUTABLE" if (mode.startswith("IMMUTABLE") != excepted) else "MUTABLE"
        try:
            return original(data)
        finally:
            repository["imageTagMutability"] = mode

    return put
