"""Property values as a rule reads them: unknown, secret, of the wrong shape, or plain.

A rule never touches a raw property. It reads a `Node`, which knows its own path, answers "not yet known" by raising
`NotYetKnownError` and "not what this property can be" by raising `MalformedError`. Both are verdicts, not failures:
the runner turns them into findings.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, cast

UNKNOWN_SENTINELS: Final = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""What the engine sends for an unknown boolean, number, string, array, asset, archive or object."""

SEALED_SECRET: Final = "[secret]"  # noqa: S105 - the engine's own text for a secret that it can't decrypt
LONGEST_SHOWN: Final = 80
"""Characters of a value that a message quotes."""


class Unknown:
    """A value that can't be read now; `why` completes "not yet known: <path> ..."."""

    __slots__ = ("why",)

    def __init__(self, why: str) -> None:
        self.why = why

    def __repr__(self) -> str:
        return f"<unknown: {self.why}>"


UNKNOWN: Final = Unknown("is an output that only a deployment can tell")
SEALED: Final = Unknown("is a secret that isn't decrypted here")


class Opaque:
    """A value that no rule can look into, such as an asset or an archive."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __repr__(self) -> str:
        return f"<{self.kind}>"


class NotYetKnownError(Exception):
    """A rule needs a value that isn't known yet."""

    def __init__(self, path: str, why: str = UNKNOWN.why) -> None:
        super().__init__(path)
        self.path = path
        self.why = why


class MalformedError(Exception):
    """A property has a shape that its resource can't accept."""

    def __init__(self, path: str, found: str, expected: str) -> None:
        super().__init__(path)
        self.path = path
        self.found = found
        self.expected = expected


def plain(value: object) -> object:
    """Plain Python: dicts with text keys, lists, text, booleans, numbers (whole ones as int), None, Unknown, Opaque.

    Takes what the policy SDK hands out, too: its proxies are neither dict nor list, and raise when an unknown value is
    touched, so they are unwrapped first.
    """
    match value:
        case str():
            if value in UNKNOWN_SENTINELS:
                return UNKNOWN
            return SEALED if value == SEALED_SECRET else value
        case None | bool() | int() | Unknown() | Opaque():
            return value
        case float():
            return int(value) if math.isfinite(value) and value.is_integer() else value
        case Mapping():
            items = cast("Mapping[object, object]", _unwrapped(cast("Mapping[object, object]", value)))
            return {str(key): plain(item) for key, item in items.items()}
        case bytes() | bytearray():
            return Opaque("bytes")
        case Sequence() | set() | frozenset() | tuple():
            return [plain(item) for item in _unwrapped(cast("Iterable[object]", value))]
        case _:
            return Opaque(type(value).__name__)


def _unwrapped(value: Iterable[object]) -> Iterable[object]:
    """The value inside a proxy of the policy SDK, which answers to a key of its own."""
    if type(value) in {dict, list, tuple, set, frozenset} or not hasattr(value, "__getitem__"):
        return value
    try:
        target = cast("Mapping[str, object]", value)["__target"]
    except (KeyError, TypeError, IndexError, ValueError):
        return value
    return cast("Iterable[object]", target)


