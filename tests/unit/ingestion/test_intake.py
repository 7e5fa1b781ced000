from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.arrow import Column, Table
from ingestion.intake import Intake, Shape, misshapen
from ingestion.quarantine import ObjectQuarantine

ORDERS = Table(
    "orders",
    (
        Column("id", "id", "id", required=True),
        Column("price", "price", "money"),
        Column("currency", "currency"),
    ),
    amounts={"price": "currency"},
)
LINES = Table(
    "lines",
    (Column("id", "id", "id", required=True), Column("order_id", "order", "id", required=True)),
    parent="order_id",
)


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def family_of(node: dict[str, Any]) -> str:
    return str(node.get("order") or node["id"])


@pytest.fixture
def quarantine() -> Any:
    with ObjectQuarantine("acme", "shop") as opened:
        yield opened


def family(intake: Intake, orders: list[Any], lines: list[Any]) -> dict[str, list[dict[str, Any]]]:
    nodes = {"orders": orders, "lines": lines}
    pages = intake.family(ORDERS, (LINES,), nodes, family_of)
    return {name: page.to_pylist() for name, page in pages.items()}


def order(number: int, price: str = "1", currency: str = "USD") -> dict[str, Any]:
    return {"id": gid("Order", number), "price": price, "currency": currency}


def line(number: int, of: int) -> dict[str, Any]:
    return {"id": gid("Line", number), "order": gid("Order", of)}


def test_rows_and_money_are_counted_by_currency(quarantine: ObjectQuarantine) -> None:
    told: list[Any] = []
    intake = Intake("acme", quarantine, False, lambda *what: told.append(what))
    family(intake, [order(1, "1.5"), order(2, "2", "EUR"), order(3, "0.25")], [])
    family(intake, [order(4, "x")], [])
    totals = intake.totals["orders"]
    assert (totals.landed_rows, totals.rejected_rows) == (3, 1)
    assert totals.amounts == {"price USD": Decimal("1.75"), "price EUR": Decimal(2)}
    assert told == [("orders", 1, 3), ("orders", 2, 3)]


def test_an_order_that_does_not_fit_keeps_its_lines_out(quarantine: ObjectQuarantine) -> None:
    intake = Intake("acme", quarantine, True, lambda *_: None)
    pages = family(intake, [order(1, "x"), order(2)], [line(10, 1), line(20, 2)])
    assert [row["id"] for row in pages["orders"]] == ["2"]
    assert [row["order_id"] for row in pages["lines"]] == ["2"]
    (rejected,) = quarantine.first
    assert (rejected.source_file, rejected.column_name) == (gid("Order", 1), "price")
    assert str(rejected).startswith(f"{gid('Order', 1)}, price: is not a money")


def test_a_parent_without_children_says_so_where_older_ones_may_be(
    quarantine: ObjectQuarantine,
) -> None:
    for replaces, vacant in ((True, ["1"]), (False, [])):
        intake = Intake("acme", quarantine, replaces, lambda *_: None)
        pages = family(intake, [order(1), order(2)], [line(20, 2)])
        assert [row["order_id"] for row in pages["lines"] if row["_vacant"]] == vacant


def test_what_is_no_object_is_refused_before_it_is_walked_through(
    quarantine: ObjectQuarantine,
) -> None:
    intake = Intake("acme", quarantine, False, lambda *_: None)
    good, bad = order(1) | {"lines": [{}]}, order(2) | {"lines": None, "note": "a\x00"}
    assert intake.sound(ORDERS, [good, bad], {"lines": [{}]}, family_of) == [good]
    (rejected,) = quarantine.first
    assert rejected.column_name == "lines"
    assert rejected.raw_row["note"] == "a\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"a": [{"b": {}}], "c": 1}, None),
        ({"a": []}, None),
        ({"a": [{"b": []}]}, "a.b"),
        ({"a": [{}]}, "a.b"),
        ({"a": {"b": {}}}, "a"),
        ({"a": ["x"]}, "a"),
        ({}, "a"),
        ("x", ""),
        (None, ""),
    ],
)
def test_the_place_of_the_wrong_shape_is_named(value: Any, place: str | None) -> None:
    assert misshapen(value, {"a": [{"b": {}}]}) == place


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
)


@given(anything)
def test_any_json_either_has_the_shape_or_names_a_place(value: Any) -> None:
    shape: Shape = {"a": [{"b": [{}]}]}
    place = misshapen(value, shape)
    if place is None:
        assert all(isinstance(deep, dict) for each in value["a"] for deep in each["b"])
    else:
        assert place in {"", "a", "a.b"}
