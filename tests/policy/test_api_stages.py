"""Validation, deployment, logs, tracing, web ACL and CORS of errors."""

from typing import Any

import pytest

from policy.guardrails import api_stages
from policy.guardrails.resources import Resource
from tests.policy.harness import UNKNOWN, UNKNOWN_TEXT, resource, verdict

VALIDATOR = resource("apigateway:RequestValidator", {"id": "v1", "validateRequestBody": True}, name="validator")


def method(http: str = "POST", **properties: Any) -> Resource:
    values = {"httpMethod": http, "requestValidatorId": "v1", "requestModels": {"application/json": "Job"}}
    return resource("apigateway:Method", {**values, **properties})


class TestValidateBody:
    def test_model_and_validator_pass(self):
        assert verdict(api_stages.VALIDATE_BODY, method(), VALIDATOR).status == "pass"

    @pytest.mark.parametrize("models", [None, {}, {"application/json": "Empty"}])
    @pytest.mark.parametrize("http", ["POST", "PUT", "PATCH", "ANY"])
    def test_body_without_model_is_refused(self, models: Any, http: str):
        assert verdict(api_stages.VALIDATE_BODY, method(http, requestModels=models), VALIDATOR).found == [
            f"requestModels has no model for the body of {http}"
        ]

    def test_model_that_is_not_known_is_one(self):
        subject = method(requestModels={"application/json": UNKNOWN})
        assert verdict(api_stages.VALIDATE_BODY, subject, VALIDATOR).status == "pass"

    @pytest.mark.parametrize("validator", [None, ""])
    def test_body_without_validator_is_refused(self, validator: Any):
        answer = verdict(api_stages.VALIDATE_BODY, method(requestValidatorId=validator), VALIDATOR)
        assert answer.found == ["requestValidatorId is not set"]

    @pytest.mark.parametrize("flag", [None, False])
    def test_validator_of_parameters_only_is_refused(self, flag: Any):
        lax = resource("apigateway:RequestValidator", {"id": "v1", "validateRequestBody": flag}, name="lax")
        assert verdict(api_stages.VALIDATE_BODY, method(), lax).found == ["its validator 'lax' doesn't validate bodies"]

    def test_models_that_are_not_known_hide_no_missing_validator(self):
        answer = verdict(api_stages.VALIDATE_BODY, method(requestModels=UNKNOWN, requestValidatorId=None))
        assert (answer.unknown, answer.found) == (["requestModels"], ["requestValidatorId is not set"])

    def test_validator_of_another_stack_is_trusted(self):
        assert verdict(api_stages.VALIDATE_BODY, method()).status == "pass"

    def test_unknown_validator_is_followed_by_property_dependencies(self):
        fields = {
            "httpMethod": "POST",
            "requestValidatorId": UNKNOWN_TEXT,
            "requestModels": {"application/json": "Job"},
        }
        lax = resource("apigateway:RequestValidator", {"validateRequestBody": False}, name="lax")
        subject = resource("apigateway:Method", fields, depends={"requestValidatorId": [lax]})
        assert verdict(api_stages.VALIDATE_BODY, subject, lax).found == ["its validator 'lax' doesn't validate bodies"]
        stray = resource("apigateway:Method", fields)
        assert verdict(api_stages.VALIDATE_BODY, stray, lax).unknown == ["requestValidatorId"]

    @pytest.mark.parametrize("http", ["GET", "DELETE", "OPTIONS", "HEAD"])
    def test_methods_without_body_are_not_applicable(self, http: str):
        assert verdict(api_stages.VALIDATE_BODY, method(http, requestModels=None)).status == "not applicable"

    def test_api_without_body_document_is_not_applicable(self):
        assert verdict(api_stages.VALIDATE_BODY, resource("apigateway:RestApi")).status == "not applicable"


