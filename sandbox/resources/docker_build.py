"""Images: built by the sandbox itself, and listed in the sandbox's registry."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from sandbox import images
from sandbox.context import Context, Inputs, Outputs
from sandbox.errors import DeploymentError

_IRRELEVANT: Final = (
    "builder",
    "buildOnPreview",
    "cacheFrom",
    "cacheTo",
    "ignoreSecretsInDiffCalculation",
    "labels",
    "load",
    "network",
    "noCache",
    "pull",
    "registries",
)
"""How a real builder caches, pushes and annotates; it doesn't change what a job runs."""
_MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"


def image(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`docker-build:index:Image`, for one platform and pushed to the sandbox's registry."""
    inputs.accept(_IRRELEVANT)
    platforms: list[str] = inputs.get("platforms", [])
    if len(platforms) > 1:
        raise DeploymentError(
            f"{inputs.type} {inputs.name!r} is built for {', '.join(platforms)}; the sandbox builds one."
        )
    location: Mapping[str, Any] = inputs.need("context")
    folder = context.root / location["location"]
    dockerfile: Mapping[str, Any] = inputs.get("dockerfile", {})
    file = context.root / dockerfile["location"] if dockerfile.get("location") else None
    try:
        built = images.build(folder, file, inputs.get("buildArgs", {}), context.state)
    except images.ImageError as error:
        raise DeploymentError(str(error)) from error
    tags: list[str] = inputs.get("tags", [])
    if inputs.get("push") or any(_pushes(export) for export in inputs.get("exports", [])):
        for tag in tags:
            _push(context, tag, built)
    return built.digest, {
        "digest": built.digest,
        "ref": f"{tags[0]}@{built.digest}" if tags else built.digest,
        "contextHash": built.digest.removeprefix("sha256:"),
    }


def _pushes(export: Mapping[str, Any]) -> bool:
    """Whether an export of the build goes to a registry."""
    return "registry" in export or "type=registry" in export.get("raw", "").split(",")


def _push(context: Context, reference: str, built: images.Image) -> None:
    repository, _, tag = reference.partition("/")[2].rpartition(":")
    client = context.client("ecr")
    _push_config(client, repository, built)
    client.put_image(
        repositoryName=repository,
        imageTag=tag,
        imageManifest=built.manifest,
        imageManifestMediaType=_MANIFEST_TYPE,
        imageDigest=built.digest,
    )


def _push_config(client: Any, repository: str, built: images.Image) -> None:
    """Send the blob that tells the platform. Layers are not sent: jobs take them from the sandbox's own store."""
    config = built.config
    upload = client.initiate_layer_upload(repositoryName=repository)["uploadId"]
    place = {"repositoryName": repository, "uploadId": upload}
    client.upload_layer_part(**place, partFirstByte=0, partLastByte=len(config) - 1, layerPartBlob=config)
    digest = f"sha256:{hashlib.sha256(config).hexdigest()}"
    client.complete_layer_upload(**place, layerDigests=[digest])


CREATORS: Final = {"docker-build:index:Image": image}
