"""The chain from key to stage, and the limits on it."""

from typing import Any

import pytest

from policy.guardrails import api_plans
from policy.guardrails.resources import Resource
from tests.policy.harness import UNKNOWN, UNKNOWN_TEXT, resource, verdict


def known_stack(**changes: Any) -> dict[str, Resource]:
    """An API with a key, a plan and a stage, all deployed; `changes` replace properties: `plan={...}`."""
    properties: dict[str, dict[str, Any]] = {
        "method": {"restApi": "a1", "httpMethod": "POST", "apiKeyRequired": True},
        "stage": {"restApi": "a1", "stageName": "default"},
        "plan": {"id": "p1", "apiStages": [{"apiId": "a1", "stage": "default"}], "throttleSettings": LIMITS},
        "key": {"id": "k1", "enabled": True},
        "join": {"keyId": "k1", "keyType": "API_KEY", "usagePlanId": "p1"},
    }
    return {
        name: resource(KINDS[name], {**values, **changes.get(name, {})}, name=name)
        for name, values in properties.items()
        if changes.get(name, {}) is not None
    }


LIMITS = {"rateLimit": 10.0, "burstLimit": 20.0}
KINDS = {
    "method": "apigateway:Method",
    "stage": "apigateway:Stage",
    "plan": "apigateway:UsagePlan",
    "key": "apigateway:ApiKey",
    "join": "apigateway:UsagePlanKey",
}


def judged(name: str, stack: dict[str, Resource], *more: Resource, rule: Any = api_plans.KEY_CHAIN):
    return verdict(rule, stack[name], *(item for other, item in stack.items() if other != name), *more)


def preview_stack() -> dict[str, Resource]:
    """The same stack in a first preview: ids are unknown, references are property dependencies."""
    api = resource("apigateway:RestApi", {"name": "jobs"}, name="api")
    stage = resource(
        KINDS["stage"], {"restApi": UNKNOWN_TEXT, "stageName": "default"}, name="stage", depends={"restApi": [api]}
    )
    method = resource(
        KINDS["method"],
        {"restApi": UNKNOWN_TEXT, "httpMethod": "POST", "apiKeyRequired": True},
        depends={"restApi": [api]},
    )
    plan = resource(
        KINDS["plan"],
        {"apiStages": [{"apiId": UNKNOWN_TEXT, "stage": "default"}], "throttleSettings": LIMITS},
        name="plan",
        depends={"apiStages": [api, stage]},
    )
    key = resource(KINDS["key"], {"enabled": True}, name="key")
    join = resource(
        KINDS["join"],
        {"keyId": UNKNOWN_TEXT, "keyType": "API_KEY", "usagePlanId": UNKNOWN_TEXT},
        depends={"keyId": [key], "usagePlanId": [plan]},
    )
    return {"api": api, "stage": stage, "method": method, "plan": plan, "key": key, "join": join}


