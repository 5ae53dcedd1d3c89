"""RUN: only what the sandbox's own Python already satisfies, folders, and what only matters inside a container."""

from __future__ import annotations

import importlib.metadata
import posixpath
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from sandbox.images.dockerfile import Instruction
from sandbox.images.stage import Stage

_HARMLESS = frozenset(
    {"useradd", "adduser", "groupadd", "addgroup", "usermod", "chown", "chgrp", "chmod", "true", ":", "set"}
)
_PYTHON = re.compile(r"python(3(\.\d+)?)?")
_PIP = re.compile(r"pip(3(\.\d+)?)?")
_TOOLS = frozenset({"pip", "setuptools", "wheel"})
_WITH_VALUE = frozenset(
    {"-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--trusted-host", "--timeout", "--retries"}
    | {"--prefix", "-t", "--target", "--root", "--cache-dir", "--only-binary", "--no-binary", "--platform"}
    | {"--python-version", "--progress-bar", "--root-user-action", "-c", "--constraint", "--proxy", "--cert"}
)
_FOLDER_OPTIONS = frozenset({"--prefix", "-t", "--target", "--root"})
_REMEDY = (
    "Without a container engine it honours pip install, mkdir, and commands that only make users or change owners and "
    "modes. Move this into the program, put its result into the context and COPY it, or use a Docker engine."
)


def apply(instruction: Instruction, stage: Stage) -> None:
    """Carry out a RUN, or say why it can't be honoured."""
    _, rest = instruction.flags()
    listed = Instruction("RUN", rest, instruction.place).exec_form()
    for command in [listed] if listed is not None else _commands(instruction, rest, stage):
        _run(instruction, stage, command)


def _commands(instruction: Instruction, script: str, stage: Stage) -> Iterator[list[str]]:
    """The simple commands of `a && b; c`, variables filled in."""
    lexer = shlex.shlex(script, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        tokens = list(lexer)
    except ValueError as error:
        raise instruction.error(f"It can't be read as a command: {error}.", "Correct the quotes.") from error
    command: list[str] = []
    for token in tokens:
        if token in ("&&", ";"):
            if command:
                yield command
            command = []
        elif re.fullmatch(r"[|&;<>()]+", token) or "`" in token or "$(" in token:
            raise instruction.error(f"The sandbox can't honour {token!r} in a RUN.", _REMEDY)
        else:
            command.append(_filled(token, stage))
    if command:
        yield command


def _filled(token: str, stage: Stage) -> str:
    variables = stage.variables()
    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda match: variables.get(match[1] or match[2], ""), token)


def _run(instruction: Instruction, stage: Stage, command: list[str]) -> None:
    name = posixpath.basename(command[0]) if command else ""
    if _PYTHON.fullmatch(name) and command[1:3] == ["-m", "pip"]:
        name, command = "pip", command[2:]
    if _PYTHON.fullmatch(name) and command[1:3] == ["-m", "venv"] and len(command) > 3:
        # Its packages are those of the sandbox's Python, which is on the PATH behind it.
        stage.file(command[-1]).joinpath("bin").mkdir(parents=True, exist_ok=True)
    elif _PIP.fullmatch(name) and command[1:2] == ["install"]:
        _install(instruction, stage, command[2:])
    elif name == "mkdir":
        for path in _operands(command[1:], {"-m", "--mode"}):
            stage.file(path).mkdir(parents=True, exist_ok=True)
    elif name not in _HARMLESS:
        raise instruction.error(f"The sandbox can't honour {shlex.join(command)!r}.", _REMEDY)


def _operands(arguments: list[str], with_value: set[str]) -> Iterator[str]:
    remaining = iter(arguments)
    for argument in remaining:
        if argument in with_value:
            next(remaining, None)
        elif not argument.startswith("-"):
            yield argument


def _install(instruction: Instruction, stage: Stage, arguments: list[str]) -> None:
    stage.installs_packages = True
    remaining = iter(arguments)
    for argument in remaining:
        name, equals, value = argument.partition("=") if argument.startswith("--") else (argument, "", "")
        if name in ("-r", "--requirement"):
            path = value if equals else next(remaining, "")
            for line in _lines(instruction, stage, stage.file(path)):
                _require(instruction, stage, line)
        elif name in _WITH_VALUE:
            value = value if equals else next(remaining, "")
            if name in _FOLDER_OPTIONS:
                stage.file(value).mkdir(parents=True, exist_ok=True)
        elif name in ("-e", "--editable"):
            _refuse_local(instruction, next(remaining, ""))
        elif not argument.startswith("-"):
            _require(instruction, stage, argument)


def _lines(instruction: Instruction, stage: Stage, path: Path) -> Iterator[str]:
    """Requirements of a file, without options, hashes and comments; of files that it includes, too."""
    if not path.is_file():
        raise instruction.error(
            f"/{path.relative_to(stage.rootfs)} is not in the image.", "COPY the requirements file before this line."
        )
    for line in path.read_text().replace("\\\n", " ").splitlines():
        text = re.sub(r"(^|\s)#.*", "", line).strip()
        included = re.match(r"(-r|--requirement)[ =]\s*(\S+)", text)
        if included:
            yield from _lines(instruction, stage, path.parent / included[2])
        elif text and not text.startswith("-"):
            yield re.sub(r"\s--hash[= ]\S+", "", text).strip()


def _require(instruction: Instruction, stage: Stage, text: str) -> None:
    """A distribution must be there; another version is worth a note only."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        _refuse_local(instruction, text)
        return
    if requirement.marker is not None and not requirement.marker.evaluate():
        return
    try:
        version = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError as error:
        if requirement.name in _TOOLS:
            return
        raise instruction.error(
            f"The sandbox's Python doesn't have {requirement.name}.",
            f"Install it there (.venv/bin/python -m pip install '{requirement}'), or use a Docker engine.",
        ) from error
    if not requirement.specifier.contains(version, prereleases=True):
        stage.notes.append(
            f"Line {instruction.place.line} asks for {requirement}; the sandbox's Python has version {version}."
        )


def _refuse_local(instruction: Instruction, text: str) -> None:
    raise instruction.error(
        f"The sandbox can't install {text!r}.", "COPY the package's folder and set PYTHONPATH, or use a Docker engine."
    )
