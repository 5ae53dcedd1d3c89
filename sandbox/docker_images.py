"""Images built by BuildKit and pushed over the registry protocol, where there is a Docker engine."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sandbox.docker_engine import SWITCH, DockerEngine
from sandbox.errors import DeploymentError

PLATFORM: Final = "linux/arm64"
_BUILD_SECONDS: Final = 1800.0
"""A build under emulation takes 5 to 10 times as long as on an arm64 machine."""
_PUSH_SECONDS: Final = 600.0
_COMMAND_SECONDS: Final = 30.0
_LINES: Final = 12
_BASE_IMAGE: Final = re.compile(
    r"^ > (?:\[internal\] load metadata|resolve image config) for (?:docker-image://)?(\S+?):?\s*$", re.MULTILINE
)
"""Heads the part of BuildKit's report on an image of FROM, or of `# syntax=`, that it could not get."""


class DockerError(DeploymentError):
    """A build or a push failed; the text is the end of what the engine said."""


@dataclass(frozen=True, kw_only=True)
class Build:
    """What a Dockerfile is built from, as the resource `docker-build:index:Image` has it."""

    context: Path
    dockerfile: Path | None = None
    """None for `Dockerfile` in the context."""
    build_args: Mapping[str, str] = field(default_factory=dict[str, str])
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    no_cache: bool = False
    pull: bool = False
    """Look for newer base images, though the engine holds some of that name."""


def build(engine: DockerEngine, what: Build, references: Sequence[str]) -> None:
    """Build an image for linux/arm64 alone; the engine has it afterwards under the given names.

    Args:
        engine: builds it.
        what: the context and its arguments.
        references: `host/repository:tag`; at least one.

    Raises:
        DockerError: BuildKit refused it, or the engine doesn't say what it built.
        DeploymentError: there is no Dockerfile, a base image can't be had, or the image is for another platform.
    """
    dockerfile = what.dockerfile or what.context / "Dockerfile"
    if not dockerfile.is_file():
        raise DeploymentError(f"{dockerfile}\n  There is no Dockerfile here. Add one, or name it in the settings.")
    # Attestations would turn the image into an index, which Lambda refuses; clients without buildx make none.
    verb = ["buildx", "build", "--load", "--provenance=false", "--sbom=false"] if engine.has_buildx else ["build"]
    arguments = [
        *(*verb, "--progress=plain", f"--platform={PLATFORM}", f"--file={dockerfile}"),
        *(f"--tag={reference}" for reference in references),
        *(f"--build-arg={name}={value}" for name, value in what.build_args.items()),
        *(f"--label={name}={value}" for name, value in what.labels.items()),
        *(["--no-cache"] if what.no_cache else []),
        *(["--pull"] if what.pull else []),
        # Without a bridge there is no other network for RUN.
        *([] if engine.has_bridge else ["--network=host"]),
        str(what.context),
    ]
    succeeds, report = engine.call(*arguments, seconds=_BUILD_SECONDS, errors=subprocess.STDOUT)
    if not succeeds:
        _check_base_image(dockerfile, report)
        raise DockerError(f"Docker can't build {dockerfile}:\n{_indented(report)}")
    inspection = ("image", "inspect", "--format={{.Os}}/{{.Architecture}}", references[0])
    answers, platform = engine.call(*inspection, seconds=_COMMAND_SECONDS)
    if not answers:
        raise DockerError(f"Docker built {dockerfile}, but doesn't tell of the image:\n{_indented(platform)}")
    if platform.strip() != PLATFORM:
        raise DeploymentError(
            f"{dockerfile} made an image for {platform.strip()}; it must be for {PLATFORM}. "
            "Name a base image that has it, by its tag or the digest of its index, and no other --platform."
        )


def push(engine: DockerEngine, reference: str) -> None:
    """Push what the engine has under a name.

    Raises:
        DockerError: the registry refused it, or the connection broke; a push can be repeated.
    """
    succeeds, report = engine.call("push", reference, seconds=_PUSH_SECONDS, errors=subprocess.STDOUT)
    if not succeeds:
        raise DockerError(f"Docker can't push {reference}:\n{_indented(report)}")


def _check_base_image(dockerfile: Path, report: str) -> None:
    """Say which base image could not be had, if that is what the report tells of, and what to do without one."""
    image = _BASE_IMAGE.search(report)
    if image is None:
        return
    reason = _lines(report)[-1].rpartition(": failed to do request: ")[2]
    raise DeploymentError(
        f"Docker can't build {dockerfile}:\n  The image {image[1]} can't be pulled: {reason}\n"
        "  Correct its name, log in to its registry, or connect this machine. Without an engine the sandbox "
        f"interprets the Dockerfile and needs no base image: {SWITCH}=0 make up"
    )


def _indented(report: str) -> str:
    return "\n".join(f"  {line}" for line in _lines(report)[-_LINES:])


def _lines(report: str) -> list[str]:
    return [line.rstrip() for line in report.splitlines() if line.strip()] or ["it said nothing"]
