"""`clv docs`: one file with everything in it, that asks nobody for anything."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from orchestration.docs import SEAL, DocsError, write_docs
from warehouse.settings import PROJECT_ROOT, Settings

FETCHING = {"src", "href", "data", "action", "poster", "srcset"}


class Page(HTMLParser):
    """What the page itself would load, and where its policy stands."""

    def __init__(self) -> None:
        super().__init__()
        self.policy = ""
        self.scripts_before_the_policy = 0
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "meta" and given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"] or ""
        elif tag in {"script", "style", "link", "img"} and not self.policy:
            self.scripts_before_the_policy += 1
        if tag != "a":
            self.loads += [value for name, value in attrs if name in FETCHING and value]


@pytest.fixture(scope="module")
def page(warehouse_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> str:
    target = tmp_path_factory.mktemp("docs") / "new" / "index.html"
    assert write_docs(warehouse_settings, target)
    assert [*target.parent.iterdir()] == [target]
    return target.read_text()


def test_everything_is_in_the_page(page: str) -> None:
    for name in ("customer_360", "customer_pii", "fct_orders", "exposure.clv.bi_tools"):
        assert name in page, name
    assert '"MANIFEST.JSON INLINE DATA"' not in page
    assert '"CATALOG.JSON INLINE DATA"' not in page


def test_it_makes_no_outside_request(page: str) -> None:
    # Only the page's own markup: what is inlined as data is no markup to the browser.
    markup = Page()
    markup.feed(re.sub(r"<script[^>]*>.*?</script>", "<script></script>", page, flags=re.S))
    assert markup.scripts_before_the_policy == 0
    rules = dict(rule.strip().split(" ", 1) for rule in markup.policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["connect-src"] == "'none'"
    allowed = {"'none'", "'unsafe-inline'", "'unsafe-eval'", "data:"}
    assert {source for rule in rules.values() for source in rule.split()} <= allowed
    assert not [each for each in markup.loads if re.match(r"(https?:)?//", each)]


def test_it_tells_nothing_of_this_machine(page: str, warehouse_settings: Settings) -> None:
    assert str(PROJECT_ROOT) not in page
    assert str(warehouse_settings.home) not in page
    password = (warehouse_settings.postgres_folder / "password").read_text().strip()
    assert password
    assert password not in page


def test_without_a_warehouse_only_the_catalogue_is_missing(tmp_path: Path) -> None:
    target = tmp_path / "index.html"
    assert not write_docs(Settings(home=tmp_path / "nothing here"), target)
    page = target.read_text()
    assert "customer_360" in page
    assert SEAL in page


def test_a_file_that_cannot_be_written(warehouse_settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DocsError, match="can't be written"):
        write_docs(Settings(home=tmp_path / "nothing here"), tmp_path / "file" / "index.html")
