"""Cursors, searches: what a page holds, whatever its size and whatever happens meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from graphql import GraphQLError
from hypothesis import given
from hypothesis import strategies as st

from demo.stores.shopify.connections import DEPTH_LIMIT, Row, cursor, page
from demo.stores.shopify.search import Field, read_search

_ROWS = st.lists(st.integers(0, 5), max_size=40).map(
    lambda values: sorted(Row(f"2026-01-0{v + 1}T00:00:00Z", n, n) for n, v in enumerate(values))
)


def _walk(
    rows: list[Row], size: int, *, reverse: bool = False, backwards: bool = False
) -> list[int]:
    found: list[int] = []
    at: str | None = None
    while True:
        args = {"last": size, "before": at} if backwards else {"first": size, "after": at}
        got = page(rows, {**args, "reverse": reverse})
        ids = [row.id for row in got.rows]
        found = ids + found if backwards else found + ids
        if not (got.has_previous if backwards else got.has_next):
            return found
        at = cursor(got.rows[0 if backwards else -1])


@given(_ROWS, st.integers(1, 7), st.booleans(), st.booleans())
def test_pages_give_every_row_once_and_in_order(
    rows: list[Row], size: int, reverse: bool, backwards: bool
) -> None:
    expected = [row.id for row in rows]
    assert _walk(rows, size, reverse=reverse, backwards=backwards) == (
        expected[::-1] if reverse else expected
    )


@given(_ROWS, st.integers(1, 7))
def test_a_cursor_keeps_its_place_when_its_row_is_gone(rows: list[Row], size: int) -> None:
    got = page(rows, {"first": size})
    if not got.rows:
        return
    last = got.rows[-1]
    left = [row for row in rows if row != last]
    after = page(left, {"first": 250, "after": cursor(last)})
    assert [row.id for row in after.rows] == [row.id for row in rows[len(got.rows) :]]


def test_a_row_that_changes_between_pages_moves_behind_the_cursor_or_before_it() -> None:
    rows = [Row(f"2026-01-0{n}T00:00:00Z", n, n) for n in range(1, 7)]
    first = page(rows, {"first": 3})
    after = cursor(first.rows[-1])
    # 2 was read and changes: it comes again. 5 gets an older time: it is never seen.
    late = sorted([*rows[:1], *rows[2:4], rows[5], Row("2026-01-09T00:00:00Z", 2, 2)])
    late = sorted([*late, Row("2026-01-01T12:00:00Z", 5, 5)])
    rest = page(late, {"first": 9, "after": after})
    assert [row.id for row in rest.rows] == [4, 6, 2]


def test_nothing_is_reached_beyond_25000_rows() -> None:
    rows = [Row(n, n, n) for n in range(DEPTH_LIMIT + 10)]
    got = page(rows, {"first": 250, "after": cursor(rows[DEPTH_LIMIT - 251])})
    assert got.rows[-1].id == DEPTH_LIMIT - 1
    assert not got.has_next
    beyond = page(rows, {"first": 250, "after": cursor(rows[DEPTH_LIMIT])})
    assert list(beyond.rows) == []
    assert not beyond.has_next


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({}, "you must provide one of first or last"),
        ({"first": 1, "last": 1}, "providing both first and last is not supported"),
        ({"first": 251}, "out of range"),
        ({"first": -1}, "out of range"),
        ({"first": 1, "after": "what"}, "Invalid cursor"),
        ({"first": 1, "after": cursor(Row(7, 7, 7))}, "Invalid cursor"),
    ],
)
def test_a_wrong_page_is_refused(args: dict[str, object], message: str) -> None:
    with pytest.raises(GraphQLError, match=message):
        page([Row("2026-01-01T00:00:00Z", 1, 1)], args)


@dataclass
class Thing:
    id: int
    updated_at: datetime
    status: str = "open"
    tags: tuple[str, ...] = ()
    test: bool = False


_FIELDS = {
    "id": Field("number", lambda t: t.id),
    "updated_at": Field("time", lambda t: t.updated_at),
    "status": Field("text", lambda t: t.status),
    "tag": Field("texts", lambda t: t.tags),
    "test": Field("flag", lambda t: t.test),
}
_NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
_THINGS = [
    Thing(1, _NOON.replace(hour=11)),
    Thing(2, _NOON, "closed", ("VIP",)),
    Thing(3, _NOON.replace(hour=13), "closed", test=True),
]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (None, [1, 2, 3]),
        ("", [1, 2, 3]),
        ("updated_at:>'2026-06-01T12:00:00Z'", [2, 3]),
        ("updated_at:>='2026-06-01T12:00:00Z'", [2, 3]),
        ("updated_at:<'2026-06-01T12:00:00Z'", [1]),
        ("updated_at:<='2026-06-01T14:00:00+02:00'", [1, 2]),
        ("updated_at:>2026-06-01T12:00:00Z", [2, 3]),
        # Without an offset it is the shop's time, four hours behind here.
        ("updated_at:>'2026-06-01T08:30:00'", [3]),
        ("updated_at:>=2026-06-01 updated_at:<2026-06-02", [1, 2, 3]),
        ("id:2", [2]),
        ("id:>2", [3]),
        ("id:gid://shopify/Order/2", [2]),
        ("id:1 OR id:3", [1, 3]),
        ("(id:1 OR id:3) AND status:closed", [3]),
        ("status:CLOSED -id:2", [3]),
        ("NOT status:closed", [1]),
        ("tag:vip", [2]),
        ("tag:*", [2]),
        ("test:true", [3]),
        ("status:clo*", [2, 3]),
    ],
)
def test_a_search_keeps_what_it_says(query: str | None, expected: list[int]) -> None:
    search = read_search(query, _FIELDS, "America/New_York")
    assert [each.id for each in _THINGS if search.keeps(each)] == expected
    assert search.warnings == ()


@pytest.mark.parametrize(
    ("query", "code"),
    [("changed_at:>'2026-06-01'", "invalid_field"), ("updated_at:>'June'", "invalid_value")],
)
def test_what_is_not_understood_is_ignored_with_a_warning(query: str, code: str) -> None:
    search = read_search(f"{query} id:3", _FIELDS, "UTC")
    assert [each.id for each in _THINGS if search.keeps(each)] == [3]
    assert [each["code"] for each in search.warnings] == [code]


@given(st.text(alphabet="id:><=()'\" ORANDT-2026z", max_size=30))
def test_no_search_breaks_the_reader(query: str) -> None:
    search = read_search(query, _FIELDS, "UTC")
    assert all(isinstance(search.keeps(each), bool) for each in _THINGS)
