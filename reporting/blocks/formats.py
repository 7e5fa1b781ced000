"""How a value is written for people: money with its currency, shares in percent, days in words."""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from warehouse.currencies import minor_units

#: Stands where there is no value: not 0, which is one.
NOTHING = "–"

# From here on cents only make a number harder to read.
_WITHOUT_CENTS = 10_000

Number = int | float | Decimal


def is_missing(value: Any) -> bool:
    """Whether there is no value: None, or a float that is not a number."""
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def money(value: Number | None, currency: str) -> str:
    """Writes an amount, such as "1,234.50 USD"; large ones without cents."""
    text = amount(value, currency)
    return text if text == NOTHING else f"{text} {currency}"


def amount(value: Number | None, currency: str, *, exact: bool = False) -> str:
    """Writes an amount where its currency is said elsewhere, such as in a table's header.

    Args:
        value: The amount.
        currency: ISO-4217 code, which says how many decimals there are.
        exact: Whether large amounts have their cents too, so that a column reads alike.
    """
    if value is None or is_missing(value):
        return NOTHING
    large = abs(float(value)) >= _WITHOUT_CENTS and not exact
    decimals = 0 if large else minor_units().get(currency, 2)
    return _minus(f"{value:,.{decimals}f}")


def count(value: Number | None) -> str:
    """Writes a number of things."""
    return NOTHING if value is None or is_missing(value) else _minus(f"{value:,.0f}")


def percent(share: Number | None, decimals: int = 1) -> str:
    """Writes a share, 0.123 as "12.3 %"."""
    if share is None or is_missing(share):
        return NOTHING
    return _minus(f"{float(share) * 100:,.{decimals}f} %")


def number(value: Number | None, decimals: int = 2) -> str:
    """Writes a figure without a unit."""
    return NOTHING if value is None or is_missing(value) else _minus(f"{value:,.{decimals}f}")


def day(value: date | None) -> str:
    """Writes a day, such as "30 Jun 2026"."""
    return NOTHING if value is None else f"{value.day} {value:%b %Y}"


def month(value: date | None) -> str:
    """Writes a month, such as "Jun 2026"."""
    return NOTHING if value is None else f"{value:%b %Y}"


def moment(value: datetime | None, timezone: str) -> str:
    """Writes a moment as the company's clocks showed it, such as "30 Jun 2026, 14:05"."""
    if value is None:
        return NOTHING
    local = value.astimezone(ZoneInfo(timezone))
    return f"{day(local.date())}, {local:%H:%M}"


def change(now: Number | None, then: Number | None) -> float | None:
    """Returns the relative change, 0.05 for 5 % more; None where it can't be told."""
    if now is None or then is None or is_missing(now) or is_missing(then) or not then:
        return None
    return (float(now) - float(then)) / abs(float(then))


def signed_percent(share: float | None) -> str:
    """Writes a change, such as "+5.0 %"."""
    if share is None:
        return NOTHING
    text = percent(share)
    return text if text.startswith("−") else f"+{text}"


def written(value: Any, kind: str, currency: str) -> str:
    """Writes a value of a table by the kind of its column; see `Column`."""
    if is_missing(value):
        return NOTHING
    writers = {
        "money": lambda: amount(value, currency, exact=True),
        "count": lambda: count(value),
        "percent": lambda: percent(value),
        "number": lambda: number(value),
        "day": lambda: day(value),
        "month": lambda: month(value),
    }
    return writers[kind]() if kind in writers else str(value)


def _minus(text: str) -> str:
    # A number that rounds to nothing has no sign; a true minus lines up with the plus.
    if text.startswith("-"):
        return text[1:] if not any(c in "123456789" for c in text) else f"−{text[1:]}"
    return text
