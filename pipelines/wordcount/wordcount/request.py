"""The request of a job: `JOB_PARAMETERS` as the API accepted it, read strictly."""

import json
from dataclasses import dataclass
from typing import Any


class RequestError(Exception):
    """The job was started with parameters that it cannot use."""


@dataclass(frozen=True, kw_only=True)
class Request:
    text: str | None
    """The text to count, when it came with the request."""

    input_key: str | None
    """Else the key of the uploaded text, below the job's `INPUTS_URI`."""

    top: int = 20
    min_length: int = 1
    case_sensitive: bool = False


def read_request(document: str) -> Request:
    """The request in `document`, a JSON object that fits parameters.schema.json.

    The API has checked it against that schema. A job that was started past the API has not been checked: what would
    give a wrong count is refused here, too.

    Raises:
        RequestError: it isn't a JSON object, or names not exactly one input, or a value has the wrong type.
    """
    try:
        parameters = json.loads(document)
    except ValueError as error:
        raise RequestError(f"JOB_PARAMETERS is not JSON: {error}.") from error
    source = parameters.get("input") if isinstance(parameters, dict) else None
    if not isinstance(source, dict) or len(source) != 1 or not source.keys() <= {"text", "inputKey"}:
        raise RequestError('The parameters must hold "input" with exactly one of "text" and "inputKey".')
    return Request(
        text=_value(source, "text", str, None),
        input_key=_value(source, "inputKey", str, None),
        top=_value(parameters, "top", int, Request.top),
        min_length=_value(parameters, "minLength", int, Request.min_length),
        case_sensitive=_value(parameters, "caseSensitive", bool, Request.case_sensitive),
    )


def _value(values: dict[str, Any], key: str, kind: type, default: Any) -> Any:
    value = values.get(key, default)
    # A JSON true is an int in Python.
    if key in values and type(value) is not kind:
        raise RequestError(f'"{key}" must be {_KINDS[kind]}, found {json.dumps(value)}.')
    return value


_KINDS = {str: "a string", int: "an integer", bool: "true or false"}
