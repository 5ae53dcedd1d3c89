"""Images on disk, by digest."""

from __future__ import annotations

import json
import re
import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sandbox.images.manifest import Documents
from sandbox.images.stage import Stage

_DIGEST = re.compile(r"(?:.*@)?sha256:([0-9a-f]{64})")


@dataclass(frozen=True, kw_only=True)
class Image:
    """A finished image. Its folder has `image.json`, `manifest.json`, `config.json` and `rootfs/`."""

    digest: str
    """`sha256:<hex>` of `manifest.json`."""
    folder: Path
    environment: Mapping[str, str]
    entrypoint: list[str]
    cmd: list[str]
    workdir: str
    """Absolute path in the image."""
    user: str
    """Kept only: processes run as the person who runs the sandbox."""
    stop_signal: int
    notes: list[str]
    """What the sandbox passed over, one sentence each."""

    @property
    def rootfs(self) -> Path:
        """The tree; copy it before anything runs in it."""
        return self.folder / "rootfs"

    @property
    def manifest(self) -> str:
        """The OCI manifest, byte for byte: what ECR's PutImage takes."""
        return (self.folder / "manifest.json").read_text()

    @property
    def config(self) -> bytes:
        """The OCI configuration, byte for byte: the blob that the manifest names, with the platform."""
        return (self.folder / "config.json").read_bytes()


class ImageStore:
    """A folder of images, `<sha256 hex>/` each. Several processes may read and write it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, reference: str) -> Image | None:
        """The image of `sha256:<hex>` or `...@sha256:<hex>`; None if it isn't here, or the reference is a tag."""
        match = _DIGEST.fullmatch(reference)
        if match is None or not (self._folder / match[1] / "image.json").is_file():
            return None
        return _load(self._folder / match[1])

    def add(self, documents: Documents, stage: Stage, work: Path) -> Image:
        """Keep a finished stage, unless the same image is here already.

        Args:
            documents: of the stage.
            stage: its tree is moved.
            work: an unused folder beside the images; it is renamed at the end, so that an image is whole or not there.
        """
        final = self._folder / documents.digest.removeprefix("sha256:")
        record = {
            "digest": documents.digest,
            "environment": stage.environment,
            "entrypoint": stage.entrypoint,
            "cmd": stage.cmd,
            "workdir": stage.workdir,
            "user": stage.user,
            "stopSignal": stage.stop_signal,
            "notes": list(dict.fromkeys(stage.notes)),
        }
        work.mkdir(parents=True)
        shutil.move(stage.rootfs, work / "rootfs")
        (work / "manifest.json").write_bytes(documents.manifest)
        (work / "config.json").write_bytes(documents.config)
        (work / "image.json").write_text(json.dumps(record, indent=2))
        try:
            work.rename(final)
        except OSError:
            # A folder can't be renamed onto one that has content: somebody has made the same image meanwhile.
            if not (final / "image.json").is_file():
                raise
            # Notes may differ, for they tell of the sandbox's Python as it is now.
            (work / "image.json").replace(final / "image.json")
        return _load(final)


def _load(folder: Path) -> Image:
    record = cast("dict[str, Any]", json.loads((folder / "image.json").read_text()))
    return Image(
        digest=record["digest"],
        folder=folder,
        environment=record["environment"],
        entrypoint=record["entrypoint"],
        cmd=record["cmd"],
        workdir=record["workdir"],
        user=record["user"],
        stop_signal=signal_number(record["stopSignal"]),
        notes=record["notes"],
    )


def signal_number(name: str) -> int:
    """Of `SIGTERM`, `TERM` or `15`.

    Raises:
        ValueError: there is no such signal.
    """
    if name.isdecimal():
        return int(signal.Signals(int(name)))
    try:
        return int(signal.Signals[name if name.startswith("SIG") else f"SIG{name}"])
    except KeyError as error:
        raise ValueError(name) from error
