"""The dashboard and the report in a real browser, which may talk to this machine alone."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from reporting.dashboard.pages import PAGES
from reporting.metrics import customers, revenue
from reporting.metrics.scope import Scope
from tests.integration.pages.conftest import HOSTILE, LAST, NORTH, PASSWORD, SOUTH, Shown
from tests.integration.pages.served import ARGUMENTS, CHROMIUM, NO_BROWSER, Served, serving
from warehouse.connection import connect

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = NO_BROWSER

PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def served(shown: Shown, readers: None) -> Iterator[Served]:
    with serving(shown.settings, shown.folder) as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield started
        started.close()


class Watched:
    """A page, and what it asked for and complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[str] = []
        self.complaints: list[str] = []
        page.set_default_timeout(60_000)
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda said: self.complaints.append(said.text) if said.type == "error" else None,
        )

    def drawn(self) -> None:
        self.page.wait_for_function("document.documentElement.dataset.charts === 'drawn'")


@pytest.fixture(scope="module")
def watched(browser: Browser, served: Served) -> Iterator[Watched]:
    """Somebody who reads the north and is logged in."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    seen = Watched(page)
    page.goto(f"{served.base}/login")
    page.fill("#user", "nora reads north")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/overview")
    yield seen
    assert not seen.complaints
    assert all(address.startswith((served.base, "blob:", "data:")) for address in seen.asked)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_draws_within_its_width(watched: Watched, served: Served, name: str) -> None:
    page = watched.page
    page.goto(f"{served.base}/companies/{NORTH}/{name}")
    watched.drawn()
    assert page.locator("h1").inner_text() == PAGES[name].title
    assert page.locator("nav.pages [aria-current=page]").inner_text() == PAGES[name].title
    for width in (1280, PHONE["width"]):
        page.set_viewport_size({"width": width, "height": 900})
        wide = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wide <= 0, f"{name} at {width}"
    page.set_viewport_size({"width": 1280, "height": 900})
    for chart in page.locator(".chart").all():
        assert chart.locator("svg.main-svg").count() >= 1
        assert chart.get_attribute("aria-label")


def test_the_overview_shows_the_numbers_of_the_marts(
    watched: Watched, served: Served, shown: Shown
) -> None:
    page = watched.page
    page.goto(f"{served.base}/companies/{NORTH}/overview?period=365d")
    from datetime import timedelta

    scope = Scope(NORTH, start=LAST - timedelta(days=364), end=LAST)
    with connect(settings=shown.settings) as connection:
        wanted = revenue.period(connection, scope)
    tiles = dict(
        zip(
            page.locator("#sales .tile dt").all_inner_texts(),
            page.locator("#sales .tile-value").all_inner_texts(),
            strict=True,
        )
    )
    assert tiles["Net revenue"].split()[0].replace(",", "") in {
        f"{wanted['net_revenue']:.0f}",
        f"{wanted['net_revenue']:.2f}",
    }
    assert tiles["Net revenue"].endswith(" EUR")
    assert tiles["Orders"].replace(",", "") == str(wanted["orders"])
    assert tiles["Customers who ordered"].replace(",", "") == str(wanted["buyers"])


def test_a_filter_changes_numbers_pictures_and_address(
    watched: Watched, served: Served, shown: Shown
) -> None:
    page = watched.page
    page.goto(f"{served.base}/companies/{NORTH}/overview")
    watched.drawn()
    before = page.locator("#sales .tile-value").all_inner_texts()
    page.select_option("#channel", "market")
    page.wait_for_url("**channel=market")
    page.wait_for_function("!document.querySelector('#results').classList.contains('busy')")
    page.wait_for_selector("#revenue .chart svg.main-svg")
    after = page.locator("#sales .tile-value").all_inner_texts()
    assert after != before
    with connect(settings=shown.settings) as connection:
        rows = customers.customer_list(connection, Scope(NORTH, channel="market"))
    assert page.locator("#headline .tile-value").first.inner_text() == str(len(rows))
    link = page.locator("#changed a.export").get_attribute("href")
    assert link is not None
    assert "channel=market" in link
    page.select_option("#period", "own")
    assert page.locator("#from").is_visible()


def test_an_export_is_downloaded(watched: Watched, served: Served) -> None:
    page = watched.page
    page.goto(f"{served.base}/companies/{NORTH}/at-risk")
    shown_rows = page.locator("#at-risk table").last.locator("tbody tr").count()
    with page.expect_download() as found:
        page.locator("#at-risk a.export").last.click()
    path = found.value.path()
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= shown_rows > 0
    assert found.value.suggested_filename == f"{NORTH}-at-risk-{LAST}.csv"


def test_one_customer_is_a_click_away(watched: Watched, served: Served, shown: Shown) -> None:
    page = watched.page
    page.goto(f"{served.base}/companies/{NORTH}/customers")
    who = page.locator("#list tbody th a").first
    name = who.inner_text()
    who.click()
    watched.drawn()
    assert page.locator("h1").inner_text() == f"Customer {name}"
    assert page.locator("#prediction .chart svg.main-svg").count() >= 1
    for heading in ("At a glance", "What to do, and why", "Prediction", "Orders"):
        assert page.get_by_role("heading", name=heading, exact=True).count() == 1
    page.goto(f"{served.base}/companies/{NORTH}/customers/{quote(HOSTILE[2], safe='')}")
    assert page.locator("h1").inner_text() == f"Customer {HOSTILE[2]}"


def test_the_keyboard_is_enough(watched: Watched, served: Served) -> None:
    page = watched.page
    page.goto(f"{served.base}/companies/{NORTH}/segments")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "by"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("ArrowDown")
    page.wait_for_url("**by=rfm*")
    # Whatever can be clicked can be reached.
    unreachable = page.evaluate(
        "[...document.querySelectorAll('a,button,select,input,summary')]"
        ".filter(e => e.tabIndex < 0).length"
    )
    assert unreachable == 0


_LABELS = """
[...document.querySelectorAll('input:not([type=hidden]),select,progress,textarea')]
.filter(e => !(e.labels && e.labels.length) && !e.getAttribute('aria-label'))
.map(e => e.outerHTML.slice(0, 80))
"""

_IDS = """
[...document.querySelectorAll('[id]')].map(e => e.closest('svg, #js-plotly-tester') ? null : e.id)
.filter(id => id)
"""

# Contrast of text against the nearest ground that isn't see-through (WCAG 2.2, 1.4.3).
_CONTRAST = """
(() => {
  const rgb = (text) => {
    const found = text.match(/[\\d.]+/g).map(Number);
    return { r: found[0], g: found[1], b: found[2], a: found.length > 3 ? found[3] : 1 };
  };
  const light = ({ r, g, b }) => {
    const part = (v) => {
      v /= 255;
      return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    };
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const bad = [];
  for (const e of document.querySelectorAll('main *, header *')) {
    if (e.closest('.chart, .unseen, .skip') || !e.getClientRects().length) continue;
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
    let ground = e;
    const behind = (one) => rgb(getComputedStyle(one).backgroundColor);
    while (ground && behind(ground).a === 0) ground = ground.parentElement;
    const style = getComputedStyle(e);
    const back = ground ? behind(ground) : { r: 255, g: 255, b: 255 };
    const [one, two] = [light(rgb(style.color)), light(back)].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (two + 0.05);
    const large = parseFloat(style.fontSize) >= 24
      || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) bad.push([e.textContent.trim().slice(0, 30), ratio.toFixed(2)]);
  }
  return bad;
})()
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fields_have_labels_and_text_can_be_read(
    watched: Watched, served: Served, scheme: Any
) -> None:
    page = watched.page
    page.emulate_media(color_scheme=scheme)
    for name in (*PAGES, "upload", "customers/n001"):
        page.goto(f"{served.base}/companies/{NORTH}/{name}")
        assert page.evaluate(_LABELS) == [], name
        assert page.evaluate(_CONTRAST) == [], name
        assert page.evaluate("document.querySelectorAll('h1').length") == 1, name
        assert page.evaluate("document.documentElement.lang") == "en"
        ids = page.evaluate(_IDS)
        assert len(ids) == len(set(ids)), name
    page.emulate_media(color_scheme="light")


