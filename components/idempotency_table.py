"""What was answered to which Idempotency-Key."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import dynamodb


@dataclass(frozen=True, kw_only=True)
class IdempotencyTableArgs:
    protect_data: bool
    """Refuse to delete the table, and keep backups of every second of the last 35 days."""
    tags: Mapping[str, str]


class IdempotencyTable(pulumi.ComponentResource):
    """A DynamoDB table, paid by request: partition key `id` (a hash), items expire by `expiresAt`."""

    arn: pulumi.Output[str]
    table: pulumi.Output[str]

    def __init__(self, name: str, args: IdempotencyTableArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:IdempotencyTable", name, None, opts)
        table = dynamodb.Table(
            name,
            name=name,
            billing_mode="PAY_PER_REQUEST",
            hash_key="id",
            attributes=[dynamodb.TableAttributeArgs(name="id", type="S")],
            ttl=dynamodb.TableTtlArgs(attribute_name="expiresAt", enabled=True),
            # With the AWS managed key: what an account can audit and a key policy can't be forgotten on.
            server_side_encryption=dynamodb.TableServerSideEncryptionArgs(enabled=True),
            point_in_time_recovery=dynamodb.TablePointInTimeRecoveryArgs(enabled=args.protect_data),
            deletion_protection_enabled=args.protect_data,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect_data),
        )
        self.arn = table.arn
        self.table = table.name
        self.register_outputs({"arn": self.arn, "table": self.table})
