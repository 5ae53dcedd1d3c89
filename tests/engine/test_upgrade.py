"""The simulated account against small programs.

What these tests can't prove: that the real provider decides alike; what forces a replacement is taken from its schema.
"""

from pathlib import Path
from typing import Any

import pytest

from engine.program import run_program
from engine.upgrade import Change, Difference, Operation, SimulatedAccount, differences_of

HEAD = "import pulumi, pulumi_aws as aws, json\n"
BUCKET = HEAD + "bucket = aws.s3.Bucket('data', bucket='{}')\n"


class Runner:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.account = SimulatedAccount("eu-west-1")
        (root / "Pulumi.yaml").write_text("name: demo\nruntime: python\n")

    def run(self, program: str) -> dict[str, Change]:
        """The changes that aren't `same`, by logical name."""
        (self.root / "__main__.py").write_text(program)
        run_program(self.root, "dev", provider=self.account, preview=False, config={"aws:region": "eu-west-1"})
        return {change.name: change for change in self.account.finish() if change.operation is not Operation.SAME}

    def operations(self, program: str) -> dict[str, str]:
        return {name: change.operation.value for name, change in self.run(program).items()}


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def test_a_first_run_creates_and_a_second_changes_nothing(runner: Runner) -> None:
    program = BUCKET.format("one") + "aws.s3.BucketPolicy('p', bucket=bucket.id, policy=bucket.arn)"
    assert runner.operations(program) == {"data": "create", "p": "create"}
    assert runner.operations(program) == {}


def test_what_can_be_changed_in_place_is_updated(runner: Runner) -> None:
    program = HEAD + "aws.cloudwatch.LogGroup('g', name='/g', retention_in_days={})"
    runner.run(program.format(7))
    change = runner.run(program.format(30))["g"]
    assert change.operation is Operation.UPDATE
    assert change.differences == (Difference(path="retentionInDays", old=7, new=30),)
    assert change.forced_by == ()


def test_what_cannot_is_replaced_and_so_is_what_hangs_on_its_id(runner: Runner) -> None:
    program = BUCKET + "aws.s3.BucketPolicy('p', bucket=bucket.id, policy='{{}}')\naws.sns.Topic('t', name='t')"
    runner.run(program.format("one"))
    changes = runner.run(program.format("two"))
    assert {name: change.operation.value for name, change in changes.items()} == {"data": "replace", "p": "replace"}
    assert changes["data"].forced_by == ("bucket",)


def test_what_is_gone_from_the_program_is_deleted_and_retained_where_it_says_so(runner: Runner) -> None:
    runner.run(
        BUCKET.format("one")
        + "aws.sns.Topic('t', name='t', opts=pulumi.ResourceOptions(retain_on_delete=True))\n"
        + "aws.sns.Topic('u', name='u', opts=pulumi.ResourceOptions(protect=True))"
    )
    changes = runner.run(BUCKET.format("one"))
    assert {name: change.operation.value for name, change in changes.items()} == {"t": "delete", "u": "delete"}
    assert (changes["t"].retained, changes["t"].protected) == (True, False)
    assert (changes["u"].retained, changes["u"].protected) == (False, True)


