"""The settings of one pipeline."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from components import naming, parameters_schema
from components.dockerfile_platform import find_other_platform
from components.fargate_settings import read_size
from components.parameters_schema import SchemaError
from components.settings_reader import Section

PIPELINE_KEYS = (
    *("attempts", "buildArgs", "command", "context", "dockerfile", "environment", "generation", "image", "imageTag"),
    *("memoryMib", "noCache", "schema", "timeoutSeconds", "vcpus"),
)
_BUILD_KEYS = ("buildArgs", "dockerfile", "generation", "noCache")

NAME_PATTERN = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
MAX_NAME_LENGTH = 32
MIN_TIMEOUT_SECONDS = 60
"""[AWS Batch user guide, "Job timeouts"]."""
MAX_TIMEOUT_SECONDS = 14 * 24 * 3600
"""Fargate ends what runs longer [AWS Batch user guide, "Job timeouts"]."""
MAX_ATTEMPTS = 10
"""[AWS Batch user guide, "Automated job retries"]."""

_ECR_IMAGE = re.compile(
    r"(?P<account>[0-9]{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.(?P<domain>amazonaws\.com(?:\.cn)?)"
    r"/(?P<repository>[a-z0-9]+(?:[._/-][a-z0-9]+)*)@(?P<digest>sha256:[0-9a-f]{64})"
)
_DIGEST = r"sha256:[0-9a-f]{64}"
_IMAGE_EXPECTED = (
    "ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY@sha256:DIGEST, or sha256:DIGEST alone in the stack's registry"
)
_IMAGE_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
"""[OCI distribution specification, "Pulling manifests"]."""
_RESERVED_ENVIRONMENT = ("JOB_PARAMETERS", "RESULTS_URI", "INPUTS_URI")
_RESERVED_ENVIRONMENT_PREFIX = "AWS_BATCH"
"""AWS Batch refuses names that begin so [AWS Batch user guide, "Job environment variables"]."""


@dataclass(frozen=True, kw_only=True)
class EcrImage:
    """An image by digest in a private repository."""

    reference: str
    """`ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY@sha256:DIGEST`."""
    repository_url: str
    repository_name: str
    repository_arn: str
    region: str


@dataclass(frozen=True, kw_only=True)
class PipelineSettings:
    """One entry of `pipelines`. Exactly one of `context`, `image` and `digest` is set."""

    name: str
    context: str | None
    """The build context, a folder relative to the project's."""
    image: EcrImage | None
    digest: str | None
    """`sha256:...` of an image in the stack's registry."""
    image_tag: str
    """The tag that the image was promoted with, for information only; empty if there is none."""
    dockerfile: str
    """Relative to the context. Default `Dockerfile`."""
    build_args: Mapping[str, str]
    generation: int
    """Part of the image's tag: raise it to get a new tag for unchanged content. Default 1."""
    no_cache: bool
    vcpus: float
    """Default 1."""
    memory_mib: int
    """Default 2048."""
    timeout_seconds: int
    """Of one attempt, 60 to 1,209,600; default 900."""
    attempts: int
    """1 to 10, default 2."""
    environment: Mapping[str, str]
    command: Sequence[str]
    """Empty: the image's own."""
    schema_path: str
    """Relative to the project's folder. Default `parameters.schema.json` in the context, or in `pipelines/NAME` for an
    image that is not built here."""
    schema: Mapping[str, Any]
    """JSON Schema draft 4 of the job's parameters."""
    sample: Mapping[str, Any] | None
    """`sample-input.json` beside the schema, if there is one."""


