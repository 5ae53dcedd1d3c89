"""One stage of a build: its tree, and what the image says about running it."""

from __future__ import annotations

import copy
import posixpath
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.images.dockerfile import Instruction

# What the base images of the Docker library have; the true value of a base isn't known without pulling it.
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass
class Stage:
    """Changes with each instruction."""

    rootfs: Path
    environment: dict[str, str] = field(default_factory=dict[str, str])
    arguments: dict[str, str] = field(default_factory=dict[str, str])
    """ARG, as declared in this stage or in one that it starts from."""
    workdir: str = "/"
    user: str = ""
    entrypoint: list[str] = field(default_factory=list[str])
    cmd: list[str] = field(default_factory=list[str])
    cmd_is_own: bool = False
    """CMD was set in this stage; ENTRYPOINT clears one that was inherited."""
    shell: list[str] = field(default_factory=lambda: ["/bin/sh", "-c"])
    labels: dict[str, str] = field(default_factory=dict[str, str])
    stop_signal: str = "SIGTERM"
    history: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])
    """What the sandbox passes over; shown to the user."""
    installs_packages: bool = False
    entrypoint_instruction: Instruction | None = None
    cmd_instruction: Instruction | None = None

    def variables(self) -> dict[str, str]:
        """What `$name` means in an instruction: ENV goes before ARG."""
        return {"PATH": DEFAULT_PATH, **self.arguments, **self.environment}

    def absolute(self, path: str) -> str:
        """A path of the image, from WORKDIR, without `..`."""
        return posixpath.normpath(posixpath.join("/", self.workdir, path))

    def file(self, path: str) -> Path:
        """Where a path of the image is on this machine."""
        return self.rootfs / self.absolute(path).lstrip("/")

    def derived(self, rootfs: Path) -> Stage:
        """A stage that starts from this one."""
        shutil.copytree(self.rootfs, rootfs, symlinks=True, dirs_exist_ok=True)
        stage = copy.deepcopy(self)
        stage.rootfs, stage.cmd_is_own = rootfs, False
        return stage


def normalise(path: Path) -> None:
    """Give a file the mode that its content asks for, so that mode bits never make another image.

    A script or a program is executable; Docker keeps the bits of the context instead.
    """
    if path.is_symlink():
        return
    if path.is_dir():
        path.chmod(0o755)
        return
    with path.open("rb") as file:
        start = file.read(4)
    path.chmod(0o755 if start.startswith((b"#!", b"\x7fELF")) else 0o644)


def escapes(link: Path, root: Path) -> bool:
    """Whether a symbolic link leads out of a folder."""
    target = str(link.readlink())
    if posixpath.isabs(target):
        return True
    folder = posixpath.relpath(link.parent, root)
    return posixpath.normpath(posixpath.join(folder, target)).startswith("..")
