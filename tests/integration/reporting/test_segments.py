"""Segments in a real table: who is in them, what they are worth, and what an attacker achieves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from orchestration.resources.segments import SegmentsFile
from reporting.segments.compilation import compile_criteria
from reporting.segments.definition import Column, CriteriaError, load_segments, read_criteria
from reporting.segments.publication import publish_segments, segment_columns
from warehouse.connection import connect
from warehouse.settings import Settings

Postgres = psycopg.Connection[Any]

COLUMNS = (
    "company_id text, customer_id text, country text, orders integer, currency text,"
    " value_to_date numeric(18,4), predicted_value_12m numeric(18,4),"
    " predicted_net_12m numeric(18,4), churn double precision, last_order_date date, vip boolean"
)
CUSTOMERS = [
    ("a", "1", "US", 3, "USD", "100.5", "50", "40", 0.1, "2026-01-31", True),
    ("a", "2", None, 1, "USD", "10", "5", "4", 0.9, None, None),
    ("a", "3", "CA", 0, "USD", "-1", None, None, None, "2025-12-31", False),
    ("b", "1", "US", 2, "EUR", "7", "1", "0.5", 0.5, "2026-02-28", True),
]


@pytest.fixture
def warehouse(warehouse_settings: Settings) -> Iterator[Postgres]:
    """A database of its own with a small customer_360 in it; nothing in it is kept."""
    with closing(connect(settings=warehouse_settings)) as connection:
        connection.execute("drop table if exists reporting.customer_360")
        connection.execute(f"create table reporting.customer_360 ({COLUMNS})")  # type: ignore[arg-type]
        connection.execute("delete from reporting.custom_segments")
        connection.execute("delete from reporting.custom_segment_summary")
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into reporting.customer_360 values"
                " (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                CUSTOMERS,
            )
        yield connection
        connection.rollback()


def defined(folder: Path, warehouse: Postgres, **criteria: dict[str, Any]) -> Any:
    file = folder / "segments.yml"
    listed = [
        {"name": name, "description": f"Who is {name}.", "criteria": each}
        for name, each in criteria.items()
    ]
    file.write_text(yaml.safe_dump({"segments": listed}))
    return load_segments(file, segment_columns(warehouse))


def members(warehouse: Postgres) -> set[tuple[str, ...]]:
    return set(
        warehouse.execute("select segment, company_id, customer_id from reporting.custom_segments")
    )


@pytest.mark.parametrize(
    ("criteria", "fit"),
    [
        ({"country": "US"}, {"a1", "b1"}),
        ({"country": ["US", "CA"]}, {"a1", "a3", "b1"}),
        ({"not": {"country": "US"}}, {"a2", "a3"}),
        ({"country": {"is_not": "US"}}, {"a2", "a3"}),
        ({"country": {"not_in": ["US", "CA"]}}, {"a2"}),
        ({"country": {"known": False}}, {"a2"}),
        ({"orders": {"at_least": 1, "at_most": 2}}, {"a2", "b1"}),
        ({"orders": {"more_than": 1, "less_than": 3}}, {"b1"}),
        ({"value_to_date": 100.5}, {"a1"}),
        ({"value_to_date": [100.5, 7]}, {"a1", "b1"}),
        ({"churn": {"at_least": 0.9}}, {"a2"}),
        ({"churn": 0.1}, {"a1"}),
        ({"last_order_date": {"from": "2025-12-31", "before": "2026-02-28"}}, {"a1", "a3"}),
        ({"last_order_date": {"after": "2025-12-31", "to": "2026-02-28"}}, {"a1", "b1"}),
        ({"last_order_date": ["2026-01-31"]}, {"a1"}),
        ({"vip": True}, {"a1", "b1"}),
        ({"not": {"vip": True}}, {"a2", "a3"}),
        ({"or": [{"vip": True}, {"orders": 1}], "country": {"known": True}}, {"a1", "b1"}),
        ({"and": [{"country": "US"}, {"not": {"company_id": "b"}}]}, {"a1"}),
        ({"orders": 99}, set()),
        ({"orders": {"at_least": 10**30}}, set()),
    ],
)
def test_who_fits(
    warehouse: Postgres, tmp_path: Path, criteria: dict[str, Any], fit: set[str]
) -> None:
    segments = defined(tmp_path, warehouse, tried=criteria)
    published = publish_segments(warehouse, segments)
    assert {company + customer for _, company, customer in members(warehouse)} == fit
    assert published.members == {"tried": len(fit)}


def test_counts_and_average_value(warehouse: Postgres, tmp_path: Path) -> None:
    publish_segments(
        warehouse,
        defined(tmp_path, warehouse, everybody={"orders": {"at_least": 0}}, vips={"vip": True}),
    )
    found = warehouse.execute(
        "select company_id, segment, description, customers, share_of_customers, currency,"
        " value_to_date, predicted_value_12m, average_value_to_date, average_predicted_value_12m,"
        " average_clv from reporting.custom_segment_summary order by 1, 2"
    ).fetchall()
    money = Decimal
    assert found == [
        (
            *("a", "everybody", "Who is everybody.", 3, 1.0, "USD"),
            *(money("109.5"), money("55"), money("36.5"), money("27.5"), money("77.25")),
        ),
        (
            *("a", "vips", "Who is vips.", 1, 1 / 3, "USD"),
            *(money("100.5"), money("50"), money("100.5"), money("50"), money("140.5")),
        ),
        (
            *("b", "everybody", "Who is everybody.", 1, 1.0, "EUR"),
            *(money("7"), money("1"), money("7"), money("1"), money("7.5")),
        ),
        (
            *("b", "vips", "Who is vips.", 1, 1.0, "EUR"),
            *(money("7"), money("1"), money("7"), money("1"), money("7.5")),
        ),
    ]
    publish_segments(warehouse, defined(tmp_path, warehouse, nobody={"orders": 99}))
    assert warehouse.execute(
        "select company_id, customers, value_to_date, average_clv"
        " from reporting.custom_segment_summary order by 1"
    ).fetchall() == [("a", 0, 0, None), ("b", 0, 0, None)]


def test_only_changes_are_written(warehouse: Postgres, tmp_path: Path) -> None:
    segments = defined(tmp_path, warehouse, us={"country": "US"}, ca={"country": "CA"})
    first = publish_segments(warehouse, segments)
    assert (first.joined, first.left) == (3, 0)
    where = "select ctid, * from reporting.custom_segments"
    rows = warehouse.execute(where).fetchall()
    again = publish_segments(warehouse, segments)
    assert (again.joined, again.left) == (0, 0)
    assert warehouse.execute(where).fetchall() == rows

    warehouse.execute("update reporting.customer_360 set country = 'US' where country = 'CA'")
    moved = publish_segments(warehouse, segments)
    assert (moved.joined, moved.left, moved.members) == (1, 1, {"us": 3, "ca": 0})
    gone = publish_segments(warehouse, segments[:1])
    assert (gone.joined, gone.left) == (0, 0)
    assert publish_segments(warehouse, ()).left == 3
    assert members(warehouse) == set()
    assert warehouse.execute("select from reporting.custom_segment_summary").fetchall() == []


def test_a_failure_leaves_what_was_there(warehouse: Postgres, tmp_path: Path) -> None:
    segments = defined(tmp_path, warehouse, us={"country": "US"})
    publish_segments(warehouse, segments)
    before = members(warehouse)
    with pytest.raises(psycopg.Error), warehouse.transaction():
        warehouse.execute("alter table reporting.customer_360 drop column country cascade")
        publish_segments(warehouse, segments)
    assert members(warehouse) == before


def test_a_mistake_fails_the_asset_with_its_message(warehouse: Postgres, tmp_path: Path) -> None:
    file = tmp_path / "segments.yml"
    file.write_text("segments: [{name: a, description: A., criteria: {countr: US}}]")
    with pytest.raises(dg.Failure, match="a > criteria > countr: no column") as failure:
        SegmentsFile(path=str(file)).read(warehouse)
    assert not failure.value.allow_retries


ATTACKS = [
    "' or true --",
    "'; drop table reporting.custom_segments; --",
    "\\'; select pg_sleep(10); --",
    "%s",
    "%(x)s",
    "{}",
    "$1",
    "US') or ('1' = '1",
    "\u02bc or 1=1",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_a_value_that_nobody_has(
    warehouse: Postgres, tmp_path: Path, attack: str
) -> None:
    segments = defined(
        tmp_path,
        warehouse,
        one={"country": attack},
        listed={"country": ["US", attack]},
        negated={"not": {"country": {"is_not": attack}}},
    )
    published = publish_segments(warehouse, segments)
    assert published.members == {"one": 0, "listed": 2, "negated": 0}
    for name in (attack, f'country" = {attack}'):
        with pytest.raises(CriteriaError):
            read_criteria({name: "US"}, {"country": Column("country", "text")})


NAMED = {
    name: Column(name, kind.partition("(")[0])
    for name, kind in (each.strip().split(" ", 1) for each in COLUMNS.split(", "))
}
numbers = st.floats(allow_nan=False, allow_infinity=False)
leaves = st.one_of(
    st.fixed_dictionaries({"country": st.sampled_from(["US", "CA", "XX"]) | st.text(max_size=3)}),
    st.fixed_dictionaries({"country": st.lists(st.text(max_size=3), min_size=1, max_size=3)}),
    st.fixed_dictionaries({"orders": st.integers() | numbers}),
    st.fixed_dictionaries({"value_to_date": st.fixed_dictionaries({"at_least": numbers})}),
    st.fixed_dictionaries(
        {"churn": st.fixed_dictionaries({"less_than": numbers | st.integers(-9, 9)})}
    ),
    st.fixed_dictionaries(
        {"last_order_date": st.fixed_dictionaries({"before": st.dates().map(str)})}
    ),
    st.fixed_dictionaries({"vip": st.booleans()}),
    st.fixed_dictionaries({"country": st.fixed_dictionaries({"known": st.booleans()})}),
)
criteria_of_any_kind = st.recursive(
    leaves,
    lambda inner: (
        st.fixed_dictionaries({"not": inner})
        | st.fixed_dictionaries({"and": st.lists(inner, min_size=1, max_size=3)})
        | st.fixed_dictionaries({"or": st.lists(inner, min_size=1, max_size=3)})
    ),
    max_leaves=8,
)


def fitting(warehouse: Postgres, criteria: dict[str, Any]) -> set[tuple[str, str]]:
    condition = compile_criteria(read_criteria(criteria, NAMED))
    return set(
        warehouse.execute(
            sql.SQL("select company_id, customer_id from reporting.customer_360 where {}").format(
                condition.text
            ),
            condition.parameters,
        )
    )


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(one=criteria_of_any_kind, other=criteria_of_any_kind)
def test_and_or_and_not_are_those_of_sets(
    warehouse: Postgres, one: dict[str, Any], other: dict[str, Any]
) -> None:
    """Whatever is asked, PostgreSQL understands it, and `not` takes exactly the others."""
    try:
        first, second = fitting(warehouse, one), fitting(warehouse, other)
    except CriteriaError:
        return  # text that can't be stored
    everybody = {(company_id, customer_id) for company_id, customer_id, *_ in CUSTOMERS}
    assert fitting(warehouse, {"not": one}) == everybody - first
    assert fitting(warehouse, {"and": [one, other]}) == first & second
    assert fitting(warehouse, {"or": [one, other]}) == first | second
