"""The driver: it starts packs as the engine does, speaks its protocol, and ends them."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.policy_driver import PolicyError, Report, analyze, running_pack
from engine.policy_messages import UNKNOWN_TEXT, Provider, Subject

PACK = Path(__file__).parents[2] / "policy"
REPOSITORY = "aws:ecr/repository:Repository"


def subject(type_: str, inputs: Mapping[str, Any], name: str = "jobs", **more: Any) -> Subject:
    urn = f"urn:pulumi:dev::shop::{type_}::{name}"
    fields: dict[str, Any] = {"state": inputs, **more}
    return Subject(urn=urn, type=type_, name=name, inputs=inputs, **fields)


GOOD = {"name": "jobs", "imageTagMutability": "IMMUTABLE", "imageScanningConfiguration": {"scanOnPush": True}}
RULES = (
    '{"rules": [{"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", '
    '"countNumber": 6}, "action": {"type": "expire"}}]}'
)
LIFECYCLE = subject("aws:ecr/lifecyclePolicy:LifecyclePolicy", {"policy": RULES, "repository": "jobs"}, "expiry")


@pytest.fixture(scope="module")
def report() -> Report:
    """One stack with everything: a violation for the stack and for a resource, something open, something in order.

    And something that the program only reads, which would violate if the stack managed it.
    """
    return analyze(
        [
            subject(REPOSITORY, {**GOOD, "imageTagMutability": "MUTABLE"}),
            subject(REPOSITORY, {**GOOD, "name": "open", "imageTagMutability": UNKNOWN_TEXT}, "open"),
            LIFECYCLE,
            subject(REPOSITORY, {"name": "read"}, "read", external=True),
        ],
        pack=PACK,
        config={"ecr-kms": "disabled", "required-tags": "disabled", "region-pin": "disabled"},
    )


class TestReport:
    def test_violations_are_grouped_by_resource(self, report: Report):
        grouped = {
            urn.rpartition("::")[2]: [item.policy for item in found] for urn, found in report.by_resource().items()
        }
        assert grouped == {"jobs": ["ecr-immutable-tags"], "open": ["ecr-lifecycle-present"]}

    def test_violation_has_everything_to_print(self, report: Report):
        (found,) = [item for item in report.mandatory if item.policy == "ecr-immutable-tags"]
        assert (found.level, found.severity, found.is_open) == ("mandatory", "high", False)
        assert found.description == "A tag that was pushed once can't be pushed again with another image."
        assert found.message.startswith("Repository 'jobs': imageTagMutability is 'MUTABLE'. Expected:")

    def test_open_verdict_is_no_violation(self, report: Report):
        (found,) = [item for item in report.open if item.policy == "ecr-immutable-tags"]
        assert found.urn.endswith("::open")
        assert found.message == (
            "Repository 'open': not yet known: imageTagMutability is an output that only a deployment can tell"
        )
        assert found not in report.violations

    def test_rules_that_had_nothing_to_say_say_why(self, report: Report):
        reasons = {item.reason for item in report.not_applicable if item.policy == "arm64-lambda"}
        assert reasons == {"judges lambda:Function only"}

    def test_disabled_rules_are_not_counted(self, report: Report):
        assert "ecr-kms" not in report.rules
        assert "ecr-immutable-tags" in report.rules
        assert report.advisory == []
        assert report.pack == "slipway"


class TestConfigure:
    def policies(self, config: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, str]:
        found = analyze([subject(REPOSITORY, {**GOOD, **inputs}), LIFECYCLE], pack=PACK, config=config)
        return {item.policy: item.level for item in found.violations if item.policy.startswith("ecr")}

    def test_own_entry_wins_over_all_and_all_over_the_pack(self):
        config = {"all": "mandatory", "ecr-immutable-tags": {"enforcementLevel": "advisory"}}
        assert self.policies(config, {"imageTagMutability": "MUTABLE"}) == {
            "ecr-immutable-tags": "advisory",
            "ecr-kms": "mandatory",
        }

    def test_settings_and_exemptions_reach_the_rules(self):
        config = {
            "ecr-lifecycle-effective": {"enforcementLevel": "mandatory", "mostImages": 5},
            "ecr-immutable-tags": {
                "enforcementLevel": "mandatory",
                "exemptions": [{"urn": "*::jobs", "reason": "agreed"}],
            },
        }
        assert self.policies(config, {"imageTagMutability": "MUTABLE"}) == {
            "ecr-lifecycle-effective": "mandatory",
            "ecr-kms": "advisory",
        }

    def test_level_that_is_none_is_an_error(self):
        with pytest.raises(PolicyError, match="ecr-kms has no level 'off'; there are advisory, mandatory"):
            analyze([], pack=PACK, config={"ecr-kms": "off"})


def write_pack(folder: Path, program: str) -> Path:
    (folder / "PulumiPolicy.yaml").write_text("runtime: python\n")
    (folder / "__main__.py").write_text(program)
    return folder


OTHER = """
import os
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy, StackValidationPolicy

