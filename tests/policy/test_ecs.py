"""ECS rules: what they accept, what they refuse, and what they leave open."""

import json
from typing import Any

import pytest

from policy.guardrails import ecs
from tests.policy.harness import UNKNOWN, UNKNOWN_TEXT, resource, verdict

SAFE = {"name": "app", "image": "app@sha256:0", "user": "10001", "readonlyRootFilesystem": True}


def task(*containers: Any, **properties: Any):
    return resource("ecs:TaskDefinition", {"containerDefinitions": json.dumps(list(containers)), **properties})


def container(**changes: Any) -> dict[str, Any]:
    return {**SAFE, **changes}


def found(*containers: Any, **properties: Any) -> list[str]:
    answer = verdict(ecs.HARDENING, task(*containers, **properties))
    return [text.replace("containerDefinitions", "c") for text in answer.found]


class TestHardening:
    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"user": 1000, "privileged": False},
            {"user": "app:root"},
            {"user": "1000:0", "readonlyRootFilesystem": "true"},
            {"linuxParameters": {"capabilities": {"add": ["SYS_PTRACE"], "drop": ["ALL"]}}},
            {"user": None, "firelensConfiguration": {"type": "fluentbit"}},
            {"user": "0", "firelensConfiguration": {"type": "fluentbit"}},
        ],
    )
    def test_container_without_powers_passes(self, changes: Any):
        assert found(container(**changes)) == []

    @pytest.mark.parametrize("user", ["root", "0", 0, "00", "0:1000", "root:app", "Root", "ContainerAdministrator"])
    def test_root_is_refused(self, user: Any):
        name = str(user).partition(":")[0]
        assert found(container(user=user)) == [f"c[0].user is '{name}'"]

    def test_user_of_the_image_is_refused_unless_allowed(self):
        subject = task(container(user=None))
        assert verdict(ecs.HARDENING, subject).found == [
            "containerDefinitions[0].user is not set, so the image's user applies, which often is root"
        ]
        assert verdict(ecs.HARDENING, subject, config={"requireUser": False}).status == "pass"
        assert verdict(ecs.HARDENING, task(container(user="0")), config={"requireUser": False}).status == "violation"

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"privileged": True}, "c[0].privileged is true"),
            ({"readonlyRootFilesystem": False}, "c[0].readonlyRootFilesystem is false"),
            ({"readonlyRootFilesystem": None}, "c[0].readonlyRootFilesystem is not set"),
            (
                {"linuxParameters": {"capabilities": {"add": ["CAP_SYS_ADMIN", "all", "SYS_PTRACE"]}}},
                "c[0].linuxParameters.capabilities.add has ALL, SYS_ADMIN",
            ),
        ],
    )
    def test_power_is_refused(self, changes: Any, expected: str):
        assert found(container(**changes)) == [expected]

    def test_names_in_the_document_may_have_another_case(self):
        assert found({"User": "1000", "ReadonlyRootFilesystem": True, "Privileged": True}) == [
            "c[0].Privileged is true"
        ]

    def test_each_container_is_judged(self):
        assert found(container(), container(privileged=True), 7, container(user="0")) == [
            "c[1].privileged is true",
            "c[2] is a number",
            "c[3].user is '0'",
        ]

    @pytest.mark.parametrize("mode", ["networkMode", "pidMode", "ipcMode"])
    def test_namespace_of_the_host_is_refused(self, mode: str):
        assert found(container(), **{mode: "host"}) == [f"{mode} is 'host'"]
        assert found(container(), **{mode: "task"}) == []

    @pytest.mark.parametrize(
        "path", ["/", "/var/run/docker.sock", "/etc/", "//proc", "/var/run", "/var/lib/../lib/docker"]
    )
    def test_path_of_the_host_is_refused(self, path: str):
        assert len(found(container(), volumes=[{"name": "host", "hostPath": path}])) == 1

    @pytest.mark.parametrize("path", ["/mnt/data", "/srv/app/etc", "", None])
    def test_other_path_passes(self, path: Any):
        assert found(container(), volumes=[{"name": "data", "hostPath": path}]) == []

    @pytest.mark.parametrize("encryption", [None, "DISABLED"])
    def test_efs_without_encryption_in_transit_is_refused(self, encryption: Any):
        volume = {"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "transitEncryption": encryption}}
        assert found(container(), volumes=[volume]) == [
            "volumes[0].efsVolumeConfiguration has no encryption in transit"
        ]

    def test_efs_with_encryption_in_transit_passes(self):
        volume = {"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "transitEncryption": "ENABLED"}}
        assert found(container(), volumes=[volume]) == []

    def test_windows_has_no_read_only_root(self):
        platform = {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}
        assert found(container(readonlyRootFilesystem=None), runtimePlatform=platform) == []
        assert found(container(privileged=True), runtimePlatform=platform) == ["c[0].privileged is true"]

    def test_definitions_as_a_list_are_read(self):
        subject = resource("ecs:TaskDefinition", {"containerDefinitions": [container(privileged=True)]})
        assert verdict(ecs.HARDENING, subject).status == "violation"

    @pytest.mark.parametrize("text", [None, "", "{", "{}", '"x"'])
    def test_definitions_that_are_none_are_refused(self, text: Any):
        subject = resource("ecs:TaskDefinition", {"containerDefinitions": text})
        assert verdict(ecs.HARDENING, subject).status == "violation"

    def test_unknown_definitions_hide_no_mode(self):
        answer = verdict(ecs.HARDENING, task(containerDefinitions=UNKNOWN_TEXT, networkMode="host"))
        assert (answer.unknown, answer.found) == (["containerDefinitions"], ["networkMode is 'host'"])

    def test_unknown_volumes_hide_no_container(self):
        answer = verdict(ecs.HARDENING, task(container(privileged=True), volumes=UNKNOWN, networkMode=UNKNOWN))
        assert answer.unknown == ["networkMode", "volumes"]
        assert answer.found == ["containerDefinitions[0].privileged is true"]

    def test_unknown_part_of_a_container_hides_no_other(self):
        answer = verdict(ecs.HARDENING, task(container(user=UNKNOWN_TEXT, privileged=True)))
        assert (answer.unknown, answer.found) == (
            ["containerDefinitions[0].user"],
            ["containerDefinitions[0].privileged is true"],
        )

    @pytest.mark.parametrize("kind", ["ecs:Service", "ecs:TaskSet"])
    def test_public_address_is_refused_unless_allowed(self, kind: str):
        subject = resource(kind, {"networkConfiguration": {"assignPublicIp": True, "subnets": ["subnet-1"]}})
        assert verdict(ecs.HARDENING, subject).found == ["networkConfiguration.assignPublicIp is true"]
        assert verdict(ecs.HARDENING, subject, config={"allowPublicIp": True}).status == "pass"

    @pytest.mark.parametrize("configuration", [None, {"subnets": []}, {"assignPublicIp": False}])
    def test_private_service_passes(self, configuration: Any):
        subject = resource("ecs:Service", {"networkConfiguration": configuration, "platformVersion": "1.4.0"})
        assert verdict(ecs.HARDENING, subject).status == "pass"

    def test_old_platform_is_refused(self):
        subject = resource("ecs:Service", {"platformVersion": "1.3.0", "networkConfiguration": UNKNOWN})
        answer = verdict(ecs.HARDENING, subject)
        assert (answer.unknown, answer.found) == (["networkConfiguration"], ["platformVersion is '1.3.0'"])

    def test_other_kinds_are_not_applicable(self):
        assert verdict(ecs.HARDENING, resource("ecs:Cluster")).status == "not applicable"


class TestCircuitBreaker:
    def test_breaker_that_rolls_back_passes(self):
        breaker = {"enable": True, "rollback": True}
        assert (
            verdict(ecs.CIRCUIT_BREAKER, resource("ecs:Service", {"deploymentCircuitBreaker": breaker})).status
            == "pass"
        )

    @pytest.mark.parametrize(
        ("breaker", "expected"),
        [
            (None, "deploymentCircuitBreaker.enable is not set"),
            ({"enable": False, "rollback": True}, "deploymentCircuitBreaker.enable is false"),
            ({"enable": True}, "deploymentCircuitBreaker.rollback is not set"),
            ({"enable": True, "rollback": False}, "deploymentCircuitBreaker.rollback is false"),
        ],
    )
    def test_anything_less_is_refused(self, breaker: Any, expected: str):
        subject = resource(
            "ecs:Service", {"deploymentCircuitBreaker": breaker, "deploymentController": {"type": "ECS"}}
        )
        assert verdict(ecs.CIRCUIT_BREAKER, subject).found == [expected]

    @pytest.mark.parametrize("controller", ["CODE_DEPLOY", "EXTERNAL"])
    def test_other_controllers_are_not_applicable(self, controller: str):
        subject = resource("ecs:Service", {"deploymentController": {"type": controller}})
        assert verdict(ecs.CIRCUIT_BREAKER, subject).not_applicable == [
            f"deployments by {controller} have no circuit breaker"
        ]

    def test_unknown_is_not_yet_known(self):
        subject = resource("ecs:Service", {"deploymentCircuitBreaker": {"enable": UNKNOWN}})
        assert verdict(ecs.CIRCUIT_BREAKER, subject).unknown == ["deploymentCircuitBreaker.enable"]

    def test_other_kinds_are_not_applicable(self):
        assert verdict(ecs.CIRCUIT_BREAKER, resource("ecs:Cluster")).status == "not applicable"


def cluster(*values: Any, **properties: Any):
    settings = [{"name": "containerInsights", "value": value} for value in values]
    return resource("ecs:Cluster", {"settings": settings, **properties}, name="jobs")


def default(value: Any = "enabled", name: str = "containerInsights", **properties: Any):
    return resource("ecs:AccountSettingDefault", {"name": name, "value": value, **properties}, name="default")


class TestInsights:
    @pytest.mark.parametrize("value", ["enabled", "enhanced", "ENABLED"])
    def test_insights_pass(self, value: str):
        assert verdict(ecs.INSIGHTS, cluster(value)).status == "pass"

    @pytest.mark.parametrize("value", ["enabled", "enhanced"])
    def test_default_of_the_account_counts(self, value: str):
        assert verdict(ecs.INSIGHTS, cluster(), default(value)).status == "pass"

    def test_own_setting_counts_before_the_default(self):
        assert verdict(ecs.INSIGHTS, cluster("disabled"), default()).found == [
            "the setting containerInsights is 'disabled'"
        ]

    def test_default_of_another_region_or_name_does_not_count(self):
        subject = cluster(region="eu-central-1")
        assert verdict(ecs.INSIGHTS, subject, default(region="eu-west-1")).status == "violation"
        assert verdict(ecs.INSIGHTS, subject, default(name="awsvpcTrunking")).status == "violation"
        assert verdict(ecs.INSIGHTS, subject, default("disabled", region="eu-central-1")).found == [
            "the setting containerInsights is not set"
        ]
        assert verdict(ecs.INSIGHTS, subject, default(region="eu-central-1")).status == "pass"

    def test_no_setting_is_shown(self):
        assert verdict(ecs.INSIGHTS, resource("ecs:Cluster")).found == ["the setting containerInsights is not set"]

    def test_unknown_is_not_yet_known(self):
        assert verdict(ecs.INSIGHTS, cluster(UNKNOWN)).unknown == ["settings[0].value"]

    def test_other_kinds_are_not_applicable(self):
        assert verdict(ecs.INSIGHTS, resource("ecs:Service")).status == "not applicable"
