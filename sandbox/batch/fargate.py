"""What Fargate asks of a container, and what it refuses."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from sandbox.batch.errors import ClientError
from sandbox.batch.model import Json

# vCPU -> MiB: ResourceRequirement, Batch API reference.
_MEMORY: dict[Decimal, Sequence[int]] = {
    Decimal("0.25"): (512, 1024, 2048),
    Decimal("0.5"): range(1024, 4096 + 1, 1024),
    Decimal(1): range(2048, 8192 + 1, 1024),
    Decimal(2): range(4096, 16384 + 1, 1024),
    Decimal(4): range(8192, 30720 + 1, 1024),
    Decimal(8): range(16384, 61440 + 1, 4096),
    Decimal(16): range(32768, 122880 + 1, 8192),
}
_REFUSED = ("vcpus", "memory", "ulimits", "instanceType")
_REFUSED_LINUX_PARAMETERS = ("devices", "sharedMemorySize", "tmpfs", "maxSwap", "swappiness")


def check(container: Json) -> None:
    """Raises ClientError for container properties that Fargate can't run."""
    check_members(container)
    if "executionRoleArn" not in container:
        raise ClientError("executionRoleArn is required for Fargate.")
    if container.get("privileged"):
        raise ClientError("privileged is not applicable for Fargate.")
    for member in _REFUSED_LINUX_PARAMETERS:
        if member in container.get("linuxParameters", {}):
            raise ClientError(f"linuxParameters.{member} is not applicable for Fargate.")
    check_size(container)


def check_members(container: Json) -> None:
    """Of a job definition or of overrides."""
    for member in _REFUSED:
        if container.get(member):
            raise ClientError(f"{member} is not applicable for Fargate. Use resource requirements instead.")


def check_size(container: Json) -> None:
    """Raises ClientError unless vCPU and memory are one of Fargate's pairs."""
    needed = requirements(container)
    if "GPU" in needed:
        raise ClientError("GPU is not applicable for Fargate.")
    for kind in ("VCPU", "MEMORY"):
        if kind not in needed:
            raise ClientError(f"{'vCPU' if kind == 'VCPU' else 'Memory'} is not provided.")
    if needed["MEMORY"] not in _MEMORY.get(needed["VCPU"], ()):
        raise ClientError(
            f"Fargate resource requirements ({needed['VCPU']:.2f} vCPU, {needed['MEMORY']} MiB) not valid."
        )


def requirements(container: Json) -> dict[str, Decimal]:
    """VCPU, MEMORY (MiB) and GPU of a container; the old members `vcpus` and `memory` count, too."""
    found: dict[str, Decimal] = {}
    for member, kind in (("vcpus", "VCPU"), ("memory", "MEMORY")):
        if member in container:
            found[kind] = Decimal(container[member])
    for requirement in container.get("resourceRequirements", []):
        try:
            value = Decimal(requirement["value"])
        except InvalidOperation as error:
            raise ClientError(f"The {requirement['type']} value {requirement['value']!r} is not a number.") from error
        if not value.is_finite() or value <= 0:
            raise ClientError(f"The {requirement['type']} value must be greater than 0; it is {value}.")
        if requirement["type"] == "MEMORY" and value != value.to_integral_value():
            raise ClientError(f"The MEMORY value must be a whole number of MiB; it is {value}.")
        found[requirement["type"]] = value
    return found
