"""What a stack runs can't expire from its own repositories: by time, by newer pushes, by losing its tags."""

import json
from typing import Any

import pytest

from policy.guardrails.image_retention import LIFECYCLE_KEEPS_RUNNING as RULE
from policy.guardrails.resources import Resource
from tests.policy.harness import UNKNOWN_TEXT, Verdict, resource, verdict
from tests.policy.running import (
    DIGEST,
    HOST,
    OTHER_DIGEST,
    UNTAGGED,
    build,
    function,
    image,
    job,
    keep,
    policy,
    prefixed,
    pushed,
    repository,
    task,
    unknown_job,
)

RUNS = "containerProperties.image is 'jobs@sha256:0a0a0a0a0a0a'"
UNKNOWN_TAGS = "taken to have a tag that no rule names, since its tags aren't known here"
ARCHIVE = {"type": "transition", "targetStorageClass": "archive"}


def judged(
    *selections: dict[str, Any], runner: Resource | None = None, of: Resource | None = None, **more: Any
) -> Verdict:
    """A runner of the repository `jobs` with a lifecycle policy of these rules."""
    own = of or repository()
    others = more.pop("others", ())
    config = more.pop("config", None)
    return verdict(RULE, runner or job(image()), own, policy(*selections, of=own, **more), *others, config=config)


class TestTime:
    def test_policy_that_counts_lets_time_pass(self):
        assert judged(UNTAGGED, keep(10)).status == "pass"

    @pytest.mark.parametrize("runner", [job(image()), function(image()), task(image())])
    def test_each_runner_is_judged(self, runner: Resource):
        assert judged(pushed(3649), runner=runner).status == "violation"
        assert judged(keep(3), runner=runner).status == "pass"

    def test_age_ends_what_runs(self):
        assert judged(UNTAGGED, pushed(90)).found == [
            f"{RUNS}: rule 2 of LifecyclePolicy 'lifecycle' expires it 90 days after its push or last use, "
            f"{UNKNOWN_TAGS}"
        ]

    def test_age_beyond_ten_years_is_no_age(self):
        assert judged(pushed(3650)).status == "violation"
        assert judged(pushed(3651)).status == "pass"

    def test_archived_is_as_bad_as_expired(self):
        unused = pushed(30, countType="sinceImagePulled")
        assert judged(unused, action=ARCHIVE).found == [
            f"{RUNS}: rule 1 of LifecyclePolicy 'lifecycle' archives it 30 days after its push or last use, "
            f"{UNKNOWN_TAGS}"
        ]

    def test_earlier_rule_shields(self):
        shield = prefixed("release-", count=99)
        assert judged(shield, pushed(30), runner=job(image(tag="release-1"))).status == "pass"
        assert judged(shield, pushed(30), runner=job(image(tag="v1"))).status == "violation"
        assert judged(shield, pushed(30)).status == "violation"

    def test_each_entry_of_a_list_must_match(self):
        assert (
            judged(prefixed("release-", "v", count=99), pushed(30), runner=job(image(tag="v1"))).status == "violation"
        )

    def test_image_by_tag_is_judged_by_its_tag(self):
        by_tag = job(f"{HOST}/jobs:release-1")
        assert judged(prefixed("release-", count=99), pushed(30), runner=by_tag).status == "pass"
        (found,) = judged(pushed(30), runner=by_tag).found
        assert found.startswith("containerProperties.image is 'jobs:release-1': rule 1 of ")
        (found,) = judged(pushed(30), runner=job(f"{HOST}/jobs")).found
        assert found.startswith("containerProperties.image is 'jobs:latest': rule 1 of ")
        assert found.endswith(UNKNOWN_TAGS)


