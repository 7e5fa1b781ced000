"""Takes the pictures of README.md from a running installation: ``make screenshots``.

Needs the tables of `make demo` and a Chromium (or its path in CLV_CHROMIUM); starts what `clv up`
starts and leaves it running. A reader is made for the dashboard and taken away again.
"""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright
from rich.console import Console

from orchestration import services
from orchestration.report import write_report
from orchestration.run import summary_panel
from reporting.summary import summarise
from warehouse.connection import connect
from warehouse.readers import grant_companies, revoke_companies
from warehouse.settings import get_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

FOLDER = Path(__file__).parent
READER = "screenshots"
COMPANY, SUMMARY = "acme", "cdnow"
DESK, PHONE = (1280, 860), (390, 844)
LARGEST_BYTES = 400_000
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DRAWN = "document.documentElement.dataset.charts === 'drawn'"


def main() -> int:
    """Takes all pictures; returns 1 where one is too large for the repository."""
    chromium = os.environ.get("CLV_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        sys.exit("No Chromium: install one, or name it in CLV_CHROMIUM.")
    settings = get_settings()
    addresses = {each.name: each.address or "" for each in services.up(settings)}
    with sync_playwright() as playwright, TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        _summary(browser, Path(folder))
        _report(browser, Path(folder))
        _dashboard(browser, addresses["dashboard"])
        _tools(browser, addresses)
        browser.close()
    too_large = [each.name for each in FOLDER.glob("*.png") if each.stat().st_size > LARGEST_BYTES]
    for name in too_large:
        print(f"{name} is larger than {LARGEST_BYTES:,} bytes.")  # noqa: T201
    return 1 if too_large else 0


def _page(browser: Browser, size: tuple[int, int]) -> Page:
    page = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme="light")
    page.set_default_timeout(90_000)
    return page


def _take(page: Page, name: str) -> None:
    page.screenshot(path=FOLDER / f"{name}.png")


def _summary(browser: Browser, folder: Path) -> None:
    """What the command prints, as a terminal shows it."""
    console = Console(record=True, width=84, file=(folder / "unused").open("w"))
    console.print(summary_panel(summarise(SUMMARY)))
    console.save_svg(str(folder / "summary.svg"), title="make demo")
    (folder / "summary.html").write_text('<img src="summary.svg" width="860">')
    page = _page(browser, DESK)
    page.goto((folder / "summary.html").as_uri())
    page.locator("img").screenshot(path=FOLDER / "summary.png", omit_background=True)
    page.close()


def _report(browser: Browser, folder: Path) -> None:
    file = write_report(get_settings(), COMPANY, folder / "report.html")
    for name, size in (("report", DESK), ("report-phone", PHONE)):
        page = _page(browser, size)
        page.goto(file.as_uri())
        page.wait_for_function(DRAWN)
        page.evaluate("document.querySelector('#headline').scrollIntoView()")
        if size == DESK:
            page.set_viewport_size({"width": DESK[0], "height": 1000})
        _take(page, name)
        page.close()


def _dashboard(browser: Browser, base: str) -> None:
    with _reader() as password:
        for suffix, size in (("", DESK), ("-phone", PHONE)):
            page = _page(browser, size)
            page.goto(f"{base}/login")
            page.fill("#user", READER)
            page.fill("#password", password)
            page.keyboard.press("Enter")
            page.wait_for_url("**/overview")
            for name in ("overview", "at-risk") if size == DESK else ("overview",):
                page.goto(f"{base}/companies/{COMPANY}/{name}")
                page.wait_for_function(DRAWN)
                _take(page, f"dashboard-{name}{suffix}")
            page.close()


@contextmanager
def _reader() -> Iterator[str]:
    """A reader of the company; yields its password."""
    with connect() as connection:
        password = grant_companies(connection, READER, [COMPANY])
    if password is None:
        sys.exit(
            f"There is a reader {READER} already; take its companies away: clv revoke {READER}"
        )
    try:
        yield password
    finally:
        with connect() as connection:
            revoke_companies(connection, READER)


def _tools(browser: Browser, addresses: dict[str, str]) -> None:
    """The UIs of Dagster and MLflow."""
    page = _page(browser, (1600, 1000))
    page.goto(f"{addresses['dagster-webserver']}/asset-groups")
    page.get_by_text("reporting").first.wait_for()
    page.wait_for_timeout(15_000)
    _take(page, "assets")
    page.goto(f"{addresses['mlflow']}/#/models/clv-{COMPANY}")
    page.get_by_text("champion").first.wait_for()
    page.wait_for_timeout(2_000)
    _take(page, "mlflow")
    page.close()


if __name__ == "__main__":
    sys.exit(main())
