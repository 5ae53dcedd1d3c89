"""The docs site: Swagger UI on the very document that the API was built from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pulumi
from pulumi_aws import s3

from components import api_document, lambda_package, site_files
from components.api_document import SERVER_URL_PLACEHOLDER, DocumentedPipeline
from components.private_bucket import PrivateBucket, PrivateBucketArgs
from components.settings import Settings
from components.website_bucket import WebsiteBucket, WebsiteBucketArgs


@dataclass(frozen=True, kw_only=True)
class DocsSiteArgs:
    root: Path
    """The project's folder."""
    settings: Settings
    """The API's document and the pipelines in it; `docs.mode`: `website`, a public S3 website, HTTP only, or
    `cloudfront`, private behind CloudFront, HTTPS only; `protectData`."""
    api_url: pulumi.Input[str]
    tags: Mapping[str, str]


class DocsSite(pulumi.ComponentResource):
    """Static pages that talk to nothing but the API."""

    url: pulumi.Output[str]

    def __init__(self, name: str, args: DocsSiteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:DocsSite", name, None, opts)
        own = pulumi.ResourceOptions(parent=self)
        docs, protect_data = args.settings.docs, args.settings.protect_data
        if docs.mode == "website":
            website = WebsiteBucket(name, WebsiteBucketArgs(protect_data=protect_data, tags=args.tags), own)
            bucket, self.url = website.bucket, website.url
        else:
            # Imported here: what the SDK has for CloudFront takes half a second to load, which a website needn't pay.
            from components.docs_distribution import DocsDistribution, DocsDistributionArgs

            private = PrivateBucket(
                name,
                PrivateBucketArgs(expire_days=None, own_policy=False, protect_data=protect_data, tags=args.tags),
                own,
            )
            distribution = DocsDistribution(
                name,
                DocsDistributionArgs(
                    bucket=private.bucket,
                    bucket_arn=private.arn,
                    bucket_domain_name=private.domain_name,
                    api_origin=pulumi.Output.from_input(args.api_url).apply(_origin),
                    domain=docs.domain,
                    certificate_arn=docs.certificate_arn,
                    tags=args.tags,
                ),
                own,
            )
            bucket, self.url = private.bucket, distribution.url
        self._upload(name, bucket, args)
        self.register_outputs({"url": self.url})

    def _upload(self, name: str, bucket: pulumi.Output[str], args: DocsSiteArgs) -> None:
        for file in site_files.site_files(args.root):
            s3.BucketObjectv2(
                f"{name}-{_role(file.key)}",
                bucket=bucket,
                key=file.key,
                content_type=file.content_type,
                cache_control=file.cache_control,
                content=file.text,
                source=pulumi.FileAsset(lambda_package.portable_path(args.root, file.path)) if file.path else None,
                tags=args.tags,
                opts=pulumi.ResourceOptions(parent=self),
            )
        document = _document(args.settings)
        s3.BucketObjectv2(
            f"{name}-{site_files.DOCUMENT}",
            bucket=bucket,
            key=site_files.DOCUMENT,
            content_type=site_files.content_type(site_files.DOCUMENT),
            cache_control=site_files.REVALIDATE,
            content=pulumi.Output.from_input(args.api_url).apply(lambda url: _with_server(document, url)),
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )


def _document(settings: Settings) -> str:
    pipelines = [
        DocumentedPipeline(
            name=pipeline.name,
            schema=pipeline.schema,
            sample=pipeline.sample,
            limits={"timeoutSeconds": pipeline.timeout_seconds},
        )
        for pipeline in settings.pipelines
    ]
    return api_document.render(settings.api_template, pipelines, environment=settings.stack)


def _with_server(document: str, url: str) -> str:
    return document.replace(json.dumps(SERVER_URL_PLACEHOLDER), json.dumps(url))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _role(key: str) -> str:
    """The logical name of a file, without the hash: a new content is a replacement, not another resource."""
    stem, _, extension = key.rpartition(".")
    return f"{stem.rpartition('.')[0]}.{extension}" if key.startswith(f"{site_files.FOLDER}/") else key
