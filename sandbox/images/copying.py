"""COPY and ADD: what goes where, as Docker does it."""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pathspec

from sandbox.images.dockerfile import Instruction
from sandbox.images.stage import Stage, escapes, normalise

_GLOB = re.compile(r"[*?\[]")
_HARMLESS_FLAGS = frozenset({"chown", "chmod", "link"})


@dataclass(frozen=True)
class Source:
    """A folder that files are copied from: the context, or the tree of another stage."""

    root: Path
    ignored: pathspec.PathSpec[pathspec.Pattern]
    has_exceptions: bool
    """Something below a folder that is left out may be taken in again."""

    def includes(self, path: Path) -> bool:
        return not self.ignored.match_file(path.relative_to(self.root).as_posix())


def context(folder: Path, dockerfile: Path) -> Source:
    """The build context without what `<Dockerfile>.dockerignore`, else `.dockerignore`, leaves out."""
    own = dockerfile.with_name(f"{dockerfile.name}.dockerignore")
    path = own if own.is_file() else folder / ".dockerignore"
    lines = path.read_text().splitlines() if path.is_file() else []
    patterns = list(_anchored(lines))
    exceptions = any(pattern.startswith("!") for pattern in patterns)
    return Source(folder, pathspec.PathSpec.from_lines("gitignore", patterns), exceptions)


def tree(stage: Stage) -> Source:
    """The tree of another stage: nothing is left out."""
    return Source(stage.rootfs, pathspec.PathSpec[pathspec.Pattern]([]), has_exceptions=False)


def _anchored(lines: list[str]) -> Iterator[str]:
    """Patterns of .dockerignore as git's: Docker's count from the root of the context, wherever a slash is."""
    for line in lines:
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        negation = "!" if pattern.startswith("!") else ""
        rest = posixpath.normpath(pattern.removeprefix("!").strip().lstrip("/") or ".")
        if rest != ".":
            yield f"{negation}/{rest}"
        yield f"{negation}/{rest}/**" if rest != "." else f"{negation}/**"


def apply(
    instruction: Instruction, stage: Stage, source: Source, *, from_stage: Stage | None, values: list[str]
) -> None:
    """Carry out a COPY or ADD.

    Args:
        instruction: for its place and its flags.
        stage: gets the files.
        source: where they come from.
        from_stage: with `COPY --from`, the stage that they come from.
        values: the words after the flags, variables filled in.
    """
    for name, _ in instruction.flags()[0]:
        if name not in _HARMLESS_FLAGS | {"from"}:
            raise instruction.error(
                f"The sandbox doesn't know --{name}.", "Leave it out, or write it without the flag."
            )
    if len(values) < 2:
        raise instruction.error(f"{instruction.keyword} needs a source and a destination.", "Write both.")
    *sources, destination = values
    found = [path for name in sources for path in _matches(instruction, source, name, from_stage, stage)]
    into_folder = destination.endswith("/") or posixpath.basename(destination) in (".", "..")
    if len(sources) > 1 and not into_folder:
        raise instruction.error("With several sources the destination must be a folder.", "End it with a slash.")
    target = stage.file(destination)
    for path in found:
        if path.is_dir() and not path.is_symlink():
            _copy_folder(instruction, source, path, target)
        elif instruction.keyword == "ADD" and tarfile.is_tarfile(path):
            _unpack(path, target)
        else:
            _copy_file(instruction, source, path, target / path.name if into_folder or target.is_dir() else target)


def _matches(instruction: Instruction, source: Source, name: str, from_stage: Stage | None, stage: Stage) -> list[Path]:
    if re.match(r"https?://|git@|git://", name):
        raise instruction.error(f"The sandbox fetches nothing: {name}.", "Put the file into the context and COPY it.")
    relative = posixpath.normpath(posixpath.join("/", name)).lstrip("/")
    candidates = sorted(source.root.glob(relative)) if _GLOB.search(relative) else [source.root / relative]
    found = [path for path in candidates if path == source.root or (_exists(path) and _includes(source, path))]
    if found:
        return found
    if from_stage is not None and from_stage.installs_packages and relative.startswith(("usr/local", "usr/lib")):
        # Packages that `pip install` would have put there; here the sandbox's Python has them.
        stage.notes.append(f"Line {instruction.place.line}: /{relative} is the sandbox's own Python.")
        return []
    where = "the stage" if from_stage else "the context, or .dockerignore leaves it out"
    raise instruction.error(f"{name} is not in {where}.", "Correct the path.")


def _exists(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _includes(source: Source, path: Path) -> bool:
    """A folder counts when anything in it does: a later pattern may take a file of it in again."""
    if source.includes(path):
        return True
    return source.has_exceptions and path.is_dir() and any(source.includes(inner) for inner in path.rglob("*"))


def _copy_folder(instruction: Instruction, source: Source, folder: Path, target: Path) -> None:
    """The content of a folder, not the folder itself."""
    target.mkdir(parents=True, exist_ok=True)
    for parent, folders, files in os.walk(folder):
        here = Path(parent)
        links = [name for name in folders if (here / name).is_symlink()]
        for name in sorted([*files, *links]):
            path = here / name
            if source.includes(path):
                _copy_file(instruction, source, path, target / path.relative_to(folder))
        included = [name for name in folders if name not in links and source.includes(here / name)]
        for name in included:
            (target / (here / name).relative_to(folder)).mkdir(parents=True, exist_ok=True)
        if not source.has_exceptions:
            folders[:] = included


def _copy_file(instruction: Instruction, source: Source, path: Path, target: Path) -> None:
    if path.is_symlink() and escapes(path, source.root):
        raise instruction.error(
            f"{path.relative_to(source.root)} is a link out of the tree.", "Replace it by the file that it leads to."
        )
    if not path.is_symlink() and not path.is_file():
        return
    if target.exists() and not target.is_dir():
        target.unlink()
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target, follow_symlinks=False)
    normalise(target)


def _unpack(archive: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        tar.extractall(target, filter="data")
    for path in target.rglob("*"):
        normalise(path)