def check(args, report):
    if args.resource_type == "t:m:Quiet":
        return
    if args.resource_type == "t:m:Fails":
        raise RuntimeError("broken rule")
    options, provider, props = args.opts, args.provider, dict(args.props)
    seen = [os.environ["PULUMI_STACK"], os.environ["PULUMI_DRY_RUN"], os.getcwd(), options.protect, options.parent]
    seen += [options.ignore_changes[0], options.delete_before_replace, options.aliases[0]]
    seen += [options.additional_secret_outputs[0], options.custom_timeouts.create_seconds]
    seen += [provider.name, provider.props["region"], props["whole"], len(props["empty"]), props["none"]]
    report(" ".join(map(str, seen)))

def check_stack(args, report):
    for item in args.resources:
        if item.property_dependencies:
            names = [dependency.name for dependency in item.dependencies]
            report(f"{item.parent.name} {names} {list(item.property_dependencies)}", item.urn)

PolicyPack("other", [
    ResourceValidationPolicy("one", "One.", check, EnforcementLevel.MANDATORY),
    StackValidationPolicy("two", "Two.", check_stack),
])
"""


class TestAnyPack:
    def test_whole_request_arrives(self, tmp_path: Path):
        parent = subject("t:m:Quiet", {}, "parent")
        child = subject(
            "t:m:T",
            {"whole": 1, "empty": {}, "list": [], "none": None},
            "child",
            parent=parent.urn,
            dependencies=(parent.urn,),
            property_dependencies={"whole": (parent.urn,), "list": ()},
            protect=True,
            ignore_changes=("x",),
            delete_before_replace=True,
            aliases=("urn:alias",),
            additional_secret_outputs=("s",),
            custom_timeouts={"create": 60.0},
            provider=Provider(urn="urn:p", type="pulumi:providers:t", name="default", properties={"region": "r"}),
        )
        report = analyze([parent, child], pack=write_pack(tmp_path, OTHER), stack="prod", dry_run=False)
        messages = {item.policy: item.message for item in report.findings}
        assert messages == {
            "one": f"prod false {tmp_path} True {parent.urn} x True urn:alias s 60.0 default r 1.0 0 None",
            "two": "parent ['parent'] ['whole']",
        }
        assert {item.policy: item.level for item in report.findings} == {"one": "mandatory", "two": "advisory"}

    def test_rule_that_raises_is_an_error_of_the_pack(self, tmp_path: Path):
        with pytest.raises(PolicyError, match=r"The policy pack failed in Analyze: .*broken rule"):
            analyze([subject("t:m:Fails", {})], pack=write_pack(tmp_path, OTHER))


class TestProcess:
    def test_folder_without_pack_is_an_error(self, tmp_path: Path):
        with pytest.raises(PolicyError, match=r"it has no PulumiPolicy\.yaml"):
            analyze([], pack=tmp_path)

    @pytest.mark.parametrize(
        ("program", "said"),
        [("raise SystemExit('no luck')", "no luck"), ("print('hello', flush=True)", "hello"), ("", "nothing")],
    )
    def test_pack_that_does_not_start_is_an_error_that_says_what_it_said(self, tmp_path: Path, program: str, said: str):
        with pytest.raises(PolicyError, match=f"did not start; it said: (?s:.*){said}"):
            analyze([], pack=write_pack(tmp_path, program))

    def test_process_ends_whatever_happens(self, monkeypatch: pytest.MonkeyPatch):
        started: list[subprocess.Popen[bytes]] = []
        original = subprocess.Popen

        class Recorded(original):  # type: ignore[misc,type-arg]
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(*args, **kwargs)
                started.append(self)

        monkeypatch.setattr(subprocess, "Popen", Recorded)

        def interrupted() -> None:
            with running_pack(PACK):
                assert started[0].poll() is None
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert started[0].returncode is not None
        with pytest.raises(ProcessLookupError):
            os.kill(started[0].pid, 0)
