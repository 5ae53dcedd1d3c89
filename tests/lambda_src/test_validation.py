"""Bodies: what is refused, with which status, and where the answer points."""

import base64
import json
from typing import Any

import fastjsonschema
import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import Problem
from request import Request
from validation import Schema, read_object, refuse_inputs_of_others

from tests.lambda_src.conftest import SCHEMA, Call, attempt, examples
from tests.lambda_src.double import Double

JOBS = "/wordcount/jobs"
LIMIT = 256 * 1024
_COMPILED = Schema(SCHEMA)


def request_of(body: str | None, content_type: str | None = "application/json", *, is_base64: bool = False) -> Request:
    return Request(
        method="POST",
        path=JOBS,
        prefix="",
        headers={"content-type": [content_type]} if content_type is not None else {},
        query={},
        body=body,
        is_base64=is_base64,
        request_id=None,
        api_key_id=None,
    )


def refusal(body: str | None, content_type: str | None = "application/json", *, is_base64: bool = False) -> Problem:
    with pytest.raises(Problem) as caught:
        read_object(request_of(body, content_type, is_base64=is_base64))
    return caught.value


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        'application/json; charset="utf-8"',
        " application/json ; ",
    ],
)
def test_json_in_utf8_is_read(content_type: str) -> None:
    assert read_object(request_of('{"text":"ä😀"}', content_type)) == {"text": "ä😀"}


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/jsonp",
        "application/problem+json",
        "application/json; charset=latin-1",
        "application/json, text/plain",
        "application/json; charset=utf-8; x=y",
        "multipart/form-data",
    ],
)
def test_any_other_content_type_is_a_415(call: Call, double: Double, content_type: str | None) -> None:
    assert refusal('{"text":"a"}', content_type).status == 415
    reply = call("POST", JOBS, body='{"text":"a"}', headers={"Content-Type": content_type or ""})
    assert (reply.status, reply.problem) == (415, "unsupported-media-type")
    assert not double.calls


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (None, "The body is empty; a JSON object is needed."),
        ("", "The body is empty; a JSON object is needed."),
        ("{", "Not JSON: Expecting property name enclosed in double quotes at line 1, column 2."),
        ('{"text":"a"}x', "Not JSON: Extra data at line 1, column 13."),
        ("\ufeff{}", None),
        ("{'text':'a'}", None),
        ('{"text":NaN}', "NaN is not JSON."),
        ('{"text":-Infinity}', "-Infinity is not JSON."),
        ('{"text":1e400}', "A number is too large."),
        ('{"text":-1e400}', "A number is too large."),
        ('{"text":' + "9" * 301 + "}", "A number is too large."),
        ('{"text":' + "9" * 5000 + "}", "A number is too large."),
        ('{"text":"a","text":"b"}', "An object has two members of the same name."),
        ('{"inputs":[{"a":1,"\\u0061":2}]}', "An object has two members of the same name."),
        ('{"text":"\\ud800"}', "A string holds half of a surrogate pair."),
        ('{"\\udc00":1}', "A string holds half of a surrogate pair."),
        ('{"text":"\ud800"}', "The body is not valid UTF-8."),
        ('{"text":"a\nb"}', None),
        ("[" * 65 + "]" * 65, "Arrays and objects are nested more than 64 deep."),
        ('{"a":' * 65 + "1" + "}" * 65, "Arrays and objects are nested more than 64 deep."),
        ("[" * 100_000, "Arrays and objects are nested more than 64 deep."),
        ('{"a":' * 40_000 + "1" + "}" * 40_000, "Arrays and objects are nested more than 64 deep."),
    ],
)
def test_what_is_not_safe_json_is_a_400(body: str | None, detail: str | None) -> None:
    problem = refusal(body)
    assert (problem.status, problem.kind) == (400, "invalid-body")
    if detail:
        assert problem.detail == detail


