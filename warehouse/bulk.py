"""Rows in bulk: whole slices of a table written and read at the speed of COPY and Arrow.

Belongs here: moving rows. Does not belong here: which rows, and what they mean.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, LiteralString, cast

from psycopg import sql

from warehouse.connection import url
from warehouse.settings import WAREHOUSE_DATABASE, Settings

if TYPE_CHECKING:
    import pandas as pd
    from adbc_driver_manager import AdbcDatabase
    from adbc_driver_manager.dbapi import Connection as ArrowConnection
    from psycopg import Connection, Copy

ROWS_PER_CHUNK = 50_000

# Everything that changes how PostgreSQL writes a value as text.
_TEXT_SETTINGS = {
    "datestyle": "ISO, YMD",
    "intervalstyle": "iso_8601",
    "timezone": "UTC",
    "extra_float_digits": "1",
    "bytea_output": "hex",
}


def replace_rows(
    connection: Connection[Any],
    table: str,
    where: Mapping[str, object],
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
) -> int:
    """Replaces a slice of a table in one transaction; on any error the old slice stays.

    Args:
        connection: To the database of the table.
        table: "schema.table".
        where: Column to value: the slice, all of the table when empty. None means null.
        columns: Names of the rows' fields.
        rows: The new rows, which are read once and never held in memory together.

    Returns:
        Number of rows written.

    Raises:
        psycopg.Error: A row doesn't fit the table.
    """
    written = 0
    with _replacement(connection, table, where, columns) as copy:
        for row in rows:
            copy.write_row(row)
            written += 1
    return written


def replace_frame(
    connection: Connection[Any],
    table: str,
    where: Mapping[str, object],
    frame: pd.DataFrame,
) -> int:
    """Replaces a slice of a table by a frame in one transaction; on any error the old one stays.

    A missing value (NaN, NaT, None) becomes null. Floats keep every bit.

    Args:
        connection: To the database of the table.
        table: "schema.table".
        where: Column to value: the slice, all of the table when empty.
        frame: The new rows, columns named as the table's.

    Returns:
        Number of rows written.

    Raises:
        ValueError: A row isn't of the slice, so that the next replacement would not find it.
        psycopg.Error: A row doesn't fit the table.
    """
    import pyarrow as pa
    from pyarrow import csv

    for column, value in where.items():
        if column in frame.columns and not (frame[column] == value).all():
            raise ValueError(f"{table}: a row's {column} is not {value!r}")
    headerless = csv.WriteOptions(include_header=False)
    columns = [str(column) for column in frame.columns]
    with _replacement(connection, table, where, columns, options="with (format csv)") as copy:
        for start in range(0, len(frame), ROWS_PER_CHUNK):
            chunk = frame.iloc[start : start + ROWS_PER_CHUNK]
            buffer = io.BytesIO()
            csv.write_csv(pa.Table.from_pandas(chunk, preserve_index=False), buffer, headerless)
            copy.write(buffer.getbuffer())
    return len(frame)


def read_frame(
    query: str,
    parameters: Sequence[object] = (),
    *,
    database: str = WAREHOUSE_DATABASE,
    settings: Settings | None = None,
) -> pd.DataFrame:
    """Reads the rows of a query through Arrow.

    Dates come as datetime64, so that differences are vectorised.

    Args:
        query: SQL with the parameters as $1, $2, ….
        parameters: Their values.
        database: One of the platform's databases.
        settings: Those of the installation; by default the process's own.

    Returns:
        One row per row of the result, in its order.

    Raises:
        TypeError: A column is `numeric`, which Arrow has as text: cast it in the query.
        adbc_driver_manager.Error: The query fails.
    """
    import pyarrow as pa

    with arrow_connection(url(database, settings)) as connection, connection.cursor() as cursor:
        cursor.execute(query, list(parameters) or None)
        table = cursor.fetch_arrow_table()
    inexact = [field.name for field in table.schema if isinstance(field.type, pa.OpaqueType)]
    if inexact:
        raise TypeError(
            f"{', '.join(inexact)}: cast to double precision or text in the query; Arrow has no "
            "such type"
        )
    return table.to_pandas(date_as_object=False)


class _Kept:
    """What a connection closes at its end in place of the database, which the next one wants."""

    def close(self) -> None:
        """Does nothing."""


def arrow_connection(address: str) -> ArrowConnection:
    """Connects through Arrow's driver; the first time to an address takes long.

    Args:
        address: libpq URL.

    Returns:
        A connection of its own, to be closed by the caller.

    Raises:
        adbc_driver_manager.Error: The server doesn't answer or refuses.
    """
    from adbc_driver_manager import AdbcConnection
    from adbc_driver_manager.dbapi import Connection

    kept = cast("AdbcDatabase", _Kept())
    return Connection(kept, AdbcConnection(_arrow_database(address)))


@lru_cache(maxsize=8)
def _arrow_database(address: str) -> AdbcDatabase:
    """The driver reads every type and column of a database before it connects to it."""
    from adbc_driver_postgresql import connect

    return connect(address)


def fingerprint(connection: Connection[Any], table: str, exclude: Collection[str] = ()) -> str:
    """Returns a hash over all rows of a table that no order of rows changes.

    Two equal fingerprints mean: the same rows, each as often, every value equal to the last bit.
    Settings of the session don't matter; within an open transaction, those that change how values
    are written stay changed until its end.

    Args:
        connection: To the database of the table.
        table: "schema.table".
        exclude: Columns left out, such as a load's id.

    Returns:
        32 hexadecimal digits.

    Raises:
        psycopg.errors.UndefinedTable: There is no such table.
    """
    with connection.transaction():
        for name, value in _TEXT_SETTINGS.items():
            connection.execute("select set_config(%s, %s, true)", (name, value))
        found = connection.execute(
            "select attname from pg_attribute where attrelid = %s::regclass"
            " and attnum > 0 and not attisdropped order by attnum",
            (_identifier(table).as_string(),),
        )
        columns = [name for (name,) in found if name not in exclude]
        row = sql.SQL("row({})::text").format(sql.SQL(", ").join(map(sql.Identifier, columns)))
        hashed = connection.execute(
            sql.SQL(
                "select md5(coalesce(string_agg(line, '' order by line collate \"C\"), ''))"
                " from (select md5({row}) as line from {table}) as lines"
            ).format(row=row, table=_identifier(table))
        ).fetchone()
    return str(hashed[0]) if hashed else ""


@contextmanager
def _replacement(
    connection: Connection[Any],
    table: str,
    where: Mapping[str, object],
    columns: Sequence[str],
    *,
    options: LiteralString = "",
) -> Iterator[Copy]:
    """Deletes a slice and takes the new one, in one transaction."""
    conditions = [
        sql.SQL("{} is null" if value is None else "{} = {}").format(
            sql.Identifier(column), sql.Literal(value)
        )
        for column, value in where.items()
    ]
    target = _identifier(table)
    delete = sql.SQL("delete from {}").format(target)
    if conditions:
        delete = sql.SQL("{} where {}").format(delete, sql.SQL(" and ").join(conditions))
    insert = sql.SQL("copy {} ({}) from stdin {}").format(
        target, sql.SQL(", ").join(map(sql.Identifier, columns)), sql.SQL(options)
    )
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(delete)
        with cursor.copy(insert) as copy:
            yield copy


def _identifier(table: str) -> sql.Identifier:
    return sql.Identifier(*table.split("."))
