"""The docs site in a real Chromium, under the Content-Security-Policy of a deployed one, the API at another origin.

Each test also proves, by its fixture, that no request leaves for another host and that nothing breaks the policy. What
the API answers is a script's: the end-to-end test opens the same pages against the running stack.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import flows
from tests.browser.conftest import OpenPage

PAGES = ("index.html", "reference.html")


def with_document(page: Page, change: Callable[[dict[str, Any]], None]) -> None:
    """Reload the page with another document."""

    document = page.evaluate("fetch('openapi.json').then((answer) => answer.json())")
    change(document)
    page.route(
        "**/openapi.json",
        lambda route: route.fulfill(body=json.dumps(document), content_type="application/json"),
    )
    page.reload()


def test_the_front_page_is_made_of_the_document(open_page: OpenPage, api_url: str) -> None:
    page = open_page()
    card = page.get_by_role("article", name="Word count")
    expect(card.locator("header code")).to_have_text("wordcount")
    expect(card.get_by_role("table")).to_contain_text("Leave out words of fewer characters than this. Default: 1.")
    expect(card.get_by_role("rowheader", name="input required")).to_be_visible()
    command = card.locator("figure code").inner_text()
    assert command.startswith(f"curl '{api_url}/wordcount/jobs' \\\n  -H \"x-api-key: $SLIPWAY_KEY\"")
    assert '"top": 5' in command
    expect(page.locator("[data-server-url]")).to_have_text(api_url)
    expect(page.locator("[data-version]")).to_contain_text("1.0.0+")
    expect(page.locator(".badge")).to_have_text("dev")


@pytest.mark.parametrize("path", PAGES)
def test_plain_http_is_named(open_page: OpenPage, path: str) -> None:
    page = open_page(path)
    expect(page.get_by_role("note")).to_contain_text("This page came over plain HTTP.")


def test_the_local_stage_says_where_its_key_is(open_page: OpenPage) -> None:
    page = open_page()
    expect(page.locator(".card")).to_have_count(1)
    expect(page.locator("[data-local]")).to_be_hidden()
    with_document(page, lambda document: document["info"].update({"x-environment": "local"}))
    expect(page.locator("[data-local]")).to_contain_text("make up")


def test_try_it_leads_to_the_operation_opened(open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_role("link", name="Try Word count").click()
    flows.wait_for_reference(page)
    expect(flows.operation(page, "wordcount-submitJob").locator(".execute")).to_be_visible()
    assert page.url.endswith("/reference.html#/wordcount/wordcount-submitJob")


def test_a_link_to_an_operation_jumps_there_and_the_page_then_stands_still(open_page: OpenPage) -> None:
    page = open_page()
    page.add_init_script(
        """window.stops = new Promise((resolve) => {
          const stops = [];
          addEventListener("scroll", () => stops.push(scrollY));
          let frames = 0;
          const count = () => (frames += stops.length > 0) < 20 ? requestAnimationFrame(count) : resolve(stops);
          count();
        })"""
    )
    page.get_by_role("link", name="Try Word count").click()
    flows.wait_for_reference(page)
    assert len(page.evaluate("stops")) == 1
    bar, block = page.locator(".scheme-container"), flows.operation(page, "wordcount-submitJob")
    assert block.evaluate("(it) => it.getBoundingClientRect().top") >= bar.evaluate(
        "(it) => it.getBoundingClientRect().bottom"
    )
    expect(block.locator(".opblock-summary")).to_be_in_viewport(ratio=1)


def test_a_job_is_started_looked_at_and_read_with_the_key_given_once(open_page: OpenPage, api_key: str) -> None:
    page = open_page("reference.html")
    flows.wait_for_reference(page)
    flows.authorize(page, api_key)
    block = flows.open_operation(page, "wordcount-submitJob")
    assert '"top": 5' in block.get_by_label("Request body").input_value()
    status, accepted = flows.execute(page, block)
    assert (status, accepted["status"]) == (202, "SUBMITTED")
    expect(block.locator(".live-responses-table")).to_contain_text(f"location: {accepted['links']['self']}")

    job = flows.look_until_finished(page, "wordcount")
    assert (job["jobId"], job["status"]) == (accepted["jobId"], "SUCCEEDED")
    assert job["results"]["files"][0]["name"] == "result.json"


def test_a_wrong_key_shows_the_problem(open_page: OpenPage) -> None:
    page = open_page("reference.html")
    flows.wait_for_reference(page)
    flows.authorize(page, "not-a-key")
    status, problem = flows.execute(page, flows.open_operation(page, "wordcount-submitJob"))
    assert (status, problem["status"]) == (403, 403)
    assert problem["type"].startswith("urn:slipway:problem:")
    expect(page.get_by_text("Failed to fetch")).to_have_count(0)


def test_the_key_is_gone_after_a_reload_and_was_never_stored(open_page: OpenPage, api_key: str) -> None:
    page = open_page("reference.html")
    flows.wait_for_reference(page)
    flows.authorize(page, api_key)
    expect(page.locator(".scheme-container .authorize")).to_have_class("btn authorize locked")
    assert page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])") == '[{},{},""]'
    page.reload()
    flows.wait_for_reference(page)
    expect(page.locator(".scheme-container .authorize")).to_have_class("btn authorize unlocked")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 375])
def test_pages_are_readable_and_fit(
    open_page: OpenPage, screenshots: Path, api_key: str, scheme: str, width: int
) -> None:
    """Contrast of all visible text, no sideways scrolling, a name for everything that can be used."""
    name = f"{'wide' if width == 1280 else 'phone'}-{scheme}.png"
    page = open_page(width=width, height=900 if width == 1280 else 812, scheme=scheme)
    expect(page.locator(".card")).to_have_count(1)

    def judge(view: str) -> None:
        page.screenshot(path=screenshots / f"{view}-{name}", full_page=view != "authorize", animations="disabled")
        assert flows.weak_text(page) == [], view
        assert flows.nameless(page) == [], view
        assert flows.overflow(page) == 0, view

    judge("front")
    page.goto(page.url.replace("index.html", "reference.html"))
    flows.wait_for_reference(page)
    for fold in page.locator(".info summary").all():
        fold.click()
    judge("reference")
    page.locator(".scheme-container .authorize").click()
    judge("authorize")
    page.keyboard.press("Escape")
    flows.authorize(page, api_key)
    block = flows.open_operation(page, "wordcount-submitJob")
    flows.execute(page, block)
    block.get_by_role("tab", name="Schema").first.click()
    judge("submitted")


def test_the_two_schemes_differ(open_page: OpenPage) -> None:
    grounds = [
        open_page(scheme=scheme).evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    ]
    assert grounds == ["rgb(245, 248, 250)", "rgb(12, 21, 29)"]


@pytest.mark.parametrize(("path", "target"), [("index.html", "main"), ("reference.html", "swagger-ui")])
def test_the_first_tab_skips_to_the_content(open_page: OpenPage, path: str, target: str) -> None:
    page = open_page(path)
    page.keyboard.press("Tab")
    skip = page.locator(":focus")
    expect(skip).to_have_class("skip")
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator(":focus")).to_have_id(target)


def test_a_job_is_started_by_keyboard_alone(open_page: OpenPage, api_key: str) -> None:
    page = open_page("reference.html")
    flows.wait_for_reference(page)
    focus = page.locator(":focus")

    def tab_to(selector: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        pytest.fail(f"Tab does not reach {selector}")

    tab_to(".scheme-container .authorize")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(focus).to_have_id("api_key_value")
    expect(focus).to_have_attribute("type", "password")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    expect(focus).to_have_text("Close")
    page.keyboard.press("Escape")
    expect(focus).to_have_class("btn authorize unlocked")

    page.keyboard.press("Enter")
    expect(focus).to_have_id("api_key_value")
    page.keyboard.type(api_key)
    page.keyboard.press("Enter")
    expect(focus).to_have_accessible_name("Remove authorization")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)

    tab_to(".opblock-post .opblock-summary-control")
    page.keyboard.press("Enter")
    expect(page.locator(".opblock-post .execute")).to_be_visible()
    tab_to(".opblock-post .execute")
    page.keyboard.press("Enter")
    expect(page.locator(".live-responses-table .response-col_status").last).to_contain_text("202")


def copied(page: Page) -> Locator:
    """The button that copies the command, pressed while the page's clock stands still."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.clock.install(time=0)
    page.clock.pause_at(1)
    button = page.locator(".card .copy")
    button.click()
    expect(button).to_have_text("Copied")
    return button


