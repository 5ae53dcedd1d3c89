"""Small programs for the offline engine."""

from pathlib import Path
from typing import Any

import pytest

from engine.preview import PreviewProvider
from engine.program import Deployment, run_program
from engine.provider import Provider

PROJECT = """
name: demo
runtime: python
config:
  count: {type: integer, default: 3, description: how many}
  label: {type: string, default: none, description: text}
  shape: {type: object, default: {a: 1}, description: structured}
  loud: {type: boolean, default: false, description: a switch}
"""


class Runner:
    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "Pulumi.yaml").write_text(PROJECT)
        (root / "Pulumi.dev.yaml").write_text("config:\n  aws:region: eu-west-1\n")

    def run(self, program: str, *, provider: Provider | None = None, preview: bool = True, **kwargs: Any) -> Deployment:
        (self.root / "__main__.py").write_text(program)
        provider = provider or PreviewProvider("eu-west-1")
        return run_program(self.root, "dev", provider=provider, preview=preview, **kwargs)


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)