def test_sixty_four_deep_is_read() -> None:
    deep = '{"a":' * 64 + "1" + "}" * 64
    assert json.dumps(read_object(request_of(deep)), separators=(",", ":")) == deep


@pytest.mark.parametrize("body", ["1", "null", '"text"', "[]", "true"])
def test_json_that_is_no_object_points_at_the_whole(body: str) -> None:
    problem = refusal(body)
    assert (problem.status, problem.kind) == (400, "invalid-parameters")
    assert [place.pointer for place in problem.places] == [""]


def test_a_base64_body_is_decoded() -> None:
    body = base64.b64encode('{"text":"ä"}'.encode()).decode()
    assert read_object(request_of(body, is_base64=True)) == {"text": "ä"}


@pytest.mark.parametrize("body", ["{}", "e30", "e30=e30=", "é", "e3 0="])
def test_a_base64_body_that_is_none_is_a_400(body: str) -> None:
    assert refusal(body, is_base64=True).kind == "invalid-body"


def test_a_body_that_is_not_utf8_is_a_400() -> None:
    problem = refusal(base64.b64encode(b'{"text":"\xff"}').decode(), is_base64=True)
    assert problem.detail == "The body is not valid UTF-8 at byte 9."


@pytest.mark.parametrize("is_base64", [True, False])
@pytest.mark.parametrize("character", ["x", "ä"])
def test_the_size_of_a_body_is_bounded_to_the_byte(character: str, is_base64: bool) -> None:
    def body(size: int) -> str:
        frame = '{"text":""}'
        count, rest = divmod(size - len(frame), len(character.encode()))
        raw = '{"text":"' + character * count + " " * rest + '"}'
        assert len(raw.encode()) == size
        return base64.b64encode(raw.encode()).decode() if is_base64 else raw

    assert read_object(request_of(body(LIMIT), is_base64=is_base64))
    assert refusal(body(LIMIT + 1), is_base64=is_base64).status == 413
    assert refusal(body(LIMIT * 4), is_base64=is_base64).status == 413


@pytest.mark.parametrize(
    ("document", "pointer", "detail"),
    [
        ({}, "", 'must have "text"'),
        ({"text": 1}, "/text", "must be string"),
        ({"text": ""}, "/text", "must be longer than or equal to 1 characters"),
        ({"text": "a", "top": True}, "/top", "must be integer"),
        ({"text": "a", "top": 0}, "/top", "must be bigger than or equal to 1"),
        ({"text": "a", "colour": 1, "a\n": 2}, "", 'must not have "colour", "a\\n"'),
        ({"text": "a", "mode": "slow"}, "/mode", 'must be one of ["fast", "exact"]'),
        ({"text": "a", "inputs": [{}, {"a.b": "c"}]}, "/inputs/1/a.b", "must be integer"),
        ({"text": "a", "inputs": [{}, 3]}, "/inputs/1", "must be object"),
        ({"text": "a", "price": "5"}, "/price", "must match pattern ^[\\x24€][0-9]+$"),
    ],
)
def test_what_does_not_fit_the_schema_is_a_400_that_says_where(
    call: Call, double: Double, document: object, pointer: str, detail: str
) -> None:
    reply = call("POST", JOBS, json_body=document) if document else call("POST", JOBS, body="{}")
    assert (reply.status, reply.problem) == (400, "invalid-parameters")
    assert reply.body["errors"] == [{"pointer": pointer, "detail": detail}]
    assert reply.body["detail"] == f"{pointer or 'The body'} {detail}"
    assert not double.calls


def test_a_dollar_in_a_character_class_is_a_dollar(call: Call) -> None:
    assert call("POST", JOBS, json_body={"text": "a", "price": "$5"}).status == 202
    assert call("POST", JOBS, json_body={"text": "a", "price": "$5\n"}).status == 400


