"""Who may call the API: keys, and how much each consumer may ask for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import apigateway

from components.settings import Consumer
from components.trigger_api import TriggerApi


@dataclass(frozen=True, kw_only=True)
class ApiKeysArgs:
    consumers: Sequence[Consumer]
    tags: Mapping[str, str]


class ApiKeys(pulumi.ComponentResource):
    """Two key slots a consumer, so that a key can be replaced while the old one still works.

    A slot's generation is part of the key's name: a higher one makes a new key, and deletes the slot's old one. API
    Gateway makes the values. A key tells consumers apart and meters them; it is not authentication.
    """

    consumers: pulumi.Output[str]
    """JSON: key id -> consumer."""
    ids: Mapping[str, Mapping[str, pulumi.Output[str]]]
    """Consumer -> key name -> key id."""
    values: pulumi.Output[Mapping[str, str]]
    """Secret. Consumer -> value of its current key: the slot with the highest generation."""

    def __init__(self, name: str, args: ApiKeysArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:ApiKeys", name, None, opts)
        ids: dict[str, dict[str, pulumi.Output[str]]] = {}
        current: dict[str, pulumi.Output[str]] = {}
        for consumer in args.consumers:
            keys = self._keys(name, consumer, args.tags)
            ids[consumer.name] = {key_name: key.id for key_name, key in keys.values()}
            current[consumer.name] = keys[max(consumer.key_generations)][1].value
        self.ids = ids
        owners = [(key_id, consumer) for consumer, keys in ids.items() for key_id in keys.values()]
        self.consumers = pulumi.Output.json_dumps(
            pulumi.Output.all(*(key_id for key_id, _ in owners)).apply(
                lambda known: dict(zip(known, (consumer for _, consumer in owners), strict=True))
            )
        )
        self.values = pulumi.Output.secret(pulumi.Output.all(**current))
        self.register_outputs({"values": self.values})

    def _keys(self, name: str, consumer: Consumer, tags: Mapping[str, str]) -> dict[int, tuple[str, apigateway.ApiKey]]:
        """Generation -> name and key of each slot that isn't empty."""
        keys: dict[int, tuple[str, apigateway.ApiKey]] = {}
        for slot, generation in enumerate(consumer.key_generations):
            if generation == 0:
                continue
            key_name = f"{name}-{consumer.name}-{slot}-{generation}"
            keys[generation] = (
                key_name,
                apigateway.ApiKey(
                    key_name,
                    name=key_name,
                    description=f"Key of {consumer.name}, slot {slot}, generation {generation}",
                    enabled=True,
                    tags=tags,
                    opts=pulumi.ResourceOptions(parent=self),
                ),
            )
        return keys


@dataclass(frozen=True, kw_only=True)
class UsagePlansArgs:
    api: TriggerApi
    consumers: Sequence[Consumer]
    keys: ApiKeys
    tags: Mapping[str, str]


class UsagePlans(pulumi.ComponentResource):
    """A usage plan a consumer, with a rate, a burst and a daily quota of its own, for all of its keys."""

    def __init__(self, name: str, args: UsagePlansArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:UsagePlans", name, None, opts)
        for consumer in args.consumers:
            plan_name = f"{name}-{consumer.name}"
            plan = apigateway.UsagePlan(
                plan_name,
                name=plan_name,
                description=f"What {consumer.name} may ask for",
                api_stages=[apigateway.UsagePlanApiStageArgs(api_id=args.api.api_id, stage=args.api.stage_name)],
                throttle_settings=apigateway.UsagePlanThrottleSettingsArgs(
                    rate_limit=consumer.rate, burst_limit=consumer.burst
                ),
                quota_settings=apigateway.UsagePlanQuotaSettingsArgs(limit=consumer.quota_per_day, period="DAY"),
                tags=args.tags,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for key_name, key_id in args.keys.ids[consumer.name].items():
                apigateway.UsagePlanKey(
                    key_name,
                    usage_plan_id=plan.id,
                    key_id=key_id,
                    key_type="API_KEY",
                    # The provider reads the key's value back here, too, and takes it for no secret.
                    opts=pulumi.ResourceOptions(parent=self, additional_secret_outputs=["value"]),
                )
        self.register_outputs({})
