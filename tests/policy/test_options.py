"""A stack with all that is off by default under the pack: functions, services and notifications are in order, too."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.config import load_project, load_stack_config
from engine.policy_driver import analyze
from engine.policy_subjects import as_resources, from_registrations
from engine.preview import PreviewProvider
from engine.program import Deployment, run_program
from policy.guardrails.catalogue import RULES
from policy.guardrails.configuration import check_config
from tests.components.stack import FakeAws
from tests.policy.harness import TODAY

ROOT = Path(__file__).parents[2]
REGION = "eu-central-1"
OPTIONS: dict[str, Any] = {
    "slipway:functions": {
        "mailer": {
            "pipeline": "wordcount",
            "readPrefixes": ["data/in/"],
            "writePrefixes": ["data/out/"],
            "sesIdentities": ["example.org"],
            "failureDestination": f"arn:aws:sqs:{REGION}:123456789012:dead",
        }
    },
    "slipway:services": {"web": {"pipeline": "wordcount", "port": 8080, "sources": ["10.0.0.0/16"]}},
    "slipway:notifications": {"emails": ["team@example.org"]},
}
PARTS = ("ContainerFunction$", "ContainerService$", "ServiceCluster$", "Notifications$")


def run(stack: str, how: str) -> Deployment:
    config = {**load_stack_config(load_project(ROOT), stack), **OPTIONS}
    provider = FakeAws() if how == "deployed" else PreviewProvider(REGION, placeholders=how == "placeholders")
    return run_program(ROOT, stack, provider=provider, preview=how != "deployed", config=config)


def config_of(stack: str) -> dict[str, Any]:
    return json.loads((ROOT / "policy" / f"config.{stack}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("stack", "how"), [("dev", "placeholders"), ("prod", "placeholders"), ("dev", "deployed"), ("prod", "deployed")]
)
def test_nothing_mandatory_is_violated_and_nothing_open(stack: str, how: str) -> None:
    subjects = from_registrations(run(stack, how).registrations, region=REGION)
    report = analyze(
        subjects,
        pack=ROOT / "policy",
        config=config_of(stack),
        project="slipway",
        stack=stack,
        dry_run=how != "deployed",
    )
    assert [(item.policy, item.urn, item.message) for item in report.mandatory] == []
    assert [(item.policy, item.message) for item in report.open] == []
    # All that is left to advise: how many executions of the account a function may take is for its owner to say.
    advice = {item.policy for item in report.violations if any(part in item.urn for part in PARTS)}
    assert advice == {"lambda-concurrency"}


def test_the_configuration_stays_in_order() -> None:
    resources = as_resources(from_registrations(run("dev", "placeholders").registrations, region=REGION))
    assert check_config(config_of("dev"), RULES, today=TODAY, resources=resources) == []


def test_a_first_preview_waits_for_the_image_and_for_arns_alone() -> None:
    subjects = from_registrations(run("dev", "first preview").registrations, region=REGION)
    report = analyze(subjects, pack=ROOT / "policy", config=config_of("dev"), project="slipway", stack="dev")
    assert report.mandatory == []
    waiting = {
        (item.policy, item.urn.rpartition("$")[2].split("::")[0])
        for item in report.open
        if any(part in item.urn for part in PARTS)
    }
    policies = {"iam-no-star", "iam-passrole-scoped", "iam-no-admin-policies"}
    tasks = {"ecs-hardening", "image-digest-pinned", "no-plain-secrets"}
    assert waiting == {
        *((policy, "aws:iam/rolePolicy:RolePolicy") for policy in policies),
        *((policy, "aws:ecs/taskDefinition:TaskDefinition") for policy in tasks),
        ("image-digest-pinned", "aws:lambda/function:Function"),
    }
