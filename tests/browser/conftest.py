"""Pages as users see them: opened from a file in the Chromium that is installed, which may ask for nothing else."""

import os
import shutil
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Opened:
    """A page that was opened, and all that it did that a page of ours must not do."""

    def __init__(self, page, file: Path) -> None:
        self.page = page
        self.address = file.as_uri()
        self.console: list[str] = []
        self.errors: list[str] = []
        self.dialogs: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.console.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("dialog", self._dismiss)
        page.context.on("request", lambda request: self.requests.append(request.url))
        page.goto(self.address)

    def _dismiss(self, dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def assert_quiet(self) -> None:
        """No message, error or dialog, and no request but for the file; pictures within the page are no requests."""
        asked = [url for url in self.requests if not url.startswith(("data:", "blob:"))]
        assert (self.console, self.errors, self.dialogs) == ([], [], [])
        assert asked == [self.address]


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs the browser extra")
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    home = tmp_path_factory.mktemp("home")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=CHROMIUM, args=FLAGS, env={**os.environ, "HOME": str(home)}
        )
        yield running
        running.close()


@pytest.fixture
def open_page(browser, tmp_path):
    """Open a page, given as its text or as a file, in a window of its own; in the end all must have been quiet."""
    opened: list[Opened] = []

    def open_one(page: str | Path, *, width=1280, height=800, dark=False, **options) -> Opened:
        if isinstance(page, str):
            file = tmp_path / f"page{len(opened)}.html"
            file.write_text(page, encoding="utf-8")
        else:
            file = page
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            **options,
        )
        one = Opened(context.new_page(), file)
        opened.append(one)
        return one

    yield open_one
    for one in opened:
        one.assert_quiet()
        one.page.context.close()
