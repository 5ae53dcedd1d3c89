"""`slipway doctor`: whether a machine and an account are ready for a first deployment. It reads and changes nothing."""

import difflib
import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

import boto3  # pyright: ignore[reportMissingTypeStubs] - it has none
from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs] - it has none
from botocore.exceptions import BotoCoreError  # pyright: ignore[reportMissingTypeStubs] - it has none
from rich.text import Text

from cli.console import answer, print_json
from cli.doctor_account import (
    NAMED_TYPES,
    LookedUpRepository,
    Plan,
    Session,
    account_findings,
    allowed_accounts,
    check_credentials,
    no_answer,
)
from cli.doctor_finding import Finding, Status
from cli.errors import CliError
from cli.outputs import LOCAL_STACK
from cli.project import find_root
from cli.pulumi_cli import find_pulumi, sdk_version
from cli.registry.documents import mapping
from engine.config import load_project, load_stack_config, program_config

_COMMAND_SECONDS: Final = 20
_BINFMT: Final = Path("/proc/sys/fs/binfmt_misc/qemu-aarch64")
_ARM64_MACHINES: Final = ("aarch64", "arm64")
_COLOURS: Final = {Status.OK: "green", Status.WARN: "yellow", Status.FAIL: "red"}


def run_doctor(stack: str, *, as_json: bool, session: Session | None = None) -> int:
    """Check and tell; 1 if a deployment of the stack would fail.

    Args:
        session: for tests; by default that of the environment's credentials.
    """
    if stack == LOCAL_STACK:
        raise CliError("The local stack needs no account: run make up. Doctor looks at stacks that live in one.")
    root = find_root()
    config = load_stack_config(load_project(root), stack)
    findings = [*machine_findings(builds=builds_images(root, config)), *_ask_account(root, stack, config, session)]
    failed = any(finding.status is Status.FAIL for finding in findings)
    if as_json:
        print_json({"stack": stack, "ready": not failed, "checks": [vars(finding) for finding in findings]})
    else:
        _print_findings(findings)
        answer.print()
        verdict = "A deployment would fail: see above." if failed else "Ready for a deployment."
        answer.print(Text(verdict, "red" if failed else "green"))
    return int(failed)


def machine_findings(*, builds: bool) -> Iterator[Finding]:
    """What this machine has.

    Args:
        builds: whether a deployment builds an image; else Docker isn't needed.
    """
    yield _check_pulumi()
    if builds:
        yield from docker_findings()
    else:
        yield Finding("docker", Status.OK, "not needed: the stack builds no image")


def _check_pulumi() -> Finding:
    try:
        pulumi = find_pulumi()
    except CliError as error:
        _, _, advice = str(error).partition("\n")
        return Finding("pulumi", Status.FAIL, "not installed", advice)
    version = _run([pulumi, "version"])
    wanted = sdk_version()
    match = re.fullmatch(r"v?(\d+)\.(\d+)\.\d+\S*", version or "")
    if match is None:
        return Finding("pulumi", Status.WARN, f"{pulumi} tells no version", f"Install version {wanted}.")
    if (int(match[1]), int(match[2])) < tuple(int(part) for part in wanted.split(".")[:2]):
        return Finding("pulumi", Status.FAIL, f"{version}, older than the SDK ({wanted})", f"Install version {wanted}.")
    return Finding("pulumi", Status.OK, str(version))


def docker_findings() -> Iterator[Finding]:
    """What this machine has to build arm64 images with."""
    docker = shutil.which("docker")
    version = _run([docker, "version", "--format", "{{.Server.Version}}"]) if docker else None
    if docker is None or version is None:
        found = "no docker command" if docker is None else "no Docker engine answers"
        advice = "Install Docker and start it; you must be allowed to use it (group docker). It builds the images."
        yield Finding("docker", Status.FAIL, found, advice)
        return
    yield Finding("docker", Status.OK, f"engine {version}")
    builder = _run([docker, "buildx", "inspect"])
    if builder is None:
        advice = "Install it (package docker-buildx-plugin): without it images have no build cache and no fixed times."
        yield Finding("buildx", Status.WARN, "no buildx", advice)
    else:
        yield Finding("buildx", Status.OK, "there is a builder")
    if platform.machine() in _ARM64_MACHINES:
        yield Finding("arm64", Status.OK, "this machine is one")
    elif "linux/arm64" in (builder or "") or _BINFMT.exists():
        yield Finding("arm64", Status.OK, "emulated: builds take 5 to 10 times as long as on an arm64 machine")
    else:
        advice = (
            "Install emulation: docker run --privileged --rm tonistiigi/binfmt --install arm64, or qemu-user-static."
        )
        yield Finding("arm64", Status.FAIL, f"{platform.machine()}, without emulation of arm64", advice)


