"""Rules for ECS: containers without the host's powers, deployments that roll back, clusters that can be watched."""

import posixpath
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from .resources import Resource, Stack
from .rules import Finding, Level, NotApplicable, Rule, Settings, Severity, Violation, each
from .values import Node, shown

TASK_DEFINITION: Final = "ecs:TaskDefinition"
SERVICE: Final = "ecs:Service"
CLUSTER: Final = "ecs:Cluster"

_ContainerCheck = Callable[[Node, Settings], Iterator[Finding]]

_HOST_MODES: Final = ("networkMode", "pidMode", "ipcMode")
_HOST_CAPABILITIES: Final = frozenset(
    {
        "ALL",
        "BPF",
        "DAC_READ_SEARCH",
        "MKNOD",
        "NET_ADMIN",
        "SYS_ADMIN",
        "SYS_BOOT",
        "SYS_MODULE",
        "SYS_RAWIO",
        "SYS_TIME",
        "SYSLOG",
    }
)
"""Linux capabilities that lead out of a container."""
_HOST_PATHS: Final = frozenset(
    {"/", "/boot", "/dev", "/etc", "/proc", "/root", "/run", "/sys", "/var", "/var/lib", "/var/lib/docker", "/var/run"}
)
_OLD_PLATFORMS: Final = frozenset({"1.1.0", "1.2.0", "1.3.0"})
"""Fargate platforms for Linux before the current 1.4.0; 1.0.0 is the current one for Windows."""


def check_hardening(resource: Resource, settings: Settings) -> Iterator[Finding]:
    if resource.kind != TASK_DEFINITION:
        yield from each((_public_address, _old_platform), lambda part: part(resource, settings))
        return
    yield from each((_modes, _volumes, _containers), lambda part: part(resource, settings))


