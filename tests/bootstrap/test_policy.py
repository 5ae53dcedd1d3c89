"""The bootstrap project under the policy pack, which is held to it as the stacks are."""

import datetime
import json
from pathlib import Path

from engine.policy_driver import analyze
from engine.policy_subjects import as_resources, from_registrations
from policy.guardrails.catalogue import RULES
from policy.guardrails.configuration import check_config
from tests.bootstrap.conftest import BOOTSTRAP, REGION, Bootstrap

CONFIG = json.loads((BOOTSTRAP / "policy-config.json").read_text())
PACK = Path(__file__).parent.parent.parent / "policy"


def test_nothing_is_violated_but_what_the_configuration_gives_a_reason_for(bootstrap: Bootstrap) -> None:
    subjects = from_registrations(bootstrap().registrations, region=REGION)
    report = analyze(subjects, pack=PACK, config=CONFIG, project="slipway-bootstrap", stack="example")
    assert [(item.policy, item.urn, item.message) for item in report.violations] == []


def test_the_configuration_is_in_order(bootstrap: Bootstrap) -> None:
    subjects = from_registrations(bootstrap().registrations, region=REGION)
    today = datetime.datetime.now(datetime.UTC).date()
    assert check_config(CONFIG, RULES, today=today, resources=as_resources(subjects)) == []
