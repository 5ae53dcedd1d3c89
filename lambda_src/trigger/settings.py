"""What the deployment tells the function, all of it through the environment."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

SCHEMA_FILE = Path(__file__).with_name("parameters.schema.json")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One deployed function serves one pipeline."""

    pipeline: str
    job_name_prefix: str
    job_definition: str
    """`name:revision`."""
    job_queue: str
    """Its name."""
    results_bucket: str
    inputs_bucket: str
    idempotency_table: str
    log_group: str
    """Where the pipeline's jobs log."""
    max_timeout_seconds: int
    cors_origins: tuple[str, ...]
    """`("*",)`, or the origins that a browser may call from."""
    consumers: Mapping[str, str]
    """API key id -> consumer; a consumer may have two keys."""
    sees_all_jobs: bool
    """Whether a consumer may see and cancel the others' jobs."""
    schema: Mapping[str, Any]
    """Of a job's parameters: JSON Schema, draft 4."""

    @property
    def job_definition_name(self) -> str:
        return self.job_definition.rpartition(":")[0] or self.job_definition


def read_settings(environment: Mapping[str, str], schema_file: Path = SCHEMA_FILE) -> Settings:
    """Read the environment.

    Raises:
        KeyError: a variable is missing.
        ValueError: a variable can't be read.
        OSError: the schema isn't beside the code.
    """
    visibility = environment.get("JOB_VISIBILITY", "consumer")
    if visibility not in ("consumer", "all"):
        raise ValueError("JOB_VISIBILITY must be consumer or all.")
    pipeline = environment["PIPELINE"]
    return Settings(
        pipeline=pipeline,
        job_name_prefix=environment.get("JOB_NAME_PREFIX") or pipeline,
        job_definition=_last_part(environment["aws_jobdefinition"]),
        job_queue=_last_part(environment["aws_jobqueue"]),
        results_bucket=environment["RESULTS_BUCKET"],
        inputs_bucket=environment["INPUTS_BUCKET"],
        idempotency_table=environment["IDEMPOTENCY_TABLE"],
        log_group=environment["LOG_GROUP"],
        max_timeout_seconds=int(environment["MAX_TIMEOUT_SECONDS"]),
        cors_origins=tuple(part.strip() for part in environment["CORS_ORIGINS"].split(",") if part.strip()),
        consumers=cast("dict[str, str]", json.loads(environment["CONSUMERS"])),
        sees_all_jobs=visibility == "all",
        schema=cast("dict[str, Any]", json.loads(schema_file.read_bytes())),
    )


def _last_part(name_or_arn: str) -> str:
    return name_or_arn.rpartition("/")[2]
