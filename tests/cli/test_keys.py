"""`slipway keys rotate` edits the stack's file, and nothing else."""

from pathlib import Path

import pytest
import yaml

from cli.keys import rotated
from tests.cli.conftest import Slipway

PROJECT = """name: demo
runtime: python
config:
  consumers:
    type: object
    description: who
    default: {default: {}}
"""


@pytest.fixture
def stack_file(project: Path) -> Path:
    (project / "Pulumi.yaml").write_text(PROJECT)
    path = project / "Pulumi.dev.yaml"
    path.write_text("# the development stack\nconfig:\n  aws:region: eu-west-1  # near us\n")
    return path


def consumers(path: Path) -> object:
    return yaml.safe_load(path.read_text())["config"]["demo:consumers"]


@pytest.mark.parametrize(
    ("before", "after"), [((1, 0), (1, 2)), ((1, 2), (3, 2)), ((3, 2), (3, 4)), ((0, 1), (2, 1)), ((5, 5), (6, 5))]
)
def test_the_older_slot_gets_the_next_generation(before: tuple[int, int], after: tuple[int, int]) -> None:
    assert rotated(before) == after


def test_the_default_consumer_is_written_out_and_comments_stay(slipway: Slipway, stack_file: Path) -> None:
    result = slipway("keys", "rotate", "default")
    assert (result.code, result.out) == (0, "default: key generations [1, 0] -> [1, 2] in Pulumi.dev.yaml\n")
    assert "pulumi up --stack dev" in result.err
    assert "ends with the next update" not in result.err
    assert consumers(stack_file) == {"default": {"keyGenerations": [1, 2]}}
    assert stack_file.read_text().startswith("# the development stack\nconfig:\n  aws:region: eu-west-1  # near us\n")
    assert "keyGenerations: [1, 2]" in stack_file.read_text()


def test_a_second_rotation_ends_the_oldest_key_and_changes_no_other_consumer(
    slipway: Slipway, stack_file: Path
) -> None:
    text = "  demo:consumers:\n    ann: {rate: 5, keyGenerations: [1, 2]}\n    bob:\n    # the end\n"
    stack_file.write_text(stack_file.read_text() + text)
    result = slipway("keys", "rotate", "ann")
    assert "The key of generation 1 ends" in result.err
    assert slipway("keys", "rotate", "bob").code == 0
    assert consumers(stack_file) == {
        "ann": {"rate": 5, "keyGenerations": [3, 2]},
        "bob": {"keyGenerations": [1, 2]},
    }
    assert "# the end" in stack_file.read_text()
    assert [path.name for path in stack_file.parent.glob("Pulumi.dev*")] == ["Pulumi.dev.yaml"]


def test_an_unknown_consumer_is_refused_with_the_known_ones(slipway: Slipway, stack_file: Path) -> None:
    before = stack_file.read_text()
    result = slipway("keys", "rotate", "nobody")
    assert (result.code, result.err) == (1, "slipway: Stack 'dev' has no consumer 'nobody'. Consumers: default.\n")
    assert stack_file.read_text() == before


def test_a_stack_of_repositories_has_no_consumers(slipway: Slipway, stack_file: Path) -> None:
    (stack_file.parent / "Pulumi.yaml").write_text(f"{PROJECT}  repositories:\n    type: array\n    default: []\n")
    assert slipway("keys", "rotate", "default").code == 0
    stack_file.write_text("config:\n  demo:repositories: [words]\n")
    result = slipway("keys", "rotate", "default")
    assert (result.code, "it has no consumers" in result.err) == (1, True)
    assert stack_file.read_text() == "config:\n  demo:repositories: [words]\n"


def test_the_sandbox_gets_its_new_keys_by_a_new_start(slipway: Slipway, stack_file: Path) -> None:
    local = stack_file.rename(stack_file.with_name("Pulumi.local.yaml"))
    result = slipway("keys", "rotate", "default", "--stack", "local")
    assert (result.code, "make up" in result.err, "pulumi up" in result.err) == (0, True, False)
    assert consumers(local) == {"default": {"keyGenerations": [1, 2]}}


@pytest.mark.parametrize("generations", ["[1]", "[1, 2, 3]", "[1, -1]", "[a, 1]", "7"])
def test_generations_that_are_none_are_refused(slipway: Slipway, stack_file: Path, generations: str) -> None:
    stack_file.write_text(f"config:\n  demo:consumers:\n    ann: {{keyGenerations: {generations}}}\n")
    result = slipway("keys", "rotate", "ann")
    assert (result.code, "expected two whole numbers" in result.err) == (1, True)


REST = """# the head
---
config:
    aws:region: eu-west-1   # near us
    demo:corsOrigins:
    -   https://a.example
    demo:throttle: {rate: 5,
        burst: 6}   # folded by hand
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "    demo:consumers:\n      ann:\n        keyGenerations: [1, 2]\n"),
        (
            "    demo:consumers:\n        ann:   # new\n        bob: {rate: 5}\n",
            "    demo:consumers:\n        ann: {keyGenerations: [1, 2]}   # new\n        bob: {rate: 5}\n",
        ),
        (
            "    'demo:consumers': {ann: {}, bob: }\n",
            "    'demo:consumers': {ann: {keyGenerations: [1, 2]}, bob: }\n",
        ),
        (
            "    consumers:\n        ann: {rate: 5,\n          burst: 6 }  # both\n",
            "    consumers:\n        ann: {rate: 5,\n          burst: 6, keyGenerations: [1, 2] }  # both\n",
        ),
        (
            "    demo:consumers:\n        ann:\n            rate: 5  # a second\n\n            # the end\n",
            "    demo:consumers:\n        ann:\n            rate: 5  # a second\n"
            "            keyGenerations: [1, 2]\n\n            # the end\n",
        ),
        (
            "    demo:consumers:\n        ann:\n            keyGenerations:\n            - 3  # old\n            - 2\n",
            "    demo:consumers:\n        ann:\n            keyGenerations:\n            - 3  # old\n            - 4\n",
        ),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_nothing_but_the_generations_changes_in_the_file(
    slipway: Slipway, stack_file: Path, newline: str, before: str, after: str
) -> None:
    (stack_file.parent / "Pulumi.yaml").write_text(PROJECT.replace("{default: {}}", "{ann: {}}"))
    stack_file.write_bytes((REST + before).replace("\n", newline).encode())
    result = slipway("keys", "rotate", "ann")
    assert result.code == 0, result.err
    assert stack_file.read_bytes().decode() == (REST + after).replace("\n", newline)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "encryptionsalt: v1:salt\n",
        "config:\n",
        "all: &all {default: {}}\nconfig:\n  demo:consumers: *all\n",
        "one: &one {rate: 1}\nconfig:\n  demo:consumers:\n    default: *one\n",
        "config:\n  demo:consumers:\n    default: {}\n    1: {}\n",  # a name that YAML takes for a number
        "none: &none 0\nconfig:\n  demo:consumers:\n    default: {keyGenerations: [1, *none]}\n",
    ],
)
def test_a_file_that_cannot_be_edited_safely_is_left_with_what_to_write(
    slipway: Slipway, stack_file: Path, text: str
) -> None:
    stack_file.write_text(text)
    result = slipway("keys", "rotate", "default")
    assert (result.code, result.out, stack_file.read_text()) == (1, "", text)
    assert "by hand, for the consumer 'default' in demo:consumers:\n  keyGenerations: [1, 2]" in result.err
