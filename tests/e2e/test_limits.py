"""Limits in bytes: what just fits is accepted, one byte more is refused with 413 and the reason.

Not proven: that AWS counts as the function does, to the byte (the function measures the very request that it sends, and
the sandbox's Batch refuses a larger one, too), and that between 6 MB, which Lambda takes, and 10 MB, which the gateway
takes, the gateway's own answer is one of those that tests/e2e/test_cors_definitions.py judges.
"""

import json
import re
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Api
from tests.e2e.test_api import assert_problem

SUBMIT_BYTES = 30 * 1024
BODY_BYTES = 256 * 1024
GATEWAY_BYTES = 10 * 1024 * 1024
_BYTES_OF_A_SMILE = 12
"""Of one emoji in a SubmitJob request, which is JSON in ASCII: two escapes of six."""
_LONGEST_TEXT = 5000
"""Characters that the pipeline's schema allows."""


def request_of(smiles: int, letters: int) -> dict[str, Any]:
    return {"input": {"text": "\N{GRINNING FACE}" * smiles + "a" * letters}}


def bytes_too_large(response: httpx.Response) -> int:
    problem = assert_problem(response, 413)
    [size] = re.findall(r"would have (\d+) bytes", problem["detail"])
    return int(size)


@pytest.mark.parametrize("query", [{}, {"timeoutSeconds": "60"}], ids=["alone", "with timeout"])
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "limits"}], ids=["without key", "with key"])
def test_a_job_of_30_kib_is_accepted_and_one_byte_more_is_not(
    api: Api, query: dict[str, str], headers: dict[str, str]
) -> None:
    headers = {name: f"{value} {query}".replace(" ", "-") for name, value in headers.items()}

    def submit(smiles: int, letters: int) -> httpx.Response:
        return api.submit("wordcount", request_of(smiles, letters), params=query, headers=headers)

    overhead = bytes_too_large(submit(_LONGEST_TEXT, 0)) - _LONGEST_TEXT * _BYTES_OF_A_SMILE
    smiles, letters = divmod(SUBMIT_BYTES - overhead, _BYTES_OF_A_SMILE)
    assert bytes_too_large(submit(smiles, letters + 1)) == SUBMIT_BYTES + 1
    accepted = submit(smiles, letters)
    assert accepted.status_code == 202, accepted.text
    # The refusals before it haven't used up the key; the job isn't needed.
    api.call("DELETE", f"/wordcount/jobs/{accepted.json()['jobId']}")


def padded(size: int) -> bytes:
    """A valid body of so many bytes."""
    body = json.dumps({"contentType": "text/plain"}).encode()
    return body[:-1] + b" " * (size - len(body)) + b"}"


def upload(api: Api, body: bytes, content_type: str = "application/json") -> httpx.Response:
    return api.call("POST", "/steps/uploads", content=body, headers={"content-type": content_type})


def test_a_body_of_256_kib_is_accepted_and_one_byte_more_is_not(api: Api) -> None:
    assert upload(api, padded(BODY_BYTES)).status_code == 201
    assert str(BODY_BYTES) in assert_problem(upload(api, padded(BODY_BYTES + 1)), 413)["detail"]


def test_the_gateway_passes_10_mib_on_and_refuses_one_byte_more(api: Api) -> None:
    at_the_limit = assert_problem(upload(api, b" " * GATEWAY_BYTES, "text/plain"), 415)
    assert at_the_limit["type"].endswith(":unsupported-media-type"), "the function's own answer"
    beyond = assert_problem(upload(api, b" " * (GATEWAY_BYTES + 1), "text/plain"), 413)
    assert beyond["detail"].startswith("The gateway takes 10 MB.")