def read_pipeline(name: str, section: Section, *, root: Path, max_vcpus: int) -> PipelineSettings:
    """Read one pipeline; problems are kept in the section."""
    section.refuse_unknown(PIPELINE_KEYS)
    check_name(name, section)
    context, dockerfile = _read_context(section, root)
    build_args = section.string_map("buildArgs", r"[A-Za-z_][A-Za-z0-9_]*", "letters, digits and _, no digit first")
    _check_platform(section, root, context, dockerfile, build_args)
    image, digest = _read_image(section)
    if ("context" in section.values) == ("image" in section.values):
        section.problems.add(
            section.key,
            "both context and image" if "context" in section.values else "neither context nor image",
            "one of them: `context`, a folder with a Dockerfile, or `image`, a digest in ECR",
            section.remove_command("image")
            if "context" in section.values
            else section.set_command("context", f"pipelines/{name}"),
        )
    for key in _BUILD_KEYS:
        if key in section.values and "image" in section.values and "context" not in section.values:
            section.refuse(key, "no build setting for an image that is not built here", section.remove_command(key))
    if "imageTag" in section.values and "image" not in section.values:
        section.refuse(
            "imageTag", "nothing: only an `image` that was promoted has such a tag", section.remove_command("imageTag")
        )
    schema_path, schema, sample = _read_schema(name, section, root, context)
    vcpus, memory_mib = read_size(section, default_vcpus=1, default_memory_mib=2048, max_vcpus=max_vcpus)
    return PipelineSettings(
        name=name,
        context=context,
        image=image,
        digest=digest,
        image_tag=section.text("imageTag", "", rf"({_IMAGE_TAG})?", "the tag of an image"),
        dockerfile=dockerfile,
        build_args=build_args,
        generation=section.integer("generation", 1, minimum=1, maximum=1_000_000),
        no_cache=section.boolean("noCache", default=False),
        vcpus=vcpus,
        memory_mib=memory_mib,
        timeout_seconds=section.integer(
            "timeoutSeconds", 900, minimum=MIN_TIMEOUT_SECONDS, maximum=MAX_TIMEOUT_SECONDS, unit="seconds"
        ),
        attempts=section.integer("attempts", 2, minimum=1, maximum=MAX_ATTEMPTS, unit="attempts"),
        environment=_read_environment(section),
        command=section.strings("command"),
        schema_path=schema_path,
        schema=schema,
        sample=sample,
    )


def check_name(name: str, section: Section) -> None:
    """Refuse a name that is no good for what is named after it."""
    if re.fullmatch(NAME_PATTERN, name) and len(name) <= MAX_NAME_LENGTH:
        return
    suggestion = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:MAX_NAME_LENGTH].strip("-") or "wordcount"
    if suggestion[0].isdigit():
        suggestion = f"p-{suggestion}"[:MAX_NAME_LENGTH].strip("-")
    section.problems.add(
        section.key,
        f'the name "{name}"',
        f"a name of at most {MAX_NAME_LENGTH} characters that is good for a URL and for AWS: lower-case letters, "
        "digits and single hyphens, a letter first",
        f'rename it to "{suggestion}" in the stack file',
    )


def _read_context(section: Section, root: Path) -> tuple[str | None, str]:
    dockerfile = section.text("dockerfile", "Dockerfile", r"[^/\\].*", "a path inside the context")
    if "context" not in section.values:
        return None, dockerfile
    context = section.values["context"]
    expected = "a folder with a Dockerfile, relative to Pulumi.yaml"
    example = section.set_command("context", f"pipelines/{section.key.rsplit('.', 1)[-1]}")
    if not isinstance(context, str) or not context or PurePosixPath(context).is_absolute():
        section.refuse("context", expected, example)
        return None, dockerfile
    if not os.path.isdir(root / context):  # noqa: PTH112 - Path raises for a name that is too long
        section.refuse("context", expected, example, found=f'"{context}", which is no folder')
        return None, dockerfile
    if not os.path.isfile(root / context / dockerfile):  # noqa: PTH113 - Path raises for a name that is too long
        section.refuse(
            "context",
            expected,
            f"create {PurePosixPath(context, dockerfile)}, or {section.set_command('dockerfile', 'Dockerfile')}",
            found=f'"{context}", which has no {dockerfile}',
        )
    return str(PurePosixPath(context)), dockerfile


