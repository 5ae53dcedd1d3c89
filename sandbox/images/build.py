"""From a build context to an image in the store."""

from __future__ import annotations

import re
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from sandbox.images import command, copying, running
from sandbox.images.dockerfile import Instruction, as_list, expand, expanded, pairs, read, words
from sandbox.images.errors import ImageError, Place
from sandbox.images.manifest import documents
from sandbox.images.stage import Stage
from sandbox.images.store import Image, ImageStore, signal_number

PLATFORM = "linux/arm64"
_PLATFORM_ARGUMENTS = {
    f"{which}{part}": value
    for which in ("BUILD", "TARGET")
    for part, value in (("PLATFORM", PLATFORM), ("OS", "linux"), ("ARCH", "arm64"), ("VARIANT", ""))
}
_WITHOUT_EFFECT = frozenset({"EXPOSE", "HEALTHCHECK", "MAINTAINER", "ONBUILD"})


def build(context: Path, dockerfile: Path | None, build_args: Mapping[str, str], state_dir: Path) -> Image:
    """Make an image of a Dockerfile without a container engine, or find it made already.

    Args:
        context: the folder that COPY reads.
        dockerfile: None for `Dockerfile` in the context; a relative path counts from the context.
        build_args: values of ARG.
        state_dir: the sandbox's folder; images are below `images/`.

    Raises:
        ImageError: there is something in the Dockerfile that the sandbox can't honour.
    """
    context = context.resolve()
    path = context / (dockerfile or "Dockerfile")
    if not context.is_dir():
        raise ImageError(Place(context, 0, ""), "There is no such folder.", "Correct the pipeline's context.")
    images = state_dir / "images"
    images.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".building-", dir=images))
    try:
        stage = _Build(context, path, build_args, work).final()
        return ImageStore(images).add(documents(stage), stage, work / "image")
    finally:
        shutil.rmtree(work, ignore_errors=True)


