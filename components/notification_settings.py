"""The settings of the messages about images and jobs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from components.settings_reader import Section

_ADDRESS = r"[^@\s,;<>\"]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+"
_MAX_MINUTES = 1440


@dataclass(frozen=True, kw_only=True)
class NotificationSettings:
    """Who learns of pushes, scan findings and failed jobs."""

    emails: Sequence[str]
    """Empty: nobody, and nothing is created."""
    interval_minutes: int
    """Failures are counted into one message for so long: 1 to 1440, default 15."""


def read_notifications(top: Section) -> NotificationSettings:
    """Read `notifications`; problems are kept in the section."""
    section = top.section("notifications")
    section.refuse_unknown(("emails", "intervalMinutes"))
    emails = section.distinct(
        "emails",
        lambda email: re.fullmatch(_ADDRESS, email),
        "a list of mail addresses, each once",
        section.set_command("emails[0]", "team@example.org"),
    )
    return NotificationSettings(
        emails=emails,
        interval_minutes=section.integer("intervalMinutes", 15, minimum=1, maximum=_MAX_MINUTES, unit="minutes"),
    )
