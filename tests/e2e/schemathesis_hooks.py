"""What Schemathesis can't know of this API. Loaded by its command line, see test_generated_requests.py."""

import itertools
import re
from typing import Any

import schemathesis
from schemathesis.core.failures import Failure
from schemathesis.core.transport import Response
from schemathesis.generation import GenerationMode
from schemathesis.generation.case import Case
from schemathesis.openapi.checks import RejectedPositiveData, UseAfterFree

_fresh = itertools.count()
_VALID_KEY = re.compile(r"[!-~]{1,255}")


@schemathesis.hook
def before_call(context: Any, case: Case, kwargs: Any) -> None:
    """Valid idempotency keys are new: the generator repeats its values, with other bodies."""
    headers = case.headers
    key = headers.get("Idempotency-Key") if headers else None
    if isinstance(key, str) and _VALID_KEY.fullmatch(key):
        suffix = str(next(_fresh))
        headers["Idempotency-Key"] = key[: 255 - len(suffix)] + suffix


@schemathesis.hook
def filter_failure(context: Any, failure: Failure, case: Case, response: Response) -> bool:
    """False for what is no failure of this API."""
    if isinstance(failure, UseAfterFree):
        # DELETE calls a job off. The job stays, with its status and log.
        return False
    if isinstance(failure, RejectedPositiveData):
        # What is made up fits the schema and is refused all the same: page tokens are opaque, uploads are the caller's.
        return not (_refused_for(response, "page token") or _refused_for(response, "yours") or _has_negative_part(case))
    return True


def _refused_for(response: Response, words: str) -> bool:
    problem = response.json()
    return words in f"{problem['title']} {problem['detail']}"


def _has_negative_part(case: Case) -> bool:
    """Whether a case that counts as valid was built around a part that isn't.

    The coverage phase takes an invalid body for its template where it finds no valid one, as for `minProperties` and
    `maxProperties` of one among several properties.
    """
    components = case.meta.components.values() if case.meta else ()
    return any(component.mode is GenerationMode.NEGATIVE for component in components)
