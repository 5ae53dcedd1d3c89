"""The settings of notifications: off unless somebody is named."""

import pytest

from tests.components.stack import Parse, Problems


def test_nobody_is_told_unless_named(parse: Parse) -> None:
    found = parse().notifications
    assert (found.emails, found.interval_minutes) == ((), 15)


@pytest.mark.parametrize("minutes", [1, 1440])
def test_addresses_and_an_interval(parse: Parse, minutes: int) -> None:
    emails = ["team@example.org", "first.last+slipway@mail.example.org"]
    found = parse({"notifications": {"emails": emails, "intervalMinutes": minutes}}).notifications
    assert (found.emails, found.interval_minutes) == (tuple(emails), minutes)


@pytest.mark.parametrize(
    ("value", "key", "expected"),
    [
        ({"emails": ["team"]}, "emails", "a list of mail addresses"),
        ({"emails": ["team@localhost"]}, "emails", "a list of mail addresses"),
        ({"emails": ["a@example.org,b@example.org"]}, "emails", "a list of mail addresses"),
        ({"emails": ["a@example.org", "a@example.org"]}, "emails", "each once"),
        ({"emails": "a@example.org"}, "emails", "a list of strings"),
        ({"intervalMinutes": 0}, "intervalMinutes", "a whole number of minutes from 1 to 1440"),
        ({"intervalMinutes": 1441}, "intervalMinutes", "a whole number of minutes from 1 to 1440"),
        ({"email": ["a@example.org"]}, "email", "did you mean emails?"),
    ],
)
def test_a_wrong_value_is_refused(problems: Problems, value: dict[str, object], key: str, expected: str) -> None:
    (text,) = problems({"notifications": value})
    assert text.startswith(f"slipway:notifications.{key}: ")
    assert expected in text
