"""The bootstrap project, run offline as it is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.preview import PreviewProvider
from engine.program import Deployment, run_program

BOOTSTRAP = Path(__file__).parent.parent.parent / "bootstrap"
REGION, ACCOUNT = "eu-central-1", "111122223333"

Bootstrap = Callable[..., Deployment]


@pytest.fixture
def bootstrap() -> Bootstrap:
    """Run the project: `bootstrap(key=value, ...)` overlays the committed example's settings."""

    def run(**settings: Any) -> Deployment:
        config = {
            "aws:region": REGION,
            "aws:allowedAccountIds": [ACCOUNT],
            "repository": "example-org/slipway",
            "ownerId": 1234567,
            "repositoryId": 7654321,
            **settings,
        }
        return run_program(BOOTSTRAP, "example", provider=PreviewProvider(REGION), preview=True, config=config)

    return run
