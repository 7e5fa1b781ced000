"""Paging to the end of lists that end at a cap, move meanwhile, and hold more than fits a page."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.sources.shopify import queries, reading
from ingestion.sources.shopify.client import Answer, Node, TooExpensiveError
from ingestion.sources.shopify.reading import PageSize, changed, complete, newest

START = datetime(2026, 1, 1, tzinfo=UTC)


class Shop:
    """A list of customers with a cap, by the rules of the API's documents."""

    def __init__(self, seconds: list[int], cap: int = 25) -> None:
        self.cap = cap
        self.rows = {
            number: START + timedelta(seconds=second)
            for number, second in enumerate(seconds, start=1)
        }
        self.pages = 0
        self.dearest = 10**9
        self.after_page: dict[int, Any] = {}

    def ask(
        self,
        operation: str,
        query: str,
        variables: dict[str, Any] | None = None,
        page: int = 1,
        records: Any = None,
    ) -> Answer:
        if operation.endswith("Newest"):
            last = max(self.rows.items(), key=lambda row: row[1], default=None)
            return self.answer([last[0]] if last else [], None)
        assert variables is not None
        if variables["first"] > self.dearest:
            raise TooExpensiveError("too much")
        by_id = variables["sortKey"] == "ID"

        def key(number: int) -> Any:
            return number if by_id else (self.rows[number], number)

        listed = sorted((n for n in self.rows if self.matches(n, variables["query"])), key=key)
        listed = listed[: self.cap]
        if variables["after"] is not None:
            listed = [number for number in listed if key(number) > variables["after"]]
        found = listed[: variables["first"]]
        more = len(listed) > len(found)
        answer = self.answer(found, key(found[-1]) if found else None, more)
        self.pages += 1
        self.after_page.get(self.pages, lambda: None)()
        return answer

    def answer(self, numbers: list[int], cursor: Any, more: bool = False) -> Answer:
        nodes = [
            {
                "id": f"gid://shopify/Customer/{number}",
                "updatedAt": self.rows[number].isoformat().replace("+00:00", "Z"),
            }
            for number in numbers
        ]
        page = {"nodes": nodes, "pageInfo": {"hasNextPage": more, "endCursor": cursor}}
        return Answer({"customers": page}, None)

    def matches(self, number: int, query: str) -> bool:
        for field, sign, value in re.findall(r"(\w+):(<=|>=|>|<)'?([^' ]+)'?", query):
            mine: Any = number if field == "id" else self.rows[number]
            theirs: Any = int(value) if field == "id" else datetime.fromisoformat(value)
            holds = {
                "<=": mine <= theirs,
                ">=": mine >= theirs,
                "<": mine < theirs,
                ">": mine > theirs if field == "id" else mine >= theirs,
            }
            if not holds[sign]:
                return False
        return True


def read(shop: Shop, since: datetime | None = None) -> list[int]:
    until = newest(shop, queries.CUSTOMERS)  # type: ignore[arg-type]
    if until is None:
        return []
    pages = changed(shop, queries.CUSTOMERS, since, until)  # type: ignore[arg-type]
    return [int(node["id"].rsplit("/", 1)[1]) for page in pages for node in page]


@pytest.fixture(autouse=True)
def short_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "REANCHOR_AFTER", 20)
    small = queries.Listing(
        "Customers",
        "customers",
        "customersCount",
        "CustomerSortKeys",
        "id updatedAt",
        first=4,
        type_name="Customer",
    )
    monkeypatch.setattr(queries, "CUSTOMERS", small)


def test_an_empty_shop_has_nothing() -> None:
    assert read(Shop([])) == []


@settings(max_examples=60)
@given(st.lists(st.integers(0, 12), max_size=120))
def test_everything_is_read_once_past_the_cap_and_within_one_second(seconds: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "REANCHOR_AFTER", 20)
        got = read(Shop(seconds))
    assert sorted(got) == list(range(1, len(seconds) + 1))


def test_the_start_is_included() -> None:
    shop = Shop([0, 5, 5, 9])
    assert read(shop, START + timedelta(seconds=5)) == [2, 3, 4]


def test_what_moves_between_pages_is_read_once_and_what_is_new_not_yet() -> None:
    shop = Shop(list(range(12)))

    def edit() -> None:
        shop.rows[1] = shop.rows[9] = START + timedelta(seconds=99)
        shop.rows[50] = START + timedelta(seconds=100)

    shop.after_page[1] = edit
    got = read(shop)
    # 9 was still to come and left the window: the next load begins before its new time.
    assert sorted(got) == [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12]
    assert 9 in read(shop, START + timedelta(seconds=11))


def test_an_edit_in_the_windows_last_second_is_left_to_the_next_load() -> None:
    shop = Shop(list(range(12)))
    shop.after_page[1] = lambda: shop.rows.update({1: START + timedelta(seconds=11)})
    got = read(shop)
    assert sorted(got) == list(range(1, 13))
    assert 1 in read(shop, START + timedelta(seconds=11))


def test_a_node_without_a_time_or_an_id_is_passed_on_for_its_table_to_refuse() -> None:
    shop = Shop(list(range(8)))
    ask = shop.ask

    def broken(*parts: Any, **more: Any) -> Answer:
        answer = ask(*parts, **more)
        for node in answer.data["customers"]["nodes"]:
            if parts[0] == "Customers" and node["id"].endswith("/3"):
                node["updatedAt"] = None
            if parts[0] == "Customers" and node["id"].endswith("/5"):
                node["id"] = None
        return answer

    shop.ask = broken  # type: ignore[method-assign]
    until = newest(shop, queries.CUSTOMERS)  # type: ignore[arg-type]
    assert until is not None
    pages = changed(shop, queries.CUSTOMERS, None, until)  # type: ignore[arg-type]
    assert len([node for page in pages for node in page]) == 8


def test_a_page_that_is_too_expensive_is_halved_for_good() -> None:
    shop = Shop(list(range(12)))
    shop.dearest = 3
    assert sorted(read(shop)) == list(range(1, 13))
    shop.dearest = 0
    with pytest.raises(TooExpensiveError):
        read(shop)


def test_pages_grow_while_they_are_cheap() -> None:
    size = PageSize(5)
    for requested, grown in ((868, 5), (500, 9), (600, 13), (900, 13), (950, 13), (None, 13)):
        size.learn(requested)
        assert size.size == grown
    size.learn(1)
    assert size.size == queries.MAX_INPUT
    assert size.shrink()
    size.learn(1)
    assert size.size == queries.MAX_INPUT // 2


def test_a_nested_list_is_read_to_its_end() -> None:
    asked: list[dict[str, Any]] = []

    class Api:
        def ask(self, *parts: Any, about: str) -> Answer:
            variables = parts[2]
            asked.append(variables)
            start = int(variables["after"])
            more = start + 2 < 7
            nodes = [{"id": number} for number in range(start, min(start + 2, 7))]
            info = {"hasNextPage": more, "endCursor": str(start + 2)}
            return Answer({"parent": {"children": {"nodes": nodes, "pageInfo": info}}}, None)

    order: Node = {
        "id": "gid://shopify/Order/1",
        "lineItems": {
            "nodes": [{"id": 0}],
            "pageInfo": {"hasNextPage": True, "endCursor": "1"},
        },
    }
    complete(Api(), "OrderLines", "q", order, "lineItems")  # type: ignore[arg-type]
    assert order["lineItems"] == [{"id": number} for number in range(7)]
    assert {variables["id"] for variables in asked} == {order["id"]}