class TestPushes:
    @pytest.mark.parametrize(("count", "status"), [(1, "violation"), (2, "violation"), (3, "pass"), (4, "pass")])
    def test_three_newer_images_by_default(self, count: int, status: str):
        assert judged(UNTAGGED, keep(count)).status == status

    def test_message_says_how_many(self):
        assert judged(UNTAGGED, keep(2), runner=job(image(tag="v1"))).found == [
            f"{RUNS}: rule 2 of LifecyclePolicy 'lifecycle' expires it as soon as 2 newer images are pushed, "
            "tagged 'v1'"
        ]
        assert judged(keep(1)).found == [
            f"{RUNS}: rule 1 of LifecyclePolicy 'lifecycle' expires it as soon as 1 newer image is pushed, "
            f"{UNKNOWN_TAGS}"
        ]

    def test_number_is_a_setting(self):
        assert judged(keep(1), config={"newerImages": 1}).status == "pass"
        assert judged(keep(1), config={"newerImages": 2}).status == "violation"
        assert judged(keep(4), config={"newerImages": 5}).status == "violation"
        assert judged(keep(5), config={"newerImages": 5}).status == "pass"

    def test_newer_images_have_the_same_tags_at_worst(self):
        releases = prefixed("release-", count=2)
        assert judged(releases, keep(99), runner=job(image(tag="release-1"))).status == "violation"
        assert judged(releases, keep(99), runner=job(image(tag="v1"))).status == "pass"


class TestTags:
    """Where the stack tells the tags, they are judged; else a tag that no rule names."""

    SHIELD = (prefixed("release-", count=99), pushed(30))

    def test_tags_of_the_build_that_it_is_made_of(self):
        own = repository()
        made = build([f"{HOST}/jobs:release-1"], of=own)
        assert judged(*self.SHIELD, of=own, runner=unknown_job(own, made), others=[made]).status == "pass"

    def test_tags_of_the_build_with_the_same_digest(self):
        own = repository()
        made = build([f"{HOST}/jobs:release-1"], of=own, digest=DIGEST)
        assert judged(*self.SHIELD, of=own, others=[made]).status == "pass"
        other = build([f"{HOST}/jobs:release-1"], of=own, digest=OTHER_DIGEST)
        assert judged(*self.SHIELD, of=own, others=[other]).status == "violation"
        assert judged(*self.SHIELD, of=own, runner=job(image(), other), others=[other]).status == "violation"

    def test_build_that_may_be_another_tells_nothing(self):
        own = repository()
        other = build([f"{HOST}/jobs:release-1"], of=own)
        assert judged(*self.SHIELD, of=own, others=[other]).status == "violation"
        assert judged(*self.SHIELD, of=own, runner=unknown_job(own), others=[other]).status == "violation"

    def test_tag_that_is_known_beside_one_that_is_not_counts(self):
        own = repository()
        made = build([UNKNOWN_TEXT, f"{HOST}/jobs:release-1"], of=own)
        assert judged(*self.SHIELD, of=own, runner=unknown_job(own, made), others=[made]).status == "pass"

    def test_any_of_the_tags_shields(self):
        own = repository()
        made = build([f"{HOST}/jobs:abc", f"{HOST}/jobs:release-1"], of=own, digest=DIGEST)
        assert judged(*self.SHIELD, of=own, others=[made]).status == "pass"

    def test_tags_in_other_repositories_are_none(self):
        own = repository()
        made = build([f"{HOST}/other:release-1", f"{HOST}/jobs:abc"], of=own, digest=DIGEST)
        assert judged(*self.SHIELD, of=own, others=[made]).status == "violation"

    @pytest.mark.parametrize("tags", [UNKNOWN_TEXT, [UNKNOWN_TEXT], None, [], [f"{HOST}/jobs"]])
    def test_unknown_tags_are_the_worst(self, tags: Any):
        own = repository()
        made = build(tags, of=own)
        answer = judged(*self.SHIELD, of=own, runner=unknown_job(own, made), others=[made])
        assert [found.partition(", ")[2] for found in answer.found] == [UNKNOWN_TAGS]
        assert judged(*self.SHIELD[:1], keep(3), of=own, runner=unknown_job(own, made), others=[made]).status == "pass"

    def test_pattern_for_all_takes_unknown_tags(self):
        everything = {**keep(9), "tagStatus": "tagged", "tagPatternList": ["*"]}
        assert judged(everything, pushed(30)).status == "pass"

    def test_image_of_the_docker_provider(self):
        own = repository()
        made = resource(
            "docker:index/image:Image", {"imageName": f"{HOST}/jobs:release-1", "repoDigest": f"{HOST}/jobs@{DIGEST}"}
        )
        assert judged(*self.SHIELD, of=own, others=[made]).status == "pass"


