"""S3 rules: what they accept, what they refuse, and what they leave open."""

import json
from typing import Any

import pytest

from policy.guardrails import s3
from tests.policy.harness import UNKNOWN, UNKNOWN_TEXT, resource, verdict

ALL = dict.fromkeys(s3.BLOCKS, True)


def bucket(name: str = "results", kind: str = "s3:Bucket", **properties: Any):
    return resource(kind, {"bucket": name, **properties}, name=name)


def block(name: str = "results", kind: str = "s3:BucketPublicAccessBlock", **properties: Any):
    return resource(kind, {"bucket": name, **ALL, **properties}, name=f"{name}-block")


def account(provider: Any = None, **properties: Any):
    return resource("s3:AccountPublicAccessBlock", {**ALL, **properties}, name="account", provider=provider)


class TestPublicBlock:
    @pytest.mark.parametrize("token", ["s3:Bucket", "aws:s3/bucketV2:BucketV2"])
    def test_block_with_all_four_settings_passes(self, token: str):
        assert verdict(s3.PUBLIC_BLOCK, bucket(kind=token), block()).status == "pass"

    @pytest.mark.parametrize("flag", s3.BLOCKS)
    @pytest.mark.parametrize(("value", "state"), [(False, "false"), (None, "not set"), ("false", "false")])
    def test_each_setting_counts(self, flag: str, value: Any, state: str):
        assert verdict(s3.PUBLIC_BLOCK, bucket(), block(**{flag: value})).found == [f"{flag} is {state}"]

    def test_no_block_is_a_violation(self):
        assert verdict(s3.PUBLIC_BLOCK, bucket()).found == ["no public access block names it"]

    def test_block_of_another_bucket_does_not_count(self):
        assert verdict(s3.PUBLIC_BLOCK, bucket(), block("inputs")).status == "violation"

    def test_block_in_another_region_does_not_count(self):
        subject = bucket(region="eu-central-1")
        assert verdict(s3.PUBLIC_BLOCK, subject, block(region="eu-west-1")).status == "violation"

    def test_unknown_name_is_followed_by_property_dependencies(self):
        results, inputs = bucket("results", bucket=UNKNOWN), bucket("inputs", bucket=UNKNOWN)
        other = resource(
            "s3:BucketPublicAccessBlock", {"bucket": UNKNOWN_TEXT, **ALL}, depends={"bucket": [results]}, name="block"
        )
        assert verdict(s3.PUBLIC_BLOCK, results, inputs, other).status == "pass"
        assert verdict(s3.PUBLIC_BLOCK, inputs, results, other).status == "violation"

    def test_unknown_name_of_unknown_origin_is_not_yet_known(self):
        assert verdict(s3.PUBLIC_BLOCK, bucket(), block(bucket=UNKNOWN_TEXT)).unknown == ["bucket"]

    def test_unknown_setting_hides_no_other(self):
        answer = verdict(s3.PUBLIC_BLOCK, bucket(), block(blockPublicAcls=UNKNOWN, ignorePublicAcls=False))
        assert (answer.unknown, answer.found) == (["blockPublicAcls"], ["ignorePublicAcls is false"])

    def test_block_of_the_account_counts(self):
        assert verdict(s3.PUBLIC_BLOCK, bucket(), account()).status == "pass"

    def test_stricter_of_bucket_and_account_counts(self):
        by_bucket, by_account = block(blockPublicAcls=False), account(blockPublicPolicy=False)
        assert verdict(s3.PUBLIC_BLOCK, bucket(), by_bucket, by_account).status == "pass"
        assert verdict(s3.PUBLIC_BLOCK, bucket(), by_account).status == "violation"
        assert verdict(s3.PUBLIC_BLOCK, bucket(), by_bucket, account(blockPublicAcls=UNKNOWN)).status == "violation"

    def test_block_of_another_account_does_not_count(self):
        assert verdict(s3.PUBLIC_BLOCK, bucket(), account({"profile": "audit"})).status == "violation"
        assert verdict(s3.PUBLIC_BLOCK, bucket(), account({"region": "us-east-1"})).status == "pass"
        assert verdict(s3.PUBLIC_BLOCK, bucket(), account({"defaultTags": "{}"})).status == "pass"

    @pytest.mark.parametrize(
        ("kind", "properties", "status"),
        [
            ("s3:AccessPoint", {}, "pass"),
            ("s3:AccessPoint", {"publicAccessBlockConfiguration": {"blockPublicPolicy": False}}, "violation"),
            ("s3control:MultiRegionAccessPoint", {"details": {"name": "all"}}, "pass"),
            (
                "s3control:MultiRegionAccessPoint",
                {"details": {"publicAccessBlock": {"restrictPublicBuckets": False}}},
                "violation",
            ),
        ],
    )
    def test_access_point_blocks_unless_told_otherwise(self, kind: str, properties: Any, status: str):
        assert verdict(s3.PUBLIC_BLOCK, resource(kind, properties)).status == status

    def test_other_kinds_are_not_applicable(self):
        assert verdict(s3.PUBLIC_BLOCK, resource("s3:BucketPolicy")).status == "not applicable"


