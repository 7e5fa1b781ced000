"""Where somebody is named outside of the landed tables, and how they are taken out of there.

Belongs here: every table that has a company, other databases of the platform, and its files. Does
not belong here: what the columns of a source mean (`ingestion/erasure.py`).
"""

from __future__ import annotations

import json
import mmap
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg import sql
from psycopg.types.json import Jsonb

from warehouse.connection import exists

if TYPE_CHECKING:
    from psycopg import Connection

PERSONAL_DATA = sql.Identifier("marts", "customer_pii")
CUSTOMER_ORDERS = sql.Identifier("marts", "fct_orders")

#: What stands in logs where somebody stood; files keep their length.
ERASED = "(erased)"
_FILLING = b"*"

_TEXTS = ("text", "character varying", "json", "jsonb")


def company_tables(connection: Connection[Any]) -> dict[tuple[str, str], dict[str, str]]:
    """Returns the types of the columns of all tables that have a company, by schema and table."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for schema, table, column, kind in connection.execute(
        "select columns.table_schema, columns.table_name, column_name, data_type"
        " from information_schema.columns inner join information_schema.tables"
        " using (table_schema, table_name)"
        " where table_type = 'BASE TABLE' and columns.table_schema <> 'access'"
        " and columns.table_schema not like 'pg\\_%%'"
        " order by 1, 2, ordinal_position",
        (),
    ):
        found.setdefault((schema, table), {})[column] = kind
    return {name: columns for name, columns in found.items() if "company_id" in columns}


def empty_staging(connection: Connection[Any], company_id: str) -> None:
    """Empties what killed loads of a company have left in between; the caller commits."""
    for schema, table in company_tables(connection):
        if schema.startswith("raw_") and schema.endswith(f"_staging_{company_id}"):
            connection.execute(sql.SQL("truncate {}").format(sql.Identifier(schema, table)))


def hide_customers(
    connection: Connection[Any], company_id: str, customer_ids: Collection[str]
) -> int:
    """Takes customers out of marts.customer_pii; the caller commits.

    Returns:
        Rows deleted.
    """
    if not exists(connection, PERSONAL_DATA):
        return 0
    deleted = connection.execute(
        sql.SQL("delete from {} where company_id = %s and customer_id = any(%s)").format(
            PERSONAL_DATA
        ),
        (company_id, list(customer_ids)),
    )
    return deleted.rowcount


def replace_mentions(
    connection: Connection[Any], company_id: str, stand_ins: Mapping[str, str]
) -> Counter[str]:
    """Replaces addresses in every text of a company's rows; the caller commits.

    Args:
        connection: To the warehouse.
        company_id: The company.
        stand_ins: What stands in place of each address, which is in lower case.

    Returns:
        Rows changed, by table.
    """
    changed: Counter[str] = Counter()
    if not stand_ins:
        return changed
    for (schema, table), columns in company_tables(connection).items():
        texts = [name for name, kind in columns.items() if kind in _TEXTS]
        sets: list[sql.Composable] = []
        for name in texts:
            value: sql.Composable = sql.SQL("{}::text").format(sql.Identifier(name))
            for address, stand_in in sorted(stand_ins.items()):
                value = sql.SQL("regexp_replace({}, {}, {}, 'gi')").format(
                    value, sql.Literal(_alone(address)), sql.Literal(stand_in)
                )
            kind = sql.SQL("text" if columns[name].startswith("char") else columns[name])
            sets.append(sql.SQL("{} = ({})::{}").format(sql.Identifier(name), value, kind))
        updated = connection.execute(
            sql.SQL("update {} as named set {} where company_id = {} and ({})").format(
                sql.Identifier(schema, table),
                sql.SQL(", ").join(sets),
                sql.Literal(company_id),
                mentioning(stand_ins),
            )
        )
        if updated.rowcount:
            changed[f"{schema}.{table}"] += updated.rowcount
    return changed


def mentioning(addresses: Collection[str]) -> sql.Composable:
    """Says in SQL which rows of `named` hold one of some addresses, in any column."""
    return sql.SQL(" or ").join(
        sql.SQL("named::text ~* {}").format(sql.Literal(_alone(each))) for each in sorted(addresses)
    )


def rows_about(
    connection: Connection[Any],
    company_id: str,
    landed: Mapping[str, sql.Composable],
    customer_ids: Collection[str],
    addresses: Collection[str],
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yields all rows about somebody, by table.

    Args:
        connection: To the warehouse.
        company_id: The company.
        landed: For landed tables, in SQL, which rows are theirs.
        customer_ids: What the models call them.
        addresses: Their e-mails.
    """
    order_ids = _orders(connection, company_id, customer_ids)
    for (schema, table), columns in company_tables(connection).items():
        wanted = [landed[f"{schema}.{table}"]] if f"{schema}.{table}" in landed else []
        if not schema.startswith("raw_"):
            if "customer_id" in columns:
                wanted.append(_one_of("customer_id", customer_ids))
            elif "order_id" in columns:
                wanted.append(_one_of("order_id", order_ids))
        if addresses:
            wanted.append(mentioning(addresses))
        if not wanted:
            continue
        found = connection.execute(
            sql.SQL(
                "select to_jsonb(named) from {} as named where company_id = {} and ({})"
            ).format(
                sql.Identifier(schema, table),
                sql.Literal(company_id),
                sql.SQL(" or ").join(wanted),
            )
        ).fetchall()
        if found:
            yield f"{schema}.{table}", [row for (row,) in found]


