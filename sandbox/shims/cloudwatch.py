"""CloudWatch: alarms that are read whole over the Query protocol and look at their own metric, and counts of rules."""

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final, cast
from xml.sax.saxutils import escape

from sandbox import emulator
from sandbox.shims.replacing import replace

_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}
_LISTS: Final = {"AlarmNames": "AlarmNames.member.", "AlarmTypes": "AlarmTypes.member."}
_TEXTS: Final = ("AlarmNamePrefix", "StateValue", "MaxRecords", "NextToken")
_MISSING: Final = {"breaching": True, "notBreaching": False}
"""What no data says; for any other setting the state stays as it is."""


def install() -> None:
    """Replace the emulator's functions."""
    cloudwatch = emulator.service("cloudwatch")
    replace(cloudwatch, "_describe_alarms", _whole_answer)
    replace(cloudwatch, "_evaluate_alarm", _own_metric)


def count_rule(rule: str) -> None:
    """Count that a rule matched, as EventBridge does, and look at the alarms."""
    cloudwatch = emulator.service("cloudwatch")
    dimensions = {"RuleName": rule}
    cloudwatch._store_datum("AWS/Events", "TriggeredRules", dimensions, time.time(), "Count", 1, None, None, None)
    cloudwatch._evaluate_all_alarms()


def _own_metric(_original: Callable[..., Any]) -> Callable[..., Any]:
    """An alarm sees the metric with its own dimensions; the emulator would mix all of one name."""

    def evaluate(alarm: dict[str, Any]) -> None:
        cloudwatch = emulator.service("cloudwatch")
        if not alarm.get("MetricName"):
            return
        breaching = _is_breaching(cloudwatch, alarm)
        old, new = alarm["StateValue"], "ALARM" if breaching else "OK"
        if breaching is None or old == new:
            return
        reason = _reason(cloudwatch, alarm)
        alarm |= {"StateValue": new, "StateReason": reason, "StateUpdatedTimestamp": int(time.time())}
        cloudwatch._record_history(alarm["AlarmName"], old, new, reason)
        cloudwatch._dispatch_alarm_actions(alarm, old, new, reason)
        cloudwatch._evaluate_parent_alarms(alarm)

    return evaluate


def _is_breaching(cloudwatch: Any, alarm: Mapping[str, Any]) -> bool | None:
    value = _value(cloudwatch, alarm)
    if value is None:
        return _MISSING.get(alarm["TreatMissingData"])
    compare = _COMPARISONS.get(alarm["ComparisonOperator"])
    return compare(value, alarm["Threshold"]) if compare else None


def _value(cloudwatch: Any, alarm: Mapping[str, Any]) -> float | None:
    """The alarm's statistic over the time that it looks at; None without data."""
    dimensions = {item["Name"]: item["Value"] for item in alarm["Dimensions"]}
    key = (alarm["Namespace"], alarm["MetricName"], cloudwatch._dims_key(dimensions))
    since = time.time() - alarm["Period"] * alarm["EvaluationPeriods"]
    points = [point for point in cloudwatch._metrics.get(key, []) if point["Timestamp"] >= since]
    if not points:
        return None
    statistic = alarm.get("ExtendedStatistic") or alarm["Statistic"]
    return cloudwatch._stat_value(cloudwatch._calc_stats(points), statistic, points)


def _reason(cloudwatch: Any, alarm: Mapping[str, Any]) -> str:
    value = _value(cloudwatch, alarm)
    if value is None:
        return "Threshold Crossed: no datapoints were received"
    return f"Threshold Crossed: 1 datapoint [{value}] with the threshold ({alarm['Threshold']})"


def _whole_answer(original: Callable[..., Any]) -> Callable[..., Any]:
    """The Query protocol answers as much as JSON does; the emulator leaves out most fields there."""

    def describe(parameters: Mapping[str, Any], data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        if is_cbor or is_json:
            return original(parameters, data, is_cbor, is_json)
        status, _, body = original(parameters, _request(parameters), False, True)
        if status != HTTPStatus.OK:
            return original(parameters, data, is_cbor, is_json)
        result = "".join(_element(name, value) for name, value in json.loads(body).items())
        answer = f"<DescribeAlarmsResult>{result}</DescribeAlarmsResult>"
        return emulator.service("cloudwatch")._xml(status, "DescribeAlarmsResponse", answer)

    return describe


def _request(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a Query request as those of a JSON one."""
    first = {
        name: str(cast("list[str]", values)[0] if isinstance(values, list) else values)
        for name, values in parameters.items()
    }
    request: dict[str, Any] = {name: first[name] for name in _TEXTS if name in first}
    for name, prefix in _LISTS.items():
        request[name] = [value for key, value in first.items() if key.startswith(prefix)]
    return request


def _element(name: str, value: Any) -> str:
    if value is None:
        return ""
    return f"<{name}>{_content(name, value)}</{name}>"


def _content(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_element("member", item) for item in cast("list[Any]", value))
    if isinstance(value, dict):
        return "".join(_element(key, item) for key, item in cast("dict[str, Any]", value).items())
    if isinstance(value, bool):
        return str(value).lower()
    if name.endswith("Timestamp"):
        return datetime.fromtimestamp(value, UTC).isoformat()
    return escape(str(value))
