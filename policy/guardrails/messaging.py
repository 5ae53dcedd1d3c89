"""Rules for SNS and SQS: messages are encrypted at rest."""

from collections.abc import Iterator
from typing import Final

from .resources import Resource
from .rules import Finding, Level, Rule, Settings, Severity, Violation

TOPIC: Final = "sns:Topic"
QUEUE: Final = "sqs:Queue"


def check_encryption(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    key = resource["kmsMasterKeyId"]
    if not key.known or key.text(""):
        return
    if resource.kind == TOPIC:
        yield Violation(found="kmsMasterKeyId is not set, so messages aren't encrypted", expected="a KMS key")
    # SQS encrypts with its own key unless told otherwise.
    elif not resource["sqsManagedSseEnabled"].flag(default=True):
        yield Violation(found="sqsManagedSseEnabled is false and there is no KMS key", expected="either of them")


ENCRYPTION: Final = Rule(
    id="sns-sqs-encryption",
    level=Level.ADVISORY,
    severity=Severity.MEDIUM,
    title="Topics and queues are encrypted",
    description="SNS topics have a KMS key; SQS queues have one, or SQS's own encryption.",
    why="Messages often carry more than planned, and SNS stores them in plain text unless it has a key.",
    fix=(
        "Set kmsMasterKeyId. CloudWatch alarms and EventBridge can't publish with alias/aws/sns: they need a key whose "
        "policy allows them. For a queue, leave sqsManagedSseEnabled alone or set it to true."
    ),
    link="https://docs.aws.amazon.com/sns/latest/dg/sns-server-side-encryption.html",
    kinds=(TOPIC, QUEUE),
    peers=(
        "checkov CKV_AWS_26, CKV_AWS_27",
        "trivy AWS-0095, AWS-0096",
        "Security Hub SQS.1",
        "cdk-nag SNS2, SQS2",
    ),
    check=check_encryption,
)

RULES: Final = (ENCRYPTION,)
