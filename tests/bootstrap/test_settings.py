"""The settings of the bootstrap project. Pulumi's own check of declared types is not part of it."""

from typing import Any

import pulumi
import pytest
import yaml

from engine.config import load_project, load_stack_config
from engine.errors import ProgramError
from tests.bootstrap.conftest import ACCOUNT, BOOTSTRAP, REGION, Bootstrap


def declared() -> dict[str, Any]:
    return yaml.safe_load((BOOTSTRAP / "Pulumi.yaml").read_text())["config"]


def test_the_project_file_declares_every_key_with_type_default_and_description(bootstrap: Bootstrap) -> None:
    from bootstrap.foundation.settings import KEYS

    assert {key: (item["type"], item.get("default")) for key, item in declared().items()} == dict(KEYS)
    assert all(item["description"] for item in declared().values())
    # The CLI refuses a project with a list whose items have no type.
    assert all(item.get("items") == {"type": "string"} for item in declared().values() if item["type"] == "array")


def test_the_committed_example_is_complete_and_loads(bootstrap: Bootstrap) -> None:
    config = load_stack_config(load_project(BOOTSTRAP), "example")
    assert bootstrap(**config).exports["backendUrl"].startswith("s3://slipway-bootstrap-state-111122223333-")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"repository": "slipway"}, ["repository", '"slipway"', "OWNER/NAME"]),
        ({"repository": "a/b:environment:prod"}, ["repository", "OWNER/NAME"]),
        ({"project": "my-slipway"}, ["project", "lower-case letters and digits"]),
        ({"environments": []}, ["environments", "1 to 9 stacks"]),
        ({"environments": ["dev", "dev-eu"]}, ["environments", "dev-eu", "lower-case letters and digits"]),
        ({"environments": ["dev", "dev"]}, ["environments", "different"]),
        ({"environments": ["dev", "bootstrap"]}, ["environments", "none of them named bootstrap"]),
        ({"environments": [f"e{number}" for number in range(10)]}, ["environments", "1 to 9 stacks"]),
        ({"project": "p" * 19, "environments": ["s" * 12]}, ["environments", "at most 31 characters"]),
        ({"previewEnvironments": ["test"]}, ["previewEnvironments", '"test"', "shared, dev, staging, prod"]),
        ({"buildEnvironments": ["test"]}, ["buildEnvironments", '"test"', "shared, dev, staging, prod"]),
        ({"ownerId": 0}, ["ownerId, repositoryId", "both, or neither"]),
        ({"deployBranch": "*"}, ["deployBranch", "exact name"]),
        ({"sessionMinutes": 30}, ["sessionMinutes", "30", "from 60 to 720"]),
        ({"stateHistoryDays": 0}, ["stateHistoryDays", "from 1 to"]),
        ({"aws:allowedAccountIds": []}, ["aws:allowedAccountIds", "the one account"]),
        ({"aws:allowedAccountIds": [ACCOUNT, "444455556666"]}, ["aws:allowedAccountIds", "the one account"]),
        ({"aws:region": "here"}, ["aws:region", "'here'"]),
        ({"previewEnvironment": ["dev"]}, ["previewEnvironment:", "unknown key", "previewEnvironments"]),
    ],
)
def test_a_bad_setting_is_refused_with_what_is_expected(
    bootstrap: Bootstrap, settings: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(ProgramError) as caught:
        bootstrap(**settings)
    for word in words:
        assert word in str(caught.value)


def test_all_problems_are_told_at_once(bootstrap: Bootstrap) -> None:
    with pytest.raises(ProgramError) as caught:
        bootstrap(repository="", project="A", sessionMinutes=1)
    assert str(caught.value).count("\n- ") == 3


def test_the_error_ends_the_program_without_a_stack_trace() -> None:
    from bootstrap.foundation.settings import SettingsError

    assert issubclass(SettingsError, pulumi.RunError)


def test_a_branch_that_looks_like_a_number_is_taken_by_the_letter(bootstrap: Bootstrap) -> None:
    role = bootstrap(deployBranch="1.10").one("aws:iam/role:Role", "slipway-bootstrap-drift")
    assert ":ref:refs/heads/1.10" in role.inputs["assumeRolePolicy"]


def test_an_account_number_that_yaml_took_for_a_number_keeps_its_zeros(bootstrap: Bootstrap) -> None:
    url = bootstrap(**{"aws:allowedAccountIds": [11122223333]}).exports["backendUrl"]
    assert url == f"s3://slipway-bootstrap-state-011122223333-{REGION}?region={REGION}"


def test_the_longest_names_stay_within_the_limit_of_buckets(bootstrap: Bootstrap) -> None:
    url = bootstrap(**{"project": "p" * 19, "aws:region": "ap-northeast-1"}).exports["backendUrl"]
    assert len(url.removeprefix("s3://").split("?")[0]) <= 63
