"""Locks in Postgres between loads, and between loads and models, wherever they were started.

Belongs here: who may load when. Does not belong here: locks between processes of one machine
(`warehouse/locks.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from psycopg import sql

from ingestion.errors import SourceError
from warehouse.connection import connect

if TYPE_CHECKING:
    from psycopg import Connection


class LoadUnderWayError(SourceError):
    """Another load is at it; this one did nothing."""


#: Longest wait for the database sessions of a killed load to end.
ENDING_SECONDS = 30


@contextmanager
def exclusive_load(source: str, company_id: str) -> Iterator[None]:
    """Keeps a second load of the same source and company out for the length of a block.

    The lock belongs to a database session: it is free again when the holder ends, however it ends.
    That is too early where the holder was killed: the server goes on with a statement whose client
    is gone, and what it still merges or truncates would befall the staging tables that the next
    load has filled. So whatever such a load has left running is ended first.

    Args:
        source: Name of the source.
        company_id: The company.

    Raises:
        LoadUnderWayError: Another load holds it; the message says which.
        SourceError: What a killed load left running doesn't end.
    """
    key = lock_key(f"load {source} {company_id}")
    with connect(autocommit=True) as connection:
        taken = connection.execute("select pg_try_advisory_lock(%s)", (key,)).fetchone()
        if taken is None or not taken[0]:
            raise LoadUnderWayError(
                f"{source} of company {company_id} is being loaded already"
                f"{_holder(connection, key)}. Wait until that load has ended; this one did nothing."
            )
        _end_leftovers(connection, session_name(source, company_id))
        try:
            yield
        finally:
            # Closing frees it too, but only once the server has noticed.
            connection.execute("select pg_advisory_unlock(%s)", (key,))


@contextmanager
def one_at_a_time(what: str) -> Iterator[Connection[Any]]:
    """Waits until nobody else is at it, and keeps others waiting for the length of a block.

    Args:
        what: Name of the thing that only one process may do at a time.

    Yields:
        The connection that holds the lock; it commits each statement.
    """
    with _locked(what, sql.SQL("")) as connection:
        yield connection


@contextmanager
def writing(company_id: str) -> Iterator[None]:
    """Waits until the models have read a company, and keeps them from it for a block.

    Loads of several sources may write at once.

    Args:
        company_id: Whose rows are written.
    """
    with _locked(f"rows of {company_id}", sql.SQL("_shared")):
        yield


@contextmanager
def _locked(name: str, kind: sql.SQL) -> Iterator[Connection[Any]]:
    key = lock_key(name)
    with connect(autocommit=True) as connection:
        connection.execute(sql.SQL("select pg_advisory_lock{}(%s)").format(kind), (key,))
        try:
            yield connection
        finally:
            connection.execute(sql.SQL("select pg_advisory_unlock{}(%s)").format(kind), (key,))


@contextmanager
def at_rest(company_ids: Iterable[str]) -> Iterator[frozenset[str]]:
    """Keeps companies as they are for the length of a block: loads wait before they write.

    Args:
        company_ids: The companies.

    Yields:
        Those that no load is writing right now.
    """
    with connect(autocommit=True) as connection:
        resting = []
        for company_id in company_ids:
            key = lock_key(f"rows of {company_id}")
            taken = connection.execute("select pg_try_advisory_lock(%s)", (key,)).fetchone()
            if taken is not None and taken[0]:
                resting.append(company_id)
        try:
            yield frozenset(resting)
        finally:
            connection.execute("select pg_advisory_unlock_all()")


def session_name(source: str, company_id: str) -> str:
    """Returns the application_name of the database sessions in which a load writes."""
    return f"clv-load-{source}-{company_id}"


def _end_leftovers(connection: Connection[Any], name: str) -> None:
    of_load = "from pg_stat_activity where application_name = %s and datname = current_database()"
    connection.execute(
        f"select pg_terminate_backend(pid, %s) {of_load}",
        (ENDING_SECONDS * 1000, name),
    )
    if stuck := connection.execute(f"select pid {of_load}", (name,)).fetchall():
        raise SourceError(
            f"A killed load is still at work in the database, as {name} in session "
            f"{', '.join(str(pid) for (pid,) in stuck)}. Nothing was loaded; run it again when "
            "that session has ended."
        )


def lock_key(name: str) -> int:
    """Returns the number under which Postgres knows a lock."""
    return int.from_bytes(hashlib.sha256(f"clv {name}".encode()).digest()[:8], signed=True)


def held_keys(keys: Iterable[int]) -> frozenset[int]:
    """Returns those of the locks that somebody holds."""
    with connect() as connection:
        found = connection.execute(
            "select (classid::bigint << 32) | objid::bigint from pg_locks"
            " where locktype = 'advisory' and granted and objsubid = 1"
        ).fetchall()
    return frozenset(keys) & {key for (key,) in found}


def _holder(connection: Connection[Any], key: int) -> str:
    found = connection.execute(
        "select activity.pid, to_char(activity.backend_start, 'YYYY-MM-DD HH24:MI:SS TZ')"
        " from pg_locks as locks join pg_stat_activity as activity using (pid)"
        " where locks.locktype = 'advisory' and locks.granted and locks.objsubid = 1"
        " and ((locks.classid::bigint << 32) | locks.objid::bigint) = %s",
        (key,),
    ).fetchone()
    return f" (database session {found[0]}, since {found[1]})" if found else ""
