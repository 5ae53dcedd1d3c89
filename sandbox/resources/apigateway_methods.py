"""API Gateway: what an API is made of: resources, models, validators, methods, integrations and responses."""

from typing import Any, Final

from sandbox.context import Context, Inputs, Outputs


def resource(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:apigateway/resource:Resource`."""
    created = _client(context).create_resource(**_of_api(inputs), **inputs.camel(["parentId", "pathPart"]))
    return created["id"], {"path": created["path"]}


def model(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:apigateway/model:Model`."""
    name: str = inputs.get("name") or inputs.name
    created = _client(context).create_model(
        **_of_api(inputs), name=name, **inputs.camel(["contentType", "description", "schema"])
    )
    return created["id"], {"name": name}


def request_validator(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:apigateway/requestValidator:RequestValidator`."""
    name: str = inputs.get("name") or inputs.name
    created = _client(context).create_request_validator(
        **_of_api(inputs), name=name, **inputs.camel(["validateRequestBody", "validateRequestParameters"])
    )
    return created["id"], {"name": name}


def method(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:apigateway/method:Method`."""
    properties = [
        "apiKeyRequired",
        "authorizationScopes",
        "authorizerId",
        "operationName",
        "requestModels",
        "requestParameters",
        "requestValidatorId",
    ]
    _client(context).put_method(**_of_method(inputs), **inputs.camel(properties, authorization="authorizationType"))
    return f"agm-{_path(inputs)}", {}


def integration(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:apigateway/integration:Integration`."""
    properties = [
        "type",
        "uri",
        "integrationHttpMethod",
        "connectionType",
        "connectionId",
        "contentHandling",
        "credentials",
        "passthroughBehavior",
        "requestParameters",
        "requestTemplates",
        "cacheKeyParameters",
        "cacheNamespace",
    ]
    request = inputs.camel(properties, timeoutMilliseconds="timeoutInMillis")
    _client(context).put_integration(**_of_method(inputs), **request)
    return f"agi-{_path(inputs)}", {"passthroughBehavior": inputs.get("passthroughBehavior", "WHEN_NO_MATCH")}


def method_response(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:apigateway/methodResponse:MethodResponse`."""
    request = inputs.camel(["responseModels", "responseParameters"])
    _client(context).put_method_response(**_of_method(inputs), statusCode=inputs.need("statusCode"), **request)
    return f"agmr-{_path(inputs)}-{inputs.need('statusCode')}", {}


def integration_response(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:apigateway/integrationResponse:IntegrationResponse`."""
    request = inputs.camel(["contentHandling", "responseParameters", "responseTemplates", "selectionPattern"])
    _client(context).put_integration_response(**_of_method(inputs), statusCode=inputs.need("statusCode"), **request)
    return f"agir-{_path(inputs)}-{inputs.need('statusCode')}", {}


def gateway_response(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:apigateway/response:Response`, which names its API by `restApiId`."""
    api: str = inputs.need("restApiId")
    kind: str = inputs.need("responseType")
    _client(context).put_gateway_response(
        restApiId=api, responseType=kind, **inputs.camel(["responseParameters", "responseTemplates", "statusCode"])
    )
    return f"aggr-{api}-{kind}", {}


def _client(context: Context) -> Any:
    return context.client("apigateway")


def _of_api(inputs: Inputs) -> dict[str, str]:
    return {"restApiId": inputs.need("restApi")}


def _of_method(inputs: Inputs) -> dict[str, str]:
    names = {name: inputs.need(name) for name in ("resourceId", "httpMethod")}
    return _of_api(inputs) | names


def _path(inputs: Inputs) -> str:
    return "-".join(inputs.need(name) for name in ("restApi", "resourceId", "httpMethod"))


CREATORS: Final = {
    "aws:apigateway/resource:Resource": resource,
    "aws:apigateway/model:Model": model,
    "aws:apigateway/requestValidator:RequestValidator": request_validator,
    "aws:apigateway/method:Method": method,
    "aws:apigateway/integration:Integration": integration,
    "aws:apigateway/methodResponse:MethodResponse": method_response,
    "aws:apigateway/integrationResponse:IntegrationResponse": integration_response,
    "aws:apigateway/response:Response": gateway_response,
}
