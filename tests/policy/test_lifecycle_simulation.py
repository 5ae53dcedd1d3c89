"""The simulator gives the results that the ECR user guide gives for its own examples, and what its rules say beside.

What this doesn't prove: that ECR does as its user guide says. `slipway lifecycle --aws` compares with ECR itself.
"""

import datetime
import json
from typing import Any

import pytest

from policy.guardrails.lifecycle_simulation import (
    Action,
    Image,
    LifecyclePolicyError,
    Verdict,
    matches,
    read_policy,
    simulate,
)

NOW = datetime.datetime(2026, 11, 15, 12, tzinfo=datetime.UTC)
EXPIRE = {"type": "expire"}
ARCHIVE = {"type": "transition", "targetStorageClass": "archive"}
SECOND = 1 / 86_400


def ago(days: float) -> datetime.datetime:
    return NOW - datetime.timedelta(days=days)


def image(digest: str, days: float, *tags: str, **more: Any) -> Image:
    return Image(digest=digest, tags=tags, pushed_at=ago(days), **more)


def archived(digest: str, days: float, *tags: str, since: float) -> Image:
    return image(digest, days, *tags, storage_class="archive", archived_at=ago(since))


def rule(priority: int, count: int, *patterns: str, action: Any = EXPIRE, **selection: Any) -> dict[str, Any]:
    """A rule that keeps so many; with `countType` of an age so many days."""
    tags = {"tagStatus": "tagged", "tagPatternList": list(patterns)} if patterns else {"tagStatus": "any"}
    unit = {"countUnit": "days"} if "countType" in selection else {}
    selected = {**tags, "countType": "imageCountMoreThan", "countNumber": count, **unit, **selection}
    return {"rulePriority": priority, "selection": selected, "action": action}


def pushed(priority: int, days: int, *patterns: str, **more: Any) -> dict[str, Any]:
    return rule(priority, days, *patterns, countType="sinceImagePushed", **more)


def untagged(priority: int, days: int) -> dict[str, Any]:
    return pushed(priority, days, tagStatus="untagged")


def verdicts(rules: list[dict[str, Any]], *images: Image) -> dict[str, Verdict]:
    return {item.image.digest: item for item in simulate(read_policy({"rules": rules}), images, NOW)}


def acted_on(rules: list[dict[str, Any]], *images: Image) -> dict[str, tuple[str, int]]:
    """Digest -> action and priority of the rule, of each image that doesn't stay."""
    return {
        digest: (item.action.value, item.rule.priority if item.rule else 0)
        for digest, item in verdicts(rules, *images).items()
        if item.action is not Action.KEEP
    }


