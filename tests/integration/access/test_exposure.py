"""What a colleague leaves open by mistake is found, and what is in order isn't."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from orchestration.defs.quality.access import readers_are_kept_to_their_companies
from orchestration.doctor import examine
from tests.integration.access.conftest import Modelled
from warehouse.exposure import exposures

Postgres = psycopg.Connection[Any]
Login = Callable[[str], Postgres]

ORDERS = "select * from marts.fct_orders"
CARELESS = {
    "view": f"create view marts.careless as {ORDERS};",
    "view that readers were given": f"create view marts.careless as {ORDERS};"
    "grant select on marts.careless to clv_reader",
    "view elsewhere": f"create schema bi; create view bi.careless as {ORDERS};"
    "grant usage on schema bi to public; grant select on bi.careless to public",
    "view for one reader": f"create schema bi; create view bi.careless as {ORDERS};"
    'grant usage on schema bi to "reader of one"; grant select on bi.careless to "reader of one"',
    "column of a view": f"create schema bi; create view bi.careless as {ORDERS};"
    "grant usage on schema bi to clv_reader;"
    "grant select (company_id) on bi.careless to clv_reader",
    "table": f"create table reporting.careless as {ORDERS}; grant select on reporting.careless"
    " to clv_reader",
    "table that nobody was given": f"create table reporting.careless as {ORDERS}",
    "materialized view": f"create materialized view ml.careless as {ORDERS};",
    "table without a policy": f"create table marts.careless as {ORDERS};"
    "alter table marts.careless enable row level security;"
    "grant select on marts.careless to clv_reader",
    "policy for everybody": f"create table marts.careless as {ORDERS};"
    "select access.protect('marts.careless');"
    "create policy easy on marts.careless using (true)",
    "policy that was changed": f"create table marts.careless as {ORDERS};"
    "select access.protect('marts.careless');"
    "alter policy granted_companies on marts.careless using (company_id <> '')",
    "personal data": "create table marts.careless as select * from marts.customer_pii;"
    "select access.protect('marts.careless')",
    "function": "create function marts.careless() returns setof marts.fct_orders"
    f" language sql security definer as '{ORDERS}'",
}


@contextmanager
def left_behind(owner: Postgres, statements: str) -> Iterator[None]:
    try:
        owner.execute(statements)  # type: ignore[arg-type]
        yield
    finally:
        owner.execute("drop function if exists marts.careless()")
        owner.execute("drop schema if exists bi cascade")
        owner.execute(
            """
            do $$ declare found record; begin
                for found in
                    select oid::regclass as name, relkind from pg_class where relname = 'careless'
                loop
                    execute format(
                        'drop %s %s',
                        case found.relkind when 'v' then 'view' when 'm' then 'materialized view'
                        else 'table' end,
                        found.name
                    );
                end loop;
            end $$
            """
        )


def test_nothing_is_open_after_a_run(modelled: Modelled, owner: Postgres, people: Any) -> None:
    assert exposures(owner) == []
    assert readers_are_kept_to_their_companies().passed


@pytest.mark.parametrize("how", CARELESS)
def test_what_is_left_open_is_found(
    modelled: Modelled, owner: Postgres, people: Any, how: str
) -> None:
    with left_behind(owner, CARELESS[how]):
        (found,) = exposures(owner)
        assert "careless" in found.name
        checked = readers_are_kept_to_their_companies()
        assert not checked.passed
        assert "careless" in (checked.description or "")
        told = [each for each in examine(modelled.settings) if "careless" in each.subject]
        assert [each.remedy for each in told] == [found.remedy]
    assert exposures(owner) == []


def test_a_careless_view_really_shows_everything(login: Login, owner: Postgres) -> None:
    """What is looked for is a leak: a reader of one company reads the other's rows through it."""
    with left_behind(owner, CARELESS["view that readers were given"]):
        mine = login("reader of none")
        assert mine.execute(
            "select count(distinct company_id) > 1 from marts.careless"
        ).fetchone() == (True,)
        (found,) = exposures(owner)
        owner.execute(found.remedy.split(";")[0])  # type: ignore[arg-type]
        assert exposures(owner) == []
        assert mine.execute("select count(*) from marts.careless").fetchone() == (0,)


def test_a_view_that_looks_with_the_readers_eyes_is_fine(login: Login, owner: Postgres) -> None:
    made = CARELESS["view"] + "select access.protect('marts.careless')"
    with left_behind(owner, made):
        assert exposures(owner) == []
        seen = login("reader of one").execute("select distinct company_id from marts.careless")
        assert seen.fetchall() == [("access_one",)]


def test_what_cannot_be_protected_is_refused(owner: Postgres) -> None:
    for made, why in (
        ("create table marts.careless (a integer)", "has no column company_id"),
        (CARELESS["materialized view"], "can't be kept"),
    ):
        with left_behind(owner, made):
            table = owner.execute(
                "select oid::regclass::text from pg_class where relname = 'careless'"
            ).fetchone()
            with pytest.raises(psycopg.errors.RaiseException, match=why):
                owner.execute("select access.protect(%s)", table)


def test_readers_whom_no_policy_binds_and_readers_that_are_gone(owner: Postgres) -> None:
    owner.execute("create role mighty superuser")
    try:
        owner.execute(
            "insert into access.reader_companies values ('mighty', 'access_one'),"
            " ('gone', 'access_one')"
        )
        found = {each.name: each for each in exposures(owner)}
        assert set(found) == {"mighty", "gone"}
        assert found["gone"].remedy == "clv revoke gone"
        owner.execute(found["mighty"].remedy)  # type: ignore[arg-type]
        assert {each.name for each in exposures(owner)} == {"gone"}
    finally:
        owner.execute("delete from access.reader_companies where role_name in ('mighty', 'gone')")
        owner.execute("drop role mighty")
