"""ECR: images by digest, with the errors, sizes and pages that AWS answers, and layers that can be sent and fetched.

Manifests are stored both for the API and for the registry protocol, whichever of the two brought them.
"""

import base64
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

from sandbox import emulator
from sandbox.shims.replacing import replace

Data = Mapping[str, Any]

_PAGE: Final = 100
"""Images of one page unless the caller says otherwise [ECR API reference, "DescribeImages", "ListImages"]."""
_PART_BYTES: Final = 10 * 1024 * 1024
"""[ECR API reference, "InitiateLayerUpload"]."""
_MANIFEST_CHARACTERS: Final = 4_194_304
"""[ECR API reference, "PutImage"]."""


def install() -> None:
    """Replace the emulator's functions."""
    ecr = emulator.service("ecr")
    for name, make in {
        "_put_image": _put_image,
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
        replace(ecr, name, make)


def refuse(code: str, message: str) -> Any:
    """An answer of ECR that is an error."""
    return emulator.core("responses").error_response_json(code, message, 400)


def answer(document: Data) -> Any:
    """An answer of ECR."""
    return emulator.core("responses").json_response(document)


def no_repository(data: Data) -> Any:
    """The refusal of a call for a repository that isn't there, or None."""
    name = data.get("repositoryName", "")
    ecr = emulator.service("ecr")
    if name in ecr._repositories:
        return None
    registry = ecr.get_account_id()
    message = f"The repository with name '{name}' does not exist in the registry with id '{registry}'"
    return refuse("RepositoryNotFoundException", message)


def no_image(data: Data, image_id: Data) -> Any:
    """The refusal of a call for an image that isn't there."""
    wanted = f"imageDigest:'{image_id.get('imageDigest', 'null')}', imageTag:'{image_id.get('imageTag', 'null')}'"
    message = f"The image with imageId {{{wanted}}} does not exist within the repository with name "
    registry = emulator.service("ecr").get_account_id()
    return refuse("ImageNotFoundException", f"{message}'{data['repositoryName']}' in the registry with id '{registry}'")


def find(name: str, image_id: Data) -> dict[str, Any] | None:
    """The image that a tag, a digest, or both of them name."""
    image: dict[str, Any] | None = emulator.service("ecr")._find_image(name, image_id)
    return None if image is None or _mismatch(image, image_id) else image


def _mismatch(image: Mapping[str, Any], image_id: Data) -> bool:
    digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
    return bool(digest and image["imageDigest"] != digest) or bool(tag and tag not in image.get("imageTags", []))


def _put_image(original: Callable[..., Any]) -> Callable[..., Any]:
    def put(data: Data) -> Any:
        refused = no_repository(data) or _refuse_image(data)
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

    return put


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
    registry = emulator.service("ecr").get_account_id()
    message = f"Image with digest '{digest}'{named} already exists in the repository with name '{name}'"
    return refuse("ImageAlreadyExistsException", f"{message} in registry with id '{registry}'")


def _batch_get_image(_original: Callable[..., Any]) -> Callable[..., Any]:
    def get(data: Data) -> Any:
        refused = no_repository(data)
        if refused:
            return refused
        images: list[dict[str, Any]] = []
        failures: list[dict[str, Any]] = []
        for image_id in data.get("imageIds", []):
            found, failure = _look_up(data, image_id)
            if found is None:
                failures.append({"imageId": image_id, "failureCode": failure[0], "failureReason": failure[1]})
            else:
                # An image is answered under the name that was asked for.
                tagged = {"imageTag": image_id["imageTag"]} if image_id.get("imageTag") else {}
                images.append(
                    {
                        "registryId": emulator.service("ecr").get_account_id(),
                        "repositoryName": data["repositoryName"],
                        "imageId": {"imageDigest": found["imageDigest"], **tagged},
                        "imageManifest": found["imageManifest"],
                        "imageManifestMediaType": found["imageManifestMediaType"],
                    }
                )
        return answer({"images": images, "failures": failures})

    return get


def _look_up(data: Data, image_id: Data) -> tuple[dict[str, Any] | None, tuple[str, str]]:
    missing = ("ImageNotFound", "Requested image not found")
    if not image_id.get("imageDigest") and not image_id.get("imageTag"):
        return None, ("MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null")
    image: dict[str, Any] | None = emulator.service("ecr")._find_image(data["repositoryName"], image_id)
    if image is None:
        return None, missing
    if _mismatch(image, image_id):
        return None, ("ImageTagDoesNotMatchDigest", "Requested tag does not match digest")
    accepted = data.get("acceptedMediaTypes")
    return (None, missing) if accepted and image["imageManifestMediaType"] not in accepted else (image, missing)


def _batch_delete_image(_original: Callable[..., Any]) -> Callable[..., Any]:
    """A tag goes alone, unless it is the image's last; a digest takes the image and all its tags."""

    def delete(data: Data) -> Any:
        refused = no_repository(data)
        if refused:
            return refused
        ecr, name = emulator.service("ecr"), data["repositoryName"]
        deleted: list[Mapping[str, Any]] = []
        failures: list[Mapping[str, Any]] = []
        for image_id in data.get("imageIds", []):
            found, failure = _look_up(data, image_id)
            if found is None:
                failures.append({"imageId": image_id, "failureCode": failure[0], "failureReason": failure[1]})
                continue
            named = [image_id["imageTag"]] if image_id.get("imageTag") else _tags(found)
            deleted += _ids(found, named)
            found["imageTags"] = [tag for tag in _tags(found) if tag not in named]
            if not found["imageTags"]:
                ecr._images[name].remove(found)
                ecr._manifest_blobs.get(name, {}).pop(found["imageDigest"], None)
        return answer({"imageIds": deleted, "failures": failures})

    return delete


def _list_images(_original: Callable[..., Any]) -> Callable[..., Any]:
    """One entry for each tag; one without a tag for an image that has none."""

    def list_(data: Data) -> Any:
        refused = no_repository(data)
        if refused:
            return refused
        status = data.get("filter", {}).get("tagStatus", "ANY")
        images: Sequence[Mapping[str, Any]] = emulator.service("ecr")._images.get(data["repositoryName"], [])
        wanted = [image for image in images if status in ("ANY", "TAGGED" if _tags(image) else "UNTAGGED")]
        return _page(data, "imageIds", [entry for image in wanted for entry in _ids(image, _tags(image))])

    return list_


def _ids(image: Mapping[str, Any], tags: Sequence[str]) -> list[dict[str, str]]:
    digest = {"imageDigest": image["imageDigest"]}
    return [{**digest, "imageTag": tag} for tag in tags] or [digest]


def _page(data: Data, name: str, entries: Sequence[Any]) -> Any:
    start, size = int(data.get("nextToken") or 0), int(data.get("maxResults") or _PAGE)
    more = {"nextToken": str(start + size)} if start + size < len(entries) else {}
    return answer({name: entries[start : start + size], **more})


def _describe_images(_original: Callable[..., Any]) -> Callable[..., Any]:
    def describe(data: Data) -> Any:
        refused = no_repository(data)
        if refused:
            return refused
        name = data["repositoryName"]
        images: Sequence[Mapping[str, Any]] = emulator.service("ecr")._images.get(name, [])
        if data.get("imageIds"):
            found = {id(image_id): find(name, image_id) for image_id in data["imageIds"]}
            for image_id in data["imageIds"]:
                if found[id(image_id)] is None:
                    return no_image(data, image_id)
            images = [image for image in found.values() if image is not None]
        status = data.get("filter", {}).get("tagStatus", "ANY")
        details = [
            _detail(name, image) for image in images if status in ("ANY", "TAGGED" if _tags(image) else "UNTAGGED")
        ]
        return _page(data, "imageDetails", details)

    return describe


def _tags(image: Mapping[str, Any]) -> list[str]:
    return image.get("imageTags", [])


def _detail(name: str, image: Mapping[str, Any]) -> dict[str, Any]:
    manifest = document_of(image["imageManifest"])
    config: Mapping[str, Any] = manifest.get("config") or {}
    layers: Sequence[Mapping[str, Any]] = manifest.get("layers", [])
    artifact: str = manifest.get("artifactType") or config.get("mediaType") or image["imageManifestMediaType"]
    detail: dict[str, Any] = {
        "registryId": emulator.service("ecr").get_account_id(),
        "repositoryName": name,
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


def _download_url(_original: Callable[..., Any]) -> Callable[..., Any]:
    def url(data: Data) -> Any:
        refused = no_repository(data)
        if refused:
            return refused
        name, digest = data["repositoryName"], data.get("layerDigest", "")
        if digest not in _layers(data):
            registry = emulator.service("ecr").get_account_id()
            message = f"The layer with digest '{digest}' does not exist in the repository with name '{name}'"
            return refuse("LayersNotFoundException", f"{message} in the registry with id '{registry}'")
        address = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}"
        return answer({"downloadUrl": f"{address}/v2/{name}/blobs/{digest}", "layerDigest": digest})

    return url


def _availability(_original: Callable[..., Any]) -> Callable[..., Any]:
    def check(data: Data) -> Any:
        refused = no_repository(data)
        if refused:
            return refused
        here = _layers(data)
        layers = [
            {"layerDigest": digest, "layerAvailability": "AVAILABLE", "layerSize": len(here[digest])}
            for digest in data.get("layerDigests", [])
            if digest in here
        ]
        failures = [
            {"layerDigest": digest, "failureCode": "MissingLayerDigest", "failureReason": "Layer not found"}
            for digest in data.get("layerDigests", [])
            if digest not in here
        ]
        return answer({"layers": layers, "failures": failures})

    return check


def _initiate_upload(_original: Callable[..., Any]) -> Callable[..., Any]:
    def initiate(data: Data) -> Any:
        refused = no_repository(data)
        if refused:
            return refused
        upload = emulator.core("responses").new_uuid()
        emulator.service("ecr")._uploads.setdefault(data["repositoryName"], {})[upload] = bytearray()
        return answer({"uploadId": upload, "partSize": _PART_BYTES})

    return initiate


def _upload_part(_original: Callable[..., Any]) -> Callable[..., Any]:
    def upload(data: Data) -> Any:
        refused = no_repository(data) or _no_upload(data)
        if refused:
            return refused
        received = emulator.service("ecr")._uploads[data["repositoryName"]][data["uploadId"]]
        if data.get("partFirstByte") != len(received):
            message = f"The layer part is not next: the last byte that was received is {len(received) - 1}"
            return refuse("InvalidLayerPartException", message)
        received.extend(base64.b64decode(data["layerPartBlob"]))
        names = {name: data[name] for name in ("repositoryName", "uploadId")}
        registry = emulator.service("ecr").get_account_id()
        return answer({**names, "registryId": registry, "lastByteReceived": len(received) - 1})

    return upload


def _complete_upload(_original: Callable[..., Any]) -> Callable[..., Any]:
    def complete(data: Data) -> Any:
        refused = no_repository(data) or _no_upload(data)
        if refused:
            return refused
        name, wanted = data["repositoryName"], list(data.get("layerDigests", []))
        content = bytes(emulator.service("ecr")._uploads[name][data["uploadId"]])
        digest = _digest(content)
        if not content:
            return refuse("EmptyUploadException", "No layer part was uploaded")
        if digest not in wanted:
            message = f"Layer digest does not match: calculated '{digest}', provided {wanted}"
            return refuse("InvalidLayerException", message)
        del emulator.service("ecr")._uploads[name][data["uploadId"]]
        _layers(data)[digest] = content
        registry = emulator.service("ecr").get_account_id()
        names = {"registryId": registry, "repositoryName": name, "uploadId": data["uploadId"]}
        return answer({**names, "layerDigest": digest})

    return complete


def _no_upload(data: Data) -> Any:
    name, upload = data["repositoryName"], data.get("uploadId", "")
    if upload in emulator.service("ecr")._uploads.get(name, {}):
        return None
    message = f"The upload with id '{upload}' does not exist in the repository with name '{name}'"
    return refuse("UploadNotFoundException", message)


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
