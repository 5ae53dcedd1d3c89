"""Reads the size of a task on Fargate."""

from components import fargate
from components.settings_reader import Section, plain_number


def read_size(
    section: Section, *, default_vcpus: float, default_memory_mib: int, max_vcpus: int | None = None
) -> tuple[float, int]:
    """Read `vcpus` and `memoryMib`; problems are kept in the section.

    Args:
        max_vcpus: what all jobs of the stack may have together; None: there is no such limit.
    """
    vcpus = plain_number(section.values.get("vcpus", default_vcpus))
    memory_mib: object = section.values.get("memoryMib", default_memory_mib)
    if isinstance(vcpus, bool) or not isinstance(vcpus, int | float) or vcpus not in fargate.MEMORY_MIB:
        sizes = ", ".join(f"{size:g}" for size in fargate.MEMORY_MIB)
        section.refuse("vcpus", f"a vCPU size of Fargate: {sizes}", section.set_command("vcpus", default_vcpus))
        return default_vcpus, default_memory_mib
    if max_vcpus is not None and vcpus > max_vcpus:
        section.refuse(
            "vcpus",
            f"at most {max_vcpus}, the stack's maxVcpus: such a job would wait for ever",
            section.set_command("vcpus", max(size for size in fargate.MEMORY_MIB if size <= max(max_vcpus, 1))),
            found=f"{vcpus:g}",
        )
    if isinstance(memory_mib, bool) or not isinstance(memory_mib, int) or memory_mib not in fargate.MEMORY_MIB[vcpus]:
        wanted = memory_mib if isinstance(memory_mib, int) else 0
        section.refuse(
            "memoryMib",
            f"a MiB size that goes with {vcpus:g} vCPU: {fargate.describe_memory(vcpus)}",
            section.set_command("memoryMib", fargate.nearest_memory(vcpus, wanted)),
            found=None if "memoryMib" in section.values else f"{memory_mib} (the default)",
        )
        return vcpus, fargate.nearest_memory(vcpus, wanted)
    return vcpus, memory_mib
