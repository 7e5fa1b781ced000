"""The roles of the warehouse and what each may touch.

Belongs here: group roles, and rights on schemas and on the tables that no dbt run makes. Does not
belong here: who is a reader of what (`warehouse/readers.py`), and the policies themselves, which
are the function access.protect (`warehouse/ddl/05_access.sql`) that dbt calls too.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from warehouse.companies import Sources

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

LOADER, TRANSFORMER, ML = "clv_loader", "clv_transformer", "clv_ml"
ANALYST, READER = "clv_analyst", "clv_reader"

#: Group roles, which nobody logs in as, and what they are for.
ROLES = {
    LOADER: "Writes what the sources send: raw_* and quarantine.",
    TRANSFORMER: "Reads raw_*, and writes every other schema.",
    ML: "Reads marts without personal data, and writes ml.",
    ANALYST: "Reads marts, reporting and ml of every company.",
    READER: "Reads marts, reporting and ml of the companies that clv grant names.",
}

#: Schemas that people read; every relation in them has policies (access.protect).
PUBLIC_SCHEMAS = ("marts", "reporting", "ml")

_EVERYTHING = "select, insert, update, delete, truncate"

# The longest key that HMAC-SHA256 takes unhashed.
_BLOCK_BYTES = 64
_INNER_PAD, _OUTER_PAD = 0x36, 0x5C

_logger = logging.getLogger(__name__)


def missing_roles(connection: Connection[TupleRow]) -> list[str]:
    """Returns those of `ROLES` that the server lacks."""
    found = connection.execute(
        "select rolname from pg_roles where rolname = any(%s)", (list(ROLES),)
    )
    there = {name for (name,) in found}
    return [name for name in ROLES if name not in there]


def statements_for(roles: Sequence[str]) -> str:
    """Returns what an administrator runs where the platform may not make roles itself."""
    return "\n".join(f"  create role {name} nologin;" for name in roles)


def ensure_access(connection: Connection[TupleRow]) -> None:
    """Makes roles, rights and policies that are missing, and the key of the e-mails.

    Where the connecting role may not make roles, those that are missing are left out and a warning
    says what an administrator has to do.

    Args:
        connection: To the warehouse, whose schemas are there; the caller commits.

    Raises:
        psycopg.errors.InsufficientPrivilege: A schema belongs to somebody else.
    """
    for role in missing_roles(connection):
        _create(connection, role)
    missing = missing_roles(connection)
    if missing:
        _logger.warning(
            "The roles %s are missing and %s may not make them, so nobody but the owner of the "
            "tables can read the warehouse. Let an administrator run:\n%s\nand then: clv prepare",
            ", ".join(missing),
            connection.info.user,
            statements_for(missing),
        )
    there = [name for name in ROLES if name not in missing]
    _grant_raw(connection, there)
    _grant_layers(connection, there)
    _grant_access(connection, there)
    _protect(connection)
    _ensure_email_key(connection)


def _create(connection: Connection[TupleRow], role: str) -> None:
    try:
        with connection.transaction():
            connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
            connection.execute(
                sql.SQL("comment on role {} is {}").format(sql.Identifier(role), ROLES[role])
            )
    except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        # Made in this instant for another warehouse of the server.
        pass
    except psycopg.errors.InsufficientPrivilege:
        pass


def _grant_raw(connection: Connection[TupleRow], there: Sequence[str]) -> None:
    """The schemas of the sources, also before their first load."""
    for source in Sources.model_fields:
        connection.execute(
            sql.SQL("create schema if not exists {}").format(sql.Identifier(f"raw_{source}"))
        )
    found = connection.execute(
        # Not what a load stages in: it is nobody's but the load's.
        "select nspname from pg_namespace where nspname ~ '^raw_' and nspname !~ '_staging_'"
        " order by nspname"
    )
    schemas = [name for (name,) in found]
    if LOADER in there:
        for schema in (*schemas, "quarantine"):
            _grant(connection, schema, "usage, create", _EVERYTHING, LOADER)
    if TRANSFORMER in there:
        for schema in schemas:
            _grant(connection, schema, "usage", "select", TRANSFORMER)


def _grant_layers(connection: Connection[TupleRow], there: Sequence[str]) -> None:
    if TRANSFORMER in there:
        for schema in ("staging", "intermediate", "quarantine"):
            _grant(connection, schema, "usage, create", _EVERYTHING, TRANSFORMER)
    # No default rights here: a table is read when access.protect has given it its policies.
    for role, right, schemas in (
        (TRANSFORMER, "usage, create", PUBLIC_SCHEMAS),
        (ANALYST, "usage", PUBLIC_SCHEMAS),
        (READER, "usage", PUBLIC_SCHEMAS),
        (ML, "usage", ("marts", "ml")),
    ):
        for schema in schemas if role in there else ():
            _grant(connection, schema, right, None, role)


def _grant_access(connection: Connection[TupleRow], there: Sequence[str]) -> None:
    """Readers see their own grants and nobody else's."""
    if TRANSFORMER in there:
        _grant(connection, "access", "usage", None, TRANSFORMER)
        _grant_on(connection, ["access.email_key"], "select", TRANSFORMER)
    if LOADER in there:
        _grant(connection, "access", "usage", None, LOADER)
        _grant_on(connection, ["access.erased_people"], "select", LOADER)
        connection.execute(
            sql.SQL("grant execute on function access.email_hash to {}").format(
                sql.Identifier(LOADER)
            )
        )
    if READER not in there:
        return
    _grant(connection, "access", "usage", None, READER)
    made = connection.execute(
        "select from pg_policy"
        " where polrelid = 'access.reader_companies'::regclass and polname = 'own_grants'"
    ).fetchone()
    if made is None:
        connection.execute("alter table access.reader_companies enable row level security")
        connection.execute(
            """
            create policy own_grants on access.reader_companies for select to clv_reader using (
                exists (
                    select from pg_catalog.pg_roles as readers
                    where
                        readers.rolname = role_name
                        and pg_catalog.pg_has_role(readers.oid, 'usage')
                )
            )
            """
        )
    _grant_on(connection, ["access.reader_companies"], "select", READER)


