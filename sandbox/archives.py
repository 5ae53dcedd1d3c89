"""Pulumi's assets and archives as bytes: equal content gives equal bytes, whatever the files' times and modes."""

import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

import pulumi

from sandbox.errors import DeploymentError

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_FILE_MODE: Final = 0o644 << 16


def asset_bytes(asset: Any, root: Path) -> bytes:
    """The content of a file or string asset.

    Args:
        root: the folder to which a relative path belongs.

    Raises:
        DeploymentError: the file is missing, or the asset would have to be fetched.
    """
    match asset:
        case pulumi.StringAsset():
            return asset.text.encode()
        case pulumi.FileAsset():
            return _read(root / str(asset.path))
        case _:
            raise DeploymentError(f"The sandbox can't read an asset of type {type(asset).__name__}.")


def zip_bytes(archive: Any, root: Path) -> bytes:
    """An archive as a ZIP file; a file archive that is a ZIP already stays as it is.

    Raises:
        DeploymentError: a file is missing, or the archive would have to be fetched.
    """
    if isinstance(archive, pulumi.FileArchive) and (root / str(archive.path)).is_file():
        return _read(root / str(archive.path))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in sorted(_entries("", archive, root)):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = _FILE_MODE
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, content)
    return buffer.getvalue()


def _entries(prefix: str, item: Any, root: Path) -> Iterator[tuple[str, bytes]]:
    match item:
        case pulumi.AssetArchive():
            for name, child in cast("Mapping[str, Any]", item.assets).items():
                yield from _entries(f"{prefix}/{name}" if prefix else name, child, root)
        case pulumi.FileArchive():
            folder = root / str(item.path)
            if not folder.is_dir():
                raise DeploymentError(f"The archive {item.path!s} is neither a folder nor at the top of its resource.")
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                name = path.relative_to(folder).as_posix()
                yield (f"{prefix}/{name}" if prefix else name), path.read_bytes()
        case pulumi.StringAsset() | pulumi.FileAsset():
            yield prefix, asset_bytes(item, root)
        case _:
            raise DeploymentError(f"The sandbox can't read an archive of type {type(item).__name__}.")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DeploymentError(f"The file {path} can't be read: {error.strerror}.") from error
