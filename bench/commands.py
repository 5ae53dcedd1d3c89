"""The commands as a user runs them: whole processes, start of Python included."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from bench.measure import SLIPWAY, Figure, repeat, run_seconds
from bench.projects import committed, free_port, scratch_project

_MANY = 20


def figures() -> Iterator[Figure]:
    """Previews, and the way from `slipway up` to the sample's result."""
    without_policy = [*SLIPWAY, "preview", "--stack", "dev", "--no-policy"]
    yield Figure("slipway preview of dev, program alone", repeat(lambda: run_seconds(without_policy)), "s", "1.5 s")
    with_policy = [*SLIPWAY, "preview", "--stack", "dev"]
    yield Figure("slipway preview of dev with the policy pack", repeat(lambda: run_seconds(with_policy)), "s", "2 s")
    with scratch_project(dev=_many_pipelines()) as root:
        samples = repeat(lambda: run_seconds(without_policy, cwd=root), 3)
    yield Figure(f"slipway preview of {_MANY} pipelines, program alone", samples, "s", "6 s")
    with scratch_project(local=committed("local")) as root:
        runs = [_up(root) for _ in range(6)][1:]
        run_seconds([*SLIPWAY, "down"], cwd=root)
    yield Figure("slipway up: API URL", [deployed for deployed, _ in runs], "s", "6 s")
    yield Figure("slipway up: result of the sample job", [done for _, done in runs], "s", "10 s")


def _many_pipelines() -> dict[str, object]:
    values = committed("dev")
    ((_, pipeline),) = values["slipway:pipelines"].items()
    return {**values, "slipway:pipelines": {f"pipeline-{number:02}": pipeline for number in range(_MANY)}}


def _up(root: Path) -> tuple[float, float]:
    """Seconds until the stack is deployed, and until the sample's result is there."""
    started = time.perf_counter()
    command = [*SLIPWAY, "up", "--port", str(free_port())]
    deployed = done = 0.0
    # What an engine takes to pull and to emulate is not Slipway's.
    environment = {**os.environ, "SLIPWAY_DOCKER": "0"}
    with subprocess.Popen(  # noqa: S603 - our own command
        command, cwd=root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        for line in process.stderr or ():
            deployed = time.perf_counter() - started if "deploying stack" in line else deployed
            done = time.perf_counter() - started if "sample job" in line else done
    if process.returncode != 0:
        raise RuntimeError(f"slipway up ended with exit code {process.returncode}")
    return deployed, done
