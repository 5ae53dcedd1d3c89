"""All that a deployment of the API deploys, as plain values: resources are made of them, its trigger is their hash."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components import api_document, naming
from components.api_document import Operation
from components.gateway_errors import EXPOSED_HEADERS, GATEWAY_ERRORS, GatewayError

PREFLIGHT_PATH = "/{proxy+}"
_ALLOWED_HEADERS = ("Content-Type", "Idempotency-Key", "X-Api-Key")
_PREFLIGHT_MAX_AGE_SECONDS = 600
_PREFLIGHT_STATUS = "200"


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """The one OPTIONS method. It needs no key: a browser sends none with a preflight.

    API Gateway routes by path and method together: a request for a path that lacks its method goes on to a greedy
    resource that has it. So one greedy resource answers the preflights of all paths, instead of four resources a path.
    """

    status_code: str
    headers: Mapping[str, str]
    """Header -> value."""
    integration: str = "MOCK"
    api_key_required: bool = False
    request_templates: Mapping[str, str]
    response_templates: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class PlannedMethod:
    """An operation with what API Gateway adds to it."""

    operation: Operation
    model: str | None
    """Of the request body, by name."""
    validator: str
    """Role of its request validator, a key of `VALIDATORS`."""
    function_name: str
    integration: str = "AWS_PROXY"
    api_key_required: bool = True
    """There is no way to turn it off."""


VALIDATORS: Mapping[str, tuple[bool, bool]] = {"body": (True, True), "parameters": (False, True)}
"""Role -> whether it checks the body, and the parameters."""


@dataclass(frozen=True, kw_only=True)
class GatewayPlan:
    """The API as a whole."""

    errors: Sequence[GatewayError]
    methods: Sequence[PlannedMethod]
    models: Mapping[str, str]
    """Name -> JSON Schema draft 4, as JSON."""
    paths: Sequence[str]
    """Each resource's path, parents first."""
    preflight: Preflight

    def fingerprint(self) -> str:
        """Changes with all that is deployed. A new image isn't: it changes the function's environment, not the API."""
        text = json.dumps([dataclasses.asdict(self), VALIDATORS], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def plan_gateway(
    template: Mapping[str, Any],
    *,
    schemas: Mapping[str, Mapping[str, Any]],
    function_names: Mapping[str, str],
    cors_origins: Sequence[str],
) -> GatewayPlan:
    """Plan the API.

    Args:
        template: `swagger/openapi.yaml`.
        schemas: pipeline -> JSON Schema of its parameters.
        function_names: pipeline -> its trigger function.
        cors_origins: web origins that may call the API; `*` alone for any.
    """
    methods: list[PlannedMethod] = []
    models: dict[str, str] = {}
    paths: dict[str, None] = {}
    for pipeline, schema in schemas.items():
        for operation in api_document.operations(template, pipeline):
            model = None
            if operation.body == api_document.PARAMETERS:
                model = naming.model_name(pipeline)
                models[model] = json.dumps(schema)
            elif operation.body is not None:
                model = operation.body
                models[model] = json.dumps(api_document.component_schema(template, model))
            methods.append(
                PlannedMethod(
                    operation=operation,
                    model=model,
                    validator="body" if model else "parameters",
                    function_name=function_names[pipeline],
                )
            )
            paths |= dict.fromkeys(api_document.path_prefixes(operation.path))
    verbs = sorted({method.operation.method for method in methods} | {"OPTIONS"})
    return GatewayPlan(
        errors=GATEWAY_ERRORS,
        methods=methods,
        models=models,
        paths=[*paths, PREFLIGHT_PATH],
        preflight=_preflight(cors_origins, verbs),
    )


def _preflight(cors_origins: Sequence[str], verbs: Sequence[str]) -> Preflight:
    headers = {
        "Access-Control-Allow-Headers": ",".join(_ALLOWED_HEADERS),
        "Access-Control-Allow-Methods": ",".join(verbs),
        "Access-Control-Allow-Origin": cors_origins[0],
        "Access-Control-Expose-Headers": ",".join(EXPOSED_HEADERS),
        "Access-Control-Max-Age": str(_PREFLIGHT_MAX_AGE_SECONDS),
    }
    if cors_origins[0] != "*":
        headers["Vary"] = "Origin"
    return Preflight(
        status_code=_PREFLIGHT_STATUS,
        headers=headers,
        request_templates={"application/json": json.dumps({"statusCode": int(_PREFLIGHT_STATUS)})},
        response_templates={"application/json": _echo_origin(cors_origins[1:])} if cors_origins[1:] else {},
    )


def _echo_origin(further_origins: Sequence[str]) -> str:
    """A mapping template that allows the caller's origin if it is one of several, the first being the default."""
    known = " || ".join(f'$origin == "{origin}"' for origin in further_origins)
    return (
        '#set($origin = $input.params().header.get("Origin"))'
        '#if(!$origin)#set($origin = $input.params().header.get("origin"))#end'
        f"#if({known})#set($context.responseOverride.header.Access-Control-Allow-Origin = $origin)#end"
    )
