"""API Gateway's control plane: each part reads back as written, nothing more, is changed in its own type, and deleted.

A field that was never set must stay absent: the real provider would show a change for it in every preview.
"""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from sandbox.context import Clients
from sandbox.process import Sandbox
from tests.sandbox.conftest import ACCOUNT, REGION, TAGS, Create, refused


@pytest.fixture
def gateway(client: Clients) -> Any:
    return client("apigateway")


@dataclass(frozen=True)
class Place:
    """An API with one resource."""

    api: str
    resource: str
    root: str

    def of(self, verb: str) -> dict[str, str]:
        """As the program names a method."""
        return {"restApi": self.api, "resourceId": self.resource, "httpMethod": verb}

    def at(self, verb: str) -> dict[str, str]:
        """As boto3 names a method."""
        return {"restApiId": self.api, "resourceId": self.resource, "httpMethod": verb}


@pytest.fixture
def place(create: Create, unique: str) -> Place:
    api = create("aws:apigateway/restApi:RestApi", name=unique)
    resource = create(
        "aws:apigateway/resource:Resource", restApi=api.id, parentId=api["rootResourceId"], pathPart="jobs"
    )
    return Place(api.id, resource.id, api["rootResourceId"])


def replacing(path: str, value: str) -> list[dict[str, str]]:
    return [{"op": "replace", "path": path, "value": value}]


def test_api(create: Create, gateway: Any, unique: str) -> None:
    api = create(
        "aws:apigateway/restApi:RestApi",
        name=unique,
        description="jobs",
        endpointConfiguration={"types": "REGIONAL"},
        apiKeySource="HEADER",
        disableExecuteApiEndpoint=False,
        binaryMediaTypes=["application/zip"],
        tags=TAGS,
    )
    read = gateway.get_rest_api(restApiId=api.id)
    assert (read["name"], read["description"], read["tags"]) == (unique, "jobs", TAGS)
    assert read["endpointConfiguration"] == {"types": ["REGIONAL"]}
    assert (read["apiKeySource"], read["binaryMediaTypes"]) == ("HEADER", ["application/zip"])
    assert read["rootResourceId"] == api["rootResourceId"]
    assert "policy" not in read
    assert "minimumCompressionSize" not in read
    assert api["arn"] == f"arn:aws:apigateway:{REGION}::/restapis/{api.id}"
    assert api["executionArn"] == f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api.id}"
    gateway.update_rest_api(restApiId=api.id, patchOperations=replacing("/disableExecuteApiEndpoint", "true"))
    assert gateway.get_rest_api(restApiId=api.id)["disableExecuteApiEndpoint"] is True
    gateway.delete_rest_api(restApiId=api.id)
    assert refused(gateway.get_rest_api, restApiId=api.id) == "NotFoundException"


def test_resource(create: Create, gateway: Any, place: Place) -> None:
    child = create("aws:apigateway/resource:Resource", restApi=place.api, parentId=place.resource, pathPart="{jobId}")
    read = gateway.get_resource(restApiId=place.api, resourceId=child.id)
    assert (read["parentId"], read["pathPart"], read["path"]) == (place.resource, "{jobId}", "/jobs/{jobId}")
    assert child["path"] == "/jobs/{jobId}"
    assert {item["path"] for item in gateway.get_resources(restApiId=place.api)["items"]} == {
        "/",
        "/jobs",
        "/jobs/{jobId}",
    }
    gateway.delete_resource(restApiId=place.api, resourceId=child.id)
    assert refused(gateway.get_resource, restApiId=place.api, resourceId=child.id) == "NotFoundException"


