"""CloudWatch alarms."""

from typing import Final

from sandbox.context import Context, Inputs, Outputs, tag_list


def metric_alarm(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:cloudwatch/metricAlarm:MetricAlarm` of one metric."""
    name: str = inputs.get("name") or inputs.name
    tags: dict[str, str] = inputs.get("tags", {})
    request = inputs.pascal(
        [
            *("actionsEnabled", "alarmActions", "alarmDescription", "comparisonOperator", "datapointsToAlarm"),
            *("evaluationPeriods", "insufficientDataActions", "metricName", "namespace", "period", "statistic"),
            *("threshold", "treatMissingData", "unit"),
        ],
        okActions="OKActions",
    )
    dimensions: dict[str, str] = inputs.get("dimensions", {})
    client = context.client("cloudwatch")
    client.put_metric_alarm(
        AlarmName=name, Dimensions=tag_list(dimensions, "Name", "Value"), Tags=tag_list(tags), **request
    )
    return name, {"name": name, "arn": context.arn("cloudwatch", f"alarm:{name}"), "tagsAll": tags}


CREATORS: Final = {"aws:cloudwatch/metricAlarm:MetricAlarm": metric_alarm}
