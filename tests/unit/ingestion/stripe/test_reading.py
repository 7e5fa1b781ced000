"""Lists that move while they are read, whatever moves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.errors import SourceError
from ingestion.sources.stripe import reading
from ingestion.sources.stripe.client import MissingError
from ingestion.sources.stripe.reading import Window, inside, listed, references, single


class Lists:
    """An account with one list, which changes between two pages as it is told."""

    def __init__(self, created: list[int], moves: dict[int, list[tuple[str, int]]] | None = None):
        self.things = [{"id": f"t{n}", "created": at} for n, at in enumerate(created)]
        self.moves = moves or {}
        self.requests = 0

    def get(self, name: str, path: str, params: dict[str, Any]) -> dict[str, Any]:
        self.requests += 1
        assert self.requests < 500, "the list is read for ever"
        found = sorted(
            enumerate(self.things), key=lambda each: (each[1]["created"], each[0]), reverse=True
        )
        nodes = [node for _, node in found]
        for key, value in params.items():
            if key == "created[gte]":
                nodes = [node for node in nodes if node["created"] >= value]
            if key == "created[lte]":
                nodes = [node for node in nodes if node["created"] <= value]
            if key == "created[lt]":
                nodes = [node for node in nodes if node["created"] < value]
        start = 0
        if "starting_after" in params:
            ids = [node["id"] for node in nodes]
            if params["starting_after"] not in ids:
                raise MissingError("gone", "starting_after")
            start = ids.index(params["starting_after"]) + 1
        page = nodes[start : start + params["limit"]]
        answer = {"object": "list", "data": page, "has_more": start + len(page) < len(nodes)}
        for what, which in self.moves.get(self.requests, ()):
            if what == "add":
                newest = max((node["created"] for node in self.things), default=0)
                self.things.append({"id": f"new{self.requests}-{which}", "created": newest})
            elif self.things:
                del self.things[which % len(self.things)]
        return answer

    def error(self, name: str, what: str) -> SourceError:
        return SourceError(f"{name}: {what}")


@given(
    st.lists(st.integers(0, 12), max_size=40),
    st.dictionaries(
        st.integers(1, 12),
        st.lists(st.tuples(st.sampled_from(["add", "delete"]), st.integers(0, 50)), max_size=6),
        max_size=8,
    ),
)
@settings(max_examples=300, deadline=None)
def test_what_stays_is_read_once_whatever_comes_and_goes(
    created: list[int], moves: dict[int, list[tuple[str, int]]]
) -> None:
    account = Lists(created, moves)
    before = {node["id"] for node in account.things}
    original, reading.LIMIT = reading.LIMIT, 3
    try:
        pages = list(listed(account, "things", Window(), {}))  # type: ignore[arg-type]
    finally:
        reading.LIMIT = original
    read = [node["id"] for page in pages for node in page]
    stayed = before & {node["id"] for node in account.things}
    assert stayed <= set(read)
    assert len(read) == len(set(read))
    assert all(pages)


@given(st.lists(st.integers(0, 100), max_size=30), st.integers(0, 100), st.integers(0, 100))
def test_a_window_holds_its_start_and_not_its_end(created: list[int], start: int, end: int) -> None:
    window = Window(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC))
    account = Lists(created)
    read = {
        node["id"]
        for page in listed(account, "things", window, {})  # type: ignore[arg-type]
        for node in page
    }
    assert read == {node["id"] for node in account.things if start <= node["created"] < end}
    assert read == {node["id"] for node in account.things if window.holds(node)}


def test_a_first_page_that_is_missing_something_is_an_error() -> None:
    class Broken(Lists):
        def get(self, *_: Any) -> dict[str, Any]:
            raise MissingError("no such customer", "customer")

    with pytest.raises(MissingError):
        list(listed(Broken([]), "things", Window(), {}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "answer",
    [
        {"object": "list", "data": None, "has_more": False},
        {"object": "list", "data": ["x"], "has_more": False},
        {"object": "list", "data": [], "has_more": True},
        {"object": "list", "data": [{"created": 1}], "has_more": True},
    ],
)
def test_a_list_that_is_none_is_an_error_and_no_end(answer: dict[str, Any]) -> None:
    class Broken(Lists):
        def get(self, *_: Any) -> dict[str, Any]:
            return answer

    with pytest.raises(SourceError, match="things, page 1"):
        list(listed(Broken([]), "things", Window(), {}))  # type: ignore[arg-type]


def test_a_list_inside_is_begun_anew_when_it_changed() -> None:
    account = Lists([5] * 250, {1: [("delete", 150)], 3: []})
    found = inside(account, "in_1", "lines", "invoices/in_1/lines", {})  # type: ignore[arg-type]
    assert found is not None
    assert {node["id"] for node in found} == {node["id"] for node in account.things}


def test_the_list_inside_of_what_is_gone_is_none() -> None:
    class Gone(Lists):
        def get(self, *_: Any) -> dict[str, Any]:
            raise MissingError("gone", "id")

    assert inside(Gone([]), "in_1", "lines", "invoices/in_1/lines", {}) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "there"),
    [
        ({"id": "cus_1", "object": "customer"}, True),
        ({"id": "cus_1", "object": "customer", "deleted": True}, False),
        (MissingError("gone", "id"), False),
    ],
)
def test_what_is_deleted_is_none(answer: Any, there: bool) -> None:
    asked = []

    class One(Lists):
        def get(self, name: str, path: str, params: dict[str, Any]) -> dict[str, Any]:
            asked.append(path)
            if isinstance(answer, Exception):
                raise answer
            return answer

    found = single(One([]), "coupon", "coupons", "50% off/now")  # type: ignore[arg-type]
    assert (found is not None) is there
    assert asked == ["coupons/50%25%20off%2Fnow"]


@pytest.mark.parametrize(
    ("node", "found"),
    [
        ({"object": "customer", "id": "cus_1"}, [("customers", "cus_1")]),
        (
            {"object": "refund", "id": "re_1", "charge": "ch_1"},
            [("refunds", "re_1"), ("charges", "ch_1")],
        ),
        (
            {"object": "dispute", "id": "du_1", "charge": {"id": "ch_1", "object": "charge"}},
            [("disputes", "du_1"), ("charges", "ch_1")],
        ),
        (
            {"object": "discount", "id": "di_1", "customer": "cus_1", "subscription": None},
            [("customers", "cus_1")],
        ),
        ({"object": "payout", "id": "po_1"}, []),
        ({"object": "customer", "id": None}, []),
        ({}, []),
        (None, []),
    ],
)
def test_what_an_event_points_to(node: Any, found: list[tuple[str, str]]) -> None:
    assert list(references({"id": "evt_1", "data": {"object": node}})) == found
    assert list(references({"id": "evt_1", "data": None})) == []
