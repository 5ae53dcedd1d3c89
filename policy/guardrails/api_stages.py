"""Rules for how a REST API is validated, deployed, logged and answered."""

from collections.abc import Iterator
from typing import Final

from .api_documents import METHOD, REST_API, REST_API_PUT, Operation, body_of, followed, operations
from .api_plans import DEPLOYMENT, STAGE
from .resources import Link, Resource, Stack, all_links, any_link
from .rules import Finding, Level, NotApplicable, NotYetKnown, Rule, Settings, Severity, Violation, each
from .values import Node, shown

METHODS_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH", "ANY"})
VALIDATOR: Final = "x-amazon-apigateway-request-validator"
VALIDATORS: Final = "x-amazon-apigateway-request-validators"
GATEWAY_RESPONSES: Final = "x-amazon-apigateway-gateway-responses"
ERROR_RESPONSES: Final = ("DEFAULT_4XX", "DEFAULT_5XX")
ALLOW_ORIGIN: Final = "gatewayresponse.header.access-control-allow-origin"


def check_validate_body(resource: Resource, stack: Stack, _settings: Settings) -> Iterator[Finding]:
    if resource.kind != METHOD:
        yield from _check_validated_document(resource)
        return
    method = resource["httpMethod"].text().upper()
    if method not in METHODS_WITH_BODY:
        yield NotApplicable(f"{method} carries no body")
        return
    yield from each((_check_model, _check_validator), lambda part: part(resource, stack, method))


def _check_model(resource: Resource, _stack: Stack, method: str) -> Iterator[Finding]:
    models = resource["requestModels"].fields().values()
    if all(model.known and model.text() == "Empty" for model in models):
        yield Violation(found=f"requestModels has no model for the body of {method}", expected="a model a content type")


def _check_validator(resource: Resource, stack: Stack, _method: str) -> Iterator[Finding]:
    validator = resource["requestValidatorId"]
    if validator.known and validator.blank:
        yield Violation(found="requestValidatorId is not set", expected="a validator with validateRequestBody")
        return
    candidates = stack.of("apigateway:RequestValidator")
    links = {candidate: stack.link(resource, validator, candidate, "id") for candidate in candidates}
    for candidate in (item for item, link in links.items() if link is Link.YES):
        if not candidate["validateRequestBody"].flag(default=False):
            yield Violation(
                found=f"its validator '{candidate.name}' doesn't validate bodies",
                expected="a validator with validateRequestBody true",
            )
    # A known id that is none of the stack's is a validator made elsewhere.
    if not validator.known and any_link(links.values()) is not Link.YES:
        yield NotYetKnown(path=validator.path, why="refers to a validator that can't be told yet")


def _check_validated_document(resource: Resource) -> Iterator[Finding]:
    document = body_of(resource)
    if document is None:
        yield NotApplicable("has no OpenAPI body; its methods are resources of their own")
        return
    validators = document[VALIDATORS]

    def check(operation: Operation) -> Iterator[Finding]:
        name = operation.node[VALIDATOR].text(document[VALIDATOR].text(""))
        if not name or not validators[name]["validateRequestBody"].flag(default=False):
            yield Violation(
                found=f"{operation.label} is under no validator that validates bodies", expected=f"{VALIDATOR} for it"
            )
        elif not _has_schema(document, operation):
            yield Violation(found=f"{operation.label} has no schema for its body", expected="a schema for its body")

    yield from each((item for item in operations(document) if item.method.upper() in METHODS_WITH_BODY), check)


def _has_schema(document: Node, operation: Operation) -> bool:
    body = operation.node["requestBody"]
    if not body["$ref"].missing or any(not item["schema"].missing for item in body["content"].fields().values()):
        return True
    listed = [*operation.node["parameters"].items(), *operation.item["parameters"].items()]
    parameters = [followed(document, parameter) for parameter in listed]
    return any(item["in"].equals("body") and not item["schema"].missing for item in parameters)


VALIDATE_BODY: Final = Rule(
    id="api-validate-body",
    level=Level.MANDATORY,
    severity=Severity.MEDIUM,
    title="Bodies are validated at the gateway",
    description="Each method that takes a body has a model for it and a validator that checks it.",
    why="Requests that can't be right otherwise reach the function, or a queue, and fail there at a cost.",
    fix="Set requestModels with a model per content type, and requestValidatorId with validateRequestBody true.",
    link="https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html",
    kinds=(METHOD, REST_API, REST_API_PUT),
    peers=("checkov CKV2_AWS_53", "cdk-nag APIG2"),
    stack_check=check_validate_body,
)


