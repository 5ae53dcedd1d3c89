"""CloudFront rules: what they accept, what they refuse, and what they leave open."""

import dataclasses
from typing import Any

import pytest

from policy.guardrails import cloudfront
from tests.policy.harness import UNKNOWN, resource, verdict

REST = "docs-1a2b3c4.s3.eu-central-1.amazonaws.com"
WEBSITE = "docs-1a2b3c4.s3-website.eu-central-1.amazonaws.com"
CUSTOM = {"originProtocolPolicy": "https-only", "originSslProtocols": ["TLSv1.2"], "httpPort": 80, "httpsPort": 443}
SECURITY_HEADERS = "67f7725c-6f97-4210-82d7-5512b31e9d03"
SIMPLE_CORS = "60669652-455b-4ae9-85a4-c4c02393f86c"


def distribution(
    *origins: Any,
    behavior: Any = None,
    ordered: Any = None,
    kind: str = "cloudfront:Distribution",
    depends: Any = None,
    **properties: Any,
):
    default = {"targetOriginId": "docs", "viewerProtocolPolicy": "redirect-to-https", **(behavior or {})}
    return resource(
        kind,
        {
            "origins": list(origins),
            "defaultCacheBehavior": default,
            "orderedCacheBehaviors": ordered,
            "viewerCertificate": {"cloudfrontDefaultCertificate": True},
            **properties,
        },
        name="docs",
        depends=depends,
    )


def origin(domain: Any = REST, **properties: Any) -> dict[str, Any]:
    return {"originId": "docs", "domainName": domain, **properties}


