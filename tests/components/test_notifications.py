"""Mails about images and jobs. What isn't proven here: that AWS delivers them, and how soon."""

import json
import re
from typing import Any

import pytest

from engine.program import UNKNOWN, Deployment
from tests.components.stack import ACCOUNT, REGION, Run

NAME = "slipway-dev-notifications"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:{NAME}"
RULE = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{NAME}"
ALARM = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{NAME}-failures"
EMAILS = ["team@example.org", "lead@example.org"]


@pytest.fixture(scope="module")
def told(run: Run) -> Deployment:
    return run({"notifications": {"emails": EMAILS}})


def pattern(deployment: Deployment, role: str) -> dict[str, Any]:
    return json.loads(deployment.one("aws:cloudwatch/eventRule:EventRule", f"{NAME}-{role}").inputs["eventPattern"])


def target(deployment: Deployment, role: str) -> dict[str, Any]:
    found = deployment.one("aws:cloudwatch/eventTarget:EventTarget", f"{NAME}-{role}").inputs
    return {key: value for key, value in found.items() if key not in ("eventBusName", "forceDestroy")}


def policy(deployment: Deployment, type_: str) -> list[dict[str, Any]]:
    return json.loads(deployment.one(type_).inputs["policy"])["Statement"]


def test_a_stack_has_no_topic_unless_its_settings_name_an_address(dev: Deployment, run: Run) -> None:
    for deployment in (dev, run({"notifications": {"intervalMinutes": 5}})):
        kinds = {item.type.split(":")[1].split("/")[0] for item in deployment.registrations}
        assert not kinds & {"kms", "sns", "sqs"}
        assert not deployment.all("aws:cloudwatch/metricAlarm:MetricAlarm")


def test_each_address_subscribes_to_one_topic(told: Deployment) -> None:
    topic = told.one("aws:sns/topic:Topic").inputs
    assert (topic["name"], topic["fifoTopic"]) == (NAME, False)
    found = [item.inputs for item in told.all("aws:sns/topicSubscription:TopicSubscription")]
    assert sorted((item["topic"], item["protocol"], item["endpoint"]) for item in found) == [
        (TOPIC, "email", address) for address in sorted(EMAILS)
    ]


def test_the_topic_has_a_key_that_the_two_services_may_use_for_it_alone(told: Deployment) -> None:
    key = told.one("aws:kms/key:Key")
    assert told.one("aws:sns/topic:Topic").inputs["kmsMasterKeyId"] == f"arn:aws:kms:{REGION}:{ACCOUNT}:{key.name}"
    assert (key.inputs["enableKeyRotation"], key.inputs["deletionWindowInDays"]) == (True, 7)
    assert policy(told, "aws:kms/key:Key") == [
        {
            "Sid": "Account",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "kms:*",
            "Resource": "*",
        },
        {
            "Sid": "Publishers",
            "Effect": "Allow",
            "Principal": {"Service": ["cloudwatch.amazonaws.com", "events.amazonaws.com"]},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
            "Condition": {"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": TOPIC}},
        },
    ]


def test_the_key_is_protected_where_data_is(told: Deployment, run: Run) -> None:
    assert told.one("aws:kms/key:Key").protect is False
    protected = run({"notifications": {"emails": EMAILS}, "protectData": True})
    assert protected.one("aws:kms/key:Key").protect is True


def test_rules_and_this_alarm_may_publish_and_nobody_else(told: Deployment) -> None:
    publish = {"Effect": "Allow", "Action": ["sns:Publish"], "Resource": [TOPIC]}
    assert policy(told, "aws:sns/topicPolicy:TopicPolicy") == [
        # No condition: EventBridge's messages to a topic meet none.
        {**publish, "Sid": "Rules", "Principal": {"Service": "events.amazonaws.com"}},
        {
            **publish,
            "Sid": "Alarm",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Condition": {
                "ArnEquals": {"aws:SourceArn": [ALARM]},
                "StringEquals": {"aws:SourceAccount": ACCOUNT},
            },
        },
    ]
    allowed = told.one("aws:sns/topicPolicy:TopicPolicy").urn
    for role in ("pushes", "findings"):
        assert allowed in told.one("aws:cloudwatch/eventTarget:EventTarget", f"{NAME}-{role}").dependencies


def test_a_push_is_told_in_a_sentence(told: Deployment) -> None:
    assert pattern(told, "pushes") == {
        "source": ["aws.ecr"],
        "detail-type": ["ECR Image Action"],
        "detail": {
            "action-type": ["PUSH"],
            "result": ["SUCCESS"],
            "repository-name": [{"prefix": "slipway-dev/"}],
            "image-tag": [{"anything-but": ["buildcache"]}],
        },
    }
    assert target(told, "pushes") == {
        "rule": f"{NAME}-pushes",
        "targetId": "topic",
        "arn": TOPIC,
        "inputTransformer": {
            "inputPaths": {
                "digest": "$.detail.image-digest",
                "repository": "$.detail.repository-name",
                "tag": "$.detail.image-tag",
            },
            "inputTemplate": '"Pushed to <repository>: <tag>, which is <digest>."',
        },
    }


