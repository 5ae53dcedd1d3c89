"""CORS headers of the function's answers. Preflights are answered by the gateway."""

from collections.abc import Sequence
from typing import Final

EXPOSED: Final = "Location, Retry-After, Allow"
"""Headers that a page may read beyond those that browsers always show."""


def cors_headers(allowed: Sequence[str], origin: str | None) -> dict[str, str]:
    """The headers for one answer.

    Args:
        allowed: `["*"]`, or origins such as `https://docs.example.com`.
        origin: the request's Origin header.
    """
    if "*" in allowed:
        return {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": EXPOSED}
    # Caches must not hand one origin's answer to another, whether or not this origin is allowed.
    headers = {"Vary": "Origin", "Access-Control-Expose-Headers": EXPOSED}
    if origin is not None and origin in allowed:
        headers["Access-Control-Allow-Origin"] = origin
    return headers
