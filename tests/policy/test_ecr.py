"""ECR rules: what they accept, what they refuse, and what they leave open."""

import dataclasses
import json
from typing import Any

import pytest

from policy.guardrails import ecr
from tests.policy.harness import UNKNOWN, UNKNOWN_TEXT, resource, verdict

ORGANISATION = {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}


def repository(label: str = "jobs", **properties: Any):
    return resource("ecr:Repository", {"name": label, **properties}, name=label)


class TestNoPublicRegistry:
    @pytest.mark.parametrize(
        "token",
        [
            "aws:ecrpublic/repository:Repository",
            "aws:ecrpublic/repositoryPolicy:RepositoryPolicy",
            "aws-native:ecr:PublicRepository",
        ],
    )
    def test_public_resource_is_refused_whatever_it_holds(self, token: str):
        subject = resource(token, {"repositoryName": UNKNOWN_TEXT})
        assert verdict(ecr.NO_PUBLIC_REGISTRY, subject).found == [f"is a public registry resource ({token})"]

    def test_private_repository_is_not_its_subject(self):
        assert verdict(ecr.NO_PUBLIC_REGISTRY, repository()).status == "not applicable"


def policy(statement: Any, kind: str = "ecr:RepositoryPolicy", **properties: Any):
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    return resource(kind, {"policy": document, **properties})


