"""The API Gateway that runs in the sandbox: what a function gets, and what the gateway answers by itself.

Each test here is about a point where the emulator alone is laxer, stricter or poorer than AWS.
"""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pulumi
import pytest

from sandbox.process import Sandbox
from tests import patient

_SOURCE = """
def handle(event, context):
    match event["resource"]:
        case "/crash":
            raise RuntimeError("the secret of the function")
        case "/odd":
            return {"no": "status code"}
        case "/teapot":
            return {"statusCode": 502, "headers": {"x-own": "yes"}, "body": "own"}
    import json
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps(event)}
"""
_SCHEMA = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "type": "object",
    "required": ["text"],
    "additionalProperties": False,
    "properties": {
        "text": {"type": "string", "minLength": 2},
        "count": {"type": "integer", "minimum": 3},
        "kind": {"enum": ["a", "b"]},
    },
}
_ERROR_TEMPLATE = (
    '{"title": $context.error.messageString, "detail": "$context.error.validationErrorString",'
    ' "kind": "$context.error.responseType", "id": "$context.requestId", "extended": "$context.extendedRequestId"}'
)


@dataclass(frozen=True)
class Api:
    url: str
    id: str
    key: str
    key_id: str

    def post(self, path: str, key: str | None = None, **options: Any) -> httpx.Response:
        headers = {"x-api-key": self.key if key is None else key} | options.pop("headers", {})
        return patient.post(f"{self.url}{path}", headers=headers, **options)


@pytest.fixture(scope="module")
def api(create: Callable[..., Any], role: str) -> Api:
    name = f"t{uuid.uuid4().hex[:8]}"
    function = create(
        "aws:lambda/function:Function",
        name=name,
        code=pulumi.AssetArchive({"handler.py": pulumi.StringAsset(_SOURCE)}),
        handler="handler.handle",
        runtime="python3.13",
        role=role,
        timeout=60,
    )
    rest = create("aws:apigateway/restApi:RestApi", name=name)
    of_api = {"restApi": rest.id}
    create(
        "aws:lambda/permission:Permission",
        function=function.id,
        action="lambda:InvokeFunction",
        principal="apigateway.amazonaws.com",
        sourceArn=f"{rest['executionArn']}/*/POST/*",
    )
    model = create(
        "aws:apigateway/model:Model",
        **of_api,
        name="Job",
        contentType="application/json",
        schema=json.dumps(_SCHEMA),
    )
    validator = create(
        "aws:apigateway/requestValidator:RequestValidator", **of_api, name=name, validateRequestBody=True
    )

    def method(path: str, parent: str, verb: str, validated: bool = False) -> str:
        resource = create("aws:apigateway/resource:Resource", **of_api, parentId=parent, pathPart=path)
        place = {**of_api, "resourceId": resource.id, "httpMethod": verb}
        checks = {"requestValidatorId": validator.id, "requestModels": {"application/json": model["name"]}}
        create(
            "aws:apigateway/method:Method",
            **place,
            authorization="NONE",
            apiKeyRequired=True,
            **(checks if validated else {}),
        )
        create(
            "aws:apigateway/integration:Integration",
            **place,
            type="AWS_PROXY",
            integrationHttpMethod="POST",
            uri=function["invokeArn"],
        )
        return resource.id

    root = rest["rootResourceId"]
    jobs = method("jobs", root, "POST", validated=True)
    method("{jobId}", jobs, "POST")
    for path in ("crash", "odd", "teapot"):
        method(path, root, "POST")
    method("unpermitted", root, "GET")
    for verb, status in (("OPTIONS", "204"), ("DELETE", "200")):
        _mock(create, {**of_api, "resourceId": jobs, "httpMethod": verb}, status)
    for kind in ("DEFAULT_4XX", "DEFAULT_5XX"):
        create(
            "aws:apigateway/response:Response",
            restApiId=rest.id,
            responseType=kind,
            responseParameters={"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"},
            responseTemplates={"application/json": _ERROR_TEMPLATE},
        )
    deployment = create("aws:apigateway/deployment:Deployment", **of_api)
    stage = create("aws:apigateway/stage:Stage", **of_api, deployment=deployment.id, stageName="default")
    key = create("aws:apigateway/apiKey:ApiKey", name=name)
    plan = create("aws:apigateway/usagePlan:UsagePlan", name=name, apiStages=[{"apiId": rest.id, "stage": "default"}])
    create("aws:apigateway/usagePlanKey:UsagePlanKey", usagePlanId=plan.id, keyId=key.id, keyType="API_KEY")
    return Api(url=stage["invokeUrl"], id=rest.id, key=key["value"], key_id=key.id)


def _mock(create: Callable[..., Any], place: Mapping[str, str], status: str) -> None:
    header = "method.response.header.Access-Control-Allow-Origin"
    create("aws:apigateway/method:Method", **place, authorization="NONE")
    create(
        "aws:apigateway/integration:Integration",
        **place,
        type="MOCK",
        requestTemplates={"application/json": f'{{"statusCode": {status}}}'},
    )
    create(
        "aws:apigateway/methodResponse:MethodResponse", **place, statusCode=status, responseParameters={header: True}
    )
    create(
        "aws:apigateway/integrationResponse:IntegrationResponse",
        **place,
        statusCode=status,
        responseParameters={header: "'*'"},
    )


