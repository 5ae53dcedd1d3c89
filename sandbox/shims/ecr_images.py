"""ECR: images by digest, with the errors, sizes and pages that AWS answers, and layers that can be sent and fetched.

Manifests are stored both for the API and for the registry protocol, whichever of the two brought them.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

from sandbox import emulator
from sandbox.shims.ecr_answers import (
    Data,
    address,
    answer,
    has_wanted_tags,
    in_repository,
    names,
    page,
    refuse,
    registry_id,
    repository,
)
from sandbox.shims.replacing import replace

_PART_BYTES: Final = 10 * 1024 * 1024
"""[ECR API reference, "InitiateLayerUpload"]."""
_MANIFEST_CHARACTERS: Final = 4_194_304
"""[ECR API reference, "PutImage"]."""


def install() -> None:
    """Replace the emulator's functions."""
    ecr = emulator.service("ecr")
    replace(ecr, "_put_image", _put_image)
    for name, action in {
        "_batch_get_image": _batch_get_image,
        "_batch_delete_image": _batch_delete_image,
        "_list_images": _list_images,
        "_describe_images": _describe_images,
        "_get_download_url_for_layer": _download_url,
        "_batch_check_layer_availability": _availability,
        "_initiate_layer_upload": _initiate_upload,
        "_upload_layer_part": _upload_part,
        "_complete_layer_upload": _complete_upload,
    }.items():
        replace(ecr, name, lambda _original, action=action: in_repository(action))


def no_image(data: Data, image_id: Data) -> Any:
    """The refusal of a call for an image that isn't there."""
    wanted = f"imageDigest:'{image_id.get('imageDigest', 'null')}', imageTag:'{image_id.get('imageTag', 'null')}'"
    message = f"The image with imageId {{{wanted}}} does not exist within {repository(data)}"
    return refuse("ImageNotFoundException", message)


def find(name: str, image_id: Data) -> dict[str, Any] | None:
    """The image that a tag, a digest, or both of them name."""
    image: dict[str, Any] | None = emulator.service("ecr")._find_image(name, image_id)
    return None if image is None or _mismatch(image, image_id) else image


def _mismatch(image: Mapping[str, Any], image_id: Data) -> bool:
    digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
    return bool(digest and image["imageDigest"] != digest) or bool(tag and tag not in image.get("imageTags", []))


def _put_image(original: Callable[..., Any]) -> Callable[..., Any]:
    def put(data: Data) -> Any:
        refused = _refuse_image(data)
        if refused:
            return refused
        # Without a word from the caller, the manifest's own counts.
        stated = data.get("imageManifestMediaType") or document_of(data["imageManifest"]).get("mediaType")
        done = original({**data, "imageManifestMediaType": stated} if stated else data)
        if done[0] == 200:
            raw = data["imageManifest"].encode()
            blobs = emulator.service("ecr")._manifest_blobs.setdefault(data["repositoryName"], {})
            blobs[_digest(raw)] = raw
        return done

    return in_repository(put)


def _refuse_image(data: Data) -> Any:
    """What ECR says to a manifest that isn't what the caller says, or that changes nothing."""
    name, tag = data["repositoryName"], data.get("imageTag")
    manifest: str = data.get("imageManifest", "")
    if not manifest or len(manifest) > _MANIFEST_CHARACTERS:
        return refuse("InvalidParameterException", "Invalid parameter at 'imageManifest' failed to satisfy constraint")
    digest = _digest(manifest.encode())
    claimed = data.get("imageDigest") or digest
    if claimed != digest:
        message = f"The provided image digest '{claimed}' does not match the calculated image digest '{digest}'"
        return refuse("ImageDigestDoesNotMatchException", message)
    found = find(name, {"imageDigest": digest})
    if found is None or (tag and tag not in found.get("imageTags", [])):
        return None
    named = f" and tag '{tag}'" if tag else ""
    message = f"Image with digest '{digest}'{named} already exists in the repository with name '{name}'"
    return refuse("ImageAlreadyExistsException", f"{message} in registry with id '{registry_id()}'")