class TestExamplesOfTheUserGuide:
    """[ECR user guide, "Examples of lifecycle policies"], with the results that it gives."""

    TWO = (image("A", 10, "beta-1", "prod-1"), image("B", 9, "beta-2", "prod-2"), image("C", 8, "beta-3"))

    def test_image_age(self):
        images = (image("old", 15, "prod-1"), image("young", 13, "prod-2"), image("other", 15, "beta-1"))
        assert acted_on([pushed(1, 14, "prod*")], *images) == {"old": ("expire", 1)}

    def test_image_count(self):
        one = rule(1, 1, tagStatus="untagged")
        assert acted_on([one], image("A", 3), image("B", 2), image("C", 4, "v1")) == {"A": ("expire", 1)}

    def test_multiple_rules_example_a(self):
        assert acted_on([rule(1, 1, "prod*"), rule(2, 1, "beta*")], *self.TWO) == {"A": ("expire", 1)}

    def test_multiple_rules_example_b(self):
        found = acted_on([rule(1, 1, "beta*"), rule(2, 1, "prod*")], *self.TWO)
        assert found == {"A": ("expire", 1), "B": ("expire", 1)}

    def test_multiple_tags_example_a(self):
        images = (
            image("A", 12, "alpha-1"),
            image("B", 11, "beta-1"),
            image("C", 10, "alpha-2", "beta-2"),
            image("D", 4, "alpha-3"),
            image("E", 3, "beta-3"),
            image("F", 2, "alpha-4", "beta-4"),
        )
        assert acted_on([pushed(1, 5, "alpha*", "beta*")], *images) == {"C": ("expire", 1)}

    def test_multiple_tags_example_b(self):
        images = (
            image("A", 10, "alpha-1", "beta-1", "gamma-1"),
            image("B", 9, "alpha-2", "beta-2"),
            image("C", 8, "alpha-3", "beta-3", "gamma-2"),
        )
        assert set(acted_on([rule(1, 1, "alpha*", "beta*")], *images)) == {"A", "B"}

    def test_all_images_example_a(self):
        images = (image("A", 4, "alpha-1"), image("B", 3, "beta-1"), image("C", 2), image("D", 1, "alpha-2"))
        assert set(acted_on([rule(1, 1)], *images)) == {"A", "B", "C"}

    def test_all_images_example_b(self):
        # D and E are both "pushed 1 day ago"; E, which counts as the newest and not as older than a day, a bit later.
        images = (
            image("A", 4, "alpha-1", "beta-1"),
            image("B", 3),
            image("C", 2, "alpha-2"),
            image("D", 1 + SECOND, "git hash"),
            image("E", 1),
        )
        found = acted_on([rule(1, 1, "alpha*"), untagged(2, 1), rule(3, 1)], *images)
        assert found == {"A": ("expire", 1), "B": ("expire", 2), "D": ("expire", 3)}

    def test_archiving_by_age(self):
        found = acted_on([pushed(1, 30, "prod*", action=ARCHIVE)], image("A", 31, "prod-1"), image("B", 31, "beta"))
        assert found == {"A": ("archive", 1)}

    def test_archiving_by_last_pull(self):
        rules = [rule(1, 90, countType="sinceImagePulled", action=ARCHIVE)]
        images = (
            image("pulled lately", 400, pulled_at=ago(89)),
            image("pulled long ago", 400, pulled_at=ago(91)),
            image("never pulled, old", 91),
            image("never pulled, young", 89),
            image("restored since", 400, pulled_at=ago(200), restored_at=ago(10)),
            image("restored long ago", 400, pulled_at=ago(200), restored_at=ago(91)),
            image("pulled since restored", 400, pulled_at=ago(91), restored_at=ago(200)),
            image("restored, never pulled", 400, restored_at=ago(10)),
        )
        assert set(acted_on(rules, *images)) == {
            "pulled long ago",
            "never pulled, old",
            "restored long ago",
            "pulled since restored",
        }

    def test_archiving_then_expiring(self):
        rules = [
            pushed(1, 30, action=ARCHIVE),
            rule(2, 365, countType="sinceImageTransitioned", storageClass="archive"),
        ]
        images = (
            image("old", 31, "v1"),
            image("young", 29, "v2"),
            archived("archived lately", 900, "v3", since=364),
            archived("archived long ago", 900, since=366),
        )
        assert acted_on(rules, *images) == {"old": ("archive", 1), "archived long ago": ("expire", 2)}


