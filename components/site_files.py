"""The files of the docs site: the pages of `swagger/site`, Swagger UI's own assets, and the API's document."""

import functools
import hashlib
import importlib.util
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PAGES = Path("swagger/site")
DOCUMENT = "openapi.json"
FOLDER = "assets"
_SWAGGER_UI = ("swagger-ui-bundle.js", "swagger-ui.css")

REVALIDATE = "no-cache"
IMMUTABLE = "public, max-age=31536000, immutable"
_CONTENT_TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}
_HASH_DIGITS = 10


@dataclass(frozen=True, kw_only=True)
class SiteFile:
    """One object of the site. Either `text` or `path` is set."""

    key: str
    content_type: str
    cache_control: str
    text: str | None = None
    path: Path | None = None


@functools.cache
def site_files(root: Path) -> tuple[SiteFile, ...]:
    """Everything but the API's document.

    An asset's name has a hash of its content, so it may be kept for ever, and a new one needs no invalidation of any
    cache; the pages, which name them, are asked for again on each visit.

    Args:
        root: the project's folder.
    """
    assets = {path.name: path for path in (root / PAGES / FOLDER).iterdir() if path.is_file()}
    assets |= {name: _swagger_ui_asset(name) for name in _SWAGGER_UI}
    hashed = {name: _hashed_name(path) for name, path in assets.items()}
    asset_files = [
        SiteFile(
            key=f"{FOLDER}/{hashed[name]}", content_type=content_type(name), cache_control=IMMUTABLE, path=assets[name]
        )
        for name in sorted(assets)
    ]
    pages = [
        SiteFile(
            key=page.name,
            content_type=content_type(page.name),
            cache_control=REVALIDATE,
            text=_with_hashed_assets(page.read_text(encoding="utf-8"), hashed, page.name),
        )
        for page in sorted((root / PAGES).glob("*.html"))
    ]
    return (*asset_files, *pages)


def content_type(name: str) -> str:
    """What a browser must be told, or it would download the page."""
    known = _CONTENT_TYPES.get(Path(name).suffix)
    return known or mimetypes.guess_type(name)[0] or "application/octet-stream"


def _with_hashed_assets(html: str, hashed: Mapping[str, str], page: str) -> str:
    """Write the hashed names for `assets/NAME`.

    Raises:
        ValueError: the page names an asset that there isn't.
    """

    def replace(match: re.Match[str]) -> str:
        if match[1] not in hashed:
            raise ValueError(f"{page} names {FOLDER}/{match[1]}, which is neither in {PAGES} nor in Swagger UI.")
        return f"{FOLDER}/{hashed[match[1]]}"

    return re.sub(rf"{FOLDER}/([\w.-]+)", replace, html)


def _hashed_name(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:_HASH_DIGITS]
    return f"{path.stem}.{digest}{path.suffix}"


def _swagger_ui_asset(name: str) -> Path:
    """From the package swagger-ui-py, which carries Swagger UI 5. Found, not imported: it would load Jinja."""
    spec = importlib.util.find_spec("swagger_ui")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("The package swagger-ui-py is not installed. Make the virtual environment: make venv")
    return Path(spec.origin).parent / "static" / name
