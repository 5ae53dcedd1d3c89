"""The pack on the wire: the policy SDK's own server with the dispatcher in front, without the network.

`test_driver.py` starts the real process. Neither proves what the engine sends; the messages here
have the shapes that were recorded with it.
"""

import datetime
import types
from collections.abc import Iterator
from typing import Any

import pulumi_policy.policy
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import analyzer_pb2

from policy.guardrails.adapter import Pack
from policy.guardrails.catalogue import RULES
from policy.guardrails.resources import Resource, Stack
from policy.guardrails.rules import Finding, Level, NotApplicable, Rule, Settings, Severity, Violation
from policy.guardrails.server import Dispatcher, dispatch
from policy.guardrails.values import Opaque
from policy.guardrails.wire import completed, read_resource, read_struct
from tests.policy.harness import TODAY, UNKNOWN, UNKNOWN_TEXT

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
ASSET = "c44067f5952c0a294b673a41bacd8c17"
REPOSITORY = "aws:ecr/repository:Repository"
LIFECYCLE = "aws:ecr/lifecyclePolicy:LifecyclePolicy"


def struct(properties: dict[str, Any]) -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    message.update(properties)
    return message


def request(type_: str, properties: dict[str, Any], name: str = "jobs", **more: Any) -> analyzer_pb2.AnalyzeRequest:
    urn = f"urn:pulumi:dev::shop::{type_}::{name}"
    return analyzer_pb2.AnalyzeRequest(type=type_, urn=urn, name=name, properties=struct(properties), **more)


def stack_request(*items: tuple[str, str, dict[str, Any], dict[str, list[str]]]) -> analyzer_pb2.AnalyzeStackRequest:
    message = analyzer_pb2.AnalyzeStackRequest()
    for type_, name, properties, relations in items:
        item = message.resources.add(type=type_, name=name, urn=f"urn:pulumi:dev::shop::{type_}::{name}")
        item.properties.CopyFrom(struct(properties))
        for key, names in relations.items():
            item.propertyDependencies[key].urns.extend(f"urn:pulumi:dev::shop::{entry}" for entry in names)
    return message


def served(pack: Pack, *, dispatched: bool = True) -> Any:
    """The servicer as `PolicyPack` makes it, with or without the dispatcher."""
    sdk = types.ModuleType("sdk")
    sdk.__dict__.update(vars(pulumi_policy.policy))
    if dispatched:
        assert dispatch(sdk, pack)
    servicer = sdk.__dict__["_PolicyAnalyzerServicer"]
    level = pulumi_policy.EnforcementLevel.ADVISORY
    return servicer("slipway", "1", pack.policies(), level, None, None, None, None, None, None, None)


@pytest.fixture(params=[True, False], ids=["dispatched", "plain SDK"])
def server(request: pytest.FixtureRequest) -> Any:
    return served(Pack(RULES, TODAY), dispatched=request.param)


def found(response: analyzer_pb2.AnalyzeResponse) -> dict[str, str]:
    return {item.policyName: item.message for item in response.diagnostics}


