"""CloudWatch Logs groups."""

from typing import Final

from sandbox.context import Context, Inputs, Outputs


def log_group(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:cloudwatch/logGroup:LogGroup`."""
    name: str = inputs.get("name") or inputs.name
    inputs.accept(["skipDestroy"])
    tags: dict[str, str] = inputs.get("tags", {})
    client = context.client("logs")
    client.create_log_group(logGroupName=name, tags=tags, **inputs.camel(["kmsKeyId", "logGroupClass"]))
    retention = inputs.get("retentionInDays")
    if retention:
        client.put_retention_policy(logGroupName=name, retentionInDays=retention)
    return name, {"name": name, "arn": context.arn("logs", f"log-group:{name}"), "tagsAll": tags}


CREATORS: Final = {"aws:cloudwatch/logGroup:LogGroup": log_group}