def test_model_and_validator(create: Create, gateway: Any, place: Place) -> None:
    schema = json.dumps({"type": "object"})
    create(
        "aws:apigateway/model:Model",
        restApi=place.api,
        name="Job",
        contentType="application/json",
        description="a job",
        schema=schema,
    )
    read = gateway.get_model(restApiId=place.api, modelName="Job")
    assert (read["schema"], read["contentType"], read["description"]) == (schema, "application/json", "a job")
    validator = create(
        "aws:apigateway/requestValidator:RequestValidator",
        restApi=place.api,
        name="all",
        validateRequestBody=True,
        validateRequestParameters=False,
    )
    of_validator = {"restApiId": place.api, "requestValidatorId": validator.id}
    gateway.update_request_validator(**of_validator, patchOperations=replacing("/validateRequestParameters", "true"))
    read = gateway.get_request_validator(**of_validator)
    assert (read["name"], read["validateRequestBody"], read["validateRequestParameters"]) == ("all", True, True)
    gateway.delete_request_validator(**of_validator)
    assert refused(gateway.get_request_validator, **of_validator) == "NotFoundException"
    gateway.delete_model(restApiId=place.api, modelName="Job")
    assert refused(gateway.get_model, restApiId=place.api, modelName="Job") == "NotFoundException"


def test_method_with_a_function(create: Create, gateway: Any, place: Place) -> None:
    uri = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/any/invocations"
    method = create(
        "aws:apigateway/method:Method",
        **place.of("POST"),
        authorization="NONE",
        apiKeyRequired=True,
        operationName="submitJob",
        requestModels={"application/json": "Empty"},
        requestParameters={"method.request.header.Idempotency-Key": False},
    )
    integration = create(
        "aws:apigateway/integration:Integration",
        **place.of("POST"),
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri=uri,
        timeoutMilliseconds=28000,
    )
    assert method.id == f"agm-{place.api}-{place.resource}-POST"
    assert integration.id == f"agi-{place.api}-{place.resource}-POST"
    read = gateway.get_method(**place.at("POST"))
    assert (read["apiKeyRequired"], read["authorizationType"], read["operationName"]) == (True, "NONE", "submitJob")
    assert read["requestModels"] == {"application/json": "Empty"}
    assert read["requestParameters"] == {"method.request.header.Idempotency-Key": False}
    assert "authorizerId" not in read
    assert "requestValidatorId" not in read
    read = gateway.get_integration(**place.at("POST"))
    assert (read["type"], read["httpMethod"], read["uri"], read["timeoutInMillis"]) == ("AWS_PROXY", "POST", uri, 28000)
    assert read["passthroughBehavior"] == integration["passthroughBehavior"] == "WHEN_NO_MATCH"
    assert "credentials" not in read
    gateway.update_method(**place.at("POST"), patchOperations=replacing("/apiKeyRequired", "false"))
    assert gateway.get_method(**place.at("POST"))["apiKeyRequired"] is False
    gateway.update_integration(**place.at("POST"), patchOperations=replacing("/timeoutInMillis", "5000"))
    assert gateway.get_integration(**place.at("POST"))["timeoutInMillis"] == 5000
    gateway.delete_integration(**place.at("POST"))
    assert refused(gateway.get_integration, **place.at("POST")) == "NotFoundException"
    gateway.delete_method(**place.at("POST"))
    assert refused(gateway.get_method, **place.at("POST")) == "NotFoundException"


def test_preflight(create: Create, gateway: Any, place: Place) -> None:
    header = "method.response.header.Access-Control-Allow-Origin"
    template = {"application/json": '{"statusCode": 204}'}
    create("aws:apigateway/method:Method", **place.of("OPTIONS"), authorization="NONE")
    create("aws:apigateway/integration:Integration", **place.of("OPTIONS"), type="MOCK", requestTemplates=template)
    response = create(
        "aws:apigateway/methodResponse:MethodResponse",
        **place.of("OPTIONS"),
        statusCode="204",
        responseParameters={header: True},
    )
    mapping = create(
        "aws:apigateway/integrationResponse:IntegrationResponse",
        **place.of("OPTIONS"),
        statusCode="204",
        responseParameters={header: "'*'"},
    )
    assert response.id == f"agmr-{place.api}-{place.resource}-OPTIONS-204"
    assert mapping.id == f"agir-{place.api}-{place.resource}-OPTIONS-204"
    integration = gateway.get_integration(**place.at("OPTIONS"))
    assert (integration["type"], integration["requestTemplates"]) == ("MOCK", template)
    assert "httpMethod" not in integration
    where = {**place.at("OPTIONS"), "statusCode": "204"}
    assert gateway.get_method_response(**where)["responseParameters"] == {header: True}
    assert gateway.get_integration_response(**where)["responseParameters"] == {header: "'*'"}
    gateway.delete_integration_response(**where)
    assert refused(gateway.get_integration_response, **where) == "NotFoundException"
    gateway.delete_method_response(**where)
    assert refused(gateway.get_method_response, **where) == "NotFoundException"


