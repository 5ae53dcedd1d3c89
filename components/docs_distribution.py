"""A private bucket's way to the public: CloudFront, HTTPS only."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import cloudfront, s3

from components import iam, naming

INDEX = "index.html"
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
"""AWS's managed cache policy: follows Cache-Control, keeps compressed forms apart [CloudFront developer guide, "Use
managed cache policies"]."""
_HSTS_SECONDS = 365 * 24 * 3600
_ORIGIN_ID = "docs"


@dataclass(frozen=True, kw_only=True)
class DocsDistributionArgs:
    bucket: pulumi.Input[str]
    bucket_arn: pulumi.Input[str]
    bucket_domain_name: pulumi.Input[str]
    """The REST endpoint: origin access control works with no other."""
    api_origin: pulumi.Input[str]
    """Scheme and host that the pages may talk to."""
    domain: str | None
    certificate_arn: str | None
    tags: Mapping[str, str]


class DocsDistribution(pulumi.ComponentResource):
    """A distribution with origin access control, security headers and compression."""

    url: pulumi.Output[str]

    def __init__(self, name: str, args: DocsDistributionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:DocsDistribution", name, None, opts)
        own = pulumi.ResourceOptions(parent=self)
        control = cloudfront.OriginAccessControl(
            name,
            name=naming.fit(name),
            description="Signs what CloudFront asks the bucket of the docs for",
            origin_access_control_origin_type="s3",
            signing_behavior="always",
            signing_protocol="sigv4",
            opts=own,
        )
        headers = cloudfront.ResponseHeadersPolicy(
            name,
            name=naming.fit(name),
            comment="Security headers of the docs",
            security_headers_config=_security_headers(args.api_origin),
            opts=own,
        )
        distribution = cloudfront.Distribution(
            name,
            comment=f"Docs of {name}",
            enabled=True,
            is_ipv6_enabled=True,
            http_version="http2and3",
            price_class="PriceClass_100",
            default_root_object=INDEX,
            aliases=[args.domain] if args.domain else None,
            origins=[
                cloudfront.DistributionOriginArgs(
                    origin_id=_ORIGIN_ID, domain_name=args.bucket_domain_name, origin_access_control_id=control.id
                )
            ],
            default_cache_behavior=cloudfront.DistributionDefaultCacheBehaviorArgs(
                target_origin_id=_ORIGIN_ID,
                viewer_protocol_policy="redirect-to-https",
                allowed_methods=["GET", "HEAD"],
                cached_methods=["GET", "HEAD"],
                compress=True,
                cache_policy_id=CACHING_OPTIMIZED,
                response_headers_policy_id=headers.id,
            ),
            # The bucket lets nobody list it, so S3 answers 403 for what isn't there.
            custom_error_responses=[
                cloudfront.DistributionCustomErrorResponseArgs(
                    error_code=403, response_code=404, response_page_path=f"/{INDEX}", error_caching_min_ttl=10
                )
            ],
            restrictions=cloudfront.DistributionRestrictionsArgs(
                geo_restriction=cloudfront.DistributionRestrictionsGeoRestrictionArgs(restriction_type="none")
            ),
            viewer_certificate=_certificate(args),
            tags=args.tags,
            opts=own,
        )
        s3.BucketPolicy(
            name,
            bucket=args.bucket,
            policy=iam.document(
                {
                    "Sid": "CloudFrontRead",
                    "Effect": "Allow",
                    "Principal": {"Service": "cloudfront.amazonaws.com"},
                    "Action": ["s3:GetObject"],
                    "Resource": [pulumi.Output.concat(args.bucket_arn, "/*")],
                    "Condition": {"StringEquals": {"AWS:SourceArn": distribution.arn}},
                },
                iam.deny_plain_http(args.bucket_arn),
            ),
            opts=own,
        )
        self.url = pulumi.Output.concat("https://", args.domain or distribution.domain_name, "/")
        self.register_outputs({"url": self.url})


def content_security_policy(api_origin: str) -> str:
    """What the pages may load: themselves, and the API.

    Swagger UI draws its icons as data URLs. Its styles need no exception: it sets them through the DOM, which the
    policy leaves alone. The browser tests run the site under this very policy.
    """
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            f"connect-src 'self' {api_origin}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


def _security_headers(
    api_origin: pulumi.Input[str],
) -> cloudfront.ResponseHeadersPolicySecurityHeadersConfigArgs:
    return cloudfront.ResponseHeadersPolicySecurityHeadersConfigArgs(
        content_security_policy=cloudfront.ResponseHeadersPolicySecurityHeadersConfigContentSecurityPolicyArgs(
            content_security_policy=pulumi.Output.from_input(api_origin).apply(content_security_policy),
            override=True,
        ),
        content_type_options=cloudfront.ResponseHeadersPolicySecurityHeadersConfigContentTypeOptionsArgs(override=True),
        frame_options=cloudfront.ResponseHeadersPolicySecurityHeadersConfigFrameOptionsArgs(
            frame_option="DENY", override=True
        ),
        referrer_policy=cloudfront.ResponseHeadersPolicySecurityHeadersConfigReferrerPolicyArgs(
            referrer_policy="no-referrer", override=True
        ),
        strict_transport_security=cloudfront.ResponseHeadersPolicySecurityHeadersConfigStrictTransportSecurityArgs(
            access_control_max_age_sec=_HSTS_SECONDS, include_subdomains=False, preload=False, override=True
        ),
    )


def _certificate(args: DocsDistributionArgs) -> cloudfront.DistributionViewerCertificateArgs:
    """With CloudFront's own certificate AWS decides the protocol version; any other value would read back as TLSv1."""
    if args.certificate_arn is None:
        return cloudfront.DistributionViewerCertificateArgs(cloudfront_default_certificate=True)
    return cloudfront.DistributionViewerCertificateArgs(
        acm_certificate_arn=args.certificate_arn,
        ssl_support_method="sni-only",
        minimum_protocol_version="TLSv1.2_2021",
    )
