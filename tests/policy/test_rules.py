"""How a rule is run: findings, settings, exemptions, and that it can't fail."""

import datetime
from collections.abc import Iterator
from typing import Any

import pytest

from policy.guardrails.catalogue import RULES
from policy.guardrails.exemptions import Exemption
from policy.guardrails.resources import Resource, Stack
from policy.guardrails.rules import (
    Exempted,
    Finding,
    Level,
    NotApplicable,
    NotYetKnown,
    Rule,
    Settings,
    Severity,
    Violation,
    each,
    judge,
    message,
    not_yet_known,
)
from policy.guardrails.values import MalformedError, NotYetKnownError
from tests.policy.harness import TODAY, UNKNOWN, resource, verdict


def rule(check: Any = None, *, stack_check: Any = None, **changes: Any) -> Rule:
    fields: dict[str, Any] = {
        "id": "test-rule",
        "level": Level.MANDATORY,
        "severity": Severity.LOW,
        "title": "Title",
        "description": "Description.",
        "why": "Why.",
        "fix": "Do it.",
        "link": "https://example.com",
        "kinds": ("s3:Bucket",),
        "check": check,
        "stack_check": stack_check,
    }
    return Rule(**{**fields, **changes})


def always(_resource: Resource, _settings: Settings) -> Iterator[Finding]:
    yield Violation(found="is wrong", expected="right")


BUCKET = resource("s3:Bucket", {"a": UNKNOWN, "b": 1}, name="jobs")


class TestJudge:
    def test_nothing_found_is_a_pass(self):
        assert judge(rule(lambda _resource, _settings: []), BUCKET, today=TODAY) == []

    def test_other_kind_is_not_applicable_with_the_scope(self):
        assert judge(rule(always), resource("ecr:Repository"), today=TODAY) == [NotApplicable("judges s3:Bucket only")]

    @pytest.mark.parametrize(
        ("kinds", "kind", "judged"),
        [
            (("s3:*",), "s3:Bucket", True),
            (("s3:*",), "s3control:Bucket", False),
            (("*",), "x", True),
            (("a:B", "s3:Bucket"), "s3:Bucket", True),
            (("s3:Bucket",), "s3:BucketPolicy", False),
        ],
    )
    def test_kinds_may_have_a_wildcard(self, kinds: Any, kind: str, judged: bool):
        assert rule(always, kinds=kinds).judges(kind) is judged

    def test_unknown_value_keeps_what_was_found_before(self):
        def check(item: Resource, _settings: Settings) -> Iterator[Finding]:
            yield Violation(found="first", expected="x")
            item["a"].text()
            yield Violation(found="never", expected="x")

        outcomes = judge(rule(check), BUCKET, today=TODAY)
        assert [type(outcome) for outcome in outcomes] == [Violation, NotYetKnown]
        assert verdict(rule(check), BUCKET).unknown == ["a"]

    def test_malformed_value_is_a_violation(self):
        def check(item: Resource, _settings: Settings) -> Iterator[Finding]:
            item["b"].items()
            yield Violation(found="never", expected="x")

        assert judge(rule(check), BUCKET, today=TODAY) == [Violation(found="b is a number", expected="b to be a list")]

    def test_failing_rule_neither_passes_nor_raises(self):
        def check(_resource: Resource, _settings: Settings) -> Iterator[Finding]:
            raise RuntimeError("secret-value")
            yield

        (outcome,) = judge(rule(check), BUCKET, today=TODAY)
        assert isinstance(outcome, Violation)
        assert outcome.found == "the rule itself failed with RuntimeError, so nothing is proven"
        assert "secret-value" not in repr(outcome)

    def test_stack_rule_sees_the_stack(self):
        def check(item: Resource, stack: Stack, _settings: Settings) -> Iterator[Finding]:
            yield Violation(found=f"{item.name} of {len(stack.resources)}", expected="x")

        stack = Stack([BUCKET, resource("s3:Bucket", name="other")])
        assert rule(stack_check=check).is_stack_rule
        (outcome,) = judge(rule(stack_check=check), BUCKET, stack=stack, today=TODAY)
        assert isinstance(outcome, Violation)
        assert outcome.found == "jobs of 2"
        (alone,) = judge(rule(stack_check=check), BUCKET, today=TODAY)
        assert isinstance(alone, Violation)
        assert alone.found == "jobs of 1"


class TestEach:
    def test_subject_that_can_not_be_read_hides_no_other(self):
        def check(number: int) -> Iterator[Finding]:
            if number == 1:
                raise NotYetKnownError("p", "why")
            if number == 2:
                raise MalformedError("q", "text", "a list")
            yield Violation(found=str(number), expected="x")

        assert list(each([0, 1, 2, 3], check)) == [
            Violation(found="0", expected="x"),
            NotYetKnown(path="p", why="why"),
            Violation(found="q is text", expected="q to be a list"),
            Violation(found="3", expected="x"),
        ]


SCHEMA = {
    "most": {"type": "integer", "minimum": 1, "default": 5, "description": "d"},
    "names": {"type": "array", "items": {"type": "string"}, "default": ["a"], "description": "d"},
    "strict": {"type": "boolean", "default": True, "description": "d"},
}