def _check_platform(
    section: Section, root: Path, context: str | None, dockerfile: str, build_args: Mapping[str, str]
) -> None:
    path = root / (context or "") / dockerfile
    if context is None or not os.path.isfile(path):  # noqa: PTH113 - Path raises for a name that is too long
        return
    other = find_other_platform(path.read_text(encoding="utf-8", errors="replace"), build_args)
    if other is not None:
        section.refuse(
            "context",
            "an image for linux/arm64, on which all jobs run",
            f"in line {other.line} leave --platform out, or name a base image that has linux/arm64; a stage that only "
            "builds may have --platform=$BUILDPLATFORM",
            found=f"{other.platform}: {PurePosixPath(context, dockerfile)}:{other.line}: {other.text}",
        )


def _read_image(section: Section) -> tuple[EcrImage | None, str | None]:
    """An image in any repository, or the digest of one in the stack's registry."""
    if "image" not in section.values:
        return None, None
    image = section.values["image"]
    if isinstance(image, str) and re.fullmatch(_DIGEST, image):
        return None, image
    match = _ECR_IMAGE.fullmatch(image) if isinstance(image, str) else None
    if match:
        found = EcrImage(
            reference=match[0],
            repository_url=match[0].split("@")[0],
            repository_name=match["repository"],
            repository_arn=(
                f"arn:{naming.partition(match['region'])}:ecr:{match['region']}:{match['account']}"
                f":repository/{match['repository']}"
            ),
            region=match["region"],
        )
        return found, None
    fix = section.set_command("image", "sha256:DIGEST")
    if isinstance(image, str) and re.match(r"[0-9]{12}\.dkr\.ecr\.", image):
        expected = f"an image by digest ({_IMAGE_EXPECTED}): a tag can come to mean another image"
        fix = f"look the digest up (aws ecr describe-images), then {fix}"
    else:
        expected = (
            f"an image in a private ECR repository ({_IMAGE_EXPECTED}); no other registry is pulled from at run time"
        )
    section.refuse("image", expected, fix)
    return None, None


def _read_environment(section: Section) -> dict[str, str]:
    environment = section.string_map("environment", r"[A-Za-z_][A-Za-z0-9_]*", "letters, digits and _, no digit first")
    entries = section.section("environment") if environment else section
    for name in environment:
        if name in _RESERVED_ENVIRONMENT or name.startswith(_RESERVED_ENVIRONMENT_PREFIX):
            entries.refuse(
                name,
                f"a name that is not set by Slipway or AWS Batch ({', '.join(_RESERVED_ENVIRONMENT)}, "
                f"{_RESERVED_ENVIRONMENT_PREFIX}...)",
                entries.remove_command(name),
                found="a reserved name",
            )
    return environment


def _read_schema(
    name: str, section: Section, root: Path, context: str | None
) -> tuple[str, Mapping[str, Any], Mapping[str, Any] | None]:
    default = str(PurePosixPath(context or f"pipelines/{name}", parameters_schema.FILE_NAME))
    if context is None and not {"image", "schema"} & section.values.keys():
        return default, {}, None  # what is missing, or no folder, is a problem already
    path = section.text("schema", default, r"[^/].*", "a path relative to Pulumi.yaml")
    sample_path = PurePosixPath(path).with_name(parameters_schema.SAMPLE_FILE_NAME)
    schema: Mapping[str, Any] = {}
    try:
        schema = parameters_schema.load_schema(root / path)
        return path, schema, parameters_schema.load_sample(root / sample_path, schema)
    except SchemaError as error:
        broken = sample_path if schema else PurePosixPath(path)
        if schema or os.path.exists(root / path):  # noqa: PTH110 - Path raises for a name that is too long
            fix = f"correct {broken}"
        else:
            fix = f"create it, or name another: {section.set_command('schema', default)}"
        section.refuse("schema", error.expected, fix, found=f"{error.found} in {broken}")
    return path, schema, None