def _modes(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    yield from each(_HOST_MODES, lambda key: _host_mode(resource[key]))


def _volumes(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    yield from each(resource["volumes"].items(), _volume)


def _containers(resource: Resource, settings: Settings) -> Iterator[Finding]:
    definitions = resource["containerDefinitions"]
    if definitions.missing:
        raise definitions.malformed("a list of container definitions")
    family = resource["runtimePlatform"]["operatingSystemFamily"].text("LINUX").upper()
    parts = (_root, _privilege, _capabilities)
    if not family.startswith("WINDOWS"):
        parts = (*parts, _writable)
    yield from each(definitions.document().items(), lambda container: _container(container, parts, settings))


def _container(container: Node, parts: Sequence[_ContainerCheck], settings: Settings) -> Iterator[Finding]:
    container.fields()  # one that is no object is said once, not by each part
    yield from each(parts, lambda part: part(container, settings))


def _public_address(resource: Resource, settings: Settings) -> Iterator[Finding]:
    address = resource["networkConfiguration"]["assignPublicIp"]
    if not settings.flag("allowPublicIp") and address.flag(default=False):
        yield Violation(
            found=f"{address.path} is true",
            expected="private subnets with a NAT gateway or VPC endpoints",
        )


def _old_platform(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    version = resource["platformVersion"].text("LATEST")
    if version in _OLD_PLATFORMS:
        yield Violation(found=f"platformVersion is {shown(version)}", expected="1.4.0 or LATEST")


def _host_mode(mode: Node) -> Iterator[Finding]:
    if mode.text("").lower() == "host":
        yield Violation(found=f"{mode.path} is 'host'", expected="a namespace of the task's own")


def _volume(volume: Node) -> Iterator[Finding]:
    host = volume["hostPath"]
    text = host.text("")
    path = posixpath.normpath(f"/{text.lstrip('/')}") if text else ""
    if path in _HOST_PATHS or path.endswith((".sock", "/docker")):
        yield Violation(found=f"{host.path} is {shown(path)} of the host", expected="a path that rules nothing")
    efs = volume["efsVolumeConfiguration"]
    if not efs.missing and efs["transitEncryption"].text("DISABLED").upper() != "ENABLED":
        yield Violation(found=f"{efs.path} has no encryption in transit", expected="transitEncryption ENABLED")


def _root(container: Node, settings: Settings) -> Iterator[Finding]:
    if not container.member("firelensConfiguration").missing:
        return  # a log router has to run as root
    user = container.member("user")
    if user.missing:
        if settings.flag("requireUser"):
            yield Violation(
                found=f"{user.path} is not set, so the image's user applies, which often is root",
                expected="a user other than root, for example 10001",
            )
        return
    name = user.text().partition(":")[0].strip()
    if name.lower() in {"root", "containeradministrator"} or (name.isdecimal() and int(name) == 0):
        yield Violation(found=f"{user.path} is {shown(name)}", expected="a user other than root, for example 10001")


def _privilege(container: Node, _settings: Settings) -> Iterator[Finding]:
    privileged = container.member("privileged")
    if privileged.flag(default=False):
        yield Violation(found=f"{privileged.path} is true", expected="false")


def _capabilities(container: Node, _settings: Settings) -> Iterator[Finding]:
    added = container.member("linuxParameters").member("capabilities").member("add")
    names = {item.text().upper().removeprefix("CAP_") for item in added.items()}
    if names & _HOST_CAPABILITIES:
        listed = ", ".join(sorted(names & _HOST_CAPABILITIES))
        yield Violation(found=f"{added.path} has {listed}", expected="no capability that leads to the host")


def _writable(container: Node, _settings: Settings) -> Iterator[Finding]:
    readonly = container.member("readonlyRootFilesystem")
    if not readonly.flag(default=False):
        state = "not set" if readonly.missing else "false"
        yield Violation(found=f"{readonly.path} is {state}", expected="true, with a volume for what is written")


HARDENING: Final = Rule(
    id="ecs-hardening",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    title="Containers have no powers over the host",
    description=(
        "Tasks run unprivileged, not as root, with a read-only root file system, in namespaces and on paths of their "
        "own, and without a public address."
    ),
    why="Who takes over a container with these powers takes over the host, or keeps what was written into the image.",
    fix=(
        "In each container definition set user to a number above 0, readonlyRootFilesystem true and privileged false; "
        "use networkMode awsvpc, mount volumes for what is written, and give services private subnets."
    ),
    link="https://docs.aws.amazon.com/securityhub/latest/userguide/ecs-controls.html",
    kinds=(TASK_DEFINITION, SERVICE, "ecs:TaskSet"),
    peers=(
        "checkov CKV_AWS_97, CKV_AWS_332, CKV_AWS_333, CKV_AWS_334, CKV_AWS_335, CKV_AWS_336",
        "trivy AWS-0035",
        "Security Hub ECS.2, ECS.3, ECS.4, ECS.5, ECS.10, ECS.17, ECS.20, ECS.21",
    ),
    schema={
        "requireUser": {
            "type": "boolean",
            "default": True,
            "description": "Refuse a container definition that leaves the user to the image.",
        },
        "allowPublicIp": {
            "type": "boolean",
            "default": False,
            "description": "Accept services whose tasks get a public address.",
        },
    },
    check=check_hardening,
)


def check_circuit_breaker(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    controller = resource["deploymentController"]["type"].text("ECS").upper()
    if controller != "ECS":
        yield NotApplicable(f"deployments by {controller} have no circuit breaker")
        return
    breaker = resource["deploymentCircuitBreaker"]
    for key in ("enable", "rollback"):
        if not breaker[key].flag(default=False):
            state = "not set" if breaker[key].missing else "false"
            yield Violation(found=f"deploymentCircuitBreaker.{key} is {state}", expected="enable and rollback true")
            return


CIRCUIT_BREAKER: Final = Rule(
    id="ecs-circuit-breaker",
    level=Level.MANDATORY,
    severity=Severity.MEDIUM,
    title="Failed deployments roll back",
    description="Each service has a deployment circuit breaker that rolls back.",
    why="Without it ECS starts a broken image again and again for hours, and `pulumi up` waits for it.",
    fix="Set deploymentCircuitBreaker to {enable: true, rollback: true}.",
    link="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html",
    kinds=(SERVICE,),
    peers=("cdk construct library (default)", "Security Hub (none)"),
    check=check_circuit_breaker,
)

_INSIGHTS: Final = "containerInsights"
_ON: Final = frozenset({"enabled", "enhanced"})


def check_insights(resource: Resource, stack: Stack, _settings: Settings) -> Iterator[Finding]:
    values = [
        setting["value"].text("").lower()
        for setting in resource["settings"].items()
        if setting["name"].text("") == _INSIGHTS
    ]
    if _ON & set(values) or (not values and any(_covers(default, resource) for default in _defaults(stack))):
        return
    state = shown(values[0]) if values else "not set"
    yield Violation(found=f"the setting containerInsights is {state}", expected="enabled or enhanced")


def _defaults(stack: Stack) -> list[Resource]:
    return [item for item in stack.of("ecs:AccountSettingDefault") if item["name"].text("") == _INSIGHTS]


def _covers(default: Resource, cluster: Resource) -> bool:
    """Whether an account's default applies to a cluster: in its region, and on."""
    elsewhere = default.region and cluster.region and default.region != cluster.region
    return not elsewhere and default["value"].text("").lower() in _ON


INSIGHTS: Final = Rule(
    id="ecs-insights",
    level=Level.ADVISORY,
    severity=Severity.LOW,
    title="Clusters have Container Insights",
    description="Each ECS cluster collects Container Insights, by itself or by the account's default.",
    why="Without them memory and restarts of tasks can't be seen when something fails; they cost per metric.",
    fix="Add {name: containerInsights, value: enabled} (or enhanced) to the cluster's settings.",
    link="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cloudwatch-container-insights.html",
    kinds=(CLUSTER,),
    peers=("checkov CKV_AWS_65", "trivy AWS-0034", "Security Hub ECS.12", "cdk-nag ECS4"),
    stack_check=check_insights,
)

RULES: Final = (HARDENING, CIRCUIT_BREAKER, INSIGHTS)
