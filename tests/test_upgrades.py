"""What a change of the settings does to a stack that runs: which resources are created, updated, replaced, deleted.

What it can't prove: that AWS takes the changes in the order in which the engine makes them.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ProgramError
from engine.program import run_program
from engine.replacement import FORCES_NEW, HOLDS_DATA
from engine.upgrade import Change, Operation, SimulatedAccount

ROOT = Path(__file__).parent.parent
REGION = "eu-central-1"
REPOSITORY = "aws:ecr/repository:Repository"
WORDCOUNT: Mapping[str, Any] = {"context": "pipelines/wordcount"}
PIPELINE = {"wordcount": WORDCOUNT}

Upgrade = Callable[..., dict[str, set[str]]]


def settings(**overlay: Any) -> dict[str, Any]:
    return {"aws:region": REGION, "pipelines": PIPELINE, **overlay}


@pytest.fixture(scope="module")
def deployed() -> SimulatedAccount:
    """An account with the stack in it."""
    account = SimulatedAccount(REGION)
    run_program(ROOT, "dev", provider=account, preview=False, config=settings())
    assert {change.operation for change in account.finish()} == {Operation.CREATE}
    return account


def run(account: SimulatedAccount, root: Path = ROOT, **overlay: Any) -> list[Change]:
    run_program(root, "dev", provider=account, preview=False, config=settings(**overlay))
    return account.finish()


@pytest.fixture
def upgrade(deployed: SimulatedAccount) -> Upgrade:
    """Deploy other settings over the stack: operation -> `Kind name` of each resource, without the stack's prefix.

    Whatever the change, nothing that holds data may be replaced.
    """

    def upgraded(account: SimulatedAccount | None = None, root: Path = ROOT, **overlay: Any) -> dict[str, set[str]]:
        changes = run(account or deployed.copy(), root, **overlay)
        assert not [change for change in changes if change.operation is Operation.REPLACE and change.type in HOLDS_DATA]
        found: dict[str, set[str]] = {}
        for change in changes:
            if change.operation is not Operation.SAME:
                found.setdefault(change.operation.value, set()).add(describe(change))
        return found

    return upgraded


def describe(change: Change) -> str:
    return f"{change.type.rpartition(':')[2]} {change.name.removeprefix('slipway-dev').removeprefix('-')}".rstrip()


def test_every_type_in_use_is_in_the_table_of_what_forces_a_replacement(deployed: SimulatedAccount) -> None:
    for stack in ("dev", "prod", "shared"):  # a website, a distribution, and repositories alone
        account = SimulatedAccount(REGION)
        run_program(ROOT, stack, provider=account, preview=False)
        assert not {change.type for change in account.finish()} - set(FORCES_NEW)


def test_the_same_settings_change_nothing(upgrade: Upgrade) -> None:
    assert upgrade() == {}


def test_a_new_image_changes_exactly_what_runs_it(upgrade: Upgrade, deployed: SimulatedAccount, tmp_path: Path) -> None:
    root = tmp_path / "project"
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml", "__main__.py"):
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    for name in ("components", "lambda_src", "pipelines", "swagger"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    assert upgrade(root=root) == {}
    program = root / "pipelines/wordcount/wordcount/words.py"
    program.write_text(program.read_text() + "\n# changed\n")
    assert upgrade(root=root) == {
        "update": {"Image wordcount", "JobDefinition wordcount", "Function wordcount-trigger"}
    }


def test_a_forced_rebuild_changes_exactly_what_runs_the_image(upgrade: Upgrade) -> None:
    assert upgrade(pipelines={"wordcount": {**WORDCOUNT, "generation": 2}}) == {
        "update": {"Image wordcount", "JobDefinition wordcount", "Function wordcount-trigger"}
    }


def test_another_size_makes_a_new_revision_and_no_new_image(upgrade: Upgrade) -> None:
    assert upgrade(pipelines={"wordcount": {**WORDCOUNT, "vcpus": 2, "memoryMib": 4096}}) == {
        "update": {"JobDefinition wordcount", "Function wordcount-trigger"}
    }


def test_another_throttle_changes_the_usage_plan_alone(upgrade: Upgrade) -> None:
    assert upgrade(throttle={"rate": 5, "burst": 10}) == {"update": {"UsagePlan default"}}


def test_more_room_for_jobs_changes_the_compute_environment_in_place(upgrade: Upgrade) -> None:
    assert upgrade(maxVcpus=64) == {"update": {"ComputeEnvironment"}}


def test_another_lifecycle_replaces_the_lifecycle_and_no_image(upgrade: Upgrade) -> None:
    assert upgrade(retainedImages=50) == {"replace": {"LifecyclePolicy wordcount"}}


def test_other_origins_make_a_new_deployment_of_the_api(upgrade: Upgrade) -> None:
    found = upgrade(corsOrigins=["https://docs.example.org"])
    assert {name.split()[0] for name in found["replace"]} == {"Deployment"}
    assert "create" not in found
    assert "delete" not in found


def test_a_consumer_comes_with_its_key_and_plan_and_leaves_with_them(
    upgrade: Upgrade, deployed: SimulatedAccount
) -> None:
    account = deployed.copy()
    added = upgrade(account, consumers={"default": {}, "acme": {}})
    own = {"ApiKey acme-0-1", "UsagePlan acme", "UsagePlanKey acme-0-1"}
    assert added == {"create": own, "update": {"Function wordcount-trigger"}}
    assert upgrade(account) == {"delete": own, "update": {"Function wordcount-trigger"}}


def test_a_second_key_is_made_beside_the_first(upgrade: Upgrade) -> None:
    assert upgrade(consumers={"default": {"keyGenerations": [1, 2]}}) == {
        "create": {"ApiKey default-1-2", "UsagePlanKey default-1-2"},
        "update": {"Function wordcount-trigger"},
    }


def test_a_pipeline_comes_and_goes_without_touching_the_other(upgrade: Upgrade, deployed: SimulatedAccount) -> None:
    account = deployed.copy()
    added = upgrade(account, pipelines={**PIPELINE, "second": WORDCOUNT})
    removed = upgrade(account)
    assert added["create"] == removed["delete"]
    assert {"Repository second", "JobDefinition second", "Function second-trigger"} <= added["create"]
    assert not [name for name in added["create"] if "wordcount" in name]
    for found in (added, removed):
        # The API's deployment and the documents of the docs site list the pipelines.
        assert {name.split()[0] for name in found.get("replace", set())} == {"Deployment"}
        assert {name.split()[0] for name in found["update"]} <= {"RestApi", "Stage", "BucketObjectv2"}


def test_another_name_is_another_pipeline(upgrade: Upgrade) -> None:
    found = upgrade(pipelines={"renamed": WORDCOUNT})
    assert {"Repository renamed", "JobDefinition renamed"} <= found["create"]
    assert {"Repository wordcount", "JobDefinition wordcount"} <= found["delete"]


@pytest.fixture
def beside_staging(tmp_path: Path) -> Path:
    """The program, in a project whose staging runs an image of dev's own repository."""
    root = tmp_path / "project"
    root.mkdir()
    for name in ("Pulumi.yaml", "__main__.py", "components", "lambda_src", "pipelines", "swagger"):
        (root / name).symlink_to(ROOT / name)
    image = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/slipway-dev/wordcount@sha256:{'ab' * 32}"
    config = {"slipway:pipelines": {"wordcount": {"image": image}}}
    (root / "Pulumi.staging.yaml").write_text(json.dumps({"config": config}))
    return root


