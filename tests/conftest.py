"""The one harness of the tests that run the program: `__main__.py` as it is, under the offline engine."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bench import projects
from engine.preview import PreviewProvider
from engine.program import Deployment, run_program
from engine.provider import Provider

ROOT = Path(__file__).parent.parent
REGION = "eu-central-1"

# A machine that has a Docker engine shall give the same results; tests/docker/ has one of its own.
os.environ["SLIPWAY_DOCKER"] = "0"
# So shall whoever has an AWS profile or a proxy, is signed in to a backend, or runs the tests in a hook of git.
for _name in list(os.environ):
    if _name.upper().endswith("_PROXY") or _name.startswith(("AWS_", "GIT_", "PULUMI_")):
        del os.environ[_name]

Deploy = Callable[..., Deployment]


@pytest.fixture
def project_root() -> Path:
    return ROOT


@pytest.fixture
def free_port() -> int:
    return projects.free_port()


@pytest.fixture
def deploy() -> Deploy:
    """Run the program of this project: `deploy(config, stack=..., preview=..., provider=...)`.

    `config` replaces the stack file's values; keys may leave out the namespace, `aws:region` is filled in. Without it
    the committed file of the stack applies.
    """

    def run(
        config: Mapping[str, Any] | None = None,
        *,
        stack: str = "dev",
        preview: bool = True,
        provider: Provider | None = None,
        root: Path = ROOT,
    ) -> Deployment:
        values = None if config is None else {"aws:region": REGION, **config}
        return run_program(root, stack, provider=provider or PreviewProvider(REGION), preview=preview, config=values)

    return run
