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
from ingestion.sources.stripe import tables

# The charge, the refund and the balance transaction of Stripe's API reference, shortened.
CHARGE: dict[str, Any] = {
    "id": "ch_3MmlLrLkdIwHu7ix0snN0B15",
    "object": "charge",
    "amount": 1099,
    "amount_captured": 1099,
    "amount_refunded": 0,
    "balance_transaction": "txn_3MmlLrLkdIwHu7ix0uke3Ezy",
    "billing_details": {"address": {"country": "US"}, "email": None, "name": None},
    "captured": True,
    "created": 1679090539,
    "currency": "usd",
    "customer": None,
    "disputed": False,
    "livemode": False,
    "metadata": {},
    "paid": True,
    "payment_intent": None,
    "refunded": False,
    "status": "succeeded",
    "receipt_number": None,
}
MOVEMENT: dict[str, Any] = {
    "id": "txn_1MiN3gLkdIwHu7ixxapQrznl",
    "object": "balance_transaction",
    "amount": -400,
    "available_on": 1678043844,
    "created": 1678043844,
    "currency": "usd",
    "description": None,
    "exchange_rate": None,
    "fee": 0,
    "fee_details": [],
    "net": -400,
    "reporting_category": "transfer",
    "source": "tr_1MiN3gLkdIwHu7ixNCZvFdgA",
    "status": "available",
    "type": "transfer",
}


def row(table: Any, node: dict[str, Any]) -> dict[str, Any]:
    (found,) = table.build("acme", [node]).to_pylist()
    return dict(found)


def test_the_charge_of_the_reference() -> None:
    found = row(tables.CHARGES, CHARGE)
    assert found["amount"] == Decimal("10.99")
    assert found["currency"] == "USD"
    assert found["created_at"] == datetime(2023, 3, 17, 22, 2, 19, tzinfo=UTC)
    assert found["country"] == "US"
    assert found["livemode"] is False
    assert orjson.loads(found["extra"]) == {"object": "charge", "receipt_number": None}


def test_the_balance_transaction_of_the_reference() -> None:
    found = row(tables.BALANCE_TRANSACTIONS, MOVEMENT | {"exchange_rate": 0.9123})
    assert (found["amount"], found["fee"], found["net"]) == (-4, 0, -4)
    assert found["exchange_rate"] == Decimal("0.9123")


@pytest.mark.parametrize(
    ("change", "column", "says"),
    [
        ({"amount": 10.99}, "amount", "whole number"),
        ({"amount": "1099"}, "amount", "whole number"),
        ({"amount": True}, "amount", "whole number"),
        ({"amount": 10**30}, "amount", "does not fit"),
        ({"amount": None}, "amount", "is missing"),
        ({"currency": "xyz"}, "", "'XYZ'"),
        ({"currency": None}, "", "currency|is missing"),
        ({"created": "2023-03-17"}, "created", "not a epoch|whole number"),
        ({"created": 1.5}, "created", "whole number"),
        ({"created": 10**18}, "created", "overflow|out of"),
        ({"paid": "yes"}, "paid", "flag"),
        ({"id": None}, "id", "is missing"),
        ({"id": 7}, "id", "text"),
        ({"failure_message": "NUL \x00"}, "failure_message", "NUL"),
        ({"billing_details": "none"}, "", "wrong type|shape"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_reason(
    change: dict[str, Any], column: str, says: str
) -> None:
    good, refused = tables.CHARGES.split("acme", [CHARGE, CHARGE | change, CHARGE])
    assert good.num_rows == 2
    ((node, error),) = refused
    assert node == CHARGE | change
    assert error.column.startswith(column)
    with pytest.raises(BadColumnError, match=says):
        raise error


@given(st.integers(-(10**15), 10**15))
def test_an_amount_of_dollars_is_exact(cents: int) -> None:
    node = CHARGE | {"amount": cents}
    if abs(cents) < 10**15:
        assert row(tables.CHARGES, node)["amount"] * 100 == cents


@given(st.integers(0, 4_102_444_800))
def test_a_time_is_exact(seconds: int) -> None:
    found = row(tables.CHARGES, CHARGE | {"created": seconds})["created_at"]
    assert found.timestamp() == seconds
