"""Reading of properties: what is unknown, malformed, missing or plain."""

import json
from types import MappingProxyType
from typing import Any

import pytest
import yaml
from pulumi_policy.proxy import unknown_checking_proxy

from policy.guardrails import values
from policy.guardrails.values import MISSING, SEALED, UNKNOWN, MalformedError, Node, NotYetKnownError, Opaque, plain

SENTINEL = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class TestPlain:
    def test_whole_floats_become_ints(self):
        found = plain({"a": 1.0, "b": 1.5, "c": True, "d": [2.0]})
        assert found == {"a": 1, "b": 1.5, "c": True, "d": [2]}
        assert isinstance(found, dict)
        assert [type(item) for item in found.values()] == [int, float, bool, list]

    @pytest.mark.parametrize("number", [float("inf"), float("-inf")])
    def test_numbers_without_end_stay(self, number: float):
        assert plain(number) == number

    @pytest.mark.parametrize("sentinel", sorted(values.UNKNOWN_SENTINELS))
    def test_each_sentinel_is_unknown(self, sentinel: str):
        assert plain([sentinel]) == [UNKNOWN]

    def test_sealed_secret_is_unknown_for_another_reason(self):
        assert plain({"a": "[secret]"}) == {"a": SEALED}
        assert SEALED.why != UNKNOWN.why

    def test_proxies_of_the_sdk_are_unwrapped(self):
        proxy = unknown_checking_proxy({"a": {"b": [1.0, SENTINEL, {"c": "d"}]}})
        assert plain(proxy) == {"a": {"b": [1, UNKNOWN, {"c": "d"}]}}

    def test_any_mapping_or_sequence_is_taken(self):
        assert plain(MappingProxyType({1: (1, 2)})) == {"1": [1, 2]}
        assert plain({"a": {3}}) == {"a": [3]}

    @pytest.mark.parametrize("value", [b"x", bytearray(b"x"), object(), json])
    def test_everything_else_is_opaque(self, value: Any):
        assert isinstance(plain(value), Opaque)

    def test_what_was_plain_stays(self):
        opaque = Opaque("archive")
        assert plain([None, UNKNOWN, opaque, "a"]) == [None, UNKNOWN, opaque, "a"]


def node(value: Any) -> Node:
    return Node(plain(value), "root")


class TestNode:
    def test_path_grows_with_each_step(self):
        assert Node({"a": {"b": [1]}}, "")["a"]["b"].items()[0].path == "a.b[0]"

    def test_property_of_a_missing_object_is_missing(self):
        found = node({})["a"]["b"]
        assert found.missing
        assert found.path == "root.a.b"

    def test_null_is_missing(self):
        assert node({"a": None})["a"].missing
        assert not node({"a": 0})["a"].missing

    @pytest.mark.parametrize(
        "read",
        [
            lambda item: item["a"],
            lambda item: item.member("a"),
            lambda item: item.missing,
            lambda item: item.fields(),
            lambda item: item.items(),
            lambda item: item.items(or_single=True),
            lambda item: item.text("x"),
            lambda item: item.flag(default=True),
            lambda item: item.number(1),
            lambda item: item.document(),
            lambda item: item.document_or_yaml(),
            lambda item: item.is_text,
            lambda item: item.is_list,
            lambda item: item.is_object,
        ],
    )
    @pytest.mark.parametrize(("value", "why"), [(SENTINEL, UNKNOWN.why), ("[secret]", SEALED.why)])
    def test_reading_an_unknown_value_says_so(self, read: Any, value: str, why: str):
        with pytest.raises(NotYetKnownError) as raised:
            read(node(value))
        assert (raised.value.path, raised.value.why) == ("root", why)

    def test_unknown_inside_is_not_touched(self):
        found = node([SENTINEL, 1]).items()
        assert [item.known for item in found] == [False, True]

    @pytest.mark.parametrize("value", ["text", 1, True, [1]])
    def test_object_is_expected(self, value: Any):
        for read in (lambda item: item["a"], lambda item: item.fields(), lambda item: item.member("a")):
            with pytest.raises(MalformedError, match="root") as raised:
                read(node(value))
            assert raised.value.expected == "an object"

    @pytest.mark.parametrize("value", ["text", 1, {"a": 1}])
    def test_list_is_expected_unless_one_will_do(self, value: Any):
        with pytest.raises(MalformedError):
            node(value).items()
        assert [item.raw for item in node(value).items(or_single=True)] == [plain(value)]
        assert node(None).items(or_single=True) == []

    def test_member_ignores_case(self):
        found = node({"Effect": "Allow"}).member("effect")
        assert (found.text(), found.path) == ("Allow", "root.Effect")
        assert node({}).member("effect").path == "root.effect"

    @pytest.mark.parametrize(
        ("value", "text"), [("a", "a"), (True, "true"), (False, "false"), (1.0, "1"), (1.5, "1.5")]
    )
    def test_text(self, value: Any, text: str):
        assert node(value).text() == text

    def test_equals_compares_text_and_nothing_missing(self):
        assert node("a").equals("b", "a")
        assert not node("A").equals("a")
        assert not node(None).equals("")
        assert node("Ab").equals_any_case("x", "ab")
        assert not node("Ab").equals_any_case("Ab")
        assert not node(None).equals_any_case("")

    def test_blank_is_missing_or_empty(self):
        assert [node(value).blank for value in (None, "", " ", "a", 0, [])] == [True, True, False, False, False, False]

    def test_text_has_a_default_only_for_what_is_missing(self):
        assert node(None).text("x") == "x"
        for wrong in ([], {}):
            with pytest.raises(MalformedError):
                node(wrong).text("x")
        with pytest.raises(MalformedError) as raised:
            node(None).text()
        assert raised.value.found == "missing"

    @pytest.mark.parametrize(
        ("value", "flag"), [(True, True), (False, False), ("true", True), ("False", False), (None, True)]
    )
    def test_flag(self, value: Any, flag: bool):
        assert node(value).flag(default=True) is flag

    @pytest.mark.parametrize("value", ["yes", 1, 0, []])
    def test_flag_of_another_shape_is_malformed(self, value: Any):
        with pytest.raises(MalformedError):
            node(value).flag(default=True)
        with pytest.raises(MalformedError):
            node(None).flag()

    @pytest.mark.parametrize(("value", "number"), [(1.0, 1), (1.5, 1.5), ("7", 7), ("7.5", 7.5), (None, 3)])
    def test_number(self, value: Any, number: float):
        assert node(value).number(3) == number

    @pytest.mark.parametrize("value", [True, "x", "inf", "nan", float("inf"), []])
    def test_number_of_another_shape_is_malformed(self, value: Any):
        with pytest.raises(MalformedError):
            node(value).number(3)

    def test_strict_number_is_no_text(self):
        assert node(7).number(strict=True) == 7
        with pytest.raises(MalformedError):
            node("7").number(strict=True)
        with pytest.raises(MalformedError):
            node(None).number()


