"""API key rules: methods, preflights, OpenAPI bodies and the ways round."""

import json
from typing import Any

import pytest

from policy.guardrails import api
from policy.guardrails.rules import Rule
from tests.policy.harness import UNKNOWN, UNKNOWN_TEXT, resource, verdict

REST = resource("apigateway:RestApi", {"name": "jobs"}, name="api")
PATH = resource("apigateway:Resource", {"pathPart": "jobs"}, name="path", depends={"restApi": [REST]})


def method(http: Any = "POST", *, known: bool = True, **properties: Any):
    """A method of PATH; with `known=False` its references are unknown, as in a first preview."""
    ids = {"restApi": "a1", "resourceId": "r1"} if known else {"restApi": UNKNOWN_TEXT, "resourceId": UNKNOWN_TEXT}
    return resource(
        "apigateway:Method",
        {"httpMethod": http, "authorization": "NONE", **ids, **properties},
        depends={} if known else {"restApi": [REST], "resourceId": [PATH]},
    )


class TestMethodKey:
    @pytest.mark.parametrize("required", [True, "true"])
    def test_required_key_passes(self, required: Any):
        assert verdict(api.METHOD_KEY, method(apiKeyRequired=required)).status == "pass"

    @pytest.mark.parametrize("http", ["GET", "POST", "ANY", "HEAD", "DELETE"])
    @pytest.mark.parametrize("required", [None, False, "false"])
    def test_missing_key_is_refused(self, http: str, required: Any):
        assert verdict(api.METHOD_KEY, method(http, apiKeyRequired=required)).status == "violation"

    def test_message_tells_missing_from_false(self):
        assert verdict(api.METHOD_KEY, method()).found == ["apiKeyRequired is not set on POST"]
        assert verdict(api.METHOD_KEY, method(apiKeyRequired=False)).found == ["apiKeyRequired is false on POST"]

    def test_iam_authorization_is_no_key(self):
        assert verdict(api.METHOD_KEY, method(authorization="AWS_IAM")).found == [
            "apiKeyRequired is not set on POST (authorization 'AWS_IAM' is not a key)"
        ]

    @pytest.mark.parametrize("authorization", [None, UNKNOWN, 7])
    def test_authorization_that_says_nothing_is_left_out(self, authorization: Any):
        found = verdict(api.METHOD_KEY, method(authorization=authorization)).found
        assert found == ["apiKeyRequired is not set on POST"]

    def test_preflight_needs_none(self):
        assert verdict(api.METHOD_KEY, method("OPTIONS")).status == "not applicable"

    def test_unknown_requirement_is_not_yet_known(self):
        assert verdict(api.METHOD_KEY, method(apiKeyRequired=UNKNOWN)).unknown == ["apiKeyRequired"]

    def test_unknown_method_without_key_is_not_yet_known(self):
        assert verdict(api.METHOD_KEY, method(UNKNOWN)).unknown == ["httpMethod"]

    def test_unknown_method_with_key_passes(self):
        assert verdict(api.METHOD_KEY, method(UNKNOWN, apiKeyRequired=True)).status == "pass"

    def test_other_kinds_are_not_applicable(self):
        assert verdict(api.METHOD_KEY, REST).status == "not applicable"


def integration(kind: Any, owner: Any = None, **properties: Any):
    """An integration of the method POST or OPTIONS on PATH; with `owner` its references come from that resource."""
    references = ("restApi", "resourceId", "httpMethod")
    ids = {"restApi": "a1", "resourceId": "r1", "httpMethod": "OPTIONS"} if owner is None else {}
    unknown = {} if owner is None else dict.fromkeys(references[:2], UNKNOWN_TEXT) | {"httpMethod": "OPTIONS"}
    return resource(
        "apigateway:Integration",
        {**ids, **unknown, "type": kind, **properties},
        name=f"integration-{kind}",
        depends={} if owner is None else {key: [owner] for key in references},
    )


