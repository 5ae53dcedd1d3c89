"""ECR repositories and their lifecycle policies."""

from typing import Final

from sandbox.context import Context, Inputs, Outputs, tag_list


def repository(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:ecr/repository:Repository`."""
    name: str = inputs.get("name") or inputs.name
    inputs.accept(["forceDelete"])
    request = inputs.camel(["imageTagMutability", "imageTagMutabilityExclusionFilters", "imageScanningConfiguration"])
    encryption = inputs.get("encryptionConfigurations")
    if encryption:
        request["encryptionConfiguration"] = encryption[0]
    tags: dict[str, str] = inputs.get("tags", {})
    client = context.client("ecr")
    created = client.create_repository(repositoryName=name, tags=tag_list(tags), **request)["repository"]
    return name, {
        "name": name,
        "arn": created["repositoryArn"],
        "registryId": created["registryId"],
        "repositoryUrl": created["repositoryUri"],
        "tagsAll": tags,
    }


def lifecycle_policy(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:ecr/lifecyclePolicy:LifecyclePolicy`."""
    name: str = inputs.need("repository")
    answer = context.client("ecr").put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=inputs.need("policy"))
    return name, {"registryId": answer.get("registryId", context.account_id)}


def repository_policy(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:ecr/repositoryPolicy:RepositoryPolicy`."""
    name: str = inputs.need("repository")
    context.client("ecr").set_repository_policy(repositoryName=name, policyText=inputs.need("policy"))
    return name, {"registryId": context.account_id}


CREATORS: Final = {
    "aws:ecr/repository:Repository": repository,
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": lifecycle_policy,
    "aws:ecr/repositoryPolicy:RepositoryPolicy": repository_policy,
}
