"""What landed, kept aside while a test changes it where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from warehouse.quality import raw_shopify, raw_stripe, raw_woocommerce

KEYS = {rules.SCHEMA: rules.KEYS for rules in (raw_shopify, raw_stripe, raw_woocommerce)}

Postgres = psycopg.Connection[tuple[object, ...]]
#: A landed table, the copy that is kept of it, the first column of its key, and its columns with
#: their types.
Kept = tuple[sql.Identifier, sql.Identifier, str, dict[str, str]]


@contextmanager
def kept_rows(warehouse: Postgres) -> Iterator[list[Kept]]:
    """Copies all landed rows, which stand in their tables again afterwards."""
    warehouse.execute("create schema kept")
    found: list[Kept] = []
    for schema, name in warehouse.execute(
        "select schemaname, tablename from pg_tables"
        " where schemaname = any(%s) and tablename not like %s order by 1, 2",
        ([*KEYS], r"\_dlt%"),
    ).fetchall():
        table = sql.Identifier(str(schema), str(name))
        copy = sql.Identifier("kept", f"{schema}_{name}")
        warehouse.execute(sql.SQL("create table {} as select * from {}").format(copy, table))
        columns = warehouse.execute(
            "select column_name, data_type from information_schema.columns"
            " where table_schema = %s and table_name = %s",
            (schema, name),
        )
        kinds = {str(column): str(kind) for column, kind in columns}
        found.append((table, copy, KEYS[str(schema)][str(name)][0], kinds))
    yield found
    for table, copy, *_ in found:
        put(warehouse, table, copy, 1)
    warehouse.execute("drop schema kept cascade")


def put(warehouse: Postgres, table: sql.Identifier, copy: sql.Identifier, share: float) -> None:
    """Puts a share of the kept rows into their table, in any order, and nothing else."""
    warehouse.execute(sql.SQL("truncate {}").format(table))
    warehouse.execute(
        sql.SQL("insert into {} select * from {} where random() < {} order by random()").format(
            table, copy, sql.Literal(share)
        )
    )
