"""Functions behind an API: how long they may work, and how the rule finds the API."""

from typing import Any

import pytest

from policy.guardrails import function_timeouts
from tests.policy.harness import UNKNOWN, UNKNOWN_TEXT, resource, verdict

INVOKE_ARN = "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/jobs/invocations"
ASYNCHRONOUS = {"integration.request.header.X-Amz-Invocation-Type": "'Event'"}


def function(timeout: Any = 30, **properties: Any):
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:jobs"
    values = {"name": "jobs", "timeout": timeout, "invokeArn": INVOKE_ARN, "arn": arn, **properties}
    return resource("lambda:Function", values, name="jobs")


def integration(uri: Any = INVOKE_ARN, kind: str = "apigateway:Integration", name: str = "get", **properties: Any):
    key = "uri" if kind == "apigateway:Integration" else "integrationUri"
    return resource(kind, {key: uri, **properties}, name=name)


def permission(principal: Any = "apigateway.amazonaws.com", target: Any = "jobs"):
    return resource("lambda:Permission", {"principal": principal, "function": target}, name="allow")


def answer(subject: Any, *others: Any, **config: Any):
    return verdict(function_timeouts.TIMEOUT, subject, *others, config=config)


class TestTimeout:
    @pytest.mark.parametrize("timeout", [None, 3, 28, 29, "29"])
    def test_function_that_ends_in_time_passes(self, timeout: Any):
        assert answer(function(timeout), integration(), permission()).status == "pass"

    @pytest.mark.parametrize("kind", ["apigateway:Integration", "apigatewayv2:Integration"])
    @pytest.mark.parametrize("timeout", [30, 900, "30"])
    def test_function_that_outlives_the_call_is_refused(self, kind: str, timeout: Any):
        assert answer(function(timeout), integration(kind=kind)).found == [
            f"timeout is {timeout} s, but Integration 'get' gives up after 29 s"
        ]

    def test_http_api_may_name_the_function_itself(self):
        other = integration(function().properties["arn"], "apigatewayv2:Integration")
        assert answer(function(), other).status == "violation"

    def test_shorter_integration_counts(self):
        assert answer(function(10), integration(timeoutMilliseconds=5000)).found == [
            "timeout is 10 s, but Integration 'get' gives up after 5 s"
        ]
        assert answer(function(10), integration(timeoutMilliseconds=10000)).status == "pass"

    def test_longer_integration_needs_the_setting(self):
        longer = integration(timeoutMilliseconds=60000)
        assert answer(function(60), longer).status == "violation"
        assert answer(function(60), longer, mostSeconds=60).status == "pass"
        assert answer(function(61), longer, mostSeconds=100).status == "violation"

    def test_integration_of_unknown_length_has_the_general_limit(self):
        unknown = integration(timeoutMilliseconds=UNKNOWN)
        assert answer(function(29), unknown).status == "pass"
        assert answer(function(30), unknown).status == "violation"

    def test_function_without_api_is_not_applicable(self):
        other = integration("arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/others/invocations")
        events = permission("events.amazonaws.com")
        assert answer(function(900), other, events).not_applicable == ["no API waits for the function"]

    def test_permission_tells_of_an_api_in_a_document(self):
        assert answer(function(), permission()).found == ["timeout is 30 s, but API Gateway gives up after 29 s"]
        assert answer(function(), permission(target=function().properties["arn"])).status == "violation"
        assert answer(function(), permission(target="others")).status == "not applicable"

    def test_document_tells_by_its_dependencies(self):
        subject = function()
        api = resource("apigateway:RestApi", {"body": UNKNOWN_TEXT}, depends={"body": [subject]}, name="api")
        assert answer(subject, api).status == "violation"

    def test_asynchronous_integration_is_not_applicable(self):
        calls = integration(requestParameters=ASYNCHRONOUS)
        assert answer(function(900), calls, permission()).status == "not applicable"
        waits = integration(name="post")
        assert answer(function(900), calls, waits).status == "violation"
        waits = integration(requestParameters={"integration.request.header.X-Amz-Invocation-Type": "'RequestResponse'"})
        assert answer(function(900), waits).status == "violation"

    def test_unknown_target_is_followed_by_property_dependencies(self):
        subject = function(invokeArn=UNKNOWN)
        other = resource("lambda:Function", {"name": "others"}, name="others")
        mine = resource("apigateway:Integration", {"uri": UNKNOWN}, depends={"uri": [subject]}, name="get")
        foreign = resource("apigateway:Integration", {"uri": UNKNOWN}, depends={"uri": [other]}, name="get")
        assert answer(subject, mine, other).status == "violation"
        assert answer(subject, foreign, other).status == "not applicable"

    def test_unknown_target_of_unknown_origin_is_not_yet_known(self):
        assert answer(function(), integration(UNKNOWN_TEXT)).unknown == ["timeout"]
        calls = integration(requestParameters=ASYNCHRONOUS, name="post")
        assert answer(function(), integration(UNKNOWN_TEXT), calls).unknown == ["timeout"]
        assert answer(function(), permission(UNKNOWN)).unknown == ["timeout"]
        assert answer(function(), permission(UNKNOWN, "others")).status == "not applicable"

    def test_unknown_timeout_is_not_yet_known(self):
        assert answer(function(UNKNOWN)).unknown == ["timeout"]

    def test_other_kinds_are_not_applicable(self):
        assert answer(resource("lambda:Alias")).status == "not applicable"
