"""A copy of this project with other settings, in a folder of its own: its sandbox disturbs no other."""

import secrets
import shutil
import socket
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from bench.measure import ROOT

_COPIED = ("__main__.py", "Pulumi.yaml", "components", "lambda_src", "pipelines", "policy", "swagger")


@contextmanager
def scratch_project(**stacks: dict[str, Any]) -> Generator[Path]:
    """The project with the given stacks' settings (keys with namespace) instead of the committed ones."""
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        root = Path(folder)
        for name in _COPIED:
            source = ROOT / name
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, root / name)
        for stack, values in stacks.items():
            (root / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": values}))
        yield root


def committed(stack: str) -> dict[str, Any]:
    """The settings of a committed stack."""
    return yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on just now."""
    # Below the range from which outgoing connections get theirs, so that none takes it before the sandbox does.
    while True:
        port = 20_000 + secrets.randbelow(10_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