def allow(principal: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": "ecr:BatchGetImage", **more}


class TestPolicyNoWildcard:
    @pytest.mark.parametrize(
        "principal",
        [
            "*",
            {"AWS": "*"},
            {"AWS": ["arn:aws:iam::123456789012:root", "*"]},
            {"AWS": "arn:aws:iam::*:root"},
            {"AWS": "arn:aws:iam::1234567890??:root"},
            {"AWS": "12345678901?"},
            {"AWS": "arn:aws:iam"},
            {"Service": "*"},
            {"Service": ["lambda.amazonaws.com"], "AWS": ["*"]},
        ],
    )
    def test_principal_that_is_anybody_is_refused(self, principal: Any):
        assert verdict(ecr.POLICY_NO_WILDCARD, policy([allow(principal)])).status == "violation"

    @pytest.mark.parametrize(
        "principal",
        [
            {"AWS": "123456789012"},
            {"AWS": 123456789012},
            {"AWS": "arn:aws:iam::123456789012"},
            {"AWS": "arn:aws:iam::123456789012:role/*"},
            {"AWS": ["arn:aws:iam::123456789012:root", "arn:aws-cn:iam::123456789012:role/pull"]},
            {"Service": "lambda.amazonaws.com"},
        ],
    )
    def test_listed_principal_passes(self, principal: Any):
        assert verdict(ecr.POLICY_NO_WILDCARD, policy([allow(principal)])).status == "pass"

    def test_statement_may_be_one_object(self):
        assert verdict(ecr.POLICY_NO_WILDCARD, policy(allow("*"))).status == "violation"

    def test_deny_for_everybody_passes(self):
        statement = {**allow("*"), "Effect": "Deny"}
        assert verdict(ecr.POLICY_NO_WILDCARD, policy([statement])).status == "pass"

    def test_not_principal_is_refused(self):
        statement = {"Effect": "Allow", "NotPrincipal": {"AWS": "123456789012"}, "Action": "ecr:*"}
        assert verdict(ecr.POLICY_NO_WILDCARD, policy([statement])).status == "violation"

    def test_no_principal_is_refused(self):
        assert verdict(ecr.POLICY_NO_WILDCARD, policy([{"Effect": "Allow", "Action": "ecr:*"}])).status == "violation"

    @pytest.mark.parametrize(
        "condition",
        [
            ORGANISATION,
            {"StringLike": {"AWS:principalorgid": ["o-a1b2c3d4e5"]}},
            {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5/r-ab12/*"}},
            {"StringEquals": {"aws:PrincipalAccount": ["123456789012", "210987654321"]}},
            {"ArnLike": {"aws:SourceArn": "arn:aws:lambda:eu-central-1:123456789012:function:*"}},
            {"StringEquals": {"aws:SourceVpce": "vpce-0a1b2c3d"}},
            {"Bool": {"aws:SecureTransport": "true"}, **ORGANISATION},
        ],
    )
    def test_condition_on_listed_callers_narrows(self, condition: Any):
        assert verdict(ecr.POLICY_NO_WILDCARD, policy([allow("*", Condition=condition)])).status == "pass"

    @pytest.mark.parametrize(
        "condition",
        [
            {"StringLike": {"aws:PrincipalOrgID": "*"}},
            {"StringEquals": {"aws:PrincipalOrgID": ["o-a1b2c3d4e5", "*"]}},
            {"StringEquals": {"aws:PrincipalOrgID": []}},
            {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}},
            {"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}},
            {"StringNotEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}},
            {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/pull"}},
            {"StringLike": {"aws:SourceAccount": "*"}},
            {"Bool": {"aws:SecureTransport": "true"}},
            {},
        ],
    )
    def test_condition_that_holds_for_strangers_does_not_narrow(self, condition: Any):
        assert verdict(ecr.POLICY_NO_WILDCARD, policy([allow("*", Condition=condition)])).status == "violation"

    def test_registry_policy_and_template_are_judged(self):
        assert verdict(ecr.POLICY_NO_WILDCARD, policy([allow("*")], "ecr:RegistryPolicy")).status == "violation"
        template = resource(
            "ecr:RepositoryCreationTemplate", {"repositoryPolicy": json.dumps({"Statement": [allow("*")]})}
        )
        assert verdict(ecr.POLICY_NO_WILDCARD, template).found == [
            "repositoryPolicy.Statement[0].Principal allows AWS '*', narrowed by no condition that names its callers"
        ]

    def test_template_without_policy_is_not_applicable(self):
        assert verdict(ecr.POLICY_NO_WILDCARD, resource("ecr:RepositoryCreationTemplate")).status == "not applicable"

    def test_document_as_an_object_is_read(self):
        subject = resource("ecr:RepositoryPolicy", {"policy": {"Statement": allow("*")}})
        assert verdict(ecr.POLICY_NO_WILDCARD, subject).status == "violation"

    @pytest.mark.parametrize("text", ["{", "[]", '"*"', "{}", "", '{"Statement": [7]}'])
    def test_document_that_is_none_is_refused(self, text: str):
        assert verdict(ecr.POLICY_NO_WILDCARD, resource("ecr:RepositoryPolicy", {"policy": text})).status == "violation"

    def test_missing_policy_is_refused(self):
        assert verdict(ecr.POLICY_NO_WILDCARD, resource("ecr:RepositoryPolicy")).status == "violation"

    @pytest.mark.parametrize("value", [UNKNOWN_TEXT, "[secret]"])
    def test_unreadable_policy_is_not_yet_known(self, value: str):
        subject = resource("ecr:RepositoryPolicy", {"policy": value})
        assert verdict(ecr.POLICY_NO_WILDCARD, subject).unknown == ["policy"]

    def test_unknown_principal_hides_no_other_statement(self):
        subject = resource(
            "ecr:RepositoryPolicy", {"policy": {"Statement": [allow({"AWS": UNKNOWN_TEXT}), allow("*")]}}
        )
        answer = verdict(ecr.POLICY_NO_WILDCARD, subject)
        assert answer.unknown == ["policy.Statement[0].Principal.AWS"]
        assert len(answer.found) == 1


class TestLifecyclePresent:
    def test_policy_that_names_it_passes(self):
        policy = resource("ecr:LifecyclePolicy", {"repository": "jobs"}, name="expiry")
        assert verdict(ecr.LIFECYCLE_PRESENT, repository(), policy).status == "pass"

    def test_no_policy_is_a_violation(self):
        assert verdict(ecr.LIFECYCLE_PRESENT, repository()).found == [
            "no lifecycle policy names it (there is none in the stack)"
        ]

    def test_policy_of_another_repository_does_not_count(self):
        policy = resource("ecr:LifecyclePolicy", {"repository": "others"}, name="expiry")
        assert verdict(ecr.LIFECYCLE_PRESENT, repository(), policy).found == [
            "no lifecycle policy names it (1 in the stack name other repositories)"
        ]

    def test_policy_in_another_region_does_not_count(self):
        policy = resource("ecr:LifecyclePolicy", {"repository": "jobs", "region": "eu-west-1"})
        subject = resource("ecr:Repository", {"name": "jobs"}, provider={"region": "eu-central-1"})
        assert verdict(ecr.LIFECYCLE_PRESENT, subject, policy).status == "violation"

    def test_unknown_name_is_followed_by_property_dependencies(self):
        jobs, others = repository("jobs", name=UNKNOWN_TEXT), repository("others", name=UNKNOWN_TEXT)
        policy = resource("ecr:LifecyclePolicy", {"repository": UNKNOWN_TEXT}, depends={"repository": [jobs]})
        assert verdict(ecr.LIFECYCLE_PRESENT, jobs, others, policy).status == "pass"
        assert verdict(ecr.LIFECYCLE_PRESENT, others, jobs, policy).status == "violation"

    def test_reference_that_the_state_lacks_is_followed_too(self):
        jobs = repository("jobs")
        policy = resource("ecr:LifecyclePolicy", {}, depends={"repository": [jobs]})
        assert verdict(ecr.LIFECYCLE_PRESENT, jobs, policy).status == "pass"

    def test_policies_of_two_components_may_have_one_name(self):
        owner = resource("shop:index:Registry", name="registry")
        mine = resource("ecr:LifecyclePolicy", {"repository": "jobs"}, name="expiry")
        other = dataclasses.replace(mine, urn=f"{mine.urn}-other", properties={"repository": "x"}, parent=owner.urn)
        assert verdict(ecr.LIFECYCLE_PRESENT, repository("jobs"), mine, other).status == "pass"
        assert verdict(ecr.LIFECYCLE_PRESENT, repository("x"), mine, other).status == "pass"

    def test_unknown_name_of_unknown_origin_is_not_yet_known(self):
        policy = resource("ecr:LifecyclePolicy", {"repository": UNKNOWN_TEXT}, name="expiry")
        assert verdict(ecr.LIFECYCLE_PRESENT, repository(), policy).unknown == ["repository"]

    def test_component_of_another_language_as_origin_is_not_yet_known(self):
        component = resource("shop:index:Registry", name="registry")
        jobs = resource("ecr:Repository", {"name": UNKNOWN_TEXT}, parent=component)
        policy = resource("ecr:LifecyclePolicy", {"repository": UNKNOWN_TEXT}, depends={"repository": [component]})
        assert verdict(ecr.LIFECYCLE_PRESENT, jobs, component, policy).status == "unknown"

    def test_other_kinds_are_not_applicable(self):
        assert verdict(ecr.LIFECYCLE_PRESENT, resource("s3:Bucket")).status == "not applicable"


class TestImmutableTags:
    @pytest.mark.parametrize(
        "properties",
        [
            {"imageTagMutability": "IMMUTABLE"},
            {
                "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
                "imageTagMutabilityExclusionFilters": [{"filter": "cache*", "filterType": "WILDCARD"}],
            },
        ],
    )
    def test_immutable_passes(self, properties: Any):
        assert verdict(ecr.IMMUTABLE_TAGS, repository(**properties)).status == "pass"

    @pytest.mark.parametrize(
        ("properties", "found"),
        [
            ({}, "imageTagMutability is not set, so tags are mutable"),
            ({"imageTagMutability": "MUTABLE"}, "imageTagMutability is 'MUTABLE'"),
            ({"imageTagMutability": "MUTABLE_WITH_EXCLUSION"}, "imageTagMutability is 'MUTABLE_WITH_EXCLUSION'"),
            (
                {
                    "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
                    "imageTagMutabilityExclusionFilters": [{"filter": "**"}],
                },
                "imageTagMutabilityExclusionFilters[0].filter excludes every tag",
            ),
        ],
    )
    def test_mutable_is_refused(self, properties: Any, found: str):
        assert verdict(ecr.IMMUTABLE_TAGS, repository(**properties)).found == [found]

    def test_unknown_is_not_yet_known(self):
        assert verdict(ecr.IMMUTABLE_TAGS, repository(imageTagMutability=UNKNOWN)).unknown == ["imageTagMutability"]

    def test_other_kinds_are_not_applicable(self):
        assert verdict(ecr.IMMUTABLE_TAGS, resource("ecr:LifecyclePolicy")).status == "not applicable"


def scanning(pattern: str, frequency: str = "SCAN_ON_PUSH", **properties: Any):
    rule = {"scanFrequency": frequency, "repositoryFilters": [{"filter": pattern, "filterType": "WILDCARD"}]}
    return resource("ecr:RegistryScanningConfiguration", {"rules": [rule], **properties}, name="registry")


class TestScanOnPush:
    def test_scan_on_push_passes(self):
        assert verdict(ecr.SCAN_ON_PUSH, repository(imageScanningConfiguration={"scanOnPush": True})).status == "pass"

    @pytest.mark.parametrize("configuration", [None, {}, {"scanOnPush": False}])
    def test_without_scan_is_refused(self, configuration: Any):
        assert verdict(ecr.SCAN_ON_PUSH, repository(imageScanningConfiguration=configuration)).status == "violation"

    @pytest.mark.parametrize("pattern", ["*", "jobs", "job", "j*s", "*obs", "jo*"])
    def test_registry_scanning_that_covers_it_passes(self, pattern: str):
        assert verdict(ecr.SCAN_ON_PUSH, repository(), scanning(pattern)).status == "pass"
        assert verdict(ecr.SCAN_ON_PUSH, repository(), scanning(pattern, "CONTINUOUS_SCAN")).status == "pass"

    @pytest.mark.parametrize("pattern", ["others", "s*j", "*job", "obs*"])
    def test_registry_scanning_of_others_does_not_count(self, pattern: str):
        assert verdict(ecr.SCAN_ON_PUSH, repository(), scanning(pattern)).status == "violation"

    def test_manual_scanning_does_not_count(self):
        assert verdict(ecr.SCAN_ON_PUSH, repository(), scanning("*", "MANUAL")).status == "violation"

    def test_registry_of_another_region_does_not_count(self):
        subject = repository(region="eu-central-1")
        assert verdict(ecr.SCAN_ON_PUSH, subject, scanning("*", region="eu-west-1")).status == "violation"
        assert verdict(ecr.SCAN_ON_PUSH, subject, scanning("*", region="eu-central-1")).status == "pass"

    def test_any_rule_and_any_filter_of_a_registry_counts(self):
        manual = {"scanFrequency": "MANUAL", "repositoryFilters": [{"filter": "*"}]}
        on_push = {"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": "others"}, {"filter": "jobs"}]}
        registry = resource("ecr:RegistryScanningConfiguration", {"rules": [{}, manual, on_push]})
        assert verdict(ecr.SCAN_ON_PUSH, repository(), registry).status == "pass"
        assert verdict(ecr.SCAN_ON_PUSH, repository(), resource(registry.type)).status == "violation"

    def test_unnamed_repository_is_scanned_only_by_a_filter_for_all(self):
        subject = resource("ecr:Repository", {"name": UNKNOWN})
        assert verdict(ecr.SCAN_ON_PUSH, subject, scanning("*")).status == "pass"
        assert verdict(ecr.SCAN_ON_PUSH, subject, scanning("jobs")).unknown == ["name"]
        own = resource("ecr:Repository", {"name": UNKNOWN, "imageScanningConfiguration": {"scanOnPush": True}})
        assert verdict(ecr.SCAN_ON_PUSH, own, scanning("jobs")).status == "pass"

    def test_unknown_flag_is_not_yet_known(self):
        subject = repository(imageScanningConfiguration={"scanOnPush": UNKNOWN})
        assert verdict(ecr.SCAN_ON_PUSH, subject).unknown == ["imageScanningConfiguration.scanOnPush"]
        assert verdict(ecr.SCAN_ON_PUSH, subject, scanning("*")).status == "pass"
        subject = repository(imageScanningConfiguration=UNKNOWN)
        assert verdict(ecr.SCAN_ON_PUSH, subject).unknown == ["imageScanningConfiguration"]


class TestKms:
    @pytest.mark.parametrize("encryption", ["KMS", "KMS_DSSE"])
    def test_kms_passes(self, encryption: str):
        subject = repository(encryptionConfigurations=[{"encryptionType": encryption}])
        assert verdict(ecr.KMS, subject).status == "pass"

    @pytest.mark.parametrize("configurations", [None, [], [{}], [{"encryptionType": "AES256"}]])
    def test_anything_else_is_shown(self, configurations: Any):
        assert verdict(ecr.KMS, repository(encryptionConfigurations=configurations)).status == "violation"

    def test_template_is_judged_by_the_same_list(self):
        kind = "ecr:RepositoryCreationTemplate"
        subject = resource(kind, {"encryptionConfigurations": [{"encryptionType": "KMS"}]})
        assert verdict(ecr.KMS, subject).status == "pass"
        assert verdict(ecr.KMS, resource(kind)).found == ["encryptionConfigurations is not set, so AES256 applies"]

    def test_unknown_is_not_yet_known(self):
        assert verdict(ecr.KMS, repository(encryptionConfigurations=UNKNOWN)).status == "unknown"
