"""The stack's settings: the only reader of `pulumi.Config`. All problems are raised at once, before any resource.

`parse` is pure: it takes plain values and the project's folder, so it is tested without Pulumi.
"""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pulumi
from pulumi.runtime import config as runtime_config

from components import api_document
from components.api_document import DocumentError
from components.pipeline_settings import PipelineSettings, read_pipeline
from components.settings_reader import Problems, Section, SettingsError

__all__ = [
    "KEYS",
    "Consumer",
    "DocsSettings",
    "NetworkSettings",
    "PipelineSettings",
    "Settings",
    "SettingsError",
    "load_settings",
    "parse",
]

GATEWAY_RESOURCE_LIMIT = 300
"""Resources of one REST API [API Gateway developer guide, "Quotas for REST APIs"]."""
_SHARED_GATEWAY_RESOURCES = 2
"""The root, and the proxy resource that answers preflights."""
_LOG_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""[CloudWatch Logs, "PutRetentionPolicy"]."""
_WEBSITE_STACKS = ("local", "dev")
_MAX_RATE = 10_000
"""Requests per second of an account and region [API Gateway developer guide, "Quotas"]."""

KEYS: Mapping[str, tuple[str, Any]] = {
    "pipelines": ("object", {}),
    "retainedImages": ("integer", 10),
    "untaggedDays": ("integer", 1),
    "maxVcpus": ("integer", 16),
    "network": ("object", {"kind": "new"}),
    "stageName": ("string", "default"),
    "corsOrigins": ("array", ["*"]),
    "throttle": ("object", {"rate": 20, "burst": 40}),
    "quotaPerDay": ("integer", 10_000),
    "consumers": ("object", {"default": {}}),
    "logRetentionDays": ("integer", 30),
    "resultRetentionDays": ("integer", 90),
    "inputRetentionDays": ("integer", 7),
    "protectData": ("boolean", False),
    "buildCache": ("boolean", True),
    "buildOnPreview": ("boolean", False),
    "docs": ("object", {"mode": "website"}),
    "jobVisibility": ("string", "consumer"),
    "permissionsBoundary": ("string", ""),
}
"""Key -> type and default, as `Pulumi.yaml` declares them."""


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """Where jobs run."""

    kind: str
    """`new`: a VPC with two public subnets and no NAT; `default`: the region's default VPC; `existing`: given ids."""
    subnet_ids: Sequence[str] = ()
    security_group_ids: Sequence[str] = ()
    assign_public_ip: bool
    """Whether a job gets a public address: needed where its subnets have no NAT."""


@dataclass(frozen=True, kw_only=True)
class Consumer:
    """Someone who gets an API key."""

    name: str
    rate: float
    """Requests per second."""
    burst: int
    quota_per_day: int
    key_generations: tuple[int, int]
    """The generation of the key in each of two slots; 0 is an empty slot."""


@dataclass(frozen=True, kw_only=True)
class DocsSettings:
    """How the docs site is served."""

    mode: str
    """`website` or `cloudfront`."""
    domain: str | None
    """A host name of one's own, `cloudfront` only."""
    certificate_arn: str | None
    """The certificate for `domain`: CloudFront takes one in us-east-1 only."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that `pulumi config` decides."""

    project: str
    stack: str
    region: str
    pipelines: Sequence[PipelineSettings]
    retained_images: int
    untagged_days: int
    max_vcpus: int
    network: NetworkSettings
    stage_name: str
    cors_origins: Sequence[str]
    consumers: Sequence[Consumer]
    log_retention_days: int
    result_retention_days: int
    input_retention_days: int
    protect_data: bool
    build_cache: bool
    build_on_preview: bool
    docs: DocsSettings
    job_visibility: str
    """`consumer`: a consumer sees its own jobs; `all`: everyone's."""
    permissions_boundary: str
    """ARN of the policy that bounds every role of the stack; empty for none."""
    api_template: Mapping[str, Any] = field(repr=False)
    """`swagger/openapi.yaml`."""


def load_settings(root: Path) -> Settings:
    """Read the configuration of the running program.

    Args:
        root: the project's folder.

    Raises:
        SettingsError: with every problem.
    """
    project, stack = pulumi.get_project(), pulumi.get_stack()
    values: dict[str, Any] = {}
    for full_key, text in _raw_values().items():
        namespace, _, key = full_key.partition(":")
        if namespace == project:
            values[key] = _plain_value(key, text)
    region = pulumi.Config("aws").get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return parse(values, project=project, stack=stack, region=region or "", root=root)


def _raw_values() -> dict[str, str]:
    """`pulumi.Config` reads single keys only; unknown keys are found by listing all."""
    return {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}


def _plain_value(key: str, text: str) -> Any:
    """The engine hands everything over as text: numbers, booleans, lists and mappings as JSON."""
    if KEYS.get(key, ("string", None))[0] == "string":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text  # a reader says what type it expects


