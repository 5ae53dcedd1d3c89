"""Lifecycle policies: which really end every image, and which only look as if they did."""

import json
from typing import Any

import pytest

from policy.guardrails import ecr
from tests.policy.harness import UNKNOWN_TEXT, resource, verdict

UNTAGGED = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 1}
ANY = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10}
RELEASES = {"tagStatus": "tagged", "tagPrefixList": ["release-"], "countType": "imageCountMoreThan", "countNumber": 99}
PULLED = {"tagStatus": "any", "countType": "sinceImagePulled", "countUnit": "days", "countNumber": 90}
ARCHIVED = {**PULLED, "countType": "sinceImageTransitioned", "storageClass": "archive"}
EXPIRE = {"type": "expire"}
ARCHIVE = {"type": "transition", "targetStorageClass": "archive"}


def rules(*selections: dict[str, Any], action: dict[str, Any] = EXPIRE) -> list[dict[str, Any]]:
    return [
        {
            "rulePriority": index,
            "selection": {key: value for key, value in item.items() if key != "action"},
            "action": item.get("action", action),
        }
        for index, item in enumerate(selections, start=1)
    ]


def lifecycle_policy(rules: Any):
    return resource("ecr:LifecyclePolicy", {"policy": json.dumps({"rules": rules}), "repository": "jobs"})


@pytest.mark.parametrize(
    "selections",
    [
        [UNTAGGED, ANY],
        [ANY],
        [RELEASES, UNTAGGED, ANY],
        [UNTAGGED, {**ANY, "tagStatus": "tagged", "tagPatternList": ["*"]}],
        [{**PULLED, "action": ARCHIVE}, ARCHIVED],
        [{**UNTAGGED, "tagStatus": "any", "countNumber": 90, "action": ARCHIVE}, ARCHIVED],
        [{**RELEASES, "action": ARCHIVE}, {**RELEASES, **ARCHIVED, "tagStatus": "tagged"}, UNTAGGED, ANY],
    ],
)
def test_policy_that_ends_every_image_passes(selections: Any):
    assert verdict(ecr.LIFECYCLE_EFFECTIVE, lifecycle_policy(rules(*selections))).found == []


def test_whole_numbers_may_be_floats():
    selections = [{**UNTAGGED, "countNumber": 1.0}, {**ANY, "countNumber": 10.0}]
    assert verdict(ecr.LIFECYCLE_EFFECTIVE, lifecycle_policy(rules(*selections))).status == "pass"


@pytest.mark.parametrize(
    ("selections", "found"),
    [
        ([], "the policy has no rules"),
        ([UNTAGGED], "no rule bounds the total: images with other tags stay for ever"),
        ([UNTAGGED, RELEASES], "no rule bounds the total: images with other tags stay for ever"),
        (
            [UNTAGGED, {**ANY, "tagStatus": "tagged", "tagPatternList": ["*", "v*"]}],
            "no rule bounds the total: images with other tags stay for ever",
        ),
        ([{**ANY, "tagStatus": "tagged", "tagPatternList": ["*"]}], "no rule expires untagged images"),
        ([{**UNTAGGED, "action": ARCHIVE}, ANY], "no rule expires untagged images"),
        ([ANY, UNTAGGED], "the rule for any image (rulePriority 1) isn't the last one"),
        ([UNTAGGED, UNTAGGED, ANY], "there is more than one rule for untagged images"),
        ([RELEASES, RELEASES, UNTAGGED, ANY], "more than one rule selects the tags 'release-'"),
        (
            [{**RELEASES, "tagPrefixList": ["a", "b"]}, {**RELEASES, "tagPrefixList": ["b", "a"]}, UNTAGGED, ANY],
            "more than one rule selects the tags 'a, b'",
        ),
        ([UNTAGGED, {**ANY, "countNumber": 100_000}], "rules[1] keeps 100000 images"),
        ([{**UNTAGGED, "countNumber": 36_500}, ANY], "rules[0] keeps 36500 days"),
    ],
)
def test_policy_without_effect_is_refused(selections: Any, found: str):
    answer = verdict(ecr.LIFECYCLE_EFFECTIVE, lifecycle_policy(rules(*selections)))
    assert [item.replace("policy.rules", "rules") for item in answer.found] == [found]