def test_what_another_stack_runs_is_protected_from_then_on(
    upgrade: Upgrade, deployed: SimulatedAccount, beside_staging: Path
) -> None:
    account = deployed.copy()
    assert upgrade(account, root=beside_staging) == {
        "update": {"Repository wordcount"},  # no longer deleted with the images in it
        "create": {"RepositoryPolicy wordcount"},  # functions of staging may run them
    }
    # Whoever takes the repository out behind the settings' back meets the engine's own refusal.
    deleted = [change for change in run(account, pipelines={"other": WORDCOUNT}) if change.type == REPOSITORY]
    assert {(change.operation, change.protected) for change in deleted} == {
        (Operation.CREATE, False),
        (Operation.DELETE, True),
    }


def test_a_rename_that_would_delete_what_another_stack_runs_is_refused(
    deployed: SimulatedAccount, beside_staging: Path
) -> None:
    with pytest.raises(ProgramError, match=r"keeps the repository slipway-dev/wordcount; .* the stack staging runs"):
        run(deployed.copy(), beside_staging, pipelines={"renamed": WORDCOUNT})


@pytest.mark.parametrize(
    "change",
    [
        {"registry": "shared"},
        {
            "pipelines": {
                "wordcount": {
                    "image": f"123456789012.dkr.ecr.{REGION}.amazonaws.com/team/job@sha256:{'cd' * 32}",
                    "schema": "pipelines/wordcount/parameters.schema.json",
                }
            }
        },
    ],
)
def test_what_another_stack_runs_stays_when_this_one_has_no_more_use_for_it(
    upgrade: Upgrade, deployed: SimulatedAccount, beside_staging: Path, change: dict[str, Any]
) -> None:
    account = deployed.copy()
    upgrade(account, root=beside_staging)
    found = upgrade(account, root=beside_staging, **change)
    assert found.get("delete", set()) <= {"Image wordcount"}
    # When no stack names an image in it any more, the engine still asks somebody to say so (docs/failures.md).
    gone = [item for item in run(account, **change) if item.type == REPOSITORY]
    assert [(item.operation, item.protected) for item in gone] == [(Operation.DELETE, True)]


