"""The landed tables: which field of an answer becomes which column.

An amount is in decimals of the row's `currency`, never in Square's smallest units, which are those
of ISO 4217. Times are UTC. Ids are Square's, as text.

Belongs here: names and types. Does not belong here: how JSON becomes Arrow (`ingestion/arrow.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

from ingestion.arrow import BadColumnError, Column, Node, Table
from ingestion.money import CurrencyCode, MinorAmount, major
from ingestion.personal import ACCOUNTS, EMAIL, EMAIL_ADDRESS, ERASED
from warehouse.currencies import minor_units

#: What is added to a fee, which knows neither its payment nor its place.
PARENT, POSITION = "__parent", "__position"

_MONEY = "amount_money"


def places(currency: Any) -> int:
    """Returns a currency's decimal places.

    Raises:
        ValueError: It is no currency of ISO 4217: an amount in it can't be read.
    """
    if not isinstance(currency, str):
        raise ValueError("has no currency")
    try:
        return minor_units()[currency]
    except KeyError:
        raise ValueError(f"is in {currency!r}, which is no currency of ISO 4217") from None


@dataclass(frozen=True)
class _Amount(MinorAmount):
    """Money, which brings a currency of its own; it has to be that of the row."""

    @staticmethod
    def worth(amount: Any, currency: Any) -> Decimal | None:
        """Returns an amount in its currency; a ValueError says why it has none."""
        return major(amount, currency, places)

    def read(self, nodes: Sequence[Node]) -> pa.Array:
        """Reads the column of all objects.

        Raises:
            BadColumnError: One of them doesn't fit.
        """
        array = super().read(nodes)
        rows = self.walk(nodes, (_MONEY, "currency"))
        for code, of_row in zip(self.walk(nodes, self.currency.split(".")), rows, strict=True):
            if code not in {None, of_row}:
                raise BadColumnError(self.path, "is in another currency than the row")
        return array


@dataclass(frozen=True)
class _Currency(CurrencyCode):
    """A currency; in upper case, as Square writes it."""

    places = staticmethod(places)


def _amount(name: str, money: str, *, required: bool = False) -> _Amount:
    return _Amount(name, f"{money}.amount", required=required, currency=f"{money}.currency")


_ID = Column("id", "id", required=True)
_CREATED = Column("created_at", "created_at", "time", required=True)
_UPDATED = Column("updated_at", "updated_at", "time", required=True)
_STATUS = Column("status", "status", required=True)
_LOCATION = Column("location_id", "location_id", required=True)
_CURRENCY = _Currency("currency", f"{_MONEY}.currency", required=True)

PAYMENTS = Table(
    "payments",
    (
        _ID,
        _CREATED,
        _UPDATED,
        _STATUS,
        _LOCATION,
        _CURRENCY,
        _amount("amount", _MONEY, required=True),
        _amount("tip", "tip_money"),
        _amount("total", "total_money", required=True),
        _amount("app_fee", "app_fee_money"),
        _amount("approved", "approved_money"),
        _amount("refunded", "refunded_money"),
        Column("source_type", "source_type"),
        Column("order_id", "order_id"),
        Column("customer_id", "customer_id"),
        Column("reference_id", "reference_id", personal=ERASED),
        Column("buyer_email", "buyer_email_address", personal=EMAIL),
        Column("receipt_number", "receipt_number"),
        Column("note", "note", personal=ERASED),
    ),
    amounts={"total": "currency"},
    unique=True,
    owners=(("customer_id", ACCOUNTS), ("buyer_email", EMAIL_ADDRESS)),
)

PAYMENT_FEES = Table(
    "payment_fees",
    (
        Column("payment_id", PARENT, required=True),
        Column("position", POSITION, "number", required=True),
        Column("type", "type"),
        Column("effective_at", "effective_at", "time"),
        _CURRENCY,
        _amount("amount", _MONEY, required=True),
    ),
    key=("payment_id", "position"),
    parent="payment_id",
    amounts={"amount": "currency"},
    owners=(("payment_id", "payments"),),
)

REFUNDS = Table(
    "refunds",
    (
        _ID,
        _CREATED,
        _UPDATED,
        _STATUS,
        _LOCATION,
        # Null where money was given back without a payment.
        Column("payment_id", "payment_id"),
        _CURRENCY,
        _amount("amount", _MONEY, required=True),
        _amount("app_fee", "app_fee_money"),
        Column("order_id", "order_id"),
        Column("reason", "reason", personal=ERASED),
        Column("processing_fee", "processing_fee", "json"),
    ),
    amounts={"amount": "currency"},
    unique=True,
    owners=(("payment_id", "payments"),),
)

TABLES = (PAYMENTS, PAYMENT_FEES, REFUNDS)