class TestPrivateOrigin:
    @pytest.mark.parametrize(
        "properties",
        [
            origin(originAccessControlId="E1A2B3"),
            origin(originAccessControlId=UNKNOWN),
            origin(UNKNOWN, originAccessControlId=UNKNOWN),
            origin(s3OriginConfig={"originAccessIdentity": "origin-access-identity/cloudfront/E1A2B3"}),
            origin(s3OriginConfig={"originAccessIdentity": UNKNOWN}),
            origin(s3OriginConfig=UNKNOWN),
            origin("api.example.org", customOriginConfig=CUSTOM),
            origin("internal.example.org", vpcOriginConfig={"vpcOriginId": "vo_1"}),
            origin("internal.example.org", vpcOriginConfigs=[{"vpcOriginId": "vo_1"}]),
            origin(UNKNOWN, vpcOriginConfig=UNKNOWN),
            origin("abc.lambda-url.eu-central-1.on.aws", customOriginConfig=CUSTOM, originAccessControlId="E1"),
            origin("s3.example.org", customOriginConfigs=[CUSTOM]),
        ],
    )
    def test_private_origin_passes(self, properties: Any):
        assert verdict(cloudfront.PRIVATE_ORIGIN, distribution(properties)).status == "pass"

    @pytest.mark.parametrize(
        "domain",
        [
            WEBSITE,
            "docs.s3-website-us-east-1.amazonaws.com",
            "DOCS.S3-Website-us-east-1.amazonaws.com.",
            "docs.s3-website.cn-north-1.amazonaws.com.cn",
        ],
    )
    def test_website_endpoint_is_refused_even_with_access_control(self, domain: str):
        subject = distribution(origin(domain, customOriginConfig=CUSTOM, originAccessControlId="E1A2B3"))
        assert verdict(cloudfront.PRIVATE_ORIGIN, subject).found == [
            "origins[0].domainName is an S3 website endpoint, which is public and speaks no TLS"
        ]

    @pytest.mark.parametrize(
        ("properties", "kind"),
        [
            (origin(), "a bucket"),
            (origin(originAccessControlId="", s3OriginConfig={"originAccessIdentity": ""}), "a bucket"),
            (origin("docs.s3.amazonaws.com", customOriginConfig=CUSTOM), "a bucket"),
            (origin("docs.s3-eu-west-1.amazonaws.com", customOriginConfig=CUSTOM), "a bucket"),
            (origin("docs.s3.dualstack.eu-west-1.amazonaws.com", customOriginConfig=CUSTOM), "a bucket"),
            (origin("s3.eu-west-1.amazonaws.com", originPath="/docs", customOriginConfig=CUSTOM), "a bucket"),
            (origin("docs.s3.cn-north-1.amazonaws.com.cn", customOriginConfigs=[CUSTOM]), "a bucket"),
            (origin(UNKNOWN), "a bucket"),
            (origin("assets.example.org"), "a bucket"),
            (origin("abc.lambda-url.eu-central-1.on.aws", customOriginConfig=CUSTOM), "a function URL"),
        ],
    )
    def test_origin_without_access_control_is_refused(self, properties: Any, kind: str):
        assert verdict(cloudfront.PRIVATE_ORIGIN, distribution(properties)).found == [
            f"origins[0] is {kind} without origin access control, so it has to be public"
        ]

    def test_each_origin_is_judged(self):
        subject = distribution(origin(originAccessControlId="E1"), origin(7), origin())
        assert len(verdict(cloudfront.PRIVATE_ORIGIN, subject).found) == 2

    def test_origin_access_identities_can_be_refused(self):
        subject = distribution(origin(s3OriginConfig={"originAccessIdentity": "origin-access-identity/cloudfront/E1"}))
        config = {"allowOriginAccessIdentity": False}
        assert verdict(cloudfront.PRIVATE_ORIGIN, subject, config=config).found == [
            "origins[0].s3OriginConfig uses an origin access identity"
        ]

    def test_custom_origin_of_unknown_name_is_not_yet_known(self):
        subject = distribution(origin(UNKNOWN, customOriginConfig=UNKNOWN))
        assert verdict(cloudfront.PRIVATE_ORIGIN, subject).unknown == ["origins[0].domainName"]

    def test_distribution_for_many_tenants_is_judged(self):
        subject = distribution(origin(), kind="cloudfront:MultitenantDistribution")
        assert verdict(cloudfront.PRIVATE_ORIGIN, subject).status == "violation"

    @pytest.mark.parametrize(
        ("behavior", "status"), [("always", "pass"), ("no-override", "pass"), ("never", "violation")]
    )
    def test_access_control_has_to_sign(self, behavior: str, status: str):
        subject = resource("cloudfront:OriginAccessControl", {"signingBehavior": behavior})
        assert verdict(cloudfront.PRIVATE_ORIGIN, subject).status == status

    def test_other_kinds_are_not_applicable(self):
        assert verdict(cloudfront.PRIVATE_ORIGIN, resource("cloudfront:CachePolicy")).status == "not applicable"


def own(version: Any = "TLSv1.2_2021", **properties: Any) -> dict[str, Any]:
    return {"acmCertificateArn": UNKNOWN, "minimumProtocolVersion": version, **properties}


