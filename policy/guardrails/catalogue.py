"""All rules of the pack, in the order in which they are registered and documented."""

from collections.abc import Mapping, Sequence
from typing import Final

from . import api, api_plans, api_stages, arm64, batch, ecr, iam, images
from .rules import Rule

SERVICES: Final[Mapping[str, Sequence[Rule]]] = {
    "Container registry": ecr.RULES,
    "API Gateway": (*api.RULES, *api_plans.RULES, *api_stages.RULES),
    "arm64": arm64.RULES,
    "Images": images.RULES,
    "Batch": batch.RULES,
    "IAM": iam.RULES,
}

RULES: Final[Sequence[Rule]] = tuple(rule for rules in SERVICES.values() for rule in rules)
BY_ID: Final[Mapping[str, Rule]] = {rule.id: rule for rule in RULES}
