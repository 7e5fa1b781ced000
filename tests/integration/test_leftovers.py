"""What a killed load has left running in the database does no harm to the next one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from ingestion.errors import SourceError
from ingestion.locks import exclusive_load, session_name
from tests.integration.connectors.harness import command_environment, kill
from warehouse.connection import connect, url
from warehouse.settings import PROJECT_ROOT, Settings

TABLES = tuple(f"table_{number}" for number in range(8))

# Loads one row into each of some tables.
LOAD = """
import sys
import dlt
import pyarrow as pa
from ingestion.locks import exclusive_load
from ingestion.pipeline import load

value, *tables = sys.argv[1:]
page = pa.table({"company_id": ["acme"], "id": ["1"], "value": [value]})
merge = {"disposition": "merge", "strategy": "delete-insert"}

@dlt.source(name="toys", max_table_nesting=0)
def toys():
    return [
        dlt.resource([page], name=name, write_disposition=merge, merge_key=("company_id", "id"))
        for name in tables
    ]

with exclusive_load("toys", "acme"):
    load(toys(), "toys", "acme")
"""

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(
    warehouse_settings: Settings, connection: psycopg.Connection, tmp_path: Path
) -> Iterator[Start]:
    """Starts loads; the first row of all tables has landed."""
    environment = command_environment(warehouse_settings, tmp_path)
    started = []

    def make(value: str, *tables: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", LOAD, value, *tables],
            cwd=PROJECT_ROOT,
            # The order in which dlt empties staging tables is that of a set.
            env=os.environ | environment | {"PYTHONHASHSEED": "1"},
            stderr=subprocess.PIPE,
        )
        started.append(process)
        return process

    for schema in ("raw_toys", "raw_toys_staging_acme"):
        connection.execute(f"drop schema if exists {schema} cascade")
    connection.commit()
    finish(make("first", *TABLES))
    try:
        yield make
    finally:
        for process in started:
            kill(process)


def finish(process: subprocess.Popen[bytes]) -> None:
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said.decode()


def locks(granted: bool) -> set[str]:
    """The tables that the load has locked, or waits for."""
    with connect() as connection:
        found = connection.execute(
            "select nspname || '.' || relname from pg_locks"
            " join pg_stat_activity as activity using (pid)"
            " join pg_class on pg_class.oid = relation"
            " join pg_namespace on pg_namespace.oid = relnamespace"
            " where application_name = %s and granted = %s and relkind = 'r'",
            (session_name("toys", "acme"), granted),
        )
        return {name for (name,) in found}


def soon(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def values(connection: psycopg.Connection) -> dict[str, list[str]]:
    connection.rollback()
    return {
        table: [value for (value,) in connection.execute(f"select value from raw_toys.{table}")]
        for table in TABLES
    }


def test_what_it_would_empty_stays_full(start: Start, connection: psycopg.Connection) -> None:
    staging = "raw_toys_staging_acme"
    with connect() as reader, connect() as writer:
        # A backup, say, reads a table, which the load wants to empty with all the others.
        reader.execute(f"lock table {staging}.{TABLES[0]} in access share mode")
        killed = start("killed", *TABLES)
        soon(lambda: locks(granted=False))
        kill(killed)
        untouched = [each for each in TABLES[1:] if f"{staging}.{each}" not in locks(granted=True)]
        assert untouched, "another order of the tables is needed: change PYTHONHASHSEED"
        # The next load has filled one of them and is about to merge it.
        writer.execute(f"lock table raw_toys.{untouched[0]} in exclusive mode")
        following = start("second", untouched[0])
        soon(lambda: locks(granted=False) >= {f"raw_toys.{untouched[0]}"})
        reader.rollback()
        time.sleep(0.5)
        writer.rollback()
        finish(following)
    expected = {table: ["first"] for table in TABLES} | {untouched[0]: ["second"]}
    assert values(connection) == expected


def test_what_it_merges_is_not_waited_for(start: Start, connection: psycopg.Connection) -> None:
    # A merge that goes on for a while.
    connection.execute(
        "create function raw_toys.dawdle() returns trigger language plpgsql as"
        " $$ begin if new.value = 'killed' then perform pg_sleep(300); end if; return new; end $$"
    )
    connection.execute(
        f"create trigger dawdle before insert on raw_toys.{TABLES[0]}"
        " for each row execute function raw_toys.dawdle()"
    )
    connection.commit()
    killed = start("killed", TABLES[0])
    soon(lambda: f"raw_toys.{TABLES[0]}" in locks(granted=True))
    kill(killed)
    assert locks(granted=True)
    finish(start("second", *TABLES[:2]))
    expected = {table: ["first"] for table in TABLES} | {table: ["second"] for table in TABLES[:2]}
    assert values(connection) == expected


def test_other_loads_are_left_alone(warehouse_settings: Settings) -> None:
    others = [session_name("toys", "acme_2"), session_name("dolls", "acme"), "clv"]
    sessions = [psycopg.connect(url(), application_name=name) for name in others]
    with exclusive_load("toys", "acme"):
        assert [session.execute("select 1").fetchone() for session in sessions] == [(1,)] * 3
    for session in sessions:
        session.close()


def test_what_does_not_end_is_named(
    warehouse_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.locks.ENDING_SECONDS", 1)
    name = session_name("toys", "acme")
    with psycopg.connect(url(), application_name=name) as session:
        pid = session.info.backend_pid
        os.kill(pid, signal.SIGSTOP)
        try:
            with (
                pytest.raises(SourceError, match=f"as {name} in session {pid}"),
                exclusive_load("toys", "acme"),
            ):
                pytest.fail("the load began")
        finally:
            os.kill(pid, signal.SIGCONT)
    with exclusive_load("toys", "acme"):
        pass
