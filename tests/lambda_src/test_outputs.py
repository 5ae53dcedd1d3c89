"""What a job leaves behind: its log and its results; and the form for what it reads.

The doubles do not prove that S3 accepts a signature or refuses a size: the end-to-end tests and AWS do.
"""

import base64
import json
import urllib.parse
from collections.abc import Callable
from typing import Any

import pytest
from handler import Application
from results import content_type_of

from tests.lambda_src.conftest import Call, Reply, event
from tests.lambda_src.double import REGION, Double, FakeClock, ServiceError

JOBS = "/wordcount/jobs"
NAME = "wordcount-a-r" + "0" * 24
GROUP = "/aws/batch/wordcount"


def lines(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [{"timestamp": 1_795_000_000_000 + n, "message": f"line {n}"} for n in range(start, start + count)]


def attempt(stream: str | None) -> dict[str, Any]:
    return {"container": {"logStreamName": stream} if stream else {}}


class TestLogs:
    def read(self, call: Call, job_id: str, **query: str) -> dict[str, Any]:
        reply = call("GET", f"{JOBS}/{job_id}/logs", query=query)
        assert reply.status == 200
        return reply.body

    def messages(self, body: dict[str, Any]) -> list[str]:
        return [entry["message"] for entry in body["events"]]

    def test_a_finished_job_is_read_page_by_page(self, call: Call, double: Double) -> None:
        job_id = double.batch.add(
            NAME, status="SUCCEEDED", container={"logStreamName": "s/1"}, attempts=[attempt("s/1")]
        )
        double.logs.streams[GROUP, "s/1"] = lines(5)
        first = self.read(call, job_id, limit="3")
        assert first["events"][0] == {"timestamp": "2026-11-18T11:06:40.000Z", "message": "line 0"}
        assert (first["jobId"], first["status"], first["attempt"]) == (job_id, "SUCCEEDED", 1)
        second = self.read(call, job_id, limit="3", pageToken=first["nextPageToken"])
        assert self.messages(first) + self.messages(second) == [f"line {n}" for n in range(5)]
        # CloudWatch shows the end by the same token again.
        last = self.read(call, job_id, pageToken=second["nextPageToken"])
        assert last["events"] == []
        assert "nextPageToken" not in last

    def test_an_empty_page_is_not_the_end(self, call: Call, double: Double) -> None:
        job_id = double.batch.add(NAME, status="SUCCEEDED", container={"logStreamName": "s/1"})
        double.logs.streams[GROUP, "s/1"] = lines(1)
        double.logs.empty_pages = 1
        first = self.read(call, job_id)
        assert first["events"] == []
        assert self.messages(self.read(call, job_id, pageToken=first["nextPageToken"])) == ["line 0"]

    def test_a_running_job_is_followed(self, call: Call, double: Double) -> None:
        job_id = double.batch.add(NAME, status="RUNNABLE", container={})
        waiting = self.read(call, job_id)
        assert waiting == {
            "jobId": job_id,
            "status": "RUNNABLE",
            "events": [],
            "nextPageToken": waiting["nextPageToken"],
        }
        double.batch.jobs[job_id] |= {"status": "RUNNING", "container": {"logStreamName": "s/1"}}
        early = self.read(call, job_id, pageToken=waiting["nextPageToken"])
        # The stream is made with its first line.
        assert (early["events"], early["attempt"]) == ([], 1)
        double.logs.streams[GROUP, "s/1"] = lines(2)
        first = self.read(call, job_id, pageToken=early["nextPageToken"])
        assert self.messages(first) == ["line 0", "line 1"]
        nothing_new = self.read(call, job_id, pageToken=first["nextPageToken"])
        assert nothing_new["events"] == []
        double.logs.streams[GROUP, "s/1"] += lines(1, start=2)
        assert self.messages(self.read(call, job_id, pageToken=nothing_new["nextPageToken"])) == ["line 2"]

    def test_attempts_are_numbered_and_the_latest_is_shown(self, call: Call, double: Double) -> None:
        job_id = double.batch.add(
            NAME,
            status="RUNNING",
            container={"logStreamName": "s/3"},
            attempts=[attempt("s/1"), attempt(None)],
        )
        for stream in ("s/1", "s/3"):
            double.logs.streams[GROUP, stream] = [{"timestamp": 0, "message": stream}]
        latest = self.read(call, job_id)
        assert (latest["attempt"], self.messages(latest)) == (3, ["s/3"])
        first = self.read(call, job_id, attempt="1")
        assert (first["attempt"], self.messages(first)) == (1, ["s/1"])
        for missing in ("2", "4"):
            body = self.read(call, job_id, attempt=missing)
            assert body["events"] == []
            assert "attempt" not in body

    def test_a_token_stays_with_its_attempt(self, call: Call, double: Double) -> None:
        job_id = double.batch.add(NAME, status="RUNNING", container={"logStreamName": "s/1"})
        double.logs.streams[GROUP, "s/1"] = lines(2)
        token = self.read(call, job_id, limit="1")["nextPageToken"]
        double.batch.jobs[job_id] |= {"attempts": [attempt("s/1")], "container": {"logStreamName": "s/2"}}
        double.logs.streams[GROUP, "s/2"] = lines(1, start=7)
        assert self.messages(self.read(call, job_id, pageToken=token)) == ["line 1"]
        assert self.messages(self.read(call, job_id)) == ["line 7"]

    def test_a_token_is_bound_to_its_job(self, call: Call, double: Double) -> None:
        one, other = (double.batch.add(NAME, status="RUNNING", container={}) for _ in range(2))
        token = self.read(call, one)["nextPageToken"]
        reply = call("GET", f"{JOBS}/{other}/logs", query={"pageToken": token})
        assert (reply.status, reply.problem) == (400, "invalid-page-token")

    def test_a_token_that_cloudwatch_no_longer_knows_is_a_400(self, call: Call, double: Double) -> None:
        job_id = double.batch.add(NAME, status="RUNNING", container={"logStreamName": "s/1"})
        double.logs.streams[GROUP, "s/1"] = lines(1)
        token = self.read(call, job_id)["nextPageToken"]

        def expired(name: str, run: Callable[[], Any]) -> Any:
            if name == "logs:GetLogEvents":
                raise ServiceError("InvalidParameterException")
            return run()

        double.fault = expired
        reply = call("GET", f"{JOBS}/{job_id}/logs", query={"pageToken": token})
        assert (reply.status, reply.problem) == (400, "invalid-page-token")

    def test_a_page_stays_within_what_lambda_can_answer(self, call: Call, double: Double) -> None:
        job_id = double.batch.add(NAME, status="SUCCEEDED", container={"logStreamName": "s/1"})
        double.logs.streams[GROUP, "s/1"] = [{"timestamp": 0, "message": "\x00" * 200_000} for _ in range(5)]
        sizes: list[int] = []
        token: dict[str, str] = {}
        while True:
            reply = call("GET", f"{JOBS}/{job_id}/logs", query=token)
            sizes.append(len(reply.body["events"]))
            assert len(json.dumps(reply.text)) < 6 * 1024 * 1024
            if "nextPageToken" not in reply.body:
                break
            token = {"pageToken": reply.body["nextPageToken"]}
        assert sum(sizes) == 5

    @pytest.mark.parametrize(
        "query", [{"attempt": "0"}, {"attempt": "11"}, {"limit": "1001"}, {"limit": "0"}, {"follow": "1"}]
    )
    def test_a_query_that_does_not_fit_is_a_400(self, call: Call, query: dict[str, str]) -> None:
        assert call("GET", f"{JOBS}/x/logs", query=query).problem == "invalid-request"


class TestResults:
    @pytest.mark.parametrize("status", ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"])
    def test_an_unfinished_job_has_none(self, call: Call, double: Double, status: str) -> None:
        job_id = double.batch.add(NAME, status=status)
        assert "results" not in call("GET", f"{JOBS}/{job_id}").body

    @pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED"])
    def test_a_finished_job_links_to_all_that_it_wrote_and_nothing_else(
        self, call: Call, double: Double, status: str
    ) -> None:
        job_id = double.batch.add(NAME, status=status)
        other = job_id[:-1] + "1"
        bucket = "results-1a2b"
        for key in (f"{job_id}/result.json", f"{job_id}/sub/ä b.bin", f"{other}/result.json", f"{job_id}x"):
            double.s3.objects[bucket, f"wordcount/{key}"] = len(key)
        double.s3.objects[bucket, f"other/{job_id}/result.json"] = 1
        results = call("GET", f"{JOBS}/{job_id}").body["results"]
        assert results["truncated"] is False
        assert results["expiresAt"] == "2026-11-18T11:21:40.000Z"
        first, second = results["files"]
        assert (first["name"], first["sizeBytes"], first["contentType"]) == ("result.json", 48, "application/json")
        assert second["name"] == "sub/ä b.bin"
        assert "contentType" not in second
        for file in (first, second):
            parts = urllib.parse.urlsplit(file["url"])
            # The bucket's own region: the global endpoint answers with a redirect, for which a link isn't signed.
            assert f"{parts.scheme}://{parts.netloc}" == f"https://{bucket}.s3.{REGION}.amazonaws.com"
            assert urllib.parse.unquote(parts.path) == f"/wordcount/{job_id}/{file['name']}"
            query = dict(urllib.parse.parse_qsl(parts.query))
            assert query["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
            assert query["X-Amz-Expires"] == "900"
            assert query["X-Amz-Security-Token"] == "token"
            assert query.get("response-content-type") == file.get("contentType")

    def test_a_job_that_wrote_nothing_has_no_files(self, call: Call, double: Double) -> None:
        job_id = double.batch.add(NAME, status="FAILED")
        assert call("GET", f"{JOBS}/{job_id}").body["results"]["files"] == []

    @pytest.mark.parametrize(("count", "truncated"), [(100, False), (101, True)])
    def test_the_number_of_links_is_bounded_and_says_so(
        self, call: Call, double: Double, count: int, truncated: bool
    ) -> None:
        job_id = double.batch.add(NAME, status="SUCCEEDED")
        for number in range(count):
            double.s3.objects["results-1a2b", f"wordcount/{job_id}/{number:03d}"] = 1
        results = call("GET", f"{JOBS}/{job_id}").body["results"]
        assert [file["name"] for file in results["files"]] == [f"{number:03d}" for number in range(100)]
        assert results["truncated"] is truncated

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("a.json", "application/json"),
            ("A.CSV", "text/csv; charset=utf-8"),
            ("a.tar.gz", "application/gzip"),
            ("json", None),
            ("a.b/c", None),
            ("a.unknown", None),
            (".txt", "text/plain; charset=utf-8"),
        ],
    )
    def test_the_ending_tells_the_type(self, name: str, expected: str | None) -> None:
        assert content_type_of(name) == expected


class TestUploads:
    def create(self, call: Call, **body: Any) -> Reply:
        return call("POST", "/wordcount/uploads", json_body=body)

    def policy(self, fields: dict[str, str]) -> dict[str, Any]:
        return json.loads(base64.b64decode(fields["policy"]))

    def test_a_form_is_bound_to_key_type_and_size(self, call: Call, double: Double) -> None:
        reply = self.create(call, contentType="text/plain", maxBytes=1000)
        assert reply.status == 201
        upload = reply.body
        assert upload["key"] == f"a/{upload['uploadId']}"
        assert upload["url"] == f"https://inputs-1a2b.s3.{REGION}.amazonaws.com/"
        assert upload["expiresAt"] == "2026-11-18T11:21:40.000Z"
        fields = upload["fields"]
        assert fields["key"] == f"wordcount/a/{upload['uploadId']}"
        assert fields["Content-Type"] == "text/plain"
        assert fields["x-amz-security-token"] == "token"
        conditions = self.policy(fields)["conditions"]
        for condition in (
            {"bucket": "inputs-1a2b"},
            {"key": fields["key"]},
            {"Content-Type": "text/plain"},
            ["content-length-range", 1, 1000],
        ):
            assert condition in conditions
        # All of it is signed here: nothing is asked of AWS.
        assert not double.calls

    def test_the_size_has_a_default(self, call: Call) -> None:
        upload = self.create(call, contentType="text/plain").body
        assert upload["maxBytes"] == 2**30
        assert ["content-length-range", 1, 2**30] in self.policy(upload["fields"])["conditions"]

    def test_no_two_uploads_have_one_key(self, call: Call) -> None:
        assert len({self.create(call, contentType="text/plain").body["key"] for _ in range(20)}) == 20

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({}, ""),
            ({"contentType": "text"}, "/contentType"),
            ({"contentType": "text/plain; charset=utf-8"}, "/contentType"),
            ({"contentType": "a/" + "b" * 126}, "/contentType"),
            ({"contentType": "text/plain", "maxBytes": 0}, "/maxBytes"),
            ({"contentType": "text/plain", "maxBytes": 2**30 + 1}, "/maxBytes"),
            ({"contentType": "text/plain", "maxBytes": "1"}, "/maxBytes"),
            ({"contentType": "text/plain", "key": "x"}, ""),
        ],
    )
    def test_what_does_not_fit_is_a_400(self, call: Call, body: dict[str, Any], pointer: str) -> None:
        reply = call("POST", "/wordcount/uploads", body=json.dumps(body))
        assert (reply.status, reply.problem) == (400, "invalid-parameters")
        assert reply.body["errors"][0]["pointer"] == pointer

    def test_special_characters_of_media_types_are_known(self, call: Call) -> None:
        for media_type in ("application/vnd.a+json", "a/b$c", "a!b/c^d"):
            assert self.create(call, contentType=media_type).status == 201


def test_an_upload_can_be_named_by_its_consumer_and_no_other(
    application_of: Callable[..., Application], clock: FakeClock
) -> None:
    application = application_of()

    def send(path: str, body: object, key: str) -> Reply:
        return Reply(application.answer(event("POST", path, json_body=body, key=key), None))

    key = send("/wordcount/uploads", {"contentType": "text/plain"}, "key-a").body["key"]
    assert send(JOBS, {"text": key}, "key-a2").status == 202
    assert send(JOBS, {"text": key}, "key-ab").status == 400
    open_to_all = application_of(sees_all_jobs=True)
    assert Reply(open_to_all.answer(event("POST", JOBS, json_body={"text": key}, key="key-ab"), None)).status == 202
