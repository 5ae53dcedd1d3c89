"""Naming an image in a stack's file: the lines of that pipeline change, every other one stays as it is."""

import re
from typing import Any

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cli.errors import CliError
from cli.registry.edit import BUILD_KEYS, SCHEMA_FILE, with_image
from components import pipeline_settings
from components.parameters_schema import FILE_NAME

DIGEST = f"sha256:{'a1' * 32}"
FULL = f"123456789012.dkr.ecr.eu-central-1.amazonaws.com/demo-dev/words@{DIGEST}"


def edited(text: str, image: str = DIGEST, tag: str = "release-4.0.0", pipeline: str = "words") -> str:
    return with_image(text, project="demo", stack="staging", pipeline=pipeline, image=image, tag=tag)


def entry(text: str, pipeline: str = "words") -> Any:
    return yaml.safe_load(text)["config"]["demo:pipelines"][pipeline]


def test_the_keys_and_names_are_those_of_the_settings() -> None:
    assert set(BUILD_KEYS) == {"context", *pipeline_settings._BUILD_KEYS}
    assert SCHEMA_FILE == FILE_NAME


def test_an_image_takes_the_place_of_what_it_is_built_from() -> None:
    text = """# the staging stack
config:
  aws:region: eu-central-1   # near us

  demo:pipelines:
    # counts words
    words:
      vcpus: 0.5  # small
      # where it is built
      context: pipelines/words  # a folder
      dockerfile: Dockerfile.arm64
      buildArgs:
        A: "1"
        # of B
        B: '2'

      # size
      memoryMib: 1024
    other: {context: pipelines/other}   # another
  demo:maxVcpus: 4
# the end
"""
    expected = text.replace(
        """      context: pipelines/words  # a folder
      dockerfile: Dockerfile.arm64
      buildArgs:
        A: "1"
        # of B
        B: '2'
""",
        f"      image: {FULL}\n      imageTag: release-4.0.0\n",
    )
    assert edited(text, FULL) == expected


def test_an_image_takes_the_place_of_an_older_one() -> None:
    text = f"""config:
  demo:pipelines:
    words:
      image: "{FULL}"  # the last good one
      imageTag: 'release-3.0.0' # in May
      vcpus: 1
"""
    assert (
        edited(text)
        == f"""config:
  demo:pipelines:
    words:
      image: {DIGEST}  # the last good one
      imageTag: release-4.0.0 # in May
      vcpus: 1
"""
    )
    without_tag = text.replace("      imageTag: 'release-3.0.0' # in May\n", "")
    assert edited(without_tag).splitlines()[3:] == [
        f"      image: {DIGEST}  # the last good one",
        "      imageTag: release-4.0.0",
        "      vcpus: 1",
    ]


def test_a_second_edit_changes_nothing() -> None:
    text = "config:\n  demo:pipelines:\n    words:\n      context: c\n"
    assert edited(edited(text)) == edited(text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("words: {context: c, vcpus: 2}", f'words: {{image: "{DIGEST}", imageTag: "release-4.0.0", SCHEMA, vcpus: 2}}'),
        ("words: {}", None),
        ("words: {} # nothing yet", None),
        ("words:", None),
        ("words: null  # nothing yet", None),
    ],
)
def test_other_ways_to_write_a_pipeline(before: str, after: str | None) -> None:
    text = f"config:\n  demo:pipelines:\n    {before}\n    other:\n      context: o\n"
    result = edited(text)
    wanted = {"image": DIGEST, "imageTag": "release-4.0.0"}
    if after:
        assert after.replace("SCHEMA", 'schema: "c/parameters.schema.json"') in result
        wanted |= {"schema": "c/parameters.schema.json", "vcpus": 2}
    assert entry(result) == wanted
    assert entry(result, "other") == {"context": "o"}
    assert not [line for line in result.splitlines() if line != line.rstrip()]


def test_a_file_without_a_last_line_end_and_one_with_those_of_windows() -> None:
    bare = "config:\n  demo:pipelines:\n    words:\n      vcpus: 1\n      image: x"
    assert edited(bare) == f"{bare.removesuffix('x')}{DIGEST}\n      imageTag: release-4.0.0"
    windows = "config:\r\n  demo:pipelines:\r\n    words:\r\n      context: pipelines/words\r\n      vcpus: 1\r\n"
    result = edited(windows)
    assert re.search(r"(?<!\r)\n", result) is None
    assert entry(result) == {"image": DIGEST, "imageTag": "release-4.0.0", "vcpus": 1}


