"""The REST API. What isn't proven here: that the gateway behaves so; the tests over HTTP do that."""

import json

import pytest
import yaml

from components.gateway_errors import GATEWAY_ERRORS
from engine.program import Deployment, Registration
from tests.components.stack import ACCOUNT, REGION, ROOT, Run

METHOD = "aws:apigateway/method:Method"
INTEGRATION = "aws:apigateway/integration:Integration"
DEPLOYMENT = "aws:apigateway/deployment:Deployment"
TWO = {"pipelines": {name: {"context": "pipelines/wordcount"} for name in ("first", "second")}}


def described() -> set[tuple[str, str]]:
    """Path and method of each operation of the document, for wordcount."""
    document = yaml.safe_load((ROOT / "swagger/openapi.yaml").read_text())
    return {
        (path.replace("{pipeline}", "wordcount"), method.upper())
        for path, item in document["paths"].items()
        for method in item
        if method in ("get", "post", "put", "patch", "delete")
    }


def paths(deployment: Deployment) -> dict[str, str]:
    """Id of each resource -> its path."""
    resources = {item.id: item.inputs for item in deployment.all("aws:apigateway/resource:Resource")}

    def path(id_: str) -> str:
        if id_ not in resources:
            return ""
        return f"{path(resources[id_]['parentId'])}/{resources[id_]['pathPart']}"

    return {id_: path(id_) for id_ in resources}


def methods(deployment: Deployment) -> dict[tuple[str, str], Registration]:
    where = paths(deployment)
    return {(where[item.inputs["resourceId"]], item.inputs["httpMethod"]): item for item in deployment.all(METHOD)}


def trigger(deployment: Deployment) -> str:
    return deployment.one(DEPLOYMENT).inputs["triggers"]["api"]


def test_the_gateway_has_the_documents_operations_and_one_preflight(dev: Deployment) -> None:
    assert set(methods(dev)) == described() | {("/{proxy+}", "OPTIONS")}


def test_every_method_needs_a_key_but_the_preflight(dev: Deployment) -> None:
    for (_, verb), method in methods(dev).items():
        assert verb != "ANY"
        assert method.inputs["apiKeyRequired"] is (verb != "OPTIONS")
        assert method.inputs["authorization"] == "NONE"


def test_every_operation_goes_to_its_pipelines_function(run: Run) -> None:
    deployment = run(TWO)
    for (path, verb), method in methods(deployment).items():
        integration = deployment.one(INTEGRATION, method.name).inputs
        if verb == "OPTIONS":
            assert integration["type"] == "MOCK"
            continue
        pipeline = path.split("/")[1]
        function = deployment.one("aws:lambda/function:Function", f"slipway-dev-{pipeline}-trigger")
        assert integration["type"] == "AWS_PROXY"
        assert integration["integrationHttpMethod"] == "POST"
        assert integration["uri"] == function.outputs["invokeArn"]


def test_a_function_may_be_invoked_by_its_own_paths_of_this_stage(run: Run) -> None:
    permission = run(TWO).one("aws:lambda/permission:Permission", "slipway-dev-first").inputs
    assert permission["function"] == "slipway-dev-first-trigger"
    assert permission["principal"] == "apigateway.amazonaws.com"
    assert permission["sourceArn"] == f"arn:aws:execute-api:{REGION}:{ACCOUNT}:api/default/*/first/*"


def test_a_permission_gives_way_to_the_one_that_replaces_it(dev: Deployment) -> None:
    """Every property of a permission replaces it, and its statement id may exist once in a function's policy."""
    permission = dev.one("aws:lambda/permission:Permission", "slipway-dev-wordcount")
    assert permission.inputs["statementId"] == "api"
    assert permission.delete_before_replace is True


def test_bodies_and_parameters_are_checked_by_the_gateway(dev: Deployment) -> None:
    found = methods(dev)
    post = found["/wordcount/jobs", "POST"].inputs
    assert post["requestModels"] == {"application/json": "wordcountParameters"}
    assert post["requestValidatorId"] == "id-of-slipway-dev-body"
    assert post["requestParameters"]["method.request.header.Idempotency-Key"] is False
    get = found["/wordcount/jobs/{jobId}", "GET"].inputs
    assert "requestModels" not in get
    assert get["requestValidatorId"] == "id-of-slipway-dev-parameters"
    assert get["requestParameters"] == {"method.request.path.jobId": True}
    body = dev.one("aws:apigateway/requestValidator:RequestValidator", "slipway-dev-body").inputs
    assert (body["validateRequestBody"], body["validateRequestParameters"]) == (True, True)


