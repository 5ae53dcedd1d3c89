"""The whole stack in the sandbox, on free ports, for tests that speak HTTP alone."""

import json
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from bench.projects import free_port
from engine.program import run_program
from sandbox import process
from sandbox.context import Clients
from sandbox.deploy import SandboxProvider
from tests import patient

ROOT = Path(__file__).parent.parent.parent
REGION = "eu-central-1"
CONFIG = {
    "aws:region": REGION,
    "pipelines": {
        "wordcount": {"context": "pipelines/wordcount"},
        "steps": {"context": "tests/e2e/pipelines/steps", "timeoutSeconds": 60, "attempts": 1},
    },
    # No test is to be refused for its haste, but those of the two consumers below.
    "throttle": {"rate": 10_000, "burst": 5_000},
    "consumers": {
        "default": {},
        "other": {},
        # One request, and then refused for as long as the tests run.
        "hasty": {"rate": 0.000_001, "burst": 1},
        "thrifty": {"quotaPerDay": 1},
        # Its job is to be overdue: whoever sees a job may call it off, as made-up requests do.
        "slow": {},
    },
}
TERMINAL = ("SUCCEEDED", "FAILED")
_DEADLINE_SECONDS = 300


@dataclass(frozen=True)
class Api:
    """A stack's API, and one consumer's key."""

    url: str
    key: str
    exports: dict[str, Any]

    def call(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        """A request with this consumer's key; `path` starts at the stage."""
        headers = {"x-api-key": self.key, **kwargs.pop("headers", {})}
        return patient.request(method, self.url + path, headers=headers, **kwargs)

    def submit(self, pipeline: str, parameters: Any, **kwargs: Any) -> httpx.Response:
        return self.call("POST", f"/{pipeline}/jobs", json=parameters, **kwargs)

    def submitted(self, pipeline: str, parameters: Any, **kwargs: Any) -> str:
        """The id of a job that was accepted."""
        response = self.submit(pipeline, parameters, **kwargs)
        assert response.status_code == 202, response.text
        return response.json()["jobId"]

    def job(self, pipeline: str, job_id: str) -> dict[str, Any]:
        response = self.call("GET", f"/{pipeline}/jobs/{job_id}")
        assert response.status_code == 200, response.text
        return response.json()

    def until(self, pipeline: str, job_id: str, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The job as soon as it fits."""
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while not fits(job := self.job(pipeline, job_id)):
            assert time.monotonic() < deadline, f"still {job}"
            time.sleep(0.1)
        return job

    def finished(self, pipeline: str, job_id: str) -> dict[str, Any]:
        return self.until(pipeline, job_id, lambda job: job["status"] in TERMINAL)

    def jobs(self, pipeline: str, **query: Any) -> list[dict[str, Any]]:
        """All jobs of a pipeline that this consumer may see, over all pages."""
        found: list[dict[str, Any]] = []
        token: str | None = None
        while True:
            page = self.call(
                "GET", f"/{pipeline}/jobs", params={**query, **({"pageToken": token} if token else {})}
            ).json()
            found += page["jobs"]
            token = page.get("nextPageToken")
            if token is None:
                return found


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sandbox's folder."""
    return tmp_path_factory.mktemp("stack")


@pytest.fixture(scope="session")
def exports(state: Path) -> Generator[dict[str, Any]]:
    sandbox = process.start(state, port=free_port(), region=REGION)
    try:
        provider = SandboxProvider(endpoint_url=sandbox.endpoint_url, region=REGION, state=state, root=ROOT)
        deployment = run_program(ROOT, "local", provider=provider, preview=False, config=CONFIG)
        yield json.loads(json.dumps(deployment.exports))
    finally:
        process.stop(state)


@pytest.fixture(scope="session")
def api(exports: dict[str, Any]) -> Api:
    return Api(exports["apiUrl"], exports["apiKeys"]["default"], exports)


@pytest.fixture(scope="session")
def aws(exports: dict[str, Any]) -> Clients:
    """AWS clients of whoever may do everything in the sandbox."""
    parts = urlsplit(exports["apiUrl"])
    return Clients(f"{parts.scheme}://{parts.netloc}", REGION)


@pytest.fixture(scope="session")
def other(exports: dict[str, Any]) -> Api:
    """The same API, called by another consumer."""
    return Api(exports["apiUrl"], exports["apiKeys"]["other"], exports)


@pytest.fixture(scope="session")
def slow(exports: dict[str, Any]) -> Api:
    """The same API, called by a consumer whose only job is the one that is overdue."""
    return Api(exports["apiUrl"], exports["apiKeys"]["slow"], exports)


@pytest.fixture(scope="session")
def overdue_job(slow: Api) -> str:
    """A job that runs longer than its timeout, submitted early because no timeout is below a minute."""
    return slow.submitted("steps", {"do": "sleep"})
