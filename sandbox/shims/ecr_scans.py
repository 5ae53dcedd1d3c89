"""ECR: image scans. The sandbox has no scanner and says so; it never says that an image has no findings."""

from collections.abc import Mapping
from typing import Any, Final

from sandbox import emulator
from sandbox.shims.ecr_answers import Data, add, answer, names, refuse, repository
from sandbox.shims.ecr_images import find, no_image

_STARTED: Final = "imageScanStarted"
_STATUS: Final = {
    "status": "UNSUPPORTED_IMAGE",
    "description": "UnsupportedImageError: The sandbox has no scanner. Nobody has looked at this image.",
}


def install() -> None:
    """Add the actions."""
    add({"DescribeImageScanFindings": _describe_findings, "StartImageScan": _start_scan})


def _start_scan(data: Data) -> Any:
    image = find(data["repositoryName"], data["imageId"])
    if image is None:
        return no_image(data, data["imageId"])
    image[_STARTED] = True
    return _status(data, image)


def _describe_findings(data: Data) -> Any:
    image = find(data["repositoryName"], data["imageId"])
    if image is None:
        return no_image(data, data["imageId"])
    settings = emulator.service("ecr")._repositories[data["repositoryName"]]
    on_push: bool = settings.get("imageScanningConfiguration", {}).get("scanOnPush", False)
    if not (on_push or image.get(_STARTED)):
        wanted = f"imageDigest:'{image['imageDigest']}'"
        message = f"Image scan does not exist for the image with '{{{wanted}}}' in {repository(data)}"
        return refuse("ScanNotFoundException", message)
    return _status(data, image)


def _status(data: Data, image: Mapping[str, Any]) -> Any:
    image_id = {**data["imageId"], "imageDigest": image["imageDigest"]}
    return answer({**names(data), "imageId": image_id, "imageScanStatus": _STATUS})