@pytest.mark.parametrize(
    ("selection", "found"),
    [
        ({**ANY, "countNumber": "10"}, "policy.rules[0].selection.countNumber is text"),
        ({**ANY, "countNumber": 0}, "policy.rules[0].selection.countNumber is 0"),
        ({**ANY, "countNumber": 1.5}, "policy.rules[0].selection.countNumber is 1.5"),
        ({**ANY, "tagStatus": "all"}, "policy.rules[0].selection.tagStatus is 'all'"),
        ({**ANY, "countType": "imagecountmorethan"}, "policy.rules[0].selection.countType is 'imagecountmorethan'"),
        ({**ANY, "countType": None}, "policy.rules[0].selection.countType is missing"),
        ({**ANY, "tagPrefixList": ["v"]}, "policy.rules[0].selection is for any images with a tag list"),
        ({**ANY, "tagStatus": "tagged"}, "policy.rules[0].selection is for tagged images without a tag list"),
        ({**UNTAGGED, "countUnit": None}, "policy.rules[0].selection.countUnit is missing"),
        ({**UNTAGGED, "countUnit": "hours"}, "policy.rules[0].selection.countUnit is 'hours'"),
        ({**ANY, "countUnit": "days"}, "policy.rules[0].selection.countUnit is set for imageCountMoreThan"),
        (
            {**RELEASES, "tagPatternList": ["v*"]},
            "policy.rules[0].selection is with tagPrefixList and tagPatternList",
        ),
        (
            {**ANY, "tagStatus": "tagged", "tagPatternList": ["v*", "*a*b*c*d*"]},
            "policy.rules[0].selection.tagPatternList[1] is a pattern with 5 wildcards",
        ),
        (PULLED, "policy.rules[0].action.type is 'expire' for sinceImagePulled"),
        ({**ARCHIVED, "action": ARCHIVE}, "policy.rules[0].action.type is 'transition' for sinceImageTransitioned"),
        (
            {**ARCHIVED, "storageClass": None},
            "policy.rules[0].selection.storageClass is 'standard' for sinceImageTransitioned",
        ),
        (
            {**ANY, "storageClass": "archive"},
            "policy.rules[0].selection.storageClass is 'archive' for imageCountMoreThan",
        ),
        ({**ARCHIVED, "countNumber": 89}, "policy.rules[0].selection.countNumber is 89"),
        ({**ANY, "action": {"type": "transition"}}, "policy.rules[0].action.targetStorageClass is missing"),
        ({**ANY, "action": {"type": "delete"}}, "policy.rules[0].action.type is 'delete'"),
        ({**ANY, "action": None}, "policy.rules[0].action.type is missing"),
    ],
)
def test_rule_that_ecr_refuses_is_named(selection: Any, found: str):
    assert verdict(ecr.LIFECYCLE_EFFECTIVE, lifecycle_policy(rules(selection))).found == [found]


@pytest.mark.parametrize("priority", ["1", None, 0, True])
def test_priority_that_is_no_whole_number_is_refused(priority: Any):
    rule = {**rules(ANY)[0], "rulePriority": priority}
    assert verdict(ecr.LIFECYCLE_EFFECTIVE, lifecycle_policy([rule])).status == "violation"


def test_priority_used_twice_is_refused():
    twice = [{**rule, "rulePriority": 1} for rule in rules(UNTAGGED, ANY)]
    assert "rulePriority 1 is used more than once" in verdict(ecr.LIFECYCLE_EFFECTIVE, lifecycle_policy(twice)).found


def test_rules_count_by_priority_not_by_position():
    assert verdict(ecr.LIFECYCLE_EFFECTIVE, lifecycle_policy(rules(UNTAGGED, ANY)[::-1])).status == "pass"


def test_limits_are_settings():
    subject = lifecycle_policy(rules(UNTAGGED, ANY))
    assert verdict(ecr.LIFECYCLE_EFFECTIVE, subject, config={"mostImages": 9.0}).status == "violation"
    assert verdict(ecr.LIFECYCLE_EFFECTIVE, subject, config={"mostImages": 10.0, "mostDays": 1}).status == "pass"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"rules": 1}', '{"rules": [1]}'])
def test_document_that_is_none_is_refused(text: str):
    assert verdict(ecr.LIFECYCLE_EFFECTIVE, resource("ecr:LifecyclePolicy", {"policy": text})).status == "violation"


def test_unknown_document_is_not_yet_known():
    subject = resource("ecr:LifecyclePolicy", {"policy": UNKNOWN_TEXT})
    assert verdict(ecr.LIFECYCLE_EFFECTIVE, subject).unknown == ["policy"]


def test_template_is_judged_where_it_sets_one():
    kind = "ecr:RepositoryCreationTemplate"
    assert verdict(ecr.LIFECYCLE_EFFECTIVE, resource(kind)).status == "not applicable"
    assert verdict(ecr.LIFECYCLE_EFFECTIVE, resource(kind, {"lifecyclePolicy": "{}"})).status == "violation"