class TestMovingTags:
    MUTABLE = f"{RUNS}: rule 1 of LifecyclePolicy 'lifecycle' expires it 1 day after its push or last use, "

    @pytest.mark.parametrize("mutability", ["MUTABLE", None, "mutable"])
    def test_image_that_can_lose_its_tag_is_untagged(self, mutability: str | None):
        answer = judged(UNTAGGED, keep(10), of=repository(imageTagMutability=mutability))
        assert answer.found == [
            self.MUTABLE + "once its tags have moved to other images, as Repository 'jobs' lets them"
        ]

    def test_rules_that_leave_untagged_images_pass(self):
        assert judged(prefixed("v", count=9), of=repository(imageTagMutability="MUTABLE")).status == "pass"

    def test_untagged_images_are_counted_among_their_like(self):
        few = {**keep(2), "tagStatus": "untagged"}
        assert judged(few, keep(10), of=repository(imageTagMutability="MUTABLE")).status == "violation"
        assert judged({**few, "countNumber": 3}, keep(10), of=repository(imageTagMutability="MUTABLE")).status == "pass"

    @pytest.mark.parametrize(
        ("mode", "patterns", "tag", "status"),
        [
            ("immutable", [], "v1", "pass"),
            ("IMMUTABLE_WITH_EXCLUSION", ["buildcache"], "v1", "pass"),
            ("IMMUTABLE_WITH_EXCLUSION", ["buildcache"], "", "pass"),
            ("IMMUTABLE_WITH_EXCLUSION", ["v*"], "v1", "violation"),
            ("IMMUTABLE_WITH_EXCLUSION", ["a", "v*"], "v1", "violation"),
            ("IMMUTABLE_WITH_EXCLUSION", ["*"], "", "violation"),
            ("IMMUTABLE_WITH_EXCLUSION", [], "v1", "pass"),
            ("MUTABLE_WITH_EXCLUSION", ["v*"], "v1", "pass"),
            ("MUTABLE_WITH_EXCLUSION", ["v*"], "w1", "violation"),
            ("MUTABLE_WITH_EXCLUSION", ["v*"], "", "violation"),
        ],
    )
    def test_filters(self, mode: str, patterns: list[str], tag: str, status: str):
        filters = [{"filter": pattern, "filterType": "WILDCARD"} for pattern in patterns]
        own = repository(imageTagMutability=mode, imageTagMutabilityExclusionFilters=filters)
        assert judged(UNTAGGED, keep(10), of=own, runner=job(image(tag=tag))).status == status

    @pytest.mark.parametrize("mode", ["IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"])
    def test_one_tag_that_stays_is_enough(self, mode: str):
        filters = [{"filter": "latest*", "filterType": "WILDCARD"}]
        own = repository(imageTagMutability=mode, imageTagMutabilityExclusionFilters=filters)
        made = build([f"{HOST}/jobs:latest", f"{HOST}/jobs:abc"], of=own, digest=DIGEST)
        assert judged(UNTAGGED, keep(10), of=own, others=[made]).status == "pass"

    def test_tag_that_the_stacks_own_build_moves_moves_with_what_runs(self):
        own = repository(imageTagMutability="MUTABLE")
        made = build([f"{HOST}/jobs:latest"], of=own, digest=DIGEST)
        assert judged(UNTAGGED, keep(10), of=own, others=[made]).status == "pass"
        unbuilt = build([f"{HOST}/jobs:latest"], of=own)
        assert judged(UNTAGGED, keep(10), of=own, runner=unknown_job(unbuilt), others=[unbuilt]).status == "pass"
        other = build([f"{HOST}/jobs:latest"], of=own, digest=OTHER_DIGEST)
        assert judged(UNTAGGED, keep(10), of=own, others=[other]).status == "violation"

    def test_unknown_mutability_is_not_yet_known(self):
        answer = judged(UNTAGGED, keep(2), of=repository(imageTagMutability=UNKNOWN_TEXT))
        assert len(answer.found) == 1
        assert answer.unknown == ["imageTagMutability"]


