"""Amounts as Stripe writes them, in decimals of the currency.

How many of a currency's units an amount is counted in is Stripe's own table, not ISO's: UGX has
two decimals there, ISK too, MGA none. `minor_units.csv` is that table, each row with the part of
Stripe's page on currencies that it comes from.

Belongs here: the table and the sums. Does not belong here: which columns hold amounts
(`tables.py`).
"""

from __future__ import annotations

import csv
from decimal import Decimal, InvalidOperation, localcontext
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ingestion import money

_TABLE = Path(__file__).parent / "minor_units.csv"

#: Decimals of a unit amount, beyond which Stripe writes none, and digits before them.
_MOST_DECIMALS, _MOST_DIGITS = 12, 20


@lru_cache(maxsize=1)
def minor_units() -> MappingProxyType[str, int]:
    """Returns the decimal places in which Stripe counts each currency, by upper-case code."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return MappingProxyType(
            {row["currency_code"]: int(row["minor_units"]) for row in csv.DictReader(file)}
        )


def places(currency: Any) -> int:
    """Returns a currency's decimal places.

    Args:
        currency: Its code, as Stripe writes it: in lower case.

    Raises:
        ValueError: Stripe's table doesn't have it: an amount in it can't be read.
    """
    if not isinstance(currency, str):
        raise ValueError("has no currency")
    try:
        return minor_units()[currency.upper()]
    except KeyError:
        raise ValueError(
            f"is in {currency.upper()!r}, a currency that isn't in Stripe's table: add it to "
            f"{_TABLE.name} with its decimals"
        ) from None


def major(amount: Any, currency: Any) -> Decimal | None:
    """Turns a whole number of a currency's smallest unit into the currency.

    Args:
        amount: As JSON has it; null stays null.
        currency: Its code.

    Raises:
        ValueError: The amount is no whole number, or the currency isn't known.
    """
    return money.major(amount, currency, places)


def major_of_decimal(amount: Any, currency: Any) -> Decimal | None:
    """Turns a decimal number of a currency's smallest unit, written as text, into the currency.

    Args:
        amount: With at most 12 decimals; null stays null.
        currency: Its code.

    Raises:
        ValueError: The amount is no such number, or the currency isn't known.
    """
    if amount is None:
        return None
    try:
        found = Decimal(amount) if isinstance(amount, str) else None
    except InvalidOperation:
        found = None
    if found is None or not found.is_finite() or found.adjusted() >= _MOST_DIGITS:
        raise ValueError("is not a decimal number as text")
    if -int(found.as_tuple().exponent) > _MOST_DECIMALS:
        raise ValueError(f"has more than {_MOST_DECIMALS} decimals")
    with localcontext(prec=60):
        return found.scaleb(-places(currency))
