"""What callers write stays out of the logs: marks are planted in headers, queries, paths and bodies, and looked for in
all that the stack writes.

A valid body is data: it is the job's environment, and a job may print it. The rest must be nowhere.
"""

import secrets
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

from sandbox.context import Clients
from tests.e2e.breakage import broken_function, variables
from tests.e2e.conftest import Api
from tests.e2e.page import NOBODY

JSON = {"content-type": "application/json"}


class Marks:
    """A text of its own for each place in which a caller can write something."""

    def __init__(self) -> None:
        self.planted: dict[str, str] = {}

    def __call__(self, place: str) -> str:
        return self.planted.setdefault(place, f"canary{secrets.token_hex(8)}")


def plant(api: Api, mark: Marks) -> list[str]:
    """Send marks with valid and with broken requests; the ids of the jobs of `wordcount` that they started."""
    headers = {
        "Idempotency-Key": mark("idempotency key"),
        "User-Agent": mark("user agent"),
        "Origin": f"https://{mark('origin')}.example",
        "Referer": f"https://{mark('referrer')}.example",
        "Cookie": f"session={mark('cookie')}",
        "Authorization": f"Bearer {mark('authorization')}",
        "X-Anything": mark("unknown header"),
    }
    answers = [
        api.submit("wordcount", {"input": {"text": mark("data")}}, headers=headers),
        api.submit("wordcount", {"input": {"text": mark("other data")}}, headers=headers),
        api.submit("wordcount", {"input": {"text": mark("other data")}}),
    ]
    api.submit("wordcount", {mark("member"): 1, "input": {"text": 5}}, headers=headers)
    api.submit("steps", {"do": "succeed"}, headers=headers)
    jobs = "/steps/jobs"
    api.call("POST", jobs, content=f'{{"{mark("broken body")}', headers={**headers, **JSON})
    api.call("POST", jobs, content=mark("plain body"), headers={**headers, "content-type": "text/plain"})
    api.call("POST", jobs, content="{}", headers={"content-type": f"text/{mark('media type')}"})
    api.call("POST", "/steps/uploads", json={"contentType": mark("upload type")})
    api.call("GET", jobs, headers=headers)
    api.call("GET", jobs, params={mark("unknown parameter"): mark("its value")}, headers=headers)
    for name in ("status", "limit", "pageToken"):
        api.call("GET", jobs, params={name: mark(name)})
    for path in ("", "/logs"):
        api.call("GET", f"{jobs}/{mark('job id')}{path}", params={"pageToken": mark("pageToken")})
    api.call("DELETE", f"{jobs}/{NOBODY}", params={"reason": mark("reason")}, headers=headers)
    api.call("GET", f"/{mark('route')}/{mark('route')}")
    api.call("GET", jobs, headers={"x-api-key": mark("wrong key")})
    return [answer.json()["jobId"] for answer in answers if answer.status_code == HTTPStatus.ACCEPTED]


def logged(aws: Clients) -> Iterator[tuple[str, str]]:
    """Log group and line."""
    logs = aws("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        name = group["logGroupName"]
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=name):
            for event in page["events"]:
                yield name, event["message"]


def written(state: Path) -> Iterator[tuple[str, str]]:
    """Name and content of each file in the sandbox's folder, the images' own apart."""
    for path in state.rglob("*"):
        if path.is_file() and "images" not in path.relative_to(state).parts:
            yield str(path.relative_to(state)), path.read_bytes().decode("latin-1")


def stored(aws: Clients) -> Iterator[tuple[str, str]]:
    """Table and item."""
    dynamodb = aws("dynamodb")
    for table in dynamodb.list_tables()["TableNames"]:
        for page in dynamodb.get_paginator("scan").paginate(TableName=table):
            for item in page["Items"]:
                yield table, str(item)


def test_what_callers_write_is_in_no_log_and_no_table(api: Api, aws: Clients, state: Path) -> None:
    mark = Marks()
    started = plant(api, mark)
    assert len(started) == 2, "the third is refused: another body with the same Idempotency-Key"
    with variables(aws, AWS_ENDPOINT_URL="http://127.0.0.1:1"):
        plant(api, mark)
    with variables(aws, aws_jobqueue="other", IDEMPOTENCY_TABLE="other"):
        plant(api, mark)
    with broken_function(aws):
        api.submit("steps", {"do": "succeed"}, headers={"Idempotency-Key": mark("idempotency key")})
    for job_id in started:
        api.finished("wordcount", job_id)

    is_data = {mark("data"), mark("other data")}
    secret = {**mark.planted, **{f"key of {name}": key for name, key in api.exports["apiKeys"].items()}}
    lines = list(logged(aws))
    found = [
        f"{place} in {where}: {text[:300]}"
        for where, text in [*lines, *written(state), *stored(aws)]
        for place, value in secret.items()
        if value in text and not (value in is_data and where in ("/aws/batch/slipway-local-wordcount", "jobs.json"))
    ]
    assert not found
    # It looked where something is: each request has a line.
    groups = {name for name, line in lines if '"requestId"' in line}
    assert {f"/aws/lambda/slipway-local-{pipeline}-trigger" for pipeline in ("wordcount", "steps")} <= groups
    assert "server.log" in dict(written(state))
