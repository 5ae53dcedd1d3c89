"""How much time a request has left."""

from typing import Protocol

import limits
from clock import Clock


class LambdaContext(Protocol):
    """What Lambda says about an invocation."""

    def get_remaining_time_in_millis(self) -> int: ...


class Deadline:
    """The moment by which an answer must be ready."""

    def __init__(self, clock: Clock, context: LambdaContext | None) -> None:
        self._clock = clock
        seconds = limits.FUNCTION_TIMEOUT_SECONDS
        if context is not None:
            seconds = min(seconds, context.get_remaining_time_in_millis() / 1000)
        self._end = clock.elapsed() + seconds - limits.OWN_SECONDS / 2

    def allows(self, seconds: float) -> bool:
        """Whether something that may take so long still fits."""
        return self._clock.elapsed() + seconds <= self._end
