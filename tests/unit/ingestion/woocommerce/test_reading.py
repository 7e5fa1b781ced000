"""Lists are read whole and once, whatever leaves or comes between two pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo.stores.woocommerce.lists import as_php_reads
from ingestion.errors import SourceError
from ingestion.sources.woocommerce import reading
from ingestion.sources.woocommerce.client import Answer, WooCommerceClient
from ingestion.sources.woocommerce.reading import OVERLAP, gmt, listed, node_id, since


class Moving:
    """A list of ids that changes after each answer, as long as there are changes."""

    def __init__(
        self, ids: list[int], changes: list[Callable[[set[int]], Any]], total: bool
    ) -> None:
        self.ids = set(ids)
        self.changes = list(changes)
        self.total = total
        self.asked = 0

    def get(self, route: str, parameters: dict[str, Any], page: int = 1) -> Answer:
        self.asked += 1
        assert self.asked < 500, "reads forever"
        assert (parameters["orderby"], parameters["order"]) == ("id", "asc")
        here = sorted(self.ids)
        start = parameters["offset"]
        shown = here[start : start + parameters["per_page"]]
        if self.changes:
            self.changes.pop(0)(self.ids)
        return Answer([{"id": each} for each in shown], len(here) if self.total else None)

    def error(self, name: str, what: str) -> SourceError:
        return SourceError(f"{name}: {what}")


def read(site: Any) -> list[int]:
    return [node["id"] for nodes in listed(site, "orders") for node in nodes]


CHANGE = st.one_of(
    st.sets(st.integers(0, 150), max_size=60).map(
        lambda gone: lambda ids: ids.difference_update(gone)
    ),
    st.sets(st.integers(0, 150), max_size=8).map(lambda more: lambda ids: ids.update(more)),
)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGE", 10)
    monkeypatch.setattr(reading, "SHARED", 2)


@settings(deadline=None)
@given(
    st.sets(st.integers(0, 150), max_size=120),
    st.lists(CHANGE, max_size=6),
    st.booleans(),
)
def test_what_stands_still_is_read_once(
    ids: set[int], changes: list[Callable[[set[int]], Any]], total: bool
) -> None:
    site = Moving(sorted(ids), changes, total)
    still = set(ids)
    for change in changes:
        later = set(still)
        change(later)
        still &= later
    found = read(site)
    assert len(found) == len(set(found))
    assert still <= set(found)


def test_a_list_that_stands_still_takes_few_requests() -> None:
    site = Moving(list(range(100)), [], total=True)
    assert read(site) == list(range(100))
    assert site.asked == 13


def test_a_site_that_shows_the_same_page_again_is_named() -> None:
    class Stuck(Moving):
        def get(self, route: str, parameters: dict[str, Any], page: int = 1) -> Answer:
            return super().get(route, parameters | {"offset": 0}, page)

    with pytest.raises(SourceError, match=r"orders, page 2: .*ignores the parameter offset"):
        read(Stuck(list(range(30)), [], total=True))


@settings(deadline=None)
@given(
    st.datetimes(datetime(2015, 1, 1), datetime(2035, 1, 1)).map(
        lambda at: at.replace(microsecond=0, tzinfo=UTC)
    ),
    st.sampled_from(
        ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]
    ),
)
def test_a_limit_never_lies_behind_the_cursor(cursor: datetime, zone: str) -> None:
    """However the site reads it: what changed at the cursor or later is after the limit."""
    asked = since(cursor - OVERLAP)
    assert asked["dates_are_gmt"] == "true"
    assert "Z" not in asked["modified_after"] and "+" not in asked["modified_after"]
    limit = as_php_reads("modified_after", asked["modified_after"], ZoneInfo(zone))
    behind = cursor.replace(tzinfo=None) - limit
    assert timedelta(hours=1) <= behind <= OVERLAP


def test_a_limit_in_the_hour_that_is_skipped_is_later_than_it_says() -> None:
    """Why the overlap is longer than an hour."""
    skipped = datetime(2026, 3, 29, 2, 30, tzinfo=UTC)
    read_as = as_php_reads("modified_after", gmt(skipped), ZoneInfo("Europe/Berlin"))
    assert read_as == datetime(2026, 3, 29, 3, 30)
    shifted = as_php_reads("modified_after", "2026-06-30T12:00:00Z", ZoneInfo("Europe/Berlin"))
    assert shifted == datetime(2026, 6, 30, 14)


@pytest.mark.parametrize(
    ("value", "number"),
    [(7, 7), ("7", 7), ("7a", -1), (None, -1), (True, -1), (1.5, -1), (-3, -1), (2**70, -1)],
)
def test_ids(value: Any, number: int) -> None:
    assert node_id({"id": value}) == number


def test_a_client_opens_nothing() -> None:
    assert WooCommerceClient("acme", "http://127.0.0.1:1", "ck", "cs").requests == 0
