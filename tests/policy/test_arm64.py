"""arm64 rules: functions, jobs, instances, tasks and builds."""

import json
from typing import Any

import pytest

from policy.guardrails import arm64
from policy.guardrails.rules import NotYetKnown, judge
from tests.policy.harness import TODAY, UNKNOWN, UNKNOWN_TEXT, resource, verdict


class TestLambda:
    def test_arm64_passes(self):
        assert verdict(arm64.LAMBDA, resource("lambda:Function", {"architectures": ["arm64"]})).status == "pass"

    @pytest.mark.parametrize(
        ("architectures", "found"),
        [
            (None, "architectures is not set, so it is x86_64"),
            ([], "architectures is not set, so it is x86_64"),
            (["x86_64"], "architectures is 'x86_64'"),
            (["ARM64"], "architectures is 'ARM64'"),
            (["arm64", "x86_64"], "architectures is 'arm64, x86_64'"),
        ],
    )
    def test_anything_else_is_refused(self, architectures: Any, found: str):
        subject = resource("lambda:Function", {"architectures": architectures})
        assert verdict(arm64.LAMBDA, subject).found == [found]

    def test_function_from_an_image_counts_too(self):
        subject = resource("lambda:Function", {"packageType": "Image", "imageUri": "r@sha256:0"})
        assert verdict(arm64.LAMBDA, subject).status == "violation"

    @pytest.mark.parametrize("architectures", [UNKNOWN, [UNKNOWN]])
    def test_unknown_is_not_yet_known(self, architectures: Any):
        subject = resource("lambda:Function", {"architectures": architectures})
        assert verdict(arm64.LAMBDA, subject).status == "unknown"

    def test_text_in_place_of_a_list_is_refused(self):
        assert verdict(arm64.LAMBDA, resource("lambda:Function", {"architectures": "arm64"})).found == [
            "architectures is text"
        ]

    def test_other_kinds_are_not_applicable(self):
        assert verdict(arm64.LAMBDA, resource("lambda:Permission")).status == "not applicable"


ARM = {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}
X86 = {"cpuArchitecture": "X86_64"}


def job(**properties: Any):
    return resource("batch:JobDefinition", {"type": "container", "platformCapabilities": ["FARGATE"], **properties})


class TestBatchJob:
    @pytest.mark.parametrize("wrap", [json.dumps, dict])
    def test_arm64_in_text_or_object_passes(self, wrap: Any):
        subject = job(containerProperties=wrap({"image": "i", "runtimePlatform": ARM}))
        assert verdict(arm64.BATCH_JOB, subject).status == "pass"

    def test_keys_ignore_case_as_the_provider_does(self):
        text = json.dumps({"RuntimePlatform": {"CpuArchitecture": "ARM64"}})
        assert verdict(arm64.BATCH_JOB, job(containerProperties=text)).status == "pass"

    @pytest.mark.parametrize(
        ("platform", "found"),
        [
            (None, "is not set, so it is X86_64"),
            ({}, "is not set, so it is X86_64"),
            (X86, "is 'X86_64'"),
            ({"cpuArchitecture": "arm64"}, "is 'arm64'"),
        ],
    )
    def test_anything_else_is_refused(self, platform: Any, found: str):
        subject = job(containerProperties=json.dumps({"image": "i", "runtimePlatform": platform}))
        assert verdict(arm64.BATCH_JOB, subject).found == [
            f"containerProperties.runtimePlatform.cpuArchitecture {found}"
        ]

    def test_each_task_of_ecs_properties_counts(self):
        tasks = [{"containers": [], "runtimePlatform": ARM}, {"containers": []}]
        subject = job(ecsProperties=json.dumps({"taskProperties": tasks}))
        assert verdict(arm64.BATCH_JOB, subject).found == [
            "ecsProperties.taskProperties[1].runtimePlatform.cpuArchitecture is not set, so it is X86_64"
        ]

    def test_no_container_at_all_is_refused(self):
        assert verdict(arm64.BATCH_JOB, job()).found == ["has neither containerProperties nor ecsProperties"]

    def test_no_platform_capability_does_not_exempt(self):
        subject = job(platformCapabilities=None, containerProperties="{}")
        assert verdict(arm64.BATCH_JOB, subject).status == "violation"
        subject = job(platformCapabilities=["FARGATE", "EC2"], containerProperties="{}")
        assert verdict(arm64.BATCH_JOB, subject).status == "violation"

    def test_job_on_ec2_only_is_judged_by_its_instances(self):
        subject = job(platformCapabilities=["EC2"], containerProperties="{}")
        assert verdict(arm64.BATCH_JOB, subject).status == "not applicable"

    @pytest.mark.parametrize("nodes", ['{"nodeRangeProperties": []}', UNKNOWN_TEXT])
    def test_multi_node_job_is_judged_by_its_instances(self, nodes: str):
        subject = job(platformCapabilities=None, nodeProperties=nodes)
        assert verdict(arm64.BATCH_JOB, subject).status == "not applicable"

    def test_job_on_eks_is_judged_by_its_nodes(self):
        subject = job(platformCapabilities=None, eksProperties={"podProperties": {}})
        assert verdict(arm64.BATCH_JOB, subject).status == "not applicable"

    @pytest.mark.parametrize("key", ["containerProperties", "ecsProperties"])
    def test_properties_with_an_unbuilt_image_are_not_yet_known(self, key: str):
        assert verdict(arm64.BATCH_JOB, job(**{key: UNKNOWN_TEXT})).unknown == [key]

    def test_encrypted_properties_wait_for_no_digest(self):
        (outcome,) = judge(arm64.BATCH_JOB, job(containerProperties="[secret]"), today=TODAY)
        assert outcome == NotYetKnown(path="containerProperties", why="is a secret that isn't decrypted here")

    def test_empty_texts_of_a_state_are_no_properties(self):
        task = {"containers": [], "runtimePlatform": ARM}
        container = {"runtimePlatform": X86}
        subject = job(containerProperties="", nodeProperties="", ecsProperties=json.dumps({"taskProperties": [task]}))
        assert verdict(arm64.BATCH_JOB, subject).status == "pass"
        subject = job(containerProperties=json.dumps(container), nodeProperties="", ecsProperties="")
        assert verdict(arm64.BATCH_JOB, subject).status == "violation"

    @pytest.mark.parametrize("text", ["{", "[]", "7", ""])
    def test_text_that_is_no_document_is_refused(self, text: str):
        assert verdict(arm64.BATCH_JOB, job(containerProperties=text)).status == "violation"

    def test_other_kinds_are_not_applicable(self):
        assert verdict(arm64.BATCH_JOB, resource("batch:JobQueue")).status == "not applicable"


