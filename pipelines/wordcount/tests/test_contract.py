"""The files that the platform reads: schema, sample, requirements, Dockerfile."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from dockerfile_parse import DockerfileParser
from jsonschema import Draft4Validator

from pipelines.wordcount.wordcount.request import Request, read_request

CONTEXT = Path(__file__).parent.parent
SCHEMA: dict[str, Any] = json.loads((CONTEXT / "parameters.schema.json").read_text())


def _pins(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", path.read_text(), re.MULTILINE))


def test_the_sample_input_fits_the_schema() -> None:
    Draft4Validator.check_schema(SCHEMA)
    sample = json.loads((CONTEXT / "sample-input.json").read_text())
    assert not list(Draft4Validator(SCHEMA).iter_errors(sample))


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"input": {}},
        {"input": {"text": "a", "inputKey": "b"}},
        {"input": {"text": ""}},
        {"input": {"text": "a", "url": "b"}},
        {"input": {"text": "a"}, "top": 0},
        {"input": {"text": "a"}, "top": 1001},
        {"input": {"text": "a"}, "top": "5"},
        {"input": {"text": "a"}, "colour": "red"},
    ],
)
def test_the_schema_refuses(parameters: dict[str, Any]) -> None:
    assert list(Draft4Validator(SCHEMA).iter_errors(parameters))


def test_the_defaults_of_the_program_are_those_of_the_schema() -> None:
    properties = SCHEMA["properties"]
    assert read_request('{"input": {"text": "a"}}') == Request(
        text="a",
        input_key=None,
        top=properties["top"]["default"],
        min_length=properties["minLength"]["default"],
        case_sensitive=properties["caseSensitive"]["default"],
    )


def test_the_pins_are_those_of_the_repository() -> None:
    ours = _pins(CONTEXT / "requirements.txt")
    theirs = _pins(CONTEXT.parent.parent / "requirements.txt")
    assert ours == {name: theirs[name] for name in ours}
    assert "boto3" in ours


def test_the_image_is_pinned_and_does_not_run_as_root() -> None:
    parser = DockerfileParser(str(CONTEXT), cache_content=False)
    instructions = {entry["instruction"]: entry["value"] for entry in parser.structure}
    assert re.fullmatch(r"docker\.io/library/python:[\w.-]+@sha256:[0-9a-f]{64}", instructions["FROM"])
    assert instructions["USER"].split(":")[0] not in {"", "0", "root"}
    assert json.loads(instructions["ENTRYPOINT"]) == ["python", "-m", "wordcount"]