def test_the_model_is_the_pipelines_schema(dev: Deployment) -> None:
    model = dev.one("aws:apigateway/model:Model", "slipway-dev-wordcountParameters").inputs
    schema = json.loads((ROOT / "pipelines/wordcount/parameters.schema.json").read_text())
    assert (model["name"], model["contentType"]) == ("wordcountParameters", "application/json")
    assert json.loads(model["schema"]) == schema


def test_a_model_that_all_share_is_there_once(run: Run) -> None:
    names = [item.inputs["name"] for item in run(TWO).all("aws:apigateway/model:Model")]
    assert sorted(names) == ["UploadRequest", "firstParameters", "secondParameters"]


def test_the_preflight_answers_by_itself(dev: Deployment) -> None:
    integration = dev.one(INTEGRATION, "slipway-dev-preflight").inputs
    assert json.loads(integration["requestTemplates"]["application/json"]) == {"statusCode": 200}
    assert "integrationHttpMethod" not in integration
    declared = dev.one("aws:apigateway/methodResponse:MethodResponse").inputs["responseParameters"]
    answer = dev.one("aws:apigateway/integrationResponse:IntegrationResponse")
    assert set(answer.inputs["responseParameters"]) == set(declared)
    origin = "method.response.header.Access-Control-Allow-Origin"
    assert answer.inputs["responseParameters"][origin] == "'*'"
    assert dev.one(INTEGRATION, "slipway-dev-preflight").urn in answer.dependencies


def test_the_gateways_own_errors_are_registered_as_planned(dev: Deployment) -> None:
    found = {item.inputs["responseType"]: item.inputs for item in dev.all("aws:apigateway/response:Response")}
    assert set(found) == {error.response_type for error in GATEWAY_ERRORS}
    for error in GATEWAY_ERRORS:
        inputs = found[error.response_type]
        assert inputs.get("statusCode") == error.status_code
        assert inputs["responseParameters"] == dict(error.headers)
        assert inputs["responseTemplates"] == dict(error.templates)


def test_a_deployment_waits_for_all_that_it_deploys(dev: Deployment) -> None:
    dependencies = set(dev.one(DEPLOYMENT).dependencies)
    for type_ in (INTEGRATION, "aws:apigateway/response:Response"):
        expected = {item.urn for item in dev.all(type_) if not item.name.endswith("preflight")}
        assert expected <= dependencies
    assert dev.one("aws:apigateway/integrationResponse:IntegrationResponse").urn in dependencies


def test_a_deployment_is_replaced_before_the_old_one_goes(dev: Deployment) -> None:
    """The stage must move over first: AWS deletes no deployment that a stage shows."""
    assert dev.one(DEPLOYMENT).delete_before_replace is not True
    stage = dev.one("aws:apigateway/stage:Stage").inputs
    assert (stage["stageName"], stage["deployment"]) == ("default", dev.one(DEPLOYMENT).id)


@pytest.mark.parametrize(
    "config",
    [{"corsOrigins": ["https://a.example"]}, TWO],
    ids=["cors", "pipelines"],
)
def test_a_change_of_what_is_deployed_makes_a_deployment(run: Run, config: dict[str, object]) -> None:
    assert trigger(run(config)) != trigger(run())


def test_a_new_image_a_stage_setting_or_a_key_makes_none(run: Run) -> None:
    build = {"context": "pipelines/wordcount", "generation": 2, "buildArgs": {"A": "1"}, "noCache": True}
    changed = {
        "pipelines": {"wordcount": build},
        "throttle": {"rate": 1, "burst": 1},
        "stageName": "v1",
        "retainedImages": 3,
        "consumers": {"team": {"keyGenerations": [1, 2]}},
    }
    assert trigger(run(changed, preview=True)) == trigger(run())


def test_the_trigger_is_known_in_a_preview(run: Run) -> None:
    assert trigger(run(preview=True)) == trigger(run())


def test_no_two_resources_share_a_name_whatever_pipelines_are_called(run: Run) -> None:
    """The offline engine refuses two resources of one type and name; these names look like parts of others."""
    names = ("proxy", "preflight", "jobs", "docs", "reconciler")
    run({"pipelines": {name: {"context": "pipelines/wordcount"} for name in names}}, preview=True)
