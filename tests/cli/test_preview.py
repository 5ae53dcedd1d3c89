"""`slipway preview` and `slipway policy` on small programs and on this project's own stacks."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Slipway

ROOT = Path(__file__).parent.parent.parent

PUBLIC = """
import pulumi
import pulumi_aws as aws
aws.ecrpublic.Repository("open", repository_name="open")
aws.cloudwatch.LogGroup("logs", name="/logs", retention_in_days=7)
topic = aws.sns.Topic("topic", display_name=pulumi.Output.secret("hush"))
pulumi.export("arn", topic.arn)
pulumi.export("hidden", pulumi.Output.secret("hush"))
pulumi.log.warn("mind the gap")
"""


@pytest.fixture
def public(project: Path) -> Path:
    """A project that breaks a mandatory policy, with this project's pack."""
    (project / "__main__.py").write_text(PUBLIC)
    (project / "Pulumi.dev.yaml").write_text("config:\n  aws:region: eu-west-1\n")
    (project / "policy").symlink_to(ROOT / "policy")
    return project


def test_a_mandatory_violation_is_told_by_resource_and_ends_with_1(slipway: Slipway, public: Path) -> None:
    result = slipway("preview")
    assert result.code == 1
    tree, _, verdict = result.out.partition("Policy pack slipway")
    for line in ("demo-dev", "open  aws:ecrpublic/repository:Repository", "3 resources to create in stack dev."):
        assert line in tree
    assert "open aws:ecrpublic/repository:Repository\n  mandatory ecr-no-public-registry\n" in verdict
    assert "1 mandatory" in verdict
    assert "mind the gap" in result.err
    assert "hush" not in result.out + result.err


def test_without_the_pack_only_the_tree_is_shown(slipway: Slipway, public: Path) -> None:
    result = slipway("preview", "--no-policy")
    assert (result.code, "Policy pack" in result.out) == (0, False)


def test_the_json_document_has_inputs_outputs_and_verdict(slipway: Slipway, public: Path) -> None:
    result = slipway("preview", "--json")
    assert result.code == 1
    document = json.loads(result.out)
    resources = {item["name"]: item for item in document["resources"]}
    assert resources["logs"]["inputs"]["retentionInDays"] == 7
    assert resources["topic"]["inputs"]["displayName"] == "[secret]"
    assert document["outputs"] == {"arn": None, "hidden": "[secret]"}
    assert [item["policy"] for item in document["policy"]["violations"] if item["level"] == "mandatory"] == [
        "ecr-no-public-registry"
    ]
    assert document["policy"]["mandatory"] == 1
    assert document["messages"] == ["mind the gap"]


def test_another_configuration_of_the_pack_applies(slipway: Slipway, public: Path) -> None:
    (public / "lax.json").write_text('{"ecr-no-public-registry": {"enforcementLevel": "advisory"}}')
    result = slipway("preview", "--policy-config", "lax.json")
    assert result.code == 0
    assert "advisory ecr-no-public-registry" in result.out


@pytest.mark.parametrize(
    ("content", "told"), [(None, "can't be read"), ("{", "is not JSON"), ("[]", "must be a JSON object")]
)
def test_an_unusable_configuration_is_refused(slipway: Slipway, public: Path, content: str | None, told: str) -> None:
    if content is not None:
        (public / "c.json").write_text(content)
    result = slipway("preview", "--policy-config", "c.json")
    assert (result.code, "c.json" in result.err, told in result.err) == (1, True, True)


@pytest.mark.parametrize(("given", "code"), [("owner", 0), ("other", 1)])
def test_tags_that_the_stack_gives_all_resources_count(slipway: Slipway, public: Path, given: str, code: int) -> None:
    (public / "__main__.py").write_text("import pulumi_aws as aws\naws.sns.Topic('topic')")
    config = {"aws:region": "eu-west-1", "aws:defaultTags": {"tags": {given: "me"}}}
    (public / "Pulumi.dev.yaml").write_text(json.dumps({"config": config}))
    rule = {"enforcementLevel": "mandatory", "tags": ["owner"]}
    (public / "tags.json").write_text(json.dumps({"all": "disabled", "required-tags": rule}))
    assert slipway("preview", "--policy-config", "tags.json").code == code


def test_an_unknown_stack_is_refused(slipway: Slipway, public: Path) -> None:
    assert "There is no stack 'prod'" in slipway("preview", "--stack", "prod").err


def test_a_program_that_fails_is_told_without_a_traceback(slipway: Slipway, public: Path) -> None:
    (public / "__main__.py").write_text("raise ValueError('no such luck')")
    result = slipway("preview", "--no-policy")
    assert (result.code, result.err) == (1, "slipway: ValueError: no such luck (__main__.py, line 1)\n")


def test_an_exported_stack_is_judged_wherever_its_project_is(
    slipway: Slipway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    urn = "urn:pulumi:dev::other::aws:ecrpublic/repository:Repository::open"
    resource = {"urn": urn, "type": "aws:ecrpublic/repository:Repository", "custom": True, "inputs": {}, "outputs": {}}
    (tmp_path / "stack.json").write_text(json.dumps({"version": 3, "deployment": {"resources": [resource]}}))
    result = slipway("policy", "analyze", "stack.json", "--json")
    assert result.code == 1
    assert json.loads(result.out)["violations"][0]["urn"] == urn
    assert "ecr-no-public-registry" in slipway("policy", "analyze", "stack.json").out


def test_a_configuration_with_an_unknown_rule_is_not_in_order(slipway: Slipway, public: Path) -> None:
    (public / "good.json").write_text("{}")
    (public / "bad.json").write_text('{"ecr-no-public-registri": "mandatory"}')
    result = slipway("policy", "check-config", "good.json", "bad.json")
    assert result.code == 1
    assert "good.json: in order" in result.out
    assert "bad.json: " in result.out
    assert "ecr-no-public-registry" in result.out


@pytest.mark.parametrize("stack", ["local", "dev", "staging", "prod"])
def test_every_committed_stack_passes_the_pack(slipway: Slipway, stack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    result = slipway("preview", "--stack", stack)
    assert result.code == 0, result.out[-3000:]
    assert "0 mandatory" in result.out
    assert "Not yet known" not in result.out
