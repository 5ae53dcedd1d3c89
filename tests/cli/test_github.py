"""What is written to GitHub, against an API that answers by script."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from cli.errors import CliError
from cli.github import BOT, GithubApi

MARKER = "<!-- m -->"
SHA = "a" * 40
Answers = dict[tuple[str, str], Any]


class Github:
    """Answers by (method, path), with pages of lists; notes what was sent."""

    def __init__(self, answers: Answers, status: int = 200) -> None:
        self.answers = answers
        self.status = status
        self.sent: list[tuple[str, str, Any]] = []
        self.headers: list[httpx.Headers] = []
        self.api = GithubApi("o/r", "secret-token", transport=httpx.MockTransport(self.answer))

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.headers.append(request.headers)
        body = json.loads(request.content) if request.content else None
        if request.method != "GET":
            self.sent.append((request.method, request.url.path, body))
        answer = self.answers.get((request.method, request.url.path), {"html_url": "https://there"})
        if isinstance(answer, list):
            page = int(request.url.params["page"])
            answer = answer[(page - 1) * 100 : page * 100]
        return httpx.Response(self.status, json=answer)


def by(login: str, body: str, **other: Any) -> dict[str, Any]:
    return {"id": 7, "number": 7, "user": {"login": login}, "body": body, **other}


def test_a_first_comment_is_made() -> None:
    github = Github({("GET", "/repos/o/r/issues/3/comments"): []})
    assert github.api.keep_comment(3, MARKER, "text") == "https://there"
    assert github.sent == [("POST", "/repos/o/r/issues/3/comments", {"body": "text"})]
    assert github.headers[0]["authorization"] == "Bearer secret-token"


def test_a_later_one_takes_its_place_on_whatever_page_it_is() -> None:
    others = [by("someone", f"comment {number}") for number in range(150)]
    github = Github({("GET", "/repos/o/r/issues/3/comments"): [*others, by(BOT, MARKER + "\nold", id=99)]})
    github.api.keep_comment(3, MARKER, "new")
    assert github.sent == [("PATCH", "/repos/o/r/issues/comments/99", {"body": "new"})]


@pytest.mark.parametrize(
    "comment", [by("mallory", MARKER), by(BOT, f"quotes {MARKER}"), by(BOT, ""), {"id": 1, "user": None}]
)
def test_a_comment_of_somebody_else_is_never_touched(comment: dict[str, Any]) -> None:
    github = Github({("GET", "/repos/o/r/issues/3/comments"): [comment]})
    github.api.keep_comment(3, MARKER, "new")
    assert [method for method, _, _ in github.sent] == ["POST"]


def pull(number: int, label: str, sha: str) -> dict[str, Any]:
    return {"number": number, "head": {"label": label, "sha": sha}}


def test_the_pull_request_is_the_one_whose_head_is_this_commit() -> None:
    pulls = [pull(1, "fork:other", SHA), pull(2, "fork:b", "b" * 40), pull(3, "fork:b", SHA)]
    github = Github({("GET", "/repos/o/r/pulls"): pulls})
    assert github.api.pull_request_of("fork:b", SHA) == 3
    assert github.api.pull_request_of("fork:b", "c" * 40) is None


def test_one_issue_is_kept_and_closed() -> None:
    github = Github({("GET", "/repos/o/r/issues"): []})
    github.api.keep_issue(MARKER, "title", "body")
    assert github.sent == [("POST", "/repos/o/r/issues", {"title": "title", "body": "body"})]
    assert github.api.close_issue(MARKER, "gone") is False

    github = Github({("GET", "/repos/o/r/issues"): [by(BOT, MARKER, number=5)]})
    github.api.keep_issue(MARKER, "title", "body")
    assert github.api.close_issue(MARKER, "gone") is True
    assert github.sent == [
        ("PATCH", "/repos/o/r/issues/5", {"title": "title", "body": "body"}),
        ("POST", "/repos/o/r/issues/5/comments", {"body": "gone"}),
        ("PATCH", "/repos/o/r/issues/5", {"state": "closed", "state_reason": "completed"}),
    ]


@pytest.mark.parametrize(("status", "hint"), [(403, "permissions"), (404, "permissions"), (500, "")])
def test_a_refusal_says_what_github_said_and_what_to_look_at(status: int, hint: str) -> None:
    github = Github({("GET", "/repos/o/r/pulls"): {"message": "Resource not accessible"}}, status)
    with pytest.raises(CliError, match=f"{status} to GET /pulls: Resource not accessible.*{hint}") as caught:
        github.api.pull_request_of("o:b", SHA)
    assert "secret-token" not in str(caught.value)


def test_a_github_that_cannot_be_reached_is_an_error_in_words() -> None:
    def fail(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route")

    answer: Callable[[httpx.Request], httpx.Response] = fail
    api = GithubApi("o/r", "t", transport=httpx.MockTransport(answer))
    with pytest.raises(CliError, match="GitHub can't be reached: no route"):
        api.keep_issue(MARKER, "t", "b")
