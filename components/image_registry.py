"""The private repository of one pipeline's images."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws import ecr

from components import iam
from components.iam import Statement

BUILD_CACHE_TAG = "buildcache"
SHIELDED_IMAGES = 10_000
"""How many images with a protected tag stay: more than anybody promotes, so that none ever expires."""


@dataclass(frozen=True, kw_only=True)
class ImageRegistryArgs:
    repository: str
    """The repository's name, for example `slipway-dev/wordcount`."""
    retained_images: int
    """How many images are kept. Default of the settings: 10."""
    untagged_days: int
    """Days after which an untagged image expires. Default of the settings: 1."""
    protected_tag_prefixes: Sequence[str]
    """Beginnings of tags whose images never expire. Default of the settings: `release-` and `deployed-`."""
    build_cache: bool
    """Whether builds keep their cache under the tag `buildcache`."""
    protect_data: bool
    """Refuse to delete the repository, with or without images in it."""
    grants: Sequence[Statement] = ()
    """What the repository's policy allows. Empty: it has none, and only roles of its own account use it."""
    tags: Mapping[str, str]


class ImageRegistry(pulumi.ComponentResource):
    """A private ECR repository: immutable tags, scan on push, encrypted, with a lifecycle."""

    repository_arn: pulumi.Output[str]
    repository_name: pulumi.Output[str]
    repository_url: pulumi.Output[str]
    registry_id: pulumi.Output[str]
    """The account's 12 digits."""
    policy: ecr.RepositoryPolicy | None
    """What lets others in. Whoever needs that should depend on it."""

    def __init__(self, name: str, args: ImageRegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:ImageRegistry", name, None, opts)
        # A build cache is written again and again under one tag; a filter excludes that tag alone from immutability.
        exclusion = ecr.RepositoryImageTagMutabilityExclusionFilterArgs(filter=BUILD_CACHE_TAG, filter_type="WILDCARD")
        repository = ecr.Repository(
            name,
            name=args.repository,
            image_tag_mutability="IMMUTABLE_WITH_EXCLUSION" if args.build_cache else "IMMUTABLE",
            image_tag_mutability_exclusion_filters=[exclusion] if args.build_cache else None,
            image_scanning_configuration=ecr.RepositoryImageScanningConfigurationArgs(scan_on_push=True),
            encryption_configurations=[ecr.RepositoryEncryptionConfigurationArgs(encryption_type="AES256")],
            force_delete=not args.protect_data,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect_data),
        )
        ecr.LifecyclePolicy(
            name,
            repository=repository.name,
            policy=json.dumps(lifecycle_policy(args)),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.policy = None
        if args.grants:
            self.policy = ecr.RepositoryPolicy(
                name,
                repository=repository.name,
                policy=iam.document(*args.grants),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.repository_arn = repository.arn
        self.repository_name = repository.name
        self.repository_url = repository.repository_url
        self.registry_id = repository.registry_id
        self.register_outputs({"repositoryArn": self.repository_arn, "repositoryUrl": self.repository_url})


def lifecycle_policy(args: ImageRegistryArgs) -> dict[str, Any]:
    """The lifecycle: the lowest priority is applied first, and what a rule selects is hidden from the later ones."""
    rules: list[dict[str, Any]] = []
    if args.build_cache:
        # One image at most has this tag, so the rule expires nothing: it shields the cache from "keep the last N".
        rules.append(
            {
                "description": "Keep the build cache",
                "selection": {
                    "tagStatus": "tagged",
                    "tagPrefixList": [BUILD_CACHE_TAG],
                    "countType": "imageCountMoreThan",
                    "countNumber": 1,
                },
            }
        )
    # An image must have all the prefixes of a list to be selected, so each one has a rule of its own.
    rules += [
        {
            "description": f"Keep what is tagged {prefix}...",
            "selection": {
                "tagStatus": "tagged",
                "tagPrefixList": [prefix],
                "countType": "imageCountMoreThan",
                "countNumber": SHIELDED_IMAGES,
            },
        }
        for prefix in args.protected_tag_prefixes
        # ECR takes no two rules for the same prefixes.
        if not (args.build_cache and prefix == BUILD_CACHE_TAG)
    ]
    rules.append(
        {
            "description": f"Expire untagged images after {args.untagged_days} days",
            "selection": {
                "tagStatus": "untagged",
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": args.untagged_days,
            },
        }
    )
    rules.append(
        {
            "description": f"Keep the last {args.retained_images} images",
            "selection": {
                "tagStatus": "any",
                "countType": "imageCountMoreThan",
                "countNumber": args.retained_images,
            },
        }
    )
    # Rules out of order would show a difference in every preview.
    return {
        "rules": [
            {"rulePriority": priority, **rule, "action": {"type": "expire"}} for priority, rule in enumerate(rules, 1)
        ]
    }
