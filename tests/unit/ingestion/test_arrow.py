from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.arrow import BadColumnError, Column, Table

THINGS = Table(
    "things",
    (
        Column("id", "id", "id", required=True),
        Column("name", "name"),
        Column("amount", "bag.money.amount", "money", required=True),
        Column("rate", "rate", "rate"),
        Column("pieces", "pieces", "number"),
        Column("test", "test", "flag"),
        Column("at", "at", "time"),
        Column("tags", "tags", "json"),
    ),
    amounts={},
)
GOOD: dict[str, Any] = {
    "id": "gid://shopify/Thing/7",
    "name": "a",
    "bag": {"money": {"amount": "12.5"}},
    "rate": "0.029",
    "pieces": 3,
    "test": False,
    "at": "2026-06-30T22:00:00Z",
    "tags": ["x"],
}


def row(node: dict[str, Any]) -> dict[str, Any]:
    return dict(THINGS.build("acme", [node]).to_pylist()[0])


def test_a_good_object_becomes_a_typed_row() -> None:
    assert row(GOOD) == {
        "company_id": "acme",
        "id": "7",
        "name": "a",
        "amount": Decimal("12.5000"),
        "rate": Decimal("0.029"),
        "pieces": 3,
        "test": False,
        "at": datetime(2026, 6, 30, 22, tzinfo=UTC),
        "tags": '["x"]',
        "extra": None,
        "_vacant": None,
    }


def test_what_may_be_missing_is_null_wherever_the_path_ends() -> None:
    for node in (
        {"id": GOOD["id"], "bag": GOOD["bag"]},
        GOOD | dict.fromkeys(("name", "rate", "pieces", "test", "at", "tags")),
    ):
        got = row(node)
        assert {got[name] for name in ("name", "rate", "pieces", "test", "at", "tags")} == {None}


def test_an_integer_may_come_as_text() -> None:
    assert row(GOOD | {"pieces": "12"})["pieces"] == 12


def test_an_unknown_field_lands_in_extra() -> None:
    assert row(GOOD | {"new": {"b": 1, "a": [None]}})["extra"] == '{"new":{"a":[null],"b":1}}'


@pytest.mark.parametrize(
    ("change", "column", "reason"),
    [
        ({"id": None}, "id", "is missing"),
        ({"id": "7"}, "id", "is not a global id"),
        ({"id": 7}, "id", "has the wrong type for a id"),
        ({"name": 5}, "name", "has the wrong type for a text"),
        ({"name": ["a"]}, "name", "has the wrong type"),
        ({"name": "a\x00"}, "name", "NUL"),
        ({"bag": None}, "bag.money.amount", "is missing"),
        ({"bag": "12.5"}, "bag.money.amount", "has the wrong type"),
        ({"bag": {"money": {"amount": 12.5}}}, "bag.money.amount", "has the wrong type"),
        ({"bag": {"money": {"amount": "12,5"}}}, "bag.money.amount", "12,5"),
        ({"bag": {"money": {"amount": "0.00001"}}}, "bag.money.amount", "is not a money"),
        ({"bag": {"money": {"amount": "1" * 15}}}, "bag.money.amount", "is not a money"),
        ({"pieces": 1.5}, "pieces", "is not a whole number"),
        ({"pieces": True}, "pieces", "is not a whole number"),
        ({"pieces": "x"}, "pieces", "is not a number"),
        ({"test": 1}, "test", "is not a flag"),
        ({"test": "true"}, "test", "is not a flag"),
        ({"at": "2026-06-30T22:00:00"}, "at", "is not a time"),
        ({"at": "30.06.2026"}, "at", "is not a time"),
        ({"tags": ["\x00"]}, "tags", "NUL"),
        ({"new": "\x00"}, "(json)", "NUL"),
    ],
)
def test_what_does_not_fit_says_where_and_why(
    change: dict[str, Any], column: str, reason: str
) -> None:
    with pytest.raises(BadColumnError) as raised:
        row(GOOD | change)
    assert raised.value.column == column
    assert reason in raised.value.reason


@given(st.lists(st.booleans(), max_size=40))
def test_good_rows_survive_bad_neighbours(good: list[bool]) -> None:
    nodes = [
        GOOD | {"id": f"gid://shopify/Thing/{number}"} | ({} if fine else {"name": number})
        for number, fine in enumerate(good)
    ]
    page, refused = THINGS.split("acme", nodes)
    assert page.column("id").to_pylist() == [str(n) for n, fine in enumerate(good) if fine]
    assert [node for node, _ in refused] == [
        node for node, fine in zip(nodes, good, strict=True) if not fine
    ]
    assert {error.column for _, error in refused} <= {"name"}


@given(st.decimals(min_value=-(10**13), max_value=10**13, places=4, allow_nan=False))
def test_money_is_exact(amount: Decimal) -> None:
    assert row(GOOD | {"bag": {"money": {"amount": f"{amount:f}"}}})["amount"] == amount


def test_a_vacancy_has_its_key_and_nothing_else() -> None:
    (vacant,) = THINGS.vacancies("acme", [("9",)]).to_pylist()
    assert (vacant["company_id"], vacant["id"], vacant["_vacant"]) == ("acme", "9", True)
    assert {value for name, value in vacant.items() if name not in ("company_id", "id")} == {
        None,
        True,
    }
    assert THINGS.nothing == ("",)
