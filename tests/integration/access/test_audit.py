"""Who did what stands in access.audit_log: added to only, by whoever does it, and nobody named."""

import os

import psycopg
import pytest

from orchestration import access
from warehouse.audit import entries, record
from warehouse.connection import connect
from warehouse.databases import ensure_databases
from warehouse.settings import Settings


@pytest.fixture
def settings(warehouse_settings: Settings) -> Settings:
    ensure_databases(warehouse_settings)
    return warehouse_settings


def test_grants_and_revocations_are_written_down_with_who_did_them(
    settings: Settings, tmp_path: object
) -> None:
    with connect(settings=settings) as connection:
        before = len(entries(connection, most=1000))
        company = next(iter(access.load_companies(settings.companies_file)))
    given = access.grant(settings, "audited_reader", [company], personal_data=True)
    access.revoke(settings, "audited_reader", [company], only_personal_data=False)
    with connect(settings=settings) as connection:
        new = entries(connection, most=1000)[before:]
        connection.execute("drop role if exists audited_reader")
    assert [(entry.action, entry.object, entry.company_id) for entry in new] == [
        ("granted", "audited_reader", company),
        ("revoked", "audited_reader", company),
    ]
    assert new[0].detail == {"personal_data": True}
    assert all(entry.actor.startswith("clv") for entry in new)
    assert given.password is not None
    assert given.password not in str(new)


@pytest.mark.parametrize(
    "statement",
    [
        "update access.audit_log set actor = 'somebody else'",
        "delete from access.audit_log",
        "truncate access.audit_log",
    ],
)
def test_nothing_written_is_changed_or_taken_away(settings: Settings, statement: str) -> None:
    with connect(settings=settings) as connection:
        record(connection, "test", "looked", os.devnull)
    with connect(settings=settings) as connection:
        with pytest.raises(psycopg.errors.RaiseException, match="only added to"):
            connection.execute(statement)
        connection.rollback()
        assert entries(connection, most=1)[0].object == os.devnull


@pytest.mark.parametrize("role", ["clv_reader", "clv_analyst", "clv_ml", "clv_transformer"])
def test_nobody_reads_it_without_a_grant(settings: Settings, role: str) -> None:
    with connect(settings=settings) as connection:
        (may,) = connection.execute(
            "select has_table_privilege(%s, 'access.audit_log', 'select, insert')", (role,)
        ).fetchone() or (None,)
    assert may is False


def test_what_is_asked_of_one_company_is_of_it_alone(settings: Settings) -> None:
    with connect(settings=settings) as connection:
        record(connection, "test", "looked", "one", "first")
        record(connection, "test", "looked", "two", "second")
        assert {entry.company_id for entry in entries(connection, "first")} == {"first"}