class TestOptionsIsPreflight:
    def test_mock_integration_passes(self):
        assert verdict(api.OPTIONS_IS_PREFLIGHT, method("OPTIONS"), integration("MOCK")).status == "pass"

    @pytest.mark.parametrize("kind", ["AWS_PROXY", "HTTP", "AWS"])
    def test_any_other_integration_is_refused(self, kind: str):
        answer = verdict(api.OPTIONS_IS_PREFLIGHT, method("OPTIONS"), integration(kind))
        assert answer.found == [f"its integration 'integration-{kind}' is of type '{kind}'"]

    def test_integration_without_type_is_refused(self):
        answer = verdict(api.OPTIONS_IS_PREFLIGHT, method("OPTIONS"), integration(None))
        assert answer.found == ["its integration 'integration-None' is of type 'none'"]

    def test_no_integration_is_refused(self):
        assert verdict(api.OPTIONS_IS_PREFLIGHT, method("OPTIONS")).found == ["it has no integration in the stack"]

    @pytest.mark.parametrize("other", [{"restApi": "a2"}, {"resourceId": "r2"}, {"httpMethod": "POST"}])
    def test_integration_of_another_method_does_not_count(self, other: Any):
        answer = verdict(api.OPTIONS_IS_PREFLIGHT, method("OPTIONS"), integration("MOCK", **other))
        assert answer.found == ["it has no integration in the stack"]

    def test_key_on_a_preflight_is_refused(self):
        answer = verdict(api.OPTIONS_IS_PREFLIGHT, method("OPTIONS", apiKeyRequired=True), integration("MOCK"))
        assert answer.found == ["apiKeyRequired is true on OPTIONS"]

    def test_first_preview_is_decided_by_property_dependencies(self):
        subject = method("OPTIONS", known=False)
        assert verdict(api.OPTIONS_IS_PREFLIGHT, subject, PATH, integration("MOCK", subject)).status == "pass"
        assert verdict(api.OPTIONS_IS_PREFLIGHT, subject, PATH, integration("AWS_PROXY", subject)).status == "violation"

    def test_first_preview_follows_siblings_to_the_same_resource(self):
        subject = method("OPTIONS", known=False)
        sibling = resource(
            "apigateway:Integration",
            {"restApi": UNKNOWN_TEXT, "resourceId": UNKNOWN_TEXT, "httpMethod": "OPTIONS", "type": "MOCK"},
            depends={"restApi": [REST], "resourceId": [PATH]},
        )
        assert verdict(api.OPTIONS_IS_PREFLIGHT, subject, PATH, sibling).status == "pass"
        elsewhere = resource("apigateway:Resource", {}, name="elsewhere")
        stranger = resource(
            "apigateway:Integration",
            {"restApi": UNKNOWN_TEXT, "resourceId": UNKNOWN_TEXT, "httpMethod": "OPTIONS", "type": "MOCK"},
            depends={"restApi": [REST], "resourceId": [elsewhere]},
        )
        assert verdict(api.OPTIONS_IS_PREFLIGHT, subject, PATH, elsewhere, stranger).status == "violation"

    def test_reference_that_can_not_be_followed_is_not_yet_known(self):
        stray = integration("MOCK", resourceId=UNKNOWN_TEXT)
        assert verdict(api.OPTIONS_IS_PREFLIGHT, method("OPTIONS"), stray).unknown == ["resourceId"]

    def test_unknown_type_is_not_yet_known(self):
        assert verdict(api.OPTIONS_IS_PREFLIGHT, method("OPTIONS"), integration(UNKNOWN)).unknown == ["type"]

    @pytest.mark.parametrize("http", ["GET", "ANY"])
    def test_other_methods_are_not_applicable(self, http: str):
        assert verdict(api.OPTIONS_IS_PREFLIGHT, method(http)).status == "not applicable"

    def test_body_is_judged_too(self):
        subject = rest({"/jobs": {"options": {"x-amazon-apigateway-integration": {"type": "mock"}}}})
        assert verdict(api.OPTIONS_IS_PREFLIGHT, subject).status == "pass"
        subject = rest({"/jobs": {"options": {"x-amazon-apigateway-integration": {"type": "aws_proxy"}}}})
        assert verdict(api.OPTIONS_IS_PREFLIGHT, subject).found == [
            "OPTIONS /jobs has an integration of type 'aws_proxy'"
        ]
        subject = rest({"/jobs": {"options": {}}})
        assert verdict(api.OPTIONS_IS_PREFLIGHT, subject).found == ["OPTIONS /jobs has an integration of type 'none'"]

    def test_keyed_preflight_in_a_body_is_refused(self):
        mock = {"x-amazon-apigateway-integration": {"type": "mock"}, "security": [{"key": []}]}
        answer = verdict(api.OPTIONS_IS_PREFLIGHT, rest({"/jobs": {"options": mock}}))
        assert answer.found == ["OPTIONS /jobs asks for a key"]

    def test_api_without_body_is_not_applicable(self):
        assert verdict(api.OPTIONS_IS_PREFLIGHT, REST).status == "not applicable"


