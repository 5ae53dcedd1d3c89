"""The zips of the functions: deterministic, whatever the machine, from a clean clone."""

import functools
import json
import os
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import pulumi

TRIGGER = Path("lambda_src/trigger")
RECONCILER = Path("lambda_src/reconciler")
SCHEMA_FILE = "parameters.schema.json"
_LIBRARY = "fastjsonschema"


def trigger_archive(root: Path, schema: Mapping[str, Any]) -> pulumi.AssetArchive:
    """The trigger function's modules, the validation library and its pipeline's schema.

    Args:
        root: the project's folder.
        schema: JSON Schema of the pipeline's parameters.
    """
    assets = _assets({**_modules(root, TRIGGER), **_library(root)})
    return pulumi.AssetArchive({**assets, SCHEMA_FILE: pulumi.StringAsset(json.dumps(schema, ensure_ascii=False))})


def reconciler_archive(root: Path) -> pulumi.AssetArchive:
    """The reconciler's modules."""
    return pulumi.AssetArchive(_assets(_modules(root, RECONCILER)))


def _assets(files: Mapping[str, str]) -> dict[str, pulumi.Asset | pulumi.Archive]:
    return {name: pulumi.FileAsset(files[name]) for name in sorted(files)}


@functools.cache
def _modules(root: Path, source: Path) -> Mapping[str, str]:
    """Path in the zip -> path on this machine. Only `.py` files: a `__pycache__` differs from machine to machine."""
    folder = root / source
    return {path.relative_to(folder).as_posix(): portable_path(root, path) for path in folder.rglob("*.py")}


@functools.cache
def _library(root: Path) -> Mapping[str, str]:
    """The installed validation library, pure Python without dependencies."""
    return {
        file.as_posix(): portable_path(root, Path(os.fspath(file.locate())))
        for file in metadata.files(_LIBRARY) or ()
        if file.suffix == ".py" and file.parts[0] == _LIBRARY
    }


def portable_path(root: Path, path: Path) -> str:
    """Relative to the project's folder where it is below it."""
    absolute = path if path.is_absolute() else root / path
    return os.fspath(absolute.relative_to(root) if absolute.is_relative_to(root) else absolute)
