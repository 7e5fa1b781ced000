"""Amounts as Stripe's API writes them: whole numbers of a currency's smallest unit."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

# docs.stripe.com/currencies, "Zero-decimal", "Three-decimal" and "Special cases".
_NONE = {*("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA"), *("PYG", "RWF", "VND", "VUV")}
_NONE |= {"XAF", "XOF", "XPF"}
_THREE = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"}
_WHOLE = frozenset({"ISK", "UGX"})


def places(currency: str) -> int:
    """Returns the decimal places of the API's unit."""
    return 0 if currency in _NONE else 3 if currency in _THREE else 2


def chargeable(amount: Decimal, currency: str) -> Decimal:
    """Rounds to what can be charged: ISK and UGX whole, three-decimal ones to tens of the unit."""
    digits = 0 if currency in _WHOLE else min(places(currency), 2)
    return amount.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def minor(amount: Decimal, currency: str) -> int:
    """Returns an amount in the smallest unit.

    Raises:
        ValueError: It isn't a whole number of that.
    """
    units = amount.scaleb(places(currency))
    if units != units.to_integral_value():
        raise ValueError(f"{amount} {currency} is no whole number of units")
    return int(units)
