"""Mails about images and jobs: pushes, scan findings, and failures counted into one message."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws import cloudwatch, kms, sns, sqs

from components import iam, naming
from components.image_registry import BUILD_CACHE_TAG
from components.notification_settings import NotificationSettings

_KEY_DELETION_DAYS = 7
"""The least that KMS takes [AWS KMS API reference, "ScheduleKeyDeletion"]: a topic keeps no message for long."""
_FAILURE_RETENTION_SECONDS = 14 * 24 * 3600
"""The most that SQS keeps [Amazon SQS developer guide, "Message quotas"]; Batch itself forgets a job after 7 days."""
_DELIBERATE_ENDS = ("Cancelled by ", "Duplicate of job ")
"""How the reason begins of a job that the API or the reconciler ended: FAILED for Batch, and for nobody else."""


@dataclass(frozen=True, kw_only=True)
class NotificationsArgs:
    settings: NotificationSettings
    """With at least one address."""
    repository_prefix: str = ""
    """What the names of the stack's repositories begin with, for example `slipway-dev/`; empty: it has none."""
    queue_arn: pulumi.Input[str] | None = None
    """The stack's job queue; None: it has none."""
    stack: str
    protect_data: bool
    """Refuse to delete the key."""
    tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class _Message:
    """A kind of event that is a message each."""

    role: str
    """Part of the rule's name."""
    description: str
    pattern: Mapping[str, Any]
    paths: Mapping[str, str]
    """Name in the text -> where the event has it."""
    text: str


