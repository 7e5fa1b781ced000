"""What segments.yml may say, and what is answered to what it may not."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reporting.segments.compilation import compile_criteria, membership
from reporting.segments.definition import (
    BOUNDS,
    Column,
    Compared,
    CriteriaError,
    Every,
    Known,
    Listed,
    Not,
    SegmentsFileError,
    Some,
    load_segments,
    read_criteria,
)
from warehouse.settings import PROJECT_ROOT

COLUMNS = {
    "company_id": "text",
    "country": "text",
    "orders": "integer",
    "value_to_date": "numeric(18,4)",
    "value_percentile": "double precision",
    "last_order_date": "date",
    "is_known": "boolean",
    "parts": "jsonb",
}
NAMED = {name: Column(name, kind.partition("(")[0]) for name, kind in COLUMNS.items()}


def written(folder: Path, criteria: str) -> Path:
    file = folder / "segments.yml"
    file.write_text(
        f"segments:\n  - name: best\n    description: The best.\n    criteria: {criteria}\n"
    )
    return file


def read(folder: Path, criteria: str) -> Any:
    (segment,) = load_segments(written(folder, criteria), COLUMNS)
    return segment.criteria


def contract() -> dict[str, str]:
    """The columns of customer_360 that are promised, with their types."""
    models = yaml.safe_load(
        (PROJECT_ROOT / "dbt_project/models/reporting/_reporting__models.yml").read_text()
    )["models"]
    (found,) = [model for model in models if model["name"] == "customer_360"]
    return {column["name"]: column["data_type"] for column in found["columns"]}


def test_the_committed_examples_are_right() -> None:
    segments = load_segments(PROJECT_ROOT / "segments.yml", contract())
    assert len(segments) == 3
    assert all(segment.description for segment in segments)


def test_each_way_to_ask(tmp_path: Path) -> None:
    country, orders = NAMED["country"], NAMED["orders"]
    value, day = NAMED["value_to_date"], NAMED["last_order_date"]
    assert read(tmp_path, "{country: US}") == Compared(country, "=", "US")
    assert read(tmp_path, "{country: [US, 'NO']}") == Listed(country, ("US", "NO"))
    assert read(tmp_path, "{country: {is_not: US}}") == Not(Compared(country, "=", "US"))
    assert read(tmp_path, "{country: {not_in: [US]}}") == Not(Listed(country, ("US",)))
    assert read(tmp_path, "{country: {known: true}}") == Known(country)
    assert read(tmp_path, "{country: {known: false}}") == Not(Known(country))
    assert read(tmp_path, "{is_known: false}") == Compared(NAMED["is_known"], "=", False)
    assert read(tmp_path, "{orders: {at_least: 2, less_than: 9}}") == Every(
        (Compared(orders, ">=", Decimal(2)), Compared(orders, "<", Decimal(9)))
    )
    assert read(tmp_path, "{value_to_date: {more_than: 0.1}}") == Compared(
        value, ">", Decimal("0.1")
    )
    assert read(tmp_path, "{last_order_date: {from: 2026-01-01, to: '2026-01-31'}}") == Every(
        (Compared(day, ">=", date(2026, 1, 1)), Compared(day, "<=", date(2026, 1, 31)))
    )
    assert read(tmp_path, "{or: [{country: US}, {and: [{orders: 1}, {country: CA}]}]}") == Some(
        (
            Compared(country, "=", "US"),
            Every((Compared(orders, "=", Decimal(1)), Compared(country, "=", "CA"))),
        )
    )
    assert read(tmp_path, "{not: {country: US, orders: 1}}") == Not(
        Every((Compared(country, "=", "US"), Compared(orders, "=", Decimal(1))))
    )


@pytest.mark.parametrize(
    ("criteria", "says"),
    [
        (
            "{countri: US}",
            "best > criteria > countri: no column of reporting.customer_360; country is",
        ),
        ('{"country\' or true --": US}', "no column of reporting.customer_360"),
        ("{or: [{country: US}, {}]}", "best > criteria > or > 2: is empty"),
        ("{or: []}", "or: must be a list of mappings"),
        ("{and: {country: US}}", "and: must be a list"),
        ("{not: [country]}", "not: must be a mapping"),
        ("[country]", "criteria: must be a mapping"),
        ("{}", "criteria: is empty"),
        ("~", "criteria: must be a mapping"),
        ("{country: NO}", "country: False is not text"),
        ("{country: 49}", "country: 49 is not text"),
        ("{country: ~}", "country: None is not text"),
        ("{country: []}", "country: must be a list of values, one at least"),
        ("{country: [US, 1]}", "country > 2: 1 is not text"),
        ("{country: {at_least: A}}", "country > at_least: is for numbers and dates"),
        ("{country: {like: A%}}", "country > like: no test; say is, is_not"),
        ("{country: {}}", "country: is empty"),
        ("{country: {known: 1}}", "known: must be true or false"),
        ('{country: "a\\0b"}', "null character"),
        ('{country: "\\ud800"}', "UTF-8"),
        ("{orders: many}", "orders: 'many' is not a number, such as 250 or 0.5; orders is integer"),
        ("{orders: '2'}", "orders: '2' is not a number"),
        ("{orders: true}", "orders: True is not a number"),
        ("{orders: .nan}", "orders: nan is not a number"),
        ("{orders: {at_least: .inf}}", "at_least: inf is not a number"),
        ("{orders: {from: 1}}", "from: is for dates; orders is a number: at_least"),
        ("{orders: {at_least: 1, more_than: 2}}", "orders: has two lower bounds"),
        ("{orders: {at_least: 5, at_most: 4}}", "orders: 5 to 4 holds nobody"),
        ("{last_order_date: {after: 2026-02-30}}", "after: 2026-02-30 is not a date: day"),
        ("{last_order_date: {after: 01.02.2026}}", "'01.02.2026' is not a date"),
        ("{last_order_date: 2026}", "2026 is not a date"),
        ("{last_order_date: 2026-01-01 10:00:00}", "is not a date"),
        ("{last_order_date: {from: 2026-02-01, to: 2026-01-31}}", "holds nobody"),
        ("{is_known: 1}", "1 is not true or false"),
        ("{parts: a}", "parts: is jsonb, for which there are no criteria"),
        ("{country: US, country: CA}", "country is there twice in one mapping"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, criteria: str, says: str) -> None:
    with pytest.raises(SegmentsFileError) as refusal:
        load_segments(written(tmp_path, criteria), COLUMNS)
    assert says in str(refusal.value)
    assert str(tmp_path / "segments.yml") in str(refusal.value)


def test_an_unknown_column_is_answered_with_all_columns(tmp_path: Path) -> None:
    with pytest.raises(SegmentsFileError) as refusal:
        load_segments(written(tmp_path, "{oders: 1}"), COLUMNS)
    assert f"The columns are: {', '.join(COLUMNS)}." in str(refusal.value)


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    file = tmp_path / "segments.yml"
    file.write_text(
        "segments:\n"
        "  - {name: one, description: One., criteria: {orders: x}}\n"
        "  - {name: Two!, description: Two., criteria: {country: US}, colour: red}\n"
        "  - {name: three, description: '', criteria: {country: US}}\n"
        "  - {description: Four.}\n"
    )
    with pytest.raises(SegmentsFileError) as refusal:
        load_segments(file, COLUMNS)
    said = str(refusal.value)
    for words in (
        "one > criteria > orders",
        "Two! > name",
        "Two! > colour",
        "three > description",
        "4 > name",
        "4 > criteria",
    ):
        assert f"  segments > {words}" in said, said


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "is missing"),
        ("segments: [", "is not valid YAML"),
        ("", "the file"),
        ("segment: []", "segments: Field required"),
        ("segments: 3", "segments"),
        (b"\xff\xfe", "can't be read"),
        (
            "segments: [{name: a, description: A., criteria: {orders: 1}},"
            " {name: a, description: B., criteria: {orders: 2}}]",
            "segment a is there twice",
        ),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, content: str | bytes | None, says: str) -> None:
    file = tmp_path / "segments.yml"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SegmentsFileError, match=says):
        load_segments(file, COLUMNS)


def test_no_segments_is_no_mistake(tmp_path: Path) -> None:
    file = tmp_path / "segments.yml"
    file.write_text("segments: []\n")
    assert load_segments(file, COLUMNS) == ()


def test_criteria_that_are_nested_too_deep(tmp_path: Path) -> None:
    deep: Any = {"orders": 1}
    for _ in range(30):
        deep = {"not": deep}
    with pytest.raises(CriteriaError, match="deep"):
        read_criteria(deep, NAMED)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([*COLUMNS, *BOUNDS, "and", "or", "not", "is", "in", "known"])
            | st.text(),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(anything)
def test_whatever_is_written_is_either_criteria_or_refused(raw: Any) -> None:
    """Never another error; and what is accepted has a placeholder for every value."""
    try:
        criteria = read_criteria(raw, NAMED)
    except CriteriaError as refusal:
        assert refusal.problem
        return
    compiled = compile_criteria(criteria)
    text = compiled.text.as_string()
    assert text.count("%s") == len(compiled.parameters)


@given(st.text(min_size=1), st.lists(st.text(min_size=1), min_size=1, max_size=3))
def test_a_value_is_never_part_of_the_sql(value: str, values: list[str]) -> None:
    plain = compile_criteria(read_criteria({"country": "US", "or": [{"country": ["CA"]}]}, NAMED))
    try:
        tried = read_criteria({"country": value, "or": [{"country": values}]}, NAMED)
    except CriteriaError:
        return
    compiled = compile_criteria(tried)
    assert compiled.text.as_string() == plain.text.as_string()
    assert compiled.parameters == (value, values)


def test_names_of_columns_are_quoted() -> None:
    awkward = 'a"; drop table marts.fct_orders; --'
    compiled = compile_criteria(read_criteria({awkward: 1}, {awkward: Column(awkward, "integer")}))
    assert '"a""; drop table marts.fct_orders; --"' in compiled.text.as_string()


def test_the_names_of_segments_are_parameters_too(tmp_path: Path) -> None:
    segments = load_segments(written(tmp_path, "{orders: {at_least: 2}, country: US}"), COLUMNS)
    listed = membership(segments)
    assert listed.parameters == ("best", Decimal(2), "US")
    assert "best" not in listed.text.as_string()
