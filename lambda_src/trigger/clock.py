"""Time, in one place so that tests can set it."""

import datetime
import time


class Clock:
    """The time of day, the time that passes, and waiting."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def elapsed(self) -> float:
        """Seconds since some moment in the past; never steps back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def rfc3339(millis: int) -> str:
    """`2026-11-21T11:35:00.123Z` for milliseconds since 1970."""
    seconds, rest = divmod(millis, 1000)
    moment = datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"