class _Build:
    """One run of a Dockerfile; stages that the last one doesn't need are passed over, as in BuildKit."""

    def __init__(self, context: Path, dockerfile: Path, build_args: Mapping[str, str], work: Path) -> None:
        self._source = copying.context(context, dockerfile)
        self._build_args = dict(build_args)
        self._work = work
        self._globals = dict(_PLATFORM_ARGUMENTS)
        self._sections: list[list[Instruction]] = []
        self._names: dict[str, int] = {}
        self._stages: dict[int, Stage] = {}
        self._read(dockerfile)

    def final(self) -> Stage:
        """The last stage, finished and checked."""
        stage = self._stage(len(self._sections) - 1)
        problem = command.check(stage)
        if problem is not None:
            is_cmd = problem.word >= len(stage.entrypoint)
            instruction = stage.cmd_instruction if is_cmd else stage.entrypoint_instruction
            assert instruction is not None  # noqa: S101  the word comes from one of them
            raise instruction.error(problem.what, problem.remedy)
        return stage

    def _read(self, dockerfile: Path) -> None:
        for instruction in read(dockerfile):
            if instruction.keyword == "FROM":
                name = re.search(r"\s+as\s+(\S+)\s*$", instruction.value, re.IGNORECASE)
                if name:
                    self._names[name[1].lower()] = len(self._sections)
                self._sections.append([instruction])
            elif self._sections:
                self._sections[-1].append(instruction)
            elif instruction.keyword == "ARG":
                self._globals |= self._arguments(instruction, self._globals, {})
            else:
                raise instruction.error("Only ARG may come before FROM.", "Begin with FROM.")
        if not self._sections:
            raise ImageError(Place(dockerfile, 0, ""), "It has no FROM.", "Begin with FROM.")

    def _stage(self, index: int) -> Stage:
        if index not in self._stages:
            first, *rest = self._sections[index]
            stage = self._begin(first, index)
            for instruction in rest:
                self._apply(instruction, stage)
                stage.history.append(instruction.place.text)
            self._stages[index] = stage
        return self._stages[index]

    def _begin(self, instruction: Instruction, index: int) -> Stage:
        flags, rest = instruction.flags()
        for name, value in flags:
            if name == "platform" and expand(value, self._globals) not in (PLATFORM, f"{PLATFORM}/v8"):
                raise instruction.error(f"The image must be for {PLATFORM}.", "Leave --platform out.")
        base = expand(rest.split()[0], self._globals) if rest else ""
        if not base:
            raise instruction.error("FROM names no image.", "Name one, or give its ARG a value.")
        rootfs = self._work / f"stage-{index}"
        rootfs.mkdir()
        earlier = self._earlier(base, index)
        stage = Stage(rootfs) if earlier is None else self._stage(earlier).derived(rootfs)
        stage.history.append(f"FROM {base}")
        return stage

    def _earlier(self, name: str, index: int) -> int | None:
        found = self._names.get(name.lower())
        return found if found is not None and found < index else None

    def _apply(self, instruction: Instruction, stage: Stage) -> None:
        handlers: dict[str, Callable[[Instruction, Stage], None]] = {
            "ARG": self._arg,
            "ENV": _env,
            "LABEL": _label,
            "WORKDIR": _workdir,
            "USER": _user,
            "VOLUME": _volume,
            "STOPSIGNAL": _stop_signal,
            "SHELL": _shell,
            "ENTRYPOINT": _entrypoint,
            "CMD": _cmd,
            "COPY": self._copy,
            "ADD": self._copy,
            "RUN": running.apply,
        }
        handler = handlers.get(instruction.keyword)
        if handler is not None:
            try:
                handler(instruction, stage)
            except (OSError, tarfile.TarError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                raise instruction.error(
                    f"It can't be carried out: {reason}.", "Look for a file where a folder should be, or a full disk."
                ) from error
        elif instruction.keyword not in _WITHOUT_EFFECT:
            raise instruction.error(f"{instruction.keyword} is not an instruction.", "Correct it.")

    def _arg(self, instruction: Instruction, stage: Stage) -> None:
        stage.arguments |= self._arguments(instruction, stage.variables(), self._globals)

    def _arguments(
        self, instruction: Instruction, variables: Mapping[str, str], inherited: Mapping[str, str]
    ) -> dict[str, str]:
        """ARG: a value given to the build, else the default here, else the one before the first FROM."""
        found: dict[str, str] = {}
        for word in words(instruction.value):
            name, equals, default = word.partition("=")
            value = self._build_args.get(name, expand(default, variables) if equals else inherited.get(name))
            if value is not None:
                found[name] = value
        return found

    def _copy(self, instruction: Instruction, stage: Stage) -> None:
        flags, rest = instruction.flags()
        values = as_list(rest)
        values = expanded(rest, stage.variables()) if values is None else values
        name = dict(flags).get("from")
        if name is None:
            copying.apply(instruction, stage, self._source, from_stage=None, values=values)
            return
        last = next(index for index, section in enumerate(self._sections) if instruction in section)
        found = int(name) if name.isdecimal() and int(name) < last else self._earlier(name, last)
        if found is None:
            raise instruction.error(
                f"{name} is not an earlier stage, and the sandbox pulls no images.", "COPY from the context instead."
            )
        other = self._stage(found)
        copying.apply(instruction, stage, copying.tree(other), from_stage=other, values=values)


def _env(instruction: Instruction, stage: Stage) -> None:
    stage.environment |= pairs(instruction.value, stage.variables())


def _label(instruction: Instruction, stage: Stage) -> None:
    stage.labels |= pairs(instruction.value, stage.variables())


def _workdir(instruction: Instruction, stage: Stage) -> None:
    stage.workdir = stage.absolute(expand(instruction.value, stage.variables()))
    stage.file(".").mkdir(parents=True, exist_ok=True)


def _user(instruction: Instruction, stage: Stage) -> None:
    stage.user = expand(instruction.value, stage.variables())


def _volume(instruction: Instruction, stage: Stage) -> None:
    for path in as_list(instruction.value) or expanded(instruction.value, stage.variables()):
        stage.file(path).mkdir(parents=True, exist_ok=True)


def _stop_signal(instruction: Instruction, stage: Stage) -> None:
    name = expand(instruction.value, stage.variables())
    try:
        signal_number(name)
    except ValueError as error:
        raise instruction.error(f"{name} is not a signal.", "Name one, such as SIGTERM.") from error
    stage.stop_signal = name


def _shell(instruction: Instruction, stage: Stage) -> None:
    words = instruction.exec_form()
    if not words:
        raise instruction.error("SHELL must be a JSON list.", 'Write it as ["/bin/sh", "-c"].')
    stage.shell = words


def _entrypoint(instruction: Instruction, stage: Stage) -> None:
    words = instruction.exec_form()
    stage.entrypoint = [*stage.shell, instruction.value] if words is None else words
    stage.entrypoint_instruction = instruction
    if not stage.cmd_is_own:
        # Docker: an ENTRYPOINT clears the CMD of the image that the stage starts from.
        stage.cmd = []


def _cmd(instruction: Instruction, stage: Stage) -> None:
    words = instruction.exec_form()
    stage.cmd = [*stage.shell, instruction.value] if words is None else words
    stage.cmd_is_own = True
    stage.cmd_instruction = instruction
