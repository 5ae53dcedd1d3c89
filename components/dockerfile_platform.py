"""For which platform a Dockerfile asks, against the builder's: found before anything is built.

BuildKit takes a stage's base for the platform that its FROM names, whatever platform the build is for [Dockerfile
reference, "FROM"]. The last stage makes the image; one that only builds may have any platform.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_ARM64 = frozenset({"arm64", "aarch64", "linux/arm64", "linux/aarch64", "linux/arm64/v8", "linux/aarch64/v8"})
_BUILDER = "\N{NULL}"
"""Stands for what only the machine that builds knows; no platform has it in its name."""
_PREDEFINED = {
    "TARGETPLATFORM": "linux/arm64",
    "TARGETOS": "linux",
    "TARGETARCH": "arm64",
    "TARGETVARIANT": "",
    **dict.fromkeys(("BUILDPLATFORM", "BUILDOS", "BUILDARCH", "BUILDVARIANT"), _BUILDER),
}
_DIRECTIVE = re.compile(r"#\s*(?P<name>[a-z]+)\s*=\s*(?P<value>.+)", re.IGNORECASE)
_HEREDOC = re.compile(r"(?:^|\s)\d*<<-?([\"']?)(?P<end>\w+)\1(?=\s|$)")
_WITH_HEREDOC = ("ADD", "COPY", "RUN")
_FROM = re.compile(r"(?P<flags>(?:--\S+\s+)*)(?P<base>\S+)(?:\s+as\s+(?P<name>\S+))?", re.IGNORECASE)
_VARIABLE = re.compile(r"\$(?:(?P<plain>\w+)|\{(?P<name>\w+)(?:(?P<operator>:?[-+])(?P<word>[^}]*))?\})")
_OTHER_LIBRARIES = re.compile(
    r"(?:docker\.io/)?(?P<architecture>amd64|arm32v[5-7]|i386|mips64le|ppc64le|riscv64|s390x|windows-amd64)/[^/]+"
)
"""Where Docker Hub keeps the official images of one architecture alone."""


@dataclass(frozen=True, kw_only=True)
class OtherPlatform:
    """A Dockerfile that makes an image for something else than linux/arm64."""

    line: int
    """Of the FROM, from 1."""
    text: str
    """The instruction."""
    platform: str


@dataclass(frozen=True, kw_only=True)
class _Stage:
    line: int
    text: str
    platform: str | None
    """With variables filled in; None without the flag."""
    base: str
    name: str


def find_other_platform(dockerfile: str, build_args: Mapping[str, str]) -> OtherPlatform | None:
    """Why the image would not be for linux/arm64; None if nothing in the file speaks against it.

    Args:
        dockerfile: its text.
        build_args: values of ARG.
    """
    stages = _stages(dockerfile, build_args)
    index = len(stages) - 1
    while index >= 0:
        stage = stages[index]
        platform = stage.platform
        if platform is None:
            earlier = _named(stages[:index], stage.base)
            if earlier is not None:
                index = earlier
                continue
            library = _OTHER_LIBRARIES.match(stage.base)
            platform = library["architecture"] if library else ""
        if not platform or platform.lower() in _ARM64:
            return None
        shown = "the platform of the machine that builds" if _BUILDER in platform else platform
        return OtherPlatform(line=stage.line, text=stage.text, platform=shown)
    return None


def _stages(dockerfile: str, build_args: Mapping[str, str]) -> list[_Stage]:
    stages: list[_Stage] = []
    variables: dict[str, str] = dict(_PREDEFINED)
    for line, text in _instructions(dockerfile):
        keyword, _, value = text.partition(" ")
        if keyword.upper() == "ARG" and not stages:
            for word in value.split():
                name, equals, default = word.partition("=")
                if name in build_args or equals:
                    variables[name] = build_args.get(name, _expand(default.strip("\"'"), variables))
        match = _FROM.fullmatch(value.strip()) if keyword.upper() == "FROM" else None
        if match:
            flag = re.search(r"--platform=(\S+)", match["flags"])
            stages.append(
                _Stage(
                    line=line,
                    text=text,
                    platform=_expand(flag[1], variables) if flag else None,
                    base=_expand(match["base"], variables),
                    name=match["name"] or "",
                )
            )
    return stages


def _named(stages: Sequence[_Stage], name: str) -> int | None:
    """The stage of that name, the latest if there are several."""
    found = [index for index, stage in enumerate(stages) if stage.name and stage.name.lower() == name.lower()]
    return found[-1] if found else None


def _instructions(dockerfile: str) -> Iterator[tuple[int, str]]:
    """Line and text of each instruction: continued lines joined, comments and here-documents left out."""
    lines = dockerfile.removeprefix("\ufeff").splitlines()
    escape = _escape(lines)
    number = 0
    while number < len(lines):
        start, parts = number + 1, list[str]()
        continued = True
        while continued and number < len(lines):
            text = lines[number].strip()
            number += 1
            if text.startswith("#") or (parts and not text):
                continue
            continued = text.endswith(escape)
            parts.append(text.removesuffix(escape).strip() if continued else text)
            start = number if len(parts) == 1 else start
        instruction = " ".join(" ".join(parts).split())
        if not instruction:
            continue
        yield start, instruction
        if instruction.partition(" ")[0].upper() in _WITH_HEREDOC:
            for match in _HEREDOC.finditer(instruction):
                while number < len(lines) and lines[number].strip() != match["end"]:
                    number += 1
                number += 1


def _escape(lines: Sequence[str]) -> str:
    """The character that continues a line: a directive before everything else may name the backtick."""
    for line in lines:
        match = _DIRECTIVE.fullmatch(line.strip())
        if match is None:
            break
        if match["name"].lower() == "escape":
            return match["value"].strip()
    return "\\"


def _expand(text: str, variables: Mapping[str, str]) -> str:
    """A word with its variables filled in; one that isn't set is empty."""

    def value(match: re.Match[str]) -> str:
        found = variables.get(match["plain"] or match["name"])
        operator = match["operator"] or ""
        is_set = bool(found) if operator.startswith(":") else found is not None
        if operator.endswith("-"):
            return found or "" if is_set else _expand(match["word"], variables)
        if operator.endswith("+"):
            return _expand(match["word"], variables) if is_set else ""
        return found or ""

    return _VARIABLE.sub(value, text)
