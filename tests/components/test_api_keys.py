"""Consumers: keys, slots and plans."""

import json

import pytest

from engine.program import Deployment
from tests.components.stack import Run

KEY = "aws:apigateway/apiKey:ApiKey"
PLAN = "aws:apigateway/usagePlan:UsagePlan"
PLAN_KEY = "aws:apigateway/usagePlanKey:UsagePlanKey"
TEAMS = {
    "consumers": {
        "team": {"rate": 0.5, "burst": 3, "quotaPerDay": 100, "keyGenerations": [3, 4]},
        "other": {"keyGenerations": [0, 1]},
    }
}


def test_by_default_one_consumer_has_one_key(dev: Deployment) -> None:
    key = dev.one(KEY)
    assert key.inputs["name"] == "slipway-dev-default-0-1"
    assert key.inputs["enabled"] is True
    assert "value" not in key.inputs


def test_a_slot_with_generation_0_is_empty_and_others_carry_theirs(run: Run) -> None:
    names = {item.inputs["name"] for item in run(TEAMS).all(KEY)}
    assert names == {"slipway-dev-team-0-3", "slipway-dev-team-1-4", "slipway-dev-other-1-1"}


def test_the_current_key_is_the_slot_with_the_highest_generation(run: Run) -> None:
    assert run(TEAMS).exports["apiKeys"] == {
        "team": "value-of-slipway-dev-team-1-4",
        "other": "value-of-slipway-dev-other-1-1",
    }


def test_the_functions_know_every_key_of_every_consumer(run: Run) -> None:
    function = run(TEAMS).one("aws:lambda/function:Function", "slipway-dev-wordcount-trigger")
    assert json.loads(function.inputs["environment"]["variables"]["CONSUMERS"]) == {
        "id-of-slipway-dev-team-0-3": "team",
        "id-of-slipway-dev-team-1-4": "team",
        "id-of-slipway-dev-other-1-1": "other",
    }


def test_each_consumer_has_a_plan_with_its_own_limits_for_the_deployed_stage(run: Run) -> None:
    deployment = run(TEAMS)
    plan = deployment.one(PLAN, "slipway-dev-team")
    assert plan.inputs["throttleSettings"] == {"rateLimit": 0.5, "burstLimit": 3}
    assert plan.inputs["quotaSettings"] == {"limit": 100, "period": "DAY"}
    assert plan.inputs["apiStages"] == [{"apiId": "api", "stage": "default"}]
    assert deployment.one("aws:apigateway/stage:Stage").urn in plan.dependencies
    other = deployment.one(PLAN, "slipway-dev-other").inputs
    assert other["throttleSettings"] == {"rateLimit": 20, "burstLimit": 40}
    assert other["quotaSettings"] == {"limit": 10_000, "period": "DAY"}


@pytest.mark.parametrize(
    ("key", "plan"),
    [("slipway-dev-team-0-3", "team"), ("slipway-dev-team-1-4", "team"), ("slipway-dev-other-1-1", "other")],
)
def test_every_key_is_on_its_consumers_plan(run: Run, key: str, plan: str) -> None:
    link = run(TEAMS).one(PLAN_KEY, key).inputs
    assert link == {"keyId": f"id-of-{key}", "keyType": "API_KEY", "usagePlanId": f"id-of-slipway-dev-{plan}"}


def test_values_of_keys_are_secret_and_reach_nothing_but_the_export(run: Run) -> None:
    deployment = run(TEAMS)
    assert "apiKeys" in deployment.secret_exports
    for item in deployment.registrations:
        assert "value-of-" not in repr(item.inputs)
    for key in (*deployment.all(KEY), *deployment.all(PLAN_KEY)):
        assert "value" in key.additional_secret_outputs
