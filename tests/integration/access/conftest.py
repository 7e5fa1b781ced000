"""A warehouse with two companies in it, modelled by dbt, and people of every role who log in."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ingestion.sources.companies import land_companies
from ingestion.sources.files import land_files
from orchestration.environment import runtime_environment
from reporting.segments.definition import Column, Segment
from reporting.segments.publication import publish_segments
from tests.integration.conftest import make_folder
from warehouse.companies import Company
from warehouse.connection import connect, url
from warehouse.readers import grant_companies
from warehouse.roles import ROLES
from warehouse.settings import PROJECT_ROOT, Settings

COMPANIES = ("access_one", "access_two")
#: Readers, their companies and whether they see personal data.
READERS: dict[str, tuple[tuple[str, ...], bool]] = {
    "reader of one": (("access_one",), False),
    "reader of both": (COMPANIES, False),
    'reader "with" pii': (("access_two",), True),
    "reader of none": ((), False),
}
PASSWORD = "for tests only"

LINES = {
    "access_one": [
        "ann,ann@one.com,2026-01-05,10",
        "ann,ann@one.com,2026-02-05,12",
        ",guest@one.com,2026-02-05,20",
        "bob,,2026-02-06,5",
    ],
    "access_two": [
        "cid,Cid@Two.com,2026-01-07,30",
        "cid,cid@two.com,2026-02-07,25",
        "cid,cid@two.com,2026-03-01,-4",
    ],
}


@dataclass(frozen=True)
class Modelled:
    """The session's warehouse, with the companies modelled.

    Attributes:
        settings: Of the installation.
        folder: Of the files and of dbt's artifacts.
    """

    settings: Settings
    folder: Path

    def dbt(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts dbt."""
        return subprocess.Popen(
            ["dbt", *arguments, "--target-path", str(self.folder), "--log-path", str(self.folder)],
            cwd=PROJECT_ROOT / "dbt_project",
            env=runtime_environment(self.settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def rebuild(self) -> None:
        """Builds every model anew, without the tests, which are others' concern."""
        said = (started := self.dbt(*REBUILD)).communicate(timeout=300)[0]
        assert started.returncode == 0, said[-6000:]

    def login(self, user: str, password: str = PASSWORD) -> psycopg.Connection[Any]:
        """Logs in over TCP as somebody else; every statement is a transaction."""
        address = make_conninfo(url(settings=self.settings), user=user, password=password)
        return psycopg.connect(address, autocommit=True)


REBUILD = ("build", "--exclude", "resource_type:test", "resource_type:unit_test", "--quiet")


def company(company_id: str) -> Company:
    columns = {
        "customer_id": "who",
        "email": "mail",
        "order_date": "day",
        "amount": "paid",
        "product": "what",
    }
    feed = {"feed": "orders", "path": f"{company_id}.csv", "columns": columns, "currency": "EUR"}
    return Company.model_validate(
        {
            "id": company_id,
            "name": company_id,
            "base_currency": "EUR",
            "timezone": "Europe/Berlin",
            "margin_rate": 0.4,
            "sources": {"files": [feed]},
        }
    )


@pytest.fixture(scope="session")
def modelled(warehouse_settings: Settings) -> Iterator[Modelled]:
    folder = make_folder()
    companies = [company(name) for name in COMPANIES]
    for each in companies:
        (folder / f"{each.id}.csv").write_text(
            "\n".join(["who,mail,day,paid,what", *(f"{line},mug" for line in LINES[each.id])])
            + "\n"
        )
        land_files(each, folder)
    land_companies(companies)
    with connect(settings=warehouse_settings) as connection:
        predict(connection)
    made = Modelled(warehouse_settings, folder)
    made.rebuild()
    with connect(settings=warehouse_settings) as connection:
        everybody = Segment.model_validate(
            {"name": "all", "description": "All.", "criteria": {"orders": {"at_least": 0}}},
            context={"orders": Column("orders", "integer")},
        )
        publish_segments(connection, [everybody])
    yield made
    shutil.rmtree(folder)
    with connect(settings=warehouse_settings) as connection:
        for schema, table in (
            *(("ml", name) for name in ml_tables(connection)),
            ("raw_files", "order_lines"),
        ):
            connection.execute(
                sql.SQL("delete from {} where company_id = any(%s)").format(
                    sql.Identifier(schema, table)
                ),
                (list(COMPANIES),),
            )


#: What stands in a column of ml where its name says what it must be.
TOLD: dict[str, object] = {
    "calculation_date": "2026-03-01",
    "horizon_months": 12,
    "currency": "EUR",
    "is_champion": True,
    "segment": "all",
    "direction": "raises",
    "model": "forecast",
    "kind": "feature",
    "basis": "published",
    "churn_risk": "high",
    "decision": "kept",
}
#: What stands in any other column, by its type.
TYPICAL: dict[str, object] = {
    "date": "2026-01-31",
    "boolean": False,
    "text": "something",
    "integer": 1,
    "bigint": 1,
}


def predict(connection: psycopg.Connection[Any]) -> None:
    """Something in every table of ml, so that there is something to hide."""
    for table in ml_tables(connection):
        columns = connection.execute(
            "select column_name, data_type from information_schema.columns"
            " where table_schema = 'ml' and table_name = %s",
            (table,),
        ).fetchall()
        for company_id, customer_id in zip(COMPANIES, ("ann", "cid"), strict=True):
            told = TOLD | {"company_id": company_id, "customer_id": customer_id}
            values = [told.get(name, TYPICAL.get(kind, 0.5)) for name, kind in columns]
            connection.execute(
                sql.SQL("insert into ml.{} ({}) values ({})").format(
                    sql.Identifier(table),
                    sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns),
                    sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
                ),
                values,
            )


def ml_tables(connection: psycopg.Connection[Any]) -> list[str]:
    """Every table of schema ml."""
    found = connection.execute("select tablename from pg_tables where schemaname = 'ml' order by 1")
    return [name for (name,) in found]


@pytest.fixture(scope="session")
def people(modelled: Modelled) -> Iterator[dict[str, str]]:
    """A login in each role, and the readers; returns user by person."""
    logins = {role: f"somebody in {role}" for role in ROLES if role != "clv_reader"}
    with closing(connect(settings=modelled.settings, autocommit=True)) as connection:
        for role, user in logins.items():
            connection.execute(
                sql.SQL("create role {} login password {} in role {}").format(
                    sql.Identifier(user), PASSWORD, sql.Identifier(role)
                )
            )
        for user, (companies, personal_data) in READERS.items():
            connection.execute(
                sql.SQL("create role {} login password {}").format(sql.Identifier(user), PASSWORD)
            )
            grant_companies(connection, user, companies, personal_data=personal_data)
        yield {**logins, **{user: user for user in READERS}}
        for user in (*logins.values(), *READERS):
            connection.execute("delete from access.reader_companies where role_name = %s", (user,))
            connection.execute(sql.SQL("drop role {}").format(sql.Identifier(user)))


@pytest.fixture
def owner(modelled: Modelled) -> Iterator[psycopg.Connection[Any]]:
    """The platform's own connection; every statement is a transaction."""
    with closing(connect(settings=modelled.settings, autocommit=True)) as connection:
        yield connection


@pytest.fixture
def login(
    modelled: Modelled, people: dict[str, str]
) -> Iterator[Callable[[str], psycopg.Connection[Any]]]:
    """Logs in as one of the people."""
    opened: list[psycopg.Connection[Any]] = []

    def connected(person: str) -> psycopg.Connection[Any]:
        opened.append(modelled.login(people[person]))
        return opened[-1]

    yield connected
    for connection in opened:
        connection.close()
