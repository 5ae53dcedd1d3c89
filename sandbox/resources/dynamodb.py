"""DynamoDB tables."""

from typing import Final

from sandbox.context import Context, Inputs, Outputs, tag_list


def table(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:dynamodb/table:Table`, with a hash and perhaps a range key, and no secondary indexes."""
    name: str = inputs.get("name") or inputs.name
    tags: dict[str, str] = inputs.get("tags", {})
    keys = [{"AttributeName": inputs.need("hashKey"), "KeyType": "HASH"}]
    if inputs.get("rangeKey"):
        keys.append({"AttributeName": inputs.get("rangeKey"), "KeyType": "RANGE"})
    attributes = [{"AttributeName": item["name"], "AttributeType": item["type"]} for item in inputs.need("attributes")]
    mode: str = inputs.get("billingMode", "PROVISIONED")
    capacity = {}
    if mode == "PROVISIONED":
        capacity["ProvisionedThroughput"] = {
            "ReadCapacityUnits": inputs.need("readCapacity"),
            "WriteCapacityUnits": inputs.need("writeCapacity"),
        }
    encryption = inputs.get("serverSideEncryption")
    if encryption:
        capacity["SSESpecification"] = {"Enabled": encryption["enabled"]}
    client = context.client("dynamodb")
    created = client.create_table(
        TableName=name,
        KeySchema=keys,
        AttributeDefinitions=attributes,
        BillingMode=mode,
        Tags=tag_list(tags),
        **capacity,
        **inputs.pascal(["deletionProtectionEnabled", "tableClass"]),
    )["TableDescription"]
    expiry = inputs.get("ttl")
    if expiry and expiry.get("enabled"):
        client.update_time_to_live(
            TableName=name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": expiry["attributeName"]},
        )
    recovery = inputs.get("pointInTimeRecovery")
    if recovery:
        client.update_continuous_backups(
            TableName=name,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": recovery["enabled"]},
        )
    return name, {"name": name, "arn": created["TableArn"], "tagsAll": tags}


CREATORS: Final = {"aws:dynamodb/table:Table": table}
