"""The marts are what the landed rows say, in whichever order these came."""

from __future__ import annotations

import random
from typing import LiteralString

import pytest
from psycopg import sql

from tests.integration.installation import Installation
from tests.integration.reference.conftest import Built, transform
from tests.integration.reference.landed import Kept, Postgres, put

#: Tells what was seen when, so it may differ with what was built before.
OF_THE_BUILDS = {"marts.customer_history"}


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
            put(warehouse, each[0], each[1], chance.choice([0, 0.5, 0.9, 1]))
            spoil(warehouse, each)
        transform(built.installation, "run")
        kept_on = said(built.installation)
        assert kept_on != full
        transform(built.installation, "run", "--full-refresh")
        assert said(built.installation) == kept_on
    for table, copy, *_ in kept:
        put(warehouse, table, copy, 1)
    transform(built.installation, "run")
    assert said(built.installation) == full