class TestHttps:
    @pytest.mark.parametrize("policy", ["redirect-to-https", "https-only"])
    def test_https_passes(self, policy: str):
        ordered = [{"pathPattern": "/a/*", "viewerProtocolPolicy": policy}]
        subject = distribution(origin(), behavior={"viewerProtocolPolicy": policy}, ordered=ordered)
        assert verdict(cloudfront.HTTPS, subject).status == "pass"

    @pytest.mark.parametrize("policy", ["allow-all", None])
    def test_each_behavior_counts(self, policy: Any):
        default = distribution(behavior={"viewerProtocolPolicy": policy})
        later = distribution(ordered=[{"viewerProtocolPolicy": "https-only"}, {"viewerProtocolPolicy": policy}])
        tenants = distribution(cacheBehaviors=[{"viewerProtocolPolicy": policy}])
        assert verdict(cloudfront.HTTPS, default).found == ["defaultCacheBehavior.viewerProtocolPolicy is 'allow-all'"]
        assert verdict(cloudfront.HTTPS, later).found == [
            "orderedCacheBehaviors[1].viewerProtocolPolicy is 'allow-all'"
        ]
        assert verdict(cloudfront.HTTPS, tenants).found == ["cacheBehaviors[0].viewerProtocolPolicy is 'allow-all'"]

    @pytest.mark.parametrize("version", ["TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025"])
    def test_recent_protocol_passes(self, version: str):
        assert verdict(cloudfront.HTTPS, distribution(viewerCertificate=own(version))).status == "pass"

    @pytest.mark.parametrize(
        "version", ["TLSv1.2_2019", "TLSv1.2_2018", "TLSv1.1_2016", "TLSv1_2016", "TLSv1", "SSLv3", "TLSv1.2"]
    )
    def test_old_protocol_is_refused(self, version: str):
        certificate = {"iamCertificateId": "ASCA1", "minimumProtocolVersion": version}
        assert verdict(cloudfront.HTTPS, distribution(viewerCertificate=certificate)).found == [
            f"viewerCertificate.minimumProtocolVersion is '{version}'"
        ]

    def test_missing_protocol_is_the_oldest(self):
        assert verdict(cloudfront.HTTPS, distribution(viewerCertificate=own(None))).found == [
            "viewerCertificate.minimumProtocolVersion is not set, so TLSv1 applies"
        ]

    def test_oldest_protocol_is_a_setting(self):
        subject = distribution(viewerCertificate=own("TLSv1.2_2019"))
        assert verdict(cloudfront.HTTPS, subject, config={"minimumProtocolVersion": "TLSv1.2_2019"}).status == "pass"
        config = {"minimumProtocolVersion": "TLSv1.3_2025"}
        assert verdict(cloudfront.HTTPS, distribution(viewerCertificate=own()), config=config).status == "violation"

    @pytest.mark.parametrize("certificate", [None, {"cloudfrontDefaultCertificate": True}, {"acmCertificateArn": ""}])
    def test_certificate_of_cloudfront_can_be_refused(self, certificate: Any):
        subject = distribution(viewerCertificate=certificate)
        assert verdict(cloudfront.HTTPS, subject).status == "pass"
        assert verdict(cloudfront.HTTPS, subject, config={"requireOwnCertificate": True}).found == [
            "viewerCertificate is CloudFront's own certificate, which allows TLS 1.0"
        ]
        subject = distribution(viewerCertificate=own())
        assert verdict(cloudfront.HTTPS, subject, config={"requireOwnCertificate": True}).status == "pass"

    @pytest.mark.parametrize("policy", ["https-only", "match-viewer"])
    @pytest.mark.parametrize("key", ["customOriginConfig", "customOriginConfigs"])
    def test_origin_over_tls_passes(self, key: str, policy: str):
        config = {**CUSTOM, "originProtocolPolicy": policy}
        subject = distribution(origin("api.example.org", **{key: [config] if key.endswith("s") else config}))
        assert verdict(cloudfront.HTTPS, subject).status == "pass"

    @pytest.mark.parametrize(
        ("config", "found"),
        [
            (
                {"originProtocolPolicy": "http-only"},
                "origins[0].customOriginConfig.originProtocolPolicy is 'http-only'",
            ),
            (
                {"originSslProtocols": ["TLSv1.2", "TLSv1.1", "SSLv3", "TLSv1"]},
                "origins[0].customOriginConfig.originSslProtocols has SSLv3, TLSv1, TLSv1.1",
            ),
            ({"originProtocolPolicy": None}, "origins[0].customOriginConfig.originProtocolPolicy is missing"),
        ],
    )
    def test_origin_over_plain_http_or_old_tls_is_refused(self, config: Any, found: str):
        subject = distribution(origin("api.example.org", customOriginConfig={**CUSTOM, **config}))
        assert verdict(cloudfront.HTTPS, subject).found == [found]

    def test_protocols_do_not_matter_where_none_is_used(self):
        config = {**CUSTOM, "originProtocolPolicy": "http-only", "originSslProtocols": ["SSLv3"]}
        assert len(verdict(cloudfront.HTTPS, distribution(origin("a.org", customOriginConfig=config))).found) == 1

    def test_unknown_part_hides_no_other(self):
        subject = distribution(UNKNOWN, behavior={"viewerProtocolPolicy": UNKNOWN}, viewerCertificate=own("TLSv1"))
        answer = verdict(cloudfront.HTTPS, subject)
        assert answer.unknown == ["defaultCacheBehavior.viewerProtocolPolicy", "origins[0]"]
        assert len(answer.found) == 1

    def test_other_kinds_are_not_applicable(self):
        assert verdict(cloudfront.HTTPS, resource("s3:Bucket")).status == "not applicable"


