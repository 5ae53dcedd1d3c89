"""The policy configuration: what the engine would take without a word is an error here."""

from typing import Any

import pytest

from policy.guardrails import ecr
from policy.guardrails.catalogue import RULES
from policy.guardrails.configuration import check_config, settings_of
from policy.guardrails.resources import Resource
from policy.guardrails.schemas import problems_of
from tests.policy.harness import TODAY, UNKNOWN, resource


def problems(config: Any, resources: list[Resource] | None = None) -> list[str]:
    return check_config(config, RULES, today=TODAY, resources=resources)


def exempt(**entry: Any) -> dict[str, Any]:
    exemption = {"urn": "*::jobs", "reason": "agreed", **entry}
    return {"ecr-immutable-tags": {"enforcementLevel": "mandatory", "exemptions": [exemption]}}


class TestEntries:
    @pytest.mark.parametrize(
        "config",
        [
            {},
            {"all": "mandatory"},
            {"all": {"enforcementLevel": "mandatory"}},
            {"ecr-immutable-tags": "mandatory"},
            {"ecr-immutable-tags": "advisory"},
            {"ecr-immutable-tags": "disabled"},
            {"ecr-immutable-tags": {"enforcementLevel": "advisory"}},
            {"ecr-kms": {"exemptions": []}},
            {"ecr-lifecycle-effective": {"enforcementLevel": "mandatory", "mostImages": 5, "mostDays": 30}},
            exempt(),
            exempt(until="2026-11-15"),
        ],
    )
    def test_entry_that_says_what_it_does_passes(self, config: Any):
        assert problems(config) == []

    def test_unknown_rule_suggests_the_nearest(self):
        assert problems({"ecr-imutable-tags": "mandatory"}) == [
            "ecr-imutable-tags: there is no such rule, and the engine ignores it silently; "
            "did you mean ecr-immutable-tags?"
        ]
        assert problems({"zzz": "mandatory"}) == [
            "zzz: there is no such rule, and the engine ignores it silently; RULES.md lists the rules."
        ]

    def test_entry_without_level_would_demote_a_mandatory_rule(self):
        expected = (
            "ecr-immutable-tags: names no enforcementLevel, which can demote the rule to advisory; "
            "say mandatory, or the level you mean."
        )
        assert problems({"ecr-immutable-tags": {"exemptions": []}}) == [expected]
        assert problems({"ecr-immutable-tags": {}}) == [expected]

    def test_entry_without_level_would_demote_what_all_makes_mandatory(self):
        assert len(problems({"all": "mandatory", "ecr-kms": {"exemptions": []}})) == 1
        assert len(problems({"all": {"enforcementLevel": "mandatory"}, "ecr-kms": {}})) == 1
        assert problems({"all": "advisory", "ecr-kms": {}}) == [
            "all: advisory weakens every mandatory rule at once; name the rules instead."
        ]

    @pytest.mark.parametrize("level", ["Mandatory", "", None, 1, True, ["mandatory"], "remediate"])
    def test_level_that_is_none_is_refused(self, level: Any):
        assert problems({"ecr-immutable-tags": level}) == [
            f"ecr-immutable-tags: {level!r} is not a level; there are advisory, mandatory, disabled."
        ]
        assert len(problems({"all": level})) == 1

    def test_nothing_weakens_all_rules_at_once(self):
        assert len(problems({"all": "disabled"})) == 1

    def test_all_takes_no_settings(self):
        assert problems({"all": {"enforcementLevel": "mandatory", "mostImages": 5}}) == [
            "all: has settings, which the engine ignores."
        ]

    def test_exceptions_of_the_cli_are_refused(self):
        assert problems({"exceptions": {"a": {"reason": "r"}}}) == [
            "exceptions: the CLI's own exceptions have no end and aren't checked; use a rule's exemptions."
        ]

    @pytest.mark.parametrize(("config", "kind"), [([], "a list"), ("mandatory", "text"), (None, "missing")])
    def test_configuration_is_an_object(self, config: Any, kind: str):
        assert problems(config) == [f"The configuration is {kind}, not an object of rule ids."]

    def test_all_problems_are_told_at_once(self):
        assert len(problems({"all": "off", "zzz": 1, "ecr-kms": "x", "ecr-immutable-tags": {}})) == 4


