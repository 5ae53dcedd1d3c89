"""What `swagger/openapi.yaml` says, per pipeline: the methods of the gateway and the document of the docs site.

The file is a template with `{pipeline}` in its paths. Its head lists what is filled in; this module does it. Pure: no
resource is created here.
"""

import copy
import functools
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from components.parameters_schema import DRAFT_4, without_dialect

PLACEHOLDER = "{pipeline}"
PARAMETERS = "{parameters}"
"""Stands for the pipeline's own parameters schema."""
PATH = Path("swagger/openapi.yaml")
SERVER_URL_PLACEHOLDER = "https://server-url.invalid"

_METHODS = ("get", "post", "put", "patch", "delete", "head")
_COMPONENTS = "#/components/"


class DocumentError(Exception):
    """`swagger/openapi.yaml` can't be turned into an API."""


@dataclass(frozen=True, kw_only=True)
class DocumentedPipeline:
    """What the document takes from one pipeline's settings."""

    name: str
    schema: Mapping[str, Any]
    """JSON Schema draft 4 of the request body."""
    sample: Mapping[str, Any] | None
    """A request body that fits `schema`."""
    limits: Mapping[str, int]
    """Name in `x-slipway-limit` -> the pipeline's own maximum, which is the default, too."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method of the gateway."""

    path: str
    """For example `/wordcount/jobs/{jobId}`."""
    method: str
    """In capitals."""
    operation_id: str
    pipeline: str
    request_parameters: Mapping[str, bool]
    """As API Gateway writes them (`method.request.querystring.limit`) -> whether it is required."""
    body: str | None
    """The schema of the request body: `PARAMETERS`, or a name below `components/schemas`; None if it takes no body."""


def load_template(root: Path) -> Mapping[str, Any]:
    """Read the template below the project's folder.

    Raises:
        DocumentError: the file is missing, isn't YAML, or a path doesn't begin with the pipeline.
    """
    path = root / PATH
    try:
        modified = path.stat().st_mtime_ns
    except OSError as error:
        raise DocumentError(f"{PATH} can't be read: {error}") from error
    return _load_template(path, modified)