def _batch_get_image(data: Data) -> Any:
    images: list[dict[str, Any]] = []
    failures: list[dict[str, Any]] = []
    for image_id in data.get("imageIds", []):
        found, failure = _look_up(data, image_id)
        if found is None:
            failures.append(failure)
        else:
            # An image is answered under the name that was asked for.
            tagged = {"imageTag": image_id["imageTag"]} if image_id.get("imageTag") else {}
            images.append(
                {
                    **names(data),
                    "imageId": {"imageDigest": found["imageDigest"], **tagged},
                    "imageManifest": found["imageManifest"],
                    "imageManifestMediaType": found["imageManifestMediaType"],
                }
            )
    return answer({"images": images, "failures": failures})


def _look_up(data: Data, image_id: Data) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """The image, or the failure that stands for it."""

    def failure(code: str, reason: str) -> tuple[None, dict[str, Any]]:
        return None, {"imageId": image_id, "failureCode": code, "failureReason": reason}

    if not image_id.get("imageDigest") and not image_id.get("imageTag"):
        return failure("MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null")
    image: dict[str, Any] | None = emulator.service("ecr")._find_image(data["repositoryName"], image_id)
    if image is not None and _mismatch(image, image_id):
        return failure("ImageTagDoesNotMatchDigest", "Requested tag does not match digest")
    accepted = data.get("acceptedMediaTypes")
    if image is None or (accepted and image["imageManifestMediaType"] not in accepted):
        return failure("ImageNotFound", "Requested image not found")
    return image, {}


def _batch_delete_image(data: Data) -> Any:
    """A tag goes alone, unless it is the image's last; a digest takes the image and all its tags."""
    ecr, name = emulator.service("ecr"), data["repositoryName"]
    deleted: list[Mapping[str, Any]] = []
    failures: list[Mapping[str, Any]] = []
    for image_id in data.get("imageIds", []):
        found, failure = _look_up(data, image_id)
        if found is None:
            failures.append(failure)
            continue
        named = [image_id["imageTag"]] if image_id.get("imageTag") else _tags(found)
        deleted += _ids(found, named)
        found["imageTags"] = [tag for tag in _tags(found) if tag not in named]
        if not found["imageTags"]:
            ecr._images[name].remove(found)
            ecr._manifest_blobs.get(name, {}).pop(found["imageDigest"], None)
    return answer({"imageIds": deleted, "failures": failures})


def _list_images(data: Data) -> Any:
    """One entry for each tag; one without a tag for an image that has none."""
    images: Sequence[Mapping[str, Any]] = emulator.service("ecr")._images.get(data["repositoryName"], [])
    wanted = [image for image in images if has_wanted_tags(data, image)]
    return page(data, "imageIds", [entry for image in wanted for entry in _ids(image, _tags(image))])


def _ids(image: Mapping[str, Any], tags: Sequence[str]) -> list[dict[str, str]]:
    digest = {"imageDigest": image["imageDigest"]}
    return [{**digest, "imageTag": tag} for tag in tags] or [digest]


def _describe_images(data: Data) -> Any:
    name = data["repositoryName"]
    images: Sequence[Mapping[str, Any]] = emulator.service("ecr")._images.get(name, [])
    if data.get("imageIds"):
        found = {id(image_id): find(name, image_id) for image_id in data["imageIds"]}
        for image_id in data["imageIds"]:
            if found[id(image_id)] is None:
                return no_image(data, image_id)
        images = [image for image in found.values() if image is not None]
    return page(data, "imageDetails", [_detail(data, image) for image in images if has_wanted_tags(data, image)])


def _tags(image: Mapping[str, Any]) -> list[str]:
    return image.get("imageTags", [])