KEY = {"type": "apiKey", "name": "x-api-key", "in": "header"}
SCHEMES = {"key": KEY, "iam": {"type": "apiKey", "name": "Authorization", "in": "header"}}


def document(paths: Any, *, schemes: Any = SCHEMES, **more: Any) -> dict[str, Any]:
    return {"openapi": "3.0.1", "paths": paths, "components": {"securitySchemes": schemes}, **more}


def rest(paths: Any, kind: str = "apigateway:RestApi", **more: Any):
    return resource(kind, {"body": json.dumps(document(paths, **more))})


class TestBodyKey:
    @pytest.mark.parametrize("kind", ["apigateway:RestApi", "apigateway:RestApiPut"])
    def test_key_on_each_operation_passes(self, kind: str):
        operation = {"security": [{"key": []}]}
        assert verdict(api.BODY_KEY, rest({"/jobs": {"post": operation, "get": operation}}, kind)).status == "pass"

    def test_root_security_is_inherited(self):
        assert verdict(api.BODY_KEY, rest({"/jobs": {"post": {}}}, security=[{"key": []}])).status == "pass"

    @pytest.mark.parametrize(
        ("security", "found"),
        [
            ([], "turns security off with an empty list"),
            ([{"key": []}, {}], "makes security optional with an empty alternative"),
            ([{}], "makes security optional with an empty alternative"),
            ([{"iam": []}], "has an alternative without the key"),
            ([{"key": []}, {"iam": []}], "has an alternative without the key"),
            (None, "has no security, nor has the document"),
        ],
    )
    def test_operation_without_key_is_refused(self, security: Any, found: str):
        operation = {} if security is None else {"security": security}
        assert verdict(api.BODY_KEY, rest({"/jobs": {"post": operation}})).found == [f"POST /jobs {found}"]

    def test_own_security_replaces_the_root(self):
        answer = verdict(api.BODY_KEY, rest({"/jobs": {"post": {"security": []}}}, security=[{"key": []}]))
        assert answer.found == ["POST /jobs turns security off with an empty list"]

    def test_key_and_another_scheme_together_pass(self):
        operation = {"security": [{"key": [], "iam": []}]}
        assert verdict(api.BODY_KEY, rest({"/jobs": {"post": operation}})).status == "pass"

    def test_any_method_is_an_operation(self):
        answer = verdict(api.BODY_KEY, rest({"/jobs": {"x-amazon-apigateway-any-method": {}}}))
        assert answer.found == ["ANY /jobs has no security, nor has the document"]

    @pytest.mark.parametrize("name", ["head", "trace", "PATCH"])
    def test_rare_methods_are_operations(self, name: str):
        assert verdict(api.BODY_KEY, rest({"/jobs": {name: {}}})).status == "violation"

    @pytest.mark.parametrize("name", ["parameters", "summary", "servers", "x-note"])
    def test_other_members_of_a_path_are_not(self, name: str):
        assert verdict(api.BODY_KEY, rest({"/jobs": {name: []}, "x-paths": 1})).status == "pass"

    def test_only_a_mock_preflight_is_exempt(self):
        mock = {"options": {"x-amazon-apigateway-integration": {"type": "MOCK"}}}
        assert verdict(api.BODY_KEY, rest({"/jobs": mock})).status == "pass"
        proxy = {"options": {"x-amazon-apigateway-integration": {"type": "AWS_PROXY"}}}
        assert verdict(api.BODY_KEY, rest({"/jobs": proxy})).status == "violation"
        other = {"get": {"x-amazon-apigateway-integration": {"type": "MOCK"}}}
        assert verdict(api.BODY_KEY, rest({"/jobs": other})).status == "violation"

    @pytest.mark.parametrize(
        "scheme",
        [
            {**KEY, "in": "query"},
            {**KEY, "name": "Authorization"},
            {**KEY, "type": "http"},
            {**KEY, "x-amazon-apigateway-authtype": "awsSigv4"},
            {**KEY, "x-amazon-apigateway-authorizer": {"type": "token"}},
        ],
    )
    def test_scheme_that_is_no_api_key_does_not_count(self, scheme: Any):
        subject = rest({"/jobs": {"get": {"security": [{"key": []}]}}}, schemes={"key": scheme})
        assert verdict(api.BODY_KEY, subject).found == [
            "GET /jobs asks for no key: the document defines no scheme of type apiKey with x-api-key in the header"
        ]

    def test_header_name_ignores_case(self):
        subject = rest({"/": {"get": {"security": [{"key": []}]}}}, schemes={"key": {**KEY, "name": "X-API-Key"}})
        assert verdict(api.BODY_KEY, subject).status == "pass"

    def test_version_2_is_read(self):
        body = {"swagger": "2.0", "paths": {"/": {"get": {}}}, "securityDefinitions": {"key": KEY}}
        assert verdict(api.BODY_KEY, resource("apigateway:RestApi", {"body": body})).status == "violation"
        body["security"] = [{"key": []}]
        assert verdict(api.BODY_KEY, resource("apigateway:RestApi", {"body": body})).status == "pass"

    def test_yaml_is_read(self):
        body = "openapi: 3.0.1\npaths:\n  /jobs:\n    get:\n      responses:\n        200: {}\n"
        assert verdict(api.BODY_KEY, resource("apigateway:RestApi", {"body": body})).status == "violation"

    def test_path_by_reference_is_followed(self):
        paths = {"/jobs": {"$ref": "#/x-paths/a~1b"}}
        assert verdict(api.BODY_KEY, rest(paths, **{"x-paths": {"a/b": {"get": {}}}})).found == [
            "GET /jobs has no security, nor has the document"
        ]

    def test_reference_to_another_document_is_refused(self):
        assert verdict(api.BODY_KEY, rest({"/jobs": {"$ref": "paths.yaml"}})).status == "violation"

    @pytest.mark.parametrize("body", ["{", "a: [", "text", "[]", '{"paths": 1}', '{"paths": {"/": 1}}'])
    def test_body_that_is_no_document_is_refused(self, body: str):
        assert verdict(api.BODY_KEY, resource("apigateway:RestApi", {"body": body})).status == "violation"

    def test_unknown_operation_hides_no_other(self):
        body = document({"/a": {"get": {"security": UNKNOWN_TEXT}, "post": {}}})
        answer = verdict(api.BODY_KEY, resource("apigateway:RestApi", {"body": body}))
        assert answer.unknown == ["body.paths./a.get.security"]
        assert answer.found == ["POST /a has no security, nor has the document"]

    def test_unknown_body_is_not_yet_known(self):
        assert verdict(api.BODY_KEY, resource("apigateway:RestApi", {"body": UNKNOWN})).unknown == ["body"]

    @pytest.mark.parametrize("rule", [api.BODY_KEY, api.OPTIONS_IS_PREFLIGHT])
    def test_no_body_is_not_applicable(self, rule: Rule):
        assert verdict(rule, REST).status == "not applicable"
        # As in the state of a deployed API without one.
        assert verdict(rule, resource("apigateway:RestApi", {"body": ""})).status == "not applicable"