def test_grave_findings_are_told_with_their_numbers(told: Deployment) -> None:
    assert pattern(told, "findings") == {
        "source": ["aws.ecr"],
        "detail-type": ["ECR Image Scan"],
        "detail": {
            "scan-status": ["COMPLETE"],
            "repository-name": [{"prefix": "slipway-dev/"}],
            "$or": [
                {"finding-severity-counts": {"CRITICAL": [{"numeric": [">", 0]}]}},
                {"finding-severity-counts": {"HIGH": [{"numeric": [">", 0]}]}},
            ],
        },
    }
    transformer = target(told, "findings")["inputTransformer"]
    assert transformer["inputPaths"]["critical"] == "$.detail.finding-severity-counts.CRITICAL"
    assert transformer["inputPaths"]["high"] == "$.detail.finding-severity-counts.HIGH"
    text = json.loads(transformer["inputTemplate"])
    assert set(re.findall(r"<(\w+)>", text)) == set(transformer["inputPaths"])


def test_no_failed_job_is_a_message_of_its_own(told: Deployment) -> None:
    queue = f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue/slipway-dev"
    assert pattern(told, "failures") == {
        "source": ["aws.batch"],
        "detail-type": ["Batch Job State Change"],
        "detail": {
            "jobQueue": [queue],
            "status": ["FAILED"],
            "statusReason": [{"exists": False}, {"anything-but": {"prefix": ["Cancelled by ", "Duplicate of job "]}}],
        },
    }
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{NAME}-failures"
    assert target(told, "failures") == {"rule": f"{NAME}-failures", "targetId": "queue", "arn": arn}
    inputs = told.one("aws:sqs/queue:Queue").inputs
    assert (inputs["name"], inputs["messageRetentionSeconds"]) == (f"{NAME}-failures", 14 * 24 * 3600)
    assert inputs["sqsManagedSseEnabled"] is True
    assert policy(told, "aws:sqs/queuePolicy:QueuePolicy") == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": ["sqs:SendMessage"],
            "Resource": [arn],
            "Condition": {"ArnEquals": {"aws:SourceArn": f"{RULE}-failures"}},
        }
    ]
    allowed = told.one("aws:sqs/queuePolicy:QueuePolicy").urn
    assert allowed in told.one("aws:cloudwatch/eventTarget:EventTarget", f"{NAME}-failures").dependencies


def test_failures_are_counted_into_one_message(told: Deployment) -> None:
    alarm = told.one("aws:cloudwatch/metricAlarm:MetricAlarm").inputs
    text = alarm["alarmDescription"]
    assert {key: value for key, value in alarm.items() if key not in ("tags", "alarmDescription")} == {
        "name": f"{NAME}-failures",
        "namespace": "AWS/Events",
        "metricName": "TriggeredRules",
        "dimensions": {"RuleName": f"{NAME}-failures"},
        "statistic": "Sum",
        "period": 900,
        "evaluationPeriods": 1,
        "threshold": 1,
        "comparisonOperator": "GreaterThanOrEqualToThreshold",
        "treatMissingData": "notBreaching",
        "alarmActions": [TOPIC],
        "actionsEnabled": True,
    }
    assert "`slipway status PIPELINE JOB --stack dev`" in text
    assert "`slipway logs PIPELINE JOB --stack dev`" in text
    assert f"{NAME}-failures" in text
    assert "15 minutes" in text
    assert len(text) <= 1024  # CloudWatch API reference, "PutMetricAlarm"


def test_the_interval_is_the_settings_own(run: Run) -> None:
    deployment = run({"notifications": {"emails": EMAILS, "intervalMinutes": 60}})
    alarm = deployment.one("aws:cloudwatch/metricAlarm:MetricAlarm").inputs
    assert alarm["period"] == 3600
    assert "60 minutes" in alarm["alarmDescription"]


def test_the_shared_stack_tells_of_its_repositories_alone(run: Run) -> None:
    deployment = run(
        {"pipelines": {}, "repositories": ["wordcount"], "notifications": {"emails": EMAILS}}, stack="shared"
    )
    rules = [item.name for item in deployment.all("aws:cloudwatch/eventRule:EventRule")]
    assert rules == ["slipway-shared-notifications-pushes", "slipway-shared-notifications-findings"]
    assert not deployment.all("aws:cloudwatch/metricAlarm:MetricAlarm")
    (statement,) = policy(deployment, "aws:sns/topicPolicy:TopicPolicy")
    assert statement["Sid"] == "Rules"


def test_a_stack_without_repositories_tells_of_its_jobs_alone(run: Run) -> None:
    deployment = run({"registry": "shared", "notifications": {"emails": EMAILS}})
    assert [item.name for item in deployment.all("aws:cloudwatch/eventRule:EventRule") if NAME in item.name] == [
        f"{NAME}-failures"
    ]
    (statement,) = policy(deployment, "aws:sns/topicPolicy:TopicPolicy")
    assert statement["Sid"] == "Alarm"


def test_a_preview_knows_the_patterns_of_images_and_the_alarm(run: Run) -> None:
    deployment = run({"notifications": {"emails": EMAILS}}, preview=True)
    unknown = {
        f"{item.type.rpartition(':')[2]}.{key}"
        for item in deployment.registrations
        for key, value in item.inputs.items()
        if item.name.startswith(NAME) and (value is UNKNOWN or value == [UNKNOWN])
    }
    assert unknown == {
        "EventRule.eventPattern",
        "EventTarget.arn",
        "Key.policy",
        "MetricAlarm.alarmActions",
        "QueuePolicy.policy",
        "QueuePolicy.queueUrl",
        "Topic.kmsMasterKeyId",
        "TopicPolicy.arn",
        "TopicPolicy.policy",
        "TopicSubscription.topic",
    }
    assert pattern(deployment, "pushes")["source"] == ["aws.ecr"]
