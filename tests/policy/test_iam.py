"""IAM rules: permissions, passed roles, trust, users and administrators."""

import json
from typing import Any

import pytest
from policy_sentry.querying.actions import get_action_data

from policy.guardrails import iam
from policy.guardrails.iam_actions import WITHOUT_RESOURCE
from policy.guardrails.resources import Resource
from tests.policy.harness import UNKNOWN, UNKNOWN_TEXT, resource, verdict

BUCKET = "arn:aws:s3:::bucket/*"
HOLDERS = ("iam:Policy", "iam:RolePolicy", "iam:UserPolicy", "iam:GroupPolicy")


def grant(actions: Any, resources: Any = BUCKET, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def policy(*statements: Any, kind: str = "iam:RolePolicy") -> Resource:
    return resource(kind, {"policy": json.dumps({"Version": "2012-10-17", "Statement": list(statements)})})


def role(*statements: Any, **properties: Any) -> Resource:
    inline = [{"name": "inline", "policy": json.dumps({"Statement": list(statements)})}] if statements else None
    return resource("iam:Role", {"inlinePolicies": inline, "assumeRolePolicy": "{}", **properties})


class TestNoStar:
    @pytest.mark.parametrize("kind", HOLDERS)
    def test_listed_actions_on_listed_resources_pass(self, kind: str):
        assert verdict(iam.NO_STAR, policy(grant(["s3:GetObject", "s3:PutObject"]), kind=kind)).status == "pass"
        assert verdict(iam.NO_STAR, policy(grant("s3:*"), kind=kind)).status == "violation"

    @pytest.mark.parametrize("action", ["*", "s3:*", "*:*", "s3:**", "s*:GetObject"])
    def test_wildcard_of_a_service_is_refused(self, action: str):
        assert verdict(iam.NO_STAR, policy(grant(["s3:GetObject", action]))).found == [
            f"policy.Statement[0].Action[1] is '{action}'"
        ]

    def test_wildcard_within_a_verb_needs_a_resource(self):
        assert verdict(iam.NO_STAR, policy(grant("s3:Get*"))).status == "pass"
        assert verdict(iam.NO_STAR, policy(grant("s3:Get*", "*"))).status == "violation"

    @pytest.mark.parametrize(
        "star",
        [
            "*",
            "**",
            "arn:*",
            "arn:aws:s3:::*",
            "arn:aws:s3:::*/*",
            "arn:aws:s3::*",
            "arn:aws:logs:eu-central-1:123456789012:*:*",
            "arn:aws:x:::*/*:*",
            "arn:aws:logs:*:*:*",
            "arn:aws:sqs:eu-central-1:123456789012:*",
        ],
    )
    def test_every_resource_is_refused(self, star: str):
        assert verdict(iam.NO_STAR, policy(grant("sqs:SendMessage", ["arn:aws:sqs:::q", star]))).found == [
            f"policy.Statement[0].Resource[1] is '{star}' for 'sqs:SendMessage'"
        ]

    @pytest.mark.parametrize(
        "named",
        [
            "arn:aws:s3:::bucket/*",
            "arn:aws:lambda:eu-central-1:123456789012:function:*",
            "arn:aws:iam::1:role/x",
            "arn:aws:s3:::",
        ],
    )
    def test_resource_with_a_name_passes(self, named: str):
        assert verdict(iam.NO_STAR, policy(grant("s3:GetObject", named))).status == "pass"

    @pytest.mark.parametrize("action", ["ecr:GetAuthorizationToken", "batch:DescribeJobs", "BATCH:listjobs"])
    def test_action_that_takes_no_resource_passes(self, action: str):
        assert verdict(iam.NO_STAR, policy(grant(action, "*"))).status == "pass"

    def test_one_other_action_beside_it_is_refused(self):
        assert verdict(iam.NO_STAR, policy(grant(["batch:DescribeJobs", "batch:SubmitJob"], "*"))).found == [
            "policy.Statement[0].Resource is '*' for 'batch:SubmitJob'"
        ]

    def test_many_actions_are_shortened(self):
        actions = ["sqs:A", "sqs:B", "sqs:C", "sqs:D"]
        assert verdict(iam.NO_STAR, policy(grant(actions, "*"))).found == [
            "policy.Statement[0].Resource is '*' for 'sqs:A, sqs:B, sqs:C and others'"
        ]
        assert verdict(iam.NO_STAR, policy(grant(actions[:3], "*"))).found == [
            "policy.Statement[0].Resource is '*' for 'sqs:A, sqs:B, sqs:C'"
        ]

    def test_everything_on_everything_is_said_once(self):
        assert verdict(iam.NO_STAR, policy(grant("*", "*"))).found == ["policy.Statement[0].Action is '*'"]

    def test_further_actions_are_a_setting(self):
        subject = policy(grant("ce:GetCostAndUsage", "*"))
        assert verdict(iam.NO_STAR, subject).status == "violation"
        config = {"actionsWithoutResource": ["ce:getcostandusage"]}
        assert verdict(iam.NO_STAR, subject, config=config).status == "pass"

    @pytest.mark.parametrize("key", ["NotAction", "NotResource"])
    def test_exclusions_are_refused(self, key: str):
        statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": BUCKET, key: "iam:*"}
        assert verdict(iam.NO_STAR, policy(statement)).found == [f"policy.Statement[0].{key} allows everything else"]

    def test_denying_everything_passes(self):
        assert verdict(iam.NO_STAR, policy({"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"})).status == "pass"

    def test_inline_policies_of_a_role_count(self):
        assert verdict(iam.NO_STAR, role(grant("s3:*"))).status == "violation"
        assert verdict(iam.NO_STAR, role(grant("s3:GetObject"))).status == "pass"
        assert verdict(iam.NO_STAR, role()).status == "not applicable"

    @pytest.mark.parametrize("text", ["{", "[]", "{}", ""])
    def test_document_that_is_none_is_refused(self, text: str):
        assert verdict(iam.NO_STAR, resource("iam:Policy", {"policy": text})).status == "violation"

    def test_unknown_resource_hides_no_star(self):
        answer = verdict(iam.NO_STAR, resource("iam:Policy", {"policy": {"Statement": grant("s3:*", UNKNOWN_TEXT)}}))
        assert answer.found == ["policy.Statement.Action is 's3:*'"]
        assert answer.unknown == ["policy.Statement.Resource"]

    def test_unknown_document_is_not_yet_known(self):
        assert verdict(iam.NO_STAR, resource("iam:Policy", {"policy": UNKNOWN})).unknown == ["policy"]

    def test_other_kinds_are_not_applicable(self):
        assert verdict(iam.NO_STAR, resource("iam:InstanceProfile")).status == "not applicable"


def test_listed_actions_take_no_resource():
    """Against the service authorization reference, as policy-sentry packages it."""
    for service, names in WITHOUT_RESOURCE.items():
        for name in names:
            data = get_action_data(service, name)
            assert data, f"{service}:{name} doesn't exist"
            assert {row["resource_arn_format"] for row in data[service]} == {"*"}, f"{service}:{name}"


class TestPassroleScoped:
    @pytest.mark.parametrize("action", ["iam:PassRole", "iam:passrole", "iam:Pass*", "iam:*", "*"])
    @pytest.mark.parametrize(
        "target",
        [
            "*",
            "arn:aws:iam::*:role/*",
            "arn:aws:iam::123456789012:role/*",
            "arn:aws:iam::1:*",
            "arn:aws:iam::1:role/*/*",
        ],
    )
    def test_passing_any_role_is_refused(self, action: str, target: str):
        assert verdict(iam.PASSROLE_SCOPED, policy(grant(["s3:GetObject", action], target))).found == [
            f"policy.Statement[0].Resource lets it pass '{target}'"
        ]

    @pytest.mark.parametrize(
        "target", ["arn:aws:iam::123456789012:role/job", "arn:aws:iam::123456789012:role/slipway-*"]
    )
    def test_passing_listed_roles_passes(self, target: str):
        assert verdict(iam.PASSROLE_SCOPED, policy(grant("iam:PassRole", target))).status == "pass"

    def test_other_actions_pass(self):
        assert verdict(iam.PASSROLE_SCOPED, policy(grant("iam:GetRole", "*"))).status == "pass"

    def test_exclusions_are_seen_through(self):
        not_action = {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}
        assert verdict(iam.PASSROLE_SCOPED, policy(not_action)).status == "violation"
        not_iam = {"Effect": "Allow", "NotAction": ["s3:*", "iam:*"], "Resource": "*"}
        assert verdict(iam.PASSROLE_SCOPED, policy(not_iam)).status == "pass"
        not_resource = {"Effect": "Allow", "Action": "iam:PassRole", "NotResource": "arn:aws:iam::1:role/admin"}
        assert verdict(iam.PASSROLE_SCOPED, policy(not_resource)).found == [
            "policy.Statement[0].NotResource leaves every other role"
        ]

    def test_deny_passes(self):
        statement = {**grant("iam:PassRole", "*"), "Effect": "Deny"}
        assert verdict(iam.PASSROLE_SCOPED, policy(statement)).status == "pass"

    def test_inline_policies_of_a_role_count(self):
        assert verdict(iam.PASSROLE_SCOPED, role(grant("iam:PassRole", "*"))).status == "violation"
        assert verdict(iam.PASSROLE_SCOPED, role()).status == "not applicable"

    def test_unknown_role_is_not_yet_known(self):
        subject = resource("iam:Policy", {"policy": {"Statement": grant("iam:PassRole", [UNKNOWN_TEXT, "*"])}})
        answer = verdict(iam.PASSROLE_SCOPED, subject)
        assert answer.unknown == ["policy.Statement.Resource[0]"]
        assert len(answer.found) == 1

    def test_other_kinds_are_not_applicable(self):
        assert verdict(iam.PASSROLE_SCOPED, resource("iam:InstanceProfile")).status == "not applicable"


GITHUB = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
SUB = "token.actions.githubusercontent.com:sub"
EXACT = "repo:acme/shop:ref:refs/heads/main"


def trusting(principal: Any, condition: Any = None, **more: Any) -> Resource:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}
    if condition is not None:
        statement["Condition"] = condition
    return resource("iam:Role", {"assumeRolePolicy": json.dumps({"Statement": [statement]})})


