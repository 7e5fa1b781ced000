"""Each check of the tables that say why fails for its fault; what is repeated is compared."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pandas as pd
import psycopg
import pytest
from psycopg import sql

from orchestration.repeat import _same_rows
from warehouse.connection import connect
from warehouse.quality.ml_insights import SHAPED, expectations, unsound_insights
from warehouse.quality.validation import validate
from warehouse.settings import Settings

COMPANY = "why"
NIGHT = date(2026, 6, 30)
REASON = "Last order 3 days ago: raises the expected value."

IMPORTANCE = {
    "scope": "all", "feature": "orders", "importance": 0.4, "mean_contribution": -0.1,
    "share": 1.0, "rank": 1, "customers": 50, "model_name": "blend", "is_surrogate": True,
}  # fmt: skip
POINT = {"feature": "orders", "place": 1, "value": None, "contribution": 0.2}
PAIR = {
    "feature_a": "orders", "feature_b": "spend", "strength": 0.1, "rank": 1, "customers": 50,
    "model_name": "blend", "is_surrogate": True,
}  # fmt: skip
TOLD = {
    "customer_id": "a", "rank": 1, "feature": "orders", "contribution": 0.2, "reason": REASON,
    "is_surrogate": True,
}  # fmt: skip
MEMBER = {"customer_id": "a", "cluster": 1, "label": "All customers"}
PROFILE = {
    "cluster": 1, "label": "All customers", "customers": 1, "share_of_customers": 1.0,
    "currency": "EUR", "average_value_12m": 10, "average_orders": 2.0, "average_order_value": 5,
    "average_recency_days": 9.0, "churn_probability": 0.5, "clv_tier": "High",
    "suggested_action": "Offer a bundle", "description": "one", "silhouette": None,
}  # fmt: skip
MOVE = {
    "segment_from": "New", "segment_to": "New", "from_date": date(2026, 3, 31), "customers": 3,
    "probability": 1.0, "is_most_likely": False,
}  # fmt: skip
SOUND = dict(zip(SHAPED, (IMPORTANCE, POINT, PAIR, TOLD, MEMBER, PROFILE, MOVE), strict=True))

FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("feature_importances", {"scope": "Ancient"}),
    ("feature_importances", {"share": 0.8}),
    ("feature_importances", {"rank": 2}),
    ("feature_importances", {"fidelity": 1.5}),
    ("feature_contributions", {"contribution": float("nan")}),
    ("feature_interactions", {"feature_b": "age"}),
    ("feature_interactions", {"rank": 11}),
    ("customer_reasons", {"reason": "nan: raises the expected value."}),
    ("customer_reasons", {"reason": ""}),
    ("customer_reasons", {"rank": 2}),
    ("customer_clusters", {"cluster": 2}),
    ("customer_clusters", {"label": ""}),
    ("cluster_profiles", {"clv_tier": "Huge"}),
    ("cluster_profiles", {"average_value_12m": -1}),
    ("segment_migrations", {"probability": 0.4}),
]


@pytest.fixture
def rows(warehouse_settings: Settings) -> Iterator[psycopg.Connection]:
    """Sound rows of all tables."""
    with connect(settings=warehouse_settings, autocommit=True) as connection:
        for table, row in SOUND.items():
            _insert(connection, table, row)
        yield connection
        for table in SHAPED:
            connection.execute(
                sql.SQL("delete from {} where company_id = %s").format(sql.Identifier("ml", table)),
                (COMPANY,),
            )


def _insert(connection: psycopg.Connection, table: str, row: dict[str, Any]) -> None:
    row = {"company_id": COMPANY, "calculation_date": NIGHT} | row
    connection.execute(
        sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier("ml", table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(map(sql.Placeholder, row)),
        ),
        row,
    )


def problems(connection: psycopg.Connection, table: str) -> list[str]:
    found = validate(f"ml.{table}", COMPANY, expectations(table))
    return [*found.failures, *unsound_insights(connection, COMPANY, table)]


def test_sound_rows_pass_and_so_do_none(rows: psycopg.Connection) -> None:
    for table in SHAPED:
        assert problems(rows, table) == [], table
        found = validate(f"ml.{table}", "nobody", expectations(table))
        assert found.success, (table, found.failures)


@pytest.mark.parametrize(("table", "change"), FAULTS)
def test_each_fault_is_found(rows: psycopg.Connection, table: str, change: dict[str, Any]) -> None:
    changed = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in change
    )
    rows.execute(
        sql.SQL("update {} set {} where company_id = {}").format(
            sql.Identifier("ml", table), changed, sql.Literal(COMPANY)
        ),
        change,
    )
    assert problems(rows, table)


def test_rows_of_two_nights_are_found(rows: psycopg.Connection) -> None:
    for table, row in SOUND.items():
        _insert(rows, table, row | {"calculation_date": date(2026, 6, 29)})
        assert any("calculation_date" in each for each in problems(rows, table)), table


def test_what_is_repeated_is_compared_to_the_last_digit(rows: psycopg.Connection) -> None:
    frame = pd.DataFrame([{"company_id": COMPANY, "calculation_date": NIGHT} | POINT])
    where = {"company_id": COMPANY, "calculation_date": NIGHT}
    table = "ml.feature_contributions"
    assert _same_rows(rows, table, where, frame).is_equal
    assert not _same_rows(rows, table, where, frame.assign(contribution=0.2 + 1e-15)).is_equal
    assert not _same_rows(rows, table, where, frame.head(0)).is_equal
    assert not _same_rows(rows, table, where, pd.concat([frame, frame.assign(place=2)])).is_equal
    assert rows.execute("select count(*) from ml.feature_contributions").fetchone() == (1,)
