"""Rules for the chain from an API key to a stage: key, usage plan, stage, and the plan's limits."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from .api_documents import METHOD, REST_API, REST_API_PUT, body_of, key_schemes, operations, requires_key, security_of
from .resources import Link, Resource, Stack, all_links, any_link
from .rules import Finding, Level, NotApplicable, NotYetKnown, Rule, Settings, Severity, Violation
from .values import MalformedError, Node

KEY: Final = "apigateway:ApiKey"
PLAN: Final = "apigateway:UsagePlan"
PLAN_KEY: Final = "apigateway:UsagePlanKey"
STAGE: Final = "apigateway:Stage"
DEPLOYMENT: Final = "apigateway:Deployment"
CHAIN: Final = "an enabled key on a usage plan that names the stage"


def check_key_chain(resource: Resource, stack: Stack, _settings: Settings) -> Iterator[Finding]:
    match resource.kind:
        case "apigateway:ApiKey":
            yield from _check_key(resource, stack)
        case "apigateway:UsagePlan":
            if not resource["apiStages"].items():
                yield Violation(found="apiStages names no stage, so its keys open nothing", expected="apiId and stage")
        case "apigateway:Deployment" if resource["stageName"].blank:
            yield NotApplicable("makes no stage of its own")
        case _:
            yield from _check_stage(resource, stack)


def _check_key(key: Resource, stack: Stack) -> Iterator[Finding]:
    if not key["enabled"].flag(default=True):
        yield Violation(
            found="enabled is false, so its owner gets 403",
            expected="an enabled key, or no key",
            fix="Set enabled to true, or remove the key to revoke it.",
        )
    entries = stack.of(PLAN_KEY)
    found = any_link(stack.link(entry, entry["keyId"], key, "id") for entry in entries)
    if found is Link.NO:
        yield Violation(found="no usage plan key names it, so every call with it gets 403", expected=CHAIN)
    elif found is Link.UNKNOWN:
        yield NotYetKnown(path="keyId", why="of a usage plan key may name it")


def _check_stage(stage: Resource, stack: Stack) -> Iterator[Finding]:
    opened = any_link(
        all_links([names_stage(stack, plan, stage), _has_usable_key(stack, plan)]) for plan in stack.of(PLAN)
    )
    if opened is Link.YES:
        return
    required = _requires_keys(stack, stage)
    if required is Link.NO:
        yield NotApplicable("no method of its API asks for a key")
    elif opened is Link.NO and required is Link.YES:
        yield Violation(found=f"{_missing_part(stack, stage)}, so every call gets 403", expected=CHAIN)
    else:
        yield NotYetKnown(path="restApi", why="of methods, usage plans and keys decides, and isn't known yet")


def _missing_part(stack: Stack, stage: Resource) -> str:
    plans = stack.of(PLAN)
    if not plans:
        return "there is no usage plan"
    if any_link(names_stage(stack, plan, stage) for plan in plans) is Link.NO:
        return "no usage plan names it"
    return "the usage plans that name it have no enabled key"


def names_stage(stack: Stack, plan: Resource, stage: Resource) -> Link:
    """Whether a usage plan lists the stage: the same API and the same stage name."""

    def names(entry: Node) -> Link:
        same_api = stack.same(plan, entry["apiId"], stage, stage["restApi"])
        return all_links([same_api, stack.link(plan, entry["stage"], stage, "stageName")])

    entries = plan["apiStages"]
    if not entries.known:
        return Link.UNKNOWN
    return any_link(names(entry) for entry in entries.items())


def _has_usable_key(stack: Stack, plan: Resource) -> Link:
    """Whether an enabled key is on the plan. A key that isn't in the stack counts as enabled."""
    keys = stack.of(KEY)

    def usable(entry: Resource) -> Link:
        links = [(key, stack.link(entry, entry["keyId"], key, "id")) for key in keys]
        own = [key for key, link in links if link is Link.YES]
        if not own:
            return Link.YES if entry["keyId"].known else Link.UNKNOWN
        enabled = own[0]["enabled"]
        if not enabled.known:
            return Link.UNKNOWN
        return Link.YES if enabled.flag(default=True) else Link.NO

    return any_link(
        all_links([stack.link(entry, entry["usagePlanId"], plan, "id"), usable(entry)]) for entry in stack.of(PLAN_KEY)
    )