class TestSelection:
    def test_prefixes_are_no_patterns_and_must_all_match(self):
        prefixes = {"tagStatus": "tagged", "tagPrefixList": ["a*", "b"]}
        images = (image("A", 9, "a*1", "b1"), image("B", 9, "a1", "b1"), image("C", 9, "a*1"), image("D", 9, "xa*b"))
        assert set(acted_on([pushed(1, 1, **prefixes)], *images)) == {"A"}

    def test_one_tag_may_match_all_entries(self):
        assert set(acted_on([pushed(1, 1, "a*", "*b")], image("A", 9, "ab"), image("B", 9, "ac"))) == {"A"}

    @pytest.mark.parametrize(
        ("pattern", "tag", "expected"),
        [
            ("prod*", "prod", True),
            ("prod*", "production-team1", True),
            ("prod*", "repo-prod", False),
            ("*prod*", "repo-production", True),
            ("*prod*", "prod-team", True),
            ("*prod", "repo-prod", True),
            ("*prod", "repo-prod1", False),
            ("prod", "prod", True),
            ("prod", "prod1", False),
            ("*", "", True),
            ("*test*1*2*3", "a-test-1-2-3", True),
            ("*test*1*2*3", "a-test-2-1-3", False),
            ("a*a", "a", False),
            ("a*a", "aa", True),
            ("a*b*b", "ab", False),
            ("a*bc*cd", "abcd", False),
            ("a*b*c", "a-c-b", False),
            ("*ab*ba*", "aba", False),
            ("*ab*ba*", "abba", True),
            ("v?.[0-9]", "v1.2", False),
            ("v?.[0-9]", "v?.[0-9]", True),
            ("V*", "v1", False),
            ("a.c", "abc", False),
            ("**", "x", True),
        ],
    )
    def test_wildcards(self, pattern: str, tag: str, expected: bool):
        assert matches(pattern, tag) is expected

    def test_age_is_more_than_so_many_times_24_hours(self):
        images = (image("now", 5), image("a second later", 5 + SECOND), image("a second before", 5 - SECOND))
        assert set(acted_on([pushed(1, 5)], *images)) == {"a second later"}

    def test_count_of_days_beyond_all_time(self):
        assert acted_on([pushed(1, 10**12)], image("A", 9)) == {}

    def test_same_instant_is_ordered_by_digest(self):
        images = (image("B", 1), image("A", 1), image("C", 1))
        assert set(acted_on([rule(1, 1)], *images)) == set(acted_on([rule(1, 1)], *images[::-1])) == {"B", "C"}

    def test_restored_image_counts_from_its_restoration(self):
        restored = image("restored", 99, "v1", restored_at=ago(1))
        assert acted_on([pushed(1, 5)], restored) == {}
        assert set(acted_on([rule(1, 1)], restored, image("pushed", 2, "v2"))) == {"pushed"}

    def test_rules_see_their_own_storage_class_only(self):
        images = (archived("archived", 99, "v1", since=9), image("restoring", 99, "v2", storage_class="restoring"))
        assert acted_on([pushed(1, 1)], *images) == {}
        assert set(acted_on([rule(1, 1)], image("A", 1), *images)) == set()
        why = {digest: item.why for digest, item in verdicts([pushed(1, 1)], *images).items()}
        assert why == {"archived": "no rule selects it", "restoring": "being restored from the archive"}


