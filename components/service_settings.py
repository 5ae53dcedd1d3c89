"""The settings of an ECS service that runs a pipeline's image."""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from components.fargate_settings import read_size
from components.function_settings import read_pipeline_name
from components.pipeline_settings import check_name
from components.settings_reader import Section

_SERVICE_KEYS = (
    *("command", "desiredCount", "environment", "memoryMib", "pipeline", "port", "sources", "spot", "vcpus"),
)
MAX_TASKS = 5000
"""Of one service [Amazon ECS developer guide, "Amazon ECS service quotas"]."""


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    """One entry of `services`."""

    name: str
    pipeline: str
    """The pipeline of this stack whose image it runs."""
    vcpus: float
    """Default 0.25."""
    memory_mib: int
    """Default 512."""
    desired_count: int
    """Tasks, 0 to 5000, default 1."""
    command: Sequence[str]
    """Empty: the image's own."""
    environment: Mapping[str, str]
    port: int | None
    """What the container listens on; None: nobody connects to it."""
    sources: Sequence[str]
    """IPv4 ranges (CIDR) that may connect to `port`; empty exactly where there is no port."""
    spot: bool
    """Run on Fargate Spot, which may stop a task with two minutes' notice."""


def read_services(top: Section, pipelines: Sequence[str]) -> tuple[ServiceSettings, ...]:
    """Read `services`; problems are kept in the section."""
    return tuple(_read_service(name, entry, pipelines) for name, entry in top.section("services").sections())


def _read_service(name: str, section: Section, pipelines: Sequence[str]) -> ServiceSettings:
    section.refuse_unknown(_SERVICE_KEYS)
    check_name(name, section)
    vcpus, memory_mib = read_size(section, default_vcpus=0.25, default_memory_mib=512)
    port, sources = _read_port(section)
    return ServiceSettings(
        name=name,
        pipeline=read_pipeline_name(section, pipelines),
        vcpus=vcpus,
        memory_mib=memory_mib,
        desired_count=section.integer("desiredCount", 1, minimum=0, maximum=MAX_TASKS, unit="tasks"),
        command=section.strings("command"),
        environment=section.string_map(
            "environment", r"[A-Za-z_][A-Za-z0-9_]*", "letters, digits and _, no digit first"
        ),
        port=port,
        sources=sources,
        spot=section.boolean("spot", default=False),
    )


def _read_port(section: Section) -> tuple[int | None, tuple[str, ...]]:
    sources = section.distinct(
        "sources",
        _is_part_of_the_world,
        "a list of IPv4 ranges, each once and none of them the whole world, like 10.0.0.0/16",
        section.set_command("sources[0]", "10.0.0.0/16"),
    )
    if "port" not in section.values:
        if sources:
            section.refuse("port", "the port that `sources` may connect to", section.set_command("port", 8080))
        return None, sources
    if not section.values.get("sources"):
        section.refuse(
            "sources",
            "the ranges that may connect to the port: without one nobody can",
            section.set_command("sources[0]", "10.0.0.0/16"),
        )
    return section.integer("port", 8080, minimum=1, maximum=65_535), sources


def _is_part_of_the_world(source: str) -> bool:
    try:
        network = ipaddress.IPv4Network(source)
    except ValueError:
        return False
    # AWS takes one way to write it: 10.0.0.0/255.0.0.0 is another.
    return str(network) == source and network.prefixlen > 0