class TestRepository:
    def test_other_repositories_are_not_applicable(self):
        assert judged(pushed(1), runner=job(image("other"))).not_applicable == [
            "the repository of its image isn't in this stack"
        ]

    def test_other_hosts_are_not_applicable(self):
        reference = f"210987654321.dkr.ecr.eu-central-1.amazonaws.com/jobs@{DIGEST}"
        assert judged(pushed(1), runner=job(reference)).status == "not applicable"

    def test_stack_without_repositories_is_not_applicable(self):
        assert verdict(RULE, job(image())).status == "not applicable"

    def test_repository_is_found_by_each_host_of_its_registry(self):
        reference = image().replace("dkr.ecr.eu-central-1.amazonaws.com", "dkr-ecr.eu-central-1.on.aws")
        jobs = repository()
        assert verdict(RULE, job(reference), jobs, policy(keep(1), of=jobs)).status == "violation"

    def test_name_and_region_stand_for_an_unknown_url(self):
        own = repository(repositoryUrl=UNKNOWN_TEXT)
        assert judged(pushed(1), of=own).status == "violation"
        elsewhere = image().replace("eu-central-1", "eu-west-1")
        assert judged(pushed(1), of=own, runner=job(elsewhere)).status == "not applicable"
        assert judged(pushed(1), of=own, runner=job(image("other"))).status == "not applicable"
        assert judged(pushed(1), of=own, runner=job(f"127.0.0.1:4566/jobs@{DIGEST}")).status == "violation"

    def test_account_that_is_none_may_be_any(self):
        own = repository(repositoryUrl=f"{HOST}/jobs".replace("123456789012", "000000000000"))
        assert judged(pushed(1), of=own).status == "violation"
        assert judged(pushed(1), of=own, runner=job(image("other"))).status == "not applicable"

    def test_repository_without_lifecycle_is_not_applicable(self):
        assert verdict(RULE, job(image()), repository()).not_applicable == [
            "no lifecycle policy here is for its repository; ecr-lifecycle-present judges that"
        ]

    def test_policy_that_ecr_refuses_is_not_applicable(self):
        for refused in ([keep(1), UNTAGGED], [{**keep(1), "countNumber": 0}], []):
            assert judged(*refused).not_applicable == [
                "LifecyclePolicy 'lifecycle' is none that ECR takes; ecr-lifecycle-effective says why"
            ]

    def test_unknown_policy_is_not_yet_known(self):
        own = repository()
        unknown = resource("ecr:LifecyclePolicy", {"repository": "jobs", "policy": UNKNOWN_TEXT})
        assert verdict(RULE, job(image()), own, unknown).unknown == ["policy"]
        inside = json.dumps({"rules": [{"selection": {"tagStatus": UNKNOWN_TEXT}}]})
        unknown = resource("ecr:LifecyclePolicy", {"repository": "jobs", "policy": inside})
        assert verdict(RULE, job(image()), own, unknown).unknown == ["policy.rules[0].selection.tagStatus"]

    def test_policy_that_may_be_for_it_is_not_yet_known(self):
        own = repository()
        unclear = resource("ecr:LifecyclePolicy", {"repository": UNKNOWN_TEXT, "policy": "{}"}, name="unclear")
        assert verdict(RULE, job(image()), own, unclear).unknown == ["repository"]

    def test_policy_of_another_repository_says_nothing(self):
        assert judged(keep(3), others=[policy(pushed(1), of=repository("other"), name="others")]).status == "pass"

    def test_each_container_is_judged(self):
        own, other = repository(), repository("other")
        policies = [policy(keep(3), of=own), policy(pushed(1), of=other, name="others")]
        both = verdict(RULE, task(image(), image("other"), image("foreign")), own, other, *policies)
        assert [found.partition(" is ")[0] for found in both.found] == ["containerDefinitions[1].image"]
        assert verdict(RULE, task(image(), image("foreign")), own, other, *policies).status == "pass"
        assert verdict(RULE, task(image("foreign"), image("far")), own, *policies).not_applicable == [
            "the repository of its image isn't in this stack"
        ]

    @pytest.mark.parametrize(
        "runner",
        [
            resource("lambda:Function", {"runtime": "python3.13"}),
            resource("ecs:TaskDefinition", {"containerDefinitions": "["}),
            resource("ecs:TaskDefinition", {"containerDefinitions": [{"image": ["a"]}]}),
            resource("batch:JobDefinition", {"containerProperties": "{}"}),
        ],
    )
    def test_what_runs_no_image_is_not_applicable(self, runner: Resource):
        assert judged(pushed(1), runner=runner).not_applicable == ["runs no image"]

    def test_reference_that_is_none_is_of_no_repository(self):
        assert judged(pushed(1), runner=job("two words")).not_applicable == ["runs no image"]