def _grant(
    connection: Connection[TupleRow],
    schema: str,
    on_schema: str,
    on_tables: str | None,
    role: str,
) -> None:
    """Gives rights on a schema, and on its tables now and later, where they are missing.

    A right that is given again would change the catalogue's row of a table that a load may be
    changing too.
    """
    has = connection.execute(
        "select has_schema_privilege(%s, %s, 'usage')", (role, schema)
    ).fetchone()
    if has is None or not has[0]:
        names = {"schema": sql.Identifier(schema), "role": sql.Identifier(role)}
        statements = [f"grant {on_schema} on schema {{schema}} to {{role}}"]
        if on_tables is not None:
            statements.append(
                f"alter default privileges in schema {{schema}} grant {on_tables} on tables"
                " to {role}"
            )
        for statement in statements:
            connection.execute(sql.SQL(statement).format(**names))
    if on_tables is not None:
        found = connection.execute(
            "select format('%%I.%%I', schemaname, tablename) from pg_tables where schemaname = %s"
            " union all"
            " select format('%%I.%%I', schemaname, viewname) from pg_views where schemaname = %s",
            (schema, schema),
        )
        _grant_on(connection, [name for (name,) in found], on_tables, role)


def _grant_on(
    connection: Connection[TupleRow], relations: Sequence[str], rights: str, role: str
) -> None:
    lacking = connection.execute(
        "select relation from unnest(%s::text[]) as relation"
        " where exists ("
        "   select from unnest(%s::text[]) as wanted"
        "   where not has_table_privilege(%s, relation, wanted)"
        " )",
        (list(relations), rights.split(", "), role),
    )
    for (relation,) in lacking.fetchall():
        connection.execute(
            sql.SQL(f"grant {rights} on {{}} to {{}}").format(
                sql.SQL(relation), sql.Identifier(role)
            )
        )


def _protect(connection: Connection[TupleRow]) -> None:
    """Gives the tables that Python writes their policies; dbt's models call for theirs."""
    connection.execute(
        "select access.protect(pg_class.oid::regclass)"
        " from pg_class inner join pg_namespace on pg_namespace.oid = relnamespace"
        " where relkind = 'r' and pg_has_role(relowner, 'usage') and ("
        "   nspname = 'ml'"
        "   or nspname = 'reporting' and relname in ('custom_segments', 'custom_segment_summary')"
        " )"
    )


def _ensure_email_key(connection: Connection[TupleRow]) -> None:
    """Makes the key unless there is one; it never leaves the server again."""
    inner, outer = padded_key(secrets.token_bytes(_BLOCK_BYTES))
    connection.execute(
        "insert into access.email_key (inner_key, outer_key) values (%s, %s)"
        " on conflict do nothing",
        (inner, outer),
    )


def padded_key(key: bytes) -> tuple[bytes, bytes]:
    """Returns an HMAC-SHA256 key as RFC 2104 puts it before the inner and the outer message."""
    if len(key) > _BLOCK_BYTES:
        key = sha256(key).digest()
    key = key.ljust(_BLOCK_BYTES, b"\0")
    return bytes(byte ^ _INNER_PAD for byte in key), bytes(byte ^ _OUTER_PAD for byte in key)
