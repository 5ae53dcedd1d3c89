"""Regions: where resources and their copies may be."""

from typing import Any

import pytest

from policy.guardrails import regions
from tests.policy.harness import UNKNOWN, resource, verdict

PINNED = {"regions": ["eu-central-1", "eu-west-*"]}


def answer(kind: str = "sqs:Queue", provider: Any = "eu-central-1", config: Any = PINNED, **properties: Any):
    given = {} if provider is None else {"region": provider}
    return verdict(regions.REGION_PIN, resource(kind, properties, provider=given), config=config)


class TestOwnRegion:
    @pytest.mark.parametrize("region", ["eu-central-1", "eu-west-1", "eu-west-3"])
    def test_listed_region_passes(self, region: str):
        assert answer(provider=region).status == "pass"
        assert answer(provider="us-east-1", region=region).status == "pass"

    def test_other_region_is_shown(self):
        assert answer(provider="us-east-1").found == ["the provider's region is 'us-east-1'"]
        assert answer(region="us-east-1").found == ["region is 'us-east-1'"]
        assert answer(provider="eu-north-1").status == "violation"

    def test_nothing_is_pinned_unless_told(self):
        assert answer(provider="us-east-1", config={}).not_applicable == ["the configuration pins no region"]

    @pytest.mark.parametrize(
        ("provider", "properties"), [(None, {}), (UNKNOWN, {}), ("eu-central-1", {"region": UNKNOWN})]
    )
    def test_region_that_cannot_be_told_is_not_yet_known(self, provider: Any, properties: Any):
        assert answer(provider=provider, **properties).status == "unknown"

    @pytest.mark.parametrize(
        "kind",
        [
            "account:Region",
            "billing:View",
            "budgets:Budget",
            "chatbot:SlackChannelConfiguration",
            "cloudfront:Distribution",
            "costexplorer:AnomalyMonitor",
            "cur:ReportDefinition",
            "ecrpublic:Repository",
            "globalaccelerator:Accelerator",
            "iam:Role",
            "networkmanager:Site",
            "organizations:Account",
            "route53:Zone",
            "route53domains:Domain",
            "savingsplans:SavingsPlan",
            "shield:Protection",
            "waf:WebAcl",
        ],
    )
    def test_global_service_is_not_applicable(self, kind: str):
        assert answer(kind, provider="us-east-1").not_applicable == ["the service has no regions"]

    @pytest.mark.parametrize(
        "token", ["random:index/randomId:RandomId", "slipway:components:Network", "pulumi:pulumi:Stack"]
    )
    def test_resource_of_no_cloud_is_not_applicable(self, token: str):
        assert answer(token, provider="us-east-1").not_applicable == ["it is no resource of AWS"]

    def test_provider_itself_is_judged(self):
        assert answer("pulumi:providers:aws", provider=None, region="us-east-1").status == "violation"
        assert answer("pulumi:providers:aws", provider=None, region="eu-west-1").status == "pass"
        assert answer("pulumi:providers:random", provider=None, region="us-east-1").status == "not applicable"

    @pytest.mark.parametrize(
        ("kind", "properties"),
        [
            ("acm:Certificate", {}),
            ("acm:CertificateValidation", {}),
            ("wafv2:WebAcl", {"scope": "CLOUDFRONT"}),
            ("cloudwatch:MetricAlarm", {"namespace": "AWS/CloudFront"}),
            ("cloudwatch:MetricAlarm", {"namespace": "AWS/Billing"}),
            ("cloudwatch:MetricAlarm", {"namespace": "AWS/Route53"}),
        ],
    )
    def test_what_cloudfront_needs_in_its_region_passes(self, kind: str, properties: Any):
        assert answer(kind, provider="us-east-1", **properties).status == "pass"
        assert answer(kind, provider="us-east-2", **properties).status == "violation"

    @pytest.mark.parametrize(
        ("kind", "properties"),
        [
            ("wafv2:WebAcl", {"scope": "REGIONAL"}),
            ("cloudwatch:MetricAlarm", {"namespace": "AWS/Batch"}),
            ("cloudwatch:LogGroup", {"namespace": "AWS/CloudFront"}),
        ],
    )
    def test_anything_else_there_is_shown(self, kind: str, properties: Any):
        assert answer(kind, provider="us-east-1", **properties).status == "violation"


class TestReplicas:
    @pytest.mark.parametrize(
        ("kind", "properties", "path"),
        [
            (
                "dynamodb:Table",
                {"replicas": [{"regionName": "eu-west-1"}, {"regionName": "us-east-1"}]},
                "replicas[1].regionName",
            ),
            ("dynamodb:GlobalTable", {"replicas": [{"regionName": "us-east-1"}]}, "replicas[0].regionName"),
            ("secretsmanager:Secret", {"replicas": [{"region": "us-east-1"}]}, "replicas[0].region"),
            (
                "ecr:ReplicationConfiguration",
                {"replicationConfiguration": {"rules": [{"destinations": [{"region": "us-east-1"}]}]}},
                "replicationConfiguration.rules[0].destinations[0].region",
            ),
        ],
    )
    def test_copy_elsewhere_is_shown(self, kind: str, properties: Any, path: str):
        assert answer(kind, **properties).found == [f"{path} is 'us-east-1'"]

    def test_copy_in_a_listed_region_passes(self):
        assert answer("dynamodb:Table", replicas=[{"regionName": "eu-west-1"}]).status == "pass"
        assert answer("secretsmanager:Secret").status == "pass"

    def test_unknown_region_hides_no_copy(self):
        result = answer(
            "dynamodb:Table", region=UNKNOWN, replicas=[{"regionName": UNKNOWN}, {"regionName": "us-east-1"}]
        )
        assert result.unknown == ["region", "replicas[0].regionName"]
        assert result.found == ["replicas[1].regionName is 'us-east-1'"]
