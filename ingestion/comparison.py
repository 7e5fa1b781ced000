"""Figures of a shop beside those of the warehouse; what every reconciliation returns.

Also which days it reads again. Does not belong here: reading (`sources/<name>/reconciliation.py`).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from psycopg import sql


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


def sampled_days(
    schema: str,
    table: str,
    company_id: str,
    start: date | datetime | None,
    days: int,
    seed: int | None,
) -> list[date]:
    """Chooses days, in UTC, to read again: the last one that landed, and others by chance.

    Args:
        schema: Of the table.
        table: One with `created_at`.
        company_id: The company.
        start: Days before aren't chosen; None allows all.
        days: How many are chosen; fewer where fewer landed.
        seed: Makes the choice repeatable; by default it is another one each day.
    """
    from warehouse.connection import connect

    query = sql.SQL(
        "select distinct (created_at at time zone 'UTC')::date from {}"
        " where company_id = %s and created_at >= %s order by 1"
    ).format(sql.Identifier(schema, table))
    with connect() as connection:
        found = connection.execute(query, (company_id, start or date(1990, 1, 1))).fetchall()
    landed = [day for (day,) in found]
    chance = random.Random(datetime.now(UTC).date().toordinal() if seed is None else seed)
    others = landed[:-1]
    return sorted({*landed[-1:], *chance.sample(others, min(max(days - 1, 0), len(others)))})
