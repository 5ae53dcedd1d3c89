"""The image of one pipeline: built for linux/arm64, pushed, and known by its digest."""

from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_docker_build as docker_build
from pulumi_aws import ecr

from components import build_context
from components.image_registry import BUILD_CACHE_TAG
from components.pipeline_settings import PipelineSettings
from components.push_advice import push_advice

PLATFORM = docker_build.Platform.LINUX_ARM64
SOURCE_DATE_EPOCH = "315532800"
"""1980-01-01T00:00:00Z, the earliest time that a ZIP file, and so a Python wheel, can hold."""
_EXPORT = "type=registry,rewrite-timestamp=true"
"""A push that sets every file's time to SOURCE_DATE_EPOCH: an unchanged build gives the same digest again [BuildKit
documentation, "SOURCE_DATE_EPOCH"]. The provider's own `push=True` can't be told to."""
BUILD_SETTINGS = {"platform": PLATFORM.value, "export": _EXPORT, "epoch": SOURCE_DATE_EPOCH}
"""What is the same for every build, and part of every tag."""


@dataclass(frozen=True, kw_only=True)
class ContainerImageArgs:
    root: Path
    """The project's folder."""
    pipeline: PipelineSettings
    """With a context."""
    repository_url: pulumi.Input[str]
    registry_id: pulumi.Input[str]
    """The 12 digits of the account that the repository is in."""
    build_cache: bool
    """Keep layers in the repository under the tag `buildcache`."""
    build_on_preview: bool


class ContainerImage(pulumi.ComponentResource):
    """An image of exactly linux/arm64. Consumers get `repository@sha256:...`, never a tag.

    No attestations: they would turn the push into an index, which Lambda refuses. The provider's embedded client
    switches provenance off [pulumi-docker-build, provider/internal/client.go]; its `exec` mode, which might not, isn't
    used.
    """

    digest: pulumi.Output[str]
    reference: pulumi.Output[str]
    """`repository@sha256:...`."""

    def __init__(self, name: str, args: ContainerImageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:ContainerImage", name, None, opts)
        url = pulumi.Output.from_input(args.repository_url)
        pipeline = args.pipeline
        if pipeline.context is None:
            raise ValueError(f"The pipeline {pipeline.name} has no context to build from.")
        tag = build_context.content_tag(
            args.root / pipeline.context,
            dockerfile=pipeline.dockerfile,
            build_args=pipeline.build_args,
            generation=pipeline.generation,
            settings=BUILD_SETTINGS,
        )
        # Asked for on each run: the token lives for 12 hours and is part of no difference.
        token = ecr.get_authorization_token_output(
            registry_id=args.registry_id, opts=pulumi.InvokeOutputOptions(parent=self)
        )
        cache_ref = pulumi.Output.concat(url, ":", BUILD_CACHE_TAG)
        use_cache = args.build_cache and not pipeline.no_cache
        image = docker_build.Image(
            name,
            context=docker_build.BuildContextArgs(location=pipeline.context),
            dockerfile=docker_build.DockerfileArgs(location=f"{pipeline.context}/{pipeline.dockerfile}"),
            platforms=[PLATFORM],
            build_args={**pipeline.build_args, "SOURCE_DATE_EPOCH": SOURCE_DATE_EPOCH},
            tags=[pulumi.Output.concat(url, ":", tag)],
            push=False,  # the export below pushes
            exports=[docker_build.ExportArgs(raw=_EXPORT)],
            registries=[
                docker_build.RegistryArgs(
                    address=url.apply(lambda value: value.split("/", 1)[0]),
                    username=token.user_name,
                    password=pulumi.Output.secret(token.password),
                )
            ],
            build_on_preview=args.build_on_preview,
            no_cache=pipeline.no_cache,
            cache_from=[docker_build.CacheFromArgs(registry=docker_build.CacheFromRegistryArgs(ref=cache_ref))]
            if use_cache
            else None,
            cache_to=[
                docker_build.CacheToArgs(
                    registry=docker_build.CacheToRegistryArgs(
                        ref=cache_ref,
                        mode=docker_build.CacheMode.MAX,
                        # ECR takes a cache in no other form.
                        image_manifest=True,
                        oci_media_types=True,
                        ignore_error=True,
                    )
                )
            ]
            if use_cache
            else None,
            opts=pulumi.ResourceOptions(
                parent=self,
                # Deleting the resource would delete the pushed digest, which an older job definition may still run.
                retain_on_delete=True,
                hooks=pulumi.ResourceHookBinding(on_error=[_push_error_hook(pipeline.name)]),
            ),
        )
        self.digest = image.digest
        self.reference = pulumi.Output.concat(url, "@", image.digest)
        self.register_outputs({"digest": self.digest, "reference": self.reference})


def _push_error_hook(pipeline: str) -> pulumi.ErrorHook:
    def explain(args: pulumi.ErrorHookArgs) -> bool:
        advice = push_advice(pipeline, args.errors)
        if advice:
            pulumi.log.error(advice)
        return False  # the builder has tried again already where that helps

    return pulumi.ErrorHook(f"{pipeline}-push", explain)