def parse(values: Mapping[str, Any], *, project: str, stack: str, region: str, root: Path) -> Settings:
    """Check plain values and turn them into settings.

    Args:
        values: key without namespace -> plain value.
        region: AWS region, empty if none is configured.
        root: the project's folder; contexts and schemas are looked up below it.

    Raises:
        SettingsError: with every problem.
    """
    found = Problems()
    top = Section(found, f"{project}:", values)
    top.refuse_unknown(tuple(KEYS))
    if not region:
        found.add(
            "aws:region", "nothing", "an AWS region", "pulumi config set aws:region eu-central-1, or set AWS_REGION"
        )
    max_vcpus = _integer(top, "maxVcpus", 1, 100_000, "vCPU")
    template = _read_template(found, root)
    settings = Settings(
        project=project,
        stack=stack,
        region=region,
        pipelines=_read_pipelines(top, root, max_vcpus, template),
        retained_images=_integer(top, "retainedImages", 1, 1000, "images"),
        untagged_days=_integer(top, "untaggedDays", 1, 3650, "days"),
        max_vcpus=max_vcpus,
        network=_read_network(top),
        stage_name=top.text(
            "stageName", "default", r"[A-Za-z0-9_-]{1,128}", "1 to 128 letters, digits, hyphens and underscores"
        ),
        cors_origins=_read_origins(top),
        consumers=_read_consumers(top),
        log_retention_days=_read_log_retention(top),
        result_retention_days=_integer(top, "resultRetentionDays", 1, 36_500, "days"),
        input_retention_days=_integer(top, "inputRetentionDays", 1, 36_500, "days"),
        protect_data=top.boolean("protectData", default=False),
        build_cache=top.boolean("buildCache", default=True),
        build_on_preview=top.boolean("buildOnPreview", default=False),
        docs=_read_docs(top, stack),
        job_visibility=top.choice("jobVisibility", "consumer", ("consumer", "all")),
        permissions_boundary=top.text(
            "permissionsBoundary",
            "",
            r"(arn:aws[a-z-]*:iam::[0-9]{12}:policy/[A-Za-z0-9+=,.@_/-]+)?",
            "the ARN of an IAM policy, or nothing",
        ),
        api_template=template,
    )
    if found.texts:
        raise SettingsError(stack, found.texts)
    return settings


def _integer(top: Section, name: str, minimum: int, maximum: int, unit: str) -> int:
    return top.integer(name, cast("int", KEYS[name][1]), minimum=minimum, maximum=maximum, unit=unit)


def _read_template(problems: Problems, root: Path) -> Mapping[str, Any]:
    try:
        return api_document.load_template(root)
    except DocumentError as error:
        problems.add(str(api_document.PATH), f"a problem ({error})", "the API's OpenAPI document", "correct the file")
        return {"paths": {}}


def _read_pipelines(
    top: Section, root: Path, max_vcpus: int, template: Mapping[str, Any]
) -> tuple[PipelineSettings, ...]:
    section = top.section("pipelines")
    pipelines = tuple(read_pipeline(name, entry, root=root, max_vcpus=max_vcpus) for name, entry in section.sections())
    if not pipelines and isinstance(top.values.get("pipelines", {}), dict):
        top.refuse(
            "pipelines",
            "at least one pipeline: an API without a method can't be deployed",
            top.section("pipelines").section("wordcount").set_command("context", "pipelines/wordcount"),
            found="none",
        )
    needed = api_document.resources_per_pipeline(template) * len(pipelines) + _SHARED_GATEWAY_RESOURCES
    if needed > GATEWAY_RESOURCE_LIMIT:
        each = api_document.resources_per_pipeline(template)
        top.refuse(
            "pipelines",
            f"at most {(GATEWAY_RESOURCE_LIMIT - _SHARED_GATEWAY_RESOURCES) // each}: each needs {each} of the "
            f"{GATEWAY_RESOURCE_LIMIT} resources of an API Gateway REST API",
            "move some of them to another stack",
            found=f"{len(pipelines)} pipelines",
        )
    return pipelines


def _read_network(top: Section) -> NetworkSettings:
    section = top.section("network", KEYS["network"][1])
    section.refuse_unknown(("kind", "subnetIds", "securityGroupIds", "assignPublicIp"))
    kind = section.choice("kind", "new", ("new", "default", "existing"))
    subnets, groups = section.strings("subnetIds"), section.strings("securityGroupIds")
    if kind != "existing":
        for name in ("subnetIds", "securityGroupIds", "assignPublicIp"):
            if name in section.values:
                section.refuse(name, f"nothing: a {kind} network has its own", section.set_command("kind", "existing"))
        return NetworkSettings(kind=kind, assign_public_ip=True)
    for name, ids, prefix in (("subnetIds", subnets, "subnet"), ("securityGroupIds", groups, "sg")):
        if not ids or not all(re.fullmatch(rf"{prefix}-[0-9a-z]+", given) for given in ids):
            section.refuse(
                name,
                f"at least one id like {prefix}-0123456789abcdef0",
                section.set_command(f"{name}[0]", f"{prefix}-..."),
            )
    return NetworkSettings(
        kind=kind,
        subnet_ids=subnets,
        security_group_ids=groups,
        assign_public_ip=section.boolean("assignPublicIp", default=False),
    )