def test_functions_of_the_stacks_that_run_its_image_may_pull_it(beside_staging: Path) -> None:
    deployment = run_program(
        beside_staging, "dev", provider=SimulatedAccount(REGION), preview=False, config=settings(registry="shared")
    )
    policy = deployment.one("aws:ecr/repositoryPolicy:RepositoryPolicy")
    assert policy.inputs["repository"] == "slipway-dev/wordcount"
    (statement,) = json.loads(policy.inputs["policy"])["Statement"]
    (pattern,) = statement["Condition"]["ArnLike"]["aws:sourceArn"]
    assert pattern.startswith(f"arn:aws:lambda:{REGION}:")
    assert pattern.endswith(":function:slipway-*")


def test_another_registry_moves_the_image_and_what_runs_it(upgrade: Upgrade, deployed: SimulatedAccount) -> None:
    """The old repository goes with the images that no stack runs; a stack that is asked to protect data keeps it."""
    account = deployed.copy()
    assert upgrade(account, registry="shared") == {
        "update": {
            "Image wordcount",
            "JobDefinition wordcount",
            "RolePolicy wordcount-execution",
            "Function wordcount-trigger",
        },
        "delete": {"LifecyclePolicy wordcount", "Repository wordcount"},
    }
    assert upgrade(account)["create"] == {"LifecyclePolicy wordcount", "Repository wordcount"}


def test_another_digest_of_the_same_repository_changes_what_runs_it(upgrade: Upgrade) -> None:
    schema = "pipelines/wordcount/parameters.schema.json"
    digests = [
        {"wordcount": {"image": f"sha256:{digit * 64}", "schema": schema, "imageTag": f"release-{digit}"}}
        for digit in "12"
    ]
    account = SimulatedAccount(REGION)
    run(account, pipelines=digests[0])
    assert upgrade(account, pipelines=digests[1]) == {
        "update": {"JobDefinition wordcount", "Function wordcount-trigger"}
    }


def test_a_stack_that_runs_a_promoted_digest_keeps_its_repository(upgrade: Upgrade) -> None:
    digest = {"image": f"sha256:{'1' * 64}", "schema": "pipelines/wordcount/parameters.schema.json"}
    found = upgrade(pipelines={"wordcount": digest})
    assert found == {
        "update": {"JobDefinition wordcount", "Function wordcount-trigger"},
        "delete": {"Image wordcount"},  # which stays in the repository: retain_on_delete
    }


def test_the_first_promotion_to_a_stack_that_protects_its_data_keeps_what_it_built(upgrade: Upgrade) -> None:
    promoted = {
        "image": f"123456789012.dkr.ecr.{REGION}.amazonaws.com/slipway-staging/wordcount@sha256:{'cd' * 32}",
        "schema": "pipelines/wordcount/parameters.schema.json",
    }
    account = SimulatedAccount(REGION)
    run(account, protectData=True)
    found = upgrade(account, protectData=True, pipelines={"wordcount": promoted})
    assert found == {
        "update": {"JobDefinition wordcount", "RolePolicy wordcount-execution", "Function wordcount-trigger"},
        "delete": {"Image wordcount"},  # which stays in the repository: retain_on_delete
    }


def test_no_shared_repository_is_ever_deleted_or_replaced_without_its_protection() -> None:
    config = {"aws:region": REGION, "protectData": True}
    account = SimulatedAccount(REGION)
    run_program(
        ROOT, "shared", provider=account, preview=False, config={**config, "repositories": ["wordcount", "other"]}
    )
    assert {change.operation for change in account.finish()} == {Operation.CREATE}
    changes: list[Change] = []
    for overlay in (
        {"repositories": ["other"]},
        {"repositories": ["other"], "buildCache": False, "retainedImages": 5, "protectedTagPrefixes": []},
        {"repositories": ["other"], "pullers": {"accounts": ["123456789012"]}},
    ):
        run_program(ROOT, "shared", provider=account, preview=False, config={**config, **overlay})
        changes += account.finish()
    gone = [item for item in changes if item.operation in (Operation.DELETE, Operation.REPLACE)]
    assert {(item.operation, item.protected) for item in gone if item.type in HOLDS_DATA} == {(Operation.DELETE, True)}
    assert {item.type for item in gone} - HOLDS_DATA == {
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        "aws:ecr/repositoryPolicy:RepositoryPolicy",
    }


def test_where_data_is_protected_its_deletion_is_refused(upgrade: Upgrade) -> None:
    account = SimulatedAccount(REGION)
    run(account, protectData=True)
    changes = run(account, protectData=True, pipelines={"renamed": WORDCOUNT})
    deleted = [change for change in changes if change.operation is Operation.DELETE and change.type in HOLDS_DATA]
    assert [change.name for change in deleted] == ["slipway-dev-wordcount"]
    assert all(change.protected for change in deleted)
