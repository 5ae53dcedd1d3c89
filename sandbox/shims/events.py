"""Batch's state changes as EventBridge events, how often a rule matched, and refusals that the provider relies on."""

import json
import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from sandbox import emulator
from sandbox.shims import cloudwatch, permissions
from sandbox.shims.replacing import replace

_log = logging.getLogger(__name__)


def install() -> None:
    """Replace the emulator's functions."""
    eventbridge = emulator.service("eventbridge")
    replace(eventbridge, "_invoke_target", _check_permission)
    replace(eventbridge, "_invoke_target", _count)
    replace(eventbridge, "_delete_rule", _refuse_with_targets)
    replace(eventbridge, "_list_targets_by_rule", _refuse_unknown_rule)


def _refuse_with_targets(original: Callable[..., Any]) -> Callable[..., Any]:
    def delete(data: Mapping[str, Any]) -> Any:
        eventbridge = emulator.service("eventbridge")
        if eventbridge._targets.get(eventbridge._rule_key(data.get("Name"), data.get("EventBusName", "default"))):
            text = "Rule can't be deleted since it has targets."
            return eventbridge.error_response_json("ValidationException", text, HTTPStatus.BAD_REQUEST)
        return original(data)

    return delete


def _refuse_unknown_rule(original: Callable[..., Any]) -> Callable[..., Any]:
    def read(data: Mapping[str, Any]) -> Any:
        eventbridge = emulator.service("eventbridge")
        name, bus = data.get("Rule"), data.get("EventBusName", "default")
        if eventbridge._rule_key(name, bus) not in eventbridge._rules:
            text = f"Rule {name} does not exist on EventBus {bus}."
            return eventbridge.error_response_json("ResourceNotFoundException", text, HTTPStatus.BAD_REQUEST)
        return original(data)

    return read


def _count(original: Callable[..., Any]) -> Callable[..., Any]:
    """Count a match of a rule in CloudWatch, at its first target; of a rule without one nothing is counted here."""

    def invoke(target: Mapping[str, Any], event: Any, rule: Mapping[str, Any], *arguments: Any) -> Any:
        answer = original(target, event, rule, *arguments)
        service = emulator.service("eventbridge")
        bus = rule["EventBusName"]
        if bus == "default" and service._targets[service._rule_key(rule["Name"], bus)][0] is target:
            cloudwatch.count_rule(rule["Name"])
        return answer

    return invoke


def _check_permission(original: Callable[..., Any]) -> Callable[..., Any]:
    """Deliver to a function only if its policy lets this rule invoke it."""

    def invoke(target: Mapping[str, Any], event: Any, rule: Mapping[str, Any], *arguments: Any) -> Any:
        arn: str = target["Arn"]
        if arn.startswith("arn:aws:lambda:") and not permissions.may_invoke(arn, permissions.EVENTS, rule["Arn"]):
            _log.warning("The rule %s has no permission to invoke %s.", rule["Arn"], arn)
            return None
        return original(target, event, rule, *arguments)

    return invoke


def publish_batch_event(job: Mapping[str, Any]) -> None:
    """Send `Batch Job State Change` to the default bus, as AWS Batch does.

    PutEvents refuses a source that starts with `aws.`; services publish by another door, and so does this.

    Args:
        job: the job as DescribeJobs answers it.
    """
    entry = {
        "Source": "aws.batch",
        "DetailType": "Batch Job State Change",
        "Detail": json.dumps(job),
        "Resources": [job["jobArn"]],
    }
    emulator.service("eventbridge")._put_events({"Entries": [entry]}, allow_aws_source=True)