def _ask_account(root: Path, stack: str, config: Mapping[str, Any], session: Session | None) -> Iterator[Finding]:
    region = config.get("aws:region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region:
        advice = f"pulumi config set --stack {stack} aws:region eu-central-1, or set AWS_REGION."
        yield Finding("region", Status.FAIL, "none", advice)
        return
    try:
        known = _known_regions()
    except BotoCoreError as error:
        # A profile that doesn't exist: the SDK reads it before all else.
        yield no_answer(error)
        return
    if region not in known:
        near = difflib.get_close_matches(str(region), known, n=1)
        yield Finding(
            "region", Status.FAIL, f"{region}, which has no Batch", f"Did you mean {near[0]}?" if near else ""
        )
        return
    yield Finding("region", Status.OK, str(region))
    plan = make_plan(root, stack, config)
    used = session or _ReadingSession(str(region))
    credentials = check_credentials(used, plan)
    yield credentials
    if credentials.status is not Status.FAIL:
        yield from account_findings(used, plan)


class _ReadingSession:
    """Clients of one region that give up soon."""

    def __init__(self, region: str) -> None:
        self._session: Any = cast("Any", boto3).Session(region_name=region)
        self._config = Config(retries={"total_max_attempts": 3}, connect_timeout=5)

    def client(self, service: str) -> Any:
        return self._session.client(service, config=self._config)


def _known_regions() -> list[str]:
    """The regions of all partitions that have Batch, as far as the SDK knows."""
    session = cast("Any", boto3).Session()
    return [
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("batch", partition_name=partition)
    ]


def make_plan(root: Path, stack: str, config: Mapping[str, Any]) -> Plan:
    """What a deployment of the stack would ask of the account, from its file and its offline preview."""
    from cli.preview import stack_region
    from engine.preview import PreviewProvider
    from engine.program import run_program

    looked_up: list[LookedUpRepository] = []

    class Remembering(PreviewProvider):
        def invoke(self, token: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
            if token == "aws:ecr/getRepository:getRepository":  # noqa: S105 - a function's name
                looked_up.append(LookedUpRepository(name=args["name"], account=args.get("registryId") or ""))
            return super().invoke(token, args)

    deployment = run_program(root, stack, provider=Remembering(stack_region(root, stack)), preview=True)
    names: dict[str, list[str]] = {}
    for item in deployment.registrations:
        if item.type in NAMED_TYPES and isinstance(item.inputs.get("name"), str):
            names.setdefault(item.type, []).append(item.inputs["name"])
    project = load_project(root)
    settings = program_config(project, config)
    network: Mapping[str, Any] = json.loads(settings[f"{project.name}:network"])
    pipelines: Mapping[str, Mapping[str, Any]] = json.loads(settings[f"{project.name}:pipelines"])
    return Plan(
        project=project.name,
        stack=stack,
        runs_jobs=bool(deployment.all("aws:batch/jobQueue:JobQueue")),
        max_vcpus=int(settings[f"{project.name}:maxVcpus"]),
        largest_job_vcpus=max((float(item.get("vcpus", 1)) for item in pipelines.values()), default=0),
        network=str(network.get("kind", "new")),
        subnet_ids=tuple(network.get("subnetIds", ())),
        allowed_accounts=allowed_accounts(config.get("aws:allowedAccountIds")),
        looked_up=tuple(looked_up),
        names={type_: tuple(given) for type_, given in names.items()},
    )


def builds_images(root: Path, config: Mapping[str, Any]) -> bool:
    """Whether a deployment of a stack with this configuration builds an image."""
    # What isn't as it should be is told of with all other settings, when the program runs.
    pipelines = mapping(config.get(f"{load_project(root).name}:pipelines"))
    return any("context" in mapping(pipeline) for pipeline in pipelines.values())


def _run(command: Sequence[str]) -> str | None:
    """What a command prints; None if it fails or hangs."""
    try:
        result = subprocess.run(  # noqa: S603 - our own words
            list(command), capture_output=True, text=True, timeout=_COMMAND_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() if result.returncode == 0 else None


def _print_findings(findings: Iterable[Finding]) -> None:
    for finding in findings:
        status = Text(f"{finding.status.value.upper():5}", _COLOURS[finding.status])
        answer.print(Text.assemble(status, f" {finding.check:15} {finding.found}"))
        for line in finding.advice.splitlines():
            answer.print(Text(f"{'':22}{line.strip()}", "dim"))
