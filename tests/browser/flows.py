"""What a reader does on the pages, and what is measured there."""

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

_AUDIT = (Path(__file__).parent / "audit.js").read_text(encoding="utf-8").split("\n", 1)[1]


def weak_text(page: Page) -> list[str]:
    return page.evaluate(_AUDIT, "weakText")


def nameless(page: Page) -> list[str]:
    return page.evaluate(_AUDIT, "nameless")


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def operation(page: Page, operation_id: str) -> Locator:
    return page.locator(f".opblock[id$='-{operation_id}']")


def wait_for_reference(page: Page) -> None:
    expect(page.locator("#swagger-ui")).not_to_have_attribute("aria-busy", "true")
    expect(page.locator(".opblock-tag").first).to_be_visible()


def authorize(page: Page, key: str) -> None:
    page.locator(".scheme-container .authorize").click()
    dialog = page.get_by_role("dialog", name="Authorize")
    dialog.get_by_label("Value").fill(key)
    dialog.get_by_role("button", name="Apply credentials").click()
    dialog.locator(".btn-done").click()
    expect(dialog).to_have_count(0)


def open_operation(page: Page, operation_id: str) -> Locator:
    block = operation(page, operation_id)
    control = block.locator(".opblock-summary-control")
    if control.get_attribute("aria-expanded") == "false":
        control.click()
    expect(block.locator(".execute")).to_be_visible()
    return block


def execute(page: Page, block: Locator) -> tuple[int, Any]:
    """Press Execute; the status and the body, as JSON, that the page shows."""
    with page.expect_response(lambda response: response.request.resource_type == "fetch") as answered:
        block.locator(".execute").click()
    status = answered.value.status
    shown = block.locator(".live-responses-table .response")
    expect(shown.locator(".response-col_status")).to_contain_text(str(status))
    body = shown.locator(".highlight-code code").first
    expect(body).to_be_visible()
    return status, json.loads(body.inner_text())


def look_until_finished(page: Page, pipeline: str) -> dict[str, Any]:
    """Press Execute of "Look at a job", whose field holds the job's id already, until the job is finished."""
    block = open_operation(page, f"{pipeline}-getJob")
    for _ in range(120):
        status, job = execute(page, block)
        assert status == 200, job
        if job["status"] in {"SUCCEEDED", "FAILED"}:
            return job
        page.wait_for_timeout(500)
    raise AssertionError(f"the job is still {job['status']} after a minute")
