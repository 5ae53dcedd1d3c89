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

from components import api_document, naming, promotions
from components.api_document import DocumentError
from components.consumer_settings import Consumer, read_consumers
from components.docs_settings import DocsSettings, read_docs
from components.function_settings import FunctionSettings, read_functions
from components.network_settings import NetworkSettings, read_network
from components.notification_settings import NotificationSettings, read_notifications
from components.pipeline_settings import PipelineSettings, read_pipeline
from components.registry_settings import RegistrySettings, read_registry, read_tag_prefixes
from components.service_settings import ServiceSettings, read_services
from components.settings_keys import KEYS
from components.settings_reader import Problems, Section, SettingsError

__all__ = [
    "KEYS",
    "Consumer",
    "DocsSettings",
    "FunctionSettings",
    "NetworkSettings",
    "NotificationSettings",
    "PipelineSettings",
    "RegistrySettings",
    "ServiceSettings",
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


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that `pulumi config` decides."""

    project: str
    stack: str
    region: str
    pipelines: Sequence[PipelineSettings]
    """None where the registry has `repositories` for other stacks."""
    registry: RegistrySettings
    retained_images: int
    untagged_days: int
    protected_tag_prefixes: Sequence[str]
    """Beginnings of tags whose images never expire."""
    used_elsewhere: Mapping[str, Sequence[str]]
    """Pipeline -> the other stacks that run an image of its repository here, by their stack files."""
    max_vcpus: int
    network: NetworkSettings
    stage_name: str
    cors_origins: Sequence[str]
    consumers: Sequence[Consumer]
    functions: Sequence[FunctionSettings]
    services: Sequence[ServiceSettings]
    notifications: NotificationSettings
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
    encrypted = Problems()
    for full_key, text in _raw_values().items():
        namespace, _, key = full_key.partition(":")
        if namespace == project:
            values[key] = _plain_value(key, text)
            if runtime_config.is_config_secret(full_key):
                encrypted.add(
                    full_key,
                    "an encrypted value, there or inside",
                    "plain text: state, job definitions, functions and tasks show settings to whoever may read those",
                    "write what is no secret with pulumi config set --plaintext, and take a secret out (pulumi config "
                    "rm): Secrets Manager keeps it, and the program in the image fetches it",
                )
    if encrypted.texts:
        raise SettingsError(stack, encrypted.texts)
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
    registry = read_registry(top)
    used = _used_elsewhere(found, root=root, project=project, stack=stack)
    pipelines = () if registry.repositories else _read_pipelines(top, root, max_vcpus, template)
    _check_repositories(top, project, stack, registry, pipelines, used)
    names = [pipeline.name for pipeline in pipelines]
    settings = Settings(
        project=project,
        stack=stack,
        region=region,
        pipelines=pipelines,
        registry=registry,
        retained_images=_integer(top, "retainedImages", 1, 1000, "images"),
        untagged_days=_integer(top, "untaggedDays", 1, 3650, "days"),
        protected_tag_prefixes=read_tag_prefixes(top),
        used_elsewhere=used,
        max_vcpus=max_vcpus,
        network=read_network(top),
        stage_name=top.text(
            "stageName", "default", r"[A-Za-z0-9_-]{1,128}", "1 to 128 letters, digits, hyphens and underscores"
        ),
        cors_origins=_read_origins(top),
        consumers=read_consumers(top),
        functions=() if registry.repositories else read_functions(top, pipelines, region),
        services=() if registry.repositories else read_services(top, names),
        notifications=read_notifications(top),
        log_retention_days=_read_log_retention(top),
        result_retention_days=_integer(top, "resultRetentionDays", 1, 36_500, "days"),
        input_retention_days=_integer(top, "inputRetentionDays", 1, 36_500, "days"),
        protect_data=top.boolean("protectData", default=False),
        build_cache=top.boolean("buildCache", default=True),
        build_on_preview=top.boolean("buildOnPreview", default=False),
        docs=DocsSettings(mode="website", domain=None, certificate_arn=None)
        if registry.repositories  # and so no site
        else read_docs(top, stack),
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


def _used_elsewhere(problems: Problems, *, root: Path, project: str, stack: str) -> dict[str, tuple[str, ...]]:
    """Which of the repositories that are, or were, this stack's own other stacks use: pipeline -> their names."""
    own = naming.repository_name(project, stack, "")
    used = promotions.repositories_in_use(problems, root=root, project=project, stack=stack)
    return {name.removeprefix(own): stacks for name, stacks in used.items() if name.startswith(own)}


def _check_repositories(
    top: Section,
    project: str,
    stack: str,
    registry: RegistrySettings,
    pipelines: Sequence[PipelineSettings],
    used: Mapping[str, Sequence[str]],
) -> None:
    """Refuse what would delete a repository of this stack that somebody runs an image of."""
    key = "repositories" if registry.repositories else "pipelines"
    names = {*registry.repositories, *(pipeline.name for pipeline in pipelines)}
    for name in sorted(set(used) - names):
        several = len(used[name]) > 1
        users = f"the stack{'s' if several else ''} {' and '.join(used[name])}"
        top.problems.add(
            top.path(key),
            f"nothing that keeps the repository {naming.repository_name(project, stack, name)}",
            f"{name}, with that repository: {users} run{'' if several else 's'} an image in it, which no change, nor a "
            "rename, may delete",
            f"keep {name}, or give {users} an image from elsewhere first",
        )
    for pipeline in pipelines:
        image = pipeline.image
        if image is not None and image.repository_name == naming.repository_name(project, stack, pipeline.name):
            section = top.section("pipelines").section(pipeline.name)
            digest = image.reference.partition("@")[2]
            section.refuse(
                "image",
                "the digest alone: this repository is the stack's own, and would be deleted with the images in it",
                section.set_command("image", digest),
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