class TestVerdict:
    def test_shield_is_named_with_what_it_keeps_away(self):
        rules = [rule(10, 2, "release-*"), pushed(20, 30)]
        found = verdicts(rules, image("release", 99, "release-1"), image("young", 3, "x"), image("old", 31, "y"))
        assert [
            (item.image.digest, item.action.value, item.rule and item.rule.priority, item.why, len(item.shielded_from))
            for item in found.values()
        ] == [
            ("release", "keep", 10, "number 1 of 1 by age, 2 stay", 1),
            ("young", "keep", 20, "pushed 3.0 days ago, not more than 30", 0),
            ("old", "expire", 20, "pushed 31.0 days ago, more than 30", 0),
        ]
        assert [item.priority for item in found["release"].shielded_from] == [20]

    def test_later_rule_counts_what_earlier_rules_hold(self):
        # The release is the newest of the two that "any" sees, so the other one is one too many.
        rules = [rule(1, 99, "release-*"), rule(2, 1)]
        assert acted_on(rules, image("release", 1, "release-1"), image("other", 2, "x")) == {"other": ("expire", 2)}

    def test_later_rule_counts_what_earlier_rules_expire(self):
        rules = [pushed(1, 1, "beta-*"), rule(2, 2)]
        images = (image("beta", 2, "beta-1"), image("A", 3, "x"), image("B", 4, "y"))
        assert acted_on(rules, *images) == {"beta": ("expire", 1), "B": ("expire", 2)}

    def test_reasons_of_the_other_count_types(self):
        rules = [
            rule(1, 9, countType="sinceImagePulled", action=ARCHIVE),
            rule(2, 90, countType="sinceImageTransitioned", storageClass="archive"),
        ]
        found = verdicts(rules, image("A", 10), archived("B", 200, since=91))
        assert found["A"].why == "last used 10.0 days ago, more than 9"
        assert found["B"].why == "archived 91.0 days ago, more than 90"

    def test_order_of_the_listing_is_kept(self):
        found = verdicts([rule(1, 1)], image("B", 1), image("A", 2), image("C", 3))
        assert list(found) == ["B", "A", "C"]

    def test_rules_apply_by_priority_not_by_position(self):
        images = (image("A", 10, "v1"), image("B", 9, "v2"))
        assert acted_on([pushed(20, 1), rule(10, 9, "v*")], *images) == {}

    def test_priorities_of_given_rules_count_whatever_their_order(self):
        rules = read_policy({"rules": [rule(10, 9, "v*"), pushed(20, 1)]})
        (found,) = simulate(rules[::-1], [image("A", 10, "v1")], NOW)
        assert found.action is Action.KEEP


class TestIndexesAndArtifacts:
    def test_member_of_an_index_stays_and_is_counted(self):
        index = image("index", 5, "v1", members=("arm64", "amd64"))
        images = (index, image("arm64", 9), image("amd64", 9), image("alone", 9))
        found = verdicts([untagged(1, 1)], *images)
        assert {digest for digest, item in found.items() if item.action is Action.EXPIRE} == {"alone"}
        assert found["arm64"].why == "the index index refers to it"
        assert set(acted_on([rule(1, 3)], *images)) == set()
        assert set(acted_on([rule(1, 2)], index, image("arm64", 4), image("older", 6))) == {"older"}

    def test_member_stays_even_if_its_index_goes_now(self):
        images = (image("index", 9, members=("arm64",)), image("arm64", 9))
        assert set(acted_on([untagged(1, 1)], *images)) == {"index"}

    def test_member_of_an_archived_index_goes(self):
        index = image("index", 9, storage_class="archive", archived_at=ago(1), members=("arm64",))
        assert set(acted_on([untagged(1, 1)], index, image("arm64", 9))) == {"arm64"}

    def test_index_that_names_itself_is_no_member(self):
        assert set(acted_on([untagged(1, 1)], image("index", 9, members=("index",)))) == {"index"}

    def test_artifact_goes_with_its_subject(self):
        rules = [rule(1, 1, "v*"), untagged(2, 1)]
        images = (
            image("new", 1, "v2"),
            image("signature of new", 99, subject="new"),
            image("old", 2, "v1"),
            image("signature of old", 0, subject="old"),
            image("signature of the signature", 0, subject="signature of old"),
            image("and of that", 0, subject="signature of the signature"),
            image("orphan", 0, subject="deleted"),
        )
        assert acted_on(rules, *images) == {
            "old": ("expire", 1),
            "signature of old": ("expire", 1),
            "signature of the signature": ("expire", 1),
            "and of that": ("expire", 1),
            "orphan": ("expire", 0),
        }
        found = verdicts(rules, *images)
        assert (found["signature of old"].why, found["orphan"].why) == ("goes with old", "what it refers to is gone")
        assert found["new"].why == "number 1 of 2 by age, 1 stay"

    def test_artifact_is_not_counted(self):
        images = (image("old", 2, "v1"), image("signature", 1, subject="old"))
        assert acted_on([rule(1, 1)], *images) == {}

    def test_artifact_is_archived_with_its_subject_once(self):
        artifact = image("signature", 9, subject="old")
        kept = image("kept", 9, subject="old", storage_class="archive", archived_at=ago(1))
        found = acted_on([pushed(1, 5, action=ARCHIVE)], image("old", 9, "v1"), artifact, kept)
        assert found == {"old": ("archive", 1), "signature": ("archive", 1)}

    def test_artifacts_in_a_circle_stay(self):
        images = (image("A", 9, subject="B"), image("B", 9, subject="A"), image("C", 9, subject="C"))
        assert acted_on([pushed(1, 1)], *images) == {}


