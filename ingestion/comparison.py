"""Figures of a shop beside those of the warehouse; what every reconciliation returns."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Comparison:
    """One figure of the shop beside that of the warehouse.

    Attributes:
        what: The figure, such as "orders" or "total_price of 2026-06-30".
        shop: As the shop has it.
        warehouse: As it landed.
    """

    what: str
    shop: Decimal
    warehouse: Decimal

    @property
    def agrees(self) -> bool:
        """Whether they are the same, to the last digit."""
        return self.shop == self.warehouse

    def __str__(self) -> str:
        verdict = "agrees" if self.agrees else f"differs by {self.warehouse - self.shop:,}"
        return f"{self.what}: shop {self.shop:,}, warehouse {self.warehouse:,}: {verdict}"
