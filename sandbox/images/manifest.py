"""The OCI documents of an image: its digest is that of a real manifest, which a registry takes."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.images.stage import Stage

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"


@dataclass(frozen=True)
class Documents:
    """Canonical JSON, byte for byte what the digests are of."""

    manifest: bytes
    config: bytes

    @property
    def digest(self) -> str:
        """`sha256:<hex>` of the manifest."""
        return f"sha256:{hashlib.sha256(self.manifest).hexdigest()}"


def documents(stage: Stage) -> Documents:
    """Manifest and configuration of a finished stage, with its tree as the only layer.

    The same files, configuration and instructions make the same digest, on any machine: times, owners and mode bits
    are left out.
    """
    layer_digest, layer_size = _layer(stage.rootfs)
    config = _canonical(
        {
            "architecture": "arm64",
            "os": "linux",
            "config": {
                "Env": [f"{name}={value}" for name, value in sorted(stage.environment.items())],
                "Entrypoint": stage.entrypoint,
                "Cmd": stage.cmd,
                "WorkingDir": stage.workdir,
                "User": stage.user,
                "Labels": stage.labels,
                "StopSignal": stage.stop_signal,
            },
            "rootfs": {"type": "layers", "diff_ids": [layer_digest]},
            "history": [{"created_by": line} for line in stage.history],
        }
    )
    manifest = _canonical(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {
                "mediaType": _CONFIG_TYPE,
                "digest": f"sha256:{hashlib.sha256(config).hexdigest()}",
                "size": len(config),
            },
            "layers": [{"mediaType": _LAYER_TYPE, "digest": layer_digest, "size": layer_size}],
        }
    )
    return Documents(manifest, config)


def _canonical(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


class _Digest(io.RawIOBase):
    """A file that keeps nothing but the digest and the size of what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.hash = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self.hash.update(data)
        self.size += len(data)
        return len(data)


def _layer(rootfs: Path) -> tuple[str, int]:
    digest = _Digest()
    with tarfile.open(fileobj=digest, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(rootfs.rglob("*")):
            tar.addfile(*_entry(tar, path, rootfs))
    return f"sha256:{digest.hash.hexdigest()}", digest.size


def _entry(tar: tarfile.TarFile, path: Path, rootfs: Path) -> tuple[tarfile.TarInfo, io.BytesIO | None]:
    info = tar.gettarinfo(path, path.relative_to(rootfs).as_posix())
    info.mtime, info.uid, info.gid, info.uname, info.gname = 0, 0, 0, "", ""
    info.mode = 0o755 if info.isdir() else 0o644
    if info.islnk():
        # gettarinfo sees two names of one file as a hard link, which depends on how the tree was copied.
        info.type, info.linkname, info.size = tarfile.REGTYPE, "", path.stat().st_size
    return info, io.BytesIO(path.read_bytes()) if info.isreg() else None