def policy(*statements: Any, kind: str = "s3:BucketPolicy", name: str = "results", **properties: Any):
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return resource(kind, {"bucket": name, "policy": document, **properties}, name=f"{name}-policy")


def allow(principal: Any, condition: Any = None) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::r/*"}
    return {**statement, "Condition": condition} if condition is not None else statement


DISTRIBUTION = {"StringEquals": {"AWS:SourceArn": "arn:aws:cloudfront::123456789012:distribution/E1A2B3"}}
CLOUDFRONT = {"Service": "cloudfront.amazonaws.com"}


class TestNoPublicPolicy:
    @pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": ["123456789012", "*"]}])
    def test_policy_for_everybody_is_refused(self, principal: Any):
        assert verdict(s3.NO_PUBLIC_POLICY, policy(allow(principal))).status == "violation"

    def test_message_names_the_place(self):
        assert verdict(s3.NO_PUBLIC_POLICY, policy(allow("*"))).found == [
            "policy.Statement[0].Principal allows AWS '*', narrowed by no condition that names its callers"
        ]

    @pytest.mark.parametrize("excluded", [{"AWS": "123456789012"}, UNKNOWN_TEXT])
    def test_everybody_but_some_is_refused(self, excluded: Any):
        statement = {"Effect": "Allow", "NotPrincipal": excluded, "Action": "s3:*"}
        assert verdict(s3.NO_PUBLIC_POLICY, policy(statement)).found == [
            "policy.Statement[0].NotPrincipal allows everybody but the listed principals"
        ]

    def test_no_principal_is_refused(self):
        assert verdict(s3.NO_PUBLIC_POLICY, policy({"Effect": "Allow", "Action": "s3:*"})).found == [
            "policy.Statement[0] allows without a principal"
        ]

    def test_each_statement_is_said_once(self):
        assert len(verdict(s3.NO_PUBLIC_POLICY, policy(allow({"AWS": ["*", "*"]}))).found) == 1
        assert len(verdict(s3.NO_PUBLIC_POLICY, policy(allow({"AWS": [UNKNOWN_TEXT, UNKNOWN_TEXT]}))).unknown) == 1

    def test_names_of_elements_may_have_another_case(self):
        statement = {"effect": "allow", "principal": "*", "action": "s3:*"}
        assert verdict(s3.NO_PUBLIC_POLICY, policy(statement)).status == "violation"

    @pytest.mark.parametrize(
        "statement",
        [
            {**allow("*"), "Effect": "Deny"},
            {"Effect": "Deny", "NotPrincipal": {"AWS": "123456789012"}, "Action": "s3:*"},
            allow({"AWS": "arn:aws:iam::123456789012:role/reader"}),
            allow({"AWS": "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1A2B3"}),
            allow({"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}),
            allow({"Service": "delivery.logs.amazonaws.com"}),
            allow(CLOUDFRONT, DISTRIBUTION),
        ],
    )
    def test_listed_principals_pass(self, statement: Any):
        assert verdict(s3.NO_PUBLIC_POLICY, policy(statement)).status == "pass"

    @pytest.mark.parametrize(
        "condition",
        [
            {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}},
            {"StringEquals": {"s3:DataAccessPointAccount": "123456789012"}},
            {"ArnLike": {"s3:DataAccessPointArn": "arn:aws:s3:eu-central-1:123456789012:accesspoint/*"}},
            {"StringLike": {"aws:userId": "AROAEXAMPLEROLEID123:*"}},
            {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "10.0.0.0/8", "2001:db8::/32"]}},
            {"StringEquals": {"aws:SourceVpce": "vpce-0a1b2c3d"}},
        ],
    )
    def test_condition_that_names_callers_or_networks_narrows(self, condition: Any):
        assert verdict(s3.NO_PUBLIC_POLICY, policy(allow("*", condition))).found == []

    @pytest.mark.parametrize(
        "condition",
        [
            {},
            {"StringLike": {"aws:Referer": "https://example.org/*"}},
            {"Bool": {"aws:SecureTransport": "true"}},
            {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}},
            {"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}},
            {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "::/0"]}},
            {"IpAddress": {"aws:SourceIp": "everywhere"}},
            {"IpAddress": {"aws:SourceIp": []}},
            {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
            {"StringLike": {"aws:userId": "*"}},
            {"StringNotEquals": {"s3:DataAccessPointAccount": "123456789012"}},
            {"StringEquals": {"s3:DataAccessPointAccount": []}},
            {"ArnLike": {"s3:DataAccessPointArn": "arn:aws:s3:*:*:accesspoint/*"}},
        ],
    )
    def test_condition_that_holds_for_strangers_does_not_narrow(self, condition: Any):
        assert verdict(s3.NO_PUBLIC_POLICY, policy(allow("*", condition))).status == "violation"

    @pytest.mark.parametrize("condition", [None, {"Bool": {"aws:SecureTransport": "true"}}])
    def test_cloudfront_of_any_account_is_refused(self, condition: Any):
        assert verdict(s3.NO_PUBLIC_POLICY, policy(allow(CLOUDFRONT, condition))).found == [
            "policy.Statement[0].Principal.Service allows 'cloudfront.amazonaws.com', so any distribution of any "
            "account"
        ]

    def test_cloudfront_may_be_denied(self):
        assert verdict(s3.NO_PUBLIC_POLICY, policy({**allow(CLOUDFRONT), "Effect": "Deny"})).status == "pass"

    def test_unknown_principal_hides_no_other(self):
        answer = verdict(s3.NO_PUBLIC_POLICY, policy(allow({"AWS": [UNKNOWN_TEXT, "*"]}), allow(UNKNOWN_TEXT)))
        assert len(answer.found) == 1
        assert answer.unknown == ["policy.Statement[1].Principal"]

    def test_unknown_principal_behind_a_condition_passes(self):
        statement = allow({"AWS": UNKNOWN_TEXT}, {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}})
        assert verdict(s3.NO_PUBLIC_POLICY, policy(statement)).status == "pass"

    def test_unknown_policy_is_not_yet_known(self):
        assert verdict(s3.NO_PUBLIC_POLICY, policy(policy=UNKNOWN_TEXT)).unknown == ["policy"]

    @pytest.mark.parametrize("value", [None, "{", "7"])
    def test_policy_that_is_none_is_refused(self, value: Any):
        assert verdict(s3.NO_PUBLIC_POLICY, policy(policy=value)).status == "violation"

    @pytest.mark.parametrize(
        "kind",
        ["s3:Bucket", "s3:AccessPoint", "s3control:AccessPointPolicy", "s3control:ObjectLambdaAccessPointPolicy"],
    )
    def test_each_place_of_a_policy_is_read(self, kind: str):
        assert verdict(s3.NO_PUBLIC_POLICY, policy(allow("*"), kind=kind)).status == "violation"

    def test_policy_of_a_multi_region_access_point_is_read(self):
        details = {"name": "all", "policy": json.dumps({"Statement": allow("*")})}
        subject = resource("s3control:MultiRegionAccessPointPolicy", {"details": details})
        assert verdict(s3.NO_PUBLIC_POLICY, subject).status == "violation"

    def test_access_point_inside_a_vpc_may_name_everybody(self):
        subject = policy(allow("*"), kind="s3:AccessPoint", vpcConfiguration={"vpcId": "vpc-0a1b"})
        assert verdict(s3.NO_PUBLIC_POLICY, subject).status == "pass"

    @pytest.mark.parametrize("kind", ["s3:Bucket", "s3:AccessPoint"])
    def test_no_inline_policy_passes(self, kind: str):
        assert verdict(s3.NO_PUBLIC_POLICY, resource(kind)).status == "pass"
        assert verdict(s3.NO_PUBLIC_POLICY, resource(kind, {"policy": ""})).status == "pass"

    @pytest.mark.parametrize("acl", ["public-read", "public-read-write", "authenticated-read"])
    @pytest.mark.parametrize(
        "kind",
        ["s3:Bucket", "aws:s3/bucketAclV2:BucketAclV2", "s3:BucketAcl", "s3:BucketObject", "s3:BucketObjectv2"],
    )
    def test_public_acl_is_refused(self, kind: str, acl: str):
        assert verdict(s3.NO_PUBLIC_POLICY, resource(kind, {"acl": acl})).found == [f"acl is '{acl}'"]

    @pytest.mark.parametrize("acl", ["private", "log-delivery-write", None])
    def test_other_acl_passes(self, acl: Any):
        assert verdict(s3.NO_PUBLIC_POLICY, resource("s3:BucketAcl", {"acl": acl})).status == "pass"

    @pytest.mark.parametrize("group", ["AllUsers", "AuthenticatedUsers"])
    def test_grant_to_everybody_is_refused(self, group: str):
        uri = f"http://acs.amazonaws.com/groups/global/{group}"
        inline = resource("s3:Bucket", {"grants": [{"type": "Group", "uri": uri, "permissions": ["READ"]}]})
        assert verdict(s3.NO_PUBLIC_POLICY, inline).found == [f"grants[0] grants to {group}"]
        apart = resource(
            "s3:BucketAcl", {"accessControlPolicy": {"grants": [{"grantee": {"uri": uri}, "permission": "READ"}]}}
        )
        assert verdict(s3.NO_PUBLIC_POLICY, apart).found == [f"accessControlPolicy.grants[0] grants to {group}"]

    def test_grant_to_a_service_or_account_passes(self):
        grants = [{"uri": "http://acs.amazonaws.com/groups/s3/LogDelivery"}, {"id": "79a59df9", "uri": None}]
        assert verdict(s3.NO_PUBLIC_POLICY, resource("s3:Bucket", {"grants": grants})).status == "pass"

    def test_unreadable_policy_hides_no_acl(self):
        subject = resource("s3:Bucket", {"policy": UNKNOWN_TEXT, "acl": "public-read"})
        answer = verdict(s3.NO_PUBLIC_POLICY, subject)
        assert (answer.unknown, answer.found) == (["policy"], ["acl is 'public-read'"])
        subject = resource("s3:Bucket", {"acl": UNKNOWN, "grants": [{"uri": "x/groups/global/AllUsers"}]})
        answer = verdict(s3.NO_PUBLIC_POLICY, subject)
        assert (answer.unknown, answer.found) == (["acl"], ["grants[0] grants to AllUsers"])

    def test_other_kinds_are_not_applicable(self):
        assert verdict(s3.NO_PUBLIC_POLICY, resource("s3:BucketVersioning")).status == "not applicable"


BOTH = ["arn:aws:s3:::results", "arn:aws:s3:::results/*"]


def deny(resources: Any = BOTH, condition: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": resources,
        "Condition": condition or {"Bool": {"aws:SecureTransport": "false"}},
        **more,
    }


def versioning(name: str = "results", status: Any = "Enabled", **properties: Any):
    configuration = {"versioningConfiguration": {"status": status}}
    return resource("s3:BucketVersioning", {"bucket": name, **configuration, **properties}, name=f"{name}-versions")


class TestTlsVersioning:
    @pytest.mark.parametrize(
        "statements",
        [
            [deny()],
            [deny(BOTH[0]), deny(BOTH[1])],
            [allow({"AWS": "123456789012"}), deny(Principal={"AWS": ["*"]}, Action=["S3:*"])],
            [deny(condition={"Bool": {"AWS:SecureTransport": False}}, Action="*")],
            [deny("arn:aws:s3:::results*", {"BoolIfExists": {"aws:SecureTransport": ["false"]}})],
            [deny("*")],
        ],
    )
    def test_denial_of_plain_http_and_versions_pass(self, statements: Any):
        assert verdict(s3.TLS_VERSIONING, bucket(), policy(*statements), versioning()).found == []

    @pytest.mark.parametrize(
        ("statements", "part"),
        [
            ([], ""),
            ([deny(Effect="Allow")], ""),
            ([allow("*", {"Bool": {"aws:SecureTransport": "true"}})], ""),
            ([deny(condition={"Bool": {"aws:SecureTransport": "true"}})], ""),
            ([deny(condition={"Bool": {"aws:SecureTransport": "false", "aws:ViaAWSService": "false"}})], ""),
            ([deny(condition={"Bool": {"aws:SecureTransport": "false"}, "IpAddress": {"aws:SourceIp": "::/0"}})], ""),
            ([deny(condition={"NumericLessThan": {"s3:TlsVersion": "1.2"}})], ""),
            ([deny(condition={"Null": {"aws:SecureTransport": "false"}})], ""),
            ([deny(Principal={"AWS": "123456789012"})], ""),
            ([deny(Principal={"Service": "*"})], ""),
            ([deny(Action="s3:GetObject")], ""),
            ([deny(BOTH[0])], " for its objects"),
            ([deny(BOTH[1])], " for its own operations"),
            ([deny("arn:aws:s3:::results/public/*", Resource="arn:aws:s3:::results/a")], ""),
        ],
    )
    def test_anything_less_is_shown(self, statements: Any, part: str):
        assert verdict(s3.TLS_VERSIONING, bucket(), policy(*statements), versioning()).found == [
            f"no policy denies requests without TLS{part}"
        ]

    def test_policy_of_another_bucket_does_not_count(self):
        others = policy(deny(), name="inputs"), versioning("inputs")
        assert len(verdict(s3.TLS_VERSIONING, bucket(), *others).found) == 2

    def test_inline_policy_and_versioning_count(self):
        document = json.dumps({"Statement": deny()})
        old = bucket(policy=document, versioning={"enabled": True})
        older = bucket(kind="aws:s3/bucketV2:BucketV2", policy=document, versionings=[{"enabled": True}])
        assert verdict(s3.TLS_VERSIONING, old).status == "pass"
        assert verdict(s3.TLS_VERSIONING, older).status == "pass"

    def test_empty_inline_policy_is_none(self):
        assert verdict(s3.TLS_VERSIONING, bucket(policy=""), policy(deny()), versioning()).status == "pass"

    def test_bucket_with_object_lock_is_versioned(self):
        subject = bucket(objectLockEnabled=True, versioning=UNKNOWN)
        assert verdict(s3.TLS_VERSIONING, subject, policy(deny())).status == "pass"

    @pytest.mark.parametrize("status", ["Suspended", "Disabled", None])
    def test_suspended_versioning_is_shown(self, status: Any):
        answer = verdict(s3.TLS_VERSIONING, bucket(), policy(deny()), versioning(status=status))
        assert answer.found == ["it is not versioned"]

    def test_unknown_policy_is_not_yet_known(self):
        answer = verdict(s3.TLS_VERSIONING, bucket(), policy(policy=UNKNOWN_TEXT), versioning())
        assert (answer.unknown, answer.found) == (["policy"], [])

    def test_unknown_output_of_the_bucket_hides_no_resource_beside_it(self):
        subject = bucket(policy=UNKNOWN, versioning=UNKNOWN)
        assert verdict(s3.TLS_VERSIONING, subject, policy(deny()), versioning()).status == "pass"
        assert verdict(s3.TLS_VERSIONING, subject).unknown == ["policy", "versioning"]

    def test_unknown_bucket_name_is_not_yet_known(self):
        answer = verdict(s3.TLS_VERSIONING, bucket(), policy(bucket=UNKNOWN_TEXT), versioning(bucket=UNKNOWN_TEXT))
        assert (answer.unknown, answer.found) == (["bucket", "bucket"], [])

    def test_other_kinds_are_not_applicable(self):
        assert verdict(s3.TLS_VERSIONING, resource("s3:DirectoryBucket")).status == "not applicable"
