"""The repositories that all stacks of a project use, in a stack of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import naming, repository_access
from components.iam import Statement
from components.image_registry import ImageRegistry, ImageRegistryArgs
from components.settings import Settings


@dataclass(frozen=True, kw_only=True)
class SharedRegistryArgs:
    settings: Settings
    """With `registry.repositories`."""


class SharedRegistry(pulumi.ComponentResource):
    """A repository for each pipeline, which the accounts that the settings name may pull from or push into.

    They outlive every stack that uses them: an image that was promoted is in no stack's own hands.
    """

    repository_urls: Mapping[str, pulumi.Output[str]]
    """By pipeline."""

    def __init__(self, name: str, args: SharedRegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:SharedRegistry", name, None, opts)
        settings = args.settings
        grants = self._grants(settings)
        self.repository_urls = {
            pipeline: ImageRegistry(
                f"{name}-{pipeline}",
                ImageRegistryArgs(
                    repository=naming.repository_name(settings.project, settings.stack, pipeline),
                    retained_images=settings.retained_images,
                    untagged_days=settings.untagged_days,
                    protected_tag_prefixes=settings.protected_tag_prefixes,
                    build_cache=settings.build_cache,
                    protect_data=settings.protect_data or pipeline in settings.used_elsewhere,
                    grants=grants,
                    tags=naming.tags(settings.project, settings.stack, pipeline),
                ),
                pulumi.ResourceOptions(parent=self),
            ).repository_url
            for pipeline in settings.registry.repositories
        }
        self.register_outputs({"repositoryUrls": self.repository_urls})

    def _grants(self, settings: Settings) -> Sequence[Statement]:
        """The functions of this account, and what `pullers` and `pushers` name."""
        registry = settings.registry
        partition = naming.partition(settings.region)
        # Lambda pulls from its own region only [AWS Lambda developer guide, "Create a Lambda function using a container
        # image"].
        of_region = f"arn:{partition}:lambda:{settings.region}"
        functions = f"function:{naming.project_prefix(settings.project)}*"
        own = aws.get_caller_identity_output(opts=pulumi.InvokeOutputOptions(parent=self)).account_id
        statements = [
            repository_access.lambda_pulls(
                [
                    pulumi.Output.concat(of_region, ":", own, ":", functions),
                    *(f"{of_region}:{account}:{functions}" for account in registry.puller_accounts),
                ]
            )
        ]
        if registry.puller_accounts:
            statements.append(repository_access.accounts_pull(registry.puller_accounts, partition))
        if registry.puller_organization:
            statements.append(repository_access.organization_pulls(registry.puller_organization))
            statements.append(
                repository_access.lambda_pulls_in_organization(
                    registry.puller_organization, [f"{of_region}:*:{functions}"]
                )
            )
        if registry.pusher_accounts:
            statements.append(repository_access.accounts_push(registry.pusher_accounts, partition))
        return statements