class TestSettings:
    def test_defaults_come_from_the_schema(self):
        settings = Settings(SCHEMA, {})
        assert (settings.number("most"), settings.texts("names"), settings.flag("strict")) == (5, ["a"], True)

    def test_given_values_win_and_arrive_as_floats(self):
        settings = Settings(SCHEMA, {"most": 7.0, "names": ["b", "c"], "strict": False})
        assert (settings.number("most"), settings.texts("names"), settings.flag("strict")) == (7, ["b", "c"], False)

    @pytest.mark.parametrize("config", [{"most": "x"}, {"most": 0}, {"names": 1}, {"other": 1}, {"exemptions": [{}]}])
    def test_broken_configuration_is_a_violation(self, config: Any):
        (outcome,) = judge(rule(always, schema=SCHEMA), BUCKET, config=config, today=TODAY)
        assert isinstance(outcome, Violation)
        assert outcome.found.startswith("the configuration of test-rule is not valid (")

    def test_configuration_may_change_between_resources(self):
        def check(_resource: Resource, settings: Settings) -> Iterator[Finding]:
            yield Violation(found=str(settings.number("most")), expected="x")

        subject = rule(check, schema=SCHEMA)
        found = [verdict(subject, BUCKET, config=config).found for config in ({"most": 7}, {"most": 8}, {})]
        assert found == [["7"], ["8"], ["5"]]

    def test_configuration_does_not_matter_where_the_rule_does_not_apply(self):
        outcomes = judge(rule(always), resource("ecr:Repository"), config={"other": 1}, today=TODAY)
        assert [type(outcome) for outcome in outcomes] == [NotApplicable]


def exempting(**entry: Any) -> dict[str, Any]:
    return {"exemptions": [{"urn": "*::jobs", "reason": "agreed", **entry}]}


class TestExemptions:
    def test_violation_that_is_covered_is_exempted(self):
        assert judge(rule(always), BUCKET, config=exempting(), today=TODAY) == [
            Exempted(
                violation=Violation(found="is wrong", expected="right"),
                exemption=Exemption(urn="*::jobs", reason="agreed"),
            )
        ]

    @pytest.mark.parametrize(
        ("pattern", "covered"),
        [
            ("*", True),
            ("urn:pulumi:dev::shop::aws:s3/bucket:Bucket::jobs", True),
            ("urn:pulumi:*::shop::*bucket:Bucket::jobs", True),
            ("urn:pulumi:dev::shop::aws:s3/bucket:Bucket::job", False),
            ("*::job", False),
            ("*::jobs2", False),
            ("*.*", False),
            ("*::[j]obs", False),
        ],
    )
    def test_only_the_star_is_special(self, pattern: str, covered: bool):
        assert Exemption(urn=pattern, reason="r").covers(BUCKET.urn) is covered

    def test_other_resources_stay_violations(self):
        assert verdict(rule(always), BUCKET, config=exempting(urn="*::other")).status == "violation"

    def test_end_is_the_last_day(self):
        day = datetime.date(2026, 11, 15)
        config = exempting(until="2026-11-15")
        assert verdict(rule(always), BUCKET, config=config, today=day).status == "exempted"
        ended = verdict(rule(always), BUCKET, config=config, today=day + datetime.timedelta(days=1))
        assert ended.found == ["is wrong (the exemption for it ended on 2026-11-15)"]

    def test_second_exemption_may_still_hold(self):
        config = {"exemptions": [*exempting(until="2020-01-01")["exemptions"], *exempting()["exemptions"]]}
        assert verdict(rule(always), BUCKET, config=config).status == "exempted"

    def test_open_verdict_is_not_exempted(self):
        def check(item: Resource, _settings: Settings) -> Iterator[Finding]:
            item["a"].text()
            yield NotApplicable("never")

        assert verdict(rule(check), BUCKET, config=exempting()).status == "unknown"


def test_message_has_resource_found_expected_and_fix():
    violation = Violation(found="is wrong", expected="right")
    assert message(rule(always), BUCKET, violation) == "Bucket 'jobs': is wrong. Expected: right. Fix: Do it."
    own = Violation(found="is wrong", expected="right", fix="Do that.")
    assert message(rule(always), BUCKET, own).endswith("Fix: Do that.")


def test_open_verdict_names_property_and_reason():
    assert not_yet_known(BUCKET, NotYetKnown(path="a", why="is late")) == "Bucket 'jobs': not yet known: a is late"
    assert not_yet_known(BUCKET, NotYetKnown(path="a")) == "Bucket 'jobs': not yet known: a"


class TestCatalogue:
    def test_ids_are_unique_and_well_formed(self):
        ids = [item.id for item in RULES]
        assert len(set(ids)) == len(ids)
        assert all(item.replace("-", "").isalnum() and item == item.lower() for item in ids)

    @pytest.mark.parametrize("item", RULES, ids=lambda item: item.id)
    def test_metadata_is_complete(self, item: Rule):
        for text in (item.title, item.description, item.why, item.fix):
            assert text == text.strip()
            assert "  " not in text
        for sentence in (item.description, item.why, item.fix):
            assert sentence.endswith(".")
        assert not item.title.endswith(".")
        assert item.link.startswith("https://")
        assert item.kinds
        assert (item.check is None) != (item.stack_check is None)
        for schema in item.schema.values():
            assert {"type", "description", "default"} <= set(schema)
