"""Lambda rules: what they accept, what they refuse, and what they leave open."""

import datetime
import json
from typing import Any

import pytest

from policy.guardrails import functions, lambda_runtimes
from tests.policy.harness import UNKNOWN, UNKNOWN_TEXT, resource, verdict

ACCOUNT = "123456789012"
API = f"arn:aws:execute-api:eu-central-1:{ACCOUNT}:a1b2c3/default/*/wordcount/*"
TOPIC = f"arn:aws:sns:eu-central-1:{ACCOUNT}:jobs"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/caller"


def permission(principal: Any = "apigateway.amazonaws.com", **properties: Any):
    values = {"action": "lambda:InvokeFunction", "function": "jobs", "principal": principal, **properties}
    return resource("lambda:Permission", values)


class TestPermissionSource:
    @pytest.mark.parametrize(
        "properties",
        [
            {"sourceArn": API},
            {"sourceAccount": ACCOUNT},
            {"sourceAccount": ACCOUNT, "sourceArn": UNKNOWN},
            {"sourceAccount": ACCOUNT, "sourceArn": "arn:aws:s3:::uploads"},
            {"principal": "sns.amazonaws.com", "sourceArn": TOPIC},
            {"principal": "events.amazonaws.com", "sourceArn": f"arn:aws:events:*:{ACCOUNT}:rule/*"},
            {"principal": "s3.amazonaws.com", "sourceArn": "arn:aws:s3:::uploads", "sourceAccount": int(ACCOUNT)},
            {"principal": ACCOUNT},
            {"principal": ROLE},
            {"principal": "*", "principalOrgId": "o-a1b2c3d4e5"},
            {"principal": "*", "principalOrgId": UNKNOWN},
            {"principal": "alexa-appkit.amazon.com", "eventSourceToken": "amzn1.ask.skill.1"},
        ],
    )
    def test_named_caller_passes(self, properties: Any):
        assert verdict(functions.PERMISSION_SOURCE, permission(**properties)).status == "pass"

    @pytest.mark.parametrize(
        ("source", "state"),
        [
            (None, "there is neither sourceArn nor sourceAccount"),
            ("", "there is neither sourceArn nor sourceAccount"),
            ("*", "sourceArn '*' fixes no account"),
            ("arn:aws:execute-api:*:*:*", "sourceArn 'arn:aws:execute-api:*:*:*' fixes no account"),
            (
                "arn:aws:sns:eu-central-1:12345678901?:t",
                "sourceArn 'arn:aws:sns:eu-central-1:12345678901?:t' fixes no account",
            ),
            ("arn:aws:s3:::*", "sourceArn 'arn:aws:s3:::*' fixes no account"),
        ],
    )
    def test_service_without_source_is_refused(self, source: Any, state: str):
        assert verdict(functions.PERMISSION_SOURCE, permission(sourceArn=source)).found == [
            f"'apigateway.amazonaws.com' may invoke on behalf of any account: {state}"
        ]

    def test_token_is_for_alexa_only(self):
        subject = permission("sns.amazonaws.com", eventSourceToken="token")
        assert verdict(functions.PERMISSION_SOURCE, subject).status == "violation"
        for token in (None, ""):
            subject = permission("alexa-appkit.amazon.com", eventSourceToken=token)
            assert verdict(functions.PERMISSION_SOURCE, subject).status == "violation"

    @pytest.mark.parametrize("account", [None, "", "*", "12345"])
    def test_bucket_without_its_account_is_refused(self, account: Any):
        subject = permission("s3.amazonaws.com", sourceArn="arn:aws:s3:::uploads", sourceAccount=account)
        assert verdict(functions.PERMISSION_SOURCE, subject).found == [
            "sourceArn 'arn:aws:s3:::uploads' names a bucket without its account: who takes over the name may invoke"
        ]

    @pytest.mark.parametrize(
        ("principal", "properties"),
        [
            ("*", {}),
            ("*", {"sourceArn": TOPIC}),
            ("*", {"principalOrgId": "*"}),
            ("*", {"functionUrlAuthType": "AWS_IAM"}),
            ("arn:aws:iam::*:root", {}),
        ],
    )
    def test_anybody_is_refused(self, principal: str, properties: Any):
        assert verdict(functions.PERMISSION_SOURCE, permission(principal, **properties)).found == [
            f"principal is '{principal}', so anybody with an AWS account may invoke the function"
        ]

    @pytest.mark.parametrize("action", ["*", "lambda:*"])
    def test_every_action_is_refused(self, action: str):
        assert verdict(functions.PERMISSION_SOURCE, permission(action=action, sourceArn=API)).found == [
            f"action is '{action}', which lets the caller change the function"
        ]

    @pytest.mark.parametrize(
        ("properties", "unknown"),
        [
            ({"sourceArn": UNKNOWN}, "sourceArn"),
            ({"sourceAccount": UNKNOWN}, "sourceAccount"),
            ({"principal": UNKNOWN}, "principal"),
        ],
    )
    def test_unknown_is_not_yet_known(self, properties: Any, unknown: str):
        answer = verdict(functions.PERMISSION_SOURCE, permission(**properties))
        assert (answer.unknown, answer.found) == ([unknown], [])

    def test_unknown_action_hides_no_principal(self):
        answer = verdict(functions.PERMISSION_SOURCE, permission("*", action=UNKNOWN))
        assert (answer.unknown, len(answer.found)) == (["action"], 1)

    @pytest.mark.parametrize(
        ("properties", "status"),
        [
            ({"principal": "*"}, "violation"),
            ({"principal": "*", "organizationId": "*"}, "violation"),
            ({"principal": "*", "organizationId": "o-a1b2c3d4e5"}, "pass"),
            ({"principal": "*", "organizationId": UNKNOWN}, "pass"),
            ({"principal": ACCOUNT}, "pass"),
            ({"principal": UNKNOWN}, "unknown"),
        ],
    )
    def test_public_layer_is_refused(self, properties: Any, status: str):
        subject = resource("lambda:LayerVersionPermission", {"action": "lambda:GetLayerVersion", **properties})
        assert verdict(functions.PERMISSION_SOURCE, subject).status == status

    @pytest.mark.parametrize(
        ("principal", "condition", "status"),
        [
            ("*", {}, "violation"),
            ({"Service": "sns.amazonaws.com"}, {}, "violation"),
            ({"Service": "sns.amazonaws.com"}, {"ArnLike": {"AWS:SourceArn": TOPIC}}, "pass"),
            ({"AWS": ROLE}, {}, "pass"),
        ],
    )
    def test_policy_of_a_function_is_judged(self, principal: Any, condition: Any, status: str):
        statement = {
            "Effect": "Allow",
            "Principal": principal,
            "Action": "lambda:InvokeFunction",
            "Condition": condition,
        }
        subject = resource("lambda:ResourcePolicy", {"policy": json.dumps({"Statement": statement})})
        assert verdict(functions.PERMISSION_SOURCE, subject).status == status
        denial = resource("lambda:ResourcePolicy", {"policy": {"Statement": {**statement, "Effect": "Deny"}}})
        assert verdict(functions.PERMISSION_SOURCE, denial).status == "pass"

    def test_other_kinds_are_not_applicable(self):
        assert verdict(functions.PERMISSION_SOURCE, resource("lambda:Function")).status == "not applicable"


