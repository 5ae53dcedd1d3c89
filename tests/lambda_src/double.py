"""AWS in memory, behind real botocore clients: requests are serialized, validated and parsed by botocore's own models.

`before-send` hands each request to a service here instead of the network, so errors and timeouts take the way that they
take in reality. The doubles keep to what AWS documents and the function relies on: conditional writes, a listing that
lags and takes one filter, sizes. They do not prove that AWS does so; the end-to-end tests run against an emulator.
"""

import functools
import json
import re
import threading
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape

import botocore.session
from aws import client_config
from botocore.awsrequest import AWSResponse
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from clock import Clock

REGION = "eu-west-1"
ACCOUNT = "123456789012"
QUEUE = "slipway-dev-jobs"
DEFINITION = "slipway-dev-wordcount"
_SESSION = botocore.session.Session()
_SESSION.set_credentials("AKIDEXAMPLE", "secret", "token")
_SERVICES = {"cloudwatch-logs": "logs"}


class FakeClock(Clock):
    """Stands still but for sleep and `advance`."""

    def __init__(self) -> None:
        self.seconds = 1_795_000_000.0
        self._lock = threading.Lock()

    def now(self) -> float:
        return self.seconds

    def elapsed(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        with self._lock:
            self.seconds += seconds


class ServiceError(Exception):
    def __init__(self, code: str, status: int = 400, **members: Any) -> None:
        super().__init__(code)
        self.code = code
        self.status = status
        self.members = members


class Killed(BaseException):
    """The function's process ends here."""


Fault = Callable[[str, Callable[[], Any]], Any]
"""(call, carry it out) -> its answer: may raise before, after or instead."""


def timeout_after(carry_out: Callable[[], Any]) -> Any:
    carry_out()
    raise ReadTimeoutError(endpoint_url="https://aws")


def timeout_before(_: Callable[[], Any]) -> Any:
    raise ReadTimeoutError(endpoint_url="https://aws")


def unreachable(_: Callable[[], Any]) -> Any:
    raise EndpointConnectionError(endpoint_url="https://aws")


class Double:
    """All services, and the log of what was called."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.batch = Batch(clock)
        self.dynamodb = DynamoDb()
        self.logs = Logs()
        self.s3 = S3()
        self.calls: list[str] = []
        self.fault: Fault | None = None
        self.bodies: dict[str, bytes] = {}
        _current[:] = [self]

    def client(self, service: str) -> Any:
        """A botocore client of a service, as the function sets it up."""
        return _client(service)

    def send(self, request: Any, event_name: str, **_: Any) -> AWSResponse:
        _, service_id, operation = event_name.split(".")
        service = _SERVICES.get(service_id, service_id)
        call = f"{service}:{operation}"
        body = request.body if isinstance(request.body, bytes) else (request.body or "").encode()
        with self.lock:
            self.calls.append(call)
            self.bodies[call] = body
        target = getattr(getattr(self, service), operation)

        def carry_out() -> Any:
            with self.lock:
                return target(_arguments(request, body))

        try:
            answer = self.fault(call, carry_out) if self.fault else carry_out()
        except ServiceError as error:
            answer = {"__type": error.code, "message": "AWS-TEXT " + error.code, **error.members}
            return _response(request.url, error.status, json.dumps(answer), error.code)
        return _response(request.url, 200, answer if isinstance(answer, str) else json.dumps(answer), None)


_current: list[Double] = []


@functools.cache
def _client(service: str) -> Any:
    """One for all tests: making it takes longer than most of them. What it sends goes to the newest double."""
    client = _SESSION.create_client(service, region_name=REGION, config=client_config(service))
    client.meta.events.register("before-send.*.*", lambda **sent: _current[0].send(**sent))
    return client


class Batch:
    """Jobs that do nothing until a test says so."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.jobs: dict[str, dict[str, Any]] = {}
        self.listing_lag_seconds = 0.0
        self.terminated: list[tuple[str, str]] = []
        self.list_page_size = 100

    def add(self, name: str, *, definition: str = DEFINITION, queue: str = QUEUE, **members: Any) -> str:
        job_id = f"{len(self.jobs):08x}-0000-4000-8000-000000000000"
        arn = f"arn:aws:batch:{REGION}:{ACCOUNT}"
        self.jobs[job_id] = {
            "jobId": job_id,
            "jobName": name,
            "jobQueue": f"{arn}:job-queue/{queue}",
            "jobDefinition": f"{arn}:job-definition/{definition}:3",
            "status": "SUBMITTED",
            "createdAt": int(self.clock.now() * 1000),
            **members,
        }
        return job_id

    def SubmitJob(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        assert request.pop("#bytes") <= 30 * 1024
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}", request["jobName"])
        definition, _, revision = request["jobDefinition"].rpartition(":")
        assert revision.isdigit()
        job_id = self.add(
            request["jobName"], definition=definition, queue=request["jobQueue"], timeout=request.get("timeout", {})
        )
        self.jobs[job_id]["container"] = request["containerOverrides"]
        return {"jobId": job_id, "jobName": request["jobName"]}

    def DescribeJobs(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"jobs": [self.jobs[job_id] for job_id in request["jobs"] if job_id in self.jobs]}

    def ListJobs(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        [one] = request["filters"]
        assert one["name"] == "JOB_NAME"
        [pattern] = one["values"]
        start, wild = pattern.lower().removesuffix("*"), pattern.endswith("*")
        shown_until = (self.clock.now() - self.listing_lag_seconds) * 1000
        found = [
            job
            for job in self.jobs.values()
            if job["jobQueue"].rpartition("/")[2] == request["jobQueue"].rpartition("/")[2]
            and job["createdAt"] <= shown_until
            and (job["jobName"].lower().startswith(start) if wild else job["jobName"].lower() == start)
        ]
        found.sort(key=lambda job: (job["createdAt"], job["jobId"]), reverse=True)
        if "nextToken" in request:
            try:
                created_at, job_id = json.loads(request["nextToken"])
            except ValueError:
                raise ServiceError("ClientException") from None
            found = [job for job in found if (job["createdAt"], job["jobId"]) < (created_at, job_id)]
        size = min(request.get("maxResults", 100), self.list_page_size)
        page, more = found[:size], found[size:]
        keys = ("jobId", "jobName", "jobDefinition", "status", "statusReason", "createdAt", "startedAt", "stoppedAt")
        answer: dict[str, Any] = {"jobSummaryList": [{k: job[k] for k in keys if k in job} for job in page]}
        if more:
            answer["nextToken"] = json.dumps([page[-1]["createdAt"], page[-1]["jobId"]])
        return answer

    def TerminateJob(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        job = self.jobs[request["jobId"]]
        if job["status"] not in ("SUCCEEDED", "FAILED"):
            started = job["status"] in ("STARTING", "RUNNING")
            job |= {"isTerminated": True} if started else {"isCancelled": True, "status": "FAILED"}
            job["statusReason"] = request["reason"]
            self.terminated.append((request["jobId"], request["reason"]))
        return {}


class DynamoDb:
    """One table, conditional writes."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}

    def PutItem(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        assert request["TableName"] == "keys"
        key = request["Item"]["id"]["S"]
        self._check(request, self.items.get(key))
        self.items[key] = request["Item"]
        return {}

    def UpdateItem(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        key = request["Key"]["id"]["S"]
        item = self.items.get(key)
        self._check(request, item)
        verb, _, assignments = request["UpdateExpression"].partition(" ")
        assert verb == "SET"
        changed = dict(item or request["Key"])
        for assignment in assignments.split(","):
            name, value = (part.strip() for part in assignment.split("="))
            changed[name] = request["ExpressionAttributeValues"][value]
        self.items[key] = changed
        return {}

    @staticmethod
    def _check(request: dict[str, Any], item: dict[str, Any] | None) -> None:
        values = {name: _plain(value) for name, value in request["ExpressionAttributeValues"].items()}
        if not _holds(request["ConditionExpression"], item or {}, values):
            assert request["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"
            raise ServiceError("ConditionalCheckFailedException", **({"Item": item} if item else {}))


class Logs:
    """Streams of lines; a token is a position, and the same again at the end."""

    def __init__(self) -> None:
        self.streams: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.empty_pages = 0
        """Pages without a line that come before the others, as CloudWatch allows itself."""

    def GetLogEvents(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        assert request["startFromHead"] is True
        events = self.streams.get((request["logGroupName"], request["logStreamName"]))
        if events is None:
            raise ServiceError("ResourceNotFoundException")
        token = request.get("nextToken", "f/0")
        if self.empty_pages:
            self.empty_pages -= 1
            return {"events": [], "nextForwardToken": f"{token}/e"}
        if not re.fullmatch(r"f/\d+(/e)*", token):
            raise ServiceError("InvalidParameterException")
        start = int(token.split("/")[1])
        page = events[start : start + request["limit"]]
        return {"events": page, "nextForwardToken": f"f/{start + len(page)}" if page else token}


class S3:
    """Buckets of sizes."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], int] = {}

    def ListObjectsV2(self, request: dict[str, Any]) -> str:  # noqa: N802
        prefix, size = request["prefix"], int(request["max-keys"])
        found = sorted(
            (key, length)
            for (bucket, key), length in self.objects.items()
            if bucket == request["#bucket"] and key.startswith(prefix)
        )
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{length}</Size></Contents>" for key, length in found[:size]
        )
        truncated = str(len(found) > size).lower()
        return (
            '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<IsTruncated>{truncated}</IsTruncated>{contents}</ListBucketResult>"
        )


class _Raw:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._content


def _response(url: str, status: int, body: str, code: str | None) -> AWSResponse:
    headers = {"x-amzn-requestid": "id"} | ({"x-amzn-errortype": code} if code else {})
    return AWSResponse(url, status, headers, _Raw(body.encode()))


def _arguments(request: Any, body: bytes) -> dict[str, Any]:
    if body:
        return {**json.loads(body), **({"#bytes": len(body)} if "/submitjob" in request.url else {})}
    parts = urllib.parse.urlsplit(request.url)
    return {**dict(urllib.parse.parse_qsl(parts.query)), "#bucket": parts.netloc.partition(".")[0]}


def _plain(value: Mapping[str, str]) -> Any:
    [(kind, text)] = value.items()
    return float(text) if kind == "N" else text


def _holds(expression: str, item: dict[str, Any], values: dict[str, Any]) -> bool:
    """A condition of OR over AND over single terms; a comparison with a missing attribute is false."""
    return any(
        all(_term(term.strip(), item, values) for term in part.split(" AND ")) for part in expression.split(" OR ")
    )


def _term(term: str, item: dict[str, Any], values: dict[str, Any]) -> bool:
    absent = re.fullmatch(r"attribute_not_exists\((\w+)\)", term)
    if absent:
        return absent[1] not in item
    name, operator, value = term.split()
    if name not in item:
        return False
    return {"=": _plain(item[name]) == values[value], "<=": _plain(item[name]) <= values[value]}[operator]
