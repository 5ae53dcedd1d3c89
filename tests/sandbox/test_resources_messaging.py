"""Topics, queues, keys and alarms: read back as written, changed, and gone when deleted."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.parsers import create_parser

from sandbox.context import Clients
from tests import patient
from tests.sandbox.conftest import ACCOUNT, REGION, TAG_LIST, TAGS, Create, refused


def policy(resource: str, service: str = "events.amazonaws.com") -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "*", "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.fixture
def topic(create: Create, unique: str) -> Any:
    return create("aws:sns/topic:Topic", name=unique, kmsMasterKeyId="alias/any", tags=TAGS)


def test_topic(topic: Any, create: Create, client: Clients, unique: str) -> None:
    sns = client("sns")
    assert topic["arn"] == topic.id == f"arn:aws:sns:{REGION}:{ACCOUNT}:{unique}"
    read = sns.get_topic_attributes(TopicArn=topic.id)["Attributes"]
    assert (read["KmsMasterKeyId"], read["DisplayName"], read["Owner"]) == ("alias/any", "", ACCOUNT)
    assert json.loads(read["Policy"])["Statement"][0]["Sid"] == "__default_statement_ID"
    assert not {"DeliveryPolicy", "FifoTopic", "TracingConfig", "ArchivePolicy"} & read.keys()
    assert sns.list_tags_for_resource(ResourceArn=topic.id)["Tags"] == TAG_LIST
    document = policy(topic.id)
    create("aws:sns/topicPolicy:TopicPolicy", arn=topic.id, policy=json.dumps(document))
    assert json.loads(sns.get_topic_attributes(TopicArn=topic.id)["Attributes"]["Policy"]) == document
    sns.set_topic_attributes(TopicArn=topic.id, AttributeName="KmsMasterKeyId", AttributeValue="alias/other")
    sns.tag_resource(ResourceArn=topic.id, Tags=[{"Key": "Stack", "Value": "dev"}])
    sns.untag_resource(ResourceArn=topic.id, TagKeys=["Project"])
    assert sns.get_topic_attributes(TopicArn=topic.id)["Attributes"]["KmsMasterKeyId"] == "alias/other"
    assert sns.list_tags_for_resource(ResourceArn=topic.id)["Tags"] == [{"Key": "Stack", "Value": "dev"}]
    sns.delete_topic(TopicArn=topic.id)
    assert refused(sns.get_topic_attributes, TopicArn=topic.id) == "NotFound"
    assert refused(sns.list_tags_for_resource, ResourceArn=topic.id) == "ResourceNotFound"


def test_a_mail_subscription_waits_for_its_confirmation(topic: Any, create: Create, client: Clients) -> None:
    sns = client("sns")
    address = "team@example.org"
    made = create("aws:sns/topicSubscription:TopicSubscription", topic=topic.id, protocol="email", endpoint=address)
    assert made.id.startswith(f"{topic.id}:")
    assert made["pendingConfirmation"] is True
    read = sns.get_subscription_attributes(SubscriptionArn=made.id)["Attributes"]
    assert (read["TopicArn"], read["Protocol"], read["Endpoint"]) == (topic.id, "email", address)
    assert (read["PendingConfirmation"], read["ConfirmationWasAuthenticated"]) == ("true", "false")
    assert (read["RawMessageDelivery"], read["Owner"]) == ("false", ACCOUNT)
    assert not {"FilterPolicy", "FilterPolicyScope", "DeliveryPolicy", "RedrivePolicy"} & read.keys()
    counts = sns.get_topic_attributes(TopicArn=topic.id)["Attributes"]
    assert (counts["SubscriptionsPending"], counts["SubscriptionsConfirmed"]) == ("1", "0")
    again = sns.subscribe(TopicArn=topic.id, Protocol="email", Endpoint=address)
    assert again["SubscriptionArn"] == "pending confirmation"
    sns.unsubscribe(SubscriptionArn=made.id)
    assert refused(sns.get_subscription_attributes, SubscriptionArn=made.id) == "NotFound"


@pytest.fixture
def queue(create: Create, unique: str) -> Any:
    return create(
        "aws:sqs/queue:Queue",
        name=unique,
        messageRetentionSeconds=1_209_600,
        visibilityTimeoutSeconds=30,
        sqsManagedSseEnabled=True,
        tags=TAGS,
    )


def test_queue(queue: Any, create: Create, client: Clients, unique: str) -> None:
    sqs = client("sqs")

    def attributes() -> Mapping[str, str]:
        return sqs.get_queue_attributes(QueueUrl=queue.id, AttributeNames=["All"])["Attributes"]

    read = attributes()
    assert read["QueueArn"] == queue["arn"] == f"arn:aws:sqs:{REGION}:{ACCOUNT}:{unique}"
    assert (read["MessageRetentionPeriod"], read["SqsManagedSseEnabled"]) == ("1209600", "true")
    assert (read["VisibilityTimeout"], read["DelaySeconds"]) == ("30", "0")
    assert not {"Policy", "RedrivePolicy", "KmsMasterKeyId", "FifoQueue"} & read.keys()
    assert sqs.list_queue_tags(QueueUrl=queue.id)["Tags"] == TAGS
    document = policy(queue["arn"])
    create("aws:sqs/queuePolicy:QueuePolicy", queueUrl=queue.id, policy=json.dumps(document))
    assert json.loads(attributes()["Policy"]) == document
    sqs.set_queue_attributes(QueueUrl=queue.id, Attributes={"Policy": "", "MessageRetentionPeriod": "600"})
    assert "Policy" not in attributes()
    assert attributes()["MessageRetentionPeriod"] == "600"
    sqs.tag_queue(QueueUrl=queue.id, Tags={"Stack": "dev"})
    sqs.untag_queue(QueueUrl=queue.id, TagKeys=["Project"])
    assert sqs.list_queue_tags(QueueUrl=queue.id)["Tags"] == {"Stack": "dev"}
    sqs.delete_queue(QueueUrl=queue.id)
    code = refused(sqs.get_queue_attributes, QueueUrl=queue.id, AttributeNames=["All"])
    assert code == "AWS.SimpleQueueService.NonExistentQueue"


def test_key(create: Create, client: Clients) -> None:
    kms = client("kms")
    document = policy("*")
    key = create(
        "aws:kms/key:Key",
        description="of a topic",
        policy=json.dumps(document),
        enableKeyRotation=True,
        deletionWindowInDays=7,
        tags=TAGS,
    )
    read = kms.describe_key(KeyId=key.id)["KeyMetadata"]
    assert (read["Arn"], read["Description"], read["Enabled"]) == (key["arn"], "of a topic", True)
    assert (read["KeySpec"], read["KeyUsage"], read["MultiRegion"]) == ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", False)
    assert json.loads(kms.get_key_policy(KeyId=key.id, PolicyName="default")["Policy"]) == document
    assert kms.get_key_rotation_status(KeyId=key.id)["KeyRotationEnabled"] is True
    assert kms.list_resource_tags(KeyId=key.id)["Tags"] == [{"TagKey": "Project", "TagValue": "slipway"}]
    kms.update_key_description(KeyId=key.id, Description="other")
    kms.put_key_policy(KeyId=key.id, PolicyName="default", Policy=json.dumps(policy("*", "cloudwatch.amazonaws.com")))
    kms.disable_key_rotation(KeyId=key.id)
    kms.tag_resource(KeyId=key.id, Tags=[{"TagKey": "Stack", "TagValue": "dev"}])
    kms.untag_resource(KeyId=key.id, TagKeys=["Project"])
    assert kms.describe_key(KeyId=key.id)["KeyMetadata"]["Description"] == "other"
    assert "cloudwatch" in kms.get_key_policy(KeyId=key.id, PolicyName="default")["Policy"]
    assert kms.get_key_rotation_status(KeyId=key.id)["KeyRotationEnabled"] is False
    assert kms.list_resource_tags(KeyId=key.id)["Tags"] == [{"TagKey": "Stack", "TagValue": "dev"}]
    kms.schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
    # The provider takes a key that waits for its end as gone.
    assert kms.describe_key(KeyId=key.id)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    unknown = "00000000-0000-0000-0000-000000000000"
    assert refused(kms.describe_key, KeyId=unknown) == "NotFoundException"


ALARM: Mapping[str, Any] = {
    "alarmDescription": 'Jobs failed: "status" & <logs> say why',
    "namespace": "AWS/Events",
    "metricName": "TriggeredRules",
    "statistic": "Sum",
    "period": 900,
    "evaluationPeriods": 1,
    "threshold": 1,
    "comparisonOperator": "GreaterThanOrEqualToThreshold",
    "treatMissingData": "notBreaching",
}


def over_query(client: Clients, operation: str, **parameters: str) -> dict[str, Any]:
    """What an operation of CloudWatch answers over the protocol that older SDKs speak."""
    cloudwatch = client("cloudwatch")
    answer = patient.post(
        cloudwatch.meta.endpoint_url,
        data={"Action": operation, "Version": "2010-08-01", **parameters},
        headers={
            "authorization": f"AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/monitoring/aws4_request, "
            "SignedHeaders=host, Signature=0"
        },
        trust_env=False,
    )
    response = {"status_code": answer.status_code, "headers": dict(answer.headers), "body": answer.content}
    shape = cloudwatch.meta.service_model.operation_model(operation).output_shape
    return create_parser("query").parse(response, shape)


def test_alarm(topic: Any, create: Create, client: Clients, unique: str) -> None:
    cloudwatch = client("cloudwatch")
    alarm = create(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        name=unique,
        dimensions={"RuleName": unique},
        alarmActions=[topic.id],
        tags=TAGS,
        **ALARM,
    )
    (read,) = cloudwatch.describe_alarms(AlarmNames=[unique])["MetricAlarms"]
    assert alarm["arn"] == read["AlarmArn"] == f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{unique}"
    written = {key[0].upper() + key[1:]: value for key, value in ALARM.items()}
    written |= {"Dimensions": [{"Name": "RuleName", "Value": unique}], "AlarmActions": [topic.id]}
    written |= {"OKActions": [], "InsufficientDataActions": [], "ActionsEnabled": True}
    assert {key: read[key] for key in written} == written
    assert not {"Unit", "ExtendedStatistic", "DatapointsToAlarm"} & read.keys()
    assert cloudwatch.list_tags_for_resource(ResourceARN=alarm["arn"])["Tags"] == TAG_LIST
    (queried,) = over_query(client, "DescribeAlarms", **{"AlarmNames.member.1": unique})["MetricAlarms"]
    assert queried == read
    cloudwatch.put_metric_alarm(
        AlarmName=unique,
        Dimensions=[],
        **{key: value for key, value in written.items() if key in _CHANGED} | {"Period": 60},
    )
    cloudwatch.tag_resource(ResourceARN=alarm["arn"], Tags=[{"Key": "Stack", "Value": "dev"}])
    cloudwatch.untag_resource(ResourceARN=alarm["arn"], TagKeys=["Project"])
    (read,) = cloudwatch.describe_alarms(AlarmNames=[unique])["MetricAlarms"]
    assert (read["Period"], read["Dimensions"]) == (60, [])
    assert cloudwatch.list_tags_for_resource(ResourceARN=alarm["arn"])["Tags"] == [{"Key": "Stack", "Value": "dev"}]
    cloudwatch.delete_alarms(AlarmNames=[unique])
    assert cloudwatch.describe_alarms(AlarmNames=[unique])["MetricAlarms"] == []
    assert over_query(client, "DescribeAlarms", **{"AlarmNames.member.1": unique})["MetricAlarms"] == []
    assert refused(cloudwatch.list_tags_for_resource, ResourceARN=alarm["arn"]) == "ResourceNotFound"


_CHANGED = {"Namespace", "MetricName", "Statistic", "EvaluationPeriods", "Threshold", "ComparisonOperator"}


def test_an_alarm_that_is_written_over_the_query_protocol(topic: Any, client: Clients, unique: str) -> None:
    written = {key[0].upper() + key[1:]: str(value) for key, value in ALARM.items()}
    over_query(
        client,
        "PutMetricAlarm",
        AlarmName=unique,
        **written,
        **{
            "ActionsEnabled": "true",
            "AlarmActions.member.1": topic.id,
            "Dimensions.member.1.Name": "RuleName",
            "Dimensions.member.1.Value": unique,
            "Tags.member.1.Key": "Project",
            "Tags.member.1.Value": "slipway",
        },
    )
    (read,) = over_query(client, "DescribeAlarms", **{"AlarmNames.member.1": unique})["MetricAlarms"]
    assert {key: str(read[key]) for key in written} == {**written, "Threshold": "1.0"}
    assert (read["AlarmActions"], read["ActionsEnabled"]) == ([topic.id], True)
    assert read["Dimensions"] == [{"Name": "RuleName", "Value": unique}]
    found = over_query(client, "ListTagsForResource", ResourceARN=read["AlarmArn"])
    assert found["Tags"] == TAG_LIST
    over_query(client, "DeleteAlarms", **{"AlarmNames.member.1": unique})
    assert over_query(client, "DescribeAlarms", **{"AlarmNames.member.1": unique})["MetricAlarms"] == []


def test_matches_of_a_rule_are_counted_into_one_message(
    create: Create, client: Clients, queue: Any, topic: Any, unique: str
) -> None:
    events, sqs = client("events"), client("sqs")
    inbox = create("aws:sqs/queue:Queue", name=f"{unique}-inbox")
    create(
        "aws:sqs/queuePolicy:QueuePolicy",
        queueUrl=inbox.id,
        policy=json.dumps(policy(inbox["arn"], "sns.amazonaws.com")),
    )
    create("aws:sns/topicSubscription:TopicSubscription", topic=topic.id, protocol="sqs", endpoint=inbox["arn"])
    for name in (unique, f"{unique}-other"):
        rule = create("aws:cloudwatch/eventRule:EventRule", name=name, eventPattern=json.dumps({"source": [name]}))
        create("aws:cloudwatch/eventTarget:EventTarget", rule=rule["name"], arn=queue["arn"])
    create(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        name=unique,
        dimensions={"RuleName": unique},
        alarmActions=[topic.id],
        **ALARM,
    )
    event = {"DetailType": "any", "Detail": "{}"}
    events.put_events(Entries=[{**event, "Source": f"{unique}-other"}])
    assert sqs.receive_message(QueueUrl=inbox.id).get("Messages", []) == []
    events.put_events(Entries=[{**event, "Source": unique}] * 5)
    (message,) = sqs.receive_message(QueueUrl=inbox.id, MaxNumberOfMessages=10)["Messages"]
    told = json.loads(json.loads(message["Body"])["Message"])
    assert (told["AlarmName"], told["NewStateValue"]) == (unique, "ALARM")
    assert told["AlarmDescription"] == ALARM["alarmDescription"]
    (alarm,) = client("cloudwatch").describe_alarms(AlarmNames=[unique])["MetricAlarms"]
    assert alarm["StateValue"] == "ALARM"
