"""No rule crashes, whatever it is given.

`EXAMPLES=300 pytest tests/policy/test_any_shape.py` looks deeper than the few examples of a usual run.
"""

import json
import os
import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.guardrails.catalogue import RULES
from policy.guardrails.resources import Resource, Stack
from policy.guardrails.rules import Exempted, NotApplicable, NotYetKnown, Rule, Violation, judge, message, not_yet_known
from policy.guardrails.values import UNKNOWN_SENTINELS, plain
from tests.policy.harness import TODAY, aws

WORDS = [
    *("Statement", "Effect", "Allow", "Deny", "Principal", "NotPrincipal", "Action", "NotAction", "Resource"),
    *("Condition", "StringEquals", "aws:PrincipalOrgID", "AWS", "Service", "Federated", "*", "arn:aws:iam::*:root"),
    *("rules", "rulePriority", "selection", "action", "type", "expire", "tagStatus", "any", "untagged", "tagged"),
    *("countType", "imageCountMoreThan", "sinceImagePushed", "countNumber", "countUnit", "days", "tagPrefixList"),
    *("paths", "/jobs", "get", "options", "security", "components", "securitySchemes", "apiKey", "x-api-key", "name"),
    *("in", "header", "$ref", "#/paths", "x-amazon-apigateway-integration", "x-amazon-apigateway-any-method"),
    *("tagPatternList", "storageClass", "archive", "transition", "targetStorageClass", "filter", "a.b/jobs:v1"),
    *("sinceImagePulled", "jobs", f"a.b/jobs@sha256:{'0a' * 32}", f"sha256:{'0a' * 32}", "MUTABLE"),
    *("runtimePlatform", "cpuArchitecture", "ARM64", "taskProperties", "containers", "image", "nodeRangeProperties"),
    *("container", "environment", "value", "secrets", "logConfiguration", "logDriver", "options", "FARGATE", "EC2"),
    *("true", "false", "1", "0", "-1", "ENABLED", "", "[secret]", "arm64", "m5.large", "c7g", "OPTIONS", "POST"),
    *("{", "[]", "{}", "a: [", "null", "\u0000", "🚢", "a" * 300, "0.0.0.0/0", "::/0"),
]
PROPERTIES = sorted(
    {
        *("policy", "repository", "repositoryPolicy", "lifecyclePolicy", "imageTagMutability", "httpMethod", "body"),
        *("imageScanningConfiguration", "encryptionConfigurations", "encryptionConfiguration", "apiKeyRequired"),
        *("restApi", "restApiId", "resourceId", "type", "apiStages", "throttleSettings", "keyId", "usagePlanId"),
        *("enabled", "stageName", "triggers", "settings", "methodPath", "accessLogSettings", "architectures"),
        *("containerProperties", "ecsProperties", "nodeProperties", "eksProperties", "platformCapabilities", "timeout"),
        *(
            "retryStrategy",
            "computeResources",
            "runtimePlatform",
            "containerDefinitions",
            "platforms",
            "build",
            "sources",
        ),
        *("imageUri", "assumeRolePolicy", "inlinePolicies", "managedPolicyArns", "policyArn", "principal", "sourceArn"),
        *("functionUrlAuthType", "authorizationType", "protocolType", "requestModels", "requestValidatorId", "rules"),
        *(
            "validateRequestBody",
            "responseType",
            "responseParameters",
            "resourceArn",
            "authorization",
            "name",
            "bucket",
        ),
        *("origins", "defaultCacheBehavior", "orderedCacheBehaviors", "viewerCertificate", "ingress", "cidrBlocks"),
        *("environment", "buildArgs", "secrets", "retentionInDays", "runtime", "tags", "tagsAll", "region", "acl"),
        *("blockPublicAcls", "versioning", "versioningConfiguration", "website", "deploymentCircuitBreaker", "layers"),
        *("imageTagMutabilityExclusionFilters", "repositoryUrl", "digest", "imageName", "exports"),
        *("networkConfiguration", "kmsMasterKeyId", "reservedConcurrentExecutions", "compatibleArchitectures"),
    }
)

