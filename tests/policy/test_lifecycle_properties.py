"""What holds of the simulator whatever the rules and the images are, and a second simulator that agrees with it.

`EXAMPLES=2000 pytest tests/policy/test_lifecycle_properties.py` looks deeper than a usual run.
"""

import dataclasses
import datetime
import fnmatch
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from policy.guardrails import lifecycle
from policy.guardrails.image_listing import detail_of, read_listing
from policy.guardrails.lifecycle_simulation import Action, Image, LifecyclePolicyError, read_policy, selects, simulate

NOW = datetime.datetime(2026, 11, 15, 12, tzinfo=datetime.UTC)
EXAMPLES = int(os.environ.get("EXAMPLES", "25"))
quick = settings(max_examples=EXAMPLES)

WORDS = ["prod", "prod-1", "prod-2", "beta-1", "beta-2", "release-1", "a", "ab", "v1.0", "buildcache"]
PREFIXES = ["prod", "beta-", "release-", "a", "v", "b"]
PATTERNS = ["prod*", "*-1", "*", "b*a*", "v?", "a", "*e*a*e*"]
EXPIRE = {"type": "expire"}
ARCHIVE = {"type": "transition", "targetStorageClass": "archive"}

# Few distinct hours, so that images often share one and sit right at the boundary of a day.
hours = st.integers(0, 24 * 8).map(lambda value: value // 6 * 6)
times = hours.map(lambda value: NOW - datetime.timedelta(hours=value))


@st.composite
def images(draw: st.DrawFn, digest: str, *, simple: bool = False) -> Image:
    status = "standard" if simple else draw(st.sampled_from(["standard"] * 6 + ["archive", "restoring"]))
    archived_at = draw(times.map(lambda time: time - datetime.timedelta(days=88))) if status == "archive" else None
    return Image(
        digest=digest,
        tags=tuple(draw(st.lists(st.sampled_from(WORDS), max_size=3, unique=True))),
        pushed_at=draw(times),
        pulled_at=draw(st.none() | times),
        storage_class=status,
        archived_at=archived_at,
        restored_at=None if simple else draw(st.none() | st.none() | times),
        size_bytes=draw(st.integers(0, 1000)),
    )


@st.composite
def listings(draw: st.DrawFn, *, simple: bool = False, most: int = 9) -> list[Image]:
    count = draw(st.integers(0, most))
    return [draw(images(f"sha256:{number:02}", simple=simple)) for number in draw(st.permutations(range(count)))]


@st.composite
def policies(draw: st.DrawFn, *, counts: Sequence[str] = (lifecycle.COUNT, *sorted(lifecycle.AGES))) -> dict[str, Any]:
    """Policies that ECR takes: what it refuses is sorted out."""
    rules: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 4))):
        count_type = draw(st.sampled_from(counts))
        selection: dict[str, Any] = {"tagStatus": draw(st.sampled_from(["tagged"] * 3 + ["untagged", "any"]))}
        if selection["tagStatus"] == "tagged":
            key, words = draw(st.sampled_from([("tagPrefixList", PREFIXES), ("tagPatternList", PATTERNS)]))
            selection[key] = draw(st.lists(st.sampled_from(words), min_size=1, max_size=2, unique=True))
        selection |= {"countType": count_type, "countNumber": draw(st.integers(1, 6))}
        action = draw(st.sampled_from([EXPIRE, EXPIRE, ARCHIVE]))
        if count_type != lifecycle.COUNT:
            selection["countUnit"] = "days"
        if count_type == lifecycle.TRANSITIONED:
            selection |= {"storageClass": "archive", "countNumber": draw(st.integers(90, 94))}
            action = EXPIRE
        elif count_type == lifecycle.PULLED:
            action = ARCHIVE
        rules.append({"selection": selection, "action": action})
    # "any" goes last, or ECR refuses it.
    rules.sort(key=lambda rule: rule["selection"]["tagStatus"] == "any")
    priorities = sorted(draw(st.sets(st.integers(1, 99), min_size=len(rules), max_size=len(rules))))
    numbered = [{"rulePriority": priority, **rule} for priority, rule in zip(priorities, rules, strict=True)]
    policy = {"rules": draw(st.permutations(numbered))}
    try:
        read_policy(policy)
    except LifecyclePolicyError:
        assume(False)
    return policy