class TestStage:
    def test_whole_chain_passes(self):
        assert judged("stage", known_stack()).status == "pass"

    def test_whole_chain_passes_in_a_first_preview(self):
        assert judged("stage", preview_stack()).status == "pass"

    @pytest.mark.parametrize(
        ("changes", "found"),
        [
            ({"plan": None}, "there is no usage plan"),
            ({"plan": {"apiStages": [{"apiId": "a1", "stage": "other"}]}}, "no usage plan names it"),
            ({"plan": {"apiStages": [{"apiId": "a2", "stage": "default"}]}}, "no usage plan names it"),
            ({"plan": {"apiStages": None}}, "no usage plan names it"),
            ({"join": None}, "the usage plans that name it have no enabled key"),
            ({"join": {"usagePlanId": "p2"}}, "the usage plans that name it have no enabled key"),
            ({"key": {"enabled": False}}, "the usage plans that name it have no enabled key"),
        ],
    )
    def test_gap_is_named(self, changes: Any, found: str):
        assert judged("stage", known_stack(**changes)).found == [f"{found}, so every call gets 403"]

    def test_key_of_another_stack_counts(self):
        assert judged("stage", known_stack(key=None)).status == "pass"

    def test_key_is_enabled_unless_told_otherwise(self):
        assert judged("stage", known_stack(key={"enabled": None})).status == "pass"

    def test_second_plan_or_key_closes_the_gap(self):
        other_key = resource(KINDS["key"], {"id": "k2"}, name="key2")
        other_join = resource(KINDS["join"], {"keyId": "k2", "usagePlanId": "p1"}, name="join2")
        stack = known_stack(key={"enabled": False})
        assert judged("stage", stack, other_key, other_join).status == "pass"

    def test_api_that_asks_for_no_key_is_not_applicable(self):
        assert judged("stage", known_stack(method={"apiKeyRequired": False}, plan=None)).status == "not applicable"
        assert judged("stage", known_stack(method={"restApi": "a2"}, plan=None)).status == "not applicable"

    @pytest.mark.parametrize("kind", ["apigateway:RestApi", "apigateway:RestApiPut"])
    def test_body_that_asks_for_keys_counts(self, kind: str):
        body = {
            "paths": {"/": {"get": {"security": [{"key": []}]}}},
            "components": {"securitySchemes": {"key": {"type": "apiKey", "name": "x-api-key", "in": "header"}}},
        }
        owner = resource(kind, {"id": "a1", "restApiId": "a1", "body": body})
        assert judged("stage", known_stack(method=None, plan=None), owner).status == "violation"
        other = resource(kind, {"id": "a2", "restApiId": "a2", "body": body})
        assert judged("stage", known_stack(method=None, plan=None), other).status == "not applicable"
        unknown = resource(kind, {"id": "a1", "restApiId": "a1", "body": UNKNOWN})
        assert judged("stage", known_stack(method=None, plan=None), unknown).status == "unknown"
        broken = resource(kind, {"id": "a1", "restApiId": "a1", "body": "{"})
        assert judged("stage", known_stack(method=None, plan=None), broken).status == "not applicable"

    @pytest.mark.parametrize(
        "changes",
        [
            {"plan": {"apiStages": UNKNOWN}},
            {"plan": {"apiStages": [{"apiId": UNKNOWN, "stage": "default"}]}},
            {"join": {"keyId": UNKNOWN}},
            {"key": {"enabled": UNKNOWN}},
            {"method": {"apiKeyRequired": UNKNOWN}, "plan": None},
        ],
    )
    def test_what_can_not_be_followed_is_not_yet_known(self, changes: Any):
        assert judged("stage", known_stack(**changes)).status == "unknown"

    def test_stage_of_another_api_is_not_named_in_a_first_preview(self):
        stack = preview_stack()
        api = resource("apigateway:RestApi", {"name": "other"}, name="other-api")
        stage = resource(
            KINDS["stage"], {"restApi": UNKNOWN_TEXT, "stageName": "default"}, name="other", depends={"restApi": [api]}
        )
        method = resource(
            KINDS["method"],
            {"restApi": UNKNOWN_TEXT, "httpMethod": "GET", "apiKeyRequired": True},
            name="other-get",
            depends={"restApi": [api]},
        )
        assert verdict(api_plans.KEY_CHAIN, stage, api, method, *stack.values()).found == [
            "no usage plan names it, so every call gets 403"
        ]

    def test_deployment_counts_where_it_makes_a_stage(self):
        stack = known_stack(plan=None)
        deployment = resource("apigateway:Deployment", {"restApi": "a1", "stageName": "default"})
        assert verdict(api_plans.KEY_CHAIN, deployment, *stack.values()).status == "violation"
        plain = resource("apigateway:Deployment", {"restApi": "a1"})
        assert verdict(api_plans.KEY_CHAIN, plain, *stack.values()).status == "not applicable"
        empty = resource("apigateway:Deployment", {"restApi": "a1", "stageName": ""})
        assert verdict(api_plans.KEY_CHAIN, empty, *stack.values()).status == "not applicable"


class TestKeyAndPlan:
    def test_key_on_a_plan_passes(self):
        assert judged("key", known_stack()).status == "pass"
        assert judged("key", known_stack(key={"enabled": None})).status == "pass"
        assert judged("key", preview_stack()).status == "pass"

    def test_key_on_no_plan_is_refused(self):
        assert judged("key", known_stack(join=None)).found == [
            "no usage plan key names it, so every call with it gets 403"
        ]
        assert judged("key", known_stack(join={"keyId": "k2"})).status == "violation"

    def test_disabled_key_is_refused(self):
        assert judged("key", known_stack(key={"enabled": False})).found == ["enabled is false, so its owner gets 403"]

    def test_key_that_may_be_named_is_not_yet_known(self):
        assert judged("key", known_stack(join={"keyId": UNKNOWN})).unknown == ["keyId"]

    def test_plan_with_a_stage_passes(self):
        assert judged("plan", known_stack()).status == "pass"

    @pytest.mark.parametrize("stages", [None, []])
    def test_plan_without_stage_is_refused(self, stages: Any):
        assert judged("plan", known_stack(plan={"apiStages": stages})).found == [
            "apiStages names no stage, so its keys open nothing"
        ]

    def test_other_kinds_are_not_applicable(self):
        assert judged("method", known_stack()).status == "not applicable"


