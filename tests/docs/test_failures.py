"""The failure cards: complete, found by their own messages, and in the words that the user really sees."""

import json
import re
from pathlib import Path

import pytest
import typer

from cli import main, pulumi_cli
from cli.explain import CARDS, Card, find_cards, read_cards
from components.gateway_errors import GATEWAY_ERRORS
from sandbox import process

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / CARDS).read_text()
ALL = read_cards(TEXT)


@pytest.mark.parametrize("card", ALL, ids=lambda card: card.title)
def test_a_card_says_what_is_seen_why_and_what_to_do(card: Card) -> None:
    assert card.messages
    assert len(card.why) > 30
    assert len(card.do) > 15


@pytest.mark.parametrize("card", ALL, ids=lambda card: card.title)
def test_a_card_is_found_by_each_of_its_messages(card: Card) -> None:
    for message in card.messages:
        seen = "2026-11-21 error: " + message.replace("…", "something else (code 1)") + "\n  at some place"
        assert card in find_cards(ALL, seen)
        assert find_cards(ALL, seen)[0].title == card.title, message


@pytest.mark.parametrize(
    ("message", "title"),
    [
        (
            "CannotPullContainerError: pull image manifest has been retried 7 time(s): image Manifest does not contain "
            "descriptor matching platform 'linux/arm64 v8'",
            "The image is for another kind of machine",
        ),
        (
            "operation error Batch: DeleteComputeEnvironment, https response error StatusCode: 400, RequestID: x, "
            "ClientException: Cannot delete, found existing JobQueue relationship",
            "The compute environment can't be deleted",
        ),
        ("An error occurred (ExpiredTokenException) when calling\n the X operation", "Credentials have expired"),
        (
            "denied: User: arn:aws:sts::123456789012:assumed-role/ann/ann is not authorized to perform: "
            "ecr:InitiateLayerUpload on resource: arn:aws:ecr:eu-central-1:123456789012:repository/a because no "
            "identity-based policy allows the ecr:InitiateLayerUpload action",
            "The registry refuses a push or a promotion",
        ),
        (
            "ERROR: failed to solve: failed to copy files: write /var/lib/docker/x: no space left on device",
            "The disk is full",
        ),
        (
            "failed to push 1.dkr.ecr.x.amazonaws.com/a:b: failed to copy: read tcp 10.0.0.1: connection reset by peer",
            "A push was interrupted",
        ),
        ("CannotPullContainerError: ... not found", "The image can't be pulled: it is gone"),
        ("image can't be pulled", "The image can't be pulled: it is gone"),
        ("403", "The API says 403"),
        ("quota", "A quota of the account is used up"),
        (
            "wordcount is an image for linux/amd64; expected linux/arm64, on which",
            "The image is for another kind of machine",
        ),
        ("The sign-in to AWS has expired: Token has expired and refresh failed", "Credentials have expired"),
        ("existing JobQueue", "The compute environment can't be deleted"),
        ("job 0b0e6f2e is RUNNABLE", "A job stays RUNNABLE"),
        ("the maximum number of vpcs has been reached, says AWS", "A quota of the account is used up"),
    ],
)
def test_messages_as_aws_writes_them_find_their_card(message: str, title: str) -> None:
    assert find_cards(ALL, message)[0].title == title


def test_nothing_is_found_for_what_no_card_is_about() -> None:
    assert find_cards(ALL, "the coffee machine is empty") == []
    assert find_cards(ALL, "...") == find_cards(ALL, "found ...") == []
    assert find_cards([], "anything") == []


def test_the_documents_own_example_finds_its_card() -> None:
    (example,) = re.findall(r'`slipway explain "(.+)"`', TEXT)
    assert find_cards(ALL, example)[0].title == "The image can't be pulled: it is gone"


def test_no_two_cards_have_one_title() -> None:
    assert len({card.title for card in ALL}) == len(ALL)


def test_our_own_messages_are_quoted_as_they_are() -> None:
    quoted = {message for card in ALL for message in card.messages}
    titles = {
        json.loads(re.sub(r"(?<=:)\$context\.\w+(\.\w+)*", '""', text))["title"]
        for error in GATEWAY_ERRORS
        for text in error.templates.values()
    }
    assert {"The API key is missing or not valid", "There is no such operation", "Too many requests"} <= titles & quoted
    assert "The quota of today is used up" in titles & quoted
    problems = (ROOT / "lambda_src" / "trigger" / "problems.py").read_text()
    assert "The API key belongs to no consumer of this API" in problems
    assert "is taken by {owner}. Stop it, or choose another port: " in Path(process.__file__).read_text()
    assert "is taken by another image, and tags never move:" in (ROOT / "cli" / "registry" / "promote.py").read_text()
    assert "There is no space left on the disk for" in (ROOT / "cli" / "stack_files.py").read_text()
    platforms = (ROOT / "cli" / "registry" / "platforms.py").read_text()
    assert "is an image for {content.platform}; expected {PLATFORM}, " in platforms
    refusals = (ROOT / "cli" / "registry" / "failures.py").read_text()
    assert "AWS refuses ecr:" in refusals
    assert "The sign-in to AWS has expired: {error}." in refusals
    assert "Sign in again (aws sso login), then run this again." in refusals
    assert "The Pulumi CLI isn't installed here." in Path(pulumi_cli.__file__).read_text()


def test_the_commands_that_a_card_names_exist() -> None:
    commands = set(typer.main.get_command(main.app).commands)
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`slipway ([a-z-]+)", TEXT)) <= commands
    assert set(re.findall(r"`(?:[A-Z_]+=\S+ )?make ([a-z-]+)", TEXT)) <= targets


@pytest.mark.parametrize(
    "broken",
    [
        "## Title\n\n**Why.** because\n\n**Do.** this\n",
        "## Title\n\n```text\n```\n\n**Why.** because\n\n**Do.** this\n",
        "## Title\n\n```text\nmessage\n```\n\n**Do.** this\n",
        "## Title\n\n```text\nmessage\n```\n\n**Why.** because\n",
    ],
)
def test_a_card_that_lacks_a_part_is_refused(broken: str) -> None:
    with pytest.raises(ValueError, match="## Title"):
        read_cards(broken)