def fates(policy: Mapping[str, Any], listing: Sequence[Image], at: datetime.datetime = NOW) -> dict[str, str]:
    """Digest -> action and the priority of the rule that may act."""
    found = simulate(read_policy(policy), listing, at)
    return {item.image.digest: f"{item.action} {item.rule.priority if item.rule else 0}" for item in found}


def gone(policy: Mapping[str, Any], listing: Sequence[Image], at: datetime.datetime = NOW) -> set[str]:
    return {digest for digest, fate in fates(policy, listing, at).items() if not fate.startswith("keep")}


def oracle(policy: Mapping[str, Any], listing: Sequence[Image], at: datetime.datetime) -> dict[str, str]:
    """The user guide's sentences, image by image, with no code of the simulator and no thought of speed."""

    def identifies(rule: Mapping[str, Any], image: Image) -> bool:
        selection = rule["selection"]
        if image.storage_class != selection.get("storageClass", "standard"):
            return False
        if selection["tagStatus"] == "untagged":
            return image.tags == ()
        patterns = [f"{prefix}*" for prefix in selection.get("tagPrefixList", [])] + selection.get("tagPatternList", [])
        for pattern in patterns:
            # Of what fnmatch knows, ECR has the asterisk only.
            literal = pattern.replace("[", "[[]").replace("?", "[?]")
            if not [tag for tag in image.tags if fnmatch.fnmatchcase(tag, literal)]:
                return False
        return True

    def since(rule: Mapping[str, Any], image: Image) -> datetime.datetime:
        kind = rule["selection"]["countType"]
        start = image.pushed_at if image.restored_at is None else image.restored_at
        if kind == "sinceImageTransitioned":
            assert image.archived_at is not None
            start = image.archived_at
        if kind == "sinceImagePulled" and image.pulled_at is not None:
            start = image.pulled_at
            if image.restored_at is not None and image.restored_at > image.pulled_at:
                start = image.restored_at
        return start

    def marks(rule: Mapping[str, Any], image: Image) -> bool:
        number = rule["selection"]["countNumber"]
        if rule["selection"]["countType"] != "imageCountMoreThan":
            return (at - since(rule, image)).total_seconds() > number * 86_400
        newer = 0
        for other in listing:
            younger = since(rule, other) > since(rule, image)
            level = since(rule, other) == since(rule, image) and other.digest < image.digest
            newer += identifies(rule, other) and (younger or level)
        return newer >= number

    answer: dict[str, str] = {}
    for image in listing:
        answer[image.digest] = "keep 0"
        for rule in sorted(policy["rules"], key=lambda rule: rule["rulePriority"]):
            if identifies(rule, image):
                word = {"expire": "expire", "transition": "archive"}[rule["action"]["type"]]
                answer[image.digest] = f"{word if marks(rule, image) else 'keep'} {rule['rulePriority']}"
                break
    return answer


@quick
@given(policies(), listings())
def test_naive_simulator_agrees(policy: dict[str, Any], listing: list[Image]) -> None:
    assert fates(policy, listing) == oracle(policy, listing, NOW)


@quick
@given(policies(), listings(), st.randoms(use_true_random=False))
def test_order_of_images_and_rules_is_irrelevant(policy: dict[str, Any], listing: list[Image], random: Any) -> None:
    other, rules = list(listing), list(policy["rules"])
    random.shuffle(other)
    random.shuffle(rules)
    assert fates({"rules": rules}, other) == fates(policy, listing)


@quick
@given(policies(), listings())
def test_each_image_gets_one_verdict_and_only_the_first_rule_that_selects_it_acts(
    policy: dict[str, Any], listing: list[Image]
) -> None:
    rules = read_policy(policy)
    found = simulate(rules, listing, NOW)
    assert [item.image for item in found] == listing
    for item in found:
        selecting = [rule for rule in rules if selects(rule, item.image)]
        assert item.rule == (selecting[0] if selecting else None)
        assert item.action in {Action.KEEP, Action.EXPIRE if item.rule and item.rule.action == "expire" else "archive"}
        assert set(item.shielded_from) <= set(selecting[1:])


