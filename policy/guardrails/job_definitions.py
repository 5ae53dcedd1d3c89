"""Batch job definitions: their containers and tasks, in each of the four places where they can be.

`containerProperties`, `ecsProperties` and `nodeProperties` are JSON strings (objects in unit tests of programs),
`eksProperties` is an object. The state of a deployed one has empty texts in place of those that weren't given.
"""

from collections.abc import Iterator
from typing import Final

from .resources import Resource
from .rules import NotYetKnown
from .values import SEALED, Node

JOB_DEFINITION: Final = "batch:JobDefinition"
JSON_PROPERTIES: Final = ("containerProperties", "ecsProperties", "nodeProperties")
_WAITS_FOR_DIGEST: Final = "is one JSON string, so it waits for the image digest in it"


def open_properties(resource: Resource) -> list[Node]:
    """The JSON properties that aren't known yet: in a first preview, since the image isn't built."""
    return [resource[key] for key in JSON_PROPERTIES if not resource[key].known]


def waiting(resource: Resource) -> Iterator[NotYetKnown]:
    """What to say of those: a verdict about the containers that waits for them."""
    for node in open_properties(resource):
        yield NotYetKnown(path=node.path, why=SEALED.why if node.raw is SEALED else _WAITS_FOR_DIGEST)


def is_multi_node(resource: Resource) -> bool:
    """Whether it has node properties, be they known or not."""
    nodes = resource["nodeProperties"]
    return not nodes.known or not nodes.blank


def runs_on_ec2_only(resource: Resource) -> bool:
    """Whether it says that it never runs on Fargate. Without platformCapabilities that isn't said."""
    capabilities = {item.text().upper() for item in resource["platformCapabilities"].items()}
    return capabilities == {"EC2"}


def tasks(resource: Resource) -> Iterator[Node]:
    """What has a runtime platform and roles: the container properties, and each task of ECS properties."""
    container = resource["containerProperties"]
    if container.known and not container.blank:
        yield container.document()
    tasks_of_ecs = resource["ecsProperties"]
    if tasks_of_ecs.known and not tasks_of_ecs.blank:
        yield from tasks_of_ecs.document().member("taskProperties").items()
    for node_range in _node_ranges(resource):
        container = node_range.member("container")
        if not container.missing:
            yield container
        yield from node_range.member("ecsProperties").member("taskProperties").items()


def _node_ranges(resource: Resource) -> list[Node]:
    nodes = resource["nodeProperties"]
    if not nodes.known or nodes.blank:
        return []
    return nodes.document().member("nodeRangeProperties").items()


def containers(resource: Resource) -> Iterator[Node]:
    """Each container, wherever it is; they have `image`, `privileged`, `logConfiguration`."""
    for task in tasks(resource):
        yield from containers_of(task)
    pod = resource["eksProperties"]["podProperties"]
    yield from pod["containers"].items(or_single=True)
    yield from pod["initContainers"].items(or_single=True)


def containers_of(task: Node) -> list[Node]:
    """The containers of an ECS task; container properties are a task and its only container in one."""
    listed = task.member("containers")
    return [task] if listed.missing else listed.items()