@pytest.mark.parametrize("pattern", ["^a$", "^[$]$", r"^\$[^$]$", r"^[\]$]+$", r"^[\\$]$", r"^a\$$"])
@examples
@given(text=st.text(alphabet="a$]\\", max_size=3))
def test_patterns_mean_what_they_mean_elsewhere(pattern: str, text: str) -> None:
    schema = {"type": "string", "pattern": pattern}
    expected = jsonschema.Draft4Validator(schema).is_valid(text)
    found = not isinstance(attempt(lambda: Schema(schema).check(text)), Problem)
    assert found == expected


def test_an_overlong_name_is_cut(call: Call) -> None:
    reply = call("POST", JOBS, json_body={"text": "a", "x" * 10_000: 1})
    assert len(reply.body["errors"][0]["detail"]) == 300


def test_defaults_are_left_to_the_job(call: Call, double: Double) -> None:
    call("POST", JOBS, json_body={"text": "a"})
    [job] = double.batch.jobs.values()
    assert json.loads(job["container"]["environment"][0]["value"]) == {"text": "a"}


def test_an_upload_of_another_consumer_cannot_be_named(call: Call, double: Double) -> None:
    upload = "upload-" + "0" * 32
    assert call("POST", JOBS, json_body={"text": f"a/{upload}"}).status == 202
    assert call("POST", JOBS, json_body={"text": f"see a-b/{upload}"}).status == 202
    calls = list(double.calls)
    reply = call("POST", JOBS, json_body={"text": f"a-b/{upload}"})
    assert reply.body["errors"] == [{"pointer": "/text", "detail": "names an upload that isn't yours"}]
    assert double.calls == calls
    with pytest.raises(Problem) as caught:
        refuse_inputs_of_others({"a/b": [1, {"~": f"a-b/{upload}"}]}, "a")
    assert caught.value.places[0].pointer == "/a~1b/1/~0"


numbers = st.integers() | st.floats()
json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@examples
@given(st.text() | json_values.map(json.dumps) | st.dictionaries(st.text(), json_values).map(json.dumps))
def test_any_text_is_either_read_as_the_same_json_or_refused(text: str) -> None:
    found = attempt(lambda: read_object(request_of(text)))
    if isinstance(found, Problem):
        assert found.status in (400, 413)
    else:
        assert found == json.loads(text)
        json.dumps(found, allow_nan=False, ensure_ascii=False).encode()


@examples
@given(st.binary(max_size=200))
def test_any_bytes_are_either_read_or_refused(raw: bytes) -> None:
    found = attempt(lambda: read_object(request_of(base64.b64encode(raw).decode(), is_base64=True)))
    assert isinstance(found, dict) or found.status == 400


def draw_document() -> st.SearchStrategy[Any]:
    near = st.fixed_dictionaries(
        {},
        optional={
            "text": st.text(max_size=3) | st.integers(),
            "top": st.integers(-1, 2) | st.booleans(),
            "inputs": st.lists(st.dictionaries(st.sampled_from(["a.b", "a", "[0]"]), st.integers() | st.text())),
            "mode": st.sampled_from(["fast", "slow"]),
            "price": st.sampled_from(["$1", "€1", "1"]),
            "other.name[0]": st.none(),
        },
    )
    return near | st.dictionaries(st.text(), json_values)


def resolve(document: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        document = document[int(key)] if isinstance(document, list) else document[key]
    return document


@examples
@given(draw_document())
def test_the_schema_is_read_as_jsonschema_reads_it_and_pointers_exist(document: Any) -> None:
    found = attempt(lambda: _COMPILED.check(document))
    assert jsonschema.Draft4Validator(SCHEMA).is_valid(document) == (found is None)
    if found is not None:
        for place in found.places:
            resolve(document, place.pointer)


def test_a_schema_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = Schema(SCHEMA)
    schema.check({"text": "a"})
    monkeypatch.setattr(fastjsonschema, "compile", None)
    schema.check({"text": "b"})
