"""What a load of an API says of itself, and what it finds of earlier ones.

Belongs here: what every API connector shares. Does not belong here: the steps of a load
(`sources/<name>/__init__.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ingestion.arrow import Table
from ingestion.intake import Totals
from ingestion.quarantine import RejectedRow


@dataclass(frozen=True)
class Load:
    """What one load of one shop did.

    Attributes:
        totals: Rows and money as read, by table.
        counts: Objects that the shop itself counts, by entity.
        deleted: Tombstones written by this load's comparison, by entity.
        warnings: What people have to look at.
        first_rejected: The first objects that went to quarantine.
        requests: Requests to the API.
        load_ids: dlt's ids of what was loaded.
    """

    totals: dict[str, Totals]
    counts: dict[str, int]
    deleted: dict[str, int]
    warnings: tuple[str, ...]
    first_rejected: tuple[RejectedRow, ...]
    requests: int
    load_ids: tuple[str, ...]


def has_rows(source: str, tables: Iterable[Table], company_id: str) -> bool:
    """Says whether any table of a source holds rows of the company; half a load is enough."""
    from psycopg import sql

    from warehouse.connection import connect

    with connect() as connection:
        for table in tables:
            name = sql.Identifier(f"raw_{source}", table.name)
            there = connection.execute(
                "select to_regclass(%s) is not null", (f"raw_{source}.{table.name}",)
            ).fetchone()
            if there is None or not there[0]:
                continue
            row = connection.execute(
                sql.SQL("select from {} where company_id = %s limit 1").format(name), (company_id,)
            ).fetchone()
            if row is not None:
                return True
    return False