class Missing:
    """Stands for a property that isn't there."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<missing>"


MISSING: Final = Missing()
_REQUIRED: Final = Missing()


class Node:
    """A value and where it was found, for example `rules[0].selection.tagStatus`."""

    __slots__ = ("path", "raw")

    def __init__(self, raw: object, path: str) -> None:
        self.raw = raw
        self.path = path

    def __repr__(self) -> str:
        return f"Node({self.path or '.'}: {kind_of_value(self.raw)})"

    @property
    def known(self) -> bool:
        """Whether this very value can be read; what is inside it may still be unknown."""
        return not isinstance(self.raw, Unknown)

    @property
    def missing(self) -> bool:
        """Whether the property was left out or is null. Raises `NotYetKnownError` for an unknown value."""
        return self._read() is MISSING

    @property
    def blank(self) -> bool:
        """Whether it is missing or empty text. Raises `NotYetKnownError` for an unknown value."""
        return self.missing or self.raw == ""

    def equals(self, *texts: str) -> bool:
        """Whether it is one of some texts; a missing value is none of them."""
        return not self.missing and self.text() in texts

    def equals_any_case(self, *texts: str) -> bool:
        """As `equals`, for lower-case texts and a value in any case."""
        return not self.missing and self.text().lower() in texts

    @property
    def is_text(self) -> bool:
        return isinstance(self._read(), str)

    @property
    def is_list(self) -> bool:
        return isinstance(self._read(), list)

    @property
    def is_object(self) -> bool:
        return isinstance(self._read(), dict)

    def _read(self) -> object:
        if isinstance(self.raw, Unknown):
            raise NotYetKnownError(self.path, self.raw.why)
        return MISSING if self.raw is None else self.raw

    def __getitem__(self, key: str) -> "Node":
        """A property of an object; a missing one of a missing object."""
        value = self._read()
        if value is MISSING:
            return Node(MISSING, self._below(key))
        if not isinstance(value, dict):
            raise self.malformed("an object")
        return Node(cast("dict[str, object]", value).get(key, MISSING), self._below(key))

    def member(self, key: str) -> "Node":
        """As `[key]`, whatever the case of the key: IAM and the provider's JSON properties don't mind it."""
        value = self._read()
        if isinstance(value, dict):
            wanted = key.lower()
            for name, item in cast("dict[str, object]", value).items():
                if name.lower() == wanted:
                    return Node(item, self._below(name))
        return self[key]

    def _below(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def malformed(self, expected: str) -> MalformedError:
        """The error to raise when this value can't be right."""
        return MalformedError(self.path, kind_of_value(self.raw), expected)

    def fields(self) -> dict[str, "Node"]:
        """The properties of an object; none for a missing one."""
        value = self._read()
        if value is MISSING:
            return {}
        if not isinstance(value, dict):
            raise self.malformed("an object")
        return {key: Node(item, self._below(key)) for key, item in cast("dict[str, object]", value).items()}

    def items(self, *, or_single: bool = False) -> list["Node"]:
        """The entries of a list; none for a missing one.

        With `or_single`, a value that isn't a list counts as a list of one, as in IAM documents.
        """
        value = self._read()
        if value is MISSING:
            return []
        if not isinstance(value, list):
            if or_single:
                return [self]
            raise self.malformed("a list")
        return [Node(item, f"{self.path}[{index}]") for index, item in enumerate(cast("list[object]", value))]

    def text(self, default: str | Missing = _REQUIRED) -> str:
        """Text; numbers and booleans as JSON writes them."""
        match self._read():
            case str() as value:
                return value
            case bool() as value:
                return "true" if value else "false"
            case int() | float() as value:
                return str(value)
            case Missing() if isinstance(default, str):
                return default
            case _:
                raise self.malformed("text")

    def flag(self, default: bool | Missing = _REQUIRED) -> bool:
        """A boolean; the texts "true" and "false" count, since the engine accepts them."""
        match self._read():
            case bool() as value:
                return value
            case str() as value if value.lower() in {"true", "false"}:
                return value.lower() == "true"
            case Missing() if isinstance(default, bool):
                return default
            case _:
                raise self.malformed("true or false")

    def number(self, default: float | Missing = _REQUIRED, *, strict: bool = False) -> float:
        """A finite number. Text that is a number counts unless `strict`, since the engine accepts it for a property."""
        match self._read():
            case bool():
                raise self.malformed("a number")
            case int() | float() as value if math.isfinite(value):
                return value
            case str() as value if not strict:
                return self._number_in_text(value)
            case Missing() if not isinstance(default, Missing):
                return default
            case _:
                raise self.malformed("a number")

    def _number_in_text(self, value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            raise self.malformed("a number") from None
        if not math.isfinite(number):
            raise self.malformed("a number")
        return int(number) if number.is_integer() else number

    def document(self) -> "Node":
        """The object or list inside a JSON string; the value itself where a program passes an object."""
        value = self._read()
        if not isinstance(value, str):
            return self
        return Node(self._without_unknowns(parse_json(value, self)), self.path)

    def document_or_yaml(self) -> "Node":
        """As `document`, for properties that also take YAML."""
        value = self._read()
        if not isinstance(value, str):
            return self
        try:
            parsed = parse_json(value, self)
        except MalformedError:
            parsed = parse_yaml(value, self)
        return Node(self._without_unknowns(parsed), self.path)

    def _without_unknowns(self, parsed: object) -> object:
        if not isinstance(parsed, (dict, list)):
            raise MalformedError(self.path, f"a document that is {kind_of_value(parsed)}", "an object or a list")
        return cast("dict[str, object] | list[object]", parsed)


def parse_json(text: str, node: Node) -> object:
    """JSON inside a property. Raises `MalformedError` when it can't be parsed."""
    try:
        return embedded(json.loads(text))
    except (ValueError, RecursionError):
        raise MalformedError(node.path, "text that isn't valid JSON", "a JSON document") from None


def parse_yaml(text: str, node: Node) -> object:
    """YAML inside a property. Raises `MalformedError` when it can't be parsed."""
    import yaml  # costs 20 ms, and few programs have a YAML body

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return embedded(yaml.load(text, Loader=loader))  # noqa: S506 - a safe loader, in C where it was built
    except (yaml.YAMLError, ValueError, RecursionError):
        raise MalformedError(node.path, "text that is neither JSON nor YAML", "a JSON or YAML document") from None


def embedded(value: object) -> object:
    """As `plain`, for a parsed document: a text with an unknown's sentinel anywhere inside is unknown."""
    match value:
        case str():
            return UNKNOWN if any(sentinel in value for sentinel in UNKNOWN_SENTINELS) else plain(value)
        case dict():
            items = cast("dict[object, object]", value).items()
            return {str(key): embedded(item) for key, item in items}
        case list():
            return [embedded(item) for item in cast("list[object]", value)]
        case _:
            return plain(value)


def kind_of_value(value: object) -> str:
    """What a value is, for a message; never the value."""
    match value:
        case None | Missing():
            return "missing"
        case Unknown():
            return "unknown"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "text" if value else "empty text"
        case list():
            return "a list"
        case dict():
            return "an object"
        case Opaque():
            return f"a {value.kind}"
        case _:
            return f"a {type(value).__name__}"


def shown(value: str) -> str:
    """A value quoted for a message: one line, shortened. Only for values that can't be secrets."""
    line = " ".join(value.split())
    return f"'{line}'" if len(line) <= LONGEST_SHOWN else f"'{line[: LONGEST_SHOWN - 1]}…'"
