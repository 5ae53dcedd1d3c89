"""One Idempotency-Key in fifty requests at once: one job, and one answer for all.

The harder cases are on an AWS in memory in tests/lambda_src/test_idempotency.py: a SubmitJob that times out after it
was accepted, a leader that is killed at any step, a listing that lags.
"""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests import patient
from tests.e2e.conftest import Api

_AT_ONCE = 50
_MOST_REPEATS = 1_000


@pytest.fixture
def clients() -> Iterator[list[httpx.Client]]:
    """A connection each, as fifty callers have."""
    made = [httpx.Client(trust_env=False, timeout=patient.SECONDS, verify=patient.PLAIN_HTTP) for _ in range(_AT_ONCE)]
    yield made
    for client in made:
        client.close()


def test_fifty_requests_with_one_key_start_one_job(api: Api, clients: list[httpx.Client]) -> None:
    before = {job["jobId"] for job in api.jobs("steps")}
    headers = {"x-api-key": api.key, "Idempotency-Key": secrets.token_hex(8)}

    def send(client: httpx.Client) -> httpx.Response:
        return client.post(f"{api.url}/steps/jobs", json={"do": "succeed"}, headers=headers)

    def insist(client: httpx.Client) -> httpx.Response:
        for _ in range(_MOST_REPEATS):
            response = send(client)
            if response.status_code != 409:
                return response
            assert response.json()["type"] == "urn:slipway:problem:idempotency-in-progress"
            # Asked at once instead: the answer only gets there sooner.
            assert int(response.headers["retry-after"]) >= 1
        raise AssertionError("The first request is under way for ever.")

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(insist, clients))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    assert len({answer.headers["location"] for answer in answers}) == 1
    started = {job["jobId"] for job in api.jobs("steps")} - before
    assert started == {answers[0].json()["jobId"]}