HSTS = {"accessControlMaxAgeSec": 15552000, "override": True}
CONFIG = {
    "strictTransportSecurity": HSTS,
    "contentTypeOptions": {"override": True},
    "frameOptions": {"frameOption": "DENY", "override": True},
}


def headers(config: Any = None, custom: Any = None, policy_id: Any = "policy-1"):
    items = [{"header": key, "value": value, "override": True} for key, value in (custom or {}).items()]
    properties = {"securityHeadersConfig": config, "customHeadersConfig": {"items": items}, "id": policy_id}
    return resource("cloudfront:ResponseHeadersPolicy", properties, name="headers")


def site(policy_id: Any = "policy-1", **more: Any):
    return distribution(behavior={"responseHeadersPolicyId": policy_id}, **more)


ALL = "strict-transport-security, x-content-type-options, x-frame-options"


class TestSecurityHeaders:
    @pytest.mark.parametrize(
        ("config", "custom"),
        [
            (CONFIG, {}),
            ({**CONFIG, "frameOptions": None}, {"X-Frame-Options": "SAMEORIGIN"}),
            ({**CONFIG, "contentTypeOptions": None}, {"x-content-type-options": "nosniff"}),
            ({**CONFIG, "strictTransportSecurity": None}, {"Strict-Transport-Security": "max-age=31536000; preload"}),
            (
                {
                    **CONFIG,
                    "frameOptions": None,
                    "contentSecurityPolicy": {"contentSecurityPolicy": "frame-ancestors 'none'", "override": True},
                },
                {},
            ),
        ],
    )
    def test_sufficient_policy_passes(self, config: Any, custom: Any):
        assert verdict(cloudfront.SECURITY_HEADERS, site(), headers(config, custom)).status == "pass"

    @pytest.mark.parametrize(
        ("config", "custom", "missing"),
        [
            (None, {}, ALL),
            ({**CONFIG, "contentTypeOptions": None}, {}, "x-content-type-options"),
            ({**CONFIG, "frameOptions": None}, {}, "x-frame-options"),
            ({**CONFIG, "strictTransportSecurity": None}, {}, "strict-transport-security"),
            (
                {**CONFIG, "strictTransportSecurity": {"accessControlMaxAgeSec": 15551999}},
                {},
                "strict-transport-security",
            ),
            (
                {**CONFIG, "strictTransportSecurity": None},
                {"Strict-Transport-Security": "max-age=300"},
                "strict-transport-security",
            ),
            (
                {**CONFIG, "strictTransportSecurity": None},
                {"Strict-Transport-Security": "preload"},
                "strict-transport-security",
            ),
            ({**CONFIG, "frameOptions": None}, {"X-Frame-Options": "ALLOWALL"}, "x-frame-options"),
            (
                {**CONFIG, "frameOptions": None, "contentSecurityPolicy": {"contentSecurityPolicy": "default-src *"}},
                {},
                "x-frame-options",
            ),
        ],
    )
    def test_policy_that_lacks_a_header_is_refused(self, config: Any, custom: Any, missing: str):
        assert verdict(cloudfront.SECURITY_HEADERS, site(), headers(config, custom)).found == [
            "defaultCacheBehavior.responseHeadersPolicyId names ResponseHeadersPolicy 'headers', which sets no "
            f"sufficient {missing}"
        ]

    @pytest.mark.parametrize("policy_id", [None, ""])
    def test_behavior_without_policy_is_refused(self, policy_id: Any):
        subject = site(SECURITY_HEADERS, ordered=[{"responseHeadersPolicyId": policy_id}])
        assert verdict(cloudfront.SECURITY_HEADERS, subject).found == [
            "orderedCacheBehaviors[0] has no response headers policy"
        ]

    def test_managed_policy_is_known(self):
        assert verdict(cloudfront.SECURITY_HEADERS, site(SECURITY_HEADERS)).status == "pass"
        assert verdict(cloudfront.SECURITY_HEADERS, site(SIMPLE_CORS)).found == [
            "defaultCacheBehavior.responseHeadersPolicyId names AWS's managed policy, which sets no sufficient " + ALL
        ]

    def test_required_headers_are_settings(self):
        config = {"requiredHeaders": ["content-security-policy", "referrer-policy"]}
        assert verdict(cloudfront.SECURITY_HEADERS, site(SECURITY_HEADERS), config=config).status == "violation"
        custom = {"Content-Security-Policy": "default-src 'self'", "Referrer-Policy": "no-referrer"}
        assert verdict(cloudfront.SECURITY_HEADERS, site(), headers(None, custom), config=config).status == "pass"
        empty = {"Content-Security-Policy": "", "Referrer-Policy": "no-referrer"}
        assert verdict(cloudfront.SECURITY_HEADERS, site(), headers(None, empty), config=config).status == "violation"
        unknown = {
            "contentSecurityPolicy": {"contentSecurityPolicy": UNKNOWN},
            "referrerPolicy": {"referrerPolicy": "same-origin", "override": True},
        }
        assert verdict(cloudfront.SECURITY_HEADERS, site(), headers(unknown), config=config).status == "pass"

    def test_least_age_is_a_setting(self):
        config = {"leastHstsSeconds": 15552001}
        assert verdict(cloudfront.SECURITY_HEADERS, site(), headers(CONFIG), config=config).status == "violation"

    def test_no_required_header_is_not_applicable(self):
        config = {"requiredHeaders": []}
        assert verdict(cloudfront.SECURITY_HEADERS, site(None), config=config).status == "not applicable"

    def test_unknown_id_is_followed_by_property_dependencies(self):
        good, bad = headers(CONFIG, policy_id=UNKNOWN), headers(None, policy_id=UNKNOWN)
        linked = site(UNKNOWN, depends={"defaultCacheBehavior": [good]})
        assert verdict(cloudfront.SECURITY_HEADERS, linked, good).status == "pass"
        assert verdict(cloudfront.SECURITY_HEADERS, linked, bad).status == "violation"

    def test_policy_may_be_made_through_the_provider_of_another_region(self):
        subject = dataclasses.replace(site(), provider={"region": "us-east-1"})
        policy = dataclasses.replace(headers(None), provider={"region": "eu-central-1"})
        assert verdict(cloudfront.SECURITY_HEADERS, subject, policy).status == "violation"

    def test_policy_from_elsewhere_is_not_yet_known_unless_trusted(self):
        subject = site("11111111-2222-3333-4444-555555555555")
        answer = verdict(cloudfront.SECURITY_HEADERS, subject, headers(CONFIG))
        assert answer.unknown == ["defaultCacheBehavior.responseHeadersPolicyId"]
        config = {"trustedPolicies": ["11111111-2222-3333-4444-555555555555"]}
        assert verdict(cloudfront.SECURITY_HEADERS, subject, config=config).status == "pass"

    def test_unknown_behavior_hides_no_other(self):
        subject = site(SIMPLE_CORS, ordered=[UNKNOWN, {"responseHeadersPolicyId": SIMPLE_CORS}])
        answer = verdict(cloudfront.SECURITY_HEADERS, subject)
        assert (len(answer.found), answer.unknown) == (2, ["orderedCacheBehaviors[0]"])
        answer = verdict(cloudfront.SECURITY_HEADERS, site(SIMPLE_CORS, ordered=UNKNOWN))
        assert (len(answer.found), answer.unknown) == (1, ["orderedCacheBehaviors"])

    def test_other_kinds_are_not_applicable(self):
        assert verdict(cloudfront.SECURITY_HEADERS, headers()).status == "not applicable"
