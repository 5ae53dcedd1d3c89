"""Which Dockerfiles make an image that can't run. What isn't proven here: what BuildKit makes of them."""

from pathlib import Path

import pytest

from components.dockerfile_platform import find_other_platform
from tests.components.stack import Parse, Problems

AMD64 = "FROM --platform=linux/amd64 python:3.13"


@pytest.mark.parametrize(
    "dockerfile",
    [
        "",
        "FROM scratch",
        "FROM --platform=linux/arm64 python:3.13",
        "FROM --platform=arm64 python:3.13",
        "FROM --platform=linux/arm64/v8 python:3.13",
        "FROM --platform=$TARGETPLATFORM python:3.13",
        "FROM --platform=${TARGETOS}/${TARGETARCH} python:3.13",
        "FROM --platform=$BUILDPLATFORM golang AS build\nFROM scratch\nCOPY --from=build /x /x",
        f"{AMD64} AS build\nFROM scratch\nCOPY --from=build /x /x",
        f"{AMD64} AS base\nFROM --platform=linux/arm64 python AS base\nFROM base",
        "ARG WHERE\nFROM --platform=$WHERE python",
        "ARG WHERE=linux/arm64\nFROM --platform=${WHERE} python",
        "ARG WHERE=linux/amd64\nFROM --platform=${WHERE:+linux/arm64} python",
        f"FROM scratch\n# {AMD64}\nRUN <<EOF\n{AMD64}\nEOF",
        f"FROM scratch\nRUN a \\\n  # why\n\n  {AMD64}\n",
        f"# escape=`\nFROM scratch\nRUN dir c:\\ `\n{AMD64}",
        "FROM arm64v8/python",
        "FROM example.com/amd64/python",
    ],
)
def test_an_image_for_arm64(dockerfile: str) -> None:
    assert find_other_platform(dockerfile, {}) is None


@pytest.mark.parametrize(
    ("dockerfile", "line", "platform"),
    [
        (AMD64, 1, "linux/amd64"),
        (f"# a comment\n\n{AMD64}\n", 3, "linux/amd64"),
        ("from --platform=LINUX/AMD64 python", 1, "LINUX/AMD64"),
        ("FROM \\\n  --platform=linux/arm/v7 \\\n  python", 1, "linux/arm/v7"),
        ("FROM --platform=linux/arm64 a AS b\nFROM --platform=linux/amd64 c", 2, "linux/amd64"),
        (f"{AMD64} AS Base\nFROM scratch AS other\nFROM base", 1, "linux/amd64"),
        ("ARG WHERE=linux/amd64\nFROM --platform=$WHERE python", 2, "linux/amd64"),
        ("ARG ARCH=amd64\nARG WHERE=linux/${ARCH}\nFROM --platform=${WHERE} python", 3, "linux/amd64"),
        ("FROM --platform=${WHERE:-linux/amd64} python", 1, "linux/amd64"),
        ("FROM --platform=$BUILDPLATFORM python", 1, "the platform of the machine that builds"),
        ("FROM --platform=linux/$BUILDARCH python", 1, "the platform of the machine that builds"),
        ("FROM amd64/python:3.13", 1, "amd64"),
        ("FROM docker.io/i386/debian", 1, "i386"),
        (f"FROM scratch\nRUN <<EOF\nx\nEOF\n{AMD64}", 5, "linux/amd64"),
        (f"FROM scratch\nRUN echo $((1<<2)) <<<word\n{AMD64}", 3, "linux/amd64"),
        (f"\ufeff{AMD64}", 1, "linux/amd64"),
        (f"FROM scratch\r\n{AMD64}\r\n", 2, "linux/amd64"),
    ],
)
def test_an_image_for_another_platform(dockerfile: str, line: int, platform: str) -> None:
    found = find_other_platform(dockerfile, {})
    assert found is not None
    assert (found.line, found.platform) == (line, platform)


def test_a_build_argument_goes_before_a_default() -> None:
    dockerfile = "ARG WHERE=linux/arm64\nFROM --platform=$WHERE python"
    found = find_other_platform(dockerfile, {"WHERE": "linux/amd64"})
    assert found is not None
    assert found.text == "FROM --platform=$WHERE python"
    assert find_other_platform(dockerfile.replace("arm64", "amd64"), {"WHERE": "linux/arm64"}) is None


def test_the_settings_refuse_it_with_file_line_and_the_way_out(root: Path, parse: Parse, problems: Problems) -> None:
    (root / "jobs/sample/Dockerfile").write_text(f"# For laptops.\n{AMD64}\n")
    (text,) = problems({})
    assert text == (
        f"slipway:pipelines.sample.context: found linux/amd64: jobs/sample/Dockerfile:2: {AMD64}; expected an image "
        "for linux/arm64, on which all jobs run. Fix: in line 2 leave --platform out, or name a base image that has "
        "linux/arm64; a stage that only builds may have --platform=$BUILDPLATFORM"
    )
    (root / "jobs/sample/Dockerfile").write_text("ARG WHERE=linux/amd64\nFROM --platform=$WHERE scratch\n")
    arguments = {"WHERE": "linux/arm64"}
    assert parse({"pipelines": {"sample": {"context": "jobs/sample", "buildArgs": arguments}}}).pipelines
    (root / "jobs/sample/Dockerfile").write_bytes(b"# caf\xe9\nFROM scratch\n")
    assert parse().pipelines
