"""The offline engine against small programs. What these tests can't prove: that the real engine agrees; its
behaviour is taken from the SDK's source and the provider's documentation."""

import asyncio
from pathlib import Path
from typing import Any

import pulumi
import pytest

from engine.errors import EngineError, ProgramError
from engine.program import UNKNOWN, Registration
from tests.engine.conftest import Runner

COMPONENT = """
import pulumi
import pulumi_aws as aws

class Store(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("demo:index:Store", name, None, opts)
        self.bucket = aws.s3.Bucket(f"{name}-data", opts=pulumi.ResourceOptions(parent=self, protect=True))
        self.policy = aws.s3.BucketPolicy(
            f"{name}-policy",
            bucket=self.bucket.bucket,
            policy=self.bucket.arn.apply(lambda arn: "{}" + arn),
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        self.register_outputs({"bucket": self.bucket.bucket})
"""


class FixedProvider:
    """Creates each resource with an id and an ARN, as a deployment would."""

    def __init__(self) -> None:
        self.created: list[Registration] = []

    def create(self, registration: Registration) -> tuple[str, dict[str, Any]]:
        self.created.append(registration)
        return f"id-{registration.name}", {**registration.inputs, "arn": f"arn:{registration.name}", "value": "s3cr3t"}

    def invoke(self, token: str, args: Any) -> dict[str, Any]:
        return {"names": [token, args["state"]]}


def test_urns_carry_the_chain_of_parent_types_without_the_stack(runner: Runner) -> None:
    deployment = runner.run(COMPONENT + "Store('s')")
    assert [item.urn for item in deployment.registrations] == [
        "urn:pulumi:dev::demo::pulumi:pulumi:Stack::demo-dev",
        "urn:pulumi:dev::demo::demo:index:Store::s",
        "urn:pulumi:dev::demo::demo:index:Store$aws:s3/bucket:Bucket::s-data",
        "urn:pulumi:dev::demo::demo:index:Store$aws:s3/bucketPolicy:BucketPolicy::s-policy",
    ]


def test_a_record_has_parent_options_and_dependencies_by_property(runner: Runner) -> None:
    deployment = runner.run(COMPONENT + "Store('s')")
    bucket = deployment.one("aws:s3/bucket:Bucket")
    policy = deployment.one("aws:s3/bucketPolicy:BucketPolicy", "s-policy")
    assert bucket.parent == deployment.one("demo:index:Store").urn
    assert (bucket.protect, bucket.retain_on_delete) == (True, False)
    assert (policy.protect, policy.retain_on_delete) == (False, True)
    assert policy.dependencies == (bucket.urn,)
    assert policy.property_dependencies == {"bucket": (bucket.urn,), "policy": (bucket.urn,)}


def test_a_preview_knows_inputs_and_auto_names_but_nothing_that_aws_answers(runner: Runner) -> None:
    deployment = runner.run(
        COMPONENT + "s = Store('s')\npulumi.export('arn', s.bucket.arn)\npulumi.export('id', s.bucket.id)"
    )
    bucket = deployment.one("aws:s3/bucket:Bucket")
    policy = deployment.one("aws:s3/bucketPolicy:BucketPolicy")
    assert bucket.inputs["bucket"].startswith("s-data-")
    assert len(bucket.inputs["bucket"]) == len("s-data-") + 7
    assert bucket.inputs["forceDestroy"] is False
    assert bucket.defaults == {"bucket", "forceDestroy"}
    assert policy.inputs == {"bucket": bucket.inputs["bucket"], "policy": UNKNOWN}
    assert deployment.exports == {"arn": UNKNOWN, "id": UNKNOWN}
    assert deployment.one("demo:index:Store").outputs == {"bucket": bucket.inputs["bucket"]}


def test_two_previews_are_equal(runner: Runner) -> None:
    first, second = (runner.run(COMPONENT + "Store('s')").registrations for _ in range(2))
    assert [(item.urn, item.inputs) for item in first] == [(item.urn, item.inputs) for item in second]


def test_a_deployment_hands_the_providers_outputs_to_what_depends_on_them(runner: Runner) -> None:
    provider = FixedProvider()
    deployment = runner.run(
        COMPONENT + "s = Store('s')\npulumi.export('id', s.bucket.id)", provider=provider, preview=False
    )
    assert deployment.one("aws:s3/bucketPolicy:BucketPolicy").inputs["policy"] == "{}arn:s-data"
    assert deployment.exports == {"id": "id-s-data"}
    assert [item.name for item in provider.created] == ["s-data", "s-policy"]


