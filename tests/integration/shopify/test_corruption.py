"""Whatever becomes of a landed row, it holds its own company at most, and never the others.

Each corruption happens in a company of its own, copied from one that landed; then the companies
that the checks refuse are held, and all the others are modelled at once.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from psycopg import Connection as Postgres
from psycopg import sql
from psycopg.errors import UniqueViolation

from ingestion.sources.companies import land_companies
from orchestration.environment import runtime_environment
from tests.integration.connectors.harness import Connector
from warehouse.held import replace_held
from warehouse.quality import raw_shopify
from warehouse.quality.validation import validate
from warehouse.settings import PROJECT_ROOT, Settings

#: How each kind of value goes wrong, as SQL over the value.
CORRUPTIONS: dict[str, dict[str, str]] = {
    "numeric": {"negative": "-{} - 1", "huge": "99999999999999.9999", "off": "{} + 0.5"},
    "bigint": {"negative": "-{} - 1", "huge": "9000000000000000000", "off": "{} + 1"},
    "boolean": {"turned": "not {}"},
    "timestamp with time zone": {"ancient": "'0001-01-01'", "far": "{} + interval '900 years'"},
    "text": {"blank": "''", "other": "'x' || {}", "long": "repeat({} || 'x', 5000)"},
    "character varying": {"blank": "''", "other": "'x' || {}", "long": "repeat({} || 'x', 5000)"},
    "json": {"blank": "'null'", "other": "'{{\"a\": [1]}}'"},
    "jsonb": {"blank": "'null'", "other": "'{{\"a\": [1]}}'"},
}
SEED = 7
SAMPLED = 10


@dataclass(frozen=True)
class Corruption:
    """One value of one row that goes wrong, or a row that is there twice or gone."""

    table: str
    column: str
    how: str
    value: str

    def __str__(self) -> str:
        return f"{self.table}.{self.column} {self.how}"


@pytest.mark.parametrize(
    "table",
    [None, *(pytest.param(table, marks=pytest.mark.faults) for table in raw_shopify.KEYS)],
)
def test_a_corrupt_row_stops_nobody_else(
    connector: Connector,
    connection: Postgres,
    warehouse_settings: Settings,
    tmp_path: Path,
    table: str | None,
) -> None:
    connector.land()
    corruptions = list(everything_that_can_go_wrong(connection, connector.company.id))
    if table is None:
        corruptions = random.Random(SEED).sample(corruptions, SAMPLED)
    else:
        corruptions = [corruption for corruption in corruptions if corruption.table == table]
    companies = {
        f"corrupt_{table}_{place}": corruption for place, corruption in enumerate(corruptions)
    }
    for company_id, corruption in companies.items():
        copy_company(connection, connector.company.id, company_id)
        corrupt(connection, company_id, corruption)
    sound = f"sound_{table}"
    copy_company(connection, connector.company.id, sound)
    connection.commit()

    reasons = {}
    for company_id, corruption in companies.items():
        failures = [
            failure
            for judged in [corruption.table, *children(corruption)]
            for failure in refused(judged, company_id)
        ]
        if failures:
            reasons[company_id] = failures[0]
    assert [*refused_tables(sound)] == []
    land_companies(
        connector.company.model_copy(update={"id": company_id})
        for company_id in (*companies, sound)
    )
    replace_held(reasons)
    built = subprocess.run(
        ["dbt", "build", "--selector", "transformation", "--target-path", str(tmp_path)],
        cwd=PROJECT_ROOT / "dbt_project",
        env=runtime_environment(warehouse_settings),
        capture_output=True,
        text=True,
        check=False,
    )
    replace_held({})
    harmless = [str(each) for name, each in companies.items() if name not in reasons]
    assert built.returncode == 0, f"{built.stdout[-6000:]}\nNot refused: {harmless}"
    there = connection.execute("select distinct company_id from marts.fct_orders").fetchall()
    assert {name for (name,) in there} == {*companies, sound} - reasons.keys()


def everything_that_can_go_wrong(connection: Postgres, company_id: str) -> Iterable[Corruption]:
    for table in raw_shopify.KEYS:
        (rows,) = connection.execute(
            sql.SQL("select count(*) from {} where company_id = %s").format(named(table)),
            (company_id,),
        ).fetchone() or (0,)
        if not rows:
            continue
        yield Corruption(table, "", "twice", "")
        yield Corruption(table, "", "gone", "")
        columns = connection.execute(
            "select column_name, data_type from information_schema.columns"
            " where table_schema = 'raw_shopify' and table_name = %s"
            " and column_name not like %s and column_name not in ('company_id', 'extra')"
            " order by column_name",
            (table, r"\_%"),
        ).fetchall()
        for column, kind in columns:
            yield Corruption(table, column, "null", "null")
            for how, value in CORRUPTIONS[kind].items():
                yield Corruption(table, column, how, value.format(column))


def named(table: str) -> sql.Identifier:
    return sql.Identifier("raw_shopify", table)


def copy_company(connection: Postgres, from_id: str, to_id: str) -> None:
    for table in raw_shopify.KEYS:
        columns = connection.execute(
            "select column_name from information_schema.columns"
            " where table_schema = 'raw_shopify' and table_name = %s"
            " and column_name <> 'company_id'",
            (table,),
        ).fetchall()
        names = sql.SQL(", ").join(sql.Identifier(name) for (name,) in columns)
        connection.execute(
            sql.SQL(
                "insert into {table} (company_id, {names})"
                " select {to_id}, {names} from {table} where company_id = {from_id}"
            ).format(table=named(table), names=names, to_id=to_id, from_id=from_id)
        )


def corrupt(connection: Postgres, company_id: str, corruption: Corruption) -> None:
    """Changes the first row that has a value there."""
    table = named(corruption.table)
    key = sql.SQL(", ").join(map(sql.Identifier, raw_shopify.KEYS[corruption.table]))
    present = (
        sql.SQL("{} is not null").format(sql.Identifier(corruption.column))
        if corruption.column
        else sql.SQL("true")
    )
    parts = {"table": table, "key": key, "present": present, "company": company_id}
    row = sql.SQL(
        "ctid = (select ctid from {table} where company_id = {company}"
        " order by not ({present}), {key} limit 1)"
    ).format(**parts)
    if corruption.how == "twice":
        statement = sql.SQL("insert into {table} select * from {table} where {row}")
    elif corruption.how == "gone":
        statement = sql.SQL("delete from {table} where {row}")
    else:
        statement = sql.SQL("update {table} set {column} = {value} where {row}")
        column = sql.Identifier(corruption.column)
        connection.execute(
            sql.SQL("alter table {} alter column {} drop not null").format(table, column)
        )
        parts |= {"column": column, "value": sql.SQL(corruption.value)}  # type: ignore[arg-type]
    # Where the database itself refuses, nothing has become corrupt.
    with suppress(UniqueViolation), connection.transaction():
        connection.execute(statement.format(row=row, **parts))


def children(corruption: Corruption) -> list[str]:
    """Tables whose rows may have lost their parent."""
    if corruption.column not in {"", *raw_shopify.KEYS[corruption.table]}:
        return []
    return [
        child
        for child, parents in raw_shopify.PARENTS.items()
        if corruption.table in {parent for _, parent in parents}
    ]


def refused(table: str, company_id: str) -> tuple[str, ...]:
    suite = raw_shopify.expectations(table)
    return validate(f"raw_shopify.{table}", company_id, suite).failures


def refused_tables(company_id: str) -> Iterable[str]:
    for table in raw_shopify.KEYS:
        yield from refused(table, company_id)
