"""Where the rule on secrets looks, and that it never repeats what it found."""

import json
from typing import Any

import pytest

from policy.guardrails import plain_secrets
from policy.guardrails.resources import Resource
from policy.guardrails.rules import judge, message, not_yet_known
from tests.policy.harness import TODAY, UNKNOWN, UNKNOWN_TEXT, resource, verdict

SECRET = "hunter2!"
RULE = plain_secrets.PLAIN_SECRETS
NAMED = "seems to hold a value whose name says password, in plain text"


def variables(name: str = "DB_PASSWORD", value: Any = SECRET) -> list[dict[str, Any]]:
    return [{"name": "REGION", "value": "eu-central-1"}, {"name": name, "value": value}]


def function(**environment: Any) -> Resource:
    return resource("lambda:Function", {"environment": {"variables": environment}})


def job(container: Any, **properties: Any) -> Resource:
    return resource("batch:JobDefinition", {"containerProperties": json.dumps(container), **properties})


def task(*containers: Any) -> Resource:
    return resource("ecs:TaskDefinition", {"containerDefinitions": json.dumps(list(containers))})


def nodes(container: Any) -> Resource:
    properties = json.dumps({"nodeRangeProperties": [{"container": container}]})
    return resource("batch:JobDefinition", {"nodeProperties": properties})


def ecs_job(container: Any) -> Resource:
    properties = json.dumps({"taskProperties": [{"containers": [container]}]})
    return resource("batch:JobDefinition", {"ecsProperties": properties})


def eks_job(container: Any) -> Resource:
    return resource("batch:JobDefinition", {"eksProperties": {"podProperties": {"containers": [container]}}})


def project(kind: Any) -> Resource:
    variable = {"name": "DB_PASSWORD", "value": SECRET, "type": kind}
    return resource("codebuild:Project", {"environment": {"environmentVariables": [variable]}})


PLACES = {
    "environment.variables.DB_PASSWORD": function(REGION="eu-central-1", DB_PASSWORD=SECRET),
    "containerProperties.environment.DB_PASSWORD": job({"environment": variables()}),
    "nodeProperties.nodeRangeProperties[0].container.environment.DB_PASSWORD": nodes({"environment": variables()}),
    "ecsProperties.taskProperties[0].containers[0].environment.DB_PASSWORD": ecs_job({"environment": variables()}),
    "eksProperties.podProperties.containers[0].env.DB_PASSWORD": eks_job({"env": variables()}),
    "eksProperties.podProperties.containers[0].envs.DB_PASSWORD": eks_job({"envs": variables()}),
    "eksProperties.podProperties.containers[0].commands[1]": eks_job({"commands": ["--db-password", SECRET]}),
    "imageConfig.commands[1]": resource("lambda:Function", {"imageConfig": {"commands": ["--db-password", SECRET]}}),
    "imageConfig.entryPoints[0]": resource(
        "lambda:Function", {"imageConfig": {"entryPoints": [f"--db-password={SECRET}"]}}
    ),
    "eksProperties.podProperties.containers[0].args[1]": eks_job({"args": ["--db-password", SECRET]}),
    "containerDefinitions[1].environment.DB_PASSWORD": task({"name": "proxy"}, {"environment": variables()}),
    "containerDefinitions[0].Environment.DB_PASSWORD": task({"Environment": variables()}),
    "containerDefinitions[0].command[2]": task({"command": ["run", "--password", SECRET]}),
    "containerDefinitions[0].entryPoint[0]": task({"entryPoint": [f"--db-password={SECRET}"]}),
    "containerProperties.command[0]": job({"command": [f"export DB_PASSWORD={SECRET}"]}),
    "parameters.password": job({}, parameters={"password": SECRET, "size": "3"}),
    "buildArgs.DB_PASSWORD": resource("docker-build:index:Image", {"buildArgs": {"DB_PASSWORD": SECRET}}),
    "build.buildArg.DB_PASSWORD": resource(
        "docker:index/remoteImage:RemoteImage", {"build": {"buildArg": {"DB_PASSWORD": SECRET}}}
    ),
    "build.buildArgs.DB_PASSWORD": resource(
        "docker:index/registryImage:RegistryImage", {"build": {"buildArgs": {"DB_PASSWORD": SECRET}}}
    ),
    "build.args.DB_PASSWORD": resource("docker:index/image:Image", {"build": {"args": {"DB_PASSWORD": SECRET}}}),
    "environment.environmentVariables[0]": project("PLAINTEXT"),
}


def texts(subject: Resource) -> str:
    """All that the rule says, as a user would read it."""
    outcomes = judge(RULE, subject, today=TODAY)
    shown = [
        message(RULE, subject, item) if hasattr(item, "found") else not_yet_known(subject, item) for item in outcomes
    ]
    return "\n".join([*shown, repr(outcomes)])


