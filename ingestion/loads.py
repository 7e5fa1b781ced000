"""What a load of an API says of itself, and what it finds of earlier ones.

Belongs here: what every API connector shares. Does not belong here: the steps of a load
(`sources/<name>/__init__.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg import sql

from ingestion.arrow import Table
from ingestion.intake import Totals
from ingestion.quarantine import RejectedRow
from warehouse.connection import connect, exists


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
    with connect() as connection:
        for table in tables:
            name = sql.Identifier(f"raw_{source}", table.name)
            query = sql.SQL("select 1 from {} where company_id = %s limit 1").format(name)
            if exists(connection, name) and connection.execute(query, (company_id,)).fetchone():
                return True
    return False


def drop_vacancies(source: str, tables: Iterable[Table], company_id: str) -> None:
    """Deletes the rows that only made tables: a merge leaves them out, a first load can't."""
    with connect() as connection:
        for table in tables:
            name = sql.Identifier(f"raw_{source}", table.name)
            if exists(connection, name):
                connection.execute(
                    sql.SQL("delete from {} where company_id = %s and ({}) = ({})").format(
                        name,
                        sql.SQL(", ").join(map(sql.Identifier, table.merge_columns)),
                        sql.SQL(", ").join(map(sql.Literal, table.nothing)),
                    ),
                    (company_id,),
                )