class TestFirstPreview:
    """Nothing is known of the image but what it is made of."""

    def test_repository_that_it_is_made_of_is_judged(self):
        own = repository(repositoryUrl=None)
        answer = judged(pushed(9), of=own, runner=unknown_job(own))
        assert answer.found == [
            "containerProperties runs an image of this stack: rule 1 of LifecyclePolicy 'lifecycle' expires it 9 days "
            f"after its push or last use, {UNKNOWN_TAGS}"
        ]
        assert judged(keep(3), of=own, runner=unknown_job(own)).status == "pass"

    def test_repository_behind_the_build_is_judged(self):
        own, other = repository(), repository("other")
        made = build(UNKNOWN_TEXT, of=own)
        other_policy = policy(pushed(1), of=other, name="others")
        unknown_task = resource(
            "ecs:TaskDefinition", {"containerDefinitions": UNKNOWN_TEXT}, depends={"containerDefinitions": [made]}
        )
        runners = [unknown_job(made), function(UNKNOWN_TEXT, made), job(UNKNOWN_TEXT, made), unknown_task]
        for runner in runners:
            others = [made, other, other_policy]
            assert judged(pushed(9), of=own, runner=runner, others=others).status == "violation"
            assert judged(keep(3), of=own, runner=runner, others=others).status == "pass"

    def test_repository_that_the_build_names_is_judged(self):
        own = repository()
        made = resource("docker-build:index:Image", {"tags": [f"{HOST}/jobs:v1"]})
        assert judged(pushed(9), of=own, runner=unknown_job(made), others=[made]).status == "violation"

    def test_what_the_build_only_reads_is_not_its_repository(self):
        own, base = repository(), repository("base")
        made = resource(
            "docker-build:index:Image",
            {"tags": [UNKNOWN_TEXT], "buildArgs": {"BASE": UNKNOWN_TEXT}},
            depends={"tags": [own], "buildArgs": [base]},
        )
        bases = policy(pushed(1), of=base, name="bases")
        assert judged(keep(3), of=own, runner=unknown_job(made), others=[made, base, bases]).status == "pass"

    def test_several_repositories_are_undecided_unless_all_keep_it(self):
        own, other = repository(), repository("other")
        runner = unknown_job(own, other)
        fine, bad = (policy(item, of=other, name="others") for item in (keep(3), pushed(1)))
        assert judged(keep(3), of=own, runner=runner, others=[other, fine]).status == "pass"
        assert judged(keep(3), of=own, runner=runner, others=[other, bad]).unknown == ["containerProperties"]

    def test_image_of_another_stack_is_not_applicable(self):
        reference = resource("pulumi:pulumi:StackReference", {}, name="shared")
        answer = judged(pushed(1), runner=unknown_job(reference), others=[reference])
        assert answer.status == "not applicable"

    def test_document_that_may_have_any_image_is_not_yet_known(self):
        assert judged(pushed(1), runner=unknown_job()).unknown == ["containerProperties"]
        assert judged(pushed(1), runner=function(UNKNOWN_TEXT)).unknown == ["imageUri"]

    def test_component_of_another_language_is_not_yet_known(self):
        component = resource("awsx:ecr:Repository", {}, name="component")
        own = resource("ecr:Repository", {"imageTagMutability": "IMMUTABLE"}, name="jobs", parent=component)
        other = repository("other")
        lifecycle = resource(
            "ecr:LifecyclePolicy",
            {"repository": UNKNOWN_TEXT, "policy": "{}"},
            depends={"repository": [own]},
        )
        made = build(UNKNOWN_TEXT, of=component)
        answer = verdict(RULE, unknown_job(made), own, other, lifecycle, made, component)
        assert answer.unknown == ["containerProperties"]

    def test_auto_named_repository_is_followed_by_dependency(self):
        own = resource("ecr:Repository", {"imageTagMutability": "IMMUTABLE"}, name="jobs")
        bad = json.dumps({"rules": [{"rulePriority": 1, "selection": pushed(9), "action": {"type": "expire"}}]})
        lifecycle = resource(
            "ecr:LifecyclePolicy", {"repository": UNKNOWN_TEXT, "policy": bad}, depends={"repository": [own]}
        )
        assert verdict(RULE, unknown_job(own), own, lifecycle).status == "violation"
        assert verdict(RULE, job(image(), own), own, lifecycle).status == "violation"
        assert verdict(RULE, job(image()), own, lifecycle).status == "not applicable"


def test_other_kinds_are_not_applicable():
    assert verdict(RULE, repository()).status == "not applicable"
