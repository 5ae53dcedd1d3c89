"""The docs site of the running stack, in a real Chromium, from another origin than the API's.

What is tested page by page, with an API that answers by script, is in tests/browser.
"""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests import patient
from tests.browser import flows
from tests.browser.conftest import OpenPage, browser, open_page, screenshots  # noqa: F401 - fixtures
from tests.e2e.conftest import Api


@pytest.fixture(scope="session")
def docs_url(api: Api) -> str:
    """By the other name of this machine: for a browser that is another origin than the API's."""
    return api.exports["docsUrl"].removesuffix("/index.html").rstrip("/").replace("127.0.0.1", "localhost")


@pytest.fixture(scope="session")
def api_url(api: Api, docs_url: str) -> str:
    assert urlsplit(api.url).netloc != urlsplit(docs_url).netloc
    return api.url


def test_a_reader_submits_the_sample_and_reads_its_result(open_page: OpenPage, api: Api, api_url: str) -> None:  # noqa: F811
    page = open_page()
    expect(page.locator("[data-server-url]")).to_have_text(api_url)
    page.get_by_role("link", name="Try Word count").click()
    flows.wait_for_reference(page)
    flows.authorize(page, api.key)
    status, accepted = flows.execute(page, flows.open_operation(page, "wordcount-submitJob"))
    assert status == 202, accepted
    job = flows.look_until_finished(page, "wordcount")
    assert (job["jobId"], job["status"]) == (accepted["jobId"], "SUCCEEDED")
    (file,) = job["results"]["files"]
    assert patient.get(file["url"]).json()["words"] == 28

    status, logs = flows.execute(page, flows.open_operation(page, "wordcount-getJobLogs"))
    assert (status, logs["jobId"]) == (200, job["jobId"])
    status, problem = flows.execute(page, flows.open_operation(page, "wordcount-cancelJob"))
    assert (status, problem["type"]) == (409, "urn:slipway:problem:job-finished")


def test_a_wrong_key_shows_the_gateways_own_problem(open_page: OpenPage) -> None:  # noqa: F811
    page = open_page("reference.html")
    flows.wait_for_reference(page)
    flows.authorize(page, "not-a-key")
    status, problem = flows.execute(page, flows.open_operation(page, "wordcount-submitJob"))
    assert (status, problem["type"]) == (403, "urn:slipway:problem:forbidden")
    expect(page.get_by_text("Failed to fetch")).to_have_count(0)