class TestAnalyze:
    def test_violation_has_level_severity_and_urn(self, server: Any):
        response = server.Analyze(request(REPOSITORY, {"imageTagMutability": "MUTABLE"}), None)
        (diagnostic,) = [item for item in response.diagnostics if item.policyName == "ecr-immutable-tags"]
        assert diagnostic.enforcementLevel == analyzer_pb2.MANDATORY
        assert diagnostic.severity == analyzer_pb2.POLICY_SEVERITY_HIGH
        assert diagnostic.urn == f"urn:pulumi:dev::shop::{REPOSITORY}::jobs"
        assert diagnostic.message.endswith(
            "Repository 'jobs': imageTagMutability is 'MUTABLE'. Expected: IMMUTABLE or IMMUTABLE_WITH_EXCLUSION. "
            "Fix: Set imageTagMutability to IMMUTABLE; for a build cache, IMMUTABLE_WITH_EXCLUSION with a filter for "
            "its tag."
        )

    def test_advisory_rule_stays_advisory(self, server: Any):
        response = server.Analyze(request(REPOSITORY, {"imageTagMutability": "IMMUTABLE"}), None)
        levels = {item.policyName: item.enforcementLevel for item in response.diagnostics}
        assert levels["ecr-kms"] == analyzer_pb2.ADVISORY

    def test_unknown_value_is_an_advisory_that_names_the_property(self, server: Any):
        response = server.Analyze(request(REPOSITORY, {"imageTagMutability": UNKNOWN_TEXT}), None)
        (diagnostic,) = [item for item in response.diagnostics if item.policyName == "ecr-immutable-tags"]
        assert diagnostic.enforcementLevel == analyzer_pb2.ADVISORY
        assert diagnostic.message.endswith(
            "Repository 'jobs': not yet known: imageTagMutability is an output that only a deployment can tell"
        )

    def test_every_rule_for_resources_answers(self, server: Any):
        response = server.Analyze(request(REPOSITORY, {"imageTagMutability": "IMMUTABLE"}), None)
        answered = {item.policy_name for item in response.not_applicable} | set(found(response))
        passed = {"ecr-immutable-tags", "required-tags", "region-pin", "data-protected"}
        assert {rule.id for rule in RULES if not rule.is_stack_rule} - answered <= passed
        reasons = {item.policy_name: item.reason for item in response.not_applicable}
        assert reasons["arm64-lambda"] == "judges lambda:Function only"

    def test_type_that_no_rule_knows_gets_reasons_only(self, server: Any):
        response = server.Analyze(request("shop:index:Thing", {}), None)
        assert not response.diagnostics
        assert len(response.not_applicable) >= 10

    def test_secret_is_unwrapped(self, server: Any):
        secret = {SIGNATURE: SECRET, "value": "MUTABLE"}
        response = server.Analyze(request(REPOSITORY, {"imageTagMutability": secret}), None)
        assert "ecr-immutable-tags" in found(response)

    def test_sealed_secret_is_not_yet_known(self, server: Any):
        response = server.Analyze(request(REPOSITORY, {"imageTagMutability": "[secret]"}), None)
        assert "is a secret that isn't decrypted here" in found(response)["ecr-immutable-tags"]

    def test_protection_provider_and_parent_reach_the_rules(self):
        seen: list[Resource] = []

        def check(resource: Resource, _settings: Settings) -> Iterator[Finding]:
            seen.append(resource)
            yield NotApplicable("seen")

        for dispatched in (True, False):
            server = served(Pack([rule(check)], TODAY), dispatched=dispatched)
            options = analyzer_pb2.AnalyzerResourceOptions(protect=True, parent="urn:parent")
            provider = analyzer_pb2.AnalyzerProviderResource(properties=struct({"region": "eu-west-1"}))
            server.Analyze(request(REPOSITORY, {"name": "a"}, options=options, provider=provider), None)
        assert [(item.protect, item.parent, item.region, item.properties) for item in seen] == [
            (True, "urn:parent", "eu-west-1", {"name": "a"})
        ] * 2


def rule(check: Any = None, stack_check: Any = None, **changes: Any) -> Rule:
    fields: dict[str, Any] = {
        "id": "test-rule",
        "level": Level.MANDATORY,
        "severity": Severity.CRITICAL,
        "title": "Title",
        "description": "Description.",
        "why": "Why.",
        "fix": "Fix.",
        "link": "https://example.com",
        "kinds": ("ecr:Repository",),
        "check": check,
        "stack_check": stack_check,
    }
    return Rule(**{**fields, **changes})