class TestPlaces:
    @pytest.mark.parametrize(("path", "subject"), PLACES.items())
    def test_secret_is_found_and_not_repeated(self, path: str, subject: Resource):
        found = verdict(RULE, subject).found
        assert [text.partition(" seems")[0] for text in found] == [path]
        assert SECRET not in texts(subject)

    def test_message_says_where_and_why(self):
        assert verdict(RULE, function(DB_PASSWORD=SECRET)).found == [f"environment.variables.DB_PASSWORD {NAMED}"]

    def test_project_takes_secrets_by_reference(self):
        assert len(verdict(RULE, project(None)).found) == 1
        assert verdict(RULE, project("SECRETS_MANAGER")).status == "pass"

    @pytest.mark.parametrize(
        "subject",
        [
            function(),
            resource("lambda:Function"),
            function(REGION="eu-central-1", PASSWORD="", DEBUG=True, LIMIT=3, TOKEN_TTL="60"),
            job(
                {
                    "secrets": [
                        {"name": "DB_PASSWORD", "valueFrom": "arn:aws:ssm:eu-central-1:123456789012:parameter/db"}
                    ]
                }
            ),
            job({"environment": variables(value="arn:aws:secretsmanager:eu-central-1:123456789012:secret:db")}),
            job({"command": ["--password", "Ref::password", "--verbose", SECRET]}),
            task({"command": ["--password=$PASSWORD", SECRET], "environment": []}),
            task({"command": "--password"}),
            resource("docker:index/image:Image", {"build": "./app"}),
            resource("docker:index/image:Image", {"build": False}),
            resource("docker:index/image:Image"),
            resource("docker-build:index:Image", {"buildArgs": {"VERSION": "1.2"}}),
        ],
    )
    def test_nothing_secret_passes(self, subject: Resource):
        assert verdict(RULE, subject).status == "pass"

    def test_other_kinds_are_not_applicable(self):
        assert (
            verdict(RULE, resource("secretsmanager:SecretVersion", {"secretString": SECRET})).status == "not applicable"
        )


class TestNames:
    def test_name_that_is_a_secret_is_not_repeated(self):
        name = "AKIA" + "IOSFODNN7EXAMPLE"
        subject = function(**{name: "AKIA" + "IOSFODNN7EXAMPLF", "a b": "AKIA" + "IOSFODNN7EXAMPLG"})
        kind = "seems to hold an AWS access key, in plain text"
        assert verdict(RULE, subject).found == [
            f"environment.variables.entry 1 {kind}",
            f"environment.variables.entry 2 {kind}",
        ]
        assert "AKIA" not in texts(subject)

    def test_names_without_secrets_are_a_setting(self):
        subject = function(CSRF_TOKEN=SECRET, DB_PASSWORD=SECRET)
        assert len(verdict(RULE, subject, config={"allowedNames": ["csrf_*"]}).found) == 1
        assert verdict(RULE, subject, config={"allowedNames": ["CSRF_TOKEN", "*password"]}).status == "pass"


class TestUnknown:
    def test_unknown_values_are_not_yet_known_together(self):
        subject = function(BUCKET=UNKNOWN, QUEUE=UNKNOWN_TEXT, REGION="eu-central-1", DB_PASSWORD=SECRET)
        answer = verdict(RULE, subject)
        assert answer.unknown == ["environment.variables.BUCKET and 1 more"]
        assert len(answer.found) == 1
        assert verdict(RULE, function(BUCKET=UNKNOWN)).unknown == ["environment.variables.BUCKET"]

    def test_allowed_name_may_stay_unknown(self):
        assert verdict(RULE, function(BUCKET=UNKNOWN), config={"allowedNames": ["BUCKET"]}).status == "pass"

    def test_sealed_secret_under_the_name_of_one_is_refused(self):
        answer = verdict(RULE, function(DB_PASSWORD="[secret]", SETTINGS="[secret]"))
        assert answer.found == [
            "environment.variables.DB_PASSWORD seems to hold a value that is kept secret and whose name says password, "
            "in plain text"
        ]
        assert answer.unknown == ["environment.variables.SETTINGS"]

    def test_unknown_environment_hides_no_command(self):
        answer = verdict(RULE, task({"environment": UNKNOWN_TEXT, "command": ["--password", SECRET]}))
        assert answer.unknown == ["containerDefinitions[0].environment"]
        assert len(answer.found) == 1

    def test_unknown_container_is_said_once_and_hides_no_other(self):
        answer = verdict(RULE, task(UNKNOWN_TEXT, {"environment": variables()}))
        assert answer.unknown == ["containerDefinitions[0]"]
        assert len(answer.found) == 1

    def test_unknown_definition_is_not_yet_known(self):
        answer = verdict(RULE, job({}, containerProperties=UNKNOWN, parameters={"password": SECRET}))
        assert answer.unknown == ["containerProperties"]
        assert len(answer.found) == 1

    def test_unknown_name_leaves_the_value_to_be_judged(self):
        subject = task({"environment": [{"name": UNKNOWN_TEXT, "value": "AKIA" + "IOSFODNN7EXAMPLE"}]})
        assert len(verdict(RULE, subject).found) == 1

    def test_unknown_argument_ends_what_an_option_says(self):
        subject = task({"command": ["--password", UNKNOWN_TEXT, SECRET]})
        answer = verdict(RULE, subject)
        assert (answer.unknown, answer.found) == (["containerDefinitions[0].command[1]"], [])

    @pytest.mark.parametrize("build", [UNKNOWN, {"args": UNKNOWN}])
    def test_unknown_build_is_not_yet_known(self, build: Any):
        assert verdict(RULE, resource("docker:index/image:Image", {"build": build})).status == "unknown"

    @pytest.mark.parametrize("value", [[SECRET], {"a": SECRET}, None])
    def test_value_of_another_shape_is_left_alone(self, value: Any):
        assert verdict(RULE, function(DB_PASSWORD=value)).status == "pass"

    @pytest.mark.parametrize("environment", [7, [SECRET], SECRET])
    def test_environment_of_another_shape_is_refused_without_its_value(self, environment: Any):
        subject = resource("lambda:Function", {"environment": {"variables": environment}})
        assert verdict(RULE, subject).status == "violation"
        assert SECRET not in texts(subject)
