"""A figure, and how it is taken."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
SLIPWAY = [sys.executable, "-m", "cli"]


@dataclass(frozen=True)
class Figure:
    """Samples of one quantity."""

    what: str
    samples: Sequence[float]
    unit: str
    target: str = ""
    digits: int = 2

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def low(self) -> float:
        return min(self.samples)

    @property
    def high(self) -> float:
        return max(self.samples)


def repeat(measure: Callable[[], float], runs: int = 5) -> list[float]:
    """Samples of a measurement, after one that isn't counted."""
    measure()
    return [measure() for _ in range(runs)]


def run_seconds(command: Sequence[str], *, cwd: Path = ROOT) -> float:
    """Wall seconds of a whole process that must succeed."""
    started = time.perf_counter()
    subprocess.run(command, cwd=cwd, check=True, capture_output=True)  # noqa: S603 - our own commands
    return time.perf_counter() - started