def _detail(data: Data, image: Mapping[str, Any]) -> dict[str, Any]:
    manifest = document_of(image["imageManifest"])
    config: Mapping[str, Any] = manifest.get("config") or {}
    layers: Sequence[Mapping[str, Any]] = manifest.get("layers", [])
    artifact: str = manifest.get("artifactType") or config.get("mediaType") or image["imageManifestMediaType"]
    detail: dict[str, Any] = {
        **names(data),
        "imageDigest": image["imageDigest"],
        "imageSizeInBytes": sum(int(part.get("size", 0)) for part in (config, *layers)),
        "imagePushedAt": image["imagePushedAt"],
        "imageManifestMediaType": image["imageManifestMediaType"],
        "artifactMediaType": artifact,
        "imageStatus": "ACTIVE",
    }
    if subject_of(manifest):
        detail["subjectManifestDigest"] = subject_of(manifest)
    return {**detail, "imageTags": _tags(image)} if _tags(image) else detail


def subject_of(manifest: Mapping[str, Any]) -> str:
    """The digest that a reference artifact, such as a signature, is about; empty for an image."""
    subject = manifest.get("subject")
    return str(cast("dict[str, Any]", subject).get("digest", "")) if isinstance(subject, dict) else ""


def document_of(manifest: str) -> dict[str, Any]:
    try:
        found: object = json.loads(manifest)
    except ValueError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _layers(data: Data) -> dict[str, bytes]:
    return emulator.service("ecr")._layer_blobs.setdefault(data["repositoryName"], {})


def _download_url(data: Data) -> Any:
    digest = data.get("layerDigest", "")
    if digest not in _layers(data):
        message = f"The layer with digest '{digest}' does not exist in {repository(data)}"
        return refuse("LayersNotFoundException", message)
    url = f"http://{address()}/v2/{data['repositoryName']}/blobs/{digest}"
    return answer({"downloadUrl": url, "layerDigest": digest})


def _availability(data: Data) -> Any:
    here, wanted = _layers(data), data.get("layerDigests", [])
    layers = [
        {"layerDigest": digest, "layerAvailability": "AVAILABLE", "layerSize": len(here[digest])}
        for digest in wanted
        if digest in here
    ]
    failures = [
        {"layerDigest": digest, "failureCode": "MissingLayerDigest", "failureReason": "Layer not found"}
        for digest in wanted
        if digest not in here
    ]
    return answer({"layers": layers, "failures": failures})


def _uploads(data: Data) -> dict[str, bytearray]:
    return emulator.service("ecr")._uploads.setdefault(data["repositoryName"], {})


def _initiate_upload(data: Data) -> Any:
    upload = emulator.core("responses").new_uuid()
    _uploads(data)[upload] = bytearray()
    return answer({"uploadId": upload, "partSize": _PART_BYTES})


def _upload_part(data: Data) -> Any:
    received = _uploads(data).get(data.get("uploadId", ""))
    if received is None:
        return _no_upload(data)
    if data.get("partFirstByte") != len(received):
        message = f"The layer part is not next: the last byte that was received is {len(received) - 1}"
        return refuse("InvalidLayerPartException", message)
    received.extend(base64.b64decode(data["layerPartBlob"]))
    return answer({**names(data), "uploadId": data["uploadId"], "lastByteReceived": len(received) - 1})


def _complete_upload(data: Data) -> Any:
    received = _uploads(data).get(data.get("uploadId", ""))
    if received is None:
        return _no_upload(data)
    wanted, content = list(data.get("layerDigests", [])), bytes(received)
    digest = _digest(content)
    if not content:
        return refuse("EmptyUploadException", "No layer part was uploaded")
    if digest not in wanted:
        message = f"Layer digest does not match: calculated '{digest}', provided {wanted}"
        return refuse("InvalidLayerException", message)
    del _uploads(data)[data["uploadId"]]
    _layers(data)[digest] = content
    return answer({**names(data), "uploadId": data["uploadId"], "layerDigest": digest})


def _no_upload(data: Data) -> Any:
    message = f"The upload with id '{data.get('uploadId', '')}' does not exist in {repository(data)}"
    return refuse("UploadNotFoundException", message)


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
