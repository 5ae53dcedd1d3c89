"""The template, the document as it is deployed, and walks over both."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from components.api_document import SERVER_URL_PLACEHOLDER, DocumentedPipeline, load_template, render

ROOT = Path(__file__).parents[2]
METHODS = ("get", "post", "put", "patch", "delete", "head", "options", "trace")


class Operation(NamedTuple):
    path: str
    method: str
    content: dict[str, Any]
    parameters: list[dict[str, Any]]
    """Those of the path and of the operation, with references resolved."""


def template() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "swagger" / "openapi.yaml").read_text(encoding="utf-8"))


def deployed(
    server_url: str = "https://api.example/default", pipelines: tuple[str, ...] = ("wordcount",)
) -> dict[str, Any]:
    """The document of a stage that runs the sample under each of the names `pipelines`."""
    context = ROOT / "pipelines" / "wordcount"
    schema = json.loads((context / "parameters.schema.json").read_text(encoding="utf-8"))
    sample = json.loads((context / "sample-input.json").read_text(encoding="utf-8"))
    documented = [
        DocumentedPipeline(name=name, schema=schema, sample=sample, limits={"timeoutSeconds": 900})
        for name in pipelines
    ]
    text = render(load_template(ROOT), documented, environment="dev")
    return json.loads(text.replace(SERVER_URL_PLACEHOLDER, server_url))


def resolve(document: dict[str, Any], value: Any) -> Any:
    """`value`, or what its reference names."""
    while isinstance(value, dict) and "$ref" in value:
        reference: str = value["$ref"]
        assert reference.startswith("#/"), f"{reference} leads out of the document"
        value = document
        for part in reference[2:].split("/"):
            value = value[part.replace("~1", "/").replace("~0", "~")]
    return value


def inlined(document: dict[str, Any], value: Any) -> Any:
    """A copy of a schema without references. The document has no recursive schema."""
    value = resolve(document, value)
    if isinstance(value, dict):
        return {key: inlined(document, item) for key, item in value.items()}
    if isinstance(value, list):
        return [inlined(document, item) for item in value]
    return value


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                parameters = [*item.get("parameters", ()), *item[method].get("parameters", ())]
                yield Operation(path, method, item[method], [resolve(document, entry) for entry in parameters])


def nodes(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Each value in a document with the JSON pointer of its place."""
    yield place, value
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in entries:
        yield from nodes(item, f"{place}/{str(key).replace('~', '~0').replace('/', '~1')}")
