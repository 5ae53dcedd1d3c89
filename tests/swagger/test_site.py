"""The files of the docs site as text: what a Content-Security-Policy, a screen reader and DocsSite rely on.

How the pages behave is tested in a real browser: tests/browser.
"""

import re
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest

from tests.swagger.documents import ROOT

SITE = ROOT / "swagger" / "site"
PAGES = sorted(SITE.glob("*.html"))
ASSETS = sorted((SITE / "assets").iterdir())
VENDOR = {"assets/swagger-ui.css", "assets/swagger-ui-bundle.js"}
VOID = {"meta", "link", "img", "br", "hr", "input"}
HEX = re.compile(r"--([a-z-]+): (#[0-9a-f]{6});")


class Page(HTMLParser):
    """The elements of a page, checked for balance while they are read."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text_of: dict[str, str] = {}
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(attrs) == len(dict(attrs)), f"<{tag}> has an attribute twice"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element, line {self.getpos()[0]}"

    def handle_data(self, data: str) -> None:
        if self.open:
            self.text_of[self.open[-1]] = self.text_of.get(self.open[-1], "") + data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(params=PAGES, ids=lambda path: path.name)
def page(request: pytest.FixtureRequest) -> Page:
    return Page(request.param)


def test_there_are_the_two_pages() -> None:
    assert [path.name for path in PAGES] == ["index.html", "reference.html"]


def test_a_page_is_well_formed_and_its_ids_are_unique(page: Page) -> None:
    assert page.open == []
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        for name in ("aria-labelledby", "aria-describedby", "for"):
            assert set((attributes.get(name) or "").split()) <= set(ids)


def test_a_page_has_no_inline_script_style_or_handler(page: Page) -> None:
    assert not page.all("style")
    assert "script" not in page.text_of
    for tag, attributes in page.elements:
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], tag
        assert not str(attributes.get("href") or "").startswith("javascript:")


def test_a_page_names_files_that_lie_beside_it(page: Page) -> None:
    """As the plain text `assets/<name>`: DocsSite replaces it by a name that changes with the content."""
    for tag, attributes in page.elements:
        for attribute in ("src", "href"):
            value = attributes.get(attribute)
            if value is None or value.startswith("#"):
                continue
            target = value.split("#")[0]
            assert target == "openapi.json" or target in VENDOR or (SITE / target).is_file(), (
                f"<{tag} {attribute}={value}>"
            )


def test_the_vendor_files_are_in_the_installed_package() -> None:
    for name in VENDOR:
        assert (files("swagger_ui") / "static" / name.removeprefix("assets/")).is_file()


@pytest.mark.parametrize("path", [*PAGES, *ASSETS], ids=lambda path: path.name)
def test_nothing_refers_to_another_host(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.findall(r"(?:https?:)?//[\w-]+\.\w+", text)
    assert "@import" not in text
    if path.suffix in {".css", ".js", ".svg"}:
        assert "assets/" not in text, "names of assets stand in the pages only, where DocsSite replaces them"
        assert "url(" not in text


@pytest.mark.parametrize("path", [path for path in ASSETS if path.suffix == ".js"], ids=lambda path: path.name)
def test_scripts_write_text_and_keep_nothing(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    forbidden = (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "Storage",
        "cookie",
    )
    assert [word for word in forbidden if word in text] == []
    assert '"use strict";' in text


def test_swagger_ui_asks_no_validator() -> None:
    """The browser tests can't see it: Swagger UI never asks its default, another host, about a page of this machine."""
    assert "validatorUrl: null," in (SITE / "assets" / "reference.js").read_text(encoding="utf-8")


def test_a_page_can_be_used_by_ear_and_by_keyboard(page: Page) -> None:
    (html,) = page.all("html")
    assert html["lang"] == "en"
    assert page.text_of["title"].strip()
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")
    assert len(page.all("main")) == 1
    assert all("alt" in image for image in page.all("img"))
    assert all(button.get("type") == "button" for button in page.all("button"))
    assert all(nav.get("aria-label") for nav in page.all("nav"))
    links = [attributes for tag, attributes in page.elements if tag in {"a", "button", "input"}]
    target = str(links[0]["href"])
    assert links[0]["class"] == "skip"
    assert target.removeprefix("#") in {attributes.get("id") for _, attributes in page.elements}
    headings = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert all(later - earlier <= 1 for earlier, later in pairwise(headings))


def test_the_front_page_says_what_a_key_is_not() -> None:
    text = re.sub(r"\s+", " ", (SITE / "index.html").read_text(encoding="utf-8"))
    assert "A key is not authentication" in text
    assert "Get a key" in text


def tokens(scheme: str) -> dict[str, str]:
    light, dark = (
        (SITE / "assets" / "site.css").read_text(encoding="utf-8").split("@media (prefers-color-scheme: dark)", 1)
    )
    found = dict(HEX.findall(light))
    return found if scheme == "light" else {**found, **dict(HEX.findall(dark))}


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


GROUNDS = ("paper", "surface", "sunken")
TEXT_PAIRS = [
    *((text, ground) for text in ("ink", "muted", "accent", "accent-deep", "signal") for ground in GROUNDS),
    *((text, "surface") for text in ("done", "stop")),
    *(("hero-ink", "hero"), ("hero-muted", "hero"), ("hero", "hero-ink"), ("hero", "hero-muted")),
    *(("accent-ink", "accent"), ("accent-ink", "accent-deep"), ("notice-ink", "notice"), ("code-ink", "code")),
]
EDGE_PAIRS = [*((edge, ground) for edge in ("edge", "focus") for ground in GROUNDS), ("hero-ink", "hero")]


def test_wcag_contrast_is_computed_right() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_edges_stand_out(scheme: str) -> None:
    """WCAG 2.2 AA: 4.5 for text, 3 for the edge of what one clicks or types into and for the focus ring."""
    colours = tokens(scheme)
    weak = {(text, ground): contrast(colours[text], colours[ground]) for text, ground in TEXT_PAIRS}
    assert {pair: round(ratio, 2) for pair, ratio in weak.items() if ratio < 4.5} == {}
    faint = {(edge, ground): contrast(colours[edge], colours[ground]) for edge, ground in EDGE_PAIRS}
    assert {pair: round(ratio, 2) for pair, ratio in faint.items() if ratio < 3} == {}


def test_dark_mode_gives_each_colour_of_text_and_ground_anew() -> None:
    light, dark = tokens("light"), tokens("dark")
    assert [name for name in light if light[name] == dark[name]] == []


def test_rules_use_the_tokens() -> None:
    """A colour beside the tokens would escape the check of contrast, and dark mode."""
    for name in ("site.css", "reference.css"):
        text = (SITE / "assets" / name).read_text(encoding="utf-8")
        rest = re.sub(r"^\s*--[a-z-]+: .*$", "", text, flags=re.MULTILINE)
        # The one ground for the vendor's white icon, in both schemes.
        assert set(re.findall(r"#[0-9a-f]{6}\b|#[0-9a-f]{3}\b", rest)) <= {"#3d5163"}, name