def test_gateway_response(create: Create, gateway: Any, place: Place) -> None:
    parameters = {"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"}
    templates = {"application/json": '{"title": $context.error.messageString}'}
    where = {"restApiId": place.api, "responseType": "THROTTLED"}
    response = create(
        "aws:apigateway/response:Response",
        restApiId=place.api,
        responseType="THROTTLED",
        statusCode="429",
        responseParameters=parameters,
        responseTemplates=templates,
    )
    read = gateway.get_gateway_response(**where)
    assert (read["statusCode"], read["responseParameters"]) == ("429", parameters)
    assert (read["responseTemplates"], read["defaultResponse"]) == (templates, False)
    assert response.id == f"aggr-{place.api}-THROTTLED"
    gateway.delete_gateway_response(**where)
    assert gateway.get_gateway_response(**where)["defaultResponse"] is True


def test_deployment_and_stage(create: Create, gateway: Any, place: Place, sandbox: Sandbox) -> None:
    deployment = create(
        "aws:apigateway/deployment:Deployment", restApi=place.api, description="first", triggers={"hash": "1"}
    )
    stage = create(
        "aws:apigateway/stage:Stage", restApi=place.api, deployment=deployment.id, stageName="default", tags=TAGS
    )
    of_stage = {"restApiId": place.api, "stageName": "default"}
    read = gateway.get_stage(**of_stage)
    assert (read["deploymentId"], read["tags"], read["tracingEnabled"]) == (deployment.id, TAGS, False)
    for absent in ("accessLogSettings", "cacheClusterSize", "documentationVersion", "canarySettings"):
        assert absent not in read
    assert stage.id == f"ags-{place.api}-default"
    assert stage["invokeUrl"] == f"{sandbox.endpoint_url}/restapis/{place.api}/default/_user_request_"
    assert stage["executionArn"] == f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{place.api}/default"
    settings = {"loggingLevel": "INFO", "metricsEnabled": True, "throttlingBurstLimit": 5, "throttlingRateLimit": 2.5}
    create(
        "aws:apigateway/methodSettings:MethodSettings",
        restApi=place.api,
        stageName="default",
        methodPath="*/*",
        settings=settings,
    )
    stored = gateway.get_stage(**of_stage)["methodSettings"]["*/*"]
    assert (stored["loggingLevel"], stored["metricsEnabled"]) == ("INFO", True)
    assert (stored["throttlingBurstLimit"], stored["throttlingRateLimit"]) == (5, 2.5)
    gateway.update_stage(**of_stage, patchOperations=replacing("/tracingEnabled", "true"))
    assert gateway.get_stage(**of_stage)["tracingEnabled"] is True
    of_deployment = {"restApiId": place.api, "deploymentId": deployment.id}
    assert gateway.get_deployment(**of_deployment)["description"] == "first"
    gateway.delete_stage(**of_stage)
    assert refused(gateway.get_stage, **of_stage) == "NotFoundException"
    gateway.delete_deployment(**of_deployment)
    assert refused(gateway.get_deployment, **of_deployment) == "NotFoundException"


def test_access_logs_of_a_stage(create: Create, gateway: Any, place: Place) -> None:
    deployment = create("aws:apigateway/deployment:Deployment", restApi=place.api)
    logs = {"destinationArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:any", "format": "$context.requestId"}
    create(
        "aws:apigateway/stage:Stage",
        restApi=place.api,
        deployment=deployment.id,
        stageName="default",
        xrayTracingEnabled=True,
        accessLogSettings=logs,
    )
    read = gateway.get_stage(restApiId=place.api, stageName="default")
    assert (read["accessLogSettings"], read["tracingEnabled"]) == (logs, True)


