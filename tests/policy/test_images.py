"""Images are named by digest in jobs, tasks and functions, and by the same one in all of them."""

import json
from typing import Any

import pytest

from policy.guardrails import images
from policy.guardrails.resources import Resource
from tests.policy.harness import UNKNOWN, UNKNOWN_TEXT, resource, verdict
from tests.policy.running import (
    OTHER_DIGEST,
    build,
    function,
    image,
    job,
    repository,
    task,
    unknown_job,
)

REPOSITORY = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/jobs"
DIGEST = "sha256:" + "0a" * 32


def users(image: Any):
    """Each resource that runs an image."""
    container = {"name": "c", "image": image}
    return [
        resource("batch:JobDefinition", {"containerProperties": json.dumps(container)}),
        resource("batch:JobDefinition", {"ecsProperties": {"taskProperties": [{"containers": [container]}]}}),
        resource("batch:JobDefinition", {"nodeProperties": {"nodeRangeProperties": [{"container": container}]}}),
        resource("batch:JobDefinition", {"eksProperties": {"podProperties": {"containers": container}}}),
        resource("ecs:TaskDefinition", {"containerDefinitions": json.dumps([container])}),
        resource("ecs:TaskDefinition", {"containerDefinitions": [container]}),
        resource("lambda:Function", {"packageType": "Image", "imageUri": image}),
    ]


@pytest.mark.parametrize("image", [f"{REPOSITORY}@{DIGEST}", f"{REPOSITORY}:1.0@{DIGEST}"])
def test_digest_passes(image: str):
    assert [verdict(images.DIGEST_PINNED, user).status for user in users(image)] == ["pass"] * 7


@pytest.mark.parametrize(
    "image",
    [
        REPOSITORY,
        f"{REPOSITORY}:latest",
        f"{REPOSITORY}@sha256:abc",
        f"{REPOSITORY}@{DIGEST}0",
        f"{REPOSITORY}@{DIGEST.upper()}",
        DIGEST,
        f"@{DIGEST}",
    ],
)
def test_anything_else_is_refused(image: str):
    assert [verdict(images.DIGEST_PINNED, user).status for user in users(image)] == ["violation"] * 7


def test_message_names_path_and_image():
    subject = resource("batch:JobDefinition", {"containerProperties": json.dumps({"image": "jobs:1"})})
    assert verdict(images.DIGEST_PINNED, subject).found == ["containerProperties.image is 'jobs:1'"]


def test_container_without_image_is_refused():
    subject = resource("batch:JobDefinition", {"containerProperties": "{}"})
    assert verdict(images.DIGEST_PINNED, subject).found == ["containerProperties.image is missing"]


def test_each_container_is_judged():
    containers = [{"image": UNKNOWN_TEXT}, {"image": "a"}, {"image": f"a@{DIGEST}"}]
    answer = verdict(images.DIGEST_PINNED, resource("ecs:TaskDefinition", {"containerDefinitions": containers}))
    assert answer.unknown == ["containerDefinitions[0].image"]
    assert answer.found == ["containerDefinitions[1].image is 'a'"]


def test_unbuilt_image_is_not_yet_known():
    statuses = [verdict(images.DIGEST_PINNED, user).status for user in users(UNKNOWN_TEXT)]
    assert statuses == ["unknown"] * 7
    subject = resource("batch:JobDefinition", {"containerProperties": UNKNOWN})
    assert verdict(images.DIGEST_PINNED, subject).unknown == ["containerProperties"]


def test_function_from_a_zip_is_not_applicable():
    for uri in (None, ""):
        subject = resource("lambda:Function", {"runtime": "python3.13", "imageUri": uri})
        assert verdict(images.DIGEST_PINNED, subject).status == "not applicable"


def test_other_kinds_are_not_applicable():
    assert verdict(images.DIGEST_PINNED, resource("ecr:Repository")).status == "not applicable"