class TestAnalyzeStack:
    def test_reference_is_followed_over_the_wire(self, server: Any):
        lifecycle = (LIFECYCLE, "expiry", {"policy": "{}"}, {"repository": [f"{REPOSITORY}::jobs"]})
        other = (REPOSITORY, "other", {"name": "other"}, {})
        response = server.AnalyzeStack(
            stack_request((REPOSITORY, "jobs", {"name": "jobs"}, {}), lifecycle, other), None
        )
        urns = [item.urn for item in response.diagnostics if item.policyName == "ecr-lifecycle-present"]
        assert urns == [f"urn:pulumi:dev::shop::{REPOSITORY}::other"]

    def test_input_that_the_state_lacks_is_taken_from_before(self, server: Any):
        scanning = {"imageScanningConfiguration": {"scanOnPush": True}}
        server.Analyze(request(REPOSITORY, {"name": "jobs", **scanning}), None)
        response = server.AnalyzeStack(stack_request((REPOSITORY, "jobs", {"name": "jobs"}, {})), None)
        assert "ecr-scan-on-push" not in found(response)
        server.Analyze(request(REPOSITORY, {"name": "new"}, "new"), None)
        response = server.AnalyzeStack(stack_request((REPOSITORY, "new", {"name": "new"}, {})), None)
        assert "ecr-scan-on-push" in found(response)

    def test_input_that_is_left_to_the_provider_is_not_unknown(self, server: Any):
        group = "aws:cloudwatch/logGroup:LogGroup"
        server.Analyze(request(group, {"name": "jobs"}), None)
        preview = (group, "jobs", {"name": "jobs", "arn": UNKNOWN_TEXT, "logGroupClass": UNKNOWN_TEXT}, {})
        message = found(server.AnalyzeStack(stack_request(preview), None))["log-retention"]
        assert "retentionInDays is not set" in message
        server.Analyze(request(group, {"name": "jobs", "logGroupClass": UNKNOWN_TEXT}), None)
        message = found(server.AnalyzeStack(stack_request(preview), None))["log-retention"]
        assert "not yet known: logGroupClass" in message

    def test_resource_that_the_program_only_reads_is_not_judged(self, server: Any):
        server.Analyze(request("pulumi:pulumi:Stack", {}, "shop-dev"), None)
        response = server.AnalyzeStack(stack_request((REPOSITORY, "read", {"name": "read"}, {})), None)
        reasons = {item.policy_name: item.reason for item in response.not_applicable}
        assert reasons["ecr-lifecycle-present"] == "the stack only reads it, or this update leaves it out"
        assert not response.diagnostics

    def test_what_a_read_resource_says_counts_for_others(self, server: Any):
        scanning = "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration"
        every = {"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]}
        server.Analyze(request(REPOSITORY, {"name": "jobs"}), None)
        items = ((REPOSITORY, "jobs", {"name": "jobs"}, {}), (scanning, "read", {"rules": [every]}, {}))
        assert "ecr-scan-on-push" not in found(server.AnalyzeStack(stack_request(*items), None))

    def test_rule_without_subject_says_so(self, server: Any):
        response = server.AnalyzeStack(stack_request(), None)
        reasons = {item.policy_name: item.reason for item in response.not_applicable}
        assert reasons["ecr-lifecycle-present"] == "judges ecr:Repository only"
        assert not response.diagnostics

    def test_open_verdict_beside_a_violation(self):
        def check(resource: Resource, _stack: Stack, _settings: Settings) -> Iterator[Finding]:
            if resource.name == "bad":
                yield Violation(found="is bad", expected="good")
            elif resource.name != "fine":
                resource["name"].text()

        for dispatched in (True, False):
            server = served(Pack([rule(stack_check=check)], TODAY), dispatched=dispatched)
            items = [(REPOSITORY, name, {"name": UNKNOWN_TEXT}, {}) for name in ("open", "bad", "fine", "late")]
            response = server.AnalyzeStack(stack_request(*items), None)
            bad, late = response.diagnostics
            assert (bad.enforcementLevel, bad.urn[-3:]) == (analyzer_pb2.MANDATORY, "bad")
            assert late.enforcementLevel == analyzer_pb2.ADVISORY
            assert "Repository 'late': not yet known: name" in late.message
            assert "; Repository 'open': not yet known: name" in late.message


class TestConfigure:
    def configured(self, server: Any, **policies: tuple[int, dict[str, Any]]) -> None:
        message = analyzer_pb2.ConfigureAnalyzerRequest()
        for name, (level, properties) in policies.items():
            entry = message.policyConfig[name.replace("_", "-")]
            entry.enforcementLevel = level  # type: ignore[assignment]
            entry.properties.CopyFrom(struct(properties))
        server.Configure(message, None)

    def test_level_is_the_configured_one(self, server: Any):
        self.configured(server, ecr_immutable_tags=(analyzer_pb2.ADVISORY, {}))
        response = server.Analyze(request(REPOSITORY, {"imageTagMutability": "MUTABLE"}), None)
        (diagnostic,) = [item for item in response.diagnostics if item.policyName == "ecr-immutable-tags"]
        assert diagnostic.enforcementLevel == analyzer_pb2.ADVISORY

    def test_disabled_rule_says_nothing(self, server: Any):
        self.configured(
            server, ecr_immutable_tags=(analyzer_pb2.DISABLED, {}), arm64_lambda=(analyzer_pb2.DISABLED, {})
        )
        response = server.Analyze(request(REPOSITORY, {"imageTagMutability": "MUTABLE"}), None)
        named = {item.policy_name for item in response.not_applicable} | set(found(response))
        assert not named & {"ecr-immutable-tags", "arm64-lambda"}
        assert "ecr-kms" in named

    def test_remediation_that_was_asked_for_is_declined(self, server: Any):
        self.configured(server, ecr_immutable_tags=(analyzer_pb2.REMEDIATE, {}))
        response = server.Remediate(request(REPOSITORY, {}), None)
        assert [item.policy_name for item in response.not_applicable] == ["ecr-immutable-tags"]
        assert not response.remediations

    def test_configuration_may_change(self, server: Any):
        subject = request(REPOSITORY, {"imageTagMutability": "MUTABLE"})
        self.configured(server, ecr_immutable_tags=(analyzer_pb2.DISABLED, {}))
        assert "ecr-immutable-tags" not in found(server.Analyze(subject, None))
        self.configured(server, ecr_immutable_tags=(analyzer_pb2.MANDATORY, {}))
        assert "ecr-immutable-tags" in found(server.Analyze(subject, None))

    def test_exemption_is_told_as_not_applicable(self, server: Any):
        exemption = {"urn": "*::jobs", "reason": "agreed", "until": "2026-12-31"}
        self.configured(server, ecr_immutable_tags=(analyzer_pb2.MANDATORY, {"exemptions": [exemption]}))
        response = server.Analyze(request(REPOSITORY, {"imageTagMutability": "MUTABLE"}), None)
        assert "ecr-immutable-tags" not in found(response)
        reasons = {item.policy_name: item.reason for item in response.not_applicable}
        assert reasons["ecr-immutable-tags"] == "exempted until 2026-12-31: agreed"

    def test_exemption_without_end(self, server: Any):
        exemption = {"urn": "*::jobs", "reason": "agreed"}
        self.configured(server, ecr_scan_on_push=(analyzer_pb2.MANDATORY, {"exemptions": [exemption]}))
        response = server.AnalyzeStack(stack_request((REPOSITORY, "jobs", {"name": "jobs"}, {})), None)
        reasons = {item.policy_name: item.reason for item in response.not_applicable}
        assert reasons["ecr-scan-on-push"] == "exempted: agreed"

    def test_numbers_of_a_setting_arrive_as_floats(self, server: Any):
        self.configured(server, ecr_lifecycle_effective=(analyzer_pb2.MANDATORY, {"mostImages": 5.0}))
        rules = (
            '{"rules": [{"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", '
            '"countNumber": 6}, "action": {"type": "expire"}}]}'
        )
        assert "ecr-lifecycle-effective" in found(server.Analyze(request(LIFECYCLE, {"policy": rules}), None))


class TestServer:
    def test_metadata_of_each_rule_is_told(self, server: Any):
        info = server.GetAnalyzerInfo(empty_pb2.Empty(), None)
        assert [policy.name for policy in info.policies] == [item.id for item in RULES]
        told = {policy.name: policy for policy in info.policies}["ecr-immutable-tags"]
        assert told.enforcementLevel == analyzer_pb2.MANDATORY
        assert told.severity == analyzer_pb2.POLICY_SEVERITY_HIGH
        assert told.displayName == "Immutable image tags"
        assert told.remediation_steps.startswith("Set imageTagMutability")
        assert told.url.startswith("https://docs.aws.amazon.com/")
        assert "exemptions" in told.configSchema.properties

    def test_nothing_is_remediated(self, server: Any):
        assert not server.Remediate(request(REPOSITORY, {"a": {SIGNATURE: SECRET, "value": 1}}), None).remediations

    def test_plugin_and_stack_calls_are_answered(self, server: Any):
        assert server.GetPluginInfo(empty_pb2.Empty(), None).version
        assert server.ConfigureStack(analyzer_pb2.AnalyzerStackConfigureRequest(stack="dev"), None) is not None

    def test_today_is_the_clocks_unless_given(self):
        pack = Pack([], None)
        assert abs(pack.now() - datetime.datetime.now(datetime.UTC).date()) <= datetime.timedelta(days=1)
        assert Pack([], TODAY).now() == TODAY

    def test_another_sdk_is_left_as_it_is(self):
        sdk = types.ModuleType("sdk")
        assert not dispatch(sdk, Pack(RULES))
        sdk.__dict__["_PolicyAnalyzerServicer"] = object
        assert not dispatch(sdk, Pack(RULES))
        assert vars(sdk)["_PolicyAnalyzerServicer"] is object

    def test_pinned_sdk_is_dispatched(self):
        assert isinstance(served(Pack(RULES)), Dispatcher)

    def test_both_ways_say_the_same(self):
        """Everything the rules say over a handful of resources, with and without the dispatcher."""
        requests = [
            request(REPOSITORY, {"imageTagMutability": UNKNOWN_TEXT, "name": "jobs", "n": 1.5, "l": [1, None, True]}),
            request(LIFECYCLE, {"policy": "{", "repository": "jobs"}, name="expiry"),
            request(
                "aws:lambda/function:Function", {"architectures": ["arm64"], "code": {SIGNATURE: ASSET, "text": "x"}}
            ),
            request("aws:ecrpublic/repository:Repository", {}),
        ]
        states = stack_request((REPOSITORY, "jobs", {"name": "jobs"}, {}), (LIFECYCLE, "expiry", {}, {}))
        answers: list[list[set[bytes]]] = []
        for dispatched in (True, False):
            server = served(Pack(RULES, TODAY), dispatched=dispatched)
            responses = [*(server.Analyze(item, None) for item in requests), server.AnalyzeStack(states, None)]
            answers.append(
                [
                    {entry.SerializeToString() for entry in (*response.diagnostics, *response.not_applicable)}
                    for response in responses
                ]
            )
        assert answers[0] == answers[1]


class TestWire:
    def test_every_kind_of_value_is_read(self):
        properties = {
            "text": "a",
            "whole": 1.0,
            "endless": float("inf"),
            "flag": True,
            "nothing": None,
            "list": [1, "[secret]"],
            "unknown": UNKNOWN_TEXT,
            "secret": {SIGNATURE: SECRET, "value": {"a": [1]}},
            "asset": {SIGNATURE: ASSET, "text": "x"},
            "empty asset": {SIGNATURE: ASSET, "hash": "x"},
            "strange": {SIGNATURE: "never-seen", "value": 1},
            "output": {SIGNATURE: "d0e6a833031e9bbcd3f4e8bde6ca49a4", "value": "x"},
            "unknown output": {SIGNATURE: "d0e6a833031e9bbcd3f4e8bde6ca49a4"},
            "reference": {SIGNATURE: "5cf8f73096256a8f31e491e813e4eb8e", "urn": "urn:x"},
        }
        read = read_struct(struct(properties))
        opaque = {key for key, value in read.items() if isinstance(value, Opaque)}
        assert opaque == {"asset", "empty asset", "strange"}
        assert {key: value for key, value in read.items() if key not in opaque} == {
            "text": "a",
            "whole": 1,
            "endless": float("inf"),
            "flag": True,
            "nothing": None,
            "list": [1, read["list"][1]],  # type: ignore[index]
            "unknown": UNKNOWN,
            "secret": {"a": [1]},
            "output": "x",
            "unknown output": UNKNOWN,
            "reference": "urn:x",
        }

    def test_value_of_no_kind_is_null(self):
        message = struct_pb2.Struct()
        message.fields["a"].SetInParent()
        assert read_struct(message) == {"a": None}

    def test_resource_of_a_stack_has_its_relations(self):
        message = stack_request((REPOSITORY, "jobs", {"a": 1}, {"a": [f"{REPOSITORY}::b"]}))
        item = message.resources[0]
        item.parent = "urn:parent"
        item.dependencies.append("urn:d")
        found = read_resource(item)
        assert (found.parent, found.dependencies) == ("urn:parent", {"urn:d"})
        assert found.property_dependencies == {"a": {f"urn:pulumi:dev::shop::{REPOSITORY}::b"}}
        assert found.provider == {}

    def test_state_is_completed_by_inputs(self):
        state: dict[str, object] = {"kept": 1, "null": None, "unknown": UNKNOWN, "open": UNKNOWN, "left": UNKNOWN}
        inputs = {"kept": 2, "null": 3, "unknown": 4, "open": UNKNOWN, "new": 5}
        assert completed(state, inputs) == {"kept": 1, "null": 3, "unknown": 4, "open": UNKNOWN, "new": 5}
        assert completed(state, None) == state