sentinels = st.sampled_from(sorted(UNKNOWN_SENTINELS))
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 100_000),
    st.floats(),
    st.sampled_from(WORDS),
    st.text(string.printable, max_size=8),
    sentinels,
)
keys = st.one_of(st.sampled_from(WORDS), st.sampled_from(PROPERTIES))


def nested(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.lists(children, max_size=3),
        st.dictionaries(keys, children, max_size=4),
        # JSON inside a string, as policies and container definitions arrive.
        st.dictionaries(keys, children, max_size=3).map(lambda value: json.dumps(value, default=str)),
        st.lists(children, max_size=3).map(lambda value: json.dumps(value, default=str)),
    )


shapes = st.recursive(scalars, nested, max_leaves=12)
properties = st.dictionaries(st.sampled_from(PROPERTIES), shapes, max_size=6)
KINDS = sorted({kind for rule in RULES for kind in rule.kinds if "*" not in kind})
EXAMPLES = int(os.environ.get("EXAMPLES", "8"))
quick = settings(max_examples=EXAMPLES)


def token(kind: str) -> str:
    if kind.startswith("aws-native:"):
        return kind
    if kind.startswith("docker"):
        package, _, name = kind.partition(":")
        return f"{package}:index:{name}"
    return aws(kind)


def made(kind: str, values: dict[str, Any], name: str, origin: str = "") -> Resource:
    converted = plain(values)
    assert isinstance(converted, dict)
    type_ = token(kind)
    return Resource(
        urn=f"urn:pulumi:dev::shop::{type_}::{name}",
        type=type_,
        name=name,
        properties=converted,
        property_dependencies={key: frozenset({origin}) for key in values if origin},
    )


def subjects(rule: Rule) -> list[str]:
    kinds = [kind for kind in rule.kinds if "*" not in kind]
    return kinds or ["ecrpublic:Repository", "ecr:Repository", "s3:Bucket"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_any_shape_gets_a_verdict(rule: Rule):
    @quick
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        kind = data.draw(st.sampled_from(subjects(rule)))
        subject = made(kind, data.draw(properties), "subject")
        others = [
            made(data.draw(st.sampled_from(KINDS)), data.draw(properties), f"other-{index}", subject.urn)
            for index in range(2 if rule.is_stack_rule else 0)
        ]
        outcomes = judge(rule, subject, stack=Stack([subject, *others]), today=TODAY)
        for outcome in outcomes:
            assert isinstance(outcome, (Violation, NotYetKnown, NotApplicable, Exempted))
            if isinstance(outcome, Violation):
                assert "the rule itself failed" not in outcome.found, outcome.found
                text = message(rule, subject, outcome)
                assert subject.label in text
                assert len(text) < 2000
            if isinstance(outcome, NotYetKnown):
                assert outcome.path
                assert not_yet_known(subject, outcome)
            if isinstance(outcome, NotApplicable):
                assert outcome.reason

    check()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_configuration_of_any_shape_gets_a_verdict(rule: Rule):
    @settings(quick, max_examples=max(3, EXAMPLES // 4))
    @given(
        config=st.dictionaries(st.sampled_from([*rule.full_schema, "other"]), shapes, max_size=3),
        values=properties,
    )
    def check(config: dict[str, Any], values: dict[str, Any]) -> None:
        subject = made(subjects(rule)[0], values, "subject")
        for outcome in judge(rule, subject, config=config, today=TODAY):
            assert "the rule itself failed" not in getattr(outcome, "found", "")

    check()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
@pytest.mark.parametrize("unknown", [*sorted(UNKNOWN_SENTINELS)[:1], "[secret]"])
def test_property_that_can_not_be_read_is_never_called_a_pass_of_the_property(rule: Rule, unknown: str):
    """With every property unreadable a rule may refuse, say what it waits for, or not apply: it must not raise."""
    subject = made(subjects(rule)[0], dict.fromkeys(PROPERTIES, unknown), "subject")
    outcomes = judge(rule, subject, stack=Stack([subject]), today=TODAY)
    assert all("the rule itself failed" not in getattr(outcome, "found", "") for outcome in outcomes)
