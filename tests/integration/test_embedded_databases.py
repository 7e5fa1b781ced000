"""The platform's databases, made on the embedded server and on a server of one's own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from warehouse.connection import ConnectionFailedError, connect, connect_to, on_own_server, url
from warehouse.databases import (
    DATABASES,
    MissingRightError,
    database_exists,
    ensure_databases,
)
from warehouse.settings import Settings

TABLES = {"quarantine.rejected_rows", "ml.clv_predictions", "ml.clv_model_scores"}
SCHEMAS = {"raw_files", "staging", "intermediate", "marts", "ml", "reporting", "quarantine"}


@pytest.fixture
def administrator(warehouse_settings: Settings) -> Iterator[psycopg.Connection]:
    """The superuser of a server that stands for one of one's own."""
    with closing(connect("postgres", warehouse_settings, autocommit=True)) as opened:
        yield opened


@pytest.fixture
def own(administrator: psycopg.Connection, warehouse_settings: Settings) -> Iterator[Settings]:
    """A role without rights on that server, and CLV_DATABASE_URL naming a warehouse of its own."""
    administrator.execute("create role guest login password 'it''s@secret/:?'")
    port = administrator.info.port
    address = f"postgres://guest:it%27s%40secret%2F%3A%3F@127.0.0.1:{port}/my%20shop"
    try:
        yield warehouse_settings.model_copy(update={"database_url": SecretStr(address)})
    finally:
        administrator.execute('drop database if exists "my shop" (force)')
        administrator.execute("drop role guest")


def tables(connection: psycopg.Connection) -> set[str]:
    found = connection.execute(
        "select schemaname || '.' || tablename from pg_tables"
        " where schemaname not in ('pg_catalog', 'information_schema')"
    )
    return {name for (name,) in found}


def test_a_role_that_may_not_create_databases(own: Settings) -> None:
    with pytest.raises(MissingRightError) as refusal:
        ensure_databases(own)
    assert "create database" in str(refusal.value)
    assert "my shop" in str(refusal.value)
    assert "guest" in str(refusal.value)
    assert "secret" not in str(refusal.value)


def test_a_role_that_may_not_create_schemas(
    own: Settings, administrator: psycopg.Connection
) -> None:
    administrator.execute('create database "my shop"')
    with pytest.raises(MissingRightError, match="grant create on database") as refusal:
        ensure_databases(own)
    assert "secret" not in str(refusal.value)
    administrator.execute('grant create on database "my shop" to guest')
    ensure_databases(own)
    with connect(settings=own) as connection:
        assert connection.info.dbname == "my shop"
        assert tables(connection) >= TABLES


def test_a_role_with_the_right_makes_a_warehouse_of_its_own_name(
    own: Settings, administrator: psycopg.Connection
) -> None:
    administrator.execute("alter role guest createdb")
    ensure_databases(own)
    with connect(settings=own) as connection:
        assert connection.info.dbname == "my shop"
        assert tables(connection) >= TABLES


def test_a_server_that_is_not_there(warehouse_settings: Settings) -> None:
    address = SecretStr("postgresql://me:secret@127.0.0.1:1/clv")
    nowhere = warehouse_settings.model_copy(update={"database_url": address})
    with pytest.raises(ConnectionFailedError, match=r"me@127\.0\.0\.1:1/clv") as refusal:
        ensure_databases(nowhere)
    assert "secret" not in str(refusal.value)


def test_a_refused_login_is_not_taken_for_a_missing_database(warehouse_settings: Settings) -> None:
    address = url(settings=warehouse_settings)
    wrong = SecretStr(address.replace("postgres:", "postgres:wrong"))
    settings = warehouse_settings.model_copy(update={"database_url": wrong})
    with pytest.raises(ConnectionFailedError, match="password"):
        database_exists("clv", settings)


def test_databases_schemas_and_tables_are_there(warehouse_settings: Settings) -> None:
    assert all(database_exists(name, warehouse_settings) for name in DATABASES)
    assert not database_exists("no such thing", warehouse_settings)
    with connect(settings=warehouse_settings) as connection:
        assert tables(connection) >= TABLES
        found = connection.execute("select nspname from pg_namespace")
        assert {name for (name,) in found} >= SCHEMAS


def test_a_second_time_changes_nothing(
    warehouse_settings: Settings, connection: psycopg.Connection
) -> None:
    insert = (
        "insert into quarantine.rejected_rows values"
        " ('second', 'files', 'f', 'f.csv', 2, 'amount', 'not a number', '{}', now())"
    )
    connection.execute(insert)
    connection.commit()
    ensure_databases(warehouse_settings)
    count = "select count(*) from quarantine.rejected_rows where company_id = 'second'"
    assert connection.execute(count).fetchone() == (1,)


def test_many_at_once(warehouse_settings: Settings, administrator: psycopg.Connection) -> None:
    address = on_own_server(url(settings=warehouse_settings), "clv").replace("/clv", "/together")
    command = "from warehouse.databases import ensure_databases; ensure_databases()"
    environment = {"CLV_DATABASE_URL": address}
    try:
        started = [
            subprocess.Popen(
                [sys.executable, "-c", command],
                env=environment,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(5)
        ]
        said = [process.communicate(timeout=60)[1] for process in started]
        assert said == [""] * 5
        with connect_to(address) as connection:
            assert tables(connection) >= TABLES
    finally:
        administrator.execute("drop database if exists together (force)")


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        (
            "ml.clv_predictions",
            "company_id text, customer_id text, calculation_date date, horizon_months integer,"
            " expected_orders double precision, predicted_value numeric(18,4),"
            " predicted_net numeric(18,4), predicted_margin numeric(18,4),"
            " predicted_discounted numeric(18,4), currency text, lower numeric(18,4),"
            " upper numeric(18,4), p_active double precision,"
            " churn_probability double precision, confidence double precision,"
            " eligibility text, model_name text, model_version text,"
            " lower_95 numeric(18,4), upper_95 numeric(18,4)",
        ),
        (
            "ml.clv_model_scores",
            "company_id text, run text, model text, cutoff date, horizon text, segment text,"
            " horizon_days integer, rows integer, mae double precision, rmse double precision,"
            " spearman double precision, normalised_gini double precision,"
            " decile_mape double precision, total_ratio double precision, auc double precision,"
            " coverage double precision, composite double precision, is_champion boolean,"
            " bias double precision",
        ),
        (
            "ml.clv_decile_scores",
            "company_id text, model text, cutoff date, horizon text, horizon_days integer,"
            " decile integer, customers integer, predicted_value double precision,"
            " actual_value double precision, is_champion boolean",
        ),
        (
            "quarantine.rejected_rows",
            "company_id text, source text, feed text, source_file text, line_number bigint,"
            " column_name text, reason text, raw_row jsonb,"
            " rejected_at timestamp with time zone",
        ),
    ],
)
def test_columns_are_those_agreed(connection: psycopg.Connection, table: str, columns: str) -> None:
    found = connection.execute(
        "select string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', '"
        " order by attnum) from pg_attribute"
        " where attrelid = %s::regclass and attnum > 0 and not attisdropped",
        (sql.Identifier(*table.split(".")).as_string(),),
    ).fetchone()
    assert found == (columns,)
