"""The program as a whole, run once per setting: in a preview, and against a provider that answers as AWS would.

What these tests don't prove: that AWS accepts the values, and that the real providers read back what was written.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from components import settings
from components.settings import Settings, SettingsError
from engine.preview import PreviewProvider
from engine.program import Deployment, run_program
from tests.components.stack import REGION, ROOT, SCHEMA, WORDCOUNT, FakeAws, Parse, Problems, Run


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


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project's folder with one context."""
    (tmp_path / "swagger").mkdir()
    (tmp_path / "swagger/openapi.yaml").write_bytes((ROOT / "swagger/openapi.yaml").read_bytes())
    context = tmp_path / "jobs/sample"
    context.mkdir(parents=True)
    (context / "Dockerfile").write_text("FROM scratch\n")
    (context / "parameters.schema.json").write_text(json.dumps(SCHEMA))
    return tmp_path


@pytest.fixture
def parse(root: Path) -> Parse:
    """Read settings with the pipeline `sample`: `parse({"retainedImages": 3}, stack="dev")`."""

    def run(values: dict[str, Any] | None = None, *, stack: str = "dev", region: str = "eu-central-1") -> Settings:
        values = {"pipelines": {"sample": {"context": "jobs/sample"}}} | (values or {})
        return settings.parse(values, project="slipway", stack=stack, region=region, root=root)

    return run


@pytest.fixture
def problems(parse: Parse) -> Problems:
    """Read settings that can't be used, and answer what is wrong with them."""

    def run(values: dict[str, Any], **kwargs: Any) -> tuple[str, ...]:
        with pytest.raises(SettingsError) as caught:
            parse(values, **kwargs)
        return caught.value.problems

    return run
