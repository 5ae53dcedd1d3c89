"""The zip of the functions: deterministic, whatever the machine, from a clean clone."""

import functools
import json
import os
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import pulumi

SOURCE = Path("lambda_src/trigger")
SCHEMA_FILE = "parameters.schema.json"
_LIBRARY = "fastjsonschema"


def function_archive(root: Path, schema: Mapping[str, Any] | None = None) -> pulumi.AssetArchive:
    """The functions' modules, the validation library and, for a trigger, its pipeline's schema.

    Only `.py` files go in: a `__pycache__` would make the zip differ from machine to machine. Paths below the project's
    folder are relative, for the same reason.

    Args:
        root: the project's folder.
        schema: JSON Schema of the pipeline's parameters.
    """
    assets: dict[str, pulumi.Asset | pulumi.Archive] = {
        name: pulumi.FileAsset(path) for name, path in _source_files(root).items()
    }
    if schema is not None:
        assets[SCHEMA_FILE] = pulumi.StringAsset(json.dumps(schema, ensure_ascii=False, indent=1))
    return pulumi.AssetArchive(assets)


@functools.cache
def _source_files(root: Path) -> Mapping[str, str]:
    """Path in the zip -> path on this machine."""
    own = {path.relative_to(root / SOURCE).as_posix(): path for path in (root / SOURCE).rglob("*.py")}
    library = {
        file.as_posix(): Path(os.fspath(file.locate()))
        for file in metadata.files(_LIBRARY) or ()
        if file.suffix == ".py" and file.parts[0] == _LIBRARY
    }
    return {name: portable_path(root, path) for name, path in sorted({**own, **library}.items())}


def portable_path(root: Path, path: Path) -> str:
    """Relative to the project's folder where it is below it."""
    absolute = path if path.is_absolute() else root / path
    return os.fspath(absolute.relative_to(root) if absolute.is_relative_to(root) else absolute)
