"""Repositories, builds and what runs their images, for the tests of the rules about images that run."""

import json
from typing import Any

from policy.guardrails.resources import Resource
from tests.policy.harness import UNKNOWN_TEXT, resource

HOST = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
DIGEST = "sha256:" + "0a" * 32
OTHER_DIGEST = "sha256:" + "0b" * 32
UNTAGGED = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 1}
EXPIRE = {"type": "expire"}


def keep(count: int) -> dict[str, Any]:
    return {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": count}


def pushed(days: int, **more: Any) -> dict[str, Any]:
    return {"tagStatus": "any", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": days, **more}


def prefixed(*prefixes: str, count: int) -> dict[str, Any]:
    return {**keep(count), "tagStatus": "tagged", "tagPrefixList": list(prefixes)}


def repository(name: str = "jobs", **properties: Any) -> Resource:
    """An immutable one whose URL is known."""
    known = {"name": name, "repositoryUrl": f"{HOST}/{name}", "imageTagMutability": "IMMUTABLE", "region": REGION}
    return resource("ecr:Repository", {**known, **properties}, name=name)


REGION = "eu-central-1"


def policy(*selections: dict[str, Any], of: Resource, name: str = "lifecycle", action: Any = EXPIRE) -> Resource:
    rules = [{"rulePriority": n, "selection": item, "action": action} for n, item in enumerate(selections, start=1)]
    return resource(
        "ecr:LifecyclePolicy",
        {"repository": of.properties.get("name"), "policy": json.dumps({"rules": rules})},
        name=name,
    )


def build(
    tags: Any, *, of: Resource, digest: str = UNKNOWN_TEXT, name: str = "build", made: dict[str, Any] | None = None
) -> Resource:
    """A build that pushes to a repository; `made` are the properties that say what it is built of."""
    depends = {"tags": [of], "exports": [of], "registries": [of]}
    properties = {"tags": tags, "digest": digest, **(made or {})}
    return resource("docker-build:index:Image", properties, name=name, depends=depends)


def job(image: Any, *made_of: Resource, name: str = "job") -> Resource:
    return resource(
        "batch:JobDefinition",
        {"containerProperties": json.dumps({"image": image})},
        name=name,
        depends={"containerProperties": list(made_of)},
    )


def unknown_job(*made_of: Resource, name: str = "job") -> Resource:
    """A job definition as in a first preview: its properties wait for the image, and for the roles."""
    role = resource("iam:Role", {}, name="role")
    depends = {"containerProperties": [*made_of, role]}
    return resource("batch:JobDefinition", {"containerProperties": UNKNOWN_TEXT}, name=name, depends=depends)


def function(image: Any, *made_of: Resource, name: str = "function") -> Resource:
    return resource("lambda:Function", {"imageUri": image}, name=name, depends={"imageUri": list(made_of)})


def task(*images: Any, name: str = "task") -> Resource:
    return resource("ecs:TaskDefinition", {"containerDefinitions": [{"image": image} for image in images]}, name=name)


def image(name: str = "jobs", digest: str = DIGEST, tag: str = "") -> str:
    return f"{HOST}/{name}{':' + tag if tag else ''}@{digest}"
