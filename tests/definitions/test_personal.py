"""What of a landed table says who somebody is, is declared beside its columns."""

import re
from importlib import import_module

import pyarrow as pa
import pytest

from ingestion.arrow import Column, Table
from ingestion.erasure import SOURCES, personal_tables
from ingestion.personal import ERASED, LOOKS_PERSONAL, PersonalTable
from ingestion.sources.files.schema import ORDER_LINES
from tests.definitions.test_definitions import APIS

#: Names that are a person's in whatever table.
PERSONAL_ANYWHERE = re.compile(
    r"mail|phone|first_name|last_name|address|postcode|zip|city|billing$"
)


def undeclared(table: Table) -> list[str]:
    """Columns that look personal and of which nothing is said."""
    looks = LOOKS_PERSONAL if table.owners else PERSONAL_ANYWHERE
    named = {column for column, _ in table.owners} | set(table.merge_columns)
    return [
        column.name
        for column in table.columns
        if column.kind in {"text", "json"}
        and column.personal is None
        and column.name not in named
        and looks.search(column.name)
        and not column.name.endswith("_id")
    ]


def tables(source: str) -> tuple[Table, ...]:
    found: tuple[Table, ...] = import_module(f"ingestion.sources.{source}.tables").TABLES
    return found


def test_every_source_of_people_is_known() -> None:
    assert set(SOURCES) == {"files", *APIS}


@pytest.mark.parametrize("source", APIS)
def test_what_looks_personal_is_declared(source: str) -> None:
    assert {table.name: undeclared(table) for table in tables(source)} == {
        table.name: [] for table in tables(source)
    }


def test_a_column_that_nobody_thought_of_is_found() -> None:
    columns = (Column("id", "id"), Column("email", "email"), Column("gift_note", "gift.note"))
    assert undeclared(Table("orders", columns)) == ["email"]
    owned = Table("orders", columns, owners=(("id", "orders"),))
    assert undeclared(owned) == ["email", "gift_note"]


@pytest.mark.parametrize("source", APIS)
def test_what_is_erased_is_neither_needed_nor_a_key(source: str) -> None:
    for table in tables(source):
        erased = {name for name, each in table.personal.columns.items() if each.kind != "kept"}
        needed = {column.name for column in table.columns if column.required}
        assert not erased & {"company_id", *needed, *table.key, *table.merge_columns}, table.name


@pytest.mark.parametrize("source", SOURCES)
def test_declarations_name_columns_and_tables_that_are_there(source: str) -> None:
    declared = {table.name: table for table in personal_tables(source)}
    for table in declared.values():
        columns = _columns(source, table)
        assert {name for name, _ in table.owners} <= columns.keys()
        assert table.columns.keys() <= columns.keys()
        assert set(table.account or ()) <= columns.keys()
        for _, kind in table.owners:
            named = declared.get(kind)
            assert kind in {"email", "customers"} or (named is not None and named.key), kind
        for name, personal in table.columns.items():
            assert pa.types.is_string(columns[name]), (table.name, name, personal)


@pytest.mark.parametrize("source", SOURCES)
def test_what_has_no_column_is_erased_too(source: str) -> None:
    for table in personal_tables(source):
        if table.owners:
            assert table.columns["extra"] == ERASED


def _columns(source: str, table: PersonalTable) -> dict[str, pa.DataType]:
    if source == "files":
        schema = ORDER_LINES
    else:
        schema = next(each.schema for each in tables(source) if each.name == table.name)
    return {each.name: each.type for each in schema}
