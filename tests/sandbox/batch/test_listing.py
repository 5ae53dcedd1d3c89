"""ListJobs and DescribeJobs: filters, order and pages."""

import pytest

from tests.sandbox.batch.harness import Harness, ScriptedRunner
from tests.sandbox.batch.test_compute_environments import refused


@pytest.fixture
def jobs(scripted: Harness, runner: ScriptedRunner) -> dict[str, str]:
    """Four finished jobs and one that runs, by name, oldest first."""
    scripted.define("jd2")
    runner.exit_codes = [0, 1, 0, 0]
    made = {}
    for name, definition in (("b-1", "jd"), ("a-1", "jd"), ("b-2", "jd2"), ("B-3", "jd:1")):
        made[name] = scripted.submit(jobName=name, jobDefinition=definition)
        scripted.wait(made[name])
    made["b-4"] = scripted.submit(jobName="b-4")
    scripted.wait(made["b-4"], "RUNNING")
    return made


def names(scripted: Harness, **request) -> list[str]:
    return [job["jobName"] for job in scripted.client.list_jobs(jobQueue="q", **request)["jobSummaryList"]]


def only(name: str, *values: str):
    return {"filters": [{"name": name, "values": list(values)}]}


def test_without_status_and_filter_only_running_jobs_are_listed(scripted, jobs):
    assert names(scripted) == ["b-4"]


def test_a_status_is_listed_newest_first(scripted, jobs):
    assert names(scripted, jobStatus="SUCCEEDED") == ["B-3", "b-2", "b-1"]
    assert names(scripted, jobStatus="FAILED") == ["a-1"]
    assert names(scripted, jobStatus="PENDING") == []


def test_a_name_matches_in_any_case_and_brings_all_statuses(scripted, jobs):
    assert names(scripted, **only("JOB_NAME", "b-3")) == ["B-3"]
    assert names(scripted, **only("JOB_NAME", "b-*")) == ["B-3", "b-1", "b-2", "b-4"]
    assert names(scripted, **only("JOB_NAME", "*"), jobStatus="FAILED") == ["B-3", "a-1", "b-1", "b-2", "b-4"]
    assert names(scripted, **only("JOB_NAME", "b")) == []


def test_a_definition_is_matched_by_name_by_prefix_or_by_arn(scripted, jobs):
    arn = scripted.job(jobs["b-2"])["jobDefinition"]

    assert names(scripted, **only("JOB_DEFINITION", "jd")) == ["b-4", "B-3", "a-1", "b-1"]
    assert names(scripted, **only("JOB_DEFINITION", "jd*")) == ["b-4", "B-3", "b-2", "a-1", "b-1"]
    assert names(scripted, **only("JOB_DEFINITION", arn)) == ["b-2"]
    assert names(scripted, **only("JOB_DEFINITION", "JD")) == []


def test_a_share_is_matched(scripted):
    job_id = scripted.submit(shareIdentifier="team")
    scripted.submit()

    listed = scripted.client.list_jobs(jobQueue="q", **only("SHARE_IDENTIFIER", "team"))["jobSummaryList"]

    assert [(job["jobId"], job["shareIdentifier"]) for job in listed] == [(job_id, "team")]


def test_times_are_limits_that_are_not_included(scripted, jobs):
    moment = str(scripted.job(jobs["b-2"])["createdAt"])

    assert names(scripted, **only("BEFORE_CREATED_AT", moment)) == ["a-1", "b-1"]
    assert names(scripted, **only("AFTER_CREATED_AT", moment)) == ["b-4", "B-3"]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"filters": [{"name": "JOB_NAME", "values": ["a"]}] * 2}, "Only one filter"),
        (only("JOB_NAME"), "exactly one value"),
        (only("JOB_NAME", "a", "b"), "exactly one value"),
        (only("job_name", "a"), "not a filter"),
        (only("AFTER_CREATED_AT", "yesterday"), "milliseconds since 1970"),
        ({"jobStatus": "DONE"}, "must be one of SUBMITTED"),
        ({"arrayJobId": "x"}, "Exactly one of"),
        ({"maxResults": 0}, "maxResults must be 1"),
        ({"jobQueue": "other"}, "does not exist"),
    ],
)
def test_a_wrong_listing_is_refused(scripted, request_, message):
    assert message in refused(scripted.client.list_jobs, **{"jobQueue": "q", **request_})


def test_a_listing_needs_a_queue_or_an_array(scripted):
    assert "Exactly one of" in refused(scripted.client.list_jobs)


def test_pages_go_on_where_they_stopped_while_jobs_come(scripted, jobs):
    request = {"jobQueue": "q", **only("JOB_DEFINITION", "jd*"), "maxResults": 2}
    first = scripted.client.list_jobs(**request)
    scripted.submit(jobName="new")
    second = scripted.client.list_jobs(**request, nextToken=first["nextToken"])
    third = scripted.client.list_jobs(**request, nextToken=second["nextToken"])

    assert [[job["jobName"] for job in page["jobSummaryList"]] for page in (first, second, third)] == [
        ["b-4", "B-3"],
        ["b-2", "a-1"],
        ["b-1"],
    ]
    assert "nextToken" not in third


def test_more_than_a_page_may_have_gives_a_full_page(scripted, jobs):
    assert len(names(scripted, **only("JOB_NAME", "*"), maxResults=5000)) == 5


def test_a_summary_has_what_aws_puts_in_it(scripted, jobs):
    (summary,) = scripted.client.list_jobs(jobQueue="q", jobStatus="FAILED")["jobSummaryList"]
    job = scripted.job(jobs["a-1"])

    assert summary == {
        "container": {"exitCode": 1},
        **{
            member: job[member]
            for member in (
                *("jobArn", "jobId", "jobName", "jobDefinition", "status", "statusReason"),
                *("createdAt", "startedAt", "stoppedAt"),
            )
        },
    }


def test_up_to_100_jobs_are_described_and_unknown_ones_left_out(scripted, jobs):
    found = scripted.client.describe_jobs(jobs=[jobs["b-2"], "unknown", jobs["a-1"]])["jobs"]

    assert [job["jobName"] for job in found] == ["b-2", "a-1"]
    assert "100 at most" in refused(scripted.client.describe_jobs, jobs=["x"] * 101)
