"""The marts are what the landed rows say, in whichever order these came."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql

from tests.integration.installation import Installation
from tests.integration.reference.conftest import Built, transform
from warehouse.quality import raw_shopify, raw_stripe, raw_woocommerce

KEYS = {rules.SCHEMA: rules.KEYS for rules in (raw_shopify, raw_stripe, raw_woocommerce)}
#: Tells what was seen when, so it may differ with what was built before.
OF_THE_BUILDS = {"marts.customer_history"}

Postgres = psycopg.Connection[tuple[object, ...]]
#: A landed table, the copy that is kept of it, the first column of its key, and its columns with
#: their types.
Kept = tuple[sql.Identifier, sql.Identifier, str, dict[str, str]]


@pytest.fixture
def warehouse(built: Built) -> Iterator[Postgres]:
    with closing(psycopg.connect(built.installation.url(), autocommit=True)) as connection:
        yield connection


@pytest.fixture
def kept(warehouse: Postgres) -> Iterator[list[Kept]]:
    """Copies of all landed rows, which stand in their tables again afterwards."""
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
        land(warehouse, table, copy, 1)
    warehouse.execute("drop schema kept cascade")


def land(warehouse: Postgres, table: sql.Identifier, copy: sql.Identifier, share: float) -> None:
    """Puts a share of the kept rows into their table, in any order, and nothing else."""
    warehouse.execute(sql.SQL("truncate {}").format(table))
    warehouse.execute(
        sql.SQL("insert into {} select * from {} where random() < {} order by random()").format(
            table, copy, sql.Literal(share)
        )
    )


def spoil(warehouse: Postgres, each: Kept) -> None:
    """Makes of some rows what they were before an edit, and adds some that are deleted later."""
    table, copy, key, columns = each
    edits: dict[str, LiteralString] = {
        "numeric": "{0} * 2",
        "timestamp with time zone": "{0} + interval '40 days'",
        "date": "{0} + 40",
    }
    for column, kind in columns.items():
        change = "md5({0}) || '@example.com'" if column == "email" else edits.get(kind)
        if change and not column.startswith("_dlt"):
            name = sql.Identifier(column)
            warehouse.execute(
                sql.SQL("update {} set {} = {} where random() < 0.1").format(
                    table, name, sql.SQL(change).format(name)
                )
            )
    # Of another parent or of none: a key that is there already would never land twice.
    warehouse.execute(
        sql.SQL(
            "insert into {} select (jsonb_populate_record(copy,"
            " jsonb_build_object({}::text, 'gone-' || copy.{}))).* from {} as copy"
            " where random() < 0.1"
        ).format(table, sql.Literal(key), sql.Identifier(key), copy)
    )


def said(installation: Installation) -> dict[str, str]:
    """What the marts and the quarantine hold, by table."""
    return {
        table: fingerprint
        for table, fingerprint in installation.fingerprints().items()
        if table not in OF_THE_BUILDS
    }


@pytest.mark.parametrize(
    ("seed", "builds"),
    [(1, 1), *(pytest.param(seed, 4, marks=pytest.mark.faults) for seed in (2, 3, 4))],
)
def test_late_edited_and_deleted_rows_leave_no_trace(
    built: Built, warehouse: Postgres, kept: list[Kept], seed: int, builds: int
) -> None:
    full = said(built.installation)
    chance = random.Random(seed)
    for _ in range(builds):
        warehouse.execute("select setseed(%s)", (chance.uniform(-1, 1),))
        for each in kept:
            land(warehouse, each[0], each[1], chance.choice([0, 0.5, 0.9, 1]))
            spoil(warehouse, each)
        transform(built.installation, "run")
        kept_on = said(built.installation)
        assert kept_on != full
        transform(built.installation, "run", "--full-refresh")
        assert said(built.installation) == kept_on
    for table, copy, *_ in kept:
        land(warehouse, table, copy, 1)
    transform(built.installation, "run")
    assert said(built.installation) == full
