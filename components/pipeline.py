"""All that one pipeline has for itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi_aws import ecr

from components import naming, repository_access
from components.batch_pipeline import BatchPipeline, BatchPipelineArgs
from components.batch_platform import BatchPlatform
from components.container_image import ContainerImage, ContainerImageArgs
from components.iam import Statement
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
    image: pulumi.Input[str]
    """`repository@sha256:...`."""
    repository_url: pulumi.Input[str]
    repository_arn: pulumi.Input[str]
    pull_grant: pulumi.Resource | None
    """What lets Lambda pull the image, where this stack makes it."""
    summary: Mapping[str, pulumi.Input[Any]]
    """What the stack exports about it."""

    def __init__(self, name: str, args: PipelineArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:Pipeline", name, None, opts)
        own = pulumi.ResourceOptions(parent=self)
        settings, pipeline = args.settings, args.pipeline
        tags = naming.tags(settings.project, settings.stack, pipeline.name)
        self.pull_grant = None
        self.image = self._image(name, args, tags)
        jobs = BatchPipeline(
            name,
            BatchPipelineArgs(
                pipeline=pipeline,
                image=self.image,
                repository_arn=self.repository_arn,
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
            "repositoryUrl": self.repository_url,
            "imageReference": self.image,
            "jobDefinition": jobs.job_definition,
            "functionName": self.function.name,
        }
        self.register_outputs(dict(self.summary))

    def _image(self, name: str, args: PipelineArgs, tags: Mapping[str, str]) -> pulumi.Input[str]:
        """The image by digest, and where it is."""
        settings, pipeline = args.settings, args.pipeline
        owns = settings.registry.kind == "own"
        own = owns and pipeline.image is None
        # What another stack runs an image of stays, though this stack has no use for it any more. So does what is
        # protected: with the first promotion the images that were built here become what a rollback goes back to.
        kept = pipeline.name in settings.used_elsewhere or (owns and settings.protect_data)
        registry = self._registry(name, args, tags) if own or kept else None
        if pipeline.image is not None:
            self.repository_url, self.repository_arn = pipeline.image.repository_url, pipeline.image.repository_arn
            return pipeline.image.reference
        if own and registry is not None:
            self.repository_url, self.repository_arn = registry.repository_url, registry.repository_arn
            self.pull_grant, registry_id = registry.policy, registry.registry_id
        else:
            # An answer that a preview has, too, and that is right wherever the registry is.
            shared = ecr.get_repository_output(
                name=naming.repository_name(settings.project, naming.SHARED_STACK, pipeline.name),
                registry_id=settings.registry.account or None,
                opts=pulumi.InvokeOutputOptions(parent=self),
            )
            self.repository_url, self.repository_arn = shared.repository_url, shared.arn
            registry_id = shared.registry_id
        if pipeline.digest is not None:
            return pulumi.Output.concat(self.repository_url, "@", pipeline.digest)
        image = ContainerImage(
            name,
            ContainerImageArgs(
                root=args.root,
                pipeline=pipeline,
                repository_url=self.repository_url,
                registry_id=registry_id,
                build_cache=settings.build_cache,
                build_on_preview=settings.build_on_preview,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        return image.reference

    def _registry(self, name: str, args: PipelineArgs, tags: Mapping[str, str]) -> ImageRegistry:
        """The stack's own repository."""
        settings, pipeline = args.settings, args.pipeline
        return ImageRegistry(
            name,
            ImageRegistryArgs(
                repository=naming.repository_name(settings.project, settings.stack, pipeline.name),
                retained_images=settings.retained_images,
                untagged_days=settings.untagged_days,
                protected_tag_prefixes=settings.protected_tag_prefixes,
                build_cache=settings.build_cache,
                protect_data=settings.protect_data or pipeline.name in settings.used_elsewhere,
                grants=self._grants(settings, pipeline),
                tags=tags,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _grants(self, settings: Settings, pipeline: PipelineSettings) -> Sequence[Statement]:
        """Lambda pulls for the functions that run the image: their ARNs follow from their names.

        Of a stack that has the image by promotion no more is known than how the names of its functions begin.
        """
        if pipeline.name in settings.used_elsewhere:
            names = [f"{naming.project_prefix(settings.project)}*"]
        else:
            names = [
                naming.fit(naming.function_name(settings.project, settings.stack, function.name))
                for function in settings.functions
                if function.pipeline == pipeline.name and pipeline.image is None
            ]
        if not names:
            return ()
        account = aws.get_caller_identity_output(opts=pulumi.InvokeOutputOptions(parent=self)).account_id
        place = f"arn:{naming.partition(settings.region)}:lambda:{settings.region}:"
        arns = [pulumi.Output.concat(place, account, ":function:", name) for name in names]
        return [repository_access.lambda_pulls(arns)]
