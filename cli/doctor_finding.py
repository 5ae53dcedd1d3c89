"""What a check of `slipway doctor` found."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How grave it is."""

    OK = "ok"
    WARN = "warn"
    """It may be meant so, or can't be told; a deployment can go on."""
    FAIL = "fail"
    """A deployment would fail."""


@dataclass(frozen=True)
class Finding:
    """The answer of one check."""

    check: str
    status: Status
    found: str
    advice: str = ""
    """What to do; empty where all is well."""
