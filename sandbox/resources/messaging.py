"""SNS topics with their subscribers, and SQS queues."""

from typing import Any, Final

from sandbox.context import Context, Inputs, Outputs, tag_list


def topic(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:sns/topic:Topic`."""
    name: str = inputs.get("name") or inputs.name
    tags: dict[str, str] = inputs.get("tags", {})
    inputs.accept(["fifoTopic"])
    attributes = inputs.pascal(["displayName", "kmsMasterKeyId", "policy"])
    arn: str = context.client("sns").create_topic(Name=name, Attributes=attributes, Tags=tag_list(tags))["TopicArn"]
    return arn, {"name": name, "arn": arn, "owner": context.account_id, "tagsAll": tags}


def topic_policy(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:sns/topicPolicy:TopicPolicy`."""
    arn: str = inputs.need("arn")
    context.client("sns").set_topic_attributes(
        TopicArn=arn, AttributeName="Policy", AttributeValue=inputs.need("policy")
    )
    return arn, {"owner": context.account_id}


def topic_subscription(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:sns/topicSubscription:TopicSubscription`; nothing is sent outside, so no address ever confirms."""
    inputs.accept(["confirmationTimeoutInMinutes", "endpointAutoConfirms"])
    attributes: dict[str, Any] = {}
    if inputs.get("rawMessageDelivery"):
        attributes["RawMessageDelivery"] = "true"
    answer = context.client("sns").subscribe(
        TopicArn=inputs.need("topic"),
        Protocol=inputs.need("protocol"),
        Endpoint=inputs.need("endpoint"),
        Attributes=attributes,
        ReturnSubscriptionArn=True,
    )
    arn: str = answer["SubscriptionArn"]
    pending = context.client("sns").get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    return arn, {
        "arn": arn,
        "ownerId": context.account_id,
        "pendingConfirmation": pending["PendingConfirmation"] == "true",
    }


_QUEUE_ATTRIBUTES: Final = {
    "delaySeconds": "DelaySeconds",
    "maxMessageSize": "MaximumMessageSize",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
}


def queue(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:sqs/queue:Queue`, not of the kind FIFO."""
    name: str = inputs.get("name") or inputs.name
    tags: dict[str, str] = inputs.get("tags", {})
    inputs.accept(["fifoQueue"])
    attributes = {key: str(value) for key, value in inputs.camel([], **_QUEUE_ATTRIBUTES).items()}
    managed = inputs.get("sqsManagedSseEnabled")
    if managed is not None:
        attributes["SqsManagedSseEnabled"] = "true" if managed else "false"
    client = context.client("sqs")
    url: str = client.create_queue(QueueName=name, Attributes=attributes, tags=tags)["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return url, {"name": name, "url": url, "arn": arn, "tagsAll": tags}


def queue_policy(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:sqs/queuePolicy:QueuePolicy`."""
    url: str = inputs.need("queueUrl")
    context.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": inputs.need("policy")})
    return url, {}


CREATORS: Final = {
    "aws:sns/topic:Topic": topic,
    "aws:sns/topicPolicy:TopicPolicy": topic_policy,
    "aws:sns/topicSubscription:TopicSubscription": topic_subscription,
    "aws:sqs/queue:Queue": queue,
    "aws:sqs/queuePolicy:QueuePolicy": queue_policy,
}
