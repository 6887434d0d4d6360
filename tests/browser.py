"""A headless Chromium for tests of the pages: one a session, every page watched.

Fixtures (registered by `conftest.py`):

- `page`: a Playwright `Page`, 1280 × 800. At the end of the test it asserts that there was no error in the
  console, no uncaught exception, and no request but for the files opened, their `<name>_media` folder,
  images beside them, and `data:`.
- `watch`: what that page did (`requests`, `errors`); `watch.allow(prefix)` for a local server,
  `watch.shot("name")` for a screenshot in `tmp_path`, `watch.open(path, "#/samples")` to open a file.

The pages forbid `eval`, so `page.wait_for_function` fails on them: wait for a locator instead.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}


def executable() -> str | None:
    """The path of an installed Chromium; None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One headless Chromium for all tests; skips where it or Playwright is missing."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")
    path = executable()
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is on PATH (Debian: apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield opened
        opened.close()


@dataclass
class Watch:
    """What a page did."""

    page: Page
    folder: Path
    """Where screenshots go."""
    requests: list[str] = field(default_factory=list)
    """Addresses of all requests, `data:` ones left out."""
    errors: list[str] = field(default_factory=list)
    """Console errors and uncaught exceptions."""
    allowed: list[str] = field(default_factory=list)

    def allow(self, prefix: str) -> None:
        """Let requests to addresses that begin so pass, for example a local server's."""
        self.allowed.append(prefix)

    def open(self, path: Path, fragment: str = "") -> None:
        """Open a file, at an address of it such as `#/samples`."""
        self.page.goto(path.resolve().as_uri() + fragment)

    def shot(self, name: str) -> Path:
        """A screenshot of the window; its path."""
        path = self.folder / f"{name}.png"
        self.page.screenshot(path=path)
        return path

    @property
    def strangers(self) -> list[str]:
        """Requests that a self-contained page must not make."""
        return [address for address in self.requests if not self._own(address)]

    def _own(self, address: str) -> bool:
        if any(address.startswith(prefix) for prefix in self.allowed):
            return True
        parts = urlsplit(address)
        if parts.scheme != "file":
            return False
        path = Path(unquote(parts.path))
        return path.suffix == ".html" or path.parent.name.endswith("_media") or path.parent.name == "images"

    def check(self) -> None:
        """Assert that nothing went wrong and nothing left the page."""
        assert not self.errors, self.errors
        assert not self.strangers, self.strangers


@pytest.fixture
def watch(browser: Browser, tmp_path: Path) -> Iterator[Watch]:
    """A fresh page of its own context, watched."""
    context = browser.new_context(viewport=DESKTOP, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(20_000)
    watched = Watch(page, tmp_path)
    page.on("request", lambda request: _note(watched, request.url))
    page.on("pageerror", lambda error: watched.errors.append(f"uncaught: {error}"))
    page.on("console", lambda message: watched.errors.append(message.text) if message.type == "error" else None)
    yield watched
    context.close()


def _note(watched: Watch, address: str) -> None:
    if not address.startswith("data:"):
        watched.requests.append(address)


@pytest.fixture
def page(watch: Watch) -> Iterator[Page]:
    """The page of `watch`, checked when the test has passed."""
    yield watch.page
    watch.check()