def check_no_data_trace(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    if resource["settings"]["dataTraceEnabled"].flag(default=False):
        yield Violation(found="settings.dataTraceEnabled is true", expected="no tracing of data")


NO_DATA_TRACE: Final = Rule(
    id="api-no-data-trace",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    title="Requests and answers are not logged in full",
    description="Method settings don't trace data.",
    why="Data tracing writes headers and bodies to CloudWatch: API keys, personal data, presigned links.",
    fix="Set settings.dataTraceEnabled to false and use an access log.",
    link="https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html",
    kinds=("apigateway:MethodSettings",),
    peers=("checkov CKV_AWS_276",),
    check=check_no_data_trace,
)


def check_redeploy_triggers(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    triggers = resource["triggers"]
    # A trigger may be a hash that isn't known yet; that there is one is enough.
    if not triggers.fields():
        yield Violation(found="triggers is not set", expected="a hash of everything that the deployment publishes")


REDEPLOY_TRIGGERS: Final = Rule(
    id="api-redeploy-triggers",
    level=Level.MANDATORY,
    severity=Severity.MEDIUM,
    title="Changes are deployed",
    description="A deployment has triggers, so that a change of the API makes a new one.",
    why="A deployment is a snapshot: without triggers a method that now requires a key stays open on the stage.",
    fix="Set triggers to {redeploy: <hash of methods, integrations, models and responses>}.",
    link="https://www.pulumi.com/registry/packages/aws/api-docs/apigateway/deployment/",
    kinds=(DEPLOYMENT,),
    check=check_redeploy_triggers,
)


def check_access_log(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    destination = resource["accessLogSettings"]["destinationArn"]
    if destination.known and destination.blank:
        yield Violation(found="accessLogSettings has no destinationArn", expected="a log group or a delivery stream")


ACCESS_LOG: Final = Rule(
    id="api-access-log",
    level=Level.ADVISORY,
    severity=Severity.MEDIUM,
    title="Stages write an access log",
    description="Each stage of an API writes an access log.",
    why="Without one nobody can say who called what and what was refused.",
    fix="Set accessLogSettings {destinationArn, format}; the account needs a CloudWatch role once a region.",
    link="https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html",
    kinds=(STAGE, "apigatewayv2:Stage"),
    peers=("checkov CKV_AWS_76", "trivy AWS-0001", "Security Hub APIGateway.9", "cdk-nag APIG1"),
    check=check_access_log,
)


def check_tracing(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    if not resource["xrayTracingEnabled"].flag(default=False):
        yield Violation(found="xrayTracingEnabled is not true", expected="true")


TRACING: Final = Rule(
    id="api-tracing",
    level=Level.ADVISORY,
    severity=Severity.LOW,
    title="Stages are traced",
    description="Each stage of a REST API is traced by X-Ray.",
    why="A trace shows where a slow or failed request spent its time.",
    fix="Set xrayTracingEnabled to true.",
    link="https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-xray.html",
    kinds=(STAGE,),
    peers=("checkov CKV_AWS_73", "trivy AWS-0003", "Security Hub APIGateway.3"),
    check=check_tracing,
)


def check_waf(resource: Resource, stack: Stack, _settings: Settings) -> Iterator[Finding]:
    associations = stack.of("wafv2:WebAclAssociation", "wafregional:WebAclAssociation")
    found = any_link(_guards(stack, association, resource) for association in associations)
    if found is Link.UNKNOWN:
        yield NotYetKnown(path="resourceArn", why="of a web ACL association may name it")
    elif found is Link.NO:
        yield Violation(found="no web ACL is associated with it", expected="a WAFv2 web ACL")


def _guards(stack: Stack, association: Resource, stage: Resource) -> Link:
    arn = association["resourceArn"]
    link = stack.link(association, arn, stage, "arn")
    made_of, api = (item.property_dependencies for item in (association, stage))
    # An ARN that is put together of the API's id and the stage's name isn't made of the stage.
    by_api = not arn.known and made_of.get(arn.path, frozenset()) & api.get("restApi", frozenset())
    return Link.UNKNOWN if link is Link.NO and by_api else link


WAF: Final = Rule(
    id="api-waf",
    level=Level.ADVISORY,
    severity=Severity.LOW,
    title="Stages are behind a web ACL",
    description="Each stage of a REST API is associated with a web ACL.",
    why="An API key is no authentication: a web ACL stops floods and known attacks before they count on the quota.",
    fix="Add aws.wafv2.WebAclAssociation with resourceArn of the stage.",
    link="https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-control-access-aws-waf.html",
    kinds=(STAGE,),
    peers=("checkov CKV2_AWS_29", "Security Hub APIGateway.4", "cdk-nag APIG3"),
    stack_check=check_waf,
)


def check_error_cors(resource: Resource, stack: Stack, _settings: Settings) -> Iterator[Finding]:
    documents = list(_documents(resource, stack))
    by_document = (link for document, link in documents if _has_options(document))
    by_method = (
        all_links([stack.link(method, method["restApi"], resource, "id"), _is_options(method)])
        for method in stack.of(METHOD)
    )
    preflight = any_link([*by_document, *by_method])
    if preflight is Link.NO:
        yield NotApplicable("has no OPTIONS method, so browsers of other origins don't call it")
        return
    if preflight is Link.UNKNOWN:
        yield NotYetKnown(path="restApi", why="of an OPTIONS method may name it")
        return
    responses = stack.of("apigateway:Response")
    for kind in ERROR_RESPONSES:
        documented = (link for document, link in documents if _documents_answer(document, kind))
        found = any_link([*documented, *(_answers(stack, response, resource, kind) for response in responses)])
        if found is Link.UNKNOWN:
            yield NotYetKnown(path="restApiId", why=f"of a gateway response for {kind} may name it")
        elif found is Link.NO:
            yield _no_cors(kind)


def _is_options(method: Resource) -> Link:
    name = method["httpMethod"]
    if not name.known:
        return Link.UNKNOWN
    return Link.YES if name.text().upper() == "OPTIONS" else Link.NO


def _answers(stack: Stack, response: Resource, api: Resource, kind: str) -> Link:
    headers = response["responseParameters"]
    if not response["responseType"].equals(kind):
        return Link.NO
    if headers.known and ALLOW_ORIGIN not in {key.lower() for key in headers.fields()}:
        return Link.NO
    return stack.link(response, response["restApiId"], api, "id")


def _documents(api: Resource, stack: Stack) -> Iterator[tuple[Node, Link]]:
    """The documents that say what the API has, and whether each is of this one."""
    owners = [(put, stack.link(put, put["restApiId"], api, "id")) for put in stack.of(REST_API_PUT)]
    for owner, link in ((api, Link.YES), *owners):
        document = body_of(owner) if link is not Link.NO else None
        if document is not None:
            yield document, link


def _has_options(document: Node) -> bool:
    return any(operation.method == "options" for operation in operations(document))


def _documents_answer(document: Node, kind: str) -> bool:
    headers = document[GATEWAY_RESPONSES][kind]["responseParameters"].fields()
    return ALLOW_ORIGIN in {key.lower() for key in headers}


def _no_cors(kind: str) -> Violation:
    return Violation(
        found=f"no gateway response {shown(kind)} sends Access-Control-Allow-Origin",
        expected="CORS headers on the errors that the gateway makes itself",
    )


ERROR_CORS: Final = Rule(
    id="api-error-cors",
    level=Level.ADVISORY,
    severity=Severity.LOW,
    title="A browser can read the gateway's errors",
    description="A REST API that answers preflights sends CORS headers with the gateway's own errors, too.",
    why="Without them a wrong key, a bad body or a full quota shows as a network error in a browser.",
    fix=(
        "Add aws.apigateway.Response for DEFAULT_4XX and DEFAULT_5XX with responseParameters "
        "{gatewayresponse.header.Access-Control-Allow-Origin: \"'*'\"}."
    ),
    link="https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html",
    kinds=(REST_API,),
    stack_check=check_error_cors,
)

RULES: Final = (
    VALIDATE_BODY,
    NO_DATA_TRACE,
    REDEPLOY_TRIGGERS,
    ACCESS_LOG,
    TRACING,
    WAF,
    ERROR_CORS,
)
