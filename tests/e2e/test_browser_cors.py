"""The prover's own judgement, against the examples and rules of the Fetch standard."""

import pytest

from tests.e2e.browser_cors import Answer, BlockedError, Request, check_answer, check_preflight, preflight

PAGE = "https://docs.example"
ALL = ("Access-Control-Allow-Origin", "*")


def request(method: str = "GET", **headers: str) -> Request:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(origin=PAGE, method=method, headers=names)


def answer(*headers: tuple[str, str], status: int = 200) -> Answer:
    return Answer(status=status, headers=headers)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Accept": "application/json, */*"},
        {"Accept_Language": "de-AT;q=0.5"},
        {"Content_Type": "text/plain;charset=utf-8"},
        {"Content_Type": "multipart/form-data; boundary=x"},
    ],
)
def test_simple_requests_go_out_at_once(method: str, headers: dict[str, str]) -> None:
    assert preflight(request(method, **headers)) is None


@pytest.mark.parametrize(
    ("method", "headers", "asked"),
    [
        ("DELETE", {}, None),
        ("GET", {"X_Api_Key": "k"}, "x-api-key"),
        ("POST", {"Content_Type": "application/json"}, "content-type"),
        ("POST", {"Content_Type": "text/plain", "X_Api_Key": "k", "Idempotency_Key": "i"}, "idempotency-key,x-api-key"),
        ("POST", {"Content_Type": "text/plain; a=<"}, "content-type"),
        ("GET", {"Accept": "a" * 129}, "accept"),
        ("GET", {"Accept": '"quoted"'}, "accept"),
        ("GET", {"Accept_Language": "de_AT"}, "accept-language"),
    ],
)
def test_all_others_are_asked_for_first(method: str, headers: dict[str, str], asked: str | None) -> None:
    sent = preflight(request(method, **headers))
    assert sent is not None
    assert (sent["origin"], sent["access-control-request-method"]) == (PAGE, method)
    assert sent.get("access-control-request-headers") == asked


@pytest.mark.parametrize(
    "headers",
    [
        (ALL, ("Access-Control-Allow-Methods", "GET, DELETE"), ("Access-Control-Allow-Headers", "X-API-Key")),
        (ALL, ("access-control-allow-methods", "*"), ("access-control-allow-headers", "*")),
        (
            ("Access-Control-Allow-Origin", PAGE),
            ("Access-Control-Allow-Methods", "DELETE"),
            ("Access-Control-Allow-Headers", "content-type"),
            ("Access-Control-Allow-Headers", "x-api-key"),
        ),
    ],
)
def test_a_preflight_that_allows_all_that_is_asked_for_passes(headers: tuple[tuple[str, str], ...]) -> None:
    check_preflight(request("DELETE", X_Api_Key="k"), answer(*headers, status=204))


@pytest.mark.parametrize(
    ("sent", "reply", "why"),
    [
        (request("DELETE"), answer(ALL), "not DELETE"),
        (request("DELETE"), answer(ALL, ("Access-Control-Allow-Methods", "delete")), "not DELETE"),
        (request("PUT"), answer(ALL, ("Access-Control-Allow-Methods", "GET; PUT")), "malformed"),
        (request("GET", X_Api_Key="k"), answer(ALL), "x-api-key"),
        (request("GET", Authorization="b"), answer(ALL, ("Access-Control-Allow-Headers", "*")), "authorization"),
        (request("GET", X_Api_Key="k"), answer(("Access-Control-Allow-Headers", "x-api-key")), "no Access-Control"),
        (request("DELETE"), answer(ALL, ("Access-Control-Allow-Methods", "*"), status=403), "answered with 403"),
    ],
)
def test_any_other_preflight_blocks_the_request(sent: Request, reply: Answer, why: str) -> None:
    with pytest.raises(BlockedError, match=why):
        check_preflight(sent, reply)


def test_a_safelisted_method_needs_no_mention() -> None:
    check_preflight(request("POST", X_Api_Key="k"), answer(ALL, ("Access-Control-Allow-Headers", "x-api-key")))


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("Access-Control-Allow-Origin", "https://docs.example/"),),
        (("Access-Control-Allow-Origin", "https://DOCS.example"),),
        (("Access-Control-Allow-Origin", f"{PAGE}, https://other.example"),),
        (ALL, ALL),
        (("Access-Control-Allow-Origin", "'*'"),),
        (("Access-Control-Allow-Origin", "null"),),
    ],
)
def test_an_answer_for_nobody_or_for_others_is_hidden(headers: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(BlockedError):
        check_answer(request(), answer(*headers))


@pytest.mark.parametrize(
    ("exposed", "readable"),
    [
        (None, {"content-type"}),
        ("Location", {"content-type", "location"}),
        ("location,  Retry-After", {"content-type", "location", "retry-after"}),
        ("*", {"access-control-allow-origin", "content-type", "location", "retry-after"}),
    ],
)
def test_a_page_reads_the_safelisted_and_the_exposed_headers(exposed: str | None, readable: set[str]) -> None:
    sent = [ALL, ("Content-Type", "a/b"), ("Location", "/x"), ("Retry-After", "1"), ("Set-Cookie", "c=1")]
    sent += [("Access-Control-Expose-Headers", exposed)] if exposed else []
    assert check_answer(request(), answer(*sent)) - {"access-control-expose-headers"} == readable