def test_a_key_without_the_projects_name_is_found() -> None:
    text = "config:\n  pipelines:\n    words:\n      context: pipelines/words\n"
    assert edited(text) == (
        f"config:\n  pipelines:\n    words:\n      image: {DIGEST}\n      imageTag: release-4.0.0\n"
    )


@pytest.mark.parametrize(
    ("context", "schema"),
    [
        ("pipelines/words", None),
        ("./pipelines/words/", None),
        ("services/words", "services/words/parameters.schema.json"),
        ("pipelines/other", "pipelines/other/parameters.schema.json"),
    ],
)
def test_the_schema_is_named_where_an_image_would_not_find_it(context: str, schema: str | None) -> None:
    text = f"config:\n  demo:pipelines:\n    words:\n      context: {context}\n"
    assert entry(edited(text)).get("schema") == schema
    named = f"{text}      schema: mine.json\n"
    assert entry(edited(named))["schema"] == "mine.json"


def test_a_tag_that_is_a_number_in_yaml_stays_a_text() -> None:
    text = "config:\n  demo:pipelines:\n    words:\n      context: pipelines/words\n"
    assert entry(edited(text, tag="1.0"))["imageTag"] == "1.0"


@pytest.mark.parametrize(
    "entry_text",
    [
        "words: &same\n      context: c\n    twin: *same\n",
        "words: *base\n",
        "words:\n      <<: *base\n      vcpus: 1\n",
        "words: {context: c,\n      vcpus: 1}\n",
        "words:\n      ? context\n      : c\n",
        "words:\n      image: [a]\n",
    ],
)
def test_what_cannot_be_edited_safely_is_refused_with_the_lines_to_write(entry_text: str) -> None:
    base = "x: &base {context: c}\nconfig:\n  demo:pipelines:\n    "
    with pytest.raises(CliError) as caught:
        edited(f"{base}{entry_text}")
    assert "can't be edited safely" in str(caught.value)
    assert f"image: {DIGEST}\n  imageTag: release-4.0.0" in str(caught.value)


_comment = st.from_regex(r"#[ a-z:{}'\"-]{0,12}", fullmatch=True)
_lines = st.lists(st.one_of(_comment.map(lambda text: f"      {text}"), st.just("")), max_size=2)
_value = st.sampled_from(
    [
        "1",
        '"two"',
        "three # and more",
        "{a: 1, b: [2]}",
        "\n        - 1\n        # in between\n        - 2",
        "|\n        text\n        # not a comment",
    ]
)
_key = st.sampled_from([*BUILD_KEYS, "image", "imageTag", "vcpus", "memoryMib", "environment", "command"])


@settings(max_examples=150)
@given(st.lists(st.tuples(_lines, _key, _value), min_size=1, max_size=7, unique_by=lambda part: part[1]), _lines)
def test_all_that_is_not_of_the_image_stays(parts: list[tuple[list[str], str, str]], tail: list[str]) -> None:
    blocks = [(lines, key, f"      {key}: {value}") for lines, key, value in parts]
    body = "\n".join(line for lines, _, block in blocks for line in (*lines, block))
    text = (
        "# top\nconfig:\n  demo:pipelines:\n    words:\n"
        + body
        + "\n"
        + "\n".join([*tail, "    # of the other", "    other: {context: o}"])
        + "\n"
    )
    before = yaml.safe_load(text)["config"]["demo:pipelines"]["words"]
    try:
        result = edited(text)
    except CliError:
        assume(not all(isinstance(before.get(key, ""), str | int) for key in ("image", "imageTag")))
        return
    kept = {key: value for key, value in before.items() if key not in (*BUILD_KEYS, "image", "imageTag")}
    after = entry(result)
    assert after == {
        **kept,
        "image": DIGEST,
        "imageTag": "release-4.0.0",
        **({"schema": after["schema"]} if isinstance(before.get("context"), str) else {}),
    }
    lines = result.splitlines()
    for comments, key, block in blocks:
        for line in comments:
            assert line in lines
        if key in kept:
            assert block in result
    assert result.startswith("# top\nconfig:\n  demo:pipelines:\n    words:\n")
    assert result.endswith("    # of the other\n    other: {context: o}\n")
