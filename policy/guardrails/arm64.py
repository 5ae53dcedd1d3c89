"""Rules that hold everything on arm64: functions, jobs, instances, tasks and the builds of images."""

import re
from collections.abc import Iterator
from typing import Final

from .job_definitions import JOB_DEFINITION, is_multi_node, open_properties, runs_on_ec2_only, tasks, waiting
from .resources import Resource
from .rules import Finding, Level, NotApplicable, Rule, Settings, Severity, Violation, each
from .values import Node, shown

ARM64: Final = "ARM64"
GRAVITON: Final = re.compile(r"(a1|[a-z]+\d+g[a-z]*)(-[a-z0-9]+)?(\.[a-z0-9-]+)?")
"""Families and types with a Graviton processor: digits, then `g` (`c7g`, `c7gn`, `r8gd`), and the first, `a1`."""
BATCH_ARM64: Final = "default_arm64"
"""AWS Batch's own choice among Graviton families; its `optimal` is x86."""
PLATFORMS: Final = frozenset({"linux/arm64", "linux/arm64/v8", "linux/aarch64"})


def check_lambda(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    architectures = [item.text() for item in resource["architectures"].items()]
    if architectures != ["arm64"]:
        found = f"architectures is {shown(', '.join(architectures))}" if architectures else "architectures is not set"
        yield Violation(found=f"{found}{'' if architectures else ', so it is x86_64'}", expected="['arm64']")


LAMBDA: Final = Rule(
    id="arm64-lambda",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    title="Functions run on arm64",
    description="Each Lambda function, from a zip or an image, has exactly the architecture arm64.",
    why="The images of a stack are built for arm64 only, and the same work costs a fifth less there.",
    fix="Set architectures to ['arm64'].",
    link="https://docs.aws.amazon.com/lambda/latest/dg/foundation-arch.html",
    kinds=("lambda:Function",),
    check=check_lambda,
)


def check_batch_job(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    if runs_on_ec2_only(resource):
        yield NotApplicable("runs on EC2 only, where arm64-batch-compute judges the instances")
        return
    if is_multi_node(resource):
        yield NotApplicable("a multi-node job runs on EC2, where arm64-batch-compute judges the instances")
        return
    yield from waiting(resource)
    if not resource["eksProperties"].missing:
        yield NotApplicable("runs on EKS, where the nodes decide")
        return
    found = list(tasks(resource))
    yield from each(found, _check_platform)
    if not found and not open_properties(resource):
        yield Violation(found="has neither containerProperties nor ecsProperties", expected="a container on ARM64")


def _check_platform(task: Node) -> Iterator[Finding]:
    architecture = task.member("runtimePlatform").member("cpuArchitecture")
    if architecture.equals(ARM64):
        return
    state = "not set, so it is X86_64" if architecture.blank else shown(architecture.text())
    yield Violation(found=f"{architecture.path} is {state}", expected=ARM64)


BATCH_JOB: Final = Rule(
    id="arm64-batch-job",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    title="Batch jobs run on arm64",
    description="Each task of a Batch job definition for Fargate has the CPU architecture ARM64.",
    why="Fargate takes X86_64 where nothing is said, and the arm64 image fails there with 'exec format error'.",
    fix=(
        "Set runtimePlatform {cpuArchitecture: ARM64, operatingSystemFamily: LINUX} in containerProperties, or in each "
        "task of ecsProperties; say platformCapabilities ['EC2'] where a job never runs on Fargate."
    ),
    link="https://docs.aws.amazon.com/batch/latest/APIReference/API_RuntimePlatform.html",
    kinds=(JOB_DEFINITION,),
    check=check_batch_job,
)


def check_batch_compute(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    if resource["type"].equals_any_case("unmanaged"):
        yield NotApplicable("an unmanaged compute environment names no instances")
        return
    resources = resource["computeResources"]
    if resources.missing:
        yield NotApplicable("has no compute resources")
        return
    if resources["type"].equals_any_case("fargate", "fargate_spot"):
        yield NotApplicable("Fargate has no instances; arm64-batch-job judges its jobs")
        return
    types = resources["instanceTypes"]
    if not types.items():
        yield Violation(found=f"{types.path} is not set", expected="Graviton families such as c7g")
    yield from each(types.items(), _check_instance)


def _check_instance(node: Node) -> Iterator[Finding]:
    instance = node.text()
    if instance != BATCH_ARM64 and not GRAVITON.fullmatch(instance):
        yield Violation(
            found=f"{node.path} is {shown(instance)}, which is not Graviton", expected="Graviton, such as c7g or m8gd"
        )


BATCH_COMPUTE: Final = Rule(
    id="arm64-batch-compute",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    title="Batch instances are Graviton",
    description="Each instance type of an EC2 compute environment has a Graviton processor.",
    why="One x86 type in the list is enough for a job with an arm64 image to land on it and fail.",
    fix="List Graviton families or types only: digits followed by g, such as c7g, m8gd, r8g.xlarge, or default_arm64.",
    link="https://docs.aws.amazon.com/batch/latest/userguide/instance-type-compute-table.html",
    kinds=("batch:ComputeEnvironment",),
    check=check_batch_compute,
)


def check_ecs_task(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    architecture = resource["runtimePlatform"]["cpuArchitecture"]
    if architecture.equals(ARM64):
        return
    state = "not set, so it is X86_64" if architecture.blank else shown(architecture.text())
    yield Violation(found=f"{architecture.path} is {state}", expected=f"{ARM64}, in upper case")


ECS_TASK: Final = Rule(
    id="arm64-ecs-task",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    title="ECS tasks run on arm64",
    description="Each ECS task definition has the CPU architecture ARM64.",
    why="ECS takes X86_64 where nothing is said, and the arm64 image fails there with 'exec format error'.",
    fix="Set runtimePlatform {cpuArchitecture: ARM64, operatingSystemFamily: LINUX}.",
    link="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-arm64.html",
    kinds=("ecs:TaskDefinition",),
    check=check_ecs_task,
)


def check_image_build(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    match resource.kind:
        case "docker-build:Index":
            sources = resource["sources"].items()
            if len(sources) > 1:
                yield Violation(
                    found=f"merges {len(sources)} images into an index, which may hold other platforms",
                    expected="one single-platform image",
                    fix="Push the linux/arm64 image alone and refer to its own digest.",
                )
        case "docker:RemoteImage" | "docker:RegistryImage" if resource["build"].missing:
            yield NotApplicable("builds nothing: it names an image that is there already")
        case "docker:Image" | "docker:RemoteImage" | "docker:RegistryImage":
            build = resource["build"]
            # Version 3 takes the path of the context here, so no platform.
            platform = build["platform"] if build.missing or build.is_object else None
            yield from _check_platforms("build.platform", [platform] if platform and not platform.missing else [])
        case _:
            yield from _check_platforms("platforms", resource["platforms"].items())


def _check_platforms(path: str, platforms: list[Node]) -> Iterator[Finding]:
    named = [platform.text() for platform in platforms]
    if not named:
        yield Violation(found=f"{path} is not set, so it is the builder's own", expected="linux/arm64")
    elif len(named) > 1:
        yield Violation(found=f"{path} has {len(named)} platforms", expected="linux/arm64 alone")
    elif named[0].lower() not in PLATFORMS:
        yield Violation(found=f"{path} is {shown(named[0])}", expected="linux/arm64")


IMAGE_BUILD: Final = Rule(
    id="arm64-image-build",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    title="Images are built for arm64",
    description="Each image is built for linux/arm64 and for nothing else.",
    why="Without a platform the machine that builds decides; Lambda refuses a manifest for several platforms.",
    fix="Set platforms to ['linux/arm64'] (docker-build), or build.platform to linux/arm64 (docker).",
    link="https://www.pulumi.com/registry/packages/docker-build/api-docs/image/",
    kinds=("docker-build:Image", "docker-build:Index", "docker:Image", "docker:RemoteImage", "docker:RegistryImage"),
    check=check_image_build,
)

RULES: Final = (LAMBDA, BATCH_JOB, BATCH_COMPUTE, ECS_TASK, IMAGE_BUILD)
