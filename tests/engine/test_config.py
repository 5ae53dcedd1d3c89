"""The configuration that a program sees offline, and what is refused of it."""

from pathlib import Path
from typing import Any

import pytest

from engine.errors import ConfigError
from engine.preview import PreviewProvider
from engine.program import run_program
from tests.engine.conftest import Runner


def test_configuration_is_defaults_overlaid_by_the_stack(runner: Runner) -> None:
    program = """
import pulumi
config = pulumi.Config()
pulumi.export("all", [config.require_int("count"), config.require("label"), config.require_object("shape"),
                      pulumi.Config("aws").require("region"), pulumi.get_stack(), pulumi.get_project()])
"""
    (runner.root / "Pulumi.dev.yaml").write_text("config:\n  demo:count: 5\n  aws:region: eu-west-1\n")
    assert runner.run(program).exports["all"] == [5, "none", {"a": 1}, "eu-west-1", "dev", "demo"]
    explicit = runner.run(program, config={"count": 7, "aws:region": "x"})
    assert explicit.exports["all"] == [7, "none", {"a": 1}, "x", "dev", "demo"]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"count": "5.0"}, '"5.0"'),
        ({"count": 5.5}, "5.5"),
        ({"count": True}, "true"),
        ({"label": 1}, r"1\. Put it in quotes\."),
        ({"shape": []}, r"\[\]\.$"),
        ({"loud": "True"}, '"True"'),
        ({"loud": 1}, "1"),
    ],
)
def test_a_value_of_another_type_than_declared_is_refused(runner: Runner, values: dict[str, Any], found: str) -> None:
    key = next(iter(values))
    with pytest.raises(ConfigError, match=f"demo:{key} must be of type .*, found {found}"):
        runner.run("", config=values)


def test_numbers_and_switches_may_be_text_as_pulumi_config_set_writes_them(runner: Runner) -> None:
    (runner.root / "Pulumi.dev.yaml").write_text('config:\n  demo:count: "-5"\n  demo:loud: "true"\n')
    program = """
import pulumi
pulumi.export("all", [pulumi.Config().require_int("count"), pulumi.Config().require_bool("loud")])
"""
    assert runner.run(program).exports["all"] == [-5, True]


def test_an_unknown_stack_is_refused_with_the_known_ones(runner: Runner) -> None:
    with pytest.raises(ConfigError, match=r"no stack 'prod'.*Stacks found: dev"):
        run_program(runner.root, "prod", provider=PreviewProvider("x"), preview=True)


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ("{secure: v1:abc}", "demo:shape"),
        ("{a: {b: [1, {secure: v1:abc}]}}", r"demo:shape\.a\.b\[1\]"),
    ],
)
def test_an_encrypted_value_is_refused_however_deep(runner: Runner, value: str, place: str) -> None:
    (runner.root / "Pulumi.dev.yaml").write_text(f"config:\n  demo:shape: {value}\n")
    with pytest.raises(ConfigError, match=f"{place} is encrypted"):
        runner.run("")


def test_a_setting_that_is_called_secure_is_no_encrypted_value(runner: Runner) -> None:
    (runner.root / "Pulumi.dev.yaml").write_text("config:\n  demo:shape: {secure: true}\n")
    program = "import pulumi\npulumi.export('shape', pulumi.Config().require_object('shape'))"
    assert runner.run(program).exports == {"shape": {"secure": True}}


@pytest.mark.parametrize("value", ["2026-01-31", "{tag: 2026-01-31}"])
def test_a_date_is_refused_as_it_has_no_json_form(runner: Runner, value: str) -> None:
    (runner.root / "Pulumi.dev.yaml").write_text(f"config:\n  demo:free: {value}\n")
    with pytest.raises(ConfigError, match=r"demo:free can't be written as JSON: .* Put dates in quotes\."):
        runner.run("")


@pytest.mark.parametrize("content", ["- a list", "config: [1]", "a: b: c"])
def test_a_stack_file_that_is_no_mapping_is_refused(runner: Runner, content: str) -> None:
    (runner.root / "Pulumi.dev.yaml").write_text(content)
    with pytest.raises(ConfigError):
        runner.run("")


def test_a_folder_without_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        run_program(tmp_path, "dev", provider=PreviewProvider("x"), preview=True)
