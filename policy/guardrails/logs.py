"""Logs end: every log group has a retention, and no function writes to one that AWS made without."""

from collections.abc import Iterator
from typing import Final

from .resources import Link, Resource, Stack, any_link
from .rules import Finding, Level, NotApplicable, NotYetKnown, Rule, Settings, Severity, Violation

LOG_GROUP: Final = "cloudwatch:LogGroup"
FUNCTION: Final = "lambda:Function"


def check_retention(resource: Resource, stack: Stack, settings: Settings) -> Iterator[Finding]:
    if resource.kind == FUNCTION:
        yield from _group_of_function(resource, stack, settings)
        return
    if resource["logGroupClass"].text("STANDARD") == "DELIVERY":
        yield NotApplicable("a group of class DELIVERY always keeps two days")
        return
    retention = resource["retentionInDays"]
    days = retention.number(0)
    least, most = settings.number("leastDays"), settings.number("mostDays")
    if days == 0:
        state = "not set" if retention.missing else "0"
        yield Violation(found=f"retentionInDays is {state}, so nothing ever expires", expected=f"at most {most:g}")
    elif not least <= days <= most:
        yield Violation(found=f"retentionInDays is {days:g}", expected=f"{least:g} to {most:g}")


def _group_of_function(function: Resource, stack: Stack, settings: Settings) -> Iterator[Finding]:
    if not settings.flag("functions"):
        yield NotApplicable("the configuration leaves functions alone")
        return
    name, logging = function["name"], function["loggingConfig"]
    default = f"/aws/lambda/{name.text()}" if name.known and not name.missing else None
    own = logging["logGroup"] if logging.known else logging
    groups = stack.of(LOG_GROUP)
    by_name = any_link(stack.link(function, own, group, "name") for group in groups)
    by_default = any_link(_is_default_group(stack, group, function, default) for group in groups)
    if own.known and (own.blank or own.text() == default):
        if by_default is Link.UNKNOWN:
            yield NotYetKnown(path="name", why="of the function or of a log group says whether it has one")
        elif by_default is Link.NO:
            yield Violation(
                found=f"no log group of this stack is {default or 'its own'}, so Lambda makes it, without a retention",
                expected="an aws.cloudwatch.LogGroup of that name, made before the function",
            )
    # What is unknown may be an output that says where the function writes by default.
    elif by_name is not Link.YES and (own.known or by_default is not Link.YES):
        yield NotYetKnown(path=own.path, why="names no log group of this stack that can be seen")


def _is_default_group(stack: Stack, group: Resource, function: Resource, default: str | None) -> Link:
    """Whether a log group is the one that Lambda would make for the function."""
    if group.region and function.region and group.region != function.region:
        return Link.NO
    name = group["name"]
    if not name.known:
        return stack.link(group, name, function, "name")
    if default is not None:
        return Link.YES if name.text("") == default else Link.NO
    return Link.UNKNOWN if name.text("").startswith("/aws/lambda/") else Link.NO


RETENTION: Final = Rule(
    id="log-retention",
    level=Level.MANDATORY,
    severity=Severity.MEDIUM,
    title="Logs expire",
    description="Each log group has a retention, and each function writes to a log group of the stack.",
    why="Logs without a retention are kept, paid for and open to searches for ever; Lambda's own groups have none.",
    fix=(
        "Set retentionInDays. For a function add aws.cloudwatch.LogGroup named /aws/lambda/<function>, and let the "
        "function depend on it."
    ),
    link="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html",
    kinds=(LOG_GROUP, FUNCTION),
    peers=(
        "checkov CKV_AWS_66, CKV_AWS_338",
        "Security Hub CloudWatch.16",
        "cdk-nag CloudWatchLogGroupRetentionPeriod",
    ),
    schema={
        "leastDays": {
            "type": "integer",
            "minimum": 1,
            "default": 1,
            "description": "Shortest retention, in days.",
        },
        "mostDays": {
            "type": "integer",
            "minimum": 1,
            "default": 3653,
            "description": "Longest retention, in days.",
        },
        "functions": {
            "type": "boolean",
            "default": True,
            "description": "Whether functions need a log group in their stack.",
        },
    },
    stack_check=check_retention,
)

RULES: Final = (RETENTION,)
