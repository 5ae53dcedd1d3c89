"""`swagger/openapi.yaml` as a judge of the function's answers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import jsonschema
import yaml

DOCUMENT: Final[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[2] / "swagger" / "openapi.yaml").read_text(encoding="utf-8")
)
EVERYWHERE: Final = {"Content-Type", "Cache-Control", "X-Content-Type-Options", "Vary"}
"""Headers that say nothing about the API, beside those of CORS."""


def resolve(value: Any) -> Any:
    """A part of the document without references."""
    if isinstance(value, dict):
        if "$ref" in value:
            found: Any = DOCUMENT
            for part in value["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            return resolve(found)
        return {key: resolve(part) for key, part in value.items()}
    if isinstance(value, list):
        return [resolve(part) for part in value]
    return value


OPERATIONS: Final[dict[tuple[str, str], dict[str, Any]]] = {
    (method.upper(), path.replace("{pipeline}", "wordcount")): resolve(operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method != "parameters"
}
"""Method and path -> operation."""


def operation_of(method: object, resource: object) -> dict[str, Any] | None:
    """The operation for a request, or None where the gateway would not let it through."""
    known = isinstance(method, str) and isinstance(resource, str)
    return OPERATIONS.get((str(method), str(resource))) if known else None


def check(event: Mapping[str, Any], response: Mapping[str, Any]) -> None:
    """Fail where an answer isn't as described."""
    body, headers, status = json.loads(response["body"]), response["headers"], response["statusCode"]
    operation = operation_of(event.get("httpMethod"), event.get("resource"))
    if operation is None:
        assert status >= 400
        described: dict[str, Any] = {"content": {"application/problem+json": {"schema": _problem()}}}
    else:
        assert str(status) in operation["responses"], (status, body)
        described = operation["responses"][str(status)]
    assert list(described["content"]) == [headers["Content-Type"]]
    schema = described["content"][headers["Content-Type"]]["schema"]
    jsonschema.Draft4Validator(schema, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER).validate(body)
    wanted = described.get("headers", {})
    for name, header in wanted.items():
        value = int(headers[name]) if header["schema"]["type"] == "integer" else headers[name]
        jsonschema.Draft4Validator(header["schema"]).validate(value)
    own = {name for name in headers if not name.startswith("Access-Control-")} - EVERYWHERE
    assert own == set(wanted) | ({"Allow"} if status == 405 else set())
    if status >= 400:
        assert body["status"] == status


def _problem() -> dict[str, Any]:
    return resolve(DOCUMENT["components"]["schemas"]["Problem"])
