"""Whoever logs in sees the rows that are theirs, before, during and after a rebuild."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from tests.integration.access.conftest import COMPANIES, READERS, Modelled
from warehouse.roles import PUBLIC_SCHEMAS, ROLES

Postgres = psycopg.Connection[Any]
Login = Callable[[str], Postgres]

PERSONAL = "marts.customer_pii"
GRANTS = "access.reader_companies"
#: Who was erased, which loads ask for, and what the platform alone keeps of it.
ERASED, ERASURES = "access.erased_people", "access.erasures"
#: Who did what, for those to whom somebody grants it.
AUDIT = "access.audit_log"
KEY = "access.email_key"
#: What no file tells of: payments, subscriptions and a catalogue.
OF_APIS = {
    "marts.dim_products",
    "marts.fct_subscriptions",
    "marts.fct_transactions",
    "marts.payment_fees_monthly",
}
#: What the platform notes for itself.
INNER = {"inbox", "alerts"}
PEOPLE = [*(role for role in ROLES if role != "clv_reader"), *READERS]


def relations(owner: Postgres, kinds: str = "rpvm") -> list[str]:
    """Every table and view of the warehouse, but for what a load stages in."""
    found = owner.execute(
        "select pg_class.oid::regclass::text"
        " from pg_class inner join pg_namespace on pg_namespace.oid = relnamespace"
        " where strpos(%s, relkind::text) > 0"
        " and nspname not in ('pg_catalog', 'information_schema') and nspname !~ '^pg_|_staging_'"
        " order by 1",
        (kinds,),
    )
    return [name for (name,) in found]


def rows(connection: Postgres, relation: str, where: str = "true") -> int | None:
    """Counts; None where reading is refused."""
    try:
        found = connection.execute(f"select count(*) from {relation} where {where}")  # type: ignore[arg-type]
    except InsufficientPrivilege:
        return None
    return int((found.fetchone() or (0,))[0])


def expected(owner: Postgres, person: str, relation: str) -> int | None:
    """What somebody may read, by the contract alone."""
    schema = relation.split(".", maxsplit=1)[0]
    everything = rows(owner, relation)
    if person == "clv_loader":
        lands = schema.startswith("raw_") or schema == "quarantine"
        return everything if lands or relation == ERASED else None
    if person == "clv_transformer":
        hidden = relation in {GRANTS, ERASED, ERASURES, AUDIT} or schema in INNER
        return None if hidden else everything
    if person == "clv_ml":
        return everything if schema in {"marts", "ml"} and relation != PERSONAL else None
    if person == "clv_analyst":
        return everything if schema in PUBLIC_SCHEMAS else None
    companies, personal_data = READERS[person]
    if relation == GRANTS:
        return len(companies)
    if schema not in PUBLIC_SCHEMAS:
        return None
    if relation == PERSONAL and not personal_data:
        return 0
    named = ", ".join(f"'{name}'" for name in companies) or "null"
    return rows(owner, relation, f"company_id in ({named})")


@pytest.mark.parametrize("person", PEOPLE)
def test_everybody_reads_what_is_theirs(person: str, login: Login, owner: Postgres) -> None:
    mine = login(person)
    everything = relations(owner)
    assert {PERSONAL, GRANTS, KEY, "raw_files.order_lines", "quarantine.rejected_rows"} <= {
        *everything
    }
    seen = {relation: rows(mine, relation) for relation in everything}
    assert seen == {relation: expected(owner, person, relation) for relation in everything}


def test_there_is_something_to_hide_in_every_public_table(owner: Postgres) -> None:
    public = [name for name in relations(owner) if name.split(".")[0] in PUBLIC_SCHEMAS]
    assert len(public) >= 15
    for relation in public:
        if relation in OF_APIS:
            continue
        for company_id in COMPANIES:
            assert rows(owner, relation, f"company_id = '{company_id}'"), (relation, company_id)


@pytest.mark.parametrize("person", PEOPLE)
def test_everybody_writes_what_is_theirs(person: str, login: Login, owner: Postgres) -> None:
    mine = login(person)
    for relation in relations(owner, "r"):
        schema = relation.split(".")[0]
        may = (
            (person == "clv_loader" and (schema.startswith("raw_") or schema == "quarantine"))
            or (
                person == "clv_transformer"
                and not schema.startswith("raw_")
                and schema not in {"access", *INNER}
            )
            or (person == "clv_ml" and schema == "ml")
        )
        for statement in ("delete from {} where false", "truncate {}"):
            with mine.transaction(force_rollback=True):
                try:
                    with mine.transaction():
                        mine.execute(sql.SQL(statement).format(sql.SQL(relation)))  # type: ignore[arg-type]
                except InsufficientPrivilege:
                    assert not may, (relation, statement)
                else:
                    assert may, (relation, statement)


def test_readers_make_nothing_in_the_warehouse(login: Login) -> None:
    mine = login("reader of one")
    for schema in (*PUBLIC_SCHEMAS, "access", "public", "staging"):
        with pytest.raises(InsufficientPrivilege):
            mine.execute(f"create table {schema}.mine (a integer)")  # type: ignore[arg-type]
    for statement in (
        "alter table marts.fct_orders disable row level security",
        "drop policy granted_companies on marts.fct_orders",
        "insert into access.reader_companies values ('reader of one', 'access_two')",
        "update access.reader_companies set company_id = 'access_two'",
        "set session authorization postgres",
        "set role clv_analyst",
    ):
        with pytest.raises(psycopg.Error):
            mine.execute(statement)  # type: ignore[arg-type]
    mine.execute("set row_security = off")
    with pytest.raises(InsufficientPrivilege, match="row-level security"):
        mine.execute("select count(*) from marts.fct_orders")


def test_whoever_puts_the_name_of_the_group_on_sees_nothing(login: Login) -> None:
    mine = login("reader of both")
    assert rows(mine, "marts.fct_orders")
    mine.execute("set role clv_reader")
    assert rows(mine, "marts.fct_orders") == 0
    assert rows(mine, GRANTS) == 0


def test_a_reader_through_a_group_sees_what_the_group_was_granted(
    login: Login, owner: Postgres, people: dict[str, str]
) -> None:
    owner.execute('create role "team of two"')
    try:
        owner.execute('grant clv_reader to "team of two"')
        owner.execute("insert into access.reader_companies values ('team of two', 'access_two')")
        mine = login("reader of none")
        assert rows(mine, "marts.fct_orders") == 0
        owner.execute('grant "team of two" to "reader of none"')
        assert rows(mine, "marts.fct_orders") == rows(
            owner, "marts.fct_orders", "company_id = 'access_two'"
        )
    finally:
        owner.execute("delete from access.reader_companies where role_name = 'team of two'")
        owner.execute('drop role "team of two"')


def test_a_role_that_is_gone_stops_no_other_reader(login: Login, owner: Postgres) -> None:
    owner.execute("insert into access.reader_companies values ('long gone', 'access_two')")
    try:
        assert rows(login("reader of one"), "marts.dim_companies") == 1
    finally:
        owner.execute("delete from access.reader_companies where role_name = 'long gone'")


def test_a_rebuild_never_opens_a_gap_and_never_closes_one(
    modelled: Modelled, login: Login, owner: Postgres
) -> None:
    """Two readers and an analyst read all public tables while dbt builds them anew."""
    public = [name for name in relations(owner) if name.split(".")[0] in PUBLIC_SCHEMAS]
    watchers = {
        person: login(person) for person in ("reader of one", 'reader "with" pii', "clv_analyst")
    }
    wanted = {
        person: {relation: expected(owner, person, relation) for relation in public}
        for person in watchers
    }
    made_before = oids(owner)
    polls = 0
    build = modelled.dbt("run", "--select", "marts", "reporting", "--quiet")
    try:
        while build.poll() is None:
            for person, connection in watchers.items():
                for relation in public:
                    assert rows(connection, relation) == wanted[person][relation], relation
                    polls += 1
    finally:
        said = build.communicate(timeout=300)[0]
    assert build.returncode == 0, said[-3000:]
    made_now = oids(owner)
    rebuilt = {name for name in made_now if made_now[name] != made_before[name]}
    assert rebuilt == {name for name in public if not name.startswith("ml.")} - PYTHON_MADE - KEPT
    assert polls > 10 * len(public) * len(watchers)
    for person, connection in watchers.items():
        assert {name: rows(connection, name) for name in public} == wanted[person]


#: Public tables that keep their rows, so that they are changed where they stand.
KEPT = {"marts.customer_features", "marts.customer_labels"}
#: Public tables outside ml that no model makes.
PYTHON_MADE = {"reporting.custom_segments", "reporting.custom_segment_summary"}


def oids(owner: Postgres) -> dict[str, int]:
    found = owner.execute(
        "select pg_class.oid::regclass::text, pg_class.oid"
        " from pg_class inner join pg_namespace on pg_namespace.oid = relnamespace"
        " where relkind = 'r' and nspname = any(%s)",
        (list(PUBLIC_SCHEMAS),),
    )
    return {name: int(oid) for name, oid in found}


def test_dbt_and_python_never_force_row_security(owner: Postgres) -> None:
    assert owner.execute("select relname from pg_class where relforcerowsecurity").fetchall() == []


def test_personal_data_are_masked_by_a_left_join(login: Login) -> None:
    query = (
        "select customers.customer_id, personal.email from marts.dim_customers as customers"
        " left join marts.customer_pii as personal using (company_id, customer_id) order by 1"
    )
    masked = login("reader of one").execute(query).fetchall()
    assert len(masked) == 3
    assert {email for _, email in masked} == {None}
    shown = login('reader "with" pii').execute(query).fetchall()
    assert [email.lower() for _, email in shown] == ["cid@two.com"]


def test_an_email_is_hashed_with_a_key_that_no_reader_can_find(
    login: Login, owner: Postgres
) -> None:
    inner, _ = owner.execute("select inner_key, outer_key from access.email_key").fetchone() or ()
    key = bytes(byte ^ 0x36 for byte in inner)
    digest = hmac.new(key, b"ann@one.com", hashlib.sha256).hexdigest()
    (found,) = owner.execute(
        "select email_hash from marts.dim_customers"
        " where company_id = 'access_one' and customer_id = 'ann'"
    ).fetchone() or (None,)
    assert found == digest
    guests = owner.execute(
        "select customer_id, email_hash from marts.dim_customers where customer_id like 'guest-%'"
    ).fetchall()
    assert ("guest-" + hmac.new(key, b"guest@one.com", hashlib.sha256).hexdigest()) in {
        customer_id for customer_id, _ in guests
    }
    # A view's text is open to everybody.
    for person in ("reader of one", "clv_analyst"):
        mine = login(person)
        definitions = mine.execute(
            "select pg_get_viewdef(oid) from pg_class where relkind = 'v'"
        ).fetchall()
        assert not any(inner.hex() in (text or "") for (text,) in definitions)
        assert rows(mine, KEY) is None


def test_no_personal_data_are_anywhere_else(owner: Postgres) -> None:
    for relation in relations(owner):
        if relation == PERSONAL or relation.split(".")[0] not in PUBLIC_SCHEMAS:
            continue
        found = owner.execute(
            sql.SQL("select count(*) from {} as t where t::text ilike '%one.com%'").format(
                sql.SQL(relation)  # type: ignore[arg-type]
            )
        ).fetchone()
        assert found == (0,), relation
