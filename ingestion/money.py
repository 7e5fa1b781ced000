"""Columns of amounts that an API writes in a currency's smallest unit, and of that currency.

Belongs here: what such APIs share. Does not belong here: how many units a currency is counted in,
on which the vendors don't agree (`warehouse/currencies.py`, `sources/stripe/currencies.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ingestion.arrow import BadColumnError, Column, Kind, Node


def major(amount: Any, currency: Any, places: Callable[[Any], int]) -> Decimal | None:
    """Turns a whole number of a currency's smallest unit into the currency.

    Args:
        amount: As JSON has it; null stays null.
        currency: Its code.
        places: From a code to its decimal places; a ValueError says why it has none.

    Raises:
        ValueError: The amount is no whole number, or the currency isn't known.
    """
    if amount is None:
        return None
    if isinstance(amount, bool) or not isinstance(amount, int):
        raise ValueError("is not a whole number of the currency's smallest unit")
    with localcontext(prec=60):
        return Decimal(amount).scaleb(-places(currency))


@dataclass(frozen=True)
class MinorAmount(Column):
    """Money in the smallest unit of a currency that stands elsewhere in the object.

    Attributes:
        currency: Path of the currency.
    """

    kind: Kind = "money"
    currency: str = "currency"

    @staticmethod
    def worth(amount: Any, currency: Any) -> Decimal | None:
        """Returns an amount in its currency; a ValueError says why it has none."""
        raise NotImplementedError

    @property
    def together(self) -> bool:
        """It needs its currency, so it is read alone."""
        return False

    def read(self, nodes: Sequence[Node]) -> pa.Array:
        """Reads the column of all objects.

        Raises:
            BadColumnError: One of them doesn't fit.
        """
        try:
            currencies = self.walk(nodes, self.currency.split("."))
            decimals = [
                self.worth(amount, currency)
                for amount, currency in zip(self.walk(nodes), currencies, strict=True)
            ]
            array = pa.array(decimals, pa.decimal128(38, 18 if self.kind == "rate" else 4))
        except (ValueError, pa.ArrowException, AttributeError) as error:
            # Arrow's errors are ValueErrors, too.
            ours = not isinstance(error, (pa.ArrowException, AttributeError))
            reason = str(error) if ours else "is no amount that fits"
            raise BadColumnError(self.path, reason) from None
        return self.finish(array)


@dataclass(frozen=True)
class CurrencyCode(Column):
    """A currency, in upper case."""

    @staticmethod
    def places(currency: Any) -> int:
        """Returns a currency's decimal places; a ValueError says why it has none."""
        raise NotImplementedError

    def finish(self, raw: pa.Array) -> pa.Array:
        """Writes the codes in upper case.

        Raises:
            BadColumnError: The vendor doesn't know one of them, or it is missing and may not be.
        """
        found = super().finish(pc.utf8_upper(raw))
        for code in sorted({*pc.unique(found).to_pylist()} - {None}):
            try:
                self.places(code)
            except ValueError as error:
                raise BadColumnError(self.path, str(error)) from None
        return found