def test_key_and_usage_plan(create: Create, gateway: Any, place: Place, unique: str) -> None:
    deployment = create("aws:apigateway/deployment:Deployment", restApi=place.api)
    create("aws:apigateway/stage:Stage", restApi=place.api, deployment=deployment.id, stageName="default")
    key = create("aws:apigateway/apiKey:ApiKey", name=unique, description="of alice", tags=TAGS)
    read = gateway.get_api_key(apiKey=key.id, includeValue=True)
    assert (read["name"], read["description"], read["enabled"]) == (unique, "of alice", True)
    assert (read["value"], read["tags"]) == (key["value"], TAGS)
    assert len(key["value"]) >= 20
    plan = create(
        "aws:apigateway/usagePlan:UsagePlan",
        name=unique,
        apiStages=[{"apiId": place.api, "stage": "default"}],
        throttleSettings={"rateLimit": 2.5, "burstLimit": 5},
        quotaSettings={"limit": 100, "period": "DAY"},
        tags=TAGS,
    )
    read = gateway.get_usage_plan(usagePlanId=plan.id)
    assert read["apiStages"] == [{"apiId": place.api, "stage": "default"}]
    assert read["throttle"] == {"rateLimit": 2.5, "burstLimit": 5}
    assert read["quota"] == {"limit": 100, "period": "DAY"}
    membership = create(
        "aws:apigateway/usagePlanKey:UsagePlanKey", usagePlanId=plan.id, keyId=key.id, keyType="API_KEY"
    )
    assert (membership.id, membership["value"]) == (key.id, key["value"])
    of_plan = {"usagePlanId": plan.id, "keyId": key.id}
    assert gateway.get_usage_plan_key(**of_plan)["name"] == unique
    gateway.update_api_key(apiKey=key.id, patchOperations=replacing("/enabled", "false"))
    assert gateway.get_api_key(apiKey=key.id)["enabled"] is False
    gateway.delete_usage_plan_key(**of_plan)
    assert refused(gateway.get_usage_plan_key, **of_plan) == "NotFoundException"
    gateway.delete_api_key(apiKey=key.id)
    assert refused(gateway.get_api_key, apiKey=key.id) == "NotFoundException"
    gateway.delete_usage_plan(usagePlanId=plan.id)
    assert refused(gateway.get_usage_plan, usagePlanId=plan.id) == "NotFoundException"


def test_a_usage_plan_without_limits_has_none(create: Create, gateway: Any, unique: str) -> None:
    plan = create("aws:apigateway/usagePlan:UsagePlan", name=unique)
    read = gateway.get_usage_plan(usagePlanId=plan.id)
    assert "throttle" not in read
    assert "quota" not in read
    (listed,) = [item for item in gateway.get_usage_plans(limit=500)["items"] if item["id"] == plan.id]
    assert "throttle" not in listed


def test_a_usage_plan_is_changed_by_strings(create: Create, gateway: Any, place: Place, unique: str) -> None:
    deployment = create("aws:apigateway/deployment:Deployment", restApi=place.api)
    create("aws:apigateway/stage:Stage", restApi=place.api, deployment=deployment.id, stageName="default")
    plan = create("aws:apigateway/usagePlan:UsagePlan", name=unique)
    stage = f"{place.api}:default"
    gateway.update_usage_plan(
        usagePlanId=plan.id,
        patchOperations=[
            {"op": "add", "path": "/apiStages", "value": stage},
            *replacing("/throttle/rateLimit", "7.5"),
            *replacing("/throttle/burstLimit", "9"),
            *replacing("/quota/limit", "50"),
            *replacing("/quota/period", "WEEK"),
        ],
    )
    read = gateway.get_usage_plan(usagePlanId=plan.id)
    assert read["apiStages"] == [{"apiId": place.api, "stage": "default"}]
    assert read["throttle"] == {"rateLimit": 7.5, "burstLimit": 9}
    assert read["quota"] == {"limit": 50, "period": "WEEK"}
    gateway.update_usage_plan(
        usagePlanId=plan.id, patchOperations=[{"op": "remove", "path": "/apiStages", "value": stage}]
    )
    assert gateway.get_usage_plan(usagePlanId=plan.id)["apiStages"] == []


def test_a_key_with_an_empty_value_gets_one(gateway: Any, unique: str) -> None:
    assert len(gateway.create_api_key(name=unique, value="")["value"]) >= 20
