"""What the providers fill in, against the programs of this project.

What these tests can't prove: that the providers still fill in the same.
"""

from pathlib import Path
from typing import Any

import pytest

from engine.checks import CHECKS, check_inputs
from engine.config import load_project, load_stack_config
from engine.errors import ProgramError
from engine.preview import PreviewProvider
from engine.program import run_program

ROOT = Path(__file__).parent.parent.parent
BUCKET = "aws:s3/bucket:Bucket"
OPTIONS: dict[str, Any] = {
    "functions": {"mailer": {"pipeline": "wordcount", "failureDestination": "arn:aws:sqs:eu-west-1:123456789012:q"}},
    "services": {"web": {"pipeline": "wordcount"}},
    "notifications": {"emails": ["team@example.org"]},
}


def types(root: Path, stack: str, **overlay: Any) -> set[str]:
    """The types of all that a stack has."""
    config = {**load_stack_config(load_project(root), stack), **overlay}
    provider = PreviewProvider("eu-west-1", placeholders=True)
    deployment = run_program(root, stack, provider=provider, preview=True, config=config)
    return {item.type for item in deployment.registrations if item.custom}


def test_the_table_has_the_types_in_use_and_no_others() -> None:
    in_use = types(ROOT, "dev", **OPTIONS) | types(ROOT, "prod") | types(ROOT, "shared")
    assert set(CHECKS) == in_use | types(ROOT / "bootstrap", "example")


def test_an_auto_name_is_never_cut_as_the_provider_refuses_one_that_is_too_long() -> None:
    assert check_inputs(BUCKET, "N" * 55, "urn", {})["bucket"][:-7] == "n" * 55 + "-"
    with pytest.raises(ProgramError, match="longer than 63"):
        check_inputs(BUCKET, "N" * 56, "urn", {})


def test_what_the_program_sets_is_kept() -> None:
    assert check_inputs(BUCKET, "n", "urn", {"bucket": "own", "forceDestroy": True}) == {}
    assert check_inputs(BUCKET, "n", "urn", {"bucketPrefix": "own"}) == {"forceDestroy": False}
