"""The job as Batch starts it: environment in, result object and exit code out. S3 is botocore's stub, so these tests
do not prove that the job's role may read and write: the sandbox's end-to-end test and the policy checks do."""

import io
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

from pipelines.wordcount.wordcount import __main__ as program
from pipelines.wordcount.wordcount import storage

CONTEXT = Path(__file__).parent.parent
UPLOAD = "alice/upload-0123456789abcdef0123456789abcdef"
JOB_ID = "8f9a6f0e-3f0c-4f3a-9d2e-0a7a5d1f2b3c"


class Bucket:
    """What the job reads and writes, as the stub of its S3 client."""

    def __init__(self) -> None:
        self.client = boto3.client("s3", region_name="eu-central-1")
        self.stub = Stubber(self.client)
        self.written: dict[str, Any] = {}

    def holds(self, key: str, content: bytes) -> None:
        body = StreamingBody(io.BytesIO(content), len(content))
        self.stub.add_response("get_object", {"Body": body}, {"Bucket": "inputs", "Key": key})

    def refuses(self, code: str) -> None:
        self.stub.add_client_error("get_object", code)

    def expects_result(self) -> None:
        def keep(params: dict[str, Any], **_: Any) -> None:
            self.written.update(params)

        self.client.meta.events.register("provide-client-params.s3.PutObject", keep)
        self.stub.add_response("put_object", {}, {"Bucket": "results", "Key": ANY, "Body": ANY, "ContentType": ANY})

    def result(self) -> dict[str, Any]:
        return json.loads(self.written["Body"])


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    bucket = Bucket()
    monkeypatch.setattr(storage.boto3, "client", lambda _service: bucket.client)
    previous = signal.getsignal(signal.SIGTERM)
    with bucket.stub:
        yield bucket
        bucket.stub.assert_no_pending_responses()
    signal.signal(signal.SIGTERM, previous)


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Any:
    def start(parameters: object) -> int:
        document = parameters if isinstance(parameters, str) else json.dumps(parameters)
        monkeypatch.setenv("JOB_PARAMETERS", document)
        monkeypatch.setenv("RESULTS_URI", "s3://results/wordcount/")
        monkeypatch.setenv("INPUTS_URI", "s3://inputs/wordcount/")
        monkeypatch.setenv("AWS_BATCH_JOB_ID", JOB_ID)
        return program.main()

    return start


def test_the_sample_input_gives_the_result_that_the_readme_shows(bucket: Bucket, start: Any) -> None:
    bucket.expects_result()
    assert start((CONTEXT / "sample-input.json").read_text()) == 0
    assert bucket.written["Key"] == f"wordcount/{JOB_ID}/result.json"
    assert bucket.written["ContentType"] == "application/json; charset=utf-8"
    result = bucket.result()
    assert (result["words"], result["distinctWords"]) == (28, 21)
    assert result["top"][:2] == [{"word": "the", "count": 5}, {"word": "sea", "count": 2}]
    assert len(result["top"]) == 5


def test_an_uploaded_text_is_counted_without_its_byte_order_mark(bucket: Bucket, start: Any) -> None:
    bucket.holds(f"wordcount/{UPLOAD}", b"\xef\xbb\xbfsea Sea")
    bucket.expects_result()
    assert start({"input": {"inputKey": UPLOAD}, "caseSensitive": True}) == 0
    assert bucket.result()["top"] == [{"word": "Sea", "count": 1}, {"word": "sea", "count": 1}]


@pytest.mark.parametrize("code", ["NoSuchKey", "AccessDenied"])
def test_a_missing_input_is_named(bucket: Bucket, start: Any, capsys: pytest.CaptureFixture[str], code: str) -> None:
    bucket.refuses(code)
    assert start({"input": {"inputKey": UPLOAD}}) == os.EX_DATAERR
    assert capsys.readouterr().err == (
        f'wordcount: There is no input "{UPLOAD}": it was never uploaded, or it has expired.\n'
    )


@pytest.mark.parametrize("content", [b"caf\xe9 ", b"caf\xc3"], ids=["another encoding", "cut off"])
def test_bytes_that_are_not_utf8_are_an_input_error(
    bucket: Bucket, start: Any, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    bucket.holds(f"wordcount/{UPLOAD}", content)
    assert start({"input": {"inputKey": UPLOAD}}) == os.EX_DATAERR
    assert "is not UTF-8 text" in capsys.readouterr().err


def test_a_storage_failure_is_not_the_callers_fault(bucket: Bucket, start: Any) -> None:
    bucket.refuses("InternalError")
    assert start({"input": {"inputKey": UPLOAD}}) == os.EX_UNAVAILABLE


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ("{", "JOB_PARAMETERS is not JSON"),
        ([], 'must hold "input"'),
        ({}, 'must hold "input"'),
        ({"input": {}}, 'exactly one of "text" and "inputKey"'),
        ({"input": {"text": "a", "inputKey": "b"}}, 'exactly one of "text" and "inputKey"'),
        ({"input": {"url": "a"}}, 'exactly one of "text" and "inputKey"'),
        ({"input": {"text": 1}}, '"text" must be a string, found 1.'),
        ({"input": {"text": "a"}, "top": True}, '"top" must be an integer, found true.'),
        ({"input": {"text": "a"}, "caseSensitive": 1}, '"caseSensitive" must be true or false, found 1.'),
    ],
)
@pytest.mark.usefixtures("bucket")
def test_unusable_parameters_are_refused(
    start: Any, capsys: pytest.CaptureFixture[str], parameters: object, reason: str
) -> None:
    assert start(parameters) == os.EX_USAGE
    assert reason in capsys.readouterr().err


@pytest.mark.usefixtures("bucket")
def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("JOB_PARAMETERS", raising=False)
    assert program.main() == os.EX_CONFIG
    assert "The environment variable JOB_PARAMETERS is missing" in capsys.readouterr().err


@pytest.mark.usefixtures("bucket")
def test_sigterm_ends_the_job_at_once_and_says_so(
    start: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "run", lambda _environment: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(SystemExit, match="143"):
        start({})
    assert capsys.readouterr().err == "wordcount: Ended from outside: timed out or cancelled.\n"
