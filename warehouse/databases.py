"""The platform's databases on one server, and the tables that no load or dbt run makes.

Belongs here: what must exist before anything runs. Does not belong here: tables made by dlt
(raw_*), dbt (staging to reporting), Dagster or MLflow.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

from warehouse.connection import ConnectionFailedError, connect_to, url, without_password
from warehouse.roles import ensure_access
from warehouse.settings import (
    DAGSTER_DATABASE,
    MLFLOW_DATABASE,
    WAREHOUSE_DATABASE,
    Settings,
    get_settings,
)

DATABASES = (WAREHOUSE_DATABASE, DAGSTER_DATABASE, MLFLOW_DATABASE)

#: What Dagster and MLflow note there can be noted anew, so no commit waits for the disk: they make
#: hundreds in a run. After a crash the last second may be missing, never something before it.
NOTEBOOKS = (DAGSTER_DATABASE, MLFLOW_DATABASE)

DDL_FOLDER = Path(__file__).with_name("ddl")

# Any number, the same in every process: keeps two of them from making the same thing at once.
_ADVISORY_LOCK = 7_203_411_958


class MissingRightError(Exception):
    """The role of CLV_DATABASE_URL lacks a right; the message says which and how to grant it."""


def ensure_databases(settings: Settings | None = None) -> None:
    """Makes the databases, schemas, tables and roles that are missing; touches none that is there.

    Safe to call from several processes at once.

    Args:
        settings: Those of the installation; by default the process's own.

    Raises:
        EmbeddedServerError: The embedded server doesn't run.
        ConnectionFailedError: The server can't be reached.
        MissingRightError: The role may not make what is missing.
    """
    settings = settings or get_settings()
    for database in DATABASES:
        if not database_exists(database, settings):
            _create(database, settings)
    _apply_ddl(settings)


def database_exists(database: str, settings: Settings | None = None) -> bool:
    """Tells whether one of the platform's databases is there.

    Raises:
        EmbeddedServerError: The embedded server doesn't run.
        ConnectionFailedError: The server can't be reached or refuses the login.
    """
    settings = settings or get_settings()
    try:
        connect_to(url(database, settings)).close()
    except ConnectionFailedError as refused:
        # A refused login has no error code, so the server is asked instead of the message read.
        try:
            with _maintenance_connection(settings) as connection:
                listed = _is_listed(connection, _name_on_server(database, settings))
        except ConnectionFailedError:
            raise refused from None
        if not listed:
            return False
        # Another process may have made it since.
        connect_to(url(database, settings)).close()
    return True


def _name_on_server(database: str, settings: Settings) -> str:
    return str(conninfo_to_dict(url(database, settings))["dbname"])


def _is_listed(connection: psycopg.Connection[TupleRow], name: str) -> bool:
    found = connection.execute("select from pg_database where datname = %s", (name,))
    return found.fetchone() is not None


def _maintenance_connection(settings: Settings) -> psycopg.Connection[TupleRow]:
    """Connects to a database that every server has; a role may be kept out of either."""
    try:
        return connect_to(url("postgres", settings), autocommit=True)
    except ConnectionFailedError:
        return connect_to(url("template1", settings), autocommit=True)


def _create(database: str, settings: Settings) -> None:
    name = _name_on_server(database, settings)
    with _maintenance_connection(settings) as connection, _alone(connection):
        if _is_listed(connection, name):
            return
        try:
            # template0 has no visitors, whereas a visitor of template1 makes this fail.
            connection.execute(
                sql.SQL("create database {} template template0 encoding 'UTF8'").format(
                    sql.Identifier(name)
                )
            )
            if database in NOTEBOOKS:
                connection.execute(
                    sql.SQL("alter database {} set synchronous_commit to off").format(
                        sql.Identifier(name)
                    )
                )
        except psycopg.errors.InsufficientPrivilege:
            role = connection.info.user
            raise MissingRightError(
                f"The role {role} may not create the database {name} on "
                f"{connection.info.host}. Let an administrator run one of:\n"
                f"  create database {name} owner {role};\n  alter role {role} createdb;"
            ) from None


@contextmanager
def _alone(connection: psycopg.Connection[TupleRow]) -> Iterator[None]:
    """Keeps other processes of the platform out for the length of a block."""
    connection.execute("select pg_advisory_lock(%s)", (_ADVISORY_LOCK,))
    try:
        yield
    finally:
        connection.execute("select pg_advisory_unlock(%s)", (_ADVISORY_LOCK,))


def _apply_ddl(settings: Settings) -> None:
    scripts = sorted(DDL_FOLDER.glob("*.sql"))
    address = url(WAREHOUSE_DATABASE, settings)
    with connect_to(address) as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", (_ADVISORY_LOCK,))
        connection.execute("set local client_min_messages = warning")
        try:
            for script in scripts:
                connection.execute(script.read_bytes())
            ensure_access(connection)
        except psycopg.errors.InsufficientPrivilege as error:
            role, database = connection.info.user, connection.info.dbname
            raise MissingRightError(
                f"The role {role} may not make the platform's schemas in "
                f"{without_password(address)}: {error.diag.message_primary}. Let an "
                f"administrator run:\n  grant create on database {database} to {role};\n"
                "or, where schemas of another owner are there already, make "
                f"{role} their owner."
            ) from None