PAIR = """
class Pair(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("demo:index:Pair", name, None, opts)
        own = pulumi.ResourceOptions(parent=self)
        self.bucket = aws.s3.Bucket(f"{name}-data", opts=own)
        aws.s3.BucketPolicy("policy", bucket=self.bucket.id, policy=self.bucket.arn, opts=own)
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("aws.s3.Bucket('a')", "aws.s3.Bucket('b', opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name='a')]))"),
        (
            "aws.s3.Bucket('a')",
            "aws.s3.Bucket('a', opts=pulumi.ResourceOptions(parent=aws.sns.Topic('t', name='t'),"
            "aliases=[pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)]))",
        ),
        (
            "aws.s3.Bucket('a')",
            "aws.s3.Bucket('b', opts=pulumi.ResourceOptions("
            "aliases=['urn:pulumi:dev::demo::aws:s3/bucket:Bucket::a']))",
        ),
        ("Pair('a')", "Pair('b', opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name='a')]))"),
    ],
)
def test_what_is_renamed_with_an_alias_stays_with_its_id_and_auto_name(runner: Runner, old: str, new: str) -> None:
    created = runner.operations(HEAD + PAIR + old)
    assert set(created.values()) == {"create"}
    assert set(runner.operations(HEAD + PAIR + new)) <= {"t"}
    changes = runner.operations(HEAD)
    assert len(changes.keys() - {"t"}) == len(created)
    assert set(changes.values()) == {"delete"}


def test_the_gravest_changes_come_first(runner: Runner) -> None:
    old = BUCKET.format("one") + "aws.sns.Topic('gone', name='g')\naws.cloudwatch.LogGroup('l', name='l')"
    new = (
        BUCKET.format("two")
        + "aws.sns.Topic('made', name='m')\naws.cloudwatch.LogGroup('l', name='l', retention_in_days=1)"
    )
    runner.run(old)
    assert list(runner.operations(new).values()) == ["replace", "delete", "update", "create"]


def test_a_changed_job_definition_gets_a_new_revision_that_others_see(runner: Runner) -> None:
    program = (
        HEAD
        + """
definition = aws.batch.JobDefinition('d', name='d', type='container', container_properties=json.dumps({{"vcpus": {}}}))
aws.cloudwatch.LogGroup('user', name='u', tags={{"revision": definition.revision.apply(str)}})
"""
    )
    runner.run(program.format(1))
    changes = runner.run(program.format(2))
    assert changes["d"].differences == (Difference(path="containerProperties.vcpus", old=1, new=2),)
    assert changes["user"].differences == (Difference(path="tags.revision", old="1", new="2"),)
    assert runner.operations(program.format(2)) == {}


def test_an_ignored_property_keeps_its_value_for_what_depends_on_it(runner: Runner) -> None:
    program = (
        HEAD
        + """
topic = aws.sns.Topic('t', name='{}', opts=pulumi.ResourceOptions(ignore_changes=['name', 'displayName']))
aws.cloudwatch.LogGroup('user', name='u', tags={{'topic': topic.name}})
"""
    )
    runner.run(program.format("a"))
    assert runner.operations(program.format("b', display_name='new")) == {}


def test_of_a_property_a_part_alone_can_be_ignored(runner: Runner) -> None:
    program = (
        HEAD
        + """
ignored = pulumi.ResourceOptions(ignore_changes=['tags.a', 'tags["b"]', 'tags.d', 'displayName.e'])
aws.sns.Topic('t', name='t', tags={}, opts=ignored)
"""
    )
    runner.run(program.format({"a": "1", "b": "1", "c": "1"}))
    assert runner.operations(program.format({"a": "2", "b": "2", "c": "1", "d": "2"})) == {}
    change = runner.run(program.format({"a": "2", "b": "2", "c": "2"}))["t"]
    assert change.differences == (Difference(path="tags.c", old="1", new="2"),)


POLICY = """
bucket = aws.s3.Bucket('data', {}object_lock_enabled={}, opts=pulumi.ResourceOptions(delete_before_replace={}))
aws.s3.BucketPolicy('p', bucket=bucket.bucket, policy='{{}}')
aws.s3.BucketObjectv2('o', bucket='other', key='k', content=bucket.bucket)
"""


@pytest.mark.parametrize(
    ("name", "option", "takes_along"),
    [("bucket='one', ", None, True), ("bucket='one', ", False, False), ("", None, False), ("", True, True)],
)
def test_what_is_deleted_first_takes_those_along_that_cannot_be_without_it(
    runner: Runner, name: str, option: bool | None, takes_along: bool
) -> None:
    runner.run(HEAD + POLICY.format(name, False, option))
    changes = runner.run(HEAD + POLICY.format(name, True, option))
    assert {name: change.operation.value for name, change in changes.items()} == (
        {"data": "replace", "p": "replace"} if takes_along else {"data": "replace"}
    )
    if takes_along:
        assert (changes["p"].forced_by, changes["p"].differences) == (("bucket",), ())
    assert runner.operations(HEAD + POLICY.format(name, True, option)) == {}


@pytest.mark.parametrize(
    ("before", "after", "refused"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_a_replacement_is_refused_where_the_old_and_the_new_are_protected(
    runner: Runner, before: bool, after: bool, refused: bool
) -> None:
    program = HEAD + "aws.s3.Bucket('data', bucket='{}', opts=pulumi.ResourceOptions(protect={}))"
    runner.run(program.format("one", before))
    assert runner.run(program.format("two", after))["data"].protected is refused


@pytest.mark.parametrize(("before", "after", "refused"), [(True, False, True), (False, True, False)])
def test_what_is_deleted_for_another_one_is_refused_where_it_was_protected(
    runner: Runner, before: bool, after: bool, refused: bool
) -> None:
    program = (
        HEAD
        + """