class TestDocument:
    def test_text_and_object_are_the_same_document(self):
        for value in ('{"a": [1.0]}', {"a": [1.0]}):
            found = node(value).document()
            assert found["a"].items()[0].raw == 1
            assert found.path == "root"

    @pytest.mark.parametrize("text", ["", "{", "7", '"a"', "null", "[" * 100_000, "{'a': 1}"])
    def test_text_that_holds_none_is_malformed(self, text: str):
        with pytest.raises(MalformedError):
            node(text).document()

    def test_unknown_within_a_document_is_unknown(self):
        text = json.dumps({"a": SENTINEL, "b": f"arn:aws:{SENTINEL}:x", "c": "[secret]", "d": "x"})
        found = node(text).document().fields()
        assert [item.known for item in found.values()] == [False, False, False, True]

    def test_yaml_is_read_where_it_is_allowed(self):
        text = "paths:\n  /jobs:\n    200: {a: 2024-01-01}\n"
        found = node(text).document_or_yaml()["paths"]["/jobs"]["200"]
        assert isinstance(found["a"].raw, Opaque)
        with pytest.raises(MalformedError):
            node(text).document()

    @pytest.mark.parametrize("text", ["a: [", "text", "", "a: *b"])
    def test_text_that_is_neither_is_malformed(self, text: str):
        with pytest.raises(MalformedError):
            node(text).document_or_yaml()

    def test_yaml_makes_no_objects(self):
        text = yaml.dump({"a": object()})
        with pytest.raises(MalformedError):
            node(text).document_or_yaml()

    def test_missing_document_stays_missing(self):
        assert node(None).document().missing
        assert node(None).document_or_yaml().missing


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "missing"),
        (MISSING, "missing"),
        (UNKNOWN, "unknown"),
        (True, "a boolean"),
        (1, "a number"),
        (1.5, "a number"),
        ("a", "text"),
        ("", "empty text"),
        ([], "a list"),
        ({}, "an object"),
        (Opaque("archive"), "a archive"),
        (b"", "a bytes"),
    ],
)
def test_kind_of_value_never_shows_it(value: Any, kind: str):
    assert values.kind_of_value(value) == kind


def test_shown_is_one_short_line():
    assert values.shown("a\n  b") == "'a b'"
    assert values.shown("x" * 80) == f"'{'x' * 80}'"
    assert values.shown("x" * 81) == f"'{'x' * 79}…'"


def test_nothing_here_shows_a_value_by_accident():
    assert "secret-value" not in repr(Node({"a": "secret-value"}, "p"))
    assert repr(Node("secret-value", "")) == "Node(.: text)"
    assert [repr(item) for item in (UNKNOWN, MISSING, Opaque("x"))] == [
        f"<unknown: {UNKNOWN.why}>",
        "<missing>",
        "<x>",
    ]