@quick
@given(policies(), listings(), st.integers(0, 30))
def test_what_time_has_taken_it_gives_not_back(policy: dict[str, Any], listing: list[Image], days: int) -> None:
    """Nothing is pushed, pulled or deleted meanwhile."""
    assert gone(policy, listing) <= gone(policy, listing, NOW + datetime.timedelta(days=days))


@quick
@given(policies(counts=[lifecycle.COUNT]), listings(simple=True), st.integers(0, 3000))
def test_counts_know_no_time(policy: dict[str, Any], listing: list[Image], days: int) -> None:
    assert fates(policy, listing) == fates(policy, listing, NOW + datetime.timedelta(days=days))


@quick
@given(policies(), listings(), images("sha256:new"))
def test_another_image_saves_none(policy: dict[str, Any], listing: list[Image], new: Image) -> None:
    assert gone(policy, listing) <= gone(policy, [*listing, new])


@quick
@given(policies(), listings(), images("sha256:old", simple=True))
def test_older_image_changes_nothing_for_the_younger(policy: dict[str, Any], listing: list[Image], old: Image) -> None:
    oldest = dataclasses.replace(old, pushed_at=NOW - datetime.timedelta(days=999), pulled_at=None)
    after = fates(policy, [*listing, oldest])
    after.pop("sha256:old")
    assert after == fates(policy, listing)


@quick
@given(st.integers(1, 6), listings(simple=True, most=12))
def test_keep_last_n_keeps_exactly_n_of_them_and_the_youngest(count: int, listing: list[Image]) -> None:
    rule = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": count}
    removed = gone({"rules": [{"rulePriority": 1, "selection": rule, "action": EXPIRE}]}, listing)
    kept = [image.pushed_at for image in listing if image.digest not in removed]
    assert len(kept) == min(count, len(listing))
    assert all(image.pushed_at <= min(kept) for image in listing if image.digest in removed)


@quick
@given(policies(), listings())
def test_rule_before_all_others_shields_what_it_selects(policy: dict[str, Any], listing: list[Image]) -> None:
    shield = {"tagStatus": "tagged", "tagPrefixList": ["release-"], "countType": "imageCountMoreThan"}
    first = {"rulePriority": 1, "selection": {**shield, "countNumber": 999}, "action": EXPIRE}
    numbered = [{**rule, "rulePriority": rule["rulePriority"] + 1} for rule in policy["rules"]]
    rules = [first, *numbered]
    try:
        read_policy({"rules": rules})
    except LifecyclePolicyError:
        assume(False)
    removed = gone({"rules": rules}, listing)
    standard = [image for image in listing if image.storage_class == "standard"]
    assert not removed & {image.digest for image in standard if any(tag.startswith("release-") for tag in image.tags)}
    others = {image.digest for image in listing} - {
        image.digest for image in standard if any(tag.startswith("release-") for tag in image.tags)
    }
    assert removed & others == gone(policy, listing) & others


@quick
@given(policies(), listings())
def test_policy_and_listing_survive_json(policy: dict[str, Any], listing: list[Image]) -> None:
    assert read_policy(json.dumps(policy)) == read_policy(policy)
    text = json.dumps({"imageDetails": [detail_of(image) for image in listing]})
    assert read_listing(text) == listing


@quick
@given(policies(), listings(), st.data())
def test_members_of_an_index_that_is_there_stay(
    policy: dict[str, Any], listing: list[Image], data: st.DataObject
) -> None:
    assume(listing)
    members = tuple(data.draw(st.lists(st.sampled_from([image.digest for image in listing]), unique=True)))
    index = dataclasses.replace(data.draw(images("sha256:index", simple=True)), members=members)
    assert gone(policy, [*listing, index]) & set(members) == set()


@quick
@given(policies(), listings(), st.data())
def test_artifacts_change_nothing_for_images_and_go_with_them(
    policy: dict[str, Any], listing: list[Image], data: st.DataObject
) -> None:
    assume(listing)
    subject = data.draw(st.sampled_from([image.digest for image in listing]))
    artifact = dataclasses.replace(data.draw(images("sha256:signature", simple=True)), subject=subject)
    found = fates(policy, [*listing, artifact])
    assert found.pop("sha256:signature") == found[subject]
    assert found == fates(policy, listing)
