"""Rules for Lambda: who may invoke, supported runtimes, a bound on what runs at once, layers for arm64."""

import datetime
import re
from collections.abc import Iterator, Mapping
from typing import Final

from . import iam_documents
from .lambda_runtimes import DEPRECATIONS
from .open_grants import listed_principals, open_grants
from .resources import Resource
from .rules import Finding, Level, NotApplicable, NotYetKnown, Rule, Settings, Severity, Violation, each
from .values import Node, shown

FUNCTION: Final = "lambda:Function"
PERMISSION: Final = "lambda:Permission"
LAYER: Final = "lambda:LayerVersion"
LAYER_PERMISSION: Final = "lambda:LayerVersionPermission"
RESOURCE_POLICY: Final = "lambda:ResourcePolicy"

_ACCOUNT: Final = re.compile(r"\d{12}")
_ORGANISATION: Final = re.compile(r"o-[a-z0-9]{10,32}")
_SOURCE: Final = re.compile(r"arn:[^:*?]+:[^:*?]+:[^:]*:\d{12}:.+", re.DOTALL)
_BUCKET: Final = re.compile(r"arn:[^:*?]+:s3:::[^*?]+")


def check_permission_source(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    if resource.kind == RESOURCE_POLICY:
        yield from each(iam_documents.statements(resource["policy"]), _open_statement)
    elif resource.kind == LAYER_PERMISSION:
        yield from each((_open_layer,), lambda part: part(resource))
    else:
        yield from each((_broad_action, _open_permission), lambda part: part(resource))


def _open_statement(statement: Node) -> Iterator[Finding]:
    yield from open_grants(statement, iam_documents.is_narrowed)
    if not iam_documents.allows(statement):
        return
    services = [node for kind, node in listed_principals(statement) if kind == "Service"]
    if services and not iam_documents.is_narrowed(statement):
        yield Violation(
            found=f"{services[0].path} allows a service on behalf of any account",
            expected="a condition on aws:SourceArn or aws:SourceAccount",
        )


def _open_layer(resource: Resource) -> Iterator[Finding]:
    principal, organisation = resource["principal"], resource["organizationId"]
    if principal.text() == "*" and organisation.known and not _ORGANISATION.fullmatch(organisation.text("")):
        yield Violation(found="principal is '*', so the layer is public", expected="an account, or an organizationId")


def _broad_action(resource: Resource) -> Iterator[Finding]:
    action = resource["action"]
    if "*" in action.text():
        yield Violation(
            found=f"action is {shown(action.text())}, which lets the caller change the function",
            expected="lambda:InvokeFunction",
        )


def _open_permission(resource: Resource) -> Iterator[Finding]:
    principal = resource["principal"].text()
    if _ACCOUNT.fullmatch(principal) or principal.startswith("arn:"):
        if iam_documents.is_open_principal(principal):
            yield _anybody(principal)
        return
    organisation = resource["principalOrgId"]
    if principal == "*":
        if organisation.known and not _ORGANISATION.fullmatch(organisation.text("")):
            yield _anybody(principal)
        return
    # Alexa isn't of any account; its skills are told apart by a token.
    if principal.endswith(".amazon.com") and not resource["eventSourceToken"].blank:
        return
    yield from _open_service(resource, principal)


def _anybody(principal: str) -> Violation:
    return Violation(
        found=f"principal is {shown(principal)}, so anybody with an AWS account may invoke the function",
        expected="a service, an account or a role, or principalOrgId",
    )


def _open_service(resource: Resource, principal: str) -> Iterator[Finding]:
    account, source = resource["sourceAccount"], resource["sourceArn"]
    if account.known and _ACCOUNT.fullmatch(account.text("")):
        return
    if not source.known or not account.known:
        yield NotYetKnown(path=(source if not source.known else account).path)
        return
    arn = source.text("")
    if _SOURCE.fullmatch(arn):
        return
    if _BUCKET.fullmatch(arn):
        found = f"sourceArn {shown(arn)} names a bucket without its account: who takes over the name may invoke"
        yield Violation(found=found, expected="sourceAccount beside it")
        return
    state = f"sourceArn {shown(arn)} fixes no account" if arn else "there is neither sourceArn nor sourceAccount"
    yield Violation(
        found=f"{shown(principal)} may invoke on behalf of any account: {state}", expected="sourceArn or sourceAccount"
    )


PERMISSION_SOURCE: Final = Rule(
    id="lambda-permission-source",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    title="Only named callers invoke functions",
    description="A permission on a function or layer names who may use it, and for a service on whose behalf.",
    why="A service acts for every AWS account: without a source, anybody's bucket, topic or API reaches the function.",
    fix=(
        "Set sourceArn to the API, rule, topic or queue that invokes, and for a bucket sourceAccount, too; in place of "
        "principal * name an account or set principalOrgId."
    ),
    link="https://docs.aws.amazon.com/lambda/latest/dg/permissions-function-services.html",
    kinds=(PERMISSION, RESOURCE_POLICY, LAYER_PERMISSION),
    peers=("checkov CKV_AWS_301, CKV_AWS_364", "trivy AWS-0067", "Security Hub Lambda.1"),
    check=check_permission_source,
)


def check_runtime_supported(resource: Resource, settings: Settings) -> Iterator[Finding]:
    if resource["packageType"].text("Zip") == "Image":
        yield NotApplicable("an image brings its own runtime")
        return
    runtime = resource["runtime"].text()
    if runtime in settings.texts("accepted"):
        return
    day = _day(settings["asOf"])
    dates: Mapping[str, str] = {
        **DEPRECATIONS,
        **{key: node.text() for key, node in settings["dates"].fields().items()},
    }
    # Dates as YYYY-MM-DD compare as text. A runtime that isn't listed is newer than the list: AWS refuses made-up ones.
    if runtime in dates and dates[runtime] <= day:
        yield Violation(
            found=f"runtime {shown(runtime)} has had no security patches since {dates[runtime]}",
            expected="a runtime that AWS supports",
        )


def _day(as_of: Node) -> str:
    text = as_of.text("")
    if not text:
        return datetime.datetime.now(datetime.UTC).date().isoformat()
    try:
        return datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        raise as_of.malformed("a date as YYYY-MM-DD") from None


RUNTIME_SUPPORTED: Final = Rule(
    id="lambda-runtime-supported",
    level=Level.MANDATORY,
    severity=Severity.MEDIUM,
    title="Supported runtimes",
    description="Functions use a runtime that AWS still patches on the day of the deployment.",
    why="A runtime without support gets no security patches, and soon its functions can't be updated any more.",
    fix="Choose a later version of the runtime, for example python3.13, nodejs24.x, java21 or provided.al2023.",
    link="https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html",
    kinds=(FUNCTION,),
    peers=(
        "checkov CKV_AWS_363",
        "Security Hub Lambda.2",
        "cdk-nag L1",
        "tflint aws_lambda_function_deprecated_runtime",
    ),
    schema={
        "asOf": {
            "type": "string",
            "default": "",
            "description": "Day to judge by, as YYYY-MM-DD; empty for today. A fixed day keeps verdicts reproducible.",
        },
        "accepted": {
            "type": "array",
            "items": {"type": "string"},
            "default": [],
            "description": "Runtimes to accept although they are out of support.",
        },
        "dates": {
            "type": "object",
            "additionalProperties": {"type": "string", "format": "date"},
            "default": {},
            "description": "Runtime -> end of its support as YYYY-MM-DD, where AWS moved it or it isn't known here.",
        },
    },
    check=check_runtime_supported,
)


def check_concurrency(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    reserved = resource["reservedConcurrentExecutions"]
    if reserved.number(-1) < 0:
        state = "not set" if reserved.missing else f"{reserved.number():g}, which stands for none"
        yield Violation(found=f"reservedConcurrentExecutions is {state}", expected="a bound of 0 or more")


CONCURRENCY: Final = Rule(
    id="lambda-concurrency",
    level=Level.ADVISORY,
    severity=Severity.LOW,
    title="Functions have a bound of their own",
    description="Each function reserves a number of concurrent executions.",
    why="Without a bound one function can use up what all functions of the account share, and its costs have no end.",
    fix="Set reservedConcurrentExecutions; an account with the smallest quota (10) has to ask for more first.",
    link="https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html",
    kinds=(FUNCTION,),
    peers=("checkov CKV_AWS_115", "cdk-nag LambdaConcurrency"),
    check=check_concurrency,
)

_X86_LAYER: Final = re.compile(r"(?<![a-z0-9])(x86_64|x86-64|x86|amd64)(?![a-z0-9])", re.IGNORECASE)
_TWIN_LAYERS: Final[Mapping[str, str]] = {
    "AWS-AppConfig-Extension": "AWS-AppConfig-Extension-Arm64",
    "AWS-Parameters-and-Secrets-Lambda-Extension": "AWS-Parameters-and-Secrets-Lambda-Extension-Arm64",
    "Datadog-Extension": "Datadog-Extension-ARM",
    "LambdaInsightsExtension": "LambdaInsightsExtension-Arm64",
}
"""Public layers for x86_64 -> their twins for arm64."""


def check_layer_arm64(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    if resource.kind == LAYER:
        listed = resource["compatibleArchitectures"]
        names = [item.text().lower() for item in listed.items()]
        if "arm64" not in names:
            state = ", ".join(names) if names else "not set"
            yield Violation(found=f"compatibleArchitectures is {state}", expected="arm64 among them")
        return
    if "arm64" not in [item.text().lower() for item in resource["architectures"].items()]:
        yield NotApplicable("the function isn't for arm64")
        return
    yield from each(resource["layers"].items(), _foreign_layer)


def _foreign_layer(layer: Node) -> Iterator[Finding]:
    parts = layer.text().split(":")
    name = parts[6] if len(parts) > 6 else parts[-1]
    twin = _TWIN_LAYERS.get(name)
    if twin or _X86_LAYER.search(name):
        yield Violation(found=f"{layer.path} is {shown(name)}, a layer for x86_64", expected=twin or "its arm64 twin")


LAYER_ARM64: Final = Rule(
    id="lambda-layer-arm64",
    level=Level.ADVISORY,
    severity=Severity.LOW,
    title="Layers are made for arm64",
    description="Layers say that they work on arm64, and functions for arm64 use no layer for x86_64.",
    why="Native code for x86_64 fails on arm64 at the first import, at run time.",
    fix="Build the layer for arm64 and set compatibleArchitectures to [arm64]; use the arm64 twin of a public layer.",
    link="https://docs.aws.amazon.com/lambda/latest/dg/foundation-arch.html",
    kinds=(LAYER, FUNCTION),
    check=check_layer_arm64,
)

RULES: Final = (PERMISSION_SOURCE, RUNTIME_SUPPORTED, CONCURRENCY, LAYER_ARM64)
