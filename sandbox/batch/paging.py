"""Pages of a listing: `maxResults` and an opaque `nextToken`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

from sandbox.batch.errors import ClientError
from sandbox.batch.model import Json

Item = TypeVar("Item")
Key = tuple[str | int, ...]


def page(items: Iterable[Item], key: Callable[[Item], Key], request: Json, size: int) -> tuple[list[Item], str | None]:
    """One page in the order of `key`, and the token of the next one.

    The token holds the key of the last item shown, so that what is added or removed meanwhile neither repeats nor
    hides another item. It belongs to its request: with other filters it is refused.

    Args:
        items: all that the request selects.
        key: unique for each item; strings and numbers only.
        request: its `maxResults` and `nextToken` are read.
        size: the greatest page, which is also the default.
    """
    limit = request.get("maxResults", size)
    if limit < 1:
        raise ClientError(f"maxResults must be 1 to {size}; it is {limit}.")
    ordered = sorted(items, key=key)
    if "nextToken" in request:
        after = _opened(request["nextToken"], request)
        ordered = [item for item in ordered if key(item) > after]
    shown = ordered[: min(limit, size)]
    token = _token(key(shown[-1]), request) if len(shown) < len(ordered) else None
    return shown, token


def _scope(request: Json) -> str:
    rest = {name: value for name, value in request.items() if name not in {"nextToken", "maxResults"}}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()[:16]


def _token(key: Key, request: Json) -> str:
    return base64.urlsafe_b64encode(json.dumps([_scope(request), *key]).encode()).decode()


def _opened(token: str, request: Json) -> Key:
    try:
        scope, *key = cast("list[Any]", json.loads(base64.b64decode(token.encode(), b"-_", validate=True)))
    except (binascii.Error, ValueError, TypeError) as error:
        raise ClientError("nextToken is not a token of this service.") from error
    if scope != _scope(request):
        raise ClientError("nextToken belongs to another request.")
    return tuple(key)
