"""What lies under a digest: an image for one platform, an index of several, or something that is no image."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cli.errors import CliError
from cli.registry.client import DOCKER_LIST, OCI_INDEX, Manifest, Repository
from cli.registry.documents import items, mapping

PLATFORM: Final = "linux/arm64"
_INDEXES: Final = (OCI_INDEX, DOCKER_LIST)
_IMAGE_CONFIGS: Final = (
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
)
_BUILD_CACHE: Final = "application/vnd.buildkit.cacheconfig.v0"
_ATTESTATION: Final = "application/vnd.in-toto+json"
_HOW_TO_BUILD: Final = (
    "Build it for linux/arm64 alone and without attestations, as `pulumi up` does, or with "
    "`docker buildx build --platform linux/arm64 --provenance=false --sbom=false`."
)


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a manifest stands for."""

    kind: str
    """`image`, `index`, `build cache`, `attestation` or `artifact`."""
    platform: str = ""
    """Of an image: `os/architecture` or `os/architecture/variant`; of an index: those in it, by commas."""
    artifact_type: str = ""
    """Of anything else: its media type."""

    @property
    def label(self) -> str:
        """A few words for a table."""
        if self.kind == "image":
            return self.platform
        return f"{self.kind} ({self.platform or self.artifact_type or 'empty'})"


def content_of(repository: Repository, manifest: Manifest) -> Content:
    """Look into a manifest, and into the configuration that it names if it is an image's.

    Raises:
        CliError: the configuration can't be read.
    """
    document = manifest.document
    media_type = manifest.media_type or str(document.get("mediaType", ""))
    if media_type in _INDEXES or "manifests" in document:
        return Content(kind="index", platform=", ".join(_platforms_in(document)))
    config = mapping(document.get("config"))
    config_type = str(config.get("mediaType", ""))
    layers = [str(mapping(layer).get("mediaType", "")) for layer in items(document.get("layers"))]
    artifact = str(document.get("artifactType", ""))
    if config_type == _BUILD_CACHE:
        return Content(kind="build cache", artifact_type=config_type)
    if _ATTESTATION in layers:
        return Content(kind="attestation", artifact_type=_ATTESTATION)
    if config_type not in _IMAGE_CONFIGS or (artifact and artifact not in _IMAGE_CONFIGS):
        return Content(kind="artifact", artifact_type=artifact or config_type or media_type)
    return Content(kind="image", platform=_platform(_configuration(repository, str(config.get("digest", "")))))


def check_platform(repository: Repository, manifest: Manifest) -> Content:
    """Refuse anything that Batch, Lambda and ECS could not run alike.

    Raises:
        CliError: it is no image, an index, or an image for something else than linux/arm64.
    """
    content = content_of(repository, manifest)
    found = f"{manifest.digest} in {repository.subject}"
    if content.kind == "index":
        raise CliError(
            f"{found} is an index of several manifests ({content.platform or 'empty'}); expected one image for "
            f"{PLATFORM}: Lambda takes no index. {_HOW_TO_BUILD}"
        )
    if content.kind != "image":
        article = "an" if content.kind[0] in "aeiou" else "a"
        raise CliError(
            f"{found} is {article} {content.kind} ({content.artifact_type or 'of no type'}), not an image; expected "
            f"one image for {PLATFORM}. `slipway images` lists what is there."
        )
    if content.platform not in (PLATFORM, f"{PLATFORM}/v8"):
        raise CliError(
            f"{found} is an image for {content.platform}; expected {PLATFORM}, on which all jobs, functions and "
            f"services run. {_HOW_TO_BUILD}"
        )
    return content


def _configuration(repository: Repository, digest: str) -> Mapping[str, Any]:
    try:
        return mapping(json.loads(repository.blob(digest)))
    except ValueError as error:
        raise CliError(f"The configuration {digest} in {repository.subject} is not JSON: it is damaged.") from error


def _platform(config: Mapping[str, Any]) -> str:
    parts = [str(config.get("os") or "unknown"), str(config.get("architecture") or "unknown")]
    return "/".join([*parts, str(config["variant"])] if config.get("variant") else parts)


def _platforms_in(index: Mapping[str, Any]) -> list[str]:
    return [_platform(mapping(mapping(entry).get("platform"))) for entry in items(index.get("manifests"))]