def test_secrets_are_unwrapped_and_remembered(runner: Runner) -> None:
    program = """
import pulumi, pulumi_aws as aws
aws.s3.BucketObjectv2("o", bucket="b", key="k", content=pulumi.Output.secret("hush"))
key = aws.apigateway.ApiKey("k", name="k")
pulumi.export("key", key.value)
pulumi.export("name", key.name)
"""
    deployment = runner.run(program, provider=FixedProvider(), preview=False)
    stored = deployment.one("aws:s3/bucketObjectv2:BucketObjectv2")
    assert stored.inputs["content"] == "hush"
    assert stored.secret_inputs == {"content"}
    assert deployment.exports == {"key": "s3cr3t", "name": "k"}
    assert deployment.secret_exports == {"key"}


def test_assets_arrive_as_assets_and_whole_numbers_as_integers(runner: Runner) -> None:
    program = """
import pulumi, pulumi_aws as aws
aws.s3.BucketObjectv2("o", bucket="b", key="k", source=pulumi.StringAsset("text"))
aws.cloudwatch.LogGroup("g", name="/g", retention_in_days=30)
"""
    deployment = runner.run(program)
    source = deployment.one("aws:s3/bucketObjectv2:BucketObjectv2").inputs["source"]
    assert isinstance(source, pulumi.StringAsset)
    assert source.text == "text"
    days = deployment.one("aws:cloudwatch/logGroup:LogGroup").inputs["retentionInDays"]
    assert (days, type(days)) == (30, int)


def test_an_invoke_is_answered_by_the_provider(runner: Runner) -> None:
    program = """
import pulumi, pulumi_aws as aws
pulumi.export("zones", aws.get_availability_zones_output(state="available").names)
"""
    zones = runner.run(program).exports["zones"]
    assert zones == ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
    token = "aws:index/getAvailabilityZones:getAvailabilityZones"
    assert runner.run(program, provider=FixedProvider(), preview=False).exports["zones"] == [token, "available"]


def test_an_invoke_may_name_a_region_of_its_own(runner: Runner) -> None:
    program = (
        "import pulumi, pulumi_aws as aws\npulumi.export('zones', aws.get_availability_zones(region='us-east-1').names)"
    )
    assert runner.run(program).exports["zones"] == ["us-east-1a", "us-east-1b", "us-east-1c"]


def test_an_unplanned_invoke_fails_with_its_name(runner: Runner) -> None:
    program = "import pulumi_aws as aws\naws.get_partition()"
    with pytest.raises(EngineError, match="aws:index/getPartition:getPartition"):
        runner.run(program)


def test_two_resources_of_one_urn_are_refused(runner: Runner) -> None:
    program = """
import pulumi_aws as aws
aws.s3.Bucket("b")
aws.s3.Bucket("b")
"""
    with pytest.raises(ProgramError, match=r"Duplicate resource URN .*::b"):
        runner.run(program)