bucket = aws.s3.Bucket('data', bucket='{}')
aws.s3.BucketPolicy('p', bucket=bucket.bucket, policy='{{}}', opts=pulumi.ResourceOptions(protect={}))
"""
    )
    runner.run(program.format("one", before))
    change = runner.run(program.format("two", after))["p"]
    assert (change.dragged_along, change.protected) == (True, refused)


def test_the_value_of_a_secret_is_not_told(runner: Runner) -> None:
    program = HEAD + "aws.s3.BucketObjectv2('o', bucket='b', key='k', content=pulumi.Output.secret('{}'))"
    runner.run(program.format("hush"))
    change = runner.run(program.format("hush hush"))["o"]
    assert change.operation is Operation.UPDATE
    assert "hush" not in repr(change)


@pytest.mark.parametrize(
    "asset",
    [
        "pulumi.FileAsset('file.txt')",
        "pulumi.AssetArchive({{'f': pulumi.FileAsset('file.txt')}})",
        "pulumi.FileArchive('file.txt')",
    ],
)
def test_an_asset_is_compared_by_its_content(runner: Runner, asset: str) -> None:
    program = HEAD + f"aws.s3.BucketObjectv2('o', bucket='b', key='k', source={asset})".replace("{{", "{").replace(
        "}}", "}"
    )
    (runner.root / "file.txt").write_text("one")
    runner.run(program)
    assert runner.operations(program) == {}
    (runner.root / "file.txt").write_text("two")
    ignored = program.replace("source", "opts=pulumi.ResourceOptions(ignore_changes=['source']), source")
    assert runner.operations(ignored) == {}
    assert runner.operations(program) == {"o": "update"}


def test_a_copy_of_an_account_goes_its_own_way(runner: Runner) -> None:
    runner.run(BUCKET.format("one"))
    other, runner.account = runner.account, runner.account.copy()
    assert runner.operations(HEAD) == {"data": "delete"}
    runner.account = other
    assert runner.operations(BUCKET.format("one")) == {}


@pytest.mark.parametrize(
    ("old", "new", "paths"),
    [
        (1, 1, []),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ["p.a.b"]),
        ({"a": 1}, {"b": 1}, ["p.a", "p.b"]),
        ([1, {"x": 1}], [1, {"x": 2}], ["p[1].x"]),
        ([1], [1, 2], ["p"]),
        ('{"a": 1}', '{"a":  1}', []),
        ('{"a": [1, 2]}', '{"a": [1, 3]}', ["p.a[1]"]),
        ("{not json", "{nor this", ["p"]),
        (None, 0, ["p"]),
    ],
)
def test_differences_are_found_as_deep_as_the_shapes_agree(old: Any, new: Any, paths: list[str]) -> None:
    assert [difference.path for difference in differences_of("p", old, new)] == paths