def test_copying_says_so_even_where_the_clipboard_is_out_of_reach(open_page: OpenPage) -> None:
    page = open_page()
    button = copied(page)
    expect(page.get_by_role("status")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("figure code").inner_text()

    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    button.click()
    expect(button).to_have_text("Selected")
    assert page.evaluate("getSelection().toString()").strip() == page.locator("figure code").inner_text()


def test_each_copy_is_told_of_for_two_seconds(open_page: OpenPage) -> None:
    page = open_page()
    button = copied(page)
    page.clock.run_for(1500)
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    button.click()
    expect(button).to_have_text("Selected")
    page.clock.run_for(1500)
    expect(button).to_have_text("Selected")
    page.clock.run_for(500)
    expect(button).to_have_text("Copy")


@pytest.mark.parametrize("path", PAGES)
def test_a_document_that_cannot_be_read_is_named(open_page: OpenPage, path: str) -> None:
    page = open_page(path)
    page.route("**/openapi.json", lambda route: route.fulfill(status=503, body=""))
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("could not be read (openapi.json: HTTP 503)")


@pytest.mark.parametrize("path", PAGES)
def test_without_script_the_document_is_offered(open_page: OpenPage, path: str) -> None:
    page = open_page(path, script=False)
    expect(page.locator("noscript a[href='openapi.json']")).to_be_visible()


def test_what_the_document_says_is_text_never_markup(open_page: OpenPage) -> None:
    page = open_page()
    hostile = '<img src=x onerror="document.title=1">'

    def change(document: dict[str, Any]) -> None:
        schema = document["components"]["schemas"]["wordcount.Parameters"]
        schema["title"] = schema["description"] = schema["properties"]["top"]["description"] = hostile
        document["components"]["examples"]["wordcount.SampleInput"]["value"] = {"input": {"text": hostile}}

    with_document(page, change)
    card = page.locator(".card")
    expect(card.locator("h3")).to_contain_text(hostile)
    expect(card.locator("[data-part=description]")).to_have_text(hostile)
    expect(card.locator("img")).to_have_count(0)


def test_many_pipelines_are_folded_and_can_be_filtered(open_page: OpenPage) -> None:
    names = ["ocr", "thumbnails", "fold-proteins"]

    def change(document: dict[str, Any]) -> None:
        for name in names:
            text = json.dumps(document["paths"]["/wordcount/jobs"]).replace("wordcount-", f"{name}-")
            document["paths"][f"/{name}/jobs"] = json.loads(text.replace('["wordcount"]', f'["{name}"]'))
            document["tags"].append({"name": name, "description": "More."})

    page = open_page()
    with_document(page, change)
    expect(page.locator(".card")).to_have_count(4)
    expect(page.locator(".card figure:visible")).to_have_count(0)
    page.locator(".card summary").first.click()
    expect(page.locator(".card figure:visible")).to_have_count(1)

    page.goto(page.url.replace("index.html", "reference.html"))
    flows.wait_for_reference(page)
    expect(page.locator(".opblock")).to_have_count(0)
    page.get_by_label("Filter by pipeline").fill("fold")
    expect(page.locator(".opblock-tag")).to_have_count(1)
    expect(page.locator(".opblock-tag")).to_contain_text("fold-proteins")
