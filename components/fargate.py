"""The task sizes of Fargate [Amazon ECS developer guide, "Fargate task definition considerations"]."""

from collections.abc import Mapping, Sequence

_GIB = 1024

MEMORY_MIB: Mapping[float, Sequence[int]] = {
    0.25: (512, 1 * _GIB, 2 * _GIB),
    0.5: range(1 * _GIB, 4 * _GIB + 1, _GIB),
    1: range(2 * _GIB, 8 * _GIB + 1, _GIB),
    2: range(4 * _GIB, 16 * _GIB + 1, _GIB),
    4: range(8 * _GIB, 30 * _GIB + 1, _GIB),
    8: range(16 * _GIB, 60 * _GIB + 1, 4 * _GIB),
    16: range(32 * _GIB, 120 * _GIB + 1, 8 * _GIB),
}
"""vCPU -> the memory sizes in MiB that go with it."""


def describe_memory(vcpus: float) -> str:
    """The memory sizes that go with a vCPU size, in words."""
    sizes = MEMORY_MIB[vcpus]
    if isinstance(sizes, range):
        return f"{sizes[0]} to {sizes[-1]} in steps of {sizes.step}"
    return ", ".join(str(size) for size in sizes[:-1]) + f" or {sizes[-1]}"


def nearest_memory(vcpus: float, memory_mib: int) -> int:
    """The smallest size that is enough, or else the largest there is."""
    sizes = MEMORY_MIB[vcpus]
    return next((size for size in sizes if size >= memory_mib), sizes[-1])