def test_another_company_is_not_there(watched: Watched, served: Served) -> None:
    page = watched.page
    assert page.locator("#company option").all_inner_texts() == ["North & Söhne"]
    answer = page.goto(f"{served.base}/companies/{SOUTH}/overview")
    assert answer is not None
    assert answer.status == 404
    assert "There is no such page" in page.content()
    watched.complaints.clear()


def test_the_first_paint_is_quick(watched: Watched, served: Served) -> None:
    page = watched.page
    page.goto(f"{served.base}/companies/{NORTH}/overview")
    painted = page.evaluate(
        "new Promise(r => new PerformanceObserver(l => r(l.getEntries()[0].startTime))"
        ".observe({type: 'paint', buffered: true}))"
    )
    # Twice what is promised: other tests share the machine.
    assert painted < 4000


def test_the_report_opens_from_disk_and_asks_for_nothing(
    browser: Browser, shown: Shown, tmp_path: Path
) -> None:
    from reporting.report.content import read_report
    from reporting.report.page import write

    file = tmp_path / "report.html"
    with connect(settings=shown.settings) as connection:
        report = read_report(connection, NORTH)
    write(report, file)
    first = file.read_bytes()
    write(report, file)
    assert file.read_bytes() == first
    page = browser.new_page(viewport=PHONE)  # type: ignore[arg-type]
    seen = Watched(page)
    page.goto(file.as_uri())
    seen.drawn()
    assert seen.asked == [file.as_uri()]
    assert not seen.complaints
    titles = page.locator("h2").all_inner_texts()
    assert titles == [section.title for section in report.sections]
    assert titles == [
        "Headline numbers",
        "Lifetime value by cohort",
        "Acquisition: LTV:CAC and payback",
        "Retention",
        "Repeat rate",
        "Segments and what to do",
        "Distribution of lifetime value",
        "Lifetime value by first channel, product and discount",
        "New and returning revenue",
        "Forecast",
        "Customers at risk and next best actions",
        "How good the predictions are",
    ]
    assert (
        page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        <= 0
    )
    for figure in page.locator("figure").all():
        assert figure.locator(".definition").inner_text().strip()
        assert figure.locator("svg.main-svg").count() >= 1
    # What is drawn is what was written.
    drawn = json.loads(
        page.evaluate("JSON.stringify(document.querySelector('#revenue .chart').data[0].y)")
    )
    with connect(settings=shown.settings) as connection:
        wanted = [float(row["new_revenue"]) for row in revenue.monthly(connection, Scope(NORTH))]
    assert drawn == wanted
    assert page.pdf()[:4] == b"%PDF"
    page.close()
