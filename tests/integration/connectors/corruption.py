"""Whatever becomes of a landed row, it holds its own company at most, and never the others.

Each corruption happens in a company of its own, copied from one that landed; then the companies
that the checks refuse are held, and all the others are modelled at once.

A connector's test module calls `stops_nobody_else` for each of `tables`.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
from psycopg import Connection as Postgres
from psycopg import sql
from psycopg.errors import UniqueViolation

from ingestion.sources.companies import land_companies
from orchestration.environment import runtime_environment
from tests.integration.connectors.harness import Connector
from warehouse.held import replace_held
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


class Suite(Protocol):
    """A module of `warehouse.quality` for the tables of one source."""

    SCHEMA: str

    @property
    def KEYS(self) -> Mapping[str, tuple[str, ...]]:  # noqa: N802  a constant of the module
        """Columns that name a row, by table."""

    @property
    def PARENTS(self) -> Mapping[str, tuple[tuple[str, str], ...]]:  # noqa: N802
        """Column and table of each parent, by table."""

    def expectations(self, table: str) -> list[Any]:
        """Builds the suite of a table."""


def tables(suite: Suite) -> list[Any]:
    """Parameters of a test: None for a sample of all tables, and each of them by itself."""
    return [None, *(pytest.param(table, marks=pytest.mark.faults) for table in suite.KEYS)]


@dataclass(frozen=True)
class Raw:
    """The landed tables of a source.

    Attributes:
        connection: To the warehouse.
        suite: What is expected of them.
    """

    connection: Postgres
    suite: Suite

    def everything_that_can_go_wrong(self, company_id: str) -> Iterable[Corruption]:
        for table in self.suite.KEYS:
            (rows,) = self.connection.execute(
                sql.SQL("select count(*) from {} where company_id = %s").format(self.named(table)),
                (company_id,),
            ).fetchone() or (0,)
            if not rows:
                continue
            yield Corruption(table, "", "twice", "")
            yield Corruption(table, "", "gone", "")
            columns = self.connection.execute(
                "select column_name, data_type from information_schema.columns"
                " where table_schema = %s and table_name = %s"
                " and column_name not like %s and column_name not in ('company_id', 'extra')"
                " order by column_name",
                (self.suite.SCHEMA, table, r"\_%"),
            ).fetchall()
            for column, kind in columns:
                yield Corruption(table, column, "null", "null")
                for how, value in CORRUPTIONS[kind].items():
                    yield Corruption(table, column, how, value.format(column))

    def named(self, table: str) -> sql.Identifier:
        return sql.Identifier(self.suite.SCHEMA, table)

    def copy_company(self, from_id: str, to_id: str) -> None:
        for table in self.suite.KEYS:
            columns = self.connection.execute(
                "select column_name from information_schema.columns"
                " where table_schema = %s and table_name = %s"
                " and column_name <> 'company_id'",
                (self.suite.SCHEMA, table),
            ).fetchall()
            names = sql.SQL(", ").join(sql.Identifier(name) for (name,) in columns)
            self.connection.execute(
                sql.SQL(
                    "insert into {table} (company_id, {names})"
                    " select {to_id}, {names} from {table} where company_id = {from_id}"
                ).format(table=self.named(table), names=names, to_id=to_id, from_id=from_id)
            )

    def corrupt(self, company_id: str, corruption: Corruption) -> None:
        """Changes the first row that has a value there."""
        table = self.named(corruption.table)
        key = sql.SQL(", ").join(map(sql.Identifier, self.suite.KEYS[corruption.table]))
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
            self.connection.execute(
                sql.SQL("alter table {} alter column {} drop not null").format(table, column)
            )
            parts |= {"column": column, "value": sql.SQL(corruption.value)}  # type: ignore[arg-type]
        # Where the database itself refuses, nothing has become corrupt.
        with suppress(UniqueViolation), self.connection.transaction():
            self.connection.execute(statement.format(row=row, **parts))

    def children(self, corruption: Corruption) -> list[str]:
        """Tables whose rows may have lost their parent."""
        if corruption.column not in {"", *self.suite.KEYS[corruption.table]}:
            return []
        return [
            child
            for child, parents in self.suite.PARENTS.items()
            if corruption.table in {parent for _, parent in parents}
        ]

    def refused(self, table: str, company_id: str) -> tuple[str, ...]:
        expected = self.suite.expectations(table)
        return validate(f"{self.suite.SCHEMA}.{table}", company_id, expected).failures


def stops_nobody_else(
    connector: Connector,
    raw: Raw,
    settings: Settings,
    target: Path,
    table: str | None,
    modelled: str = "fct_orders",
) -> None:
    """Corrupts rows, each in a company of its own, and models all that the checks let pass.

    Args:
        connector: Lands the company that is copied.
        raw: Where it lands.
        settings: Of the warehouse.
        target: A folder for dbt.
        table: Whose rows; None for a sample of all tables.
        modelled: Table of marts in which a company of this source has rows.
    """
    connector.land()
    corruptions = list(raw.everything_that_can_go_wrong(connector.company.id))
    if table is None:
        corruptions = random.Random(SEED).sample(corruptions, SAMPLED)
    else:
        corruptions = [corruption for corruption in corruptions if corruption.table == table]
    prefix = f"{connector.source}_{table}".lower()
    companies = {f"{prefix}_{place}": each for place, each in enumerate(corruptions)}
    for company_id, corruption in companies.items():
        raw.copy_company(connector.company.id, company_id)
        raw.corrupt(company_id, corruption)
    sound = f"{prefix}_sound"
    raw.copy_company(connector.company.id, sound)
    raw.connection.commit()

    reasons = {}
    for company_id, corruption in companies.items():
        failures = [
            failure
            for judged in [corruption.table, *raw.children(corruption)]
            for failure in raw.refused(judged, company_id)
        ]
        if failures:
            reasons[company_id] = failures[0]
    assert [failure for name in raw.suite.KEYS for failure in raw.refused(name, sound)] == []
    land_companies(
        connector.company.model_copy(update={"id": company_id})
        for company_id in (*companies, sound)
    )
    replace_held(reasons)
    built = subprocess.run(
        ["dbt", "build", "--selector", "transformation", "--target-path", str(target)],
        cwd=PROJECT_ROOT / "dbt_project",
        env=runtime_environment(settings),
        capture_output=True,
        text=True,
        check=False,
    )
    replace_held({})
    harmless = [str(each) for name, each in companies.items() if name not in reasons]
    assert built.returncode == 0, f"{built.stdout[-6000:]}\nNot refused: {harmless}"
    query = sql.SQL("select distinct company_id from {}").format(sql.Identifier("marts", modelled))
    there = raw.connection.execute(query).fetchall()
    assert {name for (name,) in there} == {*companies, sound} - reasons.keys()
