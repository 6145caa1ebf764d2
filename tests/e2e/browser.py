"""A real Chromium for the tests of pages: axe, screenshots at two widths in two schemes, a small server in a thread.

The browser is Debian's. A test that needs it skips with a reason where there is none, and fails under
INLOOP_REQUIRE_ALL=1. Which pages there are is not known here.
"""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from starlette.types import ASGIApp

from shared.runtime.clock import monotonic
from tests.servers.needs import not_run

CHROMIUM = Path("/usr/bin/chromium")
# Without the background flags Chromium looks for its maker's hosts, which a closed network refuses many times over.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SHOTS = Path(os.environ.get("INLOOP_SHOTS", "/tmp/shots"))  # noqa: S108 - pictures for whoever looks; never committed
WIDTHS = {360: 780, 1280: 900}
Scheme = Literal["light", "dark"]
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
START_SECONDS = 10


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser a module: while Playwright runs, its loop is the thread's, and no asynchronous test can begin."""
    if not CHROMIUM.exists():
        not_run(f"no Chromium at {CHROMIUM}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A fresh page, 1280 wide and light; whatever it writes to the console as an error fails the test."""
    with opened(chromium) as page:
        yield page


@contextmanager
def opened(browser: Browser, *, width: int = 1280, scheme: Scheme = "light", **options: Any) -> Iterator[Page]:
    """A page in a context of its own; errors of its scripts and refusals of its security policy fail the test."""
    context: BrowserContext = browser.new_context(
        viewport={"width": width, "height": WIDTHS.get(width, 900)}, color_scheme=scheme, locale="en-GB", **options
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if _is_complaint(line.type, line.text) else None)
    try:
        yield page
    finally:
        context.close()
    assert not complaints, complaints


def _is_complaint(kind: str, text: str) -> bool:
    """A status that a test asked for (404, 403) is no fault of the page."""
    return kind == "error" and "Failed to load resource" not in text


def check_accessible(page: Page) -> None:
    """Fail with each rule of WCAG 2.2 AA that axe finds broken, and where."""
    results = Axe().run(page, options={"runOnly": {"type": "tag", "values": AXE_TAGS}}).response
    broken = [f"{one['id']}: {one['help']}: {_places(one['nodes'])}" for one in results["violations"]]
    assert not broken, "\n".join(broken)


def _places(nodes: list[dict[str, Any]]) -> str:
    return "; ".join(f"{node['target']} {node['html'][:160]}" for node in nodes[:4])


def check_fits(page: Page) -> None:
    """Fail when the page scrolls sideways."""
    wide, room = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide <= room, f"{page.url} is {wide} px wide in {room} px"


def screenshot(page: Page, name: str) -> None:
    """The whole page as `<name>-<width>-<scheme>.png` in SHOTS, for each width and scheme; ends light, 1280 wide."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        for width, height in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": height})
            page.screenshot(path=SHOTS / f"{name}-{width}-{scheme}.png", full_page=True, animations="disabled")


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """The app on a free port of this machine, in a thread; gives its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2))
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        _wait(server)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(START_SECONDS)


def _wait(server: uvicorn.Server) -> None:
    until = monotonic() + START_SECONDS
    pause = threading.Event()
    while not server.started:
        assert monotonic() < until, "the server did not start"
        pause.wait(0.02)
