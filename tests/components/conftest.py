"""The program as a whole, run once per setting: in a preview, and against a provider that answers as AWS would.

What these tests don't prove: that AWS accepts the values, and that the real providers read back what was written.
"""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from engine.preview import PreviewProvider
from engine.program import Deployment, run_program
from tests.components.stack import REGION, ROOT, WORDCOUNT, FakeAws, Run


def _run(config: Mapping[str, Any] | None, *, stack: str, preview: bool) -> Deployment:
    values = None if config is None else {"aws:region": REGION, "pipelines": {"wordcount": WORDCOUNT}, **config}
    provider = PreviewProvider(REGION) if preview else FakeAws()
    return run_program(ROOT, stack, provider=provider, preview=preview, config=values)


@pytest.fixture(scope="session")
def run() -> Run:
    """Run the program once for each setting: `run({"retainedImages": 3}, stack="dev", preview=False)`.

    Without a config the committed file of the stack applies.
    """
    known: dict[str, Deployment] = {}

    def once(config: Mapping[str, Any] | None = None, *, stack: str = "dev", preview: bool = False) -> Deployment:
        key = json.dumps([config, stack, preview], sort_keys=True)
        if key not in known:
            known[key] = _run(config, stack=stack, preview=preview)
        return known[key]

    return once


@pytest.fixture(scope="session")
def dev(run: Run) -> Deployment:
    """The committed dev stack, deployed."""
    return run()
