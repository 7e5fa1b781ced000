"""What becomes of an object's fields, good and bad."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.arrow import BadColumnError
from ingestion.sources.square.tables import PARENT, PAYMENT_FEES, PAYMENTS, POSITION, REFUNDS
from warehouse.currencies import minor_units

# Shaped as the payment and the refund of Square's API reference, with fewer fields.
PAYMENT: dict[str, Any] = {
    "id": "bP9mAsEMYPUGjjGNaNO5ZDVyLhSZY",
    "created_at": "2021-10-13T19:34:33.524Z",
    "updated_at": "2021-10-13T19:34:34.339Z",
    "amount_money": {"amount": 555, "currency": "USD"},
    "total_money": {"amount": 555, "currency": "USD"},
    "approved_money": {"amount": 555, "currency": "USD"},
    "status": "COMPLETED",
    "source_type": "CARD",
    "location_id": "L88917AVBK2S5",
    "order_id": "d7eKah653Z579f3gVtjlxpSlmUcZY",
    "capabilities": ["EDIT_AMOUNT_UP"],
}
REFUND: dict[str, Any] = {
    "id": "bP9mAsEMYPUGjjGNaNO5ZDVyLhSZY_xVLlHdx",
    "status": "COMPLETED",
    "location_id": "L88917AVBK2S5",
    "unlinked": False,
    "amount_money": {"amount": 555, "currency": "USD"},
    "payment_id": "bP9mAsEMYPUGjjGNaNO5ZDVyLhSZY",
    "created_at": "2021-10-13T19:59:05.342Z",
    "updated_at": "2021-10-13T20:00:03.497Z",
    "processing_fee": [
        {
            "effective_at": "2021-10-13T21:34:35.000Z",
            "type": "INITIAL",
            "amount_money": {"amount": -34, "currency": "USD"},
        }
    ],
}


def row(table: Any, node: dict[str, Any]) -> dict[str, Any]:
    (found,) = table.build("acme", [node]).to_pylist()
    return dict(found)


def money(amount: Any, currency: str) -> dict[str, Any]:
    return {"amount": amount, "currency": currency}


def test_the_documented_payment() -> None:
    found = row(PAYMENTS, PAYMENT)
    assert found["amount"] == found["total"] == found["approved"] == Decimal("5.55")
    assert found["currency"] == "USD"
    assert found["tip"] is found["refunded"] is found["app_fee"] is None
    assert found["created_at"] == datetime(2021, 10, 13, 19, 34, 33, 524_000, UTC)
    assert orjson.loads(found["extra"]) == {"capabilities": ["EDIT_AMOUNT_UP"]}


def test_the_documented_refund_keeps_its_fees() -> None:
    found = row(REFUNDS, REFUND)
    assert (found["amount"], found["payment_id"]) == (Decimal("5.55"), PAYMENT["id"])
    assert orjson.loads(found["processing_fee"]) == REFUND["processing_fee"]
    assert row(REFUNDS, {**REFUND, "payment_id": None})["payment_id"] is None


def test_a_fee_may_be_given_back() -> None:
    fee = {PARENT: "p", POSITION: 2, "type": "ADJUSTMENT", "amount_money": money(-34, "USD")}
    found = row(PAYMENT_FEES, fee)
    assert (found["payment_id"], found["position"]) == ("p", 2)
    assert found["amount"] == Decimal("-0.34")


@pytest.mark.parametrize(
    ("currency", "amount"), [("USD", "12.34"), ("JPY", "1234"), ("KWD", "1.234"), ("ISK", "1234")]
)
def test_units_are_those_of_iso_4217(currency: str, amount: str) -> None:
    written = {name: money(1234, currency) for name in ("amount_money", "total_money")}
    found = row(PAYMENTS, {**PAYMENT, **written, "approved_money": None})
    assert (found["amount"], found["currency"]) == (Decimal(amount), currency)


@given(
    amount=st.integers(-(10**13), 10**13),
    currency=st.sampled_from(sorted(minor_units())),
)
def test_no_amount_loses_a_unit(amount: int, currency: str) -> None:
    fee = {PARENT: "p", POSITION: 1, "amount_money": money(amount, currency)}
    places = minor_units()[currency]
    assert row(PAYMENT_FEES, fee)["amount"] * 10**places == amount


@pytest.mark.parametrize(
    ("change", "column", "reason"),
    [
        ({"amount_money": money(5.5, "USD")}, "amount_money.amount", "not a whole number"),
        ({"amount_money": money("555", "USD")}, "amount_money.amount", "not a whole number"),
        ({"amount_money": money(True, "USD")}, "amount_money.amount", "not a whole number"),
        ({"amount_money": money(10**30, "USD")}, "amount_money.amount", "does not fit"),
        ({"amount_money": None}, "amount_money.currency", "is missing"),
        ({"amount_money": 5}, "amount_money.currency", "wrong type"),
        ({"tip_money": money(5, "EUR")}, "tip_money.amount", "another currency"),
        ({"tip_money": {"amount": 5}}, "tip_money.amount", "no currency"),
        ({"total_money": {}}, "total_money.amount", "is missing"),
        ({"created_at": "yesterday"}, "created_at", "is not a time"),
        ({"updated_at": None}, "updated_at", "is missing"),
        ({"id": None}, "id", "is missing"),
        ({"status": 7}, "status", "wrong type"),
        ({"note": "NUL \x00"}, "note", "NUL character"),
    ],
)
def test_what_does_not_fit_says_why(change: dict[str, Any], column: str, reason: str) -> None:
    page, refused = PAYMENTS.split("acme", [PAYMENT, {**PAYMENT, **change}])
    assert page.num_rows == 1
    ((_, error),) = refused
    assert isinstance(error, BadColumnError)
    assert error.column == column
    assert reason in error.reason