class Notifications(pulumi.ComponentResource):
    """A topic with e-mail subscribers, and what is published to it.

    Each address gets a mail from AWS first, and must confirm. A push, and a finished scan with critical or high
    findings, is a message each. Failed jobs are counted: the first of them raises an alarm, which is one message and
    rests until an interval has passed without a failure. So a thousand failures are one message.

    The topic has a key of its own, about $1 a month: EventBridge and CloudWatch can't publish to a topic with the AWS
    managed key `alias/aws/sns`, whose policy allows no service and can't be changed [Amazon SNS developer guide,
    "Enable compatibility between event sources from AWS services and encrypted topics"].
    """

    topic_arn: pulumi.Output[str]

    def __init__(self, name: str, args: NotificationsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:Notifications", name, None, opts)
        self._name, self._args = name, args
        self._own = pulumi.ResourceOptions(parent=self)
        messages = _registry_messages(args.repository_prefix) if args.repository_prefix else ()
        rules = [self._rule(message.role, message.description, json.dumps(message.pattern)) for message in messages]
        failures = self._failure_rule(args.queue_arn) if args.queue_arn is not None else None
        if not rules and failures is None:
            raise ValueError("A stack without repositories and without a queue has nothing to tell.")
        topic = self._topic(failures or rules[0])
        for address in args.settings.emails:
            sns.TopicSubscription(
                f"{name}-{address}", topic=topic.arn, protocol="email", endpoint=address, opts=self._own
            )
        alarm = self._failure_alarm(failures, topic) if failures else None
        policy = sns.TopicPolicy(
            name, arn=topic.arn, policy=iam.document(*_publishing(topic, rules, alarm)), opts=self._own
        )
        for message, rule in zip(messages, rules, strict=True):
            cloudwatch.EventTarget(
                f"{name}-{message.role}",
                rule=rule.name,
                target_id="topic",
                arn=topic.arn,
                input_transformer=cloudwatch.EventTargetInputTransformerArgs(
                    input_paths=message.paths, input_template=json.dumps(message.text)
                ),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
            )
        self.topic_arn = topic.arn
        self.register_outputs({"topicArn": self.topic_arn})

    def _rule(self, role: str, description: str, pattern: pulumi.Input[str]) -> cloudwatch.EventRule:
        name = f"{self._name}-{role}"
        return cloudwatch.EventRule(
            name,
            name=naming.fit(name),
            description=description,
            event_pattern=pattern,
            tags=self._args.tags,
            opts=self._own,
        )

    def _topic(self, neighbour: cloudwatch.EventRule) -> sns.Topic:
        """The topic and its key.

        Args:
            neighbour: whose ARN tells partition, region and account; asking AWS for them would take a call.
        """
        place = neighbour.arn.apply(lambda arn: arn.split(":"))
        partition, account = place[1], place[4]
        topic_name = naming.fit(self._name)
        topic_arn = pulumi.Output.concat("arn:", partition, ":sns:", place[3], ":", account, f":{topic_name}")
        key = kms.Key(
            self._name,
            description=f"Messages of the topic {topic_name}",
            deletion_window_in_days=_KEY_DELETION_DAYS,
            enable_key_rotation=True,
            # In a key's policy "*" is this key alone [AWS KMS developer guide, "Key policy elements"].
            policy=iam.document(
                # Without it nobody could ever change the key again [AWS KMS developer guide, "Default key policy"].
                {
                    "Sid": "Account",
                    "Effect": "Allow",
                    "Principal": {"AWS": pulumi.Output.concat("arn:", partition, ":iam::", account, ":root")},
                    "Action": "kms:*",
                    "Resource": "*",
                },
                # By the topic, not by aws:SourceArn: EventBridge's calls to encrypted topics don't carry that one
                # [Amazon SNS developer guide, as above].
                {
                    "Sid": "Publishers",
                    "Effect": "Allow",
                    "Principal": {"Service": ["cloudwatch.amazonaws.com", "events.amazonaws.com"]},
                    "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                    "Resource": "*",
                    "Condition": {"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": topic_arn}},
                },
            ),
            tags=self._args.tags,
            opts=pulumi.ResourceOptions(parent=self, protect=self._args.protect_data),
        )
        return sns.Topic(self._name, name=topic_name, kms_master_key_id=key.arn, tags=self._args.tags, opts=self._own)

    def _failure_rule(self, queue_arn: pulumi.Input[str]) -> cloudwatch.EventRule:
        """The rule that counts failed jobs, and the queue that keeps them.

        The count is the rule's own metric. A target makes sure of it: what AWS counts for a rule without one isn't
        documented. A log group as target would need one of the ten resource policies that an account has in a region
        [Amazon CloudWatch Logs user guide, "CloudWatch Logs quotas"].
        """
        name = f"{self._name}-failures"
        fitted = naming.fit(name)
        rule = self._rule(
            "failures",
            f"Jobs of the stack {self._args.stack} that failed",
            pulumi.Output.json_dumps(
                {
                    "source": ["aws.batch"],
                    "detail-type": ["Batch Job State Change"],
                    "detail": {
                        "jobQueue": [queue_arn],
                        "status": ["FAILED"],
                        "statusReason": [{"exists": False}, {"anything-but": {"prefix": list(_DELIBERATE_ENDS)}}],
                    },
                }
            ),
        )
        queue = sqs.Queue(
            name,
            name=fitted,
            message_retention_seconds=_FAILURE_RETENTION_SECONDS,
            sqs_managed_sse_enabled=True,
            tags=self._args.tags,
            opts=self._own,
        )
        policy = sqs.QueuePolicy(
            name,
            queue_url=queue.url,
            policy=iam.document(
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "events.amazonaws.com"},
                    "Action": ["sqs:SendMessage"],
                    "Resource": [queue.arn],
                    "Condition": {"ArnEquals": {"aws:SourceArn": rule.arn}},
                }
            ),
            opts=self._own,
        )
        cloudwatch.EventTarget(
            name,
            rule=rule.name,
            target_id="queue",
            arn=queue.arn,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        return rule

    def _failure_alarm(self, rule: cloudwatch.EventRule, topic: sns.Topic) -> cloudwatch.MetricAlarm:
        """One message when jobs begin to fail. The mail says how many of them the interval had."""
        name, stack = f"{self._name}-failures", self._args.stack
        minutes = self._args.settings.interval_minutes
        return cloudwatch.MetricAlarm(
            name,
            name=naming.fit(name),
            alarm_description=(
                f"Jobs of the stack {stack} failed; the reason for the state change has their number in the last "
                f"{minutes} minutes. GET /PIPELINE/jobs?status=FAILED lists them, and the queue {naming.fit(name)} "
                f"keeps their events for two weeks. `slipway status PIPELINE JOB --stack {stack}` and "
                f"`slipway logs PIPELINE JOB --stack {stack}` say why one failed. The next message comes when jobs "
                f"fail again after {minutes} minutes without a failure."
            ),
            namespace="AWS/Events",
            metric_name="TriggeredRules",
            dimensions={"RuleName": rule.name},
            statistic="Sum",
            period=minutes * 60,
            evaluation_periods=1,
            threshold=1,
            comparison_operator="GreaterThanOrEqualToThreshold",
            # The metric has no value for a time without a match.
            treat_missing_data="notBreaching",
            alarm_actions=[topic.arn],
            tags=self._args.tags,
            opts=self._own,
        )


def _publishing(
    topic: sns.Topic, rules: Sequence[cloudwatch.EventRule], alarm: cloudwatch.MetricAlarm | None
) -> list[iam.Statement]:
    """Who may publish: EventBridge's rules, and this alarm."""
    publish = {"Effect": "Allow", "Action": ["sns:Publish"], "Resource": [topic.arn]}
    statements: list[iam.Statement] = []
    if rules:
        # Without a condition: what EventBridge publishes to a topic meets none, and would be dropped without a word
        # [Amazon EventBridge user guide, "Using resource-based policies", "Amazon SNS permissions"].
        statements.append({**publish, "Sid": "Rules", "Principal": {"Service": "events.amazonaws.com"}})
    if alarm:
        statements.append(
            {
                **publish,
                "Sid": "Alarm",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Condition": {
                    "ArnEquals": {"aws:SourceArn": [alarm.arn]},
                    "StringEquals": {"aws:SourceAccount": alarm.arn.apply(lambda arn: arn.split(":")[4])},
                },
            }
        )
    return statements


