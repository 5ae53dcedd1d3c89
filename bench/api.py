"""The API in the sandbox under load: how many requests a second, and how long they take."""

import http.client
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.measure import ROOT, Figure
from bench.projects import free_port
from engine.program import run_program
from sandbox import process
from sandbox.context import Clients
from sandbox.deploy import SandboxProvider

_REGION = "eu-central-1"
_CONFIG = {
    "aws:region": _REGION,
    "pipelines": {"wordcount": {"context": "pipelines/wordcount"}},
    "consumers": {"default": {"quotaPerDay": 1_000_000}},
    # The sandbox is what is measured, not the throttle.
    "throttle": {"rate": 10_000, "burst": 5_000},
}
_CLIENTS = (1, 8, 32)
_REQUESTS = 320
_RUNS = 3


def figures() -> Iterator[Figure]:
    """`GET /wordcount/jobs`, which asks Batch once, by more and more callers at once."""
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        state = Path(folder)
        sandbox = process.start(state, port=free_port(), region=_REGION)
        try:
            provider = SandboxProvider(endpoint_url=sandbox.endpoint_url, region=_REGION, state=state, root=ROOT)
            exports = run_program(ROOT, "local", provider=provider, preview=False, config=_CONFIG).exports
            for clients in _CLIENTS:
                yield from _under_load(exports, clients)
            own = _own_milliseconds(Clients(sandbox.endpoint_url, _REGION), exports)
            yield Figure("sandbox: function's time without AWS calls", own, "ms")
        finally:
            process.stop(state)


def _under_load(exports: dict[str, Any], clients: int) -> Iterator[Figure]:
    runs = [_run(exports["apiUrl"], exports["apiKeys"]["default"], clients) for _ in range(_RUNS + 1)][1:]
    what = f"sandbox, {clients} client{'s' if clients > 1 else ''}"
    yield Figure(f"{what}: requests per second", [_REQUESTS / wall for wall, _ in runs], "/s", digits=0)
    for percent in (50, 99):
        samples = [statistics.quantiles(times, n=100)[percent - 1] * 1000 for _, times in runs]
        yield Figure(f"{what}: p{percent} of a request", samples, "ms", digits=1)


def _run(url: str, key: str, clients: int) -> tuple[float, list[float]]:
    """Seconds in all, and of each request."""
    gate = threading.Barrier(clients + 1)
    with ThreadPoolExecutor(clients) as pool:
        futures = [pool.submit(_client, url, key, _REQUESTS // clients, gate) for _ in range(clients)]
        gate.wait()
        started = time.perf_counter()
        times = [seconds for future in futures for seconds in future.result()]
        return time.perf_counter() - started, times


def _client(url: str, key: str, requests: int, gate: threading.Barrier) -> list[float]:
    """One caller, on one connection; the seconds of each of its requests."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    connection.connect()
    gate.wait()
    times: list[float] = []
    for _ in range(requests):
        started = time.perf_counter()
        connection.request("GET", f"{parts.path}/wordcount/jobs", headers={"x-api-key": key})
        response = connection.getresponse()
        response.read()
        times.append(time.perf_counter() - started)
        if response.status != http.client.OK:
            raise RuntimeError(f"The API answered {response.status}.")
    connection.close()
    return times


def _own_milliseconds(aws: Clients, exports: dict[str, Any]) -> list[float]:
    """What the function's log says of each request, its waits for AWS taken off."""
    group = f"/aws/lambda/{exports['pipelines']['wordcount']['functionName']}"
    pages = aws("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    texts = [event["message"] for page in pages for event in page["events"] if '"awsMilliseconds"' in event["message"]]
    lines = [json.loads(text[text.index("{") : text.rindex("}") + 1]) for text in texts]
    return [line["milliseconds"] - line["awsMilliseconds"] for line in lines]
