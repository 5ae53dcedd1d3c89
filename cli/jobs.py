"""`slipway submit`, `status` and `logs`: a client of the API, for the sandbox and for deployed stacks alike."""

import json
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from rich.text import Text

from cli.console import answer, print_json, progress
from cli.errors import CliError
from cli.outputs import StackOutputs, load_outputs
from cli.project import find_root

TERMINAL_STATUSES = ("SUCCEEDED", "FAILED")
_POLL_SECONDS = 0.2
_MAX_POLL_SECONDS = 5.0


class JobsApi:
    """The API of one stack, called with one consumer's key."""

    def __init__(self, outputs: StackOutputs, consumer: str | None = None) -> None:
        self._outputs = outputs
        # What the environment says of proxies is not for the sandbox on this machine.
        self._local = outputs.api_url.startswith("http://127.0.0.1")
        self._client = httpx.Client(
            headers={"x-api-key": outputs.key_of(consumer)}, timeout=35, trust_env=not self._local
        )

    def submit(self, pipeline: str, parameters: object) -> dict[str, Any]:
        """Start a job; the API's answer."""
        return self._call("POST", f"/{pipeline}/jobs", parameters)

    def status(self, pipeline: str, job_id: str) -> dict[str, Any]:
        """A job as it is now."""
        return self._call("GET", f"/{pipeline}/jobs/{quote(job_id, safe='')}")

    def follow(self, pipeline: str, job_id: str) -> Iterator[dict[str, Any]]:
        """A job again and again, the last time when it has ended; waits longer from time to time."""
        pause = _POLL_SECONDS
        while True:
            job = self.status(pipeline, job_id)
            yield job
            if job["status"] in TERMINAL_STATUSES:
                return
            time.sleep(pause)
            pause = min(pause * 1.3, _MAX_POLL_SECONDS)

    def log_page(self, pipeline: str, job_id: str, token: str | None) -> dict[str, Any]:
        """One page of a job's log."""
        query = {"pageToken": token} if token else {}
        return self._call("GET", f"/{pipeline}/jobs/{quote(job_id, safe='')}/logs", query=query)

    def fetch(self, url: str) -> str:
        """The text behind a presigned link of a job's results; the link itself is the permission, no key is sent."""
        response = httpx.get(url, timeout=35, trust_env=not self._local)
        if not response.is_success:
            raise CliError(f"The result can't be read: {response.status_code}.")
        return response.text

    def _call(
        self, method: str, path: str, body: object = None, query: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        pipeline = path.split("/")[1]
        self._outputs.check_pipeline(pipeline)
        content = None if body is None else json.dumps(body)
        headers = {} if body is None else {"content-type": "application/json"}
        try:
            response = self._client.request(
                method, self._outputs.api_url + path, content=content, headers=headers, params=query
            )
        except httpx.TransportError as error:
            raise CliError(f"The API at {self._outputs.api_url} can't be reached: {error}") from error
        if response.is_success:
            return response.json()
        raise CliError(_problem_text(response))


def run_submit(pipeline: str, source: str, stack: str, consumer: str | None, *, wait: bool, as_json: bool) -> int:
    """Start a job; with `wait` 1 if it failed."""
    outputs = load_outputs(find_root(), stack)
    outputs.check_pipeline(pipeline)
    api = JobsApi(outputs, consumer)
    job = api.submit(pipeline, read_parameters(source))
    if wait:
        said = ""
        for state in api.follow(pipeline, job["jobId"]):
            if state["status"] != said:
                progress.print(f"{state['jobId']}  {state['status']}")
            job, said = state, state["status"]
    if as_json:
        print_json(job)
    elif wait:
        print_job(job)
    else:
        answer.print(f"{job['jobId']}  {job['status']}")
        progress.print(f"Follow it: slipway status {pipeline} {job['jobId']} --stack {stack}")
    return int(job["status"] == "FAILED")


def run_status(pipeline: str, job_id: str, stack: str, consumer: str | None, *, as_json: bool) -> int:
    """Print a job."""
    job = JobsApi(load_outputs(find_root(), stack), consumer).status(pipeline, job_id)
    if as_json:
        print_json(job)
    else:
        print_job(job)
    return 0


def run_logs(pipeline: str, job_id: str, stack: str, consumer: str | None, *, follow: bool, as_json: bool) -> int:
    """Print a job's log, to its end so far or, with `follow`, to the end of the job."""
    api = JobsApi(load_outputs(find_root(), stack), consumer)
    token: str | None = None
    while True:
        page = api.log_page(pipeline, job_id, token)
        for event in page["events"]:
            if as_json:
                sys.stdout.write(json.dumps(event) + "\n")
            else:
                answer.print(event["message"])
        token = page.get("nextPageToken")
        # A token after an empty page: the job still runs and may write more.
        if token is None or not (page["events"] or follow):
            return 0
        if not page["events"]:
            time.sleep(_POLL_SECONDS)


def print_job(job: Mapping[str, Any]) -> None:
    """A job for people."""
    colour = {"SUCCEEDED": "green", "FAILED": "red"}.get(job["status"], "yellow")
    answer.print(Text.assemble(f"{job['jobId']}  ", (job["status"], colour)))
    if job.get("statusReason"):
        answer.print(f"  reason   {job['statusReason']}")
    for name in ("createdAt", "startedAt", "stoppedAt"):
        if job.get(name):
            answer.print(f"  {name.removesuffix('At'):8} {job[name]}")
    for number, attempt in enumerate(job.get("attempts", ()), 1):
        answer.print(f"  attempt  {number}: {_attempt(attempt)}")
    for file in job.get("results", {}).get("files", []):
        answer.print(f"  result   {file['name']}  {file['url']}")


def _attempt(attempt: Mapping[str, Any]) -> str:
    code, reason = attempt.get("exitCode"), attempt.get("reason")
    said = [] if code is None else [f"exit code {code}"]
    return ", ".join([*said, *([str(reason)] if reason else [])]) or "no exit code"


def read_parameters(source: str) -> object:
    """The JSON document in a file, or on standard input.

    Raises:
        CliError: it can't be read, or is none.
    """
    name = "on standard input" if source == "-" else source
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CliError(f"The input {name} can't be read: {error}") from error
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise CliError(f"The input {name} is not JSON: {error}. Give the job's parameters: --input FILE") from error


def _problem_text(response: httpx.Response) -> str:
    """The API's own words about an error (RFC 9457)."""
    try:
        problem: dict[str, Any] = response.json()
    except ValueError:
        return f"The API answered {response.status_code} without a reason."
    text = f"The API answered {response.status_code}: {problem.get('title', '')}. {problem.get('detail', '')}".rstrip()
    for error in problem.get("errors", []):
        text += f"\n  {error.get('pointer', '')}: {error.get('detail', '')}"
    return text
