"""What goes into an image build, as one hash: the tag of the image."""

import hashlib
import os
import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pathspec

_TAG_DIGITS = 20


class Digest(Protocol):
    """A hash that is being computed."""

    def update(self, data: bytes, /) -> None: ...


def content_tag(
    context: Path, *, dockerfile: str, build_args: Mapping[str, str], generation: int, settings: Mapping[str, str]
) -> str:
    """A tag that changes with everything that goes into the build, and with nothing else.

    File modes and times are left out: a clone under another umask must not rebuild. Git keeps no more than the
    executable bit, and a Dockerfile sets that itself (`COPY --chmod`) if it matters.

    Args:
        context: the build context's folder.
        dockerfile: path below the context.
        settings: further build settings, for example the platform.
    """
    digest = hashlib.sha256()
    for part in ("generation", str(generation), *_flat(build_args), *_flat(settings)):
        _add(digest, part.encode())
    for path in context_files(context, dockerfile):
        _add(digest, path.encode())
        full = context / path
        if full.is_symlink():
            _add(digest, os.fsencode(full.readlink()))
        else:
            with full.open("rb") as file:
                _add(digest, hashlib.file_digest(file, "sha256").digest())
    return f"build-{digest.hexdigest()[:_TAG_DIGITS]}"


def context_files(context: Path, dockerfile: str) -> list[str]:
    """The files that are sent to the build, relative to the context, sorted: all but what `.dockerignore` excludes.

    The Dockerfile is sent whatever the ignore file says [Docker documentation, "Build context", ".dockerignore files"].
    """
    ignored = _ignored(context, dockerfile)
    return sorted(path for path in _walk(context) if path == dockerfile or not ignored.match_file(path))


def _walk(context: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(context):
        base = Path(folder)
        links = [name for name in folders if (base / name).is_symlink()]
        for name in (*files, *links):
            yield (base / name).relative_to(context).as_posix()


def _ignored(context: Path, dockerfile: str) -> pathspec.PathSpec[pathspec.Pattern]:
    """A Dockerfile's own ignore file replaces the context's."""
    own, shared = context / f"{dockerfile}.dockerignore", context / ".dockerignore"
    source = own if own.is_file() else shared
    lines = source.read_text(encoding="utf-8-sig").splitlines() if source.is_file() else []
    patterns = [pattern for line in lines for pattern in _as_git_patterns(line)]
    return pathspec.PathSpec.from_lines("gitignore", patterns)


def _as_git_patterns(line: str) -> Iterator[str]:
    """Docker's patterns begin at the context's root, Git's match at any depth unless they have a slash first.

    What matches a folder matches all below it, also where `*` matched the folder.
    """
    pattern = "" if line.startswith("#") else line.strip()
    sign = "!" if pattern.startswith("!") else ""
    cleaned = posixpath.normpath(f"/{pattern.removeprefix('!').strip()}").lstrip("/")
    if cleaned:
        yield f"{sign}/{cleaned}"
        yield f"{sign}/{cleaned}/**"


def _flat(values: Mapping[str, str]) -> Iterator[str]:
    for key in sorted(values):
        yield key
        yield values[key]


def _add(digest: "Digest", part: bytes) -> None:
    """Each part with its length: two lists of parts never run into the same bytes."""
    digest.update(len(part).to_bytes(8, "big"))
    digest.update(part)
