"""SNS: addresses that have yet to confirm, as all stay that never get the mail, and AWS's code for what is gone."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from sandbox import emulator
from sandbox.shims.replacing import replace

_MAIL: Final = frozenset({"email", "email-json"})
_PENDING: Final = "pending confirmation"


def install() -> None:
    """Replace the emulator's functions."""
    replace(emulator.service("sns"), "_subscribe", _await_confirmation)
    replace(emulator.service("sns"), "_resolve_topic_tag_arn", _refuse_with_its_code)


def _refuse_with_its_code(original: Callable[..., Any]) -> Callable[..., Any]:
    """The error is called ResourceNotFound on the wire; ResourceNotFoundException is its class in the SDKs."""

    def resolve(arn: str, action: str) -> Any:
        normal, topic, refusal = original(arn, action)
        if refusal is not None and b"ResourceNotFoundException" in refusal[2]:
            refusal = emulator.service("sns")._error("ResourceNotFound", "Resource does not exist", refusal[0])
        return normal, topic, refusal

    return resolve


def _await_confirmation(original: Callable[..., Any]) -> Callable[..., Any]:
    """A mail subscription is pending; its ARN is told to who asks for it (`ReturnSubscriptionArn`)."""

    def subscribe(parameters: Mapping[str, Any]) -> Any:
        status, headers, body = original(parameters)
        sns = emulator.service("sns")
        if status != HTTPStatus.OK or sns._p(parameters, "Protocol") not in _MAIL:
            return status, headers, body
        topic = sns._topic_by_arn_any_scope(sns._p(parameters, "TopicArn"))
        (subscription,) = [
            item
            for item in topic["subscriptions"]
            if (item["protocol"], item["endpoint"]) == (sns._p(parameters, "Protocol"), sns._p(parameters, "Endpoint"))
        ]
        if subscription["token"] is None:
            subscription |= {"confirmed": False, "token": emulator.core("responses").new_uuid()}
            subscription["attributes"] |= {"PendingConfirmation": "true", "ConfirmationWasAuthenticated": "false"}
            sns._refresh_subscription_counts(topic)
        if sns._p(parameters, "ReturnSubscriptionArn") != "true":
            body = body.replace(subscription["arn"].encode(), _PENDING.encode())
        return status, headers, body

    return subscribe