def _read_origins(top: Section) -> tuple[str, ...]:
    origins = top.strings("corsOrigins", ("*",))
    fix = top.set_command("corsOrigins[0]", "https://docs.example.org")
    if not origins:
        top.refuse("corsOrigins", 'origins, or "*" for any', fix)
    elif "*" in origins and len(origins) > 1:
        top.refuse("corsOrigins", '"*" alone, or a list of origins without it', fix)
    elif len(set(origins)) != len(origins):
        top.refuse("corsOrigins", "each origin once", fix)
    elif origins != ("*",):
        wrong = [origin for origin in origins if not re.fullmatch(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?", origin)]
        if wrong:
            top.refuse(
                "corsOrigins",
                "origins as a browser sends them: scheme, host in lower case and port, no path or slash at the end",
                fix,
                found=", ".join(wrong),
            )
    return origins


def _read_consumers(top: Section) -> tuple[Consumer, ...]:
    throttle = top.section("throttle", KEYS["throttle"][1])
    throttle.refuse_unknown(("rate", "burst"))
    default = KEYS["throttle"][1]
    rate = throttle.number("rate", default["rate"], above=0, maximum=_MAX_RATE, unit="requests per second")
    burst = throttle.integer("burst", default["burst"], minimum=1, maximum=_MAX_RATE, unit="requests")
    quota = _integer(top, "quotaPerDay", 1, 1_000_000_000, "requests")
    section = top.section("consumers", KEYS["consumers"][1])
    consumers: list[Consumer] = []
    for name, entry in section.sections():
        entry.refuse_unknown(("rate", "burst", "quotaPerDay", "keyGenerations"))
        if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or len(name) > 32:
            section.refuse(
                name,
                "a name of at most 32 lower-case letters, digits and single hyphens, a letter first (it becomes part "
                "of the names of jobs)",
                "rename it in the stack file",
                found=f'the name "{name}"',
            )
        consumers.append(
            Consumer(
                name=name,
                rate=entry.number("rate", rate, above=0, maximum=_MAX_RATE, unit="requests per second"),
                burst=entry.integer("burst", burst, minimum=1, maximum=_MAX_RATE, unit="requests"),
                quota_per_day=entry.integer("quotaPerDay", quota, minimum=1, maximum=1_000_000_000, unit="requests"),
                key_generations=_read_generations(entry),
            )
        )
    if not consumers and isinstance(top.values.get("consumers", {}), dict):
        top.refuse("consumers", "at least one: without a key nobody can call the API", top.remove_command("consumers"))
    return tuple(consumers)


def _read_generations(entry: Section) -> tuple[int, int]:
    value: object = entry.values.get("keyGenerations", [1, 0])
    if isinstance(value, list):
        generations = cast("list[object]", value)
        whole = [item for item in generations if isinstance(item, int) and not isinstance(item, bool) and item >= 0]
        if len(whole) == len(generations) == 2 and whole[0] != whole[1]:
            return whole[0], whole[1]
    entry.refuse(
        "keyGenerations",
        "two different whole numbers, the generation of each key slot; 0 is an empty slot, the highest is current",
        entry.remove_command("keyGenerations"),
    )
    return 1, 0


def _read_log_retention(top: Section) -> int:
    days = top.values.get("logRetentionDays", KEYS["logRetentionDays"][1])
    if isinstance(days, int) and not isinstance(days, bool) and days in _LOG_RETENTION_DAYS:
        return days
    wanted = days if isinstance(days, int) else 30
    nearest = min(_LOG_RETENTION_DAYS, key=lambda allowed: abs(allowed - wanted))
    top.refuse(
        "logRetentionDays",
        f"a number of days that CloudWatch Logs knows: {', '.join(map(str, _LOG_RETENTION_DAYS))}",
        top.set_command("logRetentionDays", nearest),
    )
    return 30


def _read_docs(top: Section, stack: str) -> DocsSettings:
    section = top.section("docs", KEYS["docs"][1])
    section.refuse_unknown(("mode", "domain", "certificateArn"))
    mode = section.choice("mode", "website", ("website", "cloudfront"))
    if mode == "website" and stack not in _WEBSITE_STACKS:
        section.refuse(
            "mode",
            f"cloudfront: a website is public and HTTP only, which is for the stacks {' and '.join(_WEBSITE_STACKS)}",
            section.set_command("mode", "cloudfront"),
            found="website",
        )
    given = [name for name in ("domain", "certificateArn") if name in section.values]
    if not given:
        return DocsSettings(mode=mode, domain=None, certificate_arn=None)
    if mode == "website":
        section.refuse(given[0], "nothing: a website has no certificate", section.remove_command(given[0]))
    return DocsSettings(
        mode=mode,
        domain=section.text("domain", "", r"[a-z0-9-]+(\.[a-z0-9-]+)+", "a host name, with a certificateArn for it"),
        certificate_arn=section.text(
            "certificateArn",
            "",
            r"arn:aws[a-z-]*:acm:us-east-1:[0-9]{12}:certificate/[0-9a-f-]+",
            "the ARN of a certificate in us-east-1, where CloudFront looks for it, with a domain",
        ),
    )
