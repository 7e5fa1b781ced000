"""A CSV on its way in through the dashboard and the real receiver, in a browser."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
import yaml

from tests.integration.conftest import free_port
from tests.integration.pages.conftest import NORTH, PASSWORD, SOUTH, Shown, company
from tests.integration.pages.served import (
    ARGUMENTS,
    CHROMIUM,
    NO_BROWSER,
    Served,
    log_in,
    serving,
    token_of,
)
from warehouse.settings import PROJECT_ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = NO_BROWSER


@pytest.fixture(scope="module")
def served(shown: Shown, readers: None) -> Iterator[Served]:
    companies_file = shown.folder / "companies.yml"
    north = company(NORTH, "EUR").model_dump(mode="json", exclude_defaults=True)
    companies_file.write_text(yaml.safe_dump({"companies": [north]}))
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "CLV_HOME": str(shown.settings.home),
        "CLV_COMPANIES_FILE": str(companies_file),
    }
    log = shown.folder / "receiver.log"
    with log.open("wb") as said:
        receiver = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "ingestion.receiver",
                "--host",
                "127.0.0.1",
                "--port",
                str(port),
            ],
            cwd=PROJECT_ROOT,
            env=environment,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
    try:
        for _ in range(600):
            assert receiver.poll() is None, log.read_text()
            try:
                if requests.get(f"{base}/health", timeout=2).ok:
                    break
            except requests.ConnectionError:
                time.sleep(0.1)
        with serving(shown.settings, shown.folder, CLV_RECEIVER_URL=base) as made:
            yield made
        assert PASSWORD not in log.read_text()
        assert PASSWORD not in made.log.read_text()
    finally:
        receiver.terminate()
        receiver.wait(timeout=20)


@pytest.fixture(scope="module")
def page(served: Served) -> Iterator[Page]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        opened = browser.new_page()
        opened.set_default_timeout(120_000)
        opened.goto(f"{served.base}/login")
        opened.fill("#user", "nora reads north")
        opened.fill("#password", PASSWORD)
        opened.keyboard.press("Enter")
        opened.wait_for_url("**/overview")
        yield opened
        browser.close()


def send(page: Page, served: Served, file: Path, feed: str) -> None:
    page.goto(f"{served.base}/companies/{NORTH}/upload")
    page.set_input_files("#file", str(file))
    page.fill("#feed", feed)
    page.get_by_role("button", name="Send and check").click()
    page.wait_for_url("**/uploads/*")


def test_a_good_file_shows_what_would_land_and_is_accepted(
    page: Page, served: Served, tmp_path: Path
) -> None:
    file = tmp_path / "märz <b>.csv"
    file.write_text(
        "Customer,Order date,Total,Currency\n"
        + "".join(f"k{n},2026-03-{n % 28 + 1:02},{n}.50,EUR\n" for n in range(1, 40))
        + "k40,yesterday,5.00,EUR\n"
    )
    send(page, served, file, "fresh")
    page.get_by_role("button", name="Accept and land").wait_for()
    text = page.locator("#preview").inner_text()
    assert "Order date" in text
    assert "order_date" in text
    rows = page.locator("#preview table").nth(1).inner_text()
    assert "In the file\t40" in rows
    assert "Would land\t39" in rows
    assert "Would be put aside\t1" in rows
    page.get_by_role("button", name="Accept and land").click()
    page.get_by_text("Accepted: waits to be landed").wait_for()
    address = page.url
    page.goto(f"{served.base}/companies/{NORTH}/upload")
    assert "fresh" in page.locator("table").inner_text()
    # Nobody else sees it: neither who reads another company, nor who sees no personal data of it.
    for user in ("saul reads south", "bea reads both"):
        other = log_in(served, user)
        for end in ("", "/state"):
            answer = other.get(address + end, allow_redirects=False)
            assert answer.status_code == 404, (user, end)
            assert "k1" not in answer.text
        elsewhere = address.replace(NORTH, SOUTH)
        assert other.get(elsewhere, allow_redirects=False).status_code == 404
        token = token_of(other.get(f"{served.base}/companies/{SOUTH}/overview").text)
        for decision in ("discard", "accept"):
            data = {"token": token, "decision": decision}
            assert other.post(address, data=data, allow_redirects=False).status_code == 404


def test_a_bad_file_says_why_and_lands_nothing(page: Page, served: Served, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_text("colour,shape\nred,round\nblue,square\n")
    send(page, served, file, "odd")
    page.get_by_text("It can't be landed as it is").wait_for()
    assert page.get_by_role("button", name="Accept and land").count() == 0
    assert page.locator(".problem").first.inner_text()
    page.get_by_role("button", name="Throw away").click()
    page.wait_for_url("**/upload")
    assert "bad.csv" not in page.content()
