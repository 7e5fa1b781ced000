"""What the account really is, as plain rows: for a checker that trusts neither API nor connector.

Money is in major units; rows are read from the account itself and pass no code that answers
requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from demo.stores.square.model import Seller

Row = dict[str, Any]


def _payments(seller: Seller) -> Iterator[Row]:
    for each in seller.payments.values():
        row = _row(each) | {"total": str(each.total)}
        del row["fees"]
        yield row


def _fees(seller: Seller) -> Iterator[Row]:
    for payment in seller.payments.values():
        for position, fee in enumerate(payment.fees, start=1):
            yield _row(fee) | {
                "payment": payment.id,
                "position": position,
                "currency": payment.currency,
            }


def _refunds(seller: Seller) -> Iterator[Row]:
    for each in seller.refunds.values():
        yield _row(each)


ENTITIES: dict[str, Callable[[Seller], Iterator[Row]]] = {
    "payments": _payments,
    "payment_fees": _fees,
    "refunds": _refunds,
}


def _row(thing: Any) -> Row:
    return {each.name: _plain(getattr(thing, each.name)) for each in fields(thing)}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, datetime) else value
