"""Our own stacks under the pack: all in order, and each protected property guarded by exactly one rule.

The stacks are judged by the real pack process; the changes one by one by the rules alone, which is quicker. A provider
that answers as AWS would stands for AWS: what the real one adds to a resource's state isn't proven here.
"""

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.config import load_project, load_stack_config
from engine.policy_driver import analyze
from engine.policy_subjects import as_resources, from_registrations
from engine.preview import PreviewProvider
from engine.program import Deployment, run_program
from policy.guardrails.catalogue import RULES
from policy.guardrails.configuration import check_config, settings_of
from policy.guardrails.image_retention import LIFECYCLE_KEEPS_RUNNING
from policy.guardrails.images import ONE_DIGEST
from policy.guardrails.resources import Resource, Stack
from policy.guardrails.rules import NotYetKnown, Violation, judge
from policy.guardrails.running_images import running_images
from tests.components.stack import FakeAws
from tests.policy.harness import TODAY
from tests.policy.stack_changes import ALL_CHANGES, IMAGE, REMOVED

ROOT = Path(__file__).parents[2]
REGION = "eu-central-1"
STACKS = ("local", "dev", "staging", "prod", "shared")


def config_of(stack: str) -> dict[str, Any]:
    return json.loads((ROOT / "policy" / f"config.{stack}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def run() -> Callable[..., Deployment]:
    """The committed stacks, each run once."""
    known: dict[tuple[str, str], Deployment] = {}

    def once(stack: str, how: str) -> Deployment:
        if (stack, how) not in known:
            provider = FakeAws() if how == "deployed" else PreviewProvider(REGION, placeholders=how == "placeholders")
            known[stack, how] = run_program(ROOT, stack, provider=provider, preview=how != "deployed")
        return known[stack, how]

    return once


def resources_of(deployment: Deployment) -> list[Resource]:
    return as_resources(from_registrations(deployment.registrations, region=REGION))


class TestCommittedStacks:
    @pytest.mark.parametrize(
        ("stack", "how"),
        [
            *((stack, "placeholders") for stack in STACKS),
            ("dev", "deployed"),
            ("prod", "deployed"),
            ("shared", "deployed"),
            ("shared", "first preview"),  # no value of it waits for a deployment
        ],
    )
    def test_nothing_mandatory_is_violated_and_nothing_open(self, run: Callable[..., Deployment], stack: str, how: str):
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

    def test_repositories_that_are_opened_to_others_are_in_order(self):
        """Accounts and an organization that pull, accounts that push, and the functions of an own repository."""
        accounts = {"accounts": ["111111111111", "222222222222"]}
        settings = {
            "shared": {
                "repositories": ["wordcount"],
                "pullers": {**accounts, "organization": "o-a1b2c3d4e5"},
                "pushers": accounts,
            },
            "dev": {
                "pipelines": {"wordcount": {"context": "pipelines/wordcount"}},
                "functions": {"report": {"pipeline": "wordcount"}},
            },
        }
        for stack, values in settings.items():
            config = {"aws:region": REGION, "protectData": True, **values}
            deployment = run_program(
                ROOT, stack, provider=PreviewProvider(REGION, placeholders=True), preview=True, config=config
            )
            resources = resources_of(deployment)
            assert [item.kind for item in resources].count("ecr:RepositoryPolicy") == 1
            found = {rule for rule, _, _ in verdicts(resources, config_of(stack))}
            assert not {rule.id for rule in RULES if rule.level == "mandatory"} & found

    def test_first_preview_waits_for_the_image_and_for_arns(self, run: Callable[..., Deployment]):
        subjects = from_registrations(run("dev", "first preview").registrations, region=REGION)
        report = analyze(subjects, pack=ROOT / "policy", config=config_of("dev"), stack="dev")
        waiting = {(item.policy, item.urn.split("$")[-1].split("::")[0]) for item in report.open}
        assert ("arm64-batch-job", "aws:batch/jobDefinition:JobDefinition") in waiting
        assert ("image-digest-pinned", "aws:batch/jobDefinition:JobDefinition") in waiting
        assert not {item for item in waiting if item[0].startswith(("api-", "ecr-"))}
        assert report.mandatory == []

    @pytest.mark.parametrize("stack", STACKS)
    def test_configuration_is_in_order_and_each_exemption_needed(self, run: Callable[..., Deployment], stack: str):
        resources = resources_of(run(stack, "placeholders"))
        assert check_config(config_of(stack), RULES, today=TODAY, resources=resources) == []

    def test_each_stack_has_a_configuration_and_each_configuration_a_stack(self):
        files = {path.name for path in (ROOT / "policy").glob("config.*.json")}
        assert files == {f"config.{stack}.json" for stack in STACKS}
        stacks = {path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml")}
        assert set(STACKS) == stacks

    def test_only_a_public_website_is_exempted(self):
        exempted = {
            (stack, rule)
            for stack in STACKS
            for rule, entry in config_of(stack).items()
            if settings_of(entry).get("exemptions")
        }
        assert exempted == {
            (stack, rule) for stack in ("dev", "local") for rule in ("s3-public-block", "s3-no-public-policy")
        }


Verdicts = set[tuple[str, str, str]]


def verdicts(resources: list[Resource], config: Mapping[str, Any], changed_name: str | None = None) -> Verdicts:
    """Rule, resource and text of each violation and each open verdict.

    After a change of one resource only the rules about the stack can say something else about the others.
    """
    stack = Stack(resources)
    found: Verdicts = set()
    for rule in RULES:
        settings = settings_of(config.get(rule.id))
        for resource in stack.resources:
            untouched = changed_name is not None and not resource.name.endswith(changed_name)
            if not rule.judges(resource.kind) or (untouched and not rule.is_stack_rule):
                continue
            for item in judge(rule, resource, stack=stack, config=settings, today=TODAY):
                if isinstance(item, Violation):
                    found.add((rule.id, resource.name, item.found))
                elif isinstance(item, NotYetKnown):
                    found.add((rule.id, resource.name, item.path))
    return found


@pytest.fixture(scope="module")
def deployed(run: Callable[..., Deployment]) -> dict[str, list[Resource]]:
    return {stack: resources_of(run(stack, "deployed")) for stack in ALL_CHANGES}


@pytest.fixture(scope="module")
def accepted(deployed: dict[str, list[Resource]]) -> dict[str, Verdicts]:
    return {stack: verdicts(resources, config_of(stack)) for stack, resources in deployed.items()}


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """`value` with another value at a path; JSON inside a string is opened on the way."""
    if isinstance(value, str):
        return json.dumps(changed(json.loads(value), path, new))
    value = copy.copy(value)
    if len(path) > 1:
        value[path[0]] = changed(value[path[0]], path[1:], new)
    elif new is REMOVED:
        del value[path[0]]
    else:
        value[path[0]] = new
    return value


def with_change(resources: list[Resource], kind: str, name: str, path: tuple[Any, ...], new: Any) -> list[Resource]:
    matching = [item for item in resources if item.kind == kind and item.name.endswith(name)]
    assert len(matching) == 1, f"{kind} {name}: {[item.name for item in resources if item.kind == kind]}"
    (subject,) = matching
    if path == ("protect",):
        other = replace(subject, protect=new)
    elif not path:
        return [item for item in resources if item is not subject]
    else:
        origins = {key: urns for key, urns in subject.property_dependencies.items() if key != path[0]}
        other = replace(subject, properties=changed(dict(subject.properties), path, new), property_dependencies=origins)
    return [other if item is subject else item for item in resources]


def cases() -> list[Any]:
    return [
        pytest.param(stack, *change, id=f"{stack}-{change[0]}-{'.'.join(map(str, change[2])) or 'removed'}-{index}")
        for stack, changes in ALL_CHANGES.items()
        for index, change in enumerate(changes)
    ]


@pytest.mark.parametrize(("stack", "kind", "name", "path", "new", "expected"), cases())
def test_each_protected_property_is_guarded_by_exactly_its_rule(
    deployed: dict[str, list[Resource]],
    accepted: dict[str, Verdicts],
    stack: str,
    kind: str,
    name: str,
    path: tuple[Any, ...],
    new: Any,
    expected: set[str],
):
    resources = with_change(deployed[stack], kind, name, path, new)
    found = verdicts(resources, config_of(stack), name) - accepted[stack]
    assert {rule for rule, _, _ in found} == expected, found


def test_each_mandatory_rule_that_judges_our_stacks_guards_something(deployed: dict[str, list[Resource]]):
    guarded = {rule for changes in ALL_CHANGES.values() for *_, expected in changes for rule in expected}
    kinds = {resource.kind for resources in deployed.values() for resource in resources}
    judging = {rule.id for rule in RULES if rule.level == "mandatory" and any(rule.judges(kind) for kind in kinds)}
    # Its subjects here are permissions, which lambda-permission-source guards more narrowly. And no committed stack
    # runs an image in two places, as TestFunctionsAndServices does.
    assert judging - guarded == {"api-no-side-door", "image-one-digest"}


class TestFunctionsAndServices:
    """A stack that runs one image as a job, as a function and as a service."""

    @staticmethod
    def run_all(provider: Any, *, preview: bool) -> list[Resource]:
        used = {"count": {"pipeline": "wordcount"}}
        values = load_stack_config(load_project(ROOT), "dev")
        config = {**values, "slipway:functions": used, "slipway:services": used}
        return resources_of(run_program(ROOT, "dev", provider=provider, preview=preview, config=config))

    @pytest.mark.parametrize("how", ["first preview", "placeholders", "deployed"])
    def test_all_run_the_same_digest_and_it_stays(self, how: str):
        provider = FakeAws() if how == "deployed" else PreviewProvider(REGION, placeholders=how == "placeholders")
        stack = Stack(self.run_all(provider, preview=how != "deployed"))
        for rule in (ONE_DIGEST, LIFECYCLE_KEEPS_RUNNING):
            runners = [item for item in stack.resources if running_images(stack).of(item)]
            assert {item.kind for item in runners} == set(rule.kinds)
            assert [judge(rule, item, stack=stack, today=TODAY) for item in runners] == [[], [], []]

    def test_other_digest_in_one_of_them_is_refused(self):
        resources = self.run_all(FakeAws(), preview=False)
        other = IMAGE.replace(":latest", f"@sha256:{'0b' * 32}")
        changed = with_change(resources, "lambda:Function", "count-function", ("imageUri",), other)
        found = verdicts(changed, config_of("dev")) - verdicts(resources, config_of("dev"))
        assert {rule for rule, _, _ in found} == {"image-one-digest"}
        assert len({name for _, name, _ in found}) == 3