class TestSettings:
    @pytest.mark.parametrize(
        ("settings", "problem"),
        [
            ({"other": 1}, "other is not a setting; there are exemptions, mostDays, mostImages"),
            ({"mostImages": "5"}, "mostImages is text, not a whole number"),
            ({"mostImages": 5.5}, "mostImages is a number, not a whole number"),
            ({"mostImages": True}, "mostImages is a boolean, not a whole number"),
            ({"mostImages": 0}, "mostImages is less than 1"),
            ({"exemptions": {}}, "exemptions is an object, not a list"),
            ({"exemptions": ["*"]}, "exemptions[0] is text, not an object"),
            ({"exemptions": [{"urn": "*"}]}, "exemptions[0].reason is missing"),
            ({"exemptions": [{"reason": "r"}]}, "exemptions[0].urn is missing"),
            ({"exemptions": [{"urn": "*", "reason": " "}]}, "exemptions[0].reason is empty"),
            ({"exemptions": [{"urn": "", "reason": "r"}]}, "exemptions[0].urn is empty"),
            (
                {"exemptions": [{"urn": "*", "reason": "r", "until": "15.11.2026"}]},
                "exemptions[0].until is not a date as YYYY-MM-DD",
            ),
            (
                {"exemptions": [{"urn": "*", "reason": "r", "until": "20261115"}]},
                "exemptions[0].until is not a date as YYYY-MM-DD",
            ),
            (
                {"exemptions": [{"urn": "*", "reason": "r", "rule": "x"}]},
                "exemptions[0].rule is not known; there are urn, reason, until",
            ),
        ],
    )
    def test_setting_that_the_schema_refuses_is_named(self, settings: Any, problem: str):
        entry = {"enforcementLevel": "mandatory", **settings}
        assert problems({"ecr-lifecycle-effective": entry}) == [f"ecr-lifecycle-effective: {problem}."]

    def test_settings_are_all_but_the_level(self):
        assert settings_of({"enforcementLevel": "mandatory", "a": 1}) == {"a": 1}
        assert settings_of("mandatory") == {}

    @pytest.mark.parametrize(
        ("schema", "value", "problem"),
        [
            ({"type": "string", "enum": ["a", "b"]}, "c", ["k is none of a, b"]),
            ({"type": "string", "enum": ["a", "b"]}, "a", []),
            ({"type": "boolean"}, 1, ["k is a number, not true or false"]),
            ({"type": "boolean"}, False, []),
            ({"type": "number"}, 1.5, []),
            ({"type": "number", "minimum": 2}, 1.5, ["k is less than 2"]),
            ({"type": "number", "minimum": 2, "maximum": 3}, 3.5, ["k is more than 3"]),
            ({"type": "integer", "maximum": 3}, 3, []),
            ({"type": "number"}, True, ["k is a boolean, not a number"]),
            ({"type": "array", "items": {"type": "string"}}, ["a", 1], ["k[1] is a number, not text"]),
            ({"type": "array"}, [1], []),
            ({"type": "object"}, {"a": 1}, []),
            ({"type": "object", "additionalProperties": {"type": "string"}}, {"a": "b"}, []),
            ({"type": "object", "additionalProperties": {"type": "string"}}, {"a": 1}, ["k.a is a number, not text"]),
            ({}, {"a": 1}, []),
        ],
    )
    def test_schema_of_a_setting(self, schema: Any, value: Any, problem: list[str]):
        assert problems_of({"k": schema}, {"k": value}) == problem


REPOSITORY = resource("ecr:Repository", {"imageTagMutability": "MUTABLE"}, name="jobs")


class TestExemptions:
    def test_exemption_that_has_ended_is_an_error(self):
        assert problems(exempt(until="2026-11-14")) == [
            "ecr-immutable-tags: the exemption of *::jobs ended on 2026-11-14; remove it or renew it."
        ]

    def test_exemption_of_a_violation_passes(self):
        assert problems(exempt(), [REPOSITORY]) == []

    def test_exemption_that_matches_nothing_is_an_error(self):
        assert problems(exempt(urn="*::gone"), [REPOSITORY]) == [
            "ecr-immutable-tags: the exemption of *::gone matches no resource of the stack."
        ]

    def test_exemption_of_what_is_in_order_is_an_error(self):
        immutable = resource("ecr:Repository", {"imageTagMutability": "IMMUTABLE"}, name="jobs")
        other = resource("ecr:LifecyclePolicy", name="jobs")
        for resources in ([immutable], [other]):
            assert problems(exempt(), resources) == [
                "ecr-immutable-tags: the exemption of *::jobs isn't needed: nothing that it covers violates the rule."
            ]

    def test_exemption_of_what_is_not_yet_known_passes(self):
        open_verdict = resource("ecr:Repository", {"imageTagMutability": UNKNOWN}, name="jobs")
        assert problems(exempt(), [open_verdict]) == []

    def test_rules_about_the_stack_see_the_stack(self):
        config = {"ecr-lifecycle-present": {"enforcementLevel": "mandatory", **settings_of(exempt_entry())}}
        named = resource("ecr:Repository", {"name": "jobs"}, name="jobs")
        assert problems(config, [named]) == []
        policy = resource("ecr:LifecyclePolicy", {"repository": "jobs"}, name="expiry")
        assert len(problems(config, [named, policy])) == 1

    def test_entries_without_exemptions_are_left_alone(self):
        assert problems({"all": "mandatory", "ecr-immutable-tags": "mandatory"}, [REPOSITORY]) == []

    def test_use_is_judged_only_of_a_valid_configuration(self):
        assert len(problems({**exempt(urn="*::gone"), "zzz": "mandatory"}, [REPOSITORY])) == 1


def exempt_entry() -> dict[str, Any]:
    return exempt()["ecr-immutable-tags"]


def test_rule_of_the_examples_is_mandatory():
    assert ecr.IMMUTABLE_TAGS.level == "mandatory"
    assert ecr.KMS.level == "advisory"
