"""The deployed API by HTTP alone: who may call it, what it accepts, and jobs from request to result.

What it doesn't prove: IAM permissions (the emulator grants everything) and Fargate itself.
"""

import json
from typing import Any

import httpx
import pytest

from tests import patient
from tests.e2e.conftest import ROOT, Api

SAMPLE = json.loads((ROOT / "pipelines/wordcount/sample-input.json").read_text(encoding="utf-8"))

pytestmark = pytest.mark.usefixtures("overdue_job")


def assert_problem(response: httpx.Response, status: int) -> dict[str, Any]:
    """A problem document that a page of any origin may read."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"].split(";")[0] == "application/problem+json"
    assert response.headers["access-control-allow-origin"] == "*"
    problem = response.json()
    assert problem["status"] == status
    assert problem["type"].startswith("urn:slipway:problem:")
    assert problem["title"]
    return problem


@pytest.mark.parametrize("headers", [{}, {"x-api-key": "wrong-key-that-is-long-enough"}], ids=["no key", "wrong key"])
@pytest.mark.parametrize(("method", "path"), [("POST", "/wordcount/jobs"), ("GET", "/wordcount/jobs/x")])
def test_without_a_valid_key_there_is_a_403_that_a_browser_may_read(
    api: Api, headers: dict[str, str], method: str, path: str
) -> None:
    response = patient.request(method, api.url + path, headers=headers, json={})
    assert_problem(response, 403)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{", 400),
        ("[]", 400),
        ('"text"', 400),
        ("", 400),
        ('{"input": {"text": 5}}', 400),
        ("{}", 400),
        ('{"input": {"text": "a"}, "colour": "red"}', 400),
    ],
    ids=["bad JSON", "list", "string", "empty", "wrong type", "missing field", "unknown field"],
)
def test_a_body_that_does_not_fit_is_refused_and_starts_no_job(api: Api, body: str, status: int) -> None:
    before = {job["jobId"] for job in api.jobs("wordcount")}
    response = api.call("POST", "/wordcount/jobs", content=body, headers={"content-type": "application/json"})
    assert_problem(response, status)
    assert {job["jobId"] for job in api.jobs("wordcount")} == before


def test_a_preflight_is_answered_without_a_key(api: Api) -> None:
    asked = {
        "origin": "https://elsewhere.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,x-api-key,idempotency-key",
    }
    response = patient.options(api.url + "/wordcount/jobs", headers=asked)
    assert response.status_code in (200, 204)
    assert response.headers["access-control-allow-origin"] == "*"
    assert "POST" in response.headers["access-control-allow-methods"]
    allowed = {name.strip().lower() for name in response.headers["access-control-allow-headers"].split(",")}
    assert {"content-type", "x-api-key", "idempotency-key"} <= allowed


def test_the_sample_job_succeeds_with_the_right_result(api: Api) -> None:
    response = api.submit("wordcount", {"input": {"text": "the cat and the hat and the bat"}})
    job_id = response.json()["jobId"]
    location = httpx.URL(api.url).join(response.headers["location"])
    assert patient.get(location, headers={"x-api-key": api.key}).json()["jobId"] == job_id
    job = api.finished("wordcount", job_id)
    assert job["status"] == "SUCCEEDED", job
    (file,) = job["results"]["files"]
    result = patient.get(file["url"]).json()
    assert result["words"] == 8
    assert result["top"][0] == {"word": "the", "count": 3}
    assert job["attempts"][0]["exitCode"] == 0


def test_the_committed_sample_input_is_accepted(api: Api) -> None:
    assert api.finished("wordcount", api.submitted("wordcount", SAMPLE))["status"] == "SUCCEEDED"


def test_a_second_pipeline_of_another_make_runs_too(api: Api) -> None:
    job = api.finished("steps", api.submitted("steps", {"do": "succeed"}))
    assert job["status"] == "SUCCEEDED", job
    (file,) = job["results"]["files"]
    done = patient.get(file["url"]).json()
    assert done["folder"].endswith("/srv/steps")
    assert "GREETING" in done["environment"]


def test_a_job_that_fails_says_why(api: Api) -> None:
    job = api.finished("steps", api.submitted("steps", {"do": "fail"}))
    assert job["status"] == "FAILED"
    assert "exited" in job["statusReason"]
    assert job["attempts"][-1]["exitCode"] == 3
    logs = api.call("GET", f"/steps/jobs/{job['jobId']}/logs").json()
    assert [event["message"] for event in logs["events"]] == ["hello fail", "out of ideas"]


def test_two_pipelines_cannot_reach_each_others_jobs(api: Api) -> None:
    job_id = api.submitted("steps", {"do": "succeed"})
    for method, path in [("GET", ""), ("GET", "/logs"), ("DELETE", "")]:
        assert_problem(api.call(method, f"/wordcount/jobs/{job_id}{path}"), 404)
    assert job_id not in {job["jobId"] for job in api.jobs("wordcount")}
    assert job_id in {job["jobId"] for job in api.jobs("steps")}


def test_another_consumers_job_does_not_exist(api: Api, other: Api) -> None:
    job_id = api.submitted("steps", {"do": "succeed"})
    for method, path in [("GET", ""), ("GET", "/logs"), ("DELETE", "")]:
        assert_problem(other.call(method, f"/steps/jobs/{job_id}{path}"), 404)
    assert job_id not in {job["jobId"] for job in other.jobs("steps")}


def test_a_running_job_can_be_cancelled_once(api: Api) -> None:
    job_id = api.submitted("steps", {"do": "sleep"})
    api.until("steps", job_id, lambda job: job["status"] == "RUNNING")
    assert api.call("DELETE", f"/steps/jobs/{job_id}", params={"reason": "enough"}).status_code == 202
    job = api.finished("steps", job_id)
    assert (job["status"], job["statusReason"]) == ("FAILED", "Cancelled by default: enough")
    assert_problem(api.call("DELETE", f"/steps/jobs/{job_id}"), 409)


def test_one_idempotency_key_starts_one_job(api: Api, other: Api) -> None:
    key = {"Idempotency-Key": "only-once"}
    first, second = (api.submit("steps", {"do": "succeed"}, headers=key) for _ in range(2))
    assert (first.status_code, first.json()) == (202, second.json())
    assert other.submitted("steps", {"do": "succeed"}, headers=key) != first.json()["jobId"]
    assert_problem(api.submit("steps", {"do": "fail"}, headers=key), 422)


def test_an_uploaded_input_is_counted(api: Api) -> None:
    upload = api.call("POST", "/wordcount/uploads", json={"contentType": "text/plain"})
    assert upload.status_code == 201, upload.text
    form = upload.json()
    stored = patient.post(form["url"], data=form["fields"], files={"file": ("f", b"up up away")})
    assert stored.status_code == 204, stored.text
    job = api.finished("wordcount", api.submitted("wordcount", {"input": {"inputKey": form["key"]}}))
    assert job["status"] == "SUCCEEDED", job
    result = patient.get(job["results"]["files"][0]["url"]).json()
    assert result["words"] == 3


def test_the_docs_site_serves_the_page_and_the_apis_own_document(api: Api) -> None:
    page = patient.get(api.exports["docsUrl"])
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    document = patient.get(httpx.URL(api.exports["docsUrl"]).join("openapi.json")).json()
    assert document["servers"][0]["url"] == api.url
    assert {"/wordcount/jobs", "/steps/jobs"} <= set(document["paths"])
