"""Who reads which companies.

Belongs here: logins of readers and the table access.reader_companies. Does not belong here: what a
reader may touch at all (`warehouse/roles.py`).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from warehouse.roles import READER, ROLES

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

#: Names longer than this are cut by PostgreSQL, so that two could become one.
_LONGEST_NAME_BYTES = 63

#: By this comment a login is known that `grant` made, and that `revoke` may therefore close.
_MADE_HERE = "Made by clv grant."


class ReaderError(Exception):
    """A reader can't be given or denied companies; the message says why and what to do."""


def grant_companies(
    connection: Connection[TupleRow],
    reader: str,
    companies: Sequence[str],
    *,
    personal_data: bool = False,
) -> str | None:
    """Lets a reader see companies, besides those that it sees already.

    Args:
        connection: To the warehouse; the caller commits.
        reader: Name of a role; one that the server lacks is made, with a login.
        companies: Ids of the companies, one at least.
        personal_data: Whether marts.customer_pii of these companies too.

    Returns:
        The password of a login that was made or opened again, which nobody can look up later; None
        where the role was there.

    Raises:
        ReaderError: The name can't be a reader's, the role sees every company anyway, or the
            connecting role may not make or grant roles.
    """
    _check_name(reader)
    _check_that_policies_hold(connection, reader)
    try:
        password = _open_login(connection, reader)
        connection.execute(
            sql.SQL("grant {} to {}").format(sql.Identifier(READER), sql.Identifier(reader))
        )
    except psycopg.errors.InsufficientPrivilege as error:
        user = connection.info.user
        raise ReaderError(
            f"{user} may not make {reader} a reader: {error.diag.message_primary}. Let an "
            f"administrator run:\n  create role {_quoted(reader)} login;\n"
            f"  grant {READER} to {_quoted(reader)};\nand repeat the command, or give the right "
            f"to {user}:\n  alter role {_quoted(user)} createrole;\n"
            f"  grant {READER} to {_quoted(user)} with admin option;"
        ) from None
    except psycopg.errors.UndefinedObject:
        raise ReaderError(
            f"The role {READER} is missing on this server. Make it: clv prepare"
        ) from None
    for company_id in companies:
        connection.execute(
            "insert into access.reader_companies as present (role_name, company_id, personal_data)"
            " values (%s, %s, %s) on conflict (role_name, company_id) do update"
            " set personal_data = present.personal_data or excluded.personal_data",
            (reader, company_id, personal_data),
        )
    return password


def revoke_companies(
    connection: Connection[TupleRow],
    reader: str,
    companies: Sequence[str] = (),
    *,
    only_personal_data: bool = False,
) -> dict[str, bool]:
    """Takes companies from a reader; a login that `grant_companies` made ends with the last one.

    Sessions that are open see the change with their next query.

    Args:
        connection: To the warehouse; the caller commits.
        reader: Name of the role; it may be gone from the server.
        companies: Ids; none means all.
        only_personal_data: Leaves the companies and takes their marts.customer_pii.

    Returns:
        What is left: whether personal data are seen, by company.

    Raises:
        ReaderError: The reader has none of them, or the connecting role may not revoke.
    """
    before = companies_of(connection, reader)
    unknown = [company_id for company_id in companies if company_id not in before]
    if unknown or not before:
        seen = ", ".join(before) or "no company"
        raise ReaderError(
            f"{reader} doesn't read {', '.join(unknown) or 'anything'}; it reads {seen}."
        )
    taken = list(companies or before)
    if only_personal_data:
        statement = "update access.reader_companies set personal_data = false"
    else:
        statement = "delete from access.reader_companies"
    connection.execute(
        sql.SQL(statement + " where role_name = %s and company_id = any(%s)"), (reader, taken)
    )
    left = companies_of(connection, reader)
    if not left:
        _close_login(connection, reader)
    return left


def companies_of(connection: Connection[TupleRow], reader: str) -> dict[str, bool]:
    """Returns whether a reader sees personal data, by company, in the order of their ids."""
    return readers(connection).get(reader, {})


def readers(connection: Connection[TupleRow]) -> dict[str, dict[str, bool]]:
    """Returns the companies of every reader, and whether personal data are seen in each."""
    found: dict[str, dict[str, bool]] = {}
    for reader, company_id, personal_data in connection.execute(
        "select role_name, company_id, personal_data from access.reader_companies order by 1, 2"
    ):
        found.setdefault(reader, {})[company_id] = personal_data
    return found


def _check_name(reader: str) -> None:
    if reader in ROLES or reader.startswith("pg_") or reader in {"public", "none"}:
        raise ReaderError(f"{reader} is a role of the server; choose a name for the reader.")
    if not reader or len(reader.encode()) > _LONGEST_NAME_BYTES or "\0" in reader:
        raise ReaderError(
            f"A reader's name has 1 to {_LONGEST_NAME_BYTES} bytes, as PostgreSQL's roles do."
        )


def _check_that_policies_hold(connection: Connection[TupleRow], reader: str) -> None:
    """Refuses a role to which no policy applies, or one that applies lets all rows through."""
    found = connection.execute(
        """
        select
            rolsuper or rolbypassrls or rolname = current_user,
            (
                select min(wider.rolname) from pg_roles as wider
                where
                    wider.rolname = any(%(wider)s)
                    and pg_has_role(reader.oid, wider.oid, 'member')
            )
        from pg_roles as reader where rolname = %(reader)s
        """,
        {"reader": reader, "wider": [name for name in ROLES if name != READER]},
    ).fetchone()
    if found is None:
        return
    unbound, wider = found
    if unbound or wider is not None:
        why = "policies don't bind it" if unbound else f"it is a member of {wider}"
        raise ReaderError(
            f"{reader} sees every company already: {why}. Choose another role for reading."
        )


def _open_login(connection: Connection[TupleRow], reader: str) -> str | None:
    """Makes the role unless it is there; returns its password where one was set."""
    found = connection.execute(
        "select rolcanlogin, shobj_description(oid, 'pg_authid') from pg_roles where rolname = %s",
        (reader,),
    ).fetchone()
    if found is not None and not (found[1] == _MADE_HERE and not found[0]):
        return None
    password = secrets.token_urlsafe(24)
    # Hashed here, so that no log of the server's statements holds it.
    verifier = connection.pgconn.encrypt_password(
        password.encode(), reader.encode(), b"scram-sha-256"
    ).decode()
    connection.execute(
        sql.SQL("{} role {} login password {}").format(
            sql.SQL("create" if found is None else "alter"), sql.Identifier(reader), verifier
        )
    )
    connection.execute(
        sql.SQL("comment on role {} is {}").format(sql.Identifier(reader), _MADE_HERE)
    )
    return password


def _close_login(connection: Connection[TupleRow], reader: str) -> None:
    found = connection.execute(
        "select shobj_description(oid, 'pg_authid') = %s from pg_roles where rolname = %s",
        (_MADE_HERE, reader),
    ).fetchone()
    if found is None:
        return
    role = sql.Identifier(reader)
    try:
        connection.execute(sql.SQL("revoke {} from {}").format(sql.Identifier(READER), role))
        if found[0]:
            connection.execute(sql.SQL("alter role {} nologin password null").format(role))
    except psycopg.errors.InsufficientPrivilege as error:
        raise ReaderError(
            f"{connection.info.user} may not change the role {reader}: "
            f"{error.diag.message_primary}. Let an administrator run:\n"
            f"  revoke {READER} from {_quoted(reader)};\nand repeat the command."
        ) from None


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string()
