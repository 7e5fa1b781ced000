"""An amount in the shop's currency and in the one the buyer saw."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

# ISO 4217; every other currency here has two decimals.
_EXPONENTS = {"JPY": 0, "KWD": 3}


@dataclass(frozen=True, slots=True)
class Money:
    """One amount in the order's two currencies; each is rounded on its own."""

    shop: Decimal
    presentment: Decimal

    def __add__(self, other: Money) -> Money:
        return Money(self.shop + other.shop, self.presentment + other.presentment)

    def __sub__(self, other: Money) -> Money:
        return Money(self.shop - other.shop, self.presentment - other.presentment)

    def __neg__(self) -> Money:
        return Money(-self.shop, -self.presentment)

    def times(self, count: int) -> Money:
        """Returns this many of it."""
        return Money(self.shop * count, self.presentment * count)


ZERO = Money(Decimal(0), Decimal(0))


def total(amounts: Iterable[Money]) -> Money:
    """Returns the sum, zero of nothing."""
    return sum(amounts, ZERO)


def rounded(amount: Decimal, currency: str) -> Decimal:
    """Rounds to the currency's smallest unit, halves up."""
    return amount.quantize(Decimal(1).scaleb(-_EXPONENTS.get(currency, 2)), ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Currencies:
    """The two currencies of an order and what one unit of the first was worth in the second."""

    shop: str
    presentment: str
    rate: Decimal

    def of(self, amount: Decimal) -> Money:
        """Returns an amount of the shop's currency in both."""
        return Money(rounded(amount, self.shop), rounded(amount * self.rate, self.presentment))

    def scaled(self, money: Money, factor: Decimal) -> Money:
        """Returns a share of an amount, rounded in each currency on its own."""
        return Money(
            rounded(money.shop * factor, self.shop),
            rounded(money.presentment * factor, self.presentment),
        )
