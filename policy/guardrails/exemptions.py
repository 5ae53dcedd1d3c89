"""Exemptions: violations that the pack's configuration accepts, each with a reason and perhaps an end."""

import datetime
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from .values import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """One entry of a rule's `exemptions`."""

    urn: str
    """A URN; `*` stands for any text, nothing else is special."""
    reason: str
    until: str = ""
    """The last day on which it holds, as YYYY-MM-DD; empty for no end."""

    def covers(self, urn: str) -> bool:
        return _pattern(self.urn).fullmatch(urn) is not None

    def holds(self, today: datetime.date) -> bool:
        return not self.until or today <= datetime.date.fromisoformat(self.until)


@functools.lru_cache(maxsize=512)
def _pattern(urn: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in urn.split("*")), re.DOTALL)


def exemptions_of(config: Mapping[str, object]) -> list[Exemption]:
    """The exemptions in a rule's configuration, which must be valid by its schema."""
    entries = cast("list[dict[str, str]] | None", plain(config.get("exemptions")))
    return [
        Exemption(urn=entry["urn"], reason=entry["reason"], until=entry.get("until", "")) for entry in entries or []
    ]
