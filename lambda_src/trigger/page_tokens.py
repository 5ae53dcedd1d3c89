"""Page tokens: opaque to the caller, and good only for the request that they came from.

A token holds no secret and grants nothing: each page is selected by the caller's own name again. The digest keeps a
token from being used with another filter, another job or another consumer, and finds what was cut off or mistyped.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import limits
from problems import Problem

_DIGEST_BYTES: Final = 12
_ALPHABET: Final = re.compile(r"[A-Za-z0-9_-]+")


def encode(bound_to: Sequence[str], state: Mapping[str, Any]) -> str:
    """A token for a state.

    Args:
        bound_to: all that must be the same when the token comes back.
        state: JSON values.
    """
    payload = json.dumps(state, separators=(",", ":"), sort_keys=True).encode()
    return base64.urlsafe_b64encode(_digest(bound_to, payload) + payload).decode().rstrip("=")


def decode(token: str, bound_to: Sequence[str]) -> dict[str, Any]:
    """The state in a token.

    Raises:
        Problem: it isn't one of ours, or is another request's.
    """
    if len(token) > limits.MAX_TOKEN_CHARACTERS or not _ALPHABET.fullmatch(token):
        raise invalid_token()
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        raise invalid_token() from None
    digest, payload = raw[:_DIGEST_BYTES], raw[_DIGEST_BYTES:]
    # The comparison of the text refuses other spellings of the same bytes.
    if digest != _digest(bound_to, payload) or base64.urlsafe_b64encode(raw).decode().rstrip("=") != token:
        raise invalid_token()
    return cast("dict[str, Any]", json.loads(payload))


def invalid_token() -> Problem:
    """The answer to a token that can't be used."""
    return Problem(
        "invalid-page-token", "Take nextPageToken from the answer to this same request, or start over without."
    )


def _digest(bound_to: Sequence[str], payload: bytes) -> bytes:
    return hashlib.blake2b(payload + json.dumps(list(bound_to)).encode(), digest_size=_DIGEST_BYTES).digest()
