"""EventBridge rules and their targets."""

from typing import Final

from sandbox.context import Context, Inputs, Outputs, pascal_keys, tag_list


def event_rule(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:cloudwatch/eventRule:EventRule`."""
    name: str = inputs.get("name") or inputs.name
    tags: dict[str, str] = inputs.get("tags", {})
    inputs.accept(["forceDestroy"])
    properties = ["description", "eventBusName", "eventPattern", "scheduleExpression", "state", "roleArn"]
    answer = context.client("events").put_rule(Name=name, Tags=tag_list(tags), **inputs.pascal(properties))
    return name, {"name": name, "arn": answer["RuleArn"], "tagsAll": tags}


def event_target(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:cloudwatch/eventTarget:EventTarget`."""
    rule: str = inputs.need("rule")
    identifier: str = inputs.get("targetId") or inputs.name
    target = inputs.pascal(["arn", "input", "inputPath", "roleArn"]) | {"Id": identifier}
    for name in ("retryPolicy", "deadLetterConfig"):
        value = inputs.get(name)
        if value:
            target[name[0].upper() + name[1:]] = pascal_keys(value)
    transformer = inputs.get("inputTransformer")
    if transformer:
        target["InputTransformer"] = {
            "InputPathsMap": transformer.get("inputPaths") or {},
            "InputTemplate": transformer["inputTemplate"],
        }
    request = {"Rule": rule, "Targets": [target], **inputs.pascal(["eventBusName"])}
    context.client("events").put_targets(**request)
    return f"{rule}-{identifier}", {"targetId": identifier}


CREATORS: Final = {
    "aws:cloudwatch/eventRule:EventRule": event_rule,
    "aws:cloudwatch/eventTarget:EventTarget": event_target,
}