@functools.lru_cache(maxsize=4)
def _load_template(path: Path, _modified: int) -> Mapping[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster where libyaml is there
    try:
        content: object = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - both are safe loaders
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DocumentError(f"{PATH} can't be read: {error}") from error
    template = cast("dict[str, Any]", content) if isinstance(content, dict) else {}
    if not isinstance(template.get("paths"), dict):
        raise DocumentError(f"{PATH} must be an OpenAPI document with paths.")
    if "x-slipway" not in template:
        raise DocumentError(f"{PATH} has no x-slipway, which names its placeholders.")
    for item_path, item in template["paths"].items():
        if not item_path.startswith(f"/{PLACEHOLDER}/"):
            raise DocumentError(f"{PATH}: the path {item_path} must begin with /{PLACEHOLDER}/.")
        if "options" in item:
            raise DocumentError(f"{PATH}: {item_path} must not describe OPTIONS: the gateway answers preflights.")
    return template


def resources_per_pipeline(template: Mapping[str, Any]) -> int:
    """How many of API Gateway's resources one pipeline needs: one for each distinct beginning of a path."""
    return len({prefix for path in template["paths"] for prefix in path_prefixes(path)})


def path_prefixes(path: str) -> Iterator[str]:
    """`/a`, `/a/b` and `/a/b/c` of `/a/b/c`."""
    parts = path.strip("/").split("/")
    for end in range(1, len(parts) + 1):
        yield "/" + "/".join(parts[:end])


def operations(template: Mapping[str, Any], pipeline: str) -> list[Operation]:
    """The methods of one pipeline, in the document's order."""
    found: list[Operation] = []
    for path, item in template["paths"].items():
        for method in _METHODS:
            if method not in item:
                continue
            operation = item[method]
            parameters = [*item.get("parameters", ()), *operation.get("parameters", ())]
            found.append(
                Operation(
                    path=path.replace(PLACEHOLDER, pipeline),
                    method=method.upper(),
                    operation_id=f"{pipeline}-{operation['operationId']}",
                    pipeline=pipeline,
                    request_parameters=dict(_request_parameters(template, parameters)),
                    body=_body_schema(template, operation),
                )
            )
    return found


def component_schema(template: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A schema of the document as JSON Schema draft 4, without references and examples."""
    return {"$schema": DRAFT_4, **_inlined(template, _resolve(template, f"{_COMPONENTS}schemas/{name}"))}


def _inlined(template: Mapping[str, Any], value: Any) -> Any:
    if isinstance(value, list):
        return [_inlined(template, item) for item in cast("list[Any]", value)]
    if not isinstance(value, Mapping):
        return value
    entries = cast("Mapping[str, Any]", value)
    if "$ref" in entries:
        return _inlined(template, _resolve(template, entries["$ref"]))
    return {key: _inlined(template, item) for key, item in entries.items() if key != "example"}


def _body_schema(template: Mapping[str, Any], operation: Mapping[str, Any]) -> str | None:
    if "requestBody" not in operation:
        return None
    reference: str = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    if reference == template["x-slipway"]["parametersSchema"]:
        return PARAMETERS
    return reference.removeprefix(f"{_COMPONENTS}schemas/")


def _request_parameters(
    template: Mapping[str, Any], parameters: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, bool]]:
    places = {"query": "querystring", "header": "header", "path": "path"}
    for given in parameters:
        reference = given.get("$ref")
        if reference == template["x-slipway"]["parameter"]:
            continue  # the pipeline's name is literal in the gateway's paths
        parameter = _resolve(template, reference) if reference else given
        required = bool(parameter.get("required", False))
        yield f"method.request.{places[parameter['in']]}.{parameter['name']}", required


def render(template: Mapping[str, Any], pipelines: Sequence[DocumentedPipeline], *, environment: str) -> str:
    """The document of the docs site as JSON, with `SERVER_URL_PLACEHOLDER` for the server's URL.

    `info.version` is the template's and a hash of the document, so that a reader sees which one is deployed.

    Args:
        environment: the stack's name, shown on the page.
    """
    markers = template["x-slipway"]
    document = {key: copy.deepcopy(value) for key, value in template.items() if key != "x-slipway"}
    document["servers"] = [{**template["servers"][0], "url": SERVER_URL_PLACEHOLDER}]
    document["paths"] = {}
    document["tags"] = []
    for marker in ("parameter", "parametersSchema", "sampleInput"):
        _remove(document, markers[marker])
    for pipeline in pipelines:
        _add_pipeline(document, template, pipeline)
    document["components"] = {kind: entries for kind, entries in document["components"].items() if entries}
    version = hashlib.sha256(_to_json(document).encode()).hexdigest()[:12]
    document["info"] = {
        **document["info"],
        "x-environment": environment,
        "version": f"{document['info']['version']}+{version}",
    }
    return _to_json(document)


def _add_pipeline(document: dict[str, Any], template: Mapping[str, Any], pipeline: DocumentedPipeline) -> None:
    markers = template["x-slipway"]
    schema_reference = f"{_COMPONENTS}schemas/{pipeline.name}.Parameters"
    sample_reference = f"{_COMPONENTS}examples/{pipeline.name}.SampleInput"
    references = {markers["parametersSchema"]: schema_reference}
    if pipeline.sample is not None:
        references[markers["sampleInput"]] = sample_reference
    dropped = {markers["parameter"], markers["sampleInput"]} - references.keys()

    _put(document, schema_reference, without_dialect(pipeline.schema))
    if pipeline.sample is not None:
        summary = _resolve(template, markers["sampleInput"])
        _put(document, sample_reference, {**summary, "value": pipeline.sample})
    for tag in template.get("tags", ()):
        if tag["name"] == PLACEHOLDER:
            description = pipeline.schema.get("description", tag.get("description", ""))
            document["tags"].append(_fill({**tag, "description": description}, pipeline.name))
    for path, item in template["paths"].items():
        expanded = _expand(item, references, dropped, pipeline.limits, f"{pipeline.name}-")
        document["paths"][path.replace(PLACEHOLDER, pipeline.name)] = _fill(expanded, pipeline.name)


def _expand(
    value: Any, references: Mapping[str, str], dropped: set[str], limits: Mapping[str, int], id_prefix: str
) -> Any:
    """A copy with the pipeline's own references, limits and operation ids, without what refers into `dropped`."""
    if isinstance(value, list):
        kept = [item for item in cast("list[Any]", value) if not _is_dropped(item, dropped)]
        return [_expand(item, references, dropped, limits, id_prefix) for item in kept]
    if not isinstance(value, dict):
        return value
    result: dict[str, Any] = {}
    for key, item in cast("dict[str, Any]", value).items():
        if key == "$ref":
            result[key] = references.get(item, item)
        elif key == "operationId":
            result[key] = id_prefix + item
        elif key == "x-slipway-limit":
            result |= {"maximum": limits[item], "default": limits[item]}
        elif not _is_dropped(item, dropped):
            expanded = _expand(item, references, dropped, limits, id_prefix)
            if expanded or not item:  # an empty `parameters` or `examples` goes with its last entry
                result.setdefault(key, expanded)
    return result


def _is_dropped(value: Any, dropped: set[str]) -> bool:
    return isinstance(value, dict) and cast("dict[str, Any]", value).get("$ref") in dropped


def _fill(value: Any, pipeline: str) -> Any:
    """A copy with the pipeline's name for the placeholder in each key and string."""
    if isinstance(value, str):
        return value.replace(PLACEHOLDER, pipeline)
    if isinstance(value, list):
        return [_fill(item, pipeline) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {_fill(key, pipeline): _fill(item, pipeline) for key, item in cast("dict[str, Any]", value).items()}
    return value


def _resolve(document: Mapping[str, Any], reference: str) -> Mapping[str, Any]:
    value: Any = document
    for part in reference.removeprefix("#/").split("/"):
        value = value[part]
    return value


def _put(document: dict[str, Any], reference: str, value: object) -> None:
    *parents, name = reference.removeprefix("#/").split("/")
    place = document
    for part in parents:
        place = place.setdefault(part, {})
    place[name] = value


def _remove(document: dict[str, Any], reference: str) -> None:
    *parents, name = reference.removeprefix("#/").split("/")
    place: Any = document
    for part in parents:
        place = place[part]
    del place[name]


def _to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
