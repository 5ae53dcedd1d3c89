"""Logs: which retention the rule accepts, and how it finds the log group of a function."""

from typing import Any

import pytest

from policy.guardrails import logs
from tests.policy.harness import UNKNOWN, UNKNOWN_TEXT, resource, verdict


def group(name: Any = "/aws/lambda/jobs", retention: Any = 30, depends: Any = None, **properties: Any):
    values = {"name": name, "retentionInDays": retention, **properties}
    return resource("cloudwatch:LogGroup", values, name="logs", depends=depends)


def function(name: Any = "jobs", depends: Any = None, **properties: Any):
    return resource("lambda:Function", {"name": name, **properties}, name="jobs", depends=depends)


class TestGroups:
    @pytest.mark.parametrize("retention", [1, 30, "365", 3653, 14.0])
    def test_retention_passes(self, retention: Any):
        assert verdict(logs.RETENTION, group(retention=retention)).status == "pass"

    @pytest.mark.parametrize(
        ("retention", "found"),
        [
            (None, "retentionInDays is not set, so nothing ever expires"),
            (0, "retentionInDays is 0, so nothing ever expires"),
            ("0", "retentionInDays is 0, so nothing ever expires"),
            (-1, "retentionInDays is -1"),
            (3654, "retentionInDays is 3654"),
            ("ever", "retentionInDays is text"),
        ],
    )
    def test_group_that_keeps_everything_is_refused(self, retention: Any, found: str):
        assert verdict(logs.RETENTION, group(retention=retention)).found == [found]

    @pytest.mark.parametrize(
        ("retention", "status"), [(29, "violation"), (30, "pass"), (90, "pass"), (91, "violation")]
    )
    def test_bounds_are_settings(self, retention: int, status: str):
        config = {"leastDays": 30, "mostDays": 90}
        assert verdict(logs.RETENTION, group(retention=retention), config=config).status == status

    def test_delivery_class_is_not_applicable(self):
        answer = verdict(logs.RETENTION, group(retention=None, logGroupClass="DELIVERY"))
        assert answer.not_applicable == ["a group of class DELIVERY always keeps two days"]
        assert verdict(logs.RETENTION, group(retention=None, logGroupClass="INFREQUENT_ACCESS")).status == "violation"

    def test_unknown_is_not_yet_known(self):
        assert verdict(logs.RETENTION, group(retention=UNKNOWN)).unknown == ["retentionInDays"]

    def test_other_kinds_are_not_applicable(self):
        assert verdict(logs.RETENTION, resource("cloudwatch:LogStream")).status == "not applicable"


class TestFunctions:
    def test_group_of_its_name_passes(self):
        assert verdict(logs.RETENTION, function(), group()).status == "pass"

    @pytest.mark.parametrize("others", [[], [group("/aws/lambda/others")], [group("jobs")], [group(None)]])
    def test_function_without_group_is_refused(self, others: Any):
        assert verdict(logs.RETENTION, function(), *others).found == [
            "no log group of this stack is /aws/lambda/jobs, so Lambda makes it, without a retention"
        ]

    def test_functions_can_be_left_alone(self):
        assert verdict(logs.RETENTION, function(), config={"functions": False}).status == "not applicable"

    def test_group_of_another_region_does_not_count(self):
        subject = function(region="eu-central-1")
        assert verdict(logs.RETENTION, subject, group(region="eu-west-1")).status == "violation"
        assert verdict(logs.RETENTION, subject, group(region="eu-central-1")).status == "pass"

    def test_group_of_its_own_choice_passes(self):
        subject = function(loggingConfig={"logFormat": "JSON", "logGroup": "/jobs"})
        assert verdict(logs.RETENTION, subject, group("/jobs")).status == "pass"

    @pytest.mark.parametrize("others", [[], [group()], [group("/others")]])
    def test_group_from_elsewhere_is_not_yet_known(self, others: Any):
        subject = function(loggingConfig={"logFormat": "JSON", "logGroup": "/jobs"})
        assert verdict(logs.RETENTION, subject, *others).unknown == ["loggingConfig.logGroup"]

    @pytest.mark.parametrize("answer", ["/aws/lambda/jobs", ""])
    def test_default_that_the_provider_answers_is_no_choice(self, answer: str):
        subject = function(loggingConfig={"logGroup": answer})
        assert verdict(logs.RETENTION, subject, group()).status == "pass"
        assert verdict(logs.RETENTION, subject).status == "violation"

    def test_unknown_answer_hides_no_default_group(self):
        subject = function(loggingConfig=UNKNOWN)
        assert verdict(logs.RETENTION, subject, group()).status == "pass"
        assert verdict(logs.RETENTION, subject, group("/others")).unknown == ["loggingConfig"]

    def test_unknown_choice_is_followed_by_property_dependencies(self):
        chosen = group("/jobs")
        subject = function(loggingConfig={"logGroup": UNKNOWN}, depends={"loggingConfig": [chosen]})
        assert verdict(logs.RETENTION, subject, chosen).status == "pass"

    def test_unknown_group_name_is_followed_by_property_dependencies(self):
        subject = function()
        other = resource("lambda:Function", {"name": "others"}, name="others")
        mine, foreign = group(UNKNOWN_TEXT, depends={"name": [subject]}), group(UNKNOWN, depends={"name": [other]})
        assert verdict(logs.RETENTION, subject, mine).status == "pass"
        assert verdict(logs.RETENTION, subject, other, foreign).status == "violation"
        assert verdict(logs.RETENTION, subject, group(UNKNOWN)).unknown == ["name"]

    def test_unknown_function_name_is_not_yet_known(self):
        assert verdict(logs.RETENTION, function(UNKNOWN), group()).unknown == ["name"]
        assert verdict(logs.RETENTION, function(UNKNOWN), group("/jobs")).found == [
            "no log group of this stack is its own, so Lambda makes it, without a retention"
        ]