def compute(types: Any, kind: str = "EC2", **properties: Any):
    resources = {"type": kind, "instanceTypes": types}
    return resource("batch:ComputeEnvironment", {"type": "MANAGED", "computeResources": resources, **properties})


class TestBatchCompute:
    @pytest.mark.parametrize(
        "name",
        [
            "c7g",
            "c7gn",
            "m6gd.large",
            "r8gd",
            "t4g.micro",
            "g5g",
            "im4gn",
            "is4gen",
            "x2gd",
            "hpc7g",
            "a1",
            "a1.metal",
            "m7g.metal-48xl",
            "default_arm64",
        ],
    )
    @pytest.mark.parametrize("kind", ["EC2", "SPOT"])
    def test_graviton_passes(self, name: str, kind: str):
        assert verdict(arm64.BATCH_COMPUTE, compute([name], kind)).status == "pass"

    @pytest.mark.parametrize(
        "name",
        ["optimal", "default_x86_64", "m5", "g5", "g5.xlarge", "c5.large", "p4d", "inf2", "m7a", "c7i", "t3", "gr6"],
    )
    def test_x86_is_refused(self, name: str):
        assert verdict(arm64.BATCH_COMPUTE, compute(["c7g", name])).found == [
            f"computeResources.instanceTypes[1] is '{name}', which is not Graviton"
        ]

    @pytest.mark.parametrize("types", [None, []])
    def test_no_type_is_refused(self, types: Any):
        assert verdict(arm64.BATCH_COMPUTE, compute(types)).found == ["computeResources.instanceTypes is not set"]

    def test_unknown_type_hides_no_other(self):
        answer = verdict(arm64.BATCH_COMPUTE, compute([UNKNOWN, "m5"]))
        assert answer.unknown == ["computeResources.instanceTypes[0]"]
        assert len(answer.found) == 1

    @pytest.mark.parametrize("kind", ["FARGATE", "FARGATE_SPOT", "fargate"])
    def test_fargate_is_not_applicable(self, kind: str):
        assert verdict(arm64.BATCH_COMPUTE, compute(None, kind)).status == "not applicable"

    def test_unmanaged_is_not_applicable(self):
        assert verdict(arm64.BATCH_COMPUTE, compute(["m5"], type="UNMANAGED")).status == "not applicable"
        assert verdict(arm64.BATCH_COMPUTE, compute(None, computeResources=None)).status == "not applicable"

    def test_other_kinds_are_not_applicable(self):
        assert verdict(arm64.BATCH_COMPUTE, job()).status == "not applicable"


