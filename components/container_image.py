"""The image of one pipeline: built for linux/arm64, pushed, and known by its digest."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_docker_build as docker_build
from pulumi_aws import ecr

from components import build_context
from components.image_registry import BUILD_CACHE_TAG

PLATFORM = docker_build.Platform.LINUX_ARM64
SOURCE_DATE_EPOCH = "315532800"
"""1980-01-01T00:00:00Z, the earliest time that a ZIP file, and so a Python wheel, can hold."""
_EXPORT = "type=registry,rewrite-timestamp=true"
"""A push that sets every file's time to SOURCE_DATE_EPOCH: an unchanged build gives the same digest again [BuildKit
documentation, "SOURCE_DATE_EPOCH"]. The provider's own `push=True` can't be told to."""


@dataclass(frozen=True, kw_only=True)
class ContainerImageArgs:
    repository_url: pulumi.Input[str]
    context: str
    """The build context, relative to the project's folder."""
    dockerfile: str
    """Relative to the context."""
    build_args: Mapping[str, str]
    generation: int
    """Part of the tag: a higher one is a new tag for unchanged content."""
    no_cache: bool
    build_cache: bool
    """Keep layers in the repository under the tag `buildcache`."""
    build_on_preview: bool


class ContainerImage(pulumi.ComponentResource):
    """An image of exactly linux/arm64. Consumers get `repository@sha256:...`, never a tag.

    No attestations: they would turn the push into an index, which Lambda refuses. The provider's embedded client switches
    provenance off [pulumi-docker-build, provider/internal/client.go]; its `exec` mode would not, and isn't used.
    """

    digest: pulumi.Output[str]
    reference: pulumi.Output[str]
    """`repository@sha256:...`."""

    def __init__(self, name: str, args: ContainerImageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:ContainerImage", name, None, opts)
        url = pulumi.Output.from_input(args.repository_url)
        tag = build_context.content_tag(
            Path(args.context),
            dockerfile=args.dockerfile,
            build_args=args.build_args,
            generation=args.generation,
            settings={"platform": PLATFORM.value, "export": _EXPORT, "epoch": SOURCE_DATE_EPOCH},
        )
        # Asked for on each run: the token lives for 12 hours and is part of no difference.
        token = ecr.get_authorization_token_output(
            registry_id=url.apply(lambda value: value.split(".", 1)[0]),
            opts=pulumi.InvokeOutputOptions(parent=self),
        )
        cache_ref = pulumi.Output.concat(url, ":", BUILD_CACHE_TAG)
        use_cache = args.build_cache and not args.no_cache
        image = docker_build.Image(
            name,
            context=docker_build.BuildContextArgs(location=args.context),
            dockerfile=docker_build.DockerfileArgs(location=f"{args.context}/{args.dockerfile}"),
            platforms=[PLATFORM],
            build_args={**args.build_args, "SOURCE_DATE_EPOCH": SOURCE_DATE_EPOCH},
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
            no_cache=args.no_cache,
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
                hooks=pulumi.ResourceHookBinding(on_error=[_push_error_hook(name)]),
            ),
        )
        self.digest = image.digest
        self.reference = pulumi.Output.concat(url, "@", image.digest)
        self.register_outputs({"digest": self.digest, "reference": self.reference})


def _push_error_hook(name: str) -> pulumi.ErrorHook:
    def explain(args: pulumi.ErrorHookArgs) -> bool:
        message = push_advice(name, args.errors)
        if message:
            pulumi.log.error(message)
        return False

    return pulumi.ErrorHook(f"{name}-push", explain)


def push_advice(name: str, errors: list[str]) -> str | None:
    """What to do about a refused push; None if it failed for another reason.

    An immutable tag is refused when it exists with another digest: a push whose state was lost, and a build that gave other
    bytes since, for example because its base image or a package moved.
    """
    text = " ".join(errors).lower()
    if "immutable" not in text and "cannot be overwritten" not in text:
        return None
    return (
        f"{name}: the repository already has this build's tag with another digest, and its tags are immutable. Raise the "
        "pipeline's `generation` setting by one: it gives unchanged content a new tag. For example: "
        "pulumi config set --path 'slipway:pipelines.NAME.generation' 2"
    )
