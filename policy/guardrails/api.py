"""Rules for API keys: each method asks for one, and there is no way round."""

from collections.abc import Iterator
from typing import Final

from .api_documents import (
    METHOD,
    REST_API,
    REST_API_PUT,
    Operation,
    body_of,
    key_schemes,
    operations,
    requires_key,
    security_of,
)
from .resources import Link, Resource, Stack, all_links
from .rules import Finding, Level, NotApplicable, NotYetKnown, Rule, Settings, Severity, Violation, each
from .values import Node, shown

NO_BODY: Final = "has no OpenAPI body; its methods are resources of their own"


def check_method_key(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    required = resource["apiKeyRequired"]
    if required.known and required.flag(default=False):
        return
    method = resource["httpMethod"].text().upper()
    if method == "OPTIONS":
        yield NotApplicable("a browser sends its preflight without a key; api-options-is-preflight judges OPTIONS")
    elif not required.flag(default=False):
        state = "not set" if required.missing else "false"
        yield Violation(
            found=f"apiKeyRequired is {state} on {method}{_authorization(resource)}",
            expected="apiKeyRequired true on every method but an OPTIONS preflight",
        )


def _authorization(resource: Resource) -> str:
    authorization = resource["authorization"]
    known = authorization.known and not authorization.missing and authorization.is_text
    if not known or authorization.text() == "NONE":
        return ""
    return f" (authorization {shown(authorization.text())} is not a key)"


METHOD_KEY: Final = Rule(
    id="api-method-key",
    level=Level.MANDATORY,
    severity=Severity.CRITICAL,
    title="Each method requires an API key",
    description="Each method of a REST API sets apiKeyRequired; only an OPTIONS preflight is exempt.",
    why="A method without it can be called by anybody, counts on no usage plan and is throttled for nobody.",
    fix="Set apiKeyRequired to true on the method and deploy the API again.",
    link="https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-setup-api-key-with-console.html",
    kinds=(METHOD,),
    peers=("checkov CKV_AWS_59", "trivy AWS-0004", "cdk-nag APIG4"),
    check=check_method_key,
)


def check_options_is_preflight(resource: Resource, stack: Stack, _settings: Settings) -> Iterator[Finding]:
    if resource.kind == METHOD:
        yield from _check_options_method(resource, stack)
        return
    document = body_of(resource)
    if document is None:
        yield NotApplicable(NO_BODY)
        return
    schemes = key_schemes(document)

    def check(operation: Operation) -> Iterator[Finding]:
        if requires_key(security_of(document, operation), schemes):
            yield _keyed_preflight(f"{operation.label} asks for a key")
        if not operation.is_preflight:
            kind = operation.integration_type.text("none")
            yield _no_preflight(f"{operation.label} has an integration of type {shown(kind)}")

    yield from each((item for item in operations(document) if item.method == "options"), check)


def _check_options_method(resource: Resource, stack: Stack) -> Iterator[Finding]:
    if resource["httpMethod"].text().upper() != "OPTIONS":
        yield NotApplicable("judges OPTIONS methods only")
        return
    required = resource["apiKeyRequired"]
    if required.known and required.flag(default=False):
        yield _keyed_preflight("apiKeyRequired is true on OPTIONS")
    links = {item: _belongs(stack, item, resource) for item in stack.of("apigateway:Integration")}
    own = [item for item, link in links.items() if link is Link.YES]
    for integration in own:
        kind = integration["type"]
        if not kind.equals_any_case("mock"):
            yield _no_preflight(f"its integration '{integration.name}' is of type {shown(kind.text('none'))}")
    if own:
        return
    if unclear := [item.name for item, link in links.items() if link is Link.UNKNOWN]:
        yield NotYetKnown(path="resourceId", why=f"of the integrations {', '.join(unclear)} may be its own")
    else:
        yield _no_preflight("it has no integration in the stack")


def _belongs(stack: Stack, integration: Resource, method: Resource) -> Link:
    return all_links(
        stack.same(integration, integration[key], method, method[key])
        for key in ("httpMethod", "resourceId", "restApi")
    )


def _keyed_preflight(found: str) -> Violation:
    return Violation(
        found=found,
        expected="a preflight without a key, since browsers send none",
        fix="Set apiKeyRequired to false on OPTIONS.",
    )


def _no_preflight(found: str) -> Violation:
    return Violation(found=found, expected="a MOCK integration, so that OPTIONS reaches no function without a key")


OPTIONS_IS_PREFLIGHT: Final = Rule(
    id="api-options-is-preflight",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    title="OPTIONS is a preflight and nothing else",
    description="An OPTIONS method has a MOCK integration and no API key.",
    why="With a proxy integration OPTIONS is a door to the function without a key; with a key, browsers get 403.",
    fix="Give the OPTIONS method an integration of type MOCK that answers the CORS headers.",
    link="https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-cors.html",
    kinds=(METHOD, REST_API, REST_API_PUT),
    stack_check=check_options_is_preflight,
)


def check_body_key(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    document = body_of(resource)
    if document is None:
        yield NotApplicable(NO_BODY)
        return
    schemes = key_schemes(document)

    def check(operation: Operation) -> Iterator[Finding]:
        if operation.is_preflight or requires_key(security_of(document, operation), schemes):
            return
        yield Violation(
            found=f"{operation.label} {_why_keyless(security_of(document, operation), schemes)}",
            expected="security that asks for an x-api-key header on every operation but an OPTIONS preflight",
        )

    yield from each(operations(document), check)


def _why_keyless(security: Node, schemes: frozenset[str]) -> str:
    alternatives = [frozenset(alternative.fields()) for alternative in security.items()]
    if not schemes:
        return "asks for no key: the document defines no scheme of type apiKey with x-api-key in the header"
    if security.missing:
        return "has no security, nor has the document"
    if not alternatives:
        return "turns security off with an empty list"
    if not all(alternatives):
        return "makes security optional with an empty alternative"
    return "has an alternative without the key"


BODY_KEY: Final = Rule(
    id="api-body-key",
    level=Level.MANDATORY,
    severity=Severity.CRITICAL,
    title="Each operation of an OpenAPI body requires an API key",
    description="Each operation of a REST API's OpenAPI body asks for the key; only an OPTIONS preflight is exempt.",
    why="One operation with `security: []`, or an optional key, opens its integration to anybody.",
    fix=(
        "Define a scheme {type: apiKey, name: x-api-key, in: header} and list it in each alternative of security, at "
        "the root or on the operation."
    ),
    link="https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-key-source.html",
    kinds=(REST_API, REST_API_PUT),
    peers=("checkov CKV_OPENAPI_4 and 5 (files only)",),
    check=check_body_key,
)


def check_no_side_door(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    match resource.kind:
        case "lambda:FunctionUrl":
            authorization = resource["authorizationType"].text("NONE")
            if authorization != "AWS_IAM":
                yield Violation(
                    found=f"authorizationType is {shown(authorization)}: anybody can call the function by its URL",
                    expected="no function URL, or one with AWS_IAM",
                )
        case "apigatewayv2:Api":
            protocol = resource["protocolType"]
            if protocol.known and protocol.equals("WEBSOCKET"):
                yield NotApplicable("the routes of a WebSocket API are judged one by one")
            else:
                yield Violation(found="is an HTTP API, which knows no API keys", expected="a REST API with keys")
        case "apigatewayv2:Route":
            if not resource["apiKeyRequired"].flag(default=False):
                yield Violation(found="apiKeyRequired is not true on the route", expected="a route that asks for a key")
        case _:
            yield from _check_permission(resource)


def _check_permission(resource: Resource) -> Iterator[Finding]:
    principal = resource["principal"].text()
    if "*" not in principal:
        return
    sources = [resource[key] for key in ("principalOrgId", "sourceAccount", "sourceArn")]
    url_authorization = resource["functionUrlAuthType"]
    by_url = url_authorization.known and url_authorization.equals("NONE")
    if by_url or not any(_narrows(source) for source in sources):
        yield Violation(
            found=f"allows principal {shown(principal)} to invoke the function",
            expected="a listed service or account, or a principalOrgId",
        )


def _narrows(source: Node) -> bool:
    return not source.missing and source.text() not in {"", "*"}


NO_SIDE_DOOR: Final = Rule(
    id="api-no-side-door",
    level=Level.MANDATORY,
    severity=Severity.CRITICAL,
    title="No way to a function round the API",
    description="Functions are reached through the REST API only: no open URL, HTTP API or permission for all.",
    why="The API's key, plan and validation protect nothing when the function has a second, open entrance.",
    fix="Remove it, set authorizationType AWS_IAM on the function URL, or name the principal of the permission.",
    link="https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html",
    kinds=("lambda:FunctionUrl", "apigatewayv2:Api", "apigatewayv2:Route", "lambda:Permission"),
    peers=("checkov CKV_AWS_258 and 301", "Security Hub Lambda.1", "prowler awslambda_function_url_public"),
    check=check_no_side_door,
)


RULES: Final = (METHOD_KEY, OPTIONS_IS_PREFLIGHT, BODY_KEY, NO_SIDE_DOOR)
