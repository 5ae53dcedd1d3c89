"""ECR: image scans. The sandbox has no scanner and says so; it never says that an image has no findings."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from sandbox import emulator
from sandbox.shims.ecr_images import answer, find, no_image, no_repository, refuse
from sandbox.shims.replacing import replace

Data = Mapping[str, Any]

_STARTED: Final = "imageScanStarted"
_STATUS: Final = {
    "status": "UNSUPPORTED_IMAGE",
    "description": "UnsupportedImageError: The sandbox has no scanner. Nobody has looked at this image.",
}


def install() -> None:
    """Replace the emulator's function that knows the service's actions."""
    replace(emulator.service("ecr"), "handle_request", _with_scans)


def _with_scans(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    actions: Mapping[str, Callable[[Data], Any]] = {
        "DescribeImageScanFindings": _describe_findings,
        "StartImageScan": _start_scan,
    }

    async def handle(method: str, path: str, headers: Mapping[str, str], body: bytes, query: Any) -> Any:
        action = actions.get(headers.get("x-amz-target", "").rpartition(".")[2])
        if action is None:
            return await original(method, path, headers, body, query)
        return action(json.loads(body or b"{}"))

    return handle


def _start_scan(data: Data) -> Any:
    image, refused = _image(data)
    if refused:
        return refused
    image[_STARTED] = True
    return answer({**_names(data, image), "imageScanStatus": _STATUS})


def _describe_findings(data: Data) -> Any:
    image, refused = _image(data)
    if refused:
        return refused
    repository = emulator.service("ecr")._repositories[data["repositoryName"]]
    on_push: bool = repository.get("imageScanningConfiguration", {}).get("scanOnPush", False)
    if not (on_push or image.get(_STARTED)):
        wanted = f"imageDigest:'{image['imageDigest']}'"
        message = f"Image scan does not exist for the image with '{{{wanted}}}' in the repository with name "
        registry = emulator.service("ecr").get_account_id()
        where = f"'{data['repositoryName']}' in the registry with id '{registry}'"
        return refuse("ScanNotFoundException", message + where)
    return answer({**_names(data, image), "imageScanStatus": _STATUS})


def _image(data: Data) -> tuple[Any, Any]:
    """The image that a call is for, or the refusal of the call."""
    refused = no_repository(data)
    if refused:
        return None, refused
    image = find(data["repositoryName"], data["imageId"])
    return image, None if image is not None else no_image(data, data["imageId"])


def _names(data: Data, image: Mapping[str, Any]) -> dict[str, Any]:
    registry = emulator.service("ecr").get_account_id()
    image_id = {**data["imageId"], "imageDigest": image["imageDigest"]}
    return {"registryId": registry, "repositoryName": data["repositoryName"], "imageId": image_id}