def _requires_keys(stack: Stack, stage: Resource) -> Link:
    """Whether a method of the stage's API asks for a key, as a resource or in the API's body."""
    api = stage["restApi"]
    by_method = (
        all_links([_asks(method["apiKeyRequired"]), stack.same(stage, api, method, method["restApi"])])
        for method in stack.of(METHOD)
    )
    by_body = (
        all_links([_body_requires_keys(owner), stack.link(stage, api, owner, "id")]) for owner in stack.of(REST_API)
    )
    by_put = (
        all_links([_body_requires_keys(owner), stack.same(stage, api, owner, owner["restApiId"])])
        for owner in stack.of(REST_API_PUT)
    )
    return any_link([*by_method, *by_body, *by_put])


def _asks(required: Node) -> Link:
    if not required.known:
        return Link.UNKNOWN
    return Link.YES if required.flag(default=False) else Link.NO


def _body_requires_keys(owner: Resource) -> Link:
    if not owner["body"].known:
        return Link.UNKNOWN
    try:
        document = body_of(owner)
        if document is None:
            return Link.NO
        schemes = key_schemes(document)
        keyed = any(requires_key(security_of(document, operation), schemes) for operation in operations(document))
    except MalformedError:
        # api-body-key says so; without operations nothing asks for a key.
        return Link.NO
    return Link.YES if keyed else Link.NO


KEY_CHAIN: Final = Rule(
    id="api-key-chain",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    title="Keys reach the stage",
    description="Each stage whose methods ask for a key has an enabled key on a usage plan that names the stage.",
    why="A gap in the chain answers every caller 403, and a key without a plan is neither throttled nor counted.",
    fix=(
        "Add aws.apigateway.UsagePlan with apiStages [{apiId, stage}] of this stage, and a UsagePlanKey that joins it "
        "to an enabled ApiKey."
    ),
    link="https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html",
    kinds=(STAGE, DEPLOYMENT, KEY, PLAN),
    stack_check=check_key_chain,
)


def check_throttle(resource: Resource, stack: Stack, _settings: Settings) -> Iterator[Finding]:
    if resource.kind == PLAN:
        limits = resource["throttleSettings"]
        yield from _missing_limits(limits, ("rateLimit", "burstLimit"))
        return
    if resource.kind == DEPLOYMENT and resource["stageName"].blank:
        yield NotApplicable("makes no stage of its own")
        return
    by_plans = any_link(names_stage(stack, plan, resource) for plan in stack.of(PLAN))
    by_settings = any_link(_throttles_all(stack, item, resource) for item in stack.of("apigateway:MethodSettings"))
    limited = any_link([by_plans, by_settings])
    if limited is Link.UNKNOWN:
        yield NotYetKnown(path="stageName", why="may be named by a usage plan or method settings")
    elif limited is Link.NO:
        yield Violation(
            found="neither a usage plan nor method settings for */* limit its rate",
            expected="a usage plan with throttleSettings, or MethodSettings with throttling limits",
        )


def _missing_limits(limits: Node, keys: Iterable[str]) -> Iterator[Finding]:
    for key in keys:
        limit = limits[key]
        if limit.number(default=0) <= 0:
            state = "not set" if limit.missing else f"{limit.number():g}"
            yield Violation(found=f"{limit.path} is {state}", expected="a limit above 0")


def _throttles_all(stack: Stack, settings: Resource, stage: Resource) -> Link:
    path, limits = settings["methodPath"], settings["settings"]
    return all_links(
        [
            _holds(path, lambda node: node.equals("*/*")),
            *(_holds(limits, lambda node, key=key: _is_limit(node[key])) for key in _SETTINGS_LIMITS),
            stack.same(settings, settings["restApi"], stage, stage["restApi"]),
            stack.link(settings, settings["stageName"], stage, "stageName"),
        ]
    )


_SETTINGS_LIMITS: Final = ("throttlingRateLimit", "throttlingBurstLimit")


def _is_limit(limit: Node) -> bool:
    return not limit.known or (not limit.missing and limit.number() > 0)


def _holds(node: Node, test: Callable[[Node], bool]) -> Link:
    if not node.known:
        return Link.UNKNOWN
    return Link.YES if test(node) else Link.NO


THROTTLE: Final = Rule(
    id="api-throttle",
    level=Level.MANDATORY,
    severity=Severity.MEDIUM,
    title="Requests are throttled",
    description="Each usage plan limits rate and burst, and each stage is under a usage plan or throttling settings.",
    why="One caller in a loop otherwise uses up the account's quota, and each request may start a job that costs.",
    fix="Set throttleSettings {rateLimit, burstLimit} on the usage plan that names the stage.",
    link="https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html",
    kinds=(PLAN, STAGE, DEPLOYMENT),
    stack_check=check_throttle,
)

RULES: Final = (KEY_CHAIN, THROTTLE)