def _registry_messages(prefix: str) -> Sequence[_Message]:
    """What ECR tells about the repositories whose names begin so [Amazon ECR user guide, "Amazon ECR events and
    EventBridge"]."""
    repository = [{"prefix": prefix}]
    paths = {"digest": "$.detail.image-digest", "repository": "$.detail.repository-name"}
    return (
        _Message(
            role="pushes",
            description=f"Images pushed to {prefix}*, the build cache aside",
            pattern={
                "source": ["aws.ecr"],
                "detail-type": ["ECR Image Action"],
                "detail": {
                    "action-type": ["PUSH"],
                    "result": ["SUCCESS"],
                    "repository-name": repository,
                    "image-tag": [{"anything-but": [BUILD_CACHE_TAG]}],
                },
            },
            paths={**paths, "tag": "$.detail.image-tag"},
            text="Pushed to <repository>: <tag>, which is <digest>.",
        ),
        _Message(
            role="findings",
            description=f"Scans of images in {prefix}* that found something critical or high",
            pattern={
                "source": ["aws.ecr"],
                "detail-type": ["ECR Image Scan"],
                "detail": {
                    "scan-status": ["COMPLETE"],
                    "repository-name": repository,
                    "$or": [
                        {"finding-severity-counts": {severity: [{"numeric": [">", 0]}]}}
                        for severity in ("CRITICAL", "HIGH")
                    ],
                },
            },
            # A severity that has no finding isn't in the event, and leaves its place in the text empty.
            paths={
                **paths,
                "critical": "$.detail.finding-severity-counts.CRITICAL",
                "high": "$.detail.finding-severity-counts.HIGH",
            },
            text=(
                "The scan of <repository>@<digest> found vulnerabilities. Critical: <critical>. High: <high>. "
                "`slipway scan PIPELINE` lists them."
            ),
        ),
    )
