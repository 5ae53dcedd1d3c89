"""Names never collide and fit their limits."""

import itertools
import re

import pytest

from components import naming


def test_a_plain_name_is_kept() -> None:
    assert naming.stack_prefix("slipway", "dev") == "slipway-dev"


def test_two_projects_and_two_stacks_never_share_a_prefix() -> None:
    names = ["a", "b", "a-b", "b-a", "A", "a.b", "a_b", "a-b-a"]
    prefixes = [naming.stack_prefix(project, stack) for project, stack in itertools.product(names, names)]
    assert len(set(prefixes)) == len(prefixes)


def test_no_prefix_and_role_is_another_prefix() -> None:
    """`a-b` with stack `c` must not meet pipeline `c` of `a` with stack `b`."""
    assert naming.stack_prefix("a-b", "c") != f"{naming.stack_prefix('a', 'b')}-c"
    assert naming.stack_prefix("a", "b-c") != f"{naming.stack_prefix('a', 'b')}-c"


@pytest.mark.parametrize("project", ["Slipway", "my_project", "x" * 80, "ünï"])
def test_a_prefix_is_good_for_a_bucket(project: str) -> None:
    prefix = naming.stack_prefix(project, "Dev.1")
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]*[a-z0-9]", prefix)
    assert len(f"{prefix}-results") <= naming.BUCKET_NAME_LENGTH


def test_a_long_name_is_cut_and_hashed() -> None:
    long, other = "x" * 70 + "a", "x" * 70 + "b"
    assert len(naming.fit(long)) == 64
    assert naming.fit(long) != naming.fit(other)
    assert naming.fit("x" * 64) == "x" * 64


def test_model_names_are_alphanumeric_and_differ() -> None:
    pipelines = ["a-1", "a1", "ax1", "a-x1", "a-x-1"]
    models = [naming.model_name(pipeline) for pipeline in pipelines]
    assert len(set(models)) == len(models)
    assert all(model.isalnum() for model in models)


def test_tags_name_project_stack_and_pipeline() -> None:
    assert naming.tags("slipway", "dev", "wordcount") == {
        "Project": "slipway",
        "Stack": "dev",
        "Pipeline": "wordcount",
        "ManagedBy": "Pulumi",
    }
    assert "Pipeline" not in naming.tags("slipway", "dev")
