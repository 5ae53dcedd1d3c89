"""A real Chromium, and a docs site to open in it.

The site and the API that the tests see are `docs_url`, `api_url` and `api_key`: a folder that overrides these three
fixtures runs the same tests against another stack.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.site import API_KEY, ROOT, serve

MISSING = "No Chromium: `apt-get install chromium`, or name one in SLIPWAY_CHROMIUM."
SCREENSHOTS = ROOT / "build" / "screenshots"
_FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)

# A loaded machine is slow; what is missing stays missing.
_PATIENCE_MS = 15_000

OpenPage = Callable[..., Page]


def require_chromium(environment: Mapping[str, str]) -> str:
    """The path of a Chromium. Without one the test is skipped; in CI, where nobody would notice, it fails."""
    named = environment.get("SLIPWAY_CHROMIUM")
    names = [named] if named else ["chromium", "chromium-browser", "google-chrome"]
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found:
        return found
    if environment.get("CI"):
        pytest.fail(MISSING, pytrace=False)
    pytest.skip(MISSING)


# Not for the session: Playwright keeps an event loop running in this thread, in which no other test could run one.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = require_chromium(os.environ)
    expect.set_options(timeout=_PATIENCE_MS)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=executable, args=_FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def _served() -> Iterator[tuple[str, str]]:
    with serve() as urls:
        yield urls


@pytest.fixture(scope="session")
def docs_url(_served: tuple[str, str]) -> str:
    """Where the front page is, without a trailing slash or file name."""
    return _served[0]


@pytest.fixture(scope="session")
def api_url(_served: tuple[str, str]) -> str:
    """The stage's URL, without a trailing slash."""
    return _served[1]


@pytest.fixture(scope="session")
def api_key() -> str:
    return API_KEY


@pytest.fixture
def open_page(browser: Browser, docs_url: str, api_url: str) -> Iterator[OpenPage]:
    """Open a page in a context of its own: `open_page("reference.html", width=375, scheme="dark")`.

    After each test: no request left for another host, and neither the pages nor their Content-Security-Policy
    complained.
    """
    hosts: set[str] = set()
    complaints: list[str] = []
    contexts = []

    def open_(
        path: str = "index.html", *, width: int = 1280, height: int = 900, scheme: str = "light", script: bool = True
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=script,
            reduced_motion="reduce",
        )
        contexts.append(context)
        context.set_default_timeout(_PATIENCE_MS)
        page = context.new_page()
        page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.goto(f"{docs_url}/{path}")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert hosts <= {urlsplit(docs_url).netloc, urlsplit(api_url).netloc}
    # Chromium reports an answer that isn't 2xx as an error of the page; the tests ask for some of those.
    assert [text for text in complaints if "Failed to load resource" not in text] == []


@pytest.fixture(scope="session")
def screenshots() -> Path:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    return SCREENSHOTS