class TestTrustScoped:
    @pytest.mark.parametrize(
        "principal",
        [
            {"Service": "lambda.amazonaws.com"},
            {"AWS": "arn:aws:iam::123456789012:role/deploy"},
            {"AWS": "123456789012"},
            {"Federated": "arn:aws:iam::123456789012:saml-provider/corp"},
        ],
    )
    def test_listed_principal_passes(self, principal: Any):
        assert verdict(iam.TRUST_SCOPED, trusting(principal)).status == "pass"

    @pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": ["123456789012", "*"]}, {"Service": "*"}])
    def test_anybody_is_refused(self, principal: Any):
        assert verdict(iam.TRUST_SCOPED, trusting(principal)).status == "violation"

    def test_anybody_of_an_organisation_passes(self):
        condition = {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}
        assert verdict(iam.TRUST_SCOPED, trusting("*", condition)).status == "pass"

    def test_not_principal_is_refused(self):
        subject = resource(
            "iam:Role",
            {"assumeRolePolicy": {"Statement": {"Effect": "Allow", "NotPrincipal": {"AWS": "1"}, "Action": "sts:*"}}},
        )
        assert verdict(iam.TRUST_SCOPED, subject).found == [
            "assumeRolePolicy.Statement.NotPrincipal trusts everybody else"
        ]

    @pytest.mark.parametrize(
        "condition",
        [
            {"StringEquals": {SUB: EXACT}},
            {"StringLike": {SUB: EXACT}},
            {"StringEquals": {SUB.upper(): [EXACT, EXACT + "2"]}},
            {"ForAnyValue:StringEquals": {SUB: EXACT}},
            {"Bool": {"aws:SecureTransport": "true"}, "StringEquals": {SUB: EXACT}},
        ],
    )
    def test_exact_subject_passes(self, condition: Any):
        assert verdict(iam.TRUST_SCOPED, trusting({"Federated": GITHUB}, condition)).status == "pass"

    @pytest.mark.parametrize(
        "condition",
        [
            None,
            {},
            {"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}},
            {"StringLike": {SUB: "repo:acme/*"}},
            {"StringEquals": {SUB: "*"}},
            {"StringEquals": {SUB: [EXACT, "repo:?/shop"]}},
            {"StringEquals": {SUB: []}},
            {"StringEquals": {SUB: ""}},
            {"StringEqualsIfExists": {SUB: EXACT}},
            {"ForAllValues:StringEquals": {SUB: EXACT}},
            {"StringNotEquals": {SUB: EXACT}},
        ],
    )
    def test_provider_without_exact_subject_is_refused(self, condition: Any):
        assert verdict(iam.TRUST_SCOPED, trusting({"Federated": GITHUB}, condition)).found == [
            "assumeRolePolicy.Statement[0].Principal.Federated trusts every identity of "
            "'token.actions.githubusercontent.com'"
        ]

    @pytest.mark.parametrize(
        ("provider", "key"),
        [
            ("cognito-identity.amazonaws.com", "cognito-identity.amazonaws.com:aud"),
            ("accounts.google.com", "accounts.google.com:aud"),
        ],
    )
    def test_providers_with_another_key(self, provider: str, key: str):
        assert verdict(iam.TRUST_SCOPED, trusting({"Federated": provider})).status == "violation"
        condition = {"StringEquals": {key: "app"}}
        assert verdict(iam.TRUST_SCOPED, trusting({"Federated": provider}, condition)).status == "pass"
        assert verdict(iam.TRUST_SCOPED, trusting({"Federated": GITHUB}, condition)).status == "violation"

    def test_deny_passes(self):
        assert verdict(iam.TRUST_SCOPED, trusting("*", Effect="Deny")).status == "pass"

    def test_unknown_principal_hides_no_other(self):
        subject = resource(
            "iam:Role",
            {"assumeRolePolicy": {"Statement": {"Effect": "Allow", "Principal": {"AWS": [UNKNOWN_TEXT, "*"]}}}},
        )
        answer = verdict(iam.TRUST_SCOPED, subject)
        assert answer.unknown == ["assumeRolePolicy.Statement.Principal.AWS[0]"]
        assert len(answer.found) == 1

    def test_missing_document_is_refused(self):
        assert verdict(iam.TRUST_SCOPED, resource("iam:Role")).status == "violation"

    def test_other_kinds_are_not_applicable(self):
        assert verdict(iam.TRUST_SCOPED, policy()).status == "not applicable"


class TestNoUsersOrKeys:
    @pytest.mark.parametrize("kind", ["User", "AccessKey", "UserLoginProfile", "SshKey", "ServiceSpecificCredential"])
    def test_user_or_key_is_refused_whatever_it_holds(self, kind: str):
        assert verdict(iam.NO_USERS_OR_KEYS, resource(f"iam:{kind}", {"user": UNKNOWN})).found == [f"is a {kind}"]

    @pytest.mark.parametrize("token", ["aws-native:iam:User", "aws-native:iam:AccessKey"])
    def test_those_of_the_other_provider_are_refused_too(self, token: str):
        assert verdict(iam.NO_USERS_OR_KEYS, resource(token)).status == "violation"

    def test_roles_are_not_its_subject(self):
        assert verdict(iam.NO_USERS_OR_KEYS, role()).status == "not applicable"

    @pytest.mark.parametrize("token", ["aws-native:transfer:User", "aws-native:elasticache:User"])
    def test_users_of_other_services_are_not_its_subject(self, token: str):
        assert verdict(iam.NO_USERS_OR_KEYS, resource(token)).status == "not applicable"


class TestNoAdminPolicies:
    @pytest.mark.parametrize(
        "arn",
        [
            "arn:aws:iam::aws:policy/AdministratorAccess",
            "arn:aws-cn:iam::aws:policy/AdministratorAccess",
            "arn:aws:iam::aws:policy/AdministratorAccess-Amplify",
            "arn:aws:iam::aws:policy/IAMFullAccess",
            "arn:aws:iam::aws:policy/PowerUserAccess",
            "arn:aws:iam::aws:policy/job-function/SystemAdministrator",
        ],
    )
    def test_attached_administrator_is_refused(self, arn: str):
        for subject in (
            resource("iam:RolePolicyAttachment", {"policyArn": arn}),
            resource("iam:RolePolicyAttachmentsExclusive", {"policyArns": [arn]}),
            resource("ssoadmin:ManagedPolicyAttachment", {"managedPolicyArn": arn}),
            role(managedPolicyArns=["arn:aws:iam::aws:policy/ReadOnlyAccess", arn]),
        ):
            assert verdict(iam.NO_ADMIN_POLICIES, subject).status == "violation"

    @pytest.mark.parametrize(
        "arn",
        [
            "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
            "arn:aws:iam::123456789012:policy/AdministratorAccess",
        ],
    )
    def test_other_policy_passes(self, arn: str):
        assert verdict(iam.NO_ADMIN_POLICIES, resource("iam:RolePolicyAttachment", {"policyArn": arn})).status == "pass"

    def test_denied_names_are_a_setting(self):
        subject = resource("iam:PolicyAttachment", {"policyArn": "arn:aws:iam::aws:policy/AmazonS3FullAccess"})
        assert verdict(iam.NO_ADMIN_POLICIES, subject).status == "pass"
        assert verdict(iam.NO_ADMIN_POLICIES, subject, config={"deniedPolicies": ["*FullAccess"]}).status == "violation"

    @pytest.mark.parametrize("kind", HOLDERS)
    def test_own_administrator_policy_is_refused(self, kind: str):
        assert verdict(iam.NO_ADMIN_POLICIES, policy(grant("*", "*"), kind=kind)).found == [
            "policy.Statement[0].Action is '*' on every resource"
        ]

    @pytest.mark.parametrize("statement", [grant("*"), grant("s3:*", "*"), {**grant("*", "*"), "Effect": "Deny"}])
    def test_policy_for_less_passes(self, statement: Any):
        assert verdict(iam.NO_ADMIN_POLICIES, policy(statement)).status == "pass"

    def test_inline_administrator_of_a_role_is_refused(self):
        assert verdict(iam.NO_ADMIN_POLICIES, role(grant(["s3:GetObject", "*:*"], "*"))).status == "violation"
        assert verdict(iam.NO_ADMIN_POLICIES, role()).status == "pass"

    def test_unknown_policy_hides_no_other(self):
        admin = "arn:aws:iam::aws:policy/AdministratorAccess"
        answer = verdict(iam.NO_ADMIN_POLICIES, role(managedPolicyArns=[UNKNOWN_TEXT, admin]))
        assert answer.unknown == ["managedPolicyArns[0]"]
        assert len(answer.found) == 1
        answer = verdict(iam.NO_ADMIN_POLICIES, role(grant("*", "*"), managedPolicyArns=UNKNOWN))
        assert answer.unknown == ["managedPolicyArns"]
        assert len(answer.found) == 1

    def test_other_kinds_are_not_applicable(self):
        assert verdict(iam.NO_ADMIN_POLICIES, resource("iam:InstanceProfile")).status == "not applicable"