def write_down(
    connection: Connection[Any], company_id: str, email_hash: str, changed: Mapping[str, int]
) -> None:
    """Leaves the audit row of an erasure; the caller commits.

    Args:
        connection: To the warehouse.
        company_id: The company.
        email_hash: Keyed hash of the address that was given.
        changed: Rows changed, by table.
    """
    connection.execute(
        "insert into access.erasures (company_id, email_hash, changed) values (%s, %s, %s)",
        (company_id, email_hash, Jsonb(dict(sorted(changed.items())))),
    )


def sweep_database(connection: Connection[Any], words: Collection[str]) -> int:
    """Replaces words in every text of a database that knows no company; the caller commits.

    Args:
        connection: To the database.
        words: Addresses, names and the like.

    Returns:
        Rows changed.
    """
    changed = 0
    pattern = _any_of(words)
    if not pattern:
        return changed
    found: dict[tuple[str, str], list[str]] = {}
    for schema, table, column in connection.execute(
        "select columns.table_schema, columns.table_name, column_name"
        " from information_schema.columns inner join information_schema.tables"
        " using (table_schema, table_name)"
        " where table_type = 'BASE TABLE' and data_type = any(%s)"
        " and columns.table_schema not in ('pg_catalog', 'information_schema')",
        (["text", "character varying"],),
    ):
        found.setdefault((schema, table), []).append(column)
    for (schema, table), texts in found.items():
        name = sql.Identifier(schema, table)
        updated = connection.execute(
            sql.SQL("update {} as named set {} where named::text ~* {}").format(
                name,
                sql.SQL(", ").join(
                    sql.SQL("{0} = regexp_replace({0}, {1}, {2}, 'gi')").format(
                        sql.Identifier(each), sql.Literal(pattern), sql.Literal(ERASED)
                    )
                    for each in texts
                ),
                sql.Literal(pattern),
            )
        )
        changed += updated.rowcount
    return changed


def sweep_files(folder: Path, words: Collection[str]) -> list[Path]:
    """Overwrites words in files, in place and at their length: others may be writing to them.

    The data of a Postgres server are left alone.

    Args:
        folder: All files below it are looked at.
        words: Addresses, names and the like.

    Returns:
        The files that were changed.

    Raises:
        OSError: A file that holds one of them can't be written.
    """
    changed: list[Path] = []
    if not words:
        return changed
    pattern = re.compile(
        b"|".join(re.escape(each.encode()) for each in sorted(_spellings(words))), re.IGNORECASE
    )
    for path in _files(folder):
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
            places = [found.span() for found in pattern.finditer(held)]
        if places:
            with path.open("r+b") as written:
                for start, end in places:
                    written.seek(start)
                    written.write(_FILLING * (end - start))
            changed.append(path)
    return changed


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_symlink():
            continue
        if path.is_dir():
            if not (path / "PG_VERSION").exists():
                yield from _files(path)
        elif path.is_file() and path.stat().st_size:
            yield path


def _orders(
    connection: Connection[Any], company_id: str, customer_ids: Collection[str]
) -> list[str]:
    if not exists(connection, CUSTOMER_ORDERS):
        return []
    found = connection.execute(
        sql.SQL("select order_id from {} where company_id = %s and customer_id = any(%s)").format(
            CUSTOMER_ORDERS
        ),
        (company_id, list(customer_ids)),
    )
    return [order_id for (order_id,) in found]


def _one_of(column: str, values: Collection[str]) -> sql.Composable:
    return sql.SQL("{} = any({})").format(sql.Identifier(column), sql.Literal(sorted(values)))


def _alone(address: str) -> str:
    """Returns a pattern of an address that isn't part of a longer one."""
    return rf"(?<![[:alnum:]._%+-]){re.escape(address)}(?![[:alnum:]-]|\.[[:alnum:]])"


def _any_of(words: Collection[str]) -> str:
    return "|".join(re.escape(each) for each in sorted(_spellings(words)))


def _spellings(words: Collection[str]) -> set[str]:
    """Returns the words, and what JSON in ASCII makes of them."""
    return {spelt for each in words for spelt in (each, json.dumps(each)[1:-1]) if spelt}
