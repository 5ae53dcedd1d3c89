"""All rules of the pack, in the order in which they are registered and documented."""

from collections.abc import Mapping, Sequence
from typing import Final

from . import (
    api,
    api_plans,
    api_stages,
    arm64,
    batch,
    cloudfront,
    data,
    ec2,
    ecr,
    ecs,
    function_timeouts,
    functions,
    iam,
    image_retention,
    images,
    logs,
    messaging,
    plain_secrets,
    regions,
    s3,
    tagging,
)
from .rules import Rule

SERVICES: Final[Mapping[str, Sequence[Rule]]] = {
    "Container registry": (*ecr.RULES, *image_retention.RULES),
    "API Gateway": (*api.RULES, *api_plans.RULES, *api_stages.RULES),
    "arm64": arm64.RULES,
    "Images": images.RULES,
    "Batch": batch.RULES,
    "IAM": iam.RULES,
    "Lambda": (*functions.RULES, *function_timeouts.RULES),
    "S3": s3.RULES,
    "CloudFront": cloudfront.RULES,
    "ECS": ecs.RULES,
    "Network": ec2.RULES,
    "Messaging": messaging.RULES,
    "Logs": logs.RULES,
    "Secrets": plain_secrets.RULES,
    "Data": data.RULES,
    "Everywhere": (*tagging.RULES, *regions.RULES),
}

RULES: Final[Sequence[Rule]] = tuple(rule for rules in SERVICES.values() for rule in rules)
BY_ID: Final[Mapping[str, Rule]] = {rule.id: rule for rule in RULES}
