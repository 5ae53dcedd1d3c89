"""Batches for tests, each ended after its test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.batch.harness import Harness, ScriptedRunner

WITHOUT_LOG = {"logConfiguration": {"logDriver": "splunk"}}


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Callable[..., Harness]]:
    made: list[Harness] = []

    def make(**options: Any) -> Harness:
        harness = Harness(tmp_path, **options)
        made.append(harness)
        return harness

    yield make
    for harness in made:
        harness.close()


@pytest.fixture
def batch(new: Callable[..., Harness]) -> Harness:
    """A Batch with its queue."""
    harness = new()
    harness.platform()
    return harness


@pytest.fixture
def bare(new: Callable[..., Harness]) -> Harness:
    """A Batch without anything."""
    return new()


@pytest.fixture
def runner() -> ScriptedRunner:
    return ScriptedRunner()


@pytest.fixture
def scripted(new: Callable[..., Harness], runner: ScriptedRunner) -> Harness:
    """A Batch with its queue and the job definition `jd`, whose attempts end when the test says so."""
    harness = new(runner=runner)
    harness.platform()
    harness.define(container=WITHOUT_LOG)
    return harness