def test_the_programs_own_error_is_kept_as_the_cause(runner: Runner) -> None:
    with pytest.raises(ProgramError, match="out of paper") as caught:
        runner.run("raise RuntimeError('out of paper')")
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_nothing_of_a_program_that_fails_is_left_under_way(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would warn of itself later, in another test."""
    made = asyncio.new_event_loop()
    monkeypatch.setattr(asyncio, "new_event_loop", lambda: made)
    program = (
        "import asyncio\nimport pulumi\nimport pulumi_aws as aws\n"
        "pulumi.Output.from_input(asyncio.Future())\n"
        "aws.s3.Bucket('same')\naws.s3.Bucket('same')\n"
    )
    with pytest.raises(ProgramError, match="Duplicate resource URN"):
        runner.run(program)
    assert asyncio.all_tasks(made) == set()


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("import pulumi\nraise pulumi.RunError('no paper')", "no paper"),
        ("\n{}['paper']", "KeyError: 'paper' (__main__.py, line 2)"),
        ("assert False", "AssertionError (__main__.py, line 1)"),
        (
            "import pulumi\npulumi.Output.from_input(0).apply(lambda n:\n 1 / n)",
            "division by zero (__main__.py, line 3)",
        ),
        ("import sys\nsys.exit(0)", "The program ended itself: sys.exit(0) (__main__.py, line 2)"),
        ("import sys\nsys.exit('enough')", "The program ended itself: sys.exit('enough') (__main__.py, line 2)"),
    ],
)
def test_an_error_that_the_program_did_not_mean_is_told_with_its_place(runner: Runner, program: str, told: str) -> None:
    with pytest.raises(ProgramError) as caught:
        runner.run(program)
    assert str(caught.value).removeprefix("ZeroDivisionError: ") == told


def test_a_failing_provider_stops_the_program(runner: Runner) -> None:
    class Failing(FixedProvider):
        def create(self, registration: Registration) -> tuple[str, dict[str, Any]]:
            raise EngineError(f"no room for {registration.name}")

    with pytest.raises(EngineError, match="no room for b"):
        runner.run("import pulumi_aws as aws\naws.s3.Bucket('b')", provider=Failing(), preview=False)


def test_reading_an_existing_resource_is_refused_by_name(runner: Runner) -> None:
    with pytest.raises(ProgramError, match="offline engine has no state"):
        runner.run("import pulumi_aws as aws\naws.s3.Bucket.get('b', 'some-bucket')")


@pytest.mark.parametrize(
    "program",
    [
        "aws.sns.Topic('t', opts=pulumi.ResourceOptions(transforms=[lambda args: None]))",
        "pulumi.runtime.register_resource_transform(lambda args: None)",
        "pulumi.runtime.register_invoke_transform(lambda args: None)",
    ],
)
def test_transforms_are_refused_as_their_results_would_be_missed(runner: Runner, program: str) -> None:
    with pytest.raises(ProgramError, match="has transforms, which run in the real engine alone"):
        runner.run(f"import pulumi, pulumi_aws as aws\n{program}")


def test_children_are_protected_and_retained_as_their_parent_unless_they_say_otherwise(runner: Runner) -> None:
    program = """
import pulumi, pulumi_aws as aws
class Pair(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("demo:index:Pair", name, None, opts)
        aws.sns.Topic("as-parent", opts=pulumi.ResourceOptions(parent=self))
        aws.sns.Topic("own", opts=pulumi.ResourceOptions(parent=self, protect=False, retain_on_delete=False))
Pair("pair", opts=pulumi.ResourceOptions(protect=True, retain_on_delete=True))
"""
    topics = runner.run(program).all("aws:sns/topic:Topic")
    assert {item.name: (item.protect, item.retain_on_delete) for item in topics} == {
        "as-parent": (True, True),
        "own": (False, False),
    }


def test_timeouts_are_kept_in_seconds(runner: Runner) -> None:
    program = """
import pulumi, pulumi_aws as aws
timeouts = pulumi.CustomTimeouts(create="1h30m", update="1.5s", delete="{}")
aws.sns.Topic("t", opts=pulumi.ResourceOptions(custom_timeouts=timeouts))
"""
    topic = runner.run(program.format("500ms")).one("aws:sns/topic:Topic")
    assert topic.custom_timeouts == {"create": 5400, "update": 1.5, "delete": 0.5}
    assert runner.run(program.format("0")).one("aws:sns/topic:Topic").custom_timeouts["delete"] == 0
    with pytest.raises(ProgramError, match="has the timeout '5 minutes', which is no duration"):
        runner.run(program.format("5 minutes"))


def test_an_alias_that_is_no_urn_is_refused(runner: Runner) -> None:
    program = "import pulumi, pulumi_aws as aws\naws.sns.Topic('t', opts=pulumi.ResourceOptions(aliases=['old']))"
    with pytest.raises(ProgramError, match=r"t \(aws:sns/topic:Topic\) has the alias 'old', which is no URN"):
        runner.run(program)


def test_a_run_leaves_nothing_behind(runner: Runner) -> None:
    before = Path.cwd()
    runner.run("import os, sys\nassert os.getcwd() in sys.path")
    assert Path.cwd() == before
    assert pulumi.runtime.settings.get_root_resource() is None
    assert pulumi.runtime.settings.get_stack() == "stack"


def test_the_observer_sees_each_custom_resource_before_and_after(runner: Runner) -> None:
    seen: list[tuple[str, bool]] = []
    runner.run(COMPONENT + "Store('s')", observer=lambda item, created: seen.append((item.name, created)))
    assert seen == [("s-data", False), ("s-data", True), ("s-policy", False), ("s-policy", True)]


def test_what_the_program_logs_is_kept(runner: Runner) -> None:
    assert runner.run("import pulumi\npulumi.log.warn('mind the gap')").messages == ["mind the gap"]


def test_outputs_made_while_others_are_awaited_are_awaited_too(runner: Runner) -> None:
    program = """
import asyncio, pulumi
async def later(value):
    await asyncio.sleep(0)
    return value
def more(depth):
    return pulumi.Output.from_input(later(depth)).apply(lambda value: more(value - 1) if value else "bottom")
seen = []
more(20).apply(seen.append)
pulumi.export("depth", more(20))
pulumi.export("seen", pulumi.Output.from_input(later(None)).apply(lambda _: more(25)).apply(lambda _: seen))
"""
    assert runner.run(program).exports == {"depth": "bottom", "seen": ["bottom"]}


def test_an_error_in_an_apply_that_nothing_depends_on_stops_the_program(runner: Runner) -> None:
    with pytest.raises(ProgramError, match="unseen"):
        runner.run("import pulumi\npulumi.Output.from_input(1).apply(lambda _: {}['unseen'])")


def test_the_sdk_is_as_before_after_a_run(runner: Runner) -> None:
    from pulumi.runtime import resource, stack

    before = (stack.wait_for_rpcs, resource._get_stack_trace)
    runner.run("")
    assert (stack.wait_for_rpcs, resource._get_stack_trace) == before
