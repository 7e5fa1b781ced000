"""What of an account is in the warehouse already.

Belongs here: SQL about landed rows. Does not belong here: what follows from it (`source.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql

from ingestion.sources.stripe.tables import BALANCE_TRANSACTIONS, DELETIONS
from warehouse.connection import connect

SCHEMA = "raw_stripe"

_AT_ONCE = 10_000


@dataclass(frozen=True)
class Landed:
    """The landed rows of one company.

    Attributes:
        company_id: The company.
    """

    company_id: str

    def tables(self) -> frozenset[str]:
        """Returns the names of the tables that are there."""
        with connect() as connection:
            found = connection.execute(
                "select table_name from information_schema.tables where table_schema = %s",
                (SCHEMA,),
            ).fetchall()
        return frozenset(name for (name,) in found)

    def oldest(self, table: str) -> datetime | None:
        """Returns when the oldest row of a table was created."""
        return self._moment(table, sql.SQL("true"))

    def oldest_pending(self, since: datetime) -> datetime | None:
        """Returns when the oldest balance transaction that is still pending was created.

        Args:
            since: Those from before are left out: they would make each load read all.
        """
        pending = sql.SQL("status = 'pending' and created_at >= {}").format(sql.Literal(since))
        return self._moment(BALANCE_TRANSACTIONS.name, pending)

    def long_pending(self, before: datetime) -> Iterator[list[str]]:
        """Yields the ids of balance transactions that are still pending, some at a time.

        Args:
            before: When the newest of them was created, excluded.
        """
        pending = sql.SQL(
            "select id from {table} where company_id = {company} and status = 'pending'"
            " and created_at < {before} order by created_at, id"
        )
        yield from self._ids(BALANCE_TRANSACTIONS.name, pending, before=sql.Literal(before))

    def living(self, table: str) -> Iterator[list[str]]:
        """Yields the ids of a table that aren't marked as deleted, some at a time."""
        yield from self._ids(
            table,
            sql.SQL(
                "select id from {table} as landed where company_id = {company} and not exists ("
                "select from {deletions} as gone where gone.company_id = landed.company_id"
                " and gone.entity = {entity} and gone.id = landed.id)"
            ),
        )

    def dead(self, table: str) -> Iterator[list[str]]:
        """Yields the ids of an entity that are marked as deleted, some at a time."""
        yield from self._ids(
            table,
            sql.SQL(
                "select id from {deletions} where company_id = {company} and entity = {entity}"
            ),
        )

    def _ids(self, table: str, query: sql.SQL, **more: sql.Composable) -> Iterator[list[str]]:
        if not {table, DELETIONS.name} <= self.tables():
            return
        filled = query.format(
            table=_name(table),
            deletions=_name(DELETIONS.name),
            company=sql.Literal(self.company_id),
            entity=sql.Literal(table),
            **more,
        )
        with connect() as connection, connection.cursor(name="landed_ids") as cursor:
            cursor.execute(filled)
            while rows := cursor.fetchmany(_AT_ONCE):
                yield [each for (each,) in rows]

    def _moment(self, table: str, condition: sql.Composable) -> datetime | None:
        if table not in self.tables():
            return None
        with connect() as connection:
            found = connection.execute(
                sql.SQL("select min(created_at) from {} where company_id = %s and {}").format(
                    _name(table), condition
                ),
                (self.company_id,),
            ).fetchone()
        moment: datetime | None = found[0] if found else None
        return moment


def _name(table: str) -> sql.Identifier:
    return sql.Identifier(SCHEMA, table)