def event_of(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_function_learns_which_key_called_and_under_which_name(api: Api, sandbox: Sandbox) -> None:
    context = event_of(api.post("/jobs/7"))["requestContext"]
    assert context["identity"]["apiKeyId"] == api.key_id
    assert context["identity"]["apiKey"] == api.key
    assert context["domainName"] == f"127.0.0.1:{sandbox.port}"
    assert context["domainPrefix"] == api.id


def test_the_path_in_the_context_leads_back_to_the_same_place(api: Api, sandbox: Sandbox) -> None:
    event = event_of(api.post("/jobs/7"))
    assert f"{sandbox.endpoint_url}{event['requestContext']['path']}" == f"{api.url}/jobs/7"
    assert event["path"] == "/jobs/7"
    assert event["pathParameters"] == {"jobId": "7"}


def test_a_virtual_host_has_the_stage_in_its_path(api: Api, sandbox: Sandbox) -> None:
    answer = patient.post(
        f"{sandbox.endpoint_url}/default/jobs/7",
        headers={"host": f"{api.id}.execute-api.localhost:{sandbox.port}", "x-api-key": api.key},
    )
    assert event_of(answer)["requestContext"]["path"] == "/default/jobs/7"


@pytest.mark.parametrize("key", ["", "wrong-key-of-twenty-characters"])
def test_a_missing_or_wrong_key_is_an_answer_that_a_browser_may_read(api: Api, key: str) -> None:
    answer = api.post("/jobs", key, json={"text": "ab"})
    assert answer.status_code == 403
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json()["kind"] == "INVALID_API_KEY"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"text": 1}, 'instance type (integer) does not match any allowed primitive type (allowed: ["string"])'),
        ({}, 'object has missing required properties (["text"])'),
        (
            {"text": "ab", "other": 1},
            'object instance has properties which are not allowed by the schema: ["other"]',
        ),
        ({"text": "a"}, "instance failed to match keyword minLength"),
        ({"text": "ab", "count": 2}, "instance failed to match keyword minimum"),
        ({"text": "ab", "kind": "c"}, "instance failed to match keyword enum"),
        ([], 'instance type (array) does not match any allowed primitive type (allowed: ["object"])'),
    ],
)
def test_a_refused_body_is_explained(api: Api, body: object, reason: str) -> None:
    answer = api.post("/jobs", json=body)
    assert answer.status_code == 400
    problem = answer.json()
    assert problem["detail"] == f"[{reason}]"
    assert problem["kind"] == "BAD_REQUEST_BODY"
    assert problem["id"] == problem["extended"] == answer.headers["x-amzn-requestid"]


def test_a_body_that_is_no_json_is_refused_without_a_reason(api: Api) -> None:
    answer = api.post("/jobs", content="{", headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["detail"] == ""


def test_only_a_body_of_a_modelled_media_type_is_checked(api: Api) -> None:
    event = event_of(api.post("/jobs", content="no json", headers={"content-type": "text/plain"}))
    assert event["body"] == "no json"


@pytest.mark.parametrize("media_type", ["", "application/json; charset=utf-8"])
def test_json_is_checked_with_parameters_and_without_a_media_type(api: Api, media_type: str) -> None:
    headers = {"content-type": media_type} if media_type else {}
    assert api.post("/jobs", content="{}", headers=headers).status_code == 400


def test_ten_mebibytes_are_the_limit_of_a_request(api: Api) -> None:
    limit = 10 * 1024 * 1024
    headers = {"content-type": "text/plain"}
    assert api.post("/jobs", content=b"x" * limit, headers=headers).status_code == 200
    answer = api.post("/jobs", content=b"x" * (limit + 1), headers=headers)
    assert answer.status_code == 413
    assert answer.json()["kind"] == "REQUEST_TOO_LARGE"
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("path", ["/crash", "/odd"])
def test_a_failing_function_is_a_502_that_tells_nothing_of_it(api: Api, path: str) -> None:
    answer = api.post(path)
    assert answer.status_code == 502
    assert answer.json()["title"] == "Internal server error"
    assert "secret" not in answer.text
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_502_of_the_function_itself_passes_through(api: Api) -> None:
    answer = api.post("/teapot")
    assert (answer.status_code, answer.text, answer.headers["x-own"]) == (502, "own", "yes")


def test_a_method_without_permission_to_invoke_the_function_is_a_500(api: Api) -> None:
    answer = patient.get(f"{api.url}/unpermitted", headers={"x-api-key": api.key})
    assert answer.status_code == 500
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_preflight_needs_no_key(api: Api) -> None:
    answer = patient.options(f"{api.url}/jobs")
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_mock_answer_without_a_template_has_no_body(api: Api) -> None:
    answer = patient.delete(f"{api.url}/jobs")
    assert (answer.status_code, answer.content) == (200, b"")


def test_an_unknown_route_is_the_gateways_403(api: Api) -> None:
    answer = api.post("/nowhere")
    assert answer.status_code == 403
    assert answer.json()["kind"] == "MISSING_AUTHENTICATION_TOKEN"