def throttled(name: str, stack: dict[str, Resource], *more: Resource):
    return judged(name, stack, *more, rule=api_plans.THROTTLE)


def settings(limits: Any, **changes: Any) -> Resource:
    properties = {"restApi": "a1", "stageName": "default", "methodPath": "*/*", "settings": limits}
    return resource("apigateway:MethodSettings", {**properties, **changes}, name="settings")


ALL_LIMITS = {"throttlingRateLimit": 10, "throttlingBurstLimit": 20}


class TestThrottle:
    def test_plan_with_limits_passes(self):
        assert throttled("plan", known_stack()).status == "pass"
        assert (
            throttled("plan", known_stack(plan={"throttleSettings": {"rateLimit": 1, "burstLimit": 1}})).status
            == "pass"
        )

    @pytest.mark.parametrize(
        ("limits", "found"),
        [
            (None, ["throttleSettings.rateLimit is not set", "throttleSettings.burstLimit is not set"]),
            ({"rateLimit": 10}, ["throttleSettings.burstLimit is not set"]),
            ({"burstLimit": 10}, ["throttleSettings.rateLimit is not set"]),
            (
                {"rateLimit": 0, "burstLimit": -1.0},
                ["throttleSettings.rateLimit is 0", "throttleSettings.burstLimit is -1"],
            ),
        ],
    )
    def test_plan_without_limits_is_refused(self, limits: Any, found: list[str]):
        assert throttled("plan", known_stack(plan={"throttleSettings": limits})).found == found

    def test_unknown_limit_is_not_yet_known(self):
        stack = known_stack(plan={"throttleSettings": {"rateLimit": UNKNOWN, "burstLimit": 1}})
        assert throttled("plan", stack).unknown == ["throttleSettings.rateLimit"]

    def test_stage_under_a_plan_passes(self):
        assert throttled("stage", known_stack()).status == "pass"
        assert throttled("stage", preview_stack()).status == "pass"

    def test_stage_under_nothing_is_refused(self):
        assert throttled("stage", known_stack(plan=None)).found == [
            "neither a usage plan nor method settings for */* limit its rate"
        ]

    def test_method_settings_for_all_methods_count(self):
        assert throttled("stage", known_stack(plan=None), settings(ALL_LIMITS)).status == "pass"
        least = {"throttlingRateLimit": 0.5, "throttlingBurstLimit": 1}
        assert throttled("stage", known_stack(plan=None), settings(least)).status == "pass"

    @pytest.mark.parametrize(
        ("limits", "changes"),
        [
            (ALL_LIMITS, {"methodPath": "jobs/POST"}),
            (ALL_LIMITS, {"restApi": "a2"}),
            (ALL_LIMITS, {"stageName": "other"}),
            ({**ALL_LIMITS, "throttlingRateLimit": -1}, {}),
            ({**ALL_LIMITS, "throttlingBurstLimit": 0}, {}),
            ({}, {}),
            ({"metricsEnabled": True}, {}),
        ],
    )
    def test_method_settings_that_limit_something_else_do_not(self, limits: Any, changes: Any):
        assert throttled("stage", known_stack(plan=None), settings(limits, **changes)).status == "violation"

    @pytest.mark.parametrize("changes", [{"methodPath": UNKNOWN}, {"restApi": UNKNOWN}])
    def test_method_settings_that_can_not_be_followed_are_not_yet_known(self, changes: Any):
        assert throttled("stage", known_stack(plan=None), settings(ALL_LIMITS, **changes)).unknown == ["stageName"]

    def test_deployment_counts_where_it_makes_a_stage(self):
        deployment = resource("apigateway:Deployment", {"restApi": "a1", "stageName": "default"})
        assert verdict(api_plans.THROTTLE, deployment).status == "violation"
        assert verdict(api_plans.THROTTLE, resource("apigateway:Deployment")).status == "not applicable"

    def test_other_kinds_are_not_applicable(self):
        assert throttled("key", known_stack()).status == "not applicable"