class TestEcsTask:
    def test_arm64_passes(self):
        assert verdict(arm64.ECS_TASK, resource("ecs:TaskDefinition", {"runtimePlatform": ARM})).status == "pass"

    @pytest.mark.parametrize(
        ("platform", "found"),
        [
            (None, "is not set, so it is X86_64"),
            ({"operatingSystemFamily": "LINUX"}, "is not set, so it is X86_64"),
            (X86, "is 'X86_64'"),
            ({"cpuArchitecture": "arm64"}, "is 'arm64'"),
        ],
    )
    def test_anything_else_is_refused(self, platform: Any, found: str):
        subject = resource("ecs:TaskDefinition", {"runtimePlatform": platform})
        assert verdict(arm64.ECS_TASK, subject).found == [f"runtimePlatform.cpuArchitecture {found}"]

    def test_unknown_is_not_yet_known(self):
        subject = resource("ecs:TaskDefinition", {"runtimePlatform": {"cpuArchitecture": UNKNOWN}})
        assert verdict(arm64.ECS_TASK, subject).status == "unknown"

    def test_other_kinds_are_not_applicable(self):
        assert verdict(arm64.ECS_TASK, resource("ecs:Service")).status == "not applicable"


BUILD = "docker-build:index:Image"


class TestImageBuild:
    @pytest.mark.parametrize("platform", ["linux/arm64", "linux/arm64/v8", "Linux/ARM64", "linux/aarch64"])
    def test_single_arm64_passes(self, platform: str):
        assert verdict(arm64.IMAGE_BUILD, resource(BUILD, {"platforms": [platform]})).status == "pass"
        docker = resource("docker:index/image:Image", {"build": {"platform": platform}})
        assert verdict(arm64.IMAGE_BUILD, docker).status == "pass"

    @pytest.mark.parametrize(
        ("platforms", "found"),
        [
            (None, "platforms is not set, so it is the builder's own"),
            ([], "platforms is not set, so it is the builder's own"),
            (["linux/amd64"], "platforms is 'linux/amd64'"),
            (["linux/arm/v7"], "platforms is 'linux/arm/v7'"),
            (["linux/arm64", "linux/amd64"], "platforms has 2 platforms"),
        ],
    )
    def test_anything_else_is_refused(self, platforms: Any, found: str):
        assert verdict(arm64.IMAGE_BUILD, resource(BUILD, {"platforms": platforms})).found == [found]

    @pytest.mark.parametrize("token", ["docker:index/image:Image", "docker:image:Image"])
    @pytest.mark.parametrize("build", [None, {}, "./app", {"context": "."}])
    def test_docker_without_platform_is_refused(self, token: str, build: Any):
        assert verdict(arm64.IMAGE_BUILD, resource(token, {"build": build})).found == [
            "build.platform is not set, so it is the builder's own"
        ]

    @pytest.mark.parametrize("kind", ["image:Image", "remoteImage:RemoteImage", "registryImage:RegistryImage"])
    def test_docker_for_amd64_is_refused(self, kind: str):
        subject = resource(f"docker:index/{kind}", {"build": {"platform": "linux/amd64"}})
        assert verdict(arm64.IMAGE_BUILD, subject).found == ["build.platform is 'linux/amd64'"]

    @pytest.mark.parametrize("kind", ["remoteImage:RemoteImage", "registryImage:RegistryImage"])
    def test_docker_that_builds_nothing_is_not_applicable(self, kind: str):
        subject = resource(f"docker:index/{kind}", {"name": "nginx:1.29", "platform": "linux/amd64"})
        assert verdict(arm64.IMAGE_BUILD, subject).status == "not applicable"
        assert verdict(arm64.IMAGE_BUILD, resource(f"docker:index/{kind}", {"build": UNKNOWN})).status == "unknown"

    def test_index_of_several_images_is_refused(self):
        subject = resource("docker-build:index:Index", {"sources": ["a", UNKNOWN_TEXT]})
        assert verdict(arm64.IMAGE_BUILD, subject).found == [
            "merges 2 images into an index, which may hold other platforms"
        ]
        subject = resource("docker-build:index:Index", {"sources": ["a"]})
        assert verdict(arm64.IMAGE_BUILD, subject).status == "pass"

    @pytest.mark.parametrize("platforms", [UNKNOWN, [UNKNOWN]])
    def test_unknown_is_not_yet_known(self, platforms: Any):
        assert verdict(arm64.IMAGE_BUILD, resource(BUILD, {"platforms": platforms})).status == "unknown"

    def test_other_kinds_are_not_applicable(self):
        assert verdict(arm64.IMAGE_BUILD, resource("docker:index/container:Container")).status == "not applicable"
