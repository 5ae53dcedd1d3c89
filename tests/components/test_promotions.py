"""A repository that another stack's file names an image of is kept, and nothing says otherwise by accident."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from components.naming import repository_name
from tests.components.stack import Parse, Problems

DIGEST = f"sha256:{'ab' * 32}"
HOST = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
SCHEMA_PATH = "jobs/sample/parameters.schema.json"


def write(root: Path, stack: str, **values: Any) -> None:
    config = {f"slipway:{key}": value for key, value in values.items()}
    (root / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": config}))


def promoted(repository: str) -> dict[str, Any]:
    return {"job": {"image": f"{HOST}/{repository}@{DIGEST}"}}


def test_nothing_is_used_elsewhere_in_a_fresh_clone(parse: Parse, root: Path) -> None:
    write(root, "staging", pipelines={"sample": {"context": "jobs/sample"}})
    assert parse().used_elsewhere == {}


def test_other_stacks_that_run_an_image_of_this_one_are_found(parse: Parse, root: Path) -> None:
    write(root, "prod", pipelines=promoted("slipway-dev/sample"))
    write(root, "staging", pipelines=promoted("slipway-dev/sample"))
    write(root, "qa", pipelines=promoted("other/sample"))
    assert parse().used_elsewhere == {"sample": ("prod", "staging")}
    assert parse(stack="local").used_elsewhere == {}


def test_a_stack_does_not_protect_itself(parse: Parse, root: Path) -> None:
    write(root, "dev", pipelines=promoted("slipway-dev/sample"))
    assert parse().used_elsewhere == {}


def test_a_digest_alone_is_nobody_elses(parse: Parse, root: Path) -> None:
    write(root, "staging", pipelines={"sample": {"image": DIGEST}})
    assert parse().used_elsewhere == {}


def test_keys_without_a_namespace_are_the_projects(parse: Parse, root: Path) -> None:
    (root / "Pulumi.prod.yaml").write_text(yaml.safe_dump({"config": {"pipelines": promoted("slipway-dev/sample")}}))
    assert parse().used_elsewhere == {"sample": ("prod",)}


def test_a_rename_that_would_delete_an_image_of_another_stack_is_refused(problems: Problems, root: Path) -> None:
    write(root, "staging", pipelines=promoted("slipway-dev/sample"))
    (text,) = problems({"pipelines": {"renamed": {"context": "jobs/sample"}}})
    assert text.startswith("slipway:pipelines: found nothing that keeps the repository slipway-dev/sample; ")
    assert "expected sample, with that repository: the stack staging runs an image in it" in text
    assert text.endswith("keep sample, or give the stack staging an image from elsewhere first")


def test_all_the_stacks_are_named(problems: Problems, root: Path) -> None:
    for stack in ("staging", "prod"):
        write(root, stack, pipelines=promoted("slipway-dev/sample"))
    (text,) = problems({"pipelines": {"renamed": {"context": "jobs/sample"}}})
    assert "the stacks prod and staging run an image in it" in text


@pytest.mark.parametrize("pipeline", [{"context": "jobs/sample"}, {"image": DIGEST, "schema": SCHEMA_PATH}])
def test_the_repository_stays_however_the_image_gets_there(parse: Parse, root: Path, pipeline: dict[str, Any]) -> None:
    write(root, "staging", pipelines=promoted("slipway-dev/sample"))
    for registry in ("own", "shared"):
        found = parse({"registry": registry, "pipelines": {"sample": pipeline}})
        assert found.used_elsewhere == {"sample": ("staging",)}


@pytest.mark.parametrize("pipeline", [{"context": "jobs/sample"}, {"image": DIGEST}])
def test_a_shared_repository_is_used_by_every_stack_with_such_a_pipeline(
    parse: Parse, problems: Problems, root: Path, pipeline: dict[str, Any]
) -> None:
    write(root, "dev", registry="shared", pipelines={"sample": pipeline})
    shared = {"pipelines": {}, "repositories": ["sample"]}
    assert parse(shared, stack="shared").used_elsewhere == {"sample": ("dev",)}
    (text,) = problems(shared | {"repositories": ["other"]}, stack="shared")
    assert text.startswith("slipway:repositories: found nothing that keeps the repository slipway-shared/sample; ")


def test_the_full_name_of_a_shared_repository_counts_too(parse: Parse, root: Path) -> None:
    write(root, "prod", pipelines=promoted("slipway-shared/sample"))
    assert parse({"pipelines": {}, "repositories": ["sample"]}, stack="shared").used_elsewhere == {"sample": ("prod",)}


def test_the_full_name_of_ones_own_repository_would_delete_it(problems: Problems) -> None:
    image = f"{HOST}/{repository_name('slipway', 'dev', 'sample')}@{DIGEST}"
    (text,) = problems({"pipelines": {"sample": {"image": image, "schema": SCHEMA_PATH}}})
    assert "the digest alone: this repository is the stack's own" in text
    assert text.endswith(f"pulumi config set --path slipway:pipelines.sample.image {DIGEST}")


@pytest.mark.parametrize("content", ["config: [", "\xff\xfe"])
def test_a_file_that_says_nothing_readable_keeps_everything(problems: Problems, root: Path, content: str) -> None:
    (root / "Pulumi.staging.yaml").write_text(content, encoding="latin-1")
    (text,) = problems({})
    assert text.startswith("Pulumi.staging.yaml: found a problem (")


@pytest.mark.parametrize(
    "content", ["", "config:", "config: 7", "config: {'slipway:pipelines': 7}", "config: {'slipway:pipelines': {a: 7}}"]
)
def test_a_file_that_names_no_image_keeps_nothing(parse: Parse, root: Path, content: str) -> None:
    (root / "Pulumi.staging.yaml").write_text(content)
    assert parse().used_elsewhere == {}
