"""Lambda functions, who may invoke them, and their asynchronous invocations."""

from typing import Any, Final

from sandbox.archives import zip_bytes
from sandbox.context import Context, Inputs, Outputs, pascal_keys


def function(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:lambda/function:Function`, from a ZIP archive or from an image."""
    name: str = inputs.get("name") or inputs.name
    inputs.accept(["sourceCodeHash", "skipDestroy"])
    tags: dict[str, str] = inputs.get("tags", {})
    properties = [
        "role",
        "handler",
        "runtime",
        "description",
        "timeout",
        "memorySize",
        "publish",
        "packageType",
        "architectures",
        "layers",
    ]
    request: dict[str, Any] = inputs.pascal(properties, kmsKeyArn="KMSKeyArn")
    for key in ("environment", "ephemeralStorage", "deadLetterConfig", "tracingConfig", "loggingConfig"):
        value = inputs.get(key)
        if value is not None:
            parameter = key[0].upper() + key[1:]
            request[parameter] = {"Variables": value["variables"]} if key == "environment" else pascal_keys(value)
    overrides = inputs.get("imageConfig")
    if overrides:
        request["ImageConfig"] = {_OVERRIDES[key]: value for key, value in overrides.items() if value is not None}
    image = inputs.get("imageUri")
    request["Code"] = {"ImageUri": image} if image else {"ZipFile": zip_bytes(inputs.need("code"), context.root)}
    client = context.client("lambda")
    created = client.create_function(FunctionName=name, Tags=tags, **request)
    reserved = inputs.get("reservedConcurrentExecutions")
    if reserved is not None and reserved >= 0:
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)
    arn: str = created["FunctionArn"]
    version: str = created["Version"]
    return name, {
        "name": name,
        "arn": arn,
        "invokeArn": _invoke_arn(context, arn),
        "version": version,
        "qualifiedArn": f"{arn}:{version}",
        "qualifiedInvokeArn": _invoke_arn(context, f"{arn}:{version}"),
        "sourceCodeSize": created["CodeSize"],
        "codeSha256": created["CodeSha256"],
        "lastModified": created["LastModified"],
        "tagsAll": tags,
    }


_OVERRIDES: Final = {
    "commands": "Command",
    "entryPoints": "EntryPoint",
    "workingDirectory": "WorkingDirectory",
}
"""What a function's settings override of its image's."""


def _invoke_arn(context: Context, arn: str) -> str:
    return f"arn:aws:apigateway:{context.region}:lambda:path/2015-03-31/functions/{arn}/invocations"


def alias(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:lambda/alias:Alias`, for one version."""
    name: str = inputs.get("name") or inputs.name
    function: str = inputs.need("functionName")
    request = inputs.pascal(["functionVersion", "description"])
    arn: str = context.client("lambda").create_alias(FunctionName=function, Name=name, **request)["AliasArn"]
    return arn, {"name": name, "arn": arn, "invokeArn": _invoke_arn(context, arn)}


def permission(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:lambda/permission:Permission`."""
    statement: str = inputs.get("statementId") or inputs.name
    request = inputs.pascal(
        ["action", "principal", "sourceArn", "sourceAccount", "qualifier"],
        function="FunctionName",
        principalOrgId="PrincipalOrgID",
    )
    context.client("lambda").add_permission(StatementId=statement, **request)
    return statement, {"statementId": statement}


def event_invoke_config(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig`."""
    name: str = inputs.need("functionName")
    request = inputs.pascal(["maximumEventAgeInSeconds", "maximumRetryAttempts", "qualifier"])
    destinations = inputs.get("destinationConfig")
    if destinations:
        request["DestinationConfig"] = pascal_keys(destinations)
    context.client("lambda").put_function_event_invoke_config(FunctionName=name, **request)
    return ":".join([name, *([request["Qualifier"]] if "Qualifier" in request else [])]), {}


CREATORS: Final = {
    "aws:lambda/function:Function": function,
    "aws:lambda/alias:Alias": alias,
    "aws:lambda/permission:Permission": permission,
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": event_invoke_config,
}
