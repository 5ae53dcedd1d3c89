"""SNS and SQS: what the rule accepts, what it refuses, and what it leaves open."""

from typing import Any

import pytest

from policy.guardrails import messaging
from tests.policy.harness import UNKNOWN, resource, verdict


class TestEncryption:
    @pytest.mark.parametrize(
        ("kind", "properties"),
        [
            ("sns:Topic", {"kmsMasterKeyId": "alias/aws/sns"}),
            ("sns:Topic", {"kmsMasterKeyId": UNKNOWN}),
            ("sqs:Queue", {}),
            ("sqs:Queue", {"sqsManagedSseEnabled": True}),
            ("sqs:Queue", {"kmsMasterKeyId": "alias/jobs", "sqsManagedSseEnabled": False}),
        ],
    )
    def test_encrypted_passes(self, kind: str, properties: Any):
        assert verdict(messaging.ENCRYPTION, resource(kind, properties)).status == "pass"

    @pytest.mark.parametrize("key", [None, ""])
    def test_topic_without_key_is_shown(self, key: Any):
        assert verdict(messaging.ENCRYPTION, resource("sns:Topic", {"kmsMasterKeyId": key})).found == [
            "kmsMasterKeyId is not set, so messages aren't encrypted"
        ]

    @pytest.mark.parametrize("flag", [False, "false"])
    def test_queue_that_turns_encryption_off_is_shown(self, flag: Any):
        subject = resource("sqs:Queue", {"sqsManagedSseEnabled": flag, "kmsMasterKeyId": ""})
        assert verdict(messaging.ENCRYPTION, subject).found == ["sqsManagedSseEnabled is false and there is no KMS key"]

    def test_unknown_is_not_yet_known(self):
        subject = resource("sqs:Queue", {"sqsManagedSseEnabled": UNKNOWN})
        assert verdict(messaging.ENCRYPTION, subject).unknown == ["sqsManagedSseEnabled"]

    def test_other_kinds_are_not_applicable(self):
        assert verdict(messaging.ENCRYPTION, resource("sns:TopicPolicy")).status == "not applicable"
