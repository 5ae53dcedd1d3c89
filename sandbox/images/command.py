"""What to execute for an image: its ENTRYPOINT and CMD, with paths of the image turned into paths of this machine."""

from __future__ import annotations

import posixpath
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.images.stage import DEFAULT_PATH, Stage
from sandbox.images.store import Image

_PYTHON = re.compile(r"(?:/usr(?:/local)?/bin/)?(python(?:3(?:\.\d+)?)?)")
_SHELLS = frozenset({"sh", "/bin/sh", "bash", "/bin/bash"})
_HERE = frozenset({"/bin/sh", "/bin/bash", "/usr/bin/env"})
"""Programs that any base image has, and this machine, too."""
_PATH_IN_TEXT = re.compile(r"(?<![\w.$~/}:-])/[\w.@%+,/-]*[\w@%+]")
_FIRST_WORD = re.compile(r"\s*(?:exec\s+)?([\w.-]+)(?=\s|$)")
_BUILTINS = frozenset(
    (
        *("cd", "echo", "exec", "set", "export", "test", "printf", "true", "false", "exit", "read", "trap"),
        *("ulimit", "umask", "wait", "if", "while", "until", "for", "case", "source", "eval", "command"),
        *("kill", "unset", "shift", "return", "local", "readonly", "getopts", "type", "pwd", "hash", "alias"),
    )
)


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """What to execute, where, with which environment."""

    arguments: list[str]
    folder: Path
    environment: dict[str, str]


def invocation(
    image: Image, root: Path, programs: Path, command: Sequence[str] | None, environment: Mapping[str, str]
) -> Invocation:
    """The process that stands for the container.

    Args:
        image: ENTRYPOINT, CMD, ENV and WORKDIR.
        root: a copy of the image's tree, and nothing in its path that a shell would read.
        programs: a folder with `python` and `python3`.
        command: replaces CMD.
        environment: goes before ENV.
    """
    cmd = list(command) if command else image.cmd
    arguments = [_located_word(word, root, programs) for word in [*image.entrypoint, *cmd]]
    path = _search_path({**image.environment, **environment}.get("PATH", DEFAULT_PATH), root)
    found = {
        "HOME": str(root / "root"),
        **{name: _located_list(value, root) for name, value in {**image.environment, **environment}.items()},
        "TMPDIR": str(root / "tmp"),
        "PATH": ":".join([*path[0], str(programs), *path[1]]),
    }
    return Invocation(arguments=arguments, folder=root / image.workdir.lstrip("/"), environment=found)


@dataclass(frozen=True)
class Problem:
    """Why a command can't run here."""

    word: int
    """Which word of ENTRYPOINT and CMD together, from 0."""
    what: str
    remedy: str


def check(stage: Stage) -> Problem | None:
    """What keeps the stage's command from running without its base image; None if nothing does.

    A stage without a command passes: the job definition may give one.
    """
    words = [*stage.entrypoint, *stage.cmd]
    script = 2 if len(words) > 2 and words[0] in _SHELLS and words[1] == "-c" else None
    for index, word in enumerate(words):
        paths = _PATH_IN_TEXT.findall(word) if index == script else [word] if word.startswith("/") else []
        for path in paths:
            if not _is_here(path, stage.rootfs):
                return Problem(
                    index,
                    f"{path} is not in the image's own tree.",
                    "Files of the base image aren't there without a container engine: COPY it, or use a relative path.",
                )
    if not words:
        return None
    program = words[0]
    if script is not None:
        first = _FIRST_WORD.match(words[script])
        program = first[1] if first else ""
    if program and program not in _BUILTINS and not _is_program(program, stage):
        return Problem(
            script or 0,
            f"{program} is neither in the image's own tree nor on this machine.",
            "Programs of the base image aren't there without a container engine: install it here, or use an engine.",
        )
    return None


def _is_program(program: str, stage: Stage) -> bool:
    if _PYTHON.fullmatch(program) or program in _HERE:
        return True
    if "/" in program:
        return stage.file(program).is_file()
    own, machine = _search_path(stage.environment.get("PATH", DEFAULT_PATH), stage.rootfs)
    return shutil.which(program, path=":".join([*own, *machine])) is not None


def _is_here(path: str, root: Path) -> bool:
    if path in _HERE or path.startswith("/dev/") or _PYTHON.fullmatch(path):
        return True
    return _in_tree(path, root) or posixpath.normpath(path).startswith("/tmp")  # noqa: S108  the tree's own


def _in_tree(path: str, root: Path) -> bool:
    """Whether a path is in the tree, or would be if it were made: its folder is."""
    relative = posixpath.normpath(path).lstrip("/")
    folder = posixpath.dirname(relative)
    return bool(relative) and ((root / relative).exists() or (bool(folder) and (root / folder).is_dir()))


def _located_word(word: str, root: Path, programs: Path) -> str:
    """A word of a command: a path as a whole, or the paths in a script."""
    if match := _PYTHON.fullmatch(word):
        return str(programs / ("python3" if word.startswith("/") or "." in match[1] else match[1]))
    if word.startswith("/") and not re.search(r"\s", word):
        return _located(word, root)
    return _PATH_IN_TEXT.sub(lambda match: _located_in_script(match[0], root), word)


def _located_in_script(path: str, root: Path) -> str:
    match = _PYTHON.fullmatch(path)
    return "python3" if match else _located(path, root)


def _located(path: str, root: Path) -> str:
    if path not in _HERE and (_in_tree(path, root) or posixpath.normpath(path).startswith("/tmp/")):  # noqa: S108
        return f"{root}{path}"
    return path


def _located_list(value: str, root: Path) -> str:
    """A value such as `/app` or `/app:/lib`; anything else stays as it is."""
    if not value.startswith("/"):
        return value
    return ":".join(_located(part, root) if part.startswith("/") else part for part in value.split(":"))


def _search_path(value: str, root: Path) -> tuple[list[str], list[str]]:
    """PATH in two: folders of the tree, then folders of this machine that any image has."""
    parts = [part for part in value.split(":") if part.startswith("/")]
    own = [f"{root}{part}" for part in parts if _in_tree(part, root)]
    return own, [part for part in parts if part in DEFAULT_PATH.split(":")]
