"""The settings of a Lambda function that runs a pipeline's image."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from components.pipeline_settings import PipelineSettings, check_name
from components.settings_reader import Section

_FUNCTION_KEYS = (
    *("command", "environment", "ephemeralStorageMib", "failureDestination", "memoryMib", "pipeline"),
    *("readPrefixes", "reservedConcurrency", "sesIdentities", "timeoutSeconds", "writePrefixes"),
)
MIN_MEMORY_MIB, MAX_MEMORY_MIB = 128, 10_240
"""[AWS Lambda developer guide, "Configure Lambda function memory"]."""
MAX_TIMEOUT_SECONDS = 900
"""[AWS Lambda developer guide, "Configure Lambda function timeout"]."""
MIN_STORAGE_MIB, MAX_STORAGE_MIB = 512, 10_240
"""Of `/tmp` [AWS Lambda developer guide, "Configure ephemeral storage for Lambda functions"]."""
_MAX_CONCURRENCY = 100_000
"""No limit of AWS: an account has 1,000 unless it asks for more."""
_S3_PREFIX = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^/*?\s][^*?\s]*"
"""[Amazon S3 user guide, "General purpose bucket naming rules"]; a wildcard would be one in the policy."""
_SES_IDENTITY = r"([^@\s*]+@)?[a-z0-9-]+(\.[a-z0-9-]+)+"
_DESTINATION = (
    r"arn:aws[a-z-]*:(sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+|sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+"
    r"|lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9_-]+)?"
    r"|events:[a-z0-9-]+:[0-9]{12}:event-bus/[A-Za-z0-9_./-]+)"
)
"""Lambda takes no FIFO queue or topic, the only ones with a period in the name [AWS Lambda developer guide, "Retaining
records of asynchronous invocations"]."""
_RESERVED_ENVIRONMENT = (
    *("AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV", "AWS_REGION"),
    *("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT"),
)
_RESERVED_ENVIRONMENT_PREFIX = "AWS_LAMBDA_"
"""Names that Lambda sets, and refuses [AWS Lambda developer guide, "Defined runtime environment variables"]."""


@dataclass(frozen=True, kw_only=True)
class FunctionSettings:
    """One entry of `functions`."""

    name: str
    pipeline: str
    """The pipeline of this stack whose image it runs."""
    memory_mib: int
    """128 to 10,240, default 512."""
    timeout_seconds: int
    """1 to 900, default 60."""
    ephemeral_storage_mib: int
    """512 to 10,240, default 512."""
    reserved_concurrency: int | None
    """How many may run at a time, and always can; 0 stops the function, None reserves nothing."""
    command: Sequence[str]
    """Empty: the image's own."""
    environment: Mapping[str, str]
    read_prefixes: Sequence[str]
    """`bucket/prefix` of the objects that it may read."""
    write_prefixes: Sequence[str]
    """`bucket/prefix` of the objects that it may write."""
    ses_identities: Sequence[str]
    """Addresses and domains that it may send mail from."""
    failure_destination: str
    """ARN of the queue, topic, function or event bus that learns of a failed event; empty for none."""


def read_functions(top: Section, pipelines: Sequence[PipelineSettings], region: str) -> tuple[FunctionSettings, ...]:
    """Read `functions` of a stack in a region; problems are kept in the section."""
    names = [pipeline.name for pipeline in pipelines]
    images = {pipeline.name: pipeline.image for pipeline in pipelines}
    found: list[FunctionSettings] = []
    for name, entry in top.section("functions").sections():
        function = _read_function(name, entry, names)
        image = images.get(function.pipeline)
        if image is not None and region and image.region != region:
            entry.refuse(
                "pipeline",
                f"a pipeline whose image is in {region}, too: Lambda takes none from another region, as Batch does",
                f"copy the image into a repository in {region}, and name that one in the pipeline",
                found=f"{function.pipeline}, whose image is in {image.region}",
            )
        found.append(function)
    return tuple(found)


def _read_function(name: str, section: Section, pipelines: Sequence[str]) -> FunctionSettings:
    section.refuse_unknown(_FUNCTION_KEYS)
    check_name(name, section)
    concurrency = None
    if "reservedConcurrency" in section.values:
        concurrency = section.integer(
            "reservedConcurrency", 10, minimum=0, maximum=_MAX_CONCURRENCY, unit="concurrent executions"
        )
    return FunctionSettings(
        name=name,
        pipeline=read_pipeline_name(section, pipelines),
        memory_mib=section.integer("memoryMib", 512, minimum=MIN_MEMORY_MIB, maximum=MAX_MEMORY_MIB, unit="MiB"),
        timeout_seconds=section.integer("timeoutSeconds", 60, minimum=1, maximum=MAX_TIMEOUT_SECONDS, unit="seconds"),
        ephemeral_storage_mib=section.integer(
            "ephemeralStorageMib", 512, minimum=MIN_STORAGE_MIB, maximum=MAX_STORAGE_MIB, unit="MiB"
        ),
        reserved_concurrency=concurrency,
        command=section.strings("command"),
        environment=_read_environment(section),
        read_prefixes=_read_list(section, "readPrefixes", _S3_PREFIX, "bucket/prefix, without s3:// and wildcards"),
        write_prefixes=_read_list(section, "writePrefixes", _S3_PREFIX, "bucket/prefix, without s3:// and wildcards"),
        ses_identities=_read_list(section, "sesIdentities", _SES_IDENTITY, "a mail address, or a domain"),
        failure_destination=section.text(
            "failureDestination",
            "",
            rf"({_DESTINATION})?",
            "the ARN of an SQS queue, an SNS topic, a Lambda function or an EventBridge event bus, or nothing",
        ),
    )


def read_pipeline_name(section: Section, pipelines: Sequence[str]) -> str:
    """Read `pipeline`, the name of a pipeline of this stack; problems are kept in the section."""
    value = section.values.get("pipeline")
    if isinstance(value, str) and value in pipelines:
        return value
    known = ", ".join(sorted(pipelines)) or "none"
    example = pipelines[0] if pipelines else "wordcount"
    section.refuse(
        "pipeline", f"the name of a pipeline of this stack ({known})", section.set_command("pipeline", example)
    )
    return example


def _read_list(section: Section, name: str, pattern: str, each: str) -> tuple[str, ...]:
    return section.distinct(
        name,
        lambda item: re.fullmatch(pattern, item),
        f"a list of such items, each once: {each}",
        section.remove_command(name),
    )


def _read_environment(section: Section) -> dict[str, str]:
    environment = section.string_map(
        "environment", r"[A-Za-z][A-Za-z0-9_]+", "at least two letters, digits and _, a letter first"
    )
    entries = section.section("environment") if environment else section
    for name in environment:
        if name in _RESERVED_ENVIRONMENT or name.startswith(_RESERVED_ENVIRONMENT_PREFIX):
            entries.refuse(
                name,
                f"a name that Lambda does not set itself ({', '.join(sorted(_RESERVED_ENVIRONMENT))}, "
                f"{_RESERVED_ENVIRONMENT_PREFIX}...)",
                entries.remove_command(name),
                found="a reserved name",
            )
    return environment
