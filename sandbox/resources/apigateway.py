"""API Gateway: REST APIs, deployments, stages, usage plans and keys."""

from collections.abc import Mapping
from typing import Any, Final

from sandbox.context import Context, Inputs, Outputs


def rest_api(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:apigateway/restApi:RestApi`, made of resources of their own: an imported `body` is refused."""
    name: str = inputs.get("name") or inputs.name
    properties = ["description", "apiKeySource", "binaryMediaTypes", "policy", "disableExecuteApiEndpoint", "tags"]
    request = inputs.camel(properties)
    endpoint: Mapping[str, Any] | None = inputs.get("endpointConfiguration")
    if endpoint:
        types = endpoint["types"]
        request["endpointConfiguration"] = {
            **{key: value for key, value in endpoint.items() if value is not None},
            "types": [types] if isinstance(types, str) else types,
        }
    compression = inputs.get("minimumCompressionSize")
    if compression is not None:
        request["minimumCompressionSize"] = int(compression)
    client = context.client("apigateway")
    created = client.create_rest_api(name=name, **request)
    identifier: str = created["id"]
    return identifier, {
        "name": name,
        "arn": _arn(context, f"restapis/{identifier}"),
        "rootResourceId": created["rootResourceId"],
        "executionArn": context.arn("execute-api", identifier),
        "createdDate": created["createdDate"].isoformat(),
        "tagsAll": inputs.get("tags", {}),
    }


def deployment(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:apigateway/deployment:Deployment`."""
    inputs.accept(["triggers"])
    created = context.client("apigateway").create_deployment(
        restApiId=inputs.need("restApi"), **inputs.camel(["description", "variables"])
    )
    return created["id"], {"createdDate": created["createdDate"].isoformat()}


def stage(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:apigateway/stage:Stage`; its URL has the API and the stage in the path."""
    api: str = inputs.need("restApi")
    name: str = inputs.need("stageName")
    request = inputs.camel(
        ["description", "variables", "cacheClusterEnabled", "cacheClusterSize", "documentationVersion", "tags"],
        deployment="deploymentId",
        xrayTracingEnabled="tracingEnabled",
    )
    client = context.client("apigateway")
    client.create_stage(restApiId=api, stageName=name, **request)
    logs: Mapping[str, str] | None = inputs.get("accessLogSettings")
    if logs:
        client.update_stage(
            restApiId=api,
            stageName=name,
            patchOperations=[
                {"op": "replace", "path": f"/accessLogSettings/{key}", "value": value} for key, value in logs.items()
            ],
        )
    return f"ags-{api}-{name}", {
        "arn": _arn(context, f"restapis/{api}/stages/{name}"),
        "executionArn": context.arn("execute-api", f"{api}/{name}"),
        "invokeUrl": f"{context.endpoint_url}/restapis/{api}/{name}/_user_request_",
        "tagsAll": inputs.get("tags", {}),
    }


def method_settings(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:apigateway/methodSettings:MethodSettings`."""
    api: str = inputs.need("restApi")
    name: str = inputs.need("stageName")
    path: str = inputs.need("methodPath")
    settings: Mapping[str, Any] = inputs.need("settings")
    context.client("apigateway").update_stage(
        restApiId=api,
        stageName=name,
        patchOperations=[
            {"op": "replace", "path": f"/{path}/{_METHOD_SETTINGS[key]}", "value": _patch_value(value)}
            for key, value in settings.items()
            if value is not None
        ],
    )
    return f"{api}-{name}-{path}", {}


def usage_plan(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:apigateway/usagePlan:UsagePlan`."""
    name: str = inputs.get("name") or inputs.name
    request = inputs.camel(["description", "tags"], throttleSettings="throttle", quotaSettings="quota")
    stages = [
        {
            "apiId": item["apiId"],
            "stage": item["stage"],
            **({"throttle": _method_throttles(item["throttles"])} if item.get("throttles") else {}),
        }
        for item in inputs.get("apiStages", [])
    ]
    created = context.client("apigateway").create_usage_plan(name=name, apiStages=stages, **request)
    identifier: str = created["id"]
    return identifier, {
        "name": name,
        "arn": _arn(context, f"usageplans/{identifier}"),
        "tagsAll": inputs.get("tags", {}),
    }


def api_key(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:apigateway/apiKey:ApiKey`."""
    name: str = inputs.get("name") or inputs.name
    request = inputs.camel(["customerId", "description", "value", "tags"])
    created = context.client("apigateway").create_api_key(name=name, enabled=inputs.get("enabled", True), **request)
    identifier: str = created["id"]
    return identifier, {
        "name": name,
        "value": created["value"],
        "enabled": created["enabled"],
        "arn": _arn(context, f"apikeys/{identifier}"),
        "createdDate": created["createdDate"].isoformat(),
        "lastUpdatedDate": created["lastUpdatedDate"].isoformat(),
        "tagsAll": inputs.get("tags", {}),
    }


def usage_plan_key(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:apigateway/usagePlanKey:UsagePlanKey`."""
    created = context.client("apigateway").create_usage_plan_key(**inputs.camel(["usagePlanId", "keyId", "keyType"]))
    return created["id"], {"name": created["name"], "value": created["value"]}


def _method_throttles(throttles: list[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        item["path"]: {key: item[key] for key in ("burstLimit", "rateLimit") if item.get(key) is not None}
        for item in throttles
    }


def _patch_value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _arn(context: Context, path: str) -> str:
    return context.arn("apigateway", f"/{path}", account="")


_METHOD_SETTINGS: Final = {
    "metricsEnabled": "metrics/enabled",
    "loggingLevel": "logging/loglevel",
    "dataTraceEnabled": "logging/dataTrace",
    "throttlingBurstLimit": "throttling/burstLimit",
    "throttlingRateLimit": "throttling/rateLimit",
}

CREATORS: Final = {
    "aws:apigateway/restApi:RestApi": rest_api,
    "aws:apigateway/deployment:Deployment": deployment,
    "aws:apigateway/stage:Stage": stage,
    "aws:apigateway/methodSettings:MethodSettings": method_settings,
    "aws:apigateway/usagePlan:UsagePlan": usage_plan,
    "aws:apigateway/apiKey:ApiKey": api_key,
    "aws:apigateway/usagePlanKey:UsagePlanKey": usage_plan_key,
}
