"""How the databases are reached.

Belongs here: URLs, connections and what any connection is asked. Does not belong here: starting a
server (`warehouse/embedded.py`) and what is in a database (`warehouse/databases.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from warehouse.embedded import embedded_server
from warehouse.settings import WAREHOUSE_DATABASE, Settings, get_settings

if TYPE_CHECKING:
    from psycopg.rows import TupleRow

CONNECT_SECONDS = 10


class ConnectionFailedError(Exception):
    """A database can't be reached; the message says why and what to do."""


def url(database: str = WAREHOUSE_DATABASE, settings: Settings | None = None) -> str:
    """Returns the libpq URL of a database, the password included.

    Args:
        database: One of the platform's databases.
        settings: Those of the installation; by default the process's own.

    Raises:
        EmbeddedServerError: The embedded server doesn't run.
        ConnectionFailedError: CLV_DATABASE_URL isn't a URL of PostgreSQL.
    """
    settings = settings or get_settings()
    if settings.database_url is None:
        return embedded_server(settings).url(database)
    return on_own_server(settings.database_url.get_secret_value(), database)


def connect(
    database: str = WAREHOUSE_DATABASE,
    settings: Settings | None = None,
    *,
    autocommit: bool = False,
) -> psycopg.Connection[TupleRow]:
    """Connects to a database; as a context manager it commits at the end and closes.

    Args:
        database: One of the platform's databases.
        settings: Those of the installation; by default the process's own.
        autocommit: Whether each statement is a transaction of its own.

    Raises:
        EmbeddedServerError: The embedded server doesn't run.
        ConnectionFailedError: The server can't be reached or refuses the login.
    """
    return connect_to(url(database, settings), autocommit=autocommit)


def connect_to(address: str, *, autocommit: bool = False) -> psycopg.Connection[TupleRow]:
    """Connects to a libpq URL.

    Raises:
        ConnectionFailedError: The server can't be reached, refuses the login, or has no such
            database; the cause is the driver's error.
    """
    try:
        return psycopg.connect(
            address,
            autocommit=autocommit,
            connect_timeout=CONNECT_SECONDS,
            # PGAPPNAME wins over it, so that a refresh can be told from other sessions.
            fallback_application_name="clv",
        )
    except psycopg.OperationalError as error:
        raise ConnectionFailedError(
            f"PostgreSQL at {without_password(address)} can't be used: {str(error).strip()}"
        ) from error


def exists(connection: psycopg.Connection[Any], name: sql.Identifier) -> bool:
    """Says whether there is a table, view or index of that name."""
    found = connection.execute("select to_regclass(%s) is not null", (name.as_string(),)).fetchone()
    return bool(found and found[0])


def on_own_server(address: str, database: str) -> str:
    """Returns the URL of a database on a server of one's own.

    The database that CLV_DATABASE_URL names is the warehouse, whatever its name; the others stand
    beside it under their own names.

    Args:
        address: CLV_DATABASE_URL.
        database: One of the platform's databases.

    Raises:
        ConnectionFailedError: The address isn't a URL of PostgreSQL.
    """
    not_a_url = ConnectionFailedError(
        "CLV_DATABASE_URL is not a URL of PostgreSQL, such as "
        "postgresql://user:password@host:5432/clv (special characters as %40 and so on)"
    )
    try:
        parts = urlsplit(address)
        named = conninfo_to_dict(address).get("dbname")
    except (ValueError, psycopg.ProgrammingError):
        # The driver's own message quotes the address, and with it the password.
        raise not_a_url from None
    if parts.scheme not in {"postgresql", "postgres"}:
        raise not_a_url
    if database == WAREHOUSE_DATABASE and named:
        database = str(named)
    # A dbname among the parameters would win over the path.
    query = "&".join(p for p in parts.query.split("&") if p and not p.startswith("dbname="))
    # SQLAlchemy knows the scheme by its full name only.
    located = f"postgresql://{parts.netloc}/{quote(database, safe='')}"
    return f"{located}?{query}" if query else located


def without_password(address: str) -> str:
    """Returns a libpq URL fit for messages and logs."""
    known = conninfo_to_dict(address)
    user = f"{known['user']}@" if known.get("user") else ""
    return (
        f"{user}{known.get('host', 'localhost')}:{known.get('port', 5432)}"
        f"/{known.get('dbname', '')}"
    )