class TestPolicy:
    def test_text_and_object_are_the_same(self):
        policy = {"rules": [{**untagged(1, 1), "description": "Untagged"}, rule(2, 9)]}
        assert read_policy(json.dumps(policy)) == read_policy(policy)
        assert [item.description for item in read_policy(policy)] == ["Untagged", ""]

    def test_four_wildcards_are_the_most(self):
        (read,) = read_policy({"rules": [rule(1, 1, "*test*1*2*3", "test*1*2*3*")]})
        assert read.patterns == ("*test*1*2*3", "test*1*2*3*")
        with pytest.raises(LifecyclePolicyError, match="a pattern with 6 wildcards, expected one with 4 at most"):
            read_policy({"rules": [rule(1, 1, "test*1*2*3*4*5*6")]})

    def test_policy_without_rules_does_nothing(self):
        (found,) = verdicts([], image("A", 99)).values()
        assert (found.action, found.rule, found.why) == (Action.KEEP, None, "no rule selects it")

    @pytest.mark.parametrize(
        ("policy", "problem"),
        [
            ("{", "policy is text that isn't valid JSON, expected a JSON document"),
            ("{}", "policy.rules is missing, expected a list of rules"),
            ("[]", "policy is a list, expected an object"),
            ({"rules": {}}, "policy.rules is an object, expected a list"),
            (
                {"rules": [rule(1, 1, countType="sinceForever")]},
                "policy.rules[0].selection.countType is 'sinceForever', expected imageCountMoreThan or "
                "sinceImagePulled or sinceImagePushed or sinceImageTransitioned",
            ),
            (
                {"rules": [rule(1, 0)]},
                "policy.rules[0].selection.countNumber is 0, expected a whole number of 1 or more",
            ),
            ({"rules": [rule(1, 1), rule(1, 1, "v*")]}, "rulePriority 1 is used more than once"),
            ({"rules": [rule(1, 1), untagged(2, 1)]}, "the rule for any image (rulePriority 1) isn't the last one"),
            ({"rules": [untagged(1, 1), untagged(2, 9)]}, "there is more than one rule for untagged images"),
            (
                {"rules": [pushed(1, 1, countUnit=None)]},
                "policy.rules[0].selection.countUnit is missing, expected days",
            ),
            (
                {"rules": [rule(1, 1, tagStatus="tagged")]},
                "policy.rules[0].selection is for tagged images without a tag list, expected with tagPrefixList or "
                "tagPatternList",
            ),
            ({"rules": "[secret]"}, "policy.rules is a secret that isn't decrypted here, expected a value"),
        ],
    )
    def test_what_ecr_refuses_is_refused(self, policy: Any, problem: str):
        with pytest.raises(LifecyclePolicyError) as caught:
            read_policy(policy)
        assert problem in caught.value.problems
        assert str(caught.value) == "; ".join(caught.value.problems)


class TestImage:
    def test_time_without_a_zone_is_refused(self):
        with pytest.raises(ValueError, match="A has a time without a time zone"):
            Image(digest="A", pushed_at=NOW.replace(tzinfo=None))

    def test_archived_image_has_the_time_of_it(self):
        with pytest.raises(ValueError, match="A is archived, but not said since when"):
            Image(digest="A", pushed_at=NOW, storage_class="archive")
