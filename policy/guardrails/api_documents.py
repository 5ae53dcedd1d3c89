"""OpenAPI documents as API Gateway imports them, version 2 and 3: operations, keys, integrations."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from .resources import Resource
from .values import MalformedError, Node

METHOD: Final = "apigateway:Method"
REST_API: Final = "apigateway:RestApi"
REST_API_PUT: Final = "apigateway:RestApiPut"

METHODS: Final = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
ANY_METHOD: Final = "x-amazon-apigateway-any-method"
INTEGRATION: Final = "x-amazon-apigateway-integration"
KEY_HEADER: Final = "x-api-key"


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    path: str
    method: str
    """Lower case; `any` for API Gateway's own extension."""
    node: Node
    item: Node
    """What the path has for all its methods."""

    @property
    def label(self) -> str:
        return f"{self.method.upper()} {self.path}"

    @property
    def integration_type(self) -> Node:
        return self.node[INTEGRATION]["type"]

    @property
    def is_preflight(self) -> bool:
        """Whether it is an OPTIONS that API Gateway answers itself."""
        return self.method == "options" and self.integration_type.equals_any_case("mock")


def body_of(resource: Resource) -> Node | None:
    """The document of a REST API; None where it has none. The state of one without a body can have an empty text."""
    body = resource["body"]
    return None if body.blank else body.document_or_yaml()


def operations(document: Node) -> Iterator[Operation]:
    """All operations. Raises `MalformedError` for a path item that is no object."""
    for path, item in document["paths"].fields().items():
        if path.startswith("x-"):
            continue
        own = followed(document, item)
        for name, operation in own.fields().items():
            method = "any" if name == ANY_METHOD else name.lower()
            if method == "any" or method in METHODS:
                yield Operation(path, method, operation, own)


def followed(document: Node, item: Node) -> Node:
    """A path item or parameter, or the one in the same document that it refers to."""
    reference = item["$ref"]
    if reference.missing:
        return item
    steps = reference.text().split("/")
    if steps[0] != "#":
        raise MalformedError(reference.path, "a reference to another document", "a reference inside the document")
    target = document
    for step in steps[1:]:
        target = target[step.replace("~1", "/").replace("~0", "~")]
    return Node(target.raw, item.path)


def key_schemes(document: Node) -> frozenset[str]:
    """Names of the security schemes that API Gateway takes for an API key: `x-api-key` in a header, no authorizer."""
    schemes = {**document["securityDefinitions"].fields(), **document["components"]["securitySchemes"].fields()}
    return frozenset(name for name, scheme in schemes.items() if _is_key(scheme))


def _is_key(scheme: Node) -> bool:
    fields = scheme.fields()
    if "x-amazon-apigateway-authtype" in fields or "x-amazon-apigateway-authorizer" in fields:
        return False
    return (
        scheme["type"].equals("apiKey")
        and scheme["in"].equals_any_case("header")
        and scheme["name"].equals_any_case(KEY_HEADER)
    )


def security_of(document: Node, operation: Operation) -> Node:
    """What applies to an operation: its own `security`, even if empty, else the document's."""
    own = operation.node["security"]
    return document["security"] if own.known and own.missing else own


def requires_key(security: Node, schemes: frozenset[str]) -> bool:
    """Whether each alternative of a `security` list asks for a key; none, or an empty one, makes it optional."""
    alternatives = [frozenset(alternative.fields()) for alternative in security.items()]
    return bool(alternatives) and all(alternative & schemes for alternative in alternatives)
