"""What PHP writes lands as what it means, and what means nothing is refused."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.sources.woocommerce import tables
from ingestion.sources.woocommerce.shaping import as_list, tidy

ORDER: dict[str, Any] = {
    "id": 12,
    "status": "completed",
    "currency": "USD",
    "date_created_gmt": "2026-06-30T12:00:00",
    "total": "10.00",
}


def landed(order: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
    """The row, or where and why it was refused."""
    page, refused = tables.ORDERS.split("acme", [tidy(tables.ORDERS, order)])
    if refused:
        return None, str(refused[0][1])
    return page.to_pylist()[0], ""


@settings(deadline=None)
@given(st.decimals(Decimal("-1e9"), Decimal("1e9"), places=4))
def test_money_lands_to_the_last_digit(amount: Decimal) -> None:
    row, why = landed(ORDER | {"total": f"{amount:f}"})
    assert row and row["total"] == amount, why


@settings(deadline=None)
@given(st.integers(-(10**8), 10**8), st.integers(0, 4))
def test_money_as_a_number_lands_as_its_shortest_digits(units: int, places: int) -> None:
    amount = Decimal(units).scaleb(-places)
    row, why = landed(ORDER | {"total": float(amount)})
    assert row and row["total"] == amount, why


def test_noise_of_a_number_is_no_money() -> None:
    """PHP writes 0.1 + 0.2 with all its digits."""
    row, why = landed(ORDER | {"total": 0.1 + 0.2, "total_tax": 10 / 3})
    assert row, why
    assert (row["total"], row["total_tax"]) == (Decimal("0.3"), Decimal("3.3333"))


def test_an_array_that_nobody_has_filled_is_nothing() -> None:
    row, why = landed(
        ORDER | {"transaction_id": [], "customer_id": [], "total_tax": [], "billing": []}
    )
    assert row, why
    assert [row[name] for name in ("transaction_id", "customer_id", "total_tax", "email")] == [
        None
    ] * 4


@pytest.mark.parametrize("amount", ["1e3 USD", "12,50", "NaN", "", None, [], {}, "1.00001", True])
def test_what_is_no_money_is_refused(amount: Any) -> None:
    row, why = landed(ORDER | {"total": amount})
    assert row is None
    assert why.startswith(("total:", "(row):"))


@pytest.mark.parametrize(
    ("value", "key"),
    [(0, None), ("0", None), ("", None), (None, None), (False, None), (7, "7"), ("7", "7")],
)
def test_nobody_is_a_guest(value: Any, key: str | None) -> None:
    row, why = landed(ORDER | {"customer_id": value})
    assert row is not None, why
    assert row["customer_id"] == key


@pytest.mark.parametrize("value", ["seven", -7, 7.5, [7], {"id": 7}])
def test_what_names_nothing_is_refused(value: Any) -> None:
    assert landed(ORDER | {"customer_id": value})[0] is None


@settings(deadline=None)
@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)))
def test_times_are_gmt(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    row, why = landed(ORDER | {"date_modified_gmt": moment.isoformat()})
    assert row, why
    assert row["modified_at"] == moment.replace(tzinfo=UTC)
    row, why = landed(ORDER | {"date_modified_gmt": f"{moment.isoformat()}+02:00"})
    assert row, why
    assert (moment.replace(tzinfo=UTC) - row["modified_at"]).total_seconds() == 7_200


@pytest.mark.parametrize("value", ["", None, False, "0000-00-00T00:00:00"])
def test_no_time_is_none(value: Any) -> None:
    row, why = landed(ORDER | {"date_paid_gmt": value})
    assert row is not None, why
    assert row["paid_at"] is None


@pytest.mark.parametrize("billing", [None, [], "", {}, {"email": ""}, {"email": None}])
def test_no_address_is_none(billing: Any) -> None:
    row, why = landed(ORDER | {"billing": billing})
    assert row is not None, why
    assert row["email"] is None


def test_an_address_that_is_none_is_refused() -> None:
    assert landed(ORDER | {"billing": "Baker Street"})[0] is None


@pytest.mark.parametrize(
    ("value", "flag"),
    [("yes", True), ("no", False), (1, True), (0, False), ("", False), (True, True), (None, None)],
)
def test_flags(value: Any, flag: bool | None) -> None:
    row, why = landed(ORDER | {"prices_include_tax": value})
    assert row is not None, why
    assert row["prices_include_tax"] is flag


def test_a_line_may_be_of_a_part_of_a_piece() -> None:
    line = {"id": 1, "order_id": 12, "currency": "USD", "subtotal": "5", "total": "5.0"}
    for quantity, wanted in ((2, 2), ("2", 2), (0.5, Decimal("0.5")), ("1.25", Decimal("1.25"))):
        tidied = tidy(tables.ORDER_LINES, line | {"quantity": quantity, "price": 10 / 3})
        page, refused = tables.ORDER_LINES.split("acme", [tidied])
        assert not refused
        (row,) = page.to_pylist()
        assert (row["quantity"], row["total"]) == (wanted, 5)


def test_fields_that_nobody_knows_are_kept_and_links_are_not() -> None:
    row, why = landed(copy.deepcopy(ORDER) | {"plugin": {"a": [1]}, "_links": {"self": []}})
    assert row is not None, why
    assert row["extra"] == '{"plugin":{"a":[1]}}'


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, []),
        ("", []),
        (False, []),
        ([], []),
        ([{"id": 1}], [{"id": 1}]),
        ({"1": {"id": 1}, "3": {"id": 3}}, [{"id": 1}, {"id": 3}]),
        ("none", "none"),
        ({"id": 1}, {"id": 1}),
    ],
)
def test_lists_of_php(value: Any, wanted: Any) -> None:
    assert as_list(value) == wanted


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.sampled_from([*(each.path.split(".")[0] for each in tables.ORDERS.columns)]), JSON)
def test_whatever_comes_lands_or_is_refused(field: str, value: Any) -> None:
    row, why = landed(ORDER | {field: value})
    assert (row is None) == bool(why)
