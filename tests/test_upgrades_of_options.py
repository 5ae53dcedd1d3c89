"""What a new image and other settings do to the functions, services and messages of a stack that runs.

What it can't prove: that AWS takes the changes in the order in which the engine makes them.
"""

from typing import Any

import pytest

from engine.replacement import FORCES_NEW
from engine.upgrade import Operation, SimulatedAccount
from tests.test_upgrades import REGION, WORDCOUNT, describe, run

FUNCTION = {"pipeline": "wordcount"}
SERVICE = {"pipeline": "wordcount"}
OPTIONS: dict[str, Any] = {
    "functions": {"mailer": FUNCTION},
    "services": {"web": SERVICE},
    "notifications": {"emails": ["team@example.org"]},
}


@pytest.fixture(scope="module")
def deployed() -> SimulatedAccount:
    account = SimulatedAccount(REGION)
    assert {change.operation for change in run(account, **OPTIONS)} == {Operation.CREATE}
    return account


def upgrade(deployed: SimulatedAccount, **overlay: Any) -> dict[str, set[str]]:
    """Operation -> `Kind name` of each resource that another setting of the options touches."""
    found: dict[str, set[str]] = {}
    for change in run(deployed.copy(), **{**OPTIONS, **overlay}):
        if change.operation is not Operation.SAME:
            found.setdefault(change.operation.value, set()).add(describe(change))
    return found


def test_every_type_is_in_the_table_of_what_forces_a_replacement(deployed: SimulatedAccount) -> None:
    assert not {change.type for change in run(deployed.copy(), **OPTIONS)} - set(FORCES_NEW)


def test_the_same_settings_change_nothing(deployed: SimulatedAccount) -> None:
    assert upgrade(deployed) == {}


def test_a_new_digest_changes_all_that_runs_it_and_replaces_a_revision_alone(deployed: SimulatedAccount) -> None:
    assert upgrade(deployed, pipelines={"wordcount": {**WORDCOUNT, "generation": 2}}) == {
        "update": {
            "Image wordcount",
            "JobDefinition wordcount",
            "Function wordcount-trigger",
            "Function mailer-function",
            "Alias mailer-function",
            "Service web-service",
        },
        # A revision is never changed: the next one is made, the service moves over, the last one is deregistered.
        "replace": {"TaskDefinition web-service"},
    }


def test_spot_and_back_changes_the_service_in_place(deployed: SimulatedAccount) -> None:
    assert upgrade(deployed, services={"web": {**SERVICE, "spot": True}}) == {"update": {"Service web-service"}}


def test_more_tasks_make_no_new_revision(deployed: SimulatedAccount) -> None:
    assert upgrade(deployed, services={"web": {**SERVICE, "desiredCount": 3}}) == {"update": {"Service web-service"}}


def test_a_port_opens_the_group_and_the_container(deployed: SimulatedAccount) -> None:
    assert upgrade(deployed, services={"web": {**SERVICE, "port": 8080, "sources": ["10.0.0.0/16"]}}) == {
        "update": {"SecurityGroup web-service", "Service web-service"},
        "replace": {"TaskDefinition web-service"},
    }


def test_other_sources_change_the_group_alone(deployed: SimulatedAccount) -> None:
    open_ = {**SERVICE, "port": 8080}
    account = deployed.copy()
    run(account, **{**OPTIONS, "services": {"web": {**open_, "sources": ["10.0.0.0/16"]}}})
    found = upgrade(account, services={"web": {**open_, "sources": ["192.0.2.0/24"]}})
    assert found == {"update": {"SecurityGroup web-service"}}


def test_more_memory_makes_a_new_version_of_the_function(deployed: SimulatedAccount) -> None:
    assert upgrade(deployed, functions={"mailer": {**FUNCTION, "memoryMib": 1024}}) == {
        "update": {"Function mailer-function", "Alias mailer-function"}
    }


def test_another_permission_touches_the_policy_alone(deployed: SimulatedAccount) -> None:
    found = upgrade(deployed, functions={"mailer": {**FUNCTION, "readPrefixes": ["data/in/"]}})
    assert found == {"update": {"RolePolicy mailer-function"}}


def test_an_address_comes_and_goes_without_touching_another(deployed: SimulatedAccount) -> None:
    both = {"emails": ["team@example.org", "lead@example.org"]}
    own = {"TopicSubscription notifications-lead@example.org"}
    assert upgrade(deployed, notifications=both) == {"create": own}
    account = deployed.copy()
    run(account, **{**OPTIONS, "notifications": both})
    assert upgrade(account) == {"delete": own}


def test_another_interval_changes_the_alarm_alone(deployed: SimulatedAccount) -> None:
    found = upgrade(deployed, notifications={"emails": ["team@example.org"], "intervalMinutes": 60})
    assert found == {"update": {"MetricAlarm notifications-failures"}}


def test_a_function_that_goes_takes_nothing_of_the_pipeline_along(deployed: SimulatedAccount) -> None:
    assert upgrade(deployed, functions={}) == {
        "delete": {
            "Alias mailer-function",
            "Function mailer-function",
            "LogGroup mailer-function",
            "RepositoryPolicy wordcount",
            "Role mailer-function",
            "RolePolicy mailer-function",
        }
    }
