"""A promotion from dev to staging, and what it reads and writes.

What these tests can't prove: that ECR itself answers as the registry on this machine does;
tests/sandbox/test_registry_images.py says what that is modelled on.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import Result, Slipway
from tests.cli.registry.conftest import HOST, FakeRegistry, name_image


@dataclass
class Promotion:
    """`slipway promote words --from dev --to staging` in a project of its own."""

    root: Path
    registry: FakeRegistry
    slipway: Slipway

    @cached_property
    def repository(self) -> str:
        """Where the image lies: dev's, unless a test says otherwise."""
        return self.registry.repository()

    def run(self, *words: str) -> Result:
        return self.slipway("promote", "words", "--from", "dev", "--to", "staging", *words)

    def refused(self, *words: str) -> str:
        """The error of a promotion that must change nothing."""
        before = self._files()
        result = self.run(*words)
        assert (result.code, result.out, self._files()) == (1, "", before), result.err
        assert "Traceback" not in result.err
        return result.err

    def reference(self, digest: str) -> str:
        return f"{HOST}/{self.repository}@{digest}"

    def names(self, digest: str) -> None:
        """Have dev's file name an image."""
        name_image(self.root, "dev", self.reference(digest))

    def entry(self, stack: str = "staging") -> dict[str, Any]:
        config = yaml.safe_load((self.root / f"Pulumi.{stack}.yaml").read_text())["config"]
        return next(value for key, value in config.items() if key.endswith(":pipelines"))["words"]

    def tags(self, digest: str) -> list[str]:
        return self.registry.tags(self.repository, digest)

    def _files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.root.iterdir() if path.is_file()}


@pytest.fixture
def promotion(stacks: Path, registry: FakeRegistry, slipway: Slipway) -> Promotion:
    return Promotion(stacks, registry, slipway)


@pytest.fixture
def digest(promotion: Promotion) -> str:
    """An image that the stack dev names."""
    made = promotion.registry.image(promotion.repository, tag="content-1")
    promotion.names(made)
    return made