SCHEMA = {"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}}
ALL = "x-amazon-apigateway-request-validator"


def documented(operation: Any, **more: Any) -> Resource:
    body = {
        "paths": {"/jobs": {"post": operation}},
        "x-amazon-apigateway-request-validators": {
            "full": {"validateRequestBody": True},
            "parameters": {"validateRequestBody": False},
        },
        **more,
    }
    return resource("apigateway:RestApi", {"body": body})


class TestValidatedDocument:
    @pytest.mark.parametrize(
        "subject",
        [
            documented({**SCHEMA, ALL: "full"}),
            documented(SCHEMA, **{ALL: "full"}),
            documented({"requestBody": {"$ref": "#/components/requestBodies/Job"}, ALL: "full"}),
            documented({"parameters": [{"in": "body", "schema": {"$ref": "#/definitions/Job"}}], ALL: "full"}),
        ],
    )
    def test_schema_and_validator_pass(self, subject: Resource):
        assert verdict(api_stages.VALIDATE_BODY, subject).status == "pass"

    @pytest.mark.parametrize(
        "subject",
        [
            documented(SCHEMA),
            documented({**SCHEMA, ALL: "parameters"}),
            documented({**SCHEMA, ALL: "missing"}),
            documented({**SCHEMA, ALL: "parameters"}, **{ALL: "full"}),
        ],
    )
    def test_operation_without_validator_is_refused(self, subject: Resource):
        assert verdict(api_stages.VALIDATE_BODY, subject).found == [
            "POST /jobs is under no validator that validates bodies"
        ]

    @pytest.mark.parametrize(
        "operation",
        [
            {},
            {"requestBody": {"content": {"application/json": {}}}},
            {"parameters": [{"in": "query", "schema": {"type": "string"}}, {"in": "body"}]},
            {"parameters": [{"schema": {"type": "string"}}]},
        ],
    )
    def test_operation_without_schema_is_refused(self, operation: Any):
        subject = documented(operation, **{ALL: "full"})
        assert verdict(api_stages.VALIDATE_BODY, subject).found == ["POST /jobs has no schema for its body"]

    @pytest.mark.parametrize("place", ["operation", "path"])
    @pytest.mark.parametrize("reference", [True, False])
    def test_parameters_are_found_by_reference_and_of_the_whole_path(self, place: str, reference: bool):
        body = {"in": "body", "name": "Job", "schema": {"$ref": "#/definitions/Job"}}
        listed = {"parameters": [{"$ref": "#/parameters/Job"} if reference else body]}
        more = {"parameters": {"Job": body}, ALL: "full"}
        path = {"post": listed} if place == "operation" else {"post": {}, **listed}
        assert verdict(api_stages.VALIDATE_BODY, documented({}, paths={"/jobs": path}, **more)).status == "pass"
        more["parameters"] = {"Job": {"in": "header", "name": "Job"}}
        answer = verdict(api_stages.VALIDATE_BODY, documented({}, paths={"/jobs": path}, **more))
        assert answer.status == ("violation" if reference else "pass")

    def test_operations_without_body_are_left_alone(self):
        subject = resource("apigateway:RestApi", {"body": {"paths": {"/jobs": {"get": {}}}}})
        assert verdict(api_stages.VALIDATE_BODY, subject).status == "pass"


class TestNoDataTrace:
    @pytest.mark.parametrize("settings", [None, {}, {"dataTraceEnabled": False}])
    def test_no_trace_passes(self, settings: Any):
        subject = resource("apigateway:MethodSettings", {"settings": settings})
        assert verdict(api_stages.NO_DATA_TRACE, subject).status == "pass"

    def test_trace_is_refused(self):
        subject = resource("apigateway:MethodSettings", {"settings": {"dataTraceEnabled": True}})
        assert verdict(api_stages.NO_DATA_TRACE, subject).found == ["settings.dataTraceEnabled is true"]

    def test_unknown_is_not_yet_known(self):
        subject = resource("apigateway:MethodSettings", {"settings": {"dataTraceEnabled": UNKNOWN}})
        assert verdict(api_stages.NO_DATA_TRACE, subject).status == "unknown"

    def test_other_kinds_are_not_applicable(self):
        assert verdict(api_stages.NO_DATA_TRACE, method()).status == "not applicable"


class TestRedeployTriggers:
    @pytest.mark.parametrize("value", ["5f3a", UNKNOWN])
    def test_trigger_passes_even_before_it_is_known(self, value: Any):
        subject = resource("apigateway:Deployment", {"triggers": {"redeploy": value}})
        assert verdict(api_stages.REDEPLOY_TRIGGERS, subject).status == "pass"

    @pytest.mark.parametrize("triggers", [None, {}])
    def test_no_trigger_is_refused(self, triggers: Any):
        subject = resource("apigateway:Deployment", {"triggers": triggers})
        assert verdict(api_stages.REDEPLOY_TRIGGERS, subject).found == ["triggers is not set"]

    def test_unknown_triggers_are_not_yet_known(self):
        subject = resource("apigateway:Deployment", {"triggers": UNKNOWN})
        assert verdict(api_stages.REDEPLOY_TRIGGERS, subject).unknown == ["triggers"]

    def test_other_kinds_are_not_applicable(self):
        assert verdict(api_stages.REDEPLOY_TRIGGERS, method()).status == "not applicable"


def stage(**properties: Any) -> Resource:
    return resource("apigateway:Stage", {"restApi": "a1", "stageName": "default", **properties})


class TestStageSettings:
    @pytest.mark.parametrize("arn", ["arn:aws:logs:eu-central-1:123456789012:log-group:access", UNKNOWN])
    def test_access_log_passes(self, arn: Any):
        subject = stage(accessLogSettings={"destinationArn": arn, "format": "$context.requestId"})
        assert verdict(api_stages.ACCESS_LOG, subject).status == "pass"

    @pytest.mark.parametrize("settings", [None, {}, {"destinationArn": ""}])
    def test_no_access_log_is_shown(self, settings: Any):
        assert verdict(api_stages.ACCESS_LOG, stage(accessLogSettings=settings)).status == "violation"

    def test_unknown_access_log_is_not_yet_known(self):
        assert verdict(api_stages.ACCESS_LOG, stage(accessLogSettings=UNKNOWN)).unknown == ["accessLogSettings"]

    @pytest.mark.parametrize(("flag", "status"), [(True, "pass"), (False, "violation"), (None, "violation")])
    def test_tracing(self, flag: Any, status: str):
        assert verdict(api_stages.TRACING, stage(xrayTracingEnabled=flag)).status == status

    def test_unknown_tracing_is_not_yet_known(self):
        assert verdict(api_stages.TRACING, stage(xrayTracingEnabled=UNKNOWN)).status == "unknown"

    @pytest.mark.parametrize("rule", [api_stages.ACCESS_LOG, api_stages.TRACING, api_stages.WAF])
    def test_other_kinds_are_not_applicable(self, rule: Any):
        assert verdict(rule, method()).status == "not applicable"


class TestWaf:
    def test_association_with_the_stage_passes(self):
        for kind in ("wafv2", "wafregional"):
            association = resource(f"{kind}:WebAclAssociation", {"resourceArn": "arn:s1"})
            assert verdict(api_stages.WAF, stage(arn="arn:s1"), association).status == "pass"

    def test_association_in_a_first_preview_passes(self):
        subject = stage()
        association = resource(
            "wafv2:WebAclAssociation", {"resourceArn": UNKNOWN_TEXT}, depends={"resourceArn": [subject]}
        )
        assert verdict(api_stages.WAF, subject, association).status == "pass"

    def test_arn_of_the_api_and_a_name_is_not_yet_known(self):
        api, other = (resource("apigateway:RestApi", {}, name=name) for name in ("api", "other"))
        fields = {"restApi": UNKNOWN_TEXT, "stageName": "default", "arn": UNKNOWN_TEXT}
        subject = resource("apigateway:Stage", fields, depends={"restApi": [api]})

        def association(*made_of: Resource) -> Resource:
            depends = {"resourceArn": list(made_of)}
            return resource("wafv2:WebAclAssociation", {"resourceArn": UNKNOWN_TEXT}, depends=depends)

        assert verdict(api_stages.WAF, subject, api, association(api)).unknown == ["resourceArn"]
        assert verdict(api_stages.WAF, subject, api, other, association(other)).status == "violation"

    def test_association_with_something_else_is_shown(self):
        association = resource("wafv2:WebAclAssociation", {"resourceArn": "arn:s2"})
        assert verdict(api_stages.WAF, stage(arn="arn:s1"), association).status == "violation"
        assert verdict(api_stages.WAF, stage(arn="arn:s1")).status == "violation"

    def test_unknown_association_is_not_yet_known(self):
        association = resource("wafv2:WebAclAssociation", {"resourceArn": UNKNOWN})
        assert verdict(api_stages.WAF, stage(arn="arn:s1"), association).unknown == ["resourceArn"]


API = resource("apigateway:RestApi", {"id": "a1"}, name="api")
OPTIONS = resource("apigateway:Method", {"restApi": "a1", "httpMethod": "OPTIONS"}, name="options")
HEADERS = {"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"}


def response(kind: str, headers: Any = HEADERS, **properties: Any) -> Resource:
    values = {"restApiId": "a1", "responseType": kind, "responseParameters": headers}
    return resource("apigateway:Response", {**values, **properties}, name=kind)


class TestErrorCors:
    def test_both_responses_pass(self):
        answer = verdict(api_stages.ERROR_CORS, API, OPTIONS, response("DEFAULT_4XX"), response("DEFAULT_5XX"))
        assert answer.status == "pass"

    def test_missing_response_is_shown(self):
        assert verdict(api_stages.ERROR_CORS, API, OPTIONS, response("DEFAULT_4XX")).found == [
            "no gateway response 'DEFAULT_5XX' sends Access-Control-Allow-Origin"
        ]

    @pytest.mark.parametrize(
        "other",
        [
            response("DEFAULT_5XX", {}),
            response("DEFAULT_5XX", None),
            response("DEFAULT_5XX", restApiId="a2"),
            response("DEFAULT_5XX", responseType=None),
        ],
    )
    def test_response_without_header_or_of_another_api_does_not_count(self, other: Resource):
        assert verdict(api_stages.ERROR_CORS, API, OPTIONS, response("DEFAULT_4XX"), other).status == "violation"

    def test_unknown_response_is_not_yet_known(self):
        answer = verdict(
            api_stages.ERROR_CORS,
            API,
            OPTIONS,
            response("DEFAULT_4XX"),
            response("DEFAULT_5XX", restApiId=UNKNOWN),
        )
        assert answer.unknown == ["restApiId"]

    @pytest.mark.parametrize(
        "methods",
        [[], [method()], [method("GET", restApi="a1")], [resource("apigateway:Method", {"httpMethod": UNKNOWN})]],
    )
    def test_api_without_preflight_is_not_applicable(self, methods: list[Resource]):
        assert verdict(api_stages.ERROR_CORS, API, *methods).status == "not applicable"

    def test_body_is_judged_too(self):
        paths = {"/jobs": {"options": {}}}
        answers = {kind: {"responseParameters": HEADERS} for kind in ("DEFAULT_4XX", "DEFAULT_5XX")}
        whole = {"paths": paths, "x-amazon-apigateway-gateway-responses": answers}
        assert verdict(api_stages.ERROR_CORS, resource("apigateway:RestApi", {"body": whole})).status == "pass"
        bare = resource("apigateway:RestApi", {"body": {"paths": paths}})
        assert len(verdict(api_stages.ERROR_CORS, bare).found) == 2
        none = resource("apigateway:RestApi", {"body": {"paths": {"/jobs": {"get": {}}}}})
        assert verdict(api_stages.ERROR_CORS, none).status == "not applicable"

    def test_responses_beside_a_body_count(self):
        api = resource("apigateway:RestApi", {"id": "a1", "body": {"paths": {"/jobs": {"options": {}}}}}, name="api")
        answer = verdict(api_stages.ERROR_CORS, api, response("DEFAULT_4XX"), response("DEFAULT_5XX"))
        assert answer.status == "pass"
        assert len(verdict(api_stages.ERROR_CORS, api, response("DEFAULT_4XX")).found) == 1

    @pytest.mark.parametrize(("owner", "status"), [("a1", "violation"), ("a2", "not applicable"), (UNKNOWN, "unknown")])
    def test_body_that_is_put_is_judged_too(self, owner: Any, status: str):
        body = {"paths": {"/jobs": {"options": {}}}}
        put = resource("apigateway:RestApiPut", {"restApiId": owner, "body": body}, name="put")
        assert verdict(api_stages.ERROR_CORS, API, put).status == status

    def test_preflight_of_an_unknown_api_is_not_yet_known(self):
        options = resource("apigateway:Method", {"restApi": UNKNOWN, "httpMethod": "OPTIONS"}, name="options")
        assert verdict(api_stages.ERROR_CORS, API, options).unknown == ["restApi"]
