"""The trigger function alone, as its zip: a cold start, calls on a warm one, and its size. AWS answers from memory."""

import io
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.measure import ROOT, Figure, repeat
from components.lambda_package import SCHEMA_FILE, trigger_archive
from sandbox.archives import zip_bytes

_SCHEMA = ROOT / "pipelines/wordcount" / SCHEMA_FILE
_CALLS = 100
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_LAMBDA_FUNCTION_NAME": "bench",
    "CONSUMERS": '{"key": "default"}',
    "CORS_ORIGINS": "*",
    "IDEMPOTENCY_TABLE": "table",
    "INPUTS_BUCKET": "inputs",
    "LOG_GROUP": "/aws/batch/bench",
    "MAX_TIMEOUT_SECONDS": "900",
    "PIPELINE": "wordcount",
    "RESULTS_BUCKET": "results",
    "aws_jobdefinition": "bench:1",
    "aws_jobqueue": "bench",
}
_SCRIPT = """
import io, json, sys, time
began = time.perf_counter()
events = json.loads(sys.argv[1])
import handler
from botocore.awsrequest import AWSResponse

class Raw(io.BytesIO):
    def stream(self, *_, **__):
        yield self.read()

def answer(request, **_):
    found = {"jobId": "0b0e6f2e-0d3b-4f6c-9a52-3d0b6a0f7a11", "jobName": "n", "jobSummaryList": [], "jobs": []}
    return AWSResponse(request.url, 200, {}, Raw(json.dumps(found).encode()))

aws = handler._application()._aws
aws.client("batch").meta.events.register("before-send.*.*", answer)
out, sys.stdout = sys.stdout, io.StringIO()
assert handler.handle(events[0], None)["statusCode"] < 300
first = time.perf_counter() - began
later = []
for event in events * int(sys.argv[2]):
    started, waited = time.perf_counter(), aws.seconds
    assert handler.handle(event, None)["statusCode"] < 300
    later.append(time.perf_counter() - started - (aws.seconds - waited))
json.dump({"first": first, "later": later}, out)
"""


def figures() -> Iterator[Figure]:
    """Time until the first answer of a new process, own time of later ones, and bytes."""
    package = zip_bytes(trigger_archive(ROOT, json.loads(_SCHEMA.read_text())), ROOT)
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            archive.extractall(folder)
        yield Figure("trigger function: import and first answer", repeat(lambda: _run(folder)["first"]), "s", "0.6 s")
        later = [seconds * 1000 for seconds in _run(folder)["later"]]
    yield Figure("trigger function: own time of a later call", later, "ms", "5 ms")
    yield Figure("trigger function: size of the zip", [len(package) / 1024**2], "MiB", "2 MiB")


def _run(folder: str) -> dict[str, Any]:
    # -B: Lambda's folder is read-only, so each cold start compiles the modules anew.
    command = [sys.executable, "-B", "-c", _SCRIPT, json.dumps(_events()), str(_CALLS)]
    environment = {**_ENVIRONMENT, "HOME": folder, "PYTHONPATH": folder}
    done = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True)  # noqa: S603 - our own
    return json.loads(done.stdout)


def _events() -> list[dict[str, Any]]:
    return [_event("GET", None), _event("POST", (Path(_SCHEMA.parent) / "sample-input.json").read_text())]


def _event(method: str, body: str | None) -> dict[str, Any]:
    return {
        "httpMethod": method,
        "resource": "/wordcount/jobs",
        "path": "/wordcount/jobs",
        "multiValueHeaders": {"Content-Type": ["application/json"]},
        "body": body,
        "isBase64Encoded": False,
        "requestContext": {
            "requestId": "bench",
            "stage": "default",
            "path": "/default/wordcount/jobs",
            "identity": {"apiKeyId": "key"},
        },
    }