class TestOneDigest:
    RULE = images.ONE_DIGEST

    def test_same_digest_passes(self):
        assert verdict(self.RULE, job(image()), function(image()), task(image(tag="v1"))).status == "pass"

    def test_other_digest_is_refused_by_each_that_runs_it(self):
        runners = [job(image()), function(image()), task(image(digest=OTHER_DIGEST))]
        answers = [
            verdict(self.RULE, runner, *(other for other in runners if other is not runner)) for runner in runners
        ]
        assert [answer.found for answer in answers] == [
            [
                "containerProperties.image runs sha256:0a0a0a0a0a0a of jobs, "
                "while TaskDefinition 'task' runs sha256:0b0b0b0b0b0b"
            ],
            ["imageUri runs sha256:0a0a0a0a0a0a of jobs, while TaskDefinition 'task' runs sha256:0b0b0b0b0b0b"],
            [
                "containerDefinitions[0].image runs sha256:0b0b0b0b0b0b of jobs, while JobDefinition 'job' runs "
                "sha256:0a0a0a0a0a0a and Function 'function' runs sha256:0a0a0a0a0a0a"
            ],
        ]

    def test_job_is_compared_whatever_empty_texts_its_state_has(self):
        tasks = {"taskProperties": [{"containers": [{"image": image()}]}]}
        empty = {"containerProperties": "", "nodeProperties": ""}
        deployed = resource("batch:JobDefinition", {**empty, "ecsProperties": json.dumps(tasks)})
        assert verdict(images.ONE_DIGEST, deployed, function(image(digest=OTHER_DIGEST))).status == "violation"

    def test_two_containers_of_one_task_are_compared(self):
        assert verdict(self.RULE, task(image(), image(digest=OTHER_DIGEST))).found == [
            "containerDefinitions[0].image runs sha256:0a0a0a0a0a0a of jobs, "
            "while TaskDefinition 'task' runs sha256:0b0b0b0b0b0b",
            "containerDefinitions[1].image runs sha256:0b0b0b0b0b0b of jobs, "
            "while TaskDefinition 'task' runs sha256:0a0a0a0a0a0a",
        ]

    @pytest.mark.parametrize(
        "host",
        ["dkr.ecr-fips.eu-central-1.amazonaws.com", "dkr-ecr.eu-central-1.on.aws", "dkr-ecr-fips.eu-central-1.on.aws"],
    )
    def test_hosts_of_one_registry_are_the_same(self, host: str):
        other = image(digest=OTHER_DIGEST).replace("dkr.ecr.eu-central-1.amazonaws.com", host)
        assert verdict(self.RULE, function(image()), job(other)).status == "violation"
        assert verdict(self.RULE, function(image()), job(other.replace("123456789012", "210987654321"))).found == []

    def test_other_repositories_are_not_compared(self):
        elsewhere = image(digest=OTHER_DIGEST).replace("eu-central-1", "eu-west-1")
        others = [function(image("other", OTHER_DIGEST)), task(elsewhere, image("none", OTHER_DIGEST))]
        assert verdict(self.RULE, job(image()), *others).not_applicable == [
            "nothing else in the stack runs an image of its repository"
        ]
        assert verdict(self.RULE, task(image(), image("other")), job(image())).status == "pass"

    def test_tags_are_left_to_the_other_rule(self):
        by_tag = function("jobs:latest")
        assert verdict(self.RULE, by_tag, job(image())).not_applicable == [
            "names no digest, which image-digest-pinned refuses"
        ]
        assert verdict(self.RULE, job(image()), function(image().partition("@")[0])).status == "not applicable"

    def test_what_runs_no_image_is_not_applicable(self):
        zipped = resource("lambda:Function", {"runtime": "python3.13"})
        assert verdict(self.RULE, zipped, job(image())).not_applicable == ["runs no image"]
        assert verdict(self.RULE, repository()).status == "not applicable"

    def test_unbuilt_image_of_one_build_is_the_same(self):
        own = repository()
        made = build(UNKNOWN_TEXT, of=own)
        runners = [unknown_job(own, made), function(UNKNOWN_TEXT, own, made)]
        assert verdict(self.RULE, runners[0], runners[1], own, made).status == "pass"
        assert verdict(self.RULE, runners[1], runners[0], made).status == "pass"

    def test_unknown_image_of_one_repository_is_the_same(self):
        own = repository()
        assert verdict(self.RULE, unknown_job(own), function(UNKNOWN_TEXT, own), own).status == "pass"

    def test_unbuilt_images_of_two_builds_are_not_yet_known(self):
        own = repository()
        one, two = build(UNKNOWN_TEXT, of=own, name="one"), build(UNKNOWN_TEXT, of=own, name="two")
        answer = verdict(self.RULE, unknown_job(one), function(UNKNOWN_TEXT, two), own, one, two)
        assert answer.unknown == ["containerProperties"]

    def test_digest_of_the_build_counts_where_the_document_waits_for_something_else(self):
        own = repository()
        made = build([image().replace("@", ":v1@")], of=own, digest=DIGEST)
        assert verdict(self.RULE, unknown_job(own, made), function(image(), made), own, made).status == "pass"
        other = verdict(self.RULE, unknown_job(own, made), function(image(digest=OTHER_DIGEST)), own, made)
        assert other.found == [
            "containerProperties runs sha256:0a0a0a0a0a0a of jobs, while Function 'function' runs sha256:0b0b0b0b0b0b"
        ]

    def test_two_unknown_documents_with_known_builds_are_compared(self):
        own = repository()
        one = build(UNKNOWN_TEXT, of=own, digest=DIGEST, name="one")
        two = build(UNKNOWN_TEXT, of=own, digest=OTHER_DIGEST, name="two")
        answer = verdict(self.RULE, unknown_job(one), function(UNKNOWN_TEXT, two), own, one, two)
        assert answer.found == [
            "containerProperties runs sha256:0a0a0a0a0a0a of one repository, "
            "while Function 'function' runs sha256:0b0b0b0b0b0b"
        ]

    @pytest.mark.parametrize(
        ("first", "second", "status"),
        [
            ({"context": {"location": "api"}}, {"context": {"location": "worker"}}, "not applicable"),
            ({"context": {"location": "."}}, {"context": {"location": "."}}, "violation"),
            ({"context": {"location": "."}}, {"context": {"location": "."}, "target": "web"}, "not applicable"),
            ({"dockerfile": {"inline": "FROM a"}}, {"dockerfile": {"inline": "FROM b"}}, "not applicable"),
            ({"dockerfile": {"location": "a"}}, {"dockerfile": {"location": "b"}}, "not applicable"),
            ({"context": {"location": "."}}, {"context": {"location": "."}, "buildArgs": {"X": "1"}}, "not applicable"),
            ({"build": {"context": "a"}}, {"build": {"context": "b"}}, "not applicable"),
            ({"build": {"context": "a"}}, {"build": {"context": "a"}}, "violation"),
            ({"build": "a"}, {"build": "b"}, "not applicable"),
            ({"build": "a"}, {"build": "a"}, "violation"),
            ({"build": "a"}, {"build": {"context": "a"}}, "violation"),
            ({"build": False}, {"build": True}, "violation"),
            ({"context": "a", "args": {}}, {"context": "b"}, "not applicable"),
            ({"path": "a"}, {"path": "b"}, "not applicable"),
            ({"context": {"location": "a"}}, {}, "violation"),
            ({"context": {"location": "a"}}, {"context": {"location": UNKNOWN_TEXT}}, "violation"),
            ({"context": {"location": "a", "named": {"n": {}}}}, {"context": {"location": "a"}}, "violation"),
        ],
    )
    def test_two_programs_may_share_a_repository(self, first: dict[str, Any], second: dict[str, Any], status: str):
        own = repository()
        one = build([f"{REPOSITORY}:a"], of=own, digest=DIGEST, name="one", made=first)
        two = build([f"{REPOSITORY}:b"], of=own, digest=OTHER_DIGEST, name="two", made=second)
        others = [function(image(digest=OTHER_DIGEST), two), own, one, two]
        assert verdict(self.RULE, job(image(), one), *others).status == status

    @pytest.mark.parametrize(("other", "status"), [("worker", "not applicable"), ("api", "violation")])
    def test_sources_of_what_is_pushed_are_those_of_the_build(self, other: str, status: str):
        def pushed(name: str, context: str, digest: str) -> list[Resource]:
            made = {"name": f"{REPOSITORY}:{name}", "build": {"context": context}}
            local = resource("docker:index/remoteImage:RemoteImage", made, name=name)
            properties = {"name": made["name"], "sha256Digest": digest}
            push = resource(
                "docker:index/registryImage:RegistryImage", properties, name=name, depends={"name": [local]}
            )
            return [push, local]

        one, two = pushed("one", "api", DIGEST), pushed("two", other, OTHER_DIGEST)
        others = [function(image(digest=OTHER_DIGEST), two[0]), repository(), *one, *two]
        assert verdict(self.RULE, job(image(), one[0]), *others).status == status

    def test_two_programs_are_told_apart_before_they_are_built(self):
        own = repository()
        one = build(UNKNOWN_TEXT, of=own, name="one", made={"context": {"location": "api"}})
        two = build(UNKNOWN_TEXT, of=own, name="two", made={"context": {"location": "worker"}})
        others = [function(UNKNOWN_TEXT, two), own, one, two]
        assert verdict(self.RULE, unknown_job(one), *others).not_applicable == [
            "what else runs an image of its repository is built of other sources"
        ]

    def test_another_digest_than_the_built_one_is_refused_whatever_it_is_built_of(self):
        own = repository()
        one = build([f"{REPOSITORY}:a"], of=own, digest=DIGEST, name="one", made={"context": {"location": "api"}})
        answer = verdict(self.RULE, job(image(), one), function(image(digest=OTHER_DIGEST)), own, one)
        assert answer.status == "violation"

    def test_known_digest_beside_an_unbuilt_one_is_not_yet_known(self):
        own = repository()
        made = build(UNKNOWN_TEXT, of=own)
        assert verdict(self.RULE, unknown_job(made), function(image()), own, made).unknown == ["containerProperties"]
        assert verdict(self.RULE, function(image()), unknown_job(made), own, made).unknown == ["imageUri"]

    def test_document_of_two_builds_is_not_yet_known(self):
        own = repository()
        one = build(UNKNOWN_TEXT, of=own, digest=DIGEST, name="one")
        two = build(UNKNOWN_TEXT, of=own, digest=OTHER_DIGEST, name="two")
        answer = verdict(self.RULE, unknown_job(one, two), function(image(), one), own, one, two)
        assert answer.unknown == ["containerProperties"]

    def test_violation_is_not_hidden_by_what_is_open(self):
        own = repository()
        others = [function(image(digest=OTHER_DIGEST)), unknown_job(own, name="open"), own]
        assert verdict(self.RULE, job(image()), *others).status == "violation"

    def test_unbuilt_images_of_two_repositories_are_not_compared(self):
        own, other = repository(), repository("other")
        one, two = build(UNKNOWN_TEXT, of=own, name="one"), build(UNKNOWN_TEXT, of=other, name="two")
        others = [function(UNKNOWN_TEXT, two), own, other, one, two]
        assert verdict(self.RULE, unknown_job(one), *others).status == "not applicable"
        assert verdict(self.RULE, unknown_job(one), task(image("other")), *others[1:]).status == "not applicable"

    def test_document_that_may_have_any_image_is_not_yet_known(self):
        answer = verdict(self.RULE, unknown_job(), function(image()))
        assert answer.unknown == ["containerProperties"]
        assert verdict(self.RULE, function(image()), unknown_job()).unknown == ["imageUri"]
        assert verdict(self.RULE, function(image()), unknown_job(), repository()).unknown == ["imageUri"]
        assert verdict(self.RULE, unknown_job(), function(image()), repository()).unknown == ["containerProperties"]
        assert verdict(self.RULE, unknown_job(), function(image()), repository("other")).unknown == [
            "containerProperties"
        ]

    def test_output_of_another_stack_is_the_same_for_all(self):
        shared = resource("pulumi:pulumi:StackReference", {}, name="shared")
        others = [function(UNKNOWN_TEXT, shared), shared, repository("other")]
        assert verdict(self.RULE, unknown_job(shared), *others).status == "pass"

    def test_component_of_another_language_may_hide_the_repository(self):
        component = resource("awsx:ecr:Repository", {}, name="component")
        own, hidden = repository(), resource("ecr:Repository", {}, name="hidden", parent=component)
        made = build(UNKNOWN_TEXT, of=component)
        stack = [own, hidden, component, made]
        answer = verdict(self.RULE, unknown_job(own, component), function(UNKNOWN_TEXT, made), *stack)
        assert answer.unknown == ["containerProperties"]
