"""What a load reads of somebody who was erased, before it goes anywhere."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

import pyarrow as pa
import pytest
from psycopg import Connection

from ingestion.arrow import Table
from ingestion.erasure import (
    SOURCES,
    Guard,
    erased_people,
    find_person,
    hashes_of,
    owned_keys,
    personal_tables,
    remember,
)
from ingestion.personal import PersonalTable, only, pseudonym, telling
from ingestion.quarantine import RejectedRow
from ingestion.sources.files.schema import ORDER_LINES

COMPANY = "guarded"
EMAIL = "Zoë.Quartz+shop@Example.com"
MARK = "Quartz"


@pytest.fixture
def guard(connection: Connection[Any]) -> Guard:
    """A guard that knows one address and no id."""
    return Guard(connection, COMPANY, "shop", [EMAIL], {})


def schema_of(source: str, table: PersonalTable) -> pa.Schema:
    if source == "files":
        return ORDER_LINES
    tables: tuple[Table, ...] = import_module(f"ingestion.sources.{source}.tables").TABLES
    return next(each.schema for each in tables if each.name == table.name)


def page_of(schema: pa.Schema, table: PersonalTable, rows: list[dict[str, Any]]) -> pa.Table:
    """A page in which every personal text says who it is, in rows that don't say otherwise."""
    parts = {name for name, each in table.columns.items() if each.kind == "parts"}
    filled = [
        {
            each.name: json.dumps({"note": MARK, "key": MARK})
            if each.name in parts | {"extra"}
            else MARK
            for each in schema
            if pa.types.is_string(each.type) and each.name in table.columns
        }
        | row
        for row in rows
    ]
    arrays = [
        pa.array([row.get(each.name) for row in filled], each.type)
        if pa.types.is_string(each.type)
        else pa.nulls(len(rows), each.type)
        for each in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


@pytest.mark.parametrize("source", SOURCES)
def test_every_way_in_which_a_row_is_somebodys(connection: Connection[Any], source: str) -> None:
    for table in personal_tables(source):
        schema = schema_of(source, table)
        for column, kind in table.owners:
            guard = Guard(connection, COMPANY, source, [EMAIL], {kind: {"7"}})
            theirs = {column: EMAIL.lower() if kind == "email" else "7"}
            page = page_of(schema, table, [theirs, {column: "8"}])
            found = guard.page(table, page)
            assert found.schema == page.schema
            erased = {name for name, each in table.columns.items() if each.kind != "kept"}
            mine, others = (found.slice(place, 1) for place in (0, 1))
            assert MARK not in str(mine.select(sorted(erased)).to_pydict())
            assert others == page.slice(1, 1)
            kept = [name for name in schema.names if name not in erased | {column}]
            assert mine.select(kept) == page.slice(0, 1).select(kept)
            if table.key:
                assert guard.keys[table.name] >= set(mine.column(table.key).to_pylist())


def test_a_mention_in_somebody_elses_row_is_replaced(
    connection: Connection[Any], guard: Guard
) -> None:
    schema = pa.schema([("company_id", pa.string()), ("product", pa.string())])
    texts = [f"for {EMAIL.upper()}.", f"for x{EMAIL}", "a@b", None, '{"to": "' + EMAIL + '"}']
    page = pa.Table.from_pydict({"company_id": [COMPANY] * 5, "product": texts}, schema)
    stand_in = pseudonym(hashes_of(connection, [EMAIL])[EMAIL])
    found = guard.page(PersonalTable("goods", (), {}), page)
    assert found.column("product").to_pylist() == [
        f"for {stand_in}.",
        f"for x{EMAIL}",
        "a@b",
        None,
        '{"to": "' + stand_in + '"}',
    ]


def test_a_company_without_erasures_is_left_as_it_is(connection: Connection[Any]) -> None:
    guard = Guard(connection, COMPANY, "shop", [], {})
    page = pa.Table.from_pydict({"product": [EMAIL]})
    assert guard.page(PersonalTable("goods", (), {}), page) is page
    row = RejectedRow("1", 0, "total", "is wrong", {"email": EMAIL})
    assert guard.rejected(None, row) is row


def test_a_row_in_quarantine_keeps_what_counts(connection: Connection[Any]) -> None:
    (orders,) = (each for each in personal_tables("woocommerce") if each.name == "orders")
    guard = Guard(connection, COMPANY, "woocommerce", [EMAIL], {"customers": {"7"}})
    raw = {
        "id": 5,
        "customer_id": 7,
        "total": "much",
        "date_created_gmt": "2025-01-01T00:00:00",
        "billing": {"email": "other@example.com", "city": MARK},
        "customer_note": MARK,
        "line_items": [{"name": MARK}],
    }
    row = RejectedRow("orders/5", 0, "total", f"is not a money: {MARK}", raw)
    found = guard.rejected(orders, row)
    assert MARK not in str(found)
    assert "other@example.com" not in str(found)
    assert found.raw_row["id"] == 5
    assert found.raw_row["date_created_gmt"] == "2025-01-01T00:00:00"
    assert found.reason == "is not a money"
    stranger = RejectedRow("orders/6", 0, "total", "is not", {**raw, "customer_id": 8})
    assert guard.rejected(orders, stranger) == stranger


def test_an_erased_address_has_the_hash_of_the_address(connection: Connection[Any]) -> None:
    hashed = hashes_of(connection, [EMAIL, f"  {EMAIL.upper()} ", "", "x"])
    assert hashed[EMAIL] == hashed[f"  {EMAIL.upper()} "]
    assert "" not in hashed
    assert hashes_of(connection, [pseudonym(hashed[EMAIL])]) == {
        pseudonym(hashed[EMAIL]): hashed[EMAIL]
    }


def test_the_list_holds_no_address(connection: Connection[Any]) -> None:
    person = find_person(connection, COMPANY, EMAIL)
    person.accounts["files"] |= {"12", EMAIL}
    remember(connection, person)
    listed = connection.execute(
        "select source, name from access.erased_people where company_id = %s", (COMPANY,)
    ).fetchall()
    assert ("files", "12") in listed
    assert not [name for _, name in listed if "@" in name]
    known = erased_people(connection, COMPANY)
    assert known.emails == {pseudonym(hashes_of(connection, [EMAIL])[EMAIL])}
    assert owned_keys(connection, "files", known)["customers"] == {"12"}
    assert erased_people(connection, "another").size == 0
    connection.rollback()


def test_of_json_only_the_declared_places_stay() -> None:
    document = {"a": {"b": "kept", "c": MARK}, "d": MARK}
    assert json.loads(only("a.b", "x.y").of(json.dumps(document), {}) or "") == {"a": {"b": "kept"}}
    assert only("a.z").of(json.dumps(document), {}) is None
    noted = [{"id": 1, "key": "fee", "value": "1"}, {"id": 2, "key": "note", "value": MARK}, "x"]
    assert json.loads(only("fee").of(json.dumps(noted), {}) or "") == noted[:1]


def test_what_tells_somebody_apart() -> None:
    row = {
        "first_name": "Zoë",
        "last_name": "Quartz",
        "city": "New York",
        "billing": {"address_1": "12 Record Lane", "phone": "+1 555 0100", "postcode": "10001"},
        "email": EMAIL,
    }
    assert telling(row) == {"Zoë Quartz", "12 Record Lane", "+1 555 0100", EMAIL}
