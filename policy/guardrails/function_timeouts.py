"""Functions behind an API: none works on after API Gateway gave up."""

from collections.abc import Iterator
from typing import Final

from .functions import FUNCTION, PERMISSION
from .resources import Link, Resource, Stack, any_link
from .rules import Finding, Level, NotApplicable, NotYetKnown, Rule, Settings, Severity, Violation
from .values import NotYetKnownError

INTEGRATION: Final = "apigateway:Integration"
HTTP_INTEGRATION: Final = "apigatewayv2:Integration"
REST_API: Final = "apigateway:RestApi"

DEFAULT_TIMEOUT_SECONDS: Final = 3
_INVOCATION_TYPE: Final = "x-amz-invocation-type"


def check_timeout(resource: Resource, stack: Stack, settings: Settings) -> Iterator[Finding]:
    timeout = resource["timeout"].number(DEFAULT_TIMEOUT_SECONDS)
    most = settings.number("mostSeconds")
    links: list[Link] = []
    asynchronous = False
    for integration in stack.of(INTEGRATION, HTTP_INTEGRATION):
        limit = min(most, _limit_of(integration, most))
        if timeout <= limit:
            continue
        link = _calls(stack, integration, resource)
        if link is Link.YES and _is_asynchronous(integration):
            asynchronous = True
            continue
        if link is Link.YES:
            yield _too_long(timeout, limit, f"{integration.label} gives up")
            return
        links.append(link)
    if timeout <= most:
        return
    if not asynchronous:
        links += [_is_allowed(stack, permission, resource) for permission in stack.of(PERMISSION)]
        links += [stack.link(api, api["body"], resource, "invokeArn", "arn") for api in stack.of(REST_API)]
    called = any_link(links)
    if called is Link.YES:
        yield _too_long(timeout, most, "API Gateway gives up")
    elif called is Link.UNKNOWN:
        yield NotYetKnown(path="timeout", why="is long, and whether an API waits for the function can't be told")
    else:
        yield NotApplicable("no API waits for the function")


def _too_long(timeout: float, limit: float, why: str) -> Violation:
    return Violation(found=f"timeout is {timeout:g} s, but {why} after {limit:g} s", expected=f"at most {limit:g} s")


def _limit_of(integration: Resource, most: float) -> float:
    """Seconds after which an integration gives up; the general limit where it says nothing that can be read."""
    try:
        return integration["timeoutMilliseconds"].number(most * 1000) / 1000
    except NotYetKnownError:
        return most


def _calls(stack: Stack, integration: Resource, function: Resource) -> Link:
    if integration.kind == INTEGRATION:
        return stack.link(integration, integration["uri"], function, "invokeArn")
    return stack.link(integration, integration["integrationUri"], function, "invokeArn", "arn")


def _is_asynchronous(integration: Resource) -> bool:
    """Whether the gateway answers at once and leaves the function to run."""
    for name, value in integration["requestParameters"].fields().items():
        if name.lower().endswith(_INVOCATION_TYPE):
            return value.text("").strip("'").lower() == "event"
    return False


def _is_allowed(stack: Stack, permission: Resource, function: Resource) -> Link:
    """Whether a permission lets API Gateway invoke the function: an API in a document can't be followed otherwise."""
    principal = permission["principal"]
    if principal.known and not principal.text("").startswith("apigateway."):
        return Link.NO
    link = stack.link(permission, permission["function"], function, "name", "arn")
    return Link.UNKNOWN if link is Link.YES and not principal.known else link


TIMEOUT: Final = Rule(
    id="lambda-timeout-29s",
    level=Level.MANDATORY,
    severity=Severity.LOW,
    title="No function outlives the call",
    description="A function behind an API ends within the 29 seconds that API Gateway waits for it.",
    why="The caller gets a 504 and tries again, while the function still works on the first call, twice and unseen.",
    fix=(
        "Set timeout to 29 or less and hand longer work to Batch, a queue or an asynchronous integration; where AWS "
        "raised the account's quota, set mostSeconds and the integration's timeoutMilliseconds."
    ),
    link="https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html",
    kinds=(FUNCTION,),
    schema={
        "mostSeconds": {
            "type": "number",
            "minimum": 1,
            "default": 29,
            "description": "Longest timeout of a function that an API waits for.",
        }
    },
    stack_check=check_timeout,
)

RULES: Final = (TIMEOUT,)