def function(**properties: Any):
    return resource("lambda:Function", {"role": ROLE, **properties}, name="jobs")


def supported(runtime: Any, as_of: str = "2026-11-15", **config: Any):
    return verdict(functions.RUNTIME_SUPPORTED, function(runtime=runtime), config={"asOf": as_of, **config})


class TestRuntimeSupported:
    @pytest.mark.parametrize("runtime", ["python3.13", "nodejs24.x", "java21", "provided.al2023", "python3.99"])
    def test_supported_or_later_runtime_passes(self, runtime: str):
        assert supported(runtime).status == "pass"

    @pytest.mark.parametrize("runtime", ["python3.9", "nodejs18.x", "go1.x", "provided", "dotnet6", "ruby2.7"])
    def test_runtime_out_of_support_is_refused(self, runtime: str):
        date = lambda_runtimes.DEPRECATIONS[runtime]
        assert supported(runtime).found == [f"runtime '{runtime}' has had no security patches since {date}"]

    def test_day_decides(self):
        assert supported("python3.13", "2029-06-29").status == "pass"
        assert supported("python3.13", "2029-06-30").status == "violation"

    def test_day_is_today_unless_set(self):
        assert verdict(functions.RUNTIME_SUPPORTED, function(runtime="python2.7")).status == "violation"
        tomorrow = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=2)).date().isoformat()
        config = {"dates": {"python3.13": tomorrow}}
        assert verdict(functions.RUNTIME_SUPPORTED, function(runtime="python3.13"), config=config).status == "pass"

    @pytest.mark.parametrize("day", ["tomorrow", "2026-13-01"])
    def test_day_that_is_none_is_refused(self, day: str):
        assert supported("python3.13", day).found == ["asOf is text"]

    @pytest.mark.parametrize("date", ["30.4.2027", "soon", 2027])
    def test_date_that_is_none_is_no_support(self, date: Any):
        assert supported("python3.9", dates={"python3.9": date}).status == "violation"

    def test_dates_and_accepted_runtimes_are_settings(self):
        assert supported("python3.9", accepted=["python3.9"]).status == "pass"
        assert supported("python3.8", accepted=["python3.9"]).status == "violation"
        assert supported("python3.9", dates={"python3.9": "2030-01-01"}).status == "pass"
        assert supported("python3.99", dates={"python3.99": "2026-01-01"}).status == "violation"

    def test_image_is_not_applicable(self):
        subject = function(packageType="Image", imageUri="app@sha256:0", runtime="python2.7")
        assert verdict(functions.RUNTIME_SUPPORTED, subject).not_applicable == ["an image brings its own runtime"]

    def test_archive_without_runtime_is_refused(self):
        assert supported(None).found == ["runtime is missing"]

    def test_unknown_is_not_yet_known(self):
        assert supported(UNKNOWN_TEXT).unknown == ["runtime"]

    def test_other_kinds_are_not_applicable(self):
        assert verdict(functions.RUNTIME_SUPPORTED, resource("lambda:Alias")).status == "not applicable"

    def test_each_listed_date_is_one(self):
        for date in lambda_runtimes.DEPRECATIONS.values():
            assert datetime.date.fromisoformat(date).isoformat() == date


