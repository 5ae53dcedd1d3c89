"""Images: built by a Docker engine or by the sandbox itself, and listed in the sandbox's registry."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sandbox import docker_images, images
from sandbox.context import Context, Inputs, Outputs
from sandbox.docker_engine import DockerEngine
from sandbox.errors import DeploymentError

_IRRELEVANT: Final = (
    "builder",
    "buildOnPreview",
    "cacheFrom",
    "cacheTo",
    "ignoreSecretsInDiffCalculation",
    "load",
    "network",
    "registries",
)
"""How a real builder caches, pushes and annotates; it doesn't change what a job runs."""
_MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"
_MANIFEST_TYPES: Final = (_MANIFEST_TYPE, "application/vnd.docker.distribution.manifest.v2+json")
"""Of one image; an index has others."""


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
    tags: list[str] = inputs.get("tags", [])
    pushes = bool(inputs.get("push")) or any(_pushes(export) for export in inputs.get("exports", []))
    what = docker_images.Build(
        context=folder,
        dockerfile=file,
        build_args=inputs.get("buildArgs", {}),
        labels=inputs.get("labels", {}),
        no_cache=inputs.get("noCache", False),
        pull=inputs.get("pull", False),
    )
    if context.docker is not None and tags and pushes:
        try:
            digest = _with_engine(context, context.docker, what, tags)
        except docker_images.DockerError as error:
            advice = context.advise(inputs.name, [str(error)])
            raise DeploymentError(f"{error}\n  {advice}" if advice else str(error)) from error
    else:
        digest = _interpreted(context, folder, file, what.build_args, tags if pushes else [])
    return digest, {
        "digest": digest,
        "ref": f"{tags[0]}@{digest}" if tags else digest,
        "contextHash": digest.removeprefix("sha256:"),
    }


def _pushes(export: Mapping[str, Any]) -> bool:
    """Whether an export of the build goes to a registry."""
    return "registry" in export or "type=registry" in export.get("raw", "").split(",")


def _with_engine(context: Context, engine: DockerEngine, what: docker_images.Build, tags: list[str]) -> str:
    """Build and push; the digest is what the registry says it has."""
    docker_images.build(engine, what, tags)
    for reference in tags:
        docker_images.push(engine, reference)
    repository, tag = _parts(tags[0])
    answer = context.client("ecr").batch_get_image(repositoryName=repository, imageIds=[{"imageTag": tag}])
    if not answer["images"]:
        raise DeploymentError(f"{tags[0]} was pushed, but the registry doesn't have it: {answer['failures']}")
    pushed = answer["images"][0]
    manifest: Mapping[str, Any] = json.loads(pushed["imageManifest"])
    if manifest.get("mediaType", _MANIFEST_TYPE) not in _MANIFEST_TYPES or "config" not in manifest:
        raise DeploymentError(f"{tags[0]} was pushed as {manifest.get('mediaType')}; Lambda takes only a single image.")
    return pushed["imageId"]["imageDigest"]


def _interpreted(
    context: Context, folder: Path, dockerfile: Path | None, build_args: Mapping[str, str], tags: list[str]
) -> str:
    try:
        built = images.build(folder, dockerfile, build_args, context.state)
    except images.ImageError as error:
        raise DeploymentError(str(error)) from error
    for reference in tags:
        repository, tag = _parts(reference)
        client = context.client("ecr")
        _push_config(client, repository, built.config)
        client.put_image(
            repositoryName=repository,
            imageTag=tag,
            imageManifest=built.manifest,
            imageManifestMediaType=_MANIFEST_TYPE,
            imageDigest=built.digest,
        )
    return built.digest


def _push_config(client: Any, repository: str, config: bytes) -> None:
    """Send the blob that tells the platform. Layers are not sent: jobs take them from the sandbox's own store."""
    place = {"repositoryName": repository}
    place["uploadId"] = client.initiate_layer_upload(**place)["uploadId"]
    client.upload_layer_part(**place, partFirstByte=0, partLastByte=len(config) - 1, layerPartBlob=config)
    client.complete_layer_upload(**place, layerDigests=[f"sha256:{hashlib.sha256(config).hexdigest()}"])


def _parts(reference: str) -> tuple[str, str]:
    """Repository and tag of `host/repository:tag`."""
    repository, _, tag = reference.partition("/")[2].rpartition(":")
    return repository, tag


CREATORS: Final = {"docker-build:index:Image": image}
