"""All that one pipeline has for itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi

from components import naming
from components.batch_pipeline import BatchPipeline, BatchPipelineArgs
from components.batch_platform import BatchPlatform
from components.container_image import ContainerImage, ContainerImageArgs
from components.idempotency_table import IdempotencyTable
from components.image_registry import ImageRegistry, ImageRegistryArgs
from components.pipeline_settings import PipelineSettings
from components.results_store import ResultsStore
from components.settings import Settings
from components.trigger_function import TriggerFunction, TriggerFunctionArgs


@dataclass(frozen=True, kw_only=True)
class PipelineArgs:
    root: Path
    """The project's folder."""
    settings: Settings
    pipeline: PipelineSettings
    platform: BatchPlatform
    store: ResultsStore
    idempotency: IdempotencyTable
    consumers: pulumi.Input[str]
    """JSON: API key id -> consumer."""


class Pipeline(pulumi.ComponentResource):
    """An image (built here, or named by digest), how its jobs run, and the function that starts them."""

    function: TriggerFunction
    summary: Mapping[str, pulumi.Input[Any]]
    """What the stack exports about it."""

    def __init__(self, name: str, args: PipelineArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:Pipeline", name, None, opts)
        own = pulumi.ResourceOptions(parent=self)
        settings, pipeline = args.settings, args.pipeline
        tags = naming.tags(settings.project, settings.stack, pipeline.name)
        url, arn, image = self._image(name, args, tags)
        jobs = BatchPipeline(
            name,
            BatchPipelineArgs(
                pipeline=pipeline,
                image=image,
                repository_arn=arn,
                store=args.store,
                assign_public_ip=settings.network.assign_public_ip,
                log_retention_days=settings.log_retention_days,
                region=settings.region,
                tags=tags,
                permissions_boundary=settings.permissions_boundary,
            ),
            own,
        )
        self.function = TriggerFunction(
            f"{name}-trigger",
            TriggerFunctionArgs(
                root=args.root,
                pipeline=pipeline,
                jobs=jobs,
                platform=args.platform,
                store=args.store,
                idempotency=args.idempotency,
                consumers=args.consumers,
                cors_origins=settings.cors_origins,
                job_visibility=settings.job_visibility,
                log_retention_days=settings.log_retention_days,
                tags=tags,
                permissions_boundary=settings.permissions_boundary,
            ),
            own,
        )
        self.summary = {
            "repositoryUrl": url,
            "imageReference": image,
            "jobDefinition": jobs.job_definition,
            "functionName": self.function.name,
        }
        self.register_outputs(dict(self.summary))

    def _image(
        self, name: str, args: PipelineArgs, tags: Mapping[str, str]
    ) -> tuple[pulumi.Input[str], pulumi.Input[str], pulumi.Input[str]]:
        """URL and ARN of the repository, and the image by digest."""
        own = pulumi.ResourceOptions(parent=self)
        settings, pipeline = args.settings, args.pipeline
        if pipeline.image is not None:
            return pipeline.image.repository_url, pipeline.image.repository_arn, pipeline.image.reference
        registry = ImageRegistry(
            name,
            ImageRegistryArgs(
                repository=f"{naming.stack_prefix(settings.project, settings.stack)}/{pipeline.name}",
                retained_images=settings.retained_images,
                untagged_days=settings.untagged_days,
                build_cache=settings.build_cache,
                protect_data=settings.protect_data,
                tags=tags,
            ),
            own,
        )
        image = ContainerImage(
            name,
            ContainerImageArgs(
                root=args.root,
                pipeline=pipeline,
                repository_url=registry.repository_url,
                build_cache=settings.build_cache,
                build_on_preview=settings.build_on_preview,
            ),
            own,
        )
        return registry.repository_url, registry.repository_arn, image.reference