class TestConcurrency:
    @pytest.mark.parametrize("reserved", [0, 10, "5", 2.0])
    def test_bound_passes(self, reserved: Any):
        assert verdict(functions.CONCURRENCY, function(reservedConcurrentExecutions=reserved)).status == "pass"

    @pytest.mark.parametrize(("reserved", "state"), [(None, "not set"), (-1, "-1, which stands for none")])
    def test_no_bound_is_shown(self, reserved: Any, state: str):
        assert verdict(functions.CONCURRENCY, function(reservedConcurrentExecutions=reserved)).found == [
            f"reservedConcurrentExecutions is {state}"
        ]

    def test_unknown_is_not_yet_known(self):
        subject = function(reservedConcurrentExecutions=UNKNOWN)
        assert verdict(functions.CONCURRENCY, subject).unknown == ["reservedConcurrentExecutions"]

    def test_other_kinds_are_not_applicable(self):
        assert verdict(functions.CONCURRENCY, resource("lambda:LayerVersion")).status == "not applicable"


def layer_arn(name: str) -> str:
    return f"arn:aws:lambda:eu-central-1:{ACCOUNT}:layer:{name}:3"


def arm64(*layers: Any):
    return function(architectures=["arm64"], layers=list(layers))


class TestLayerArm64:
    @pytest.mark.parametrize("architectures", [["arm64"], ["x86_64", "arm64"]])
    def test_layer_for_arm64_passes(self, architectures: Any):
        subject = resource("lambda:LayerVersion", {"layerName": "libs", "compatibleArchitectures": architectures})
        assert verdict(functions.LAYER_ARM64, subject).status == "pass"

    @pytest.mark.parametrize(("architectures", "state"), [(None, "not set"), ([], "not set"), (["x86_64"], "x86_64")])
    def test_layer_for_others_is_shown(self, architectures: Any, state: str):
        subject = resource("lambda:LayerVersion", {"layerName": "libs", "compatibleArchitectures": architectures})
        assert verdict(functions.LAYER_ARM64, subject).found == [f"compatibleArchitectures is {state}"]

    @pytest.mark.parametrize(
        "name",
        [
            "AWSLambdaPowertoolsPythonV3-python313-x86_64",
            "aws-otel-python-amd64-ver-1-32-0",
            "LambdaInsightsExtension",
            "AWS-Parameters-and-Secrets-Lambda-Extension",
        ],
    )
    def test_public_layer_for_x86_is_shown(self, name: str):
        assert verdict(functions.LAYER_ARM64, arm64(layer_arn("libs"), layer_arn(name))).found == [
            f"layers[1] is '{name}', a layer for x86_64"
        ]

    @pytest.mark.parametrize(
        "name",
        [
            "AWSLambdaPowertoolsPythonV3-python313-arm64",
            "LambdaInsightsExtension-Arm64",
            "libs",
            "box86tools",
        ],
    )
    def test_other_layer_passes(self, name: str):
        assert verdict(functions.LAYER_ARM64, arm64(layer_arn(name))).status == "pass"

    def test_function_for_x86_is_not_applicable(self):
        assert verdict(functions.LAYER_ARM64, function(layers=UNKNOWN)).not_applicable == [
            "the function isn't for arm64"
        ]

    def test_unknown_layer_hides_no_other(self):
        answer = verdict(functions.LAYER_ARM64, arm64(UNKNOWN, layer_arn("libs-amd64")))
        assert (answer.unknown, len(answer.found)) == (["layers[0]"], 1)

    def test_other_kinds_are_not_applicable(self):
        assert verdict(functions.LAYER_ARM64, resource("lambda:Alias")).status == "not applicable"