class TestNoSideDoor:
    @pytest.mark.parametrize("authorization", ["NONE", None, "none"])
    def test_open_function_url_is_refused(self, authorization: Any):
        subject = resource("lambda:FunctionUrl", {"authorizationType": authorization})
        assert verdict(api.NO_SIDE_DOOR, subject).status == "violation"

    def test_function_url_with_iam_passes(self):
        subject = resource("lambda:FunctionUrl", {"authorizationType": "AWS_IAM"})
        assert verdict(api.NO_SIDE_DOOR, subject).status == "pass"

    @pytest.mark.parametrize("protocol", ["HTTP", None, UNKNOWN])
    def test_http_api_is_refused(self, protocol: Any):
        assert verdict(api.NO_SIDE_DOOR, resource("apigatewayv2:Api", {"protocolType": protocol})).found == [
            "is an HTTP API, which knows no API keys"
        ]

    def test_websocket_api_is_judged_by_its_routes(self):
        subject = resource("apigatewayv2:Api", {"protocolType": "WEBSOCKET"})
        assert verdict(api.NO_SIDE_DOOR, subject).status == "not applicable"
        route = resource("apigatewayv2:Route", {"routeKey": "$connect"})
        assert verdict(api.NO_SIDE_DOOR, route).status == "violation"
        route = resource("apigatewayv2:Route", {"routeKey": "$connect", "apiKeyRequired": True})
        assert verdict(api.NO_SIDE_DOOR, route).status == "pass"

    @pytest.mark.parametrize(
        "properties",
        [
            {"principal": "*"},
            {"principal": "*", "sourceArn": "*"},
            {"principal": "*", "sourceArn": ""},
            {"principal": "*", "functionUrlAuthType": "AWS_IAM"},
            {"principal": "*", "functionUrlAuthType": "NONE", "sourceAccount": "123456789012"},
        ],
    )
    def test_permission_for_all_is_refused(self, properties: Any):
        assert verdict(api.NO_SIDE_DOOR, resource("lambda:Permission", properties)).found == [
            "allows principal '*' to invoke the function"
        ]

    @pytest.mark.parametrize(
        "properties",
        [
            {"principal": "apigateway.amazonaws.com"},
            {"principal": "123456789012"},
            {"principal": "*", "principalOrgId": "o-a1b2c3d4e5"},
            {"principal": "*", "sourceAccount": "123456789012"},
            {"principal": "*", "sourceArn": "arn:aws:s3:::bucket"},
        ],
    )
    def test_permission_for_somebody_passes(self, properties: Any):
        assert verdict(api.NO_SIDE_DOOR, resource("lambda:Permission", properties)).status == "pass"

    def test_unknown_principal_is_not_yet_known(self):
        subject = resource("lambda:Permission", {"principal": UNKNOWN})
        assert verdict(api.NO_SIDE_DOOR, subject).unknown == ["principal"]

    def test_unknown_source_is_not_yet_known(self):
        subject = resource("lambda:Permission", {"principal": "*", "sourceArn": UNKNOWN})
        assert verdict(api.NO_SIDE_DOOR, subject).unknown == ["sourceArn"]

    def test_other_kinds_are_not_applicable(self):
        assert verdict(api.NO_SIDE_DOOR, resource("lambda:Function")).status == "not applicable"
