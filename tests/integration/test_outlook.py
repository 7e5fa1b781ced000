"""The tables of the outlook on a real Postgres: replaced, kept, and judged by their checks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pandas as pd
import psycopg
import pytest

from orchestration.deliverables import NothingToDeliverError, calculation_day
from orchestration.resources.published import Published
from warehouse.connection import connect
from warehouse.settings import Settings

COMPANY = "ahead"
NIGHT, BEFORE = date(2026, 6, 30), date(2026, 6, 29)


@pytest.fixture
def published(warehouse_settings: Settings) -> Iterator[Published]:
    tables = ("clv_predictions", "customer_outlook", "drift_metrics", "interval_scores",
              "realised_accuracy", "revenue_forecasts")  # fmt: skip
    yield Published()
    with connect(settings=warehouse_settings) as connection:
        for table in tables:
            connection.execute(f"delete from ml.{table} where company_id = %s", (COMPANY,))  # type: ignore[arg-type]


def drift(day: date, psi: float) -> pd.DataFrame:
    return pd.DataFrame(
        [[COMPANY, day, "feature", "order_value", psi, 0.1, 0.25, psi > 0.25, 100, 100]],
        columns=["company_id", "calculation_date", "kind", "name", "psi", "ks", "psi_bound",
                 "is_drifted", "reference_rows", "current_rows"],
    )  # fmt: skip


def accuracy(day: date, end: date, mae: float, basis: str = "published") -> pd.DataFrame:
    return pd.DataFrame(
        [[COMPANY, day, 3, basis, end, 10, 90.0, 100.0, 0.9, mae, 10.0, mae / 10 - 1,
          mae > 12, "EUR"]],
        columns=["company_id", "calculation_date", "horizon_months", "basis", "window_end",
                 "customers", "predicted", "actual", "total_ratio", "mae", "mae_expected", "change",
                 "is_alarm", "currency"],
    )  # fmt: skip


def forecasts(total: float) -> pd.DataFrame:
    cohorts = {"all": total, "existing": 70.0, "new": 30.0, "2026-Q1": 40.0, "2025-Q4": 30.0}
    return pd.DataFrame(
        [[COMPANY, NIGHT, date(2026, 7, 1), *each, "EUR"] for each in cohorts.items()],
        columns=["company_id", "calculation_date", "month", "cohort", "forecast", "currency"],
    )


def intervals(coverage: float, rows: int) -> pd.DataFrame:
    return pd.DataFrame(
        [[COMPANY, 6, 0.8, date(2025, 12, 31), "decile_10", 181, date(2025, 6, 30), "EUR", rows,
          1.0, 2.0, 3.0, 4.0, coverage, 0.9]],
        columns=["company_id", "horizon_months", "nominal", "cutoff", "segment", "horizon_days",
                 "calibration_cutoff", "currency", "rows", "pinball", "pinball_marginal",
                 "mean_width", "mean_width_marginal", "coverage", "coverage_marginal"],
    )  # fmt: skip


def test_drift_keeps_its_history_and_the_latest_night_speaks(published: Published) -> None:
    published.replace(COMPANY, BEFORE, {"drift_metrics": drift(BEFORE, 0.9)})
    assert published.drifted(COMPANY) == ["feature order_value: 0.90, bound 0.25"]
    published.replace(COMPANY, NIGHT, {"drift_metrics": drift(NIGHT, 0.1)})
    assert published.drifted(COMPANY) == []
    with connect() as connection:
        kept = connection.execute(
            "select count(*) from ml.drift_metrics where company_id = %s", (COMPANY,)
        ).fetchone()
    assert kept == (2,)


def test_a_night_that_compares_nothing_leaves_no_old_verdict_of_its_own(
    published: Published,
) -> None:
    published.replace(COMPANY, NIGHT, {"drift_metrics": drift(NIGHT, 0.9)})
    published.replace(COMPANY, NIGHT, {"drift_metrics": drift(NIGHT, 0.9).iloc[:0]})
    assert published.drifted(COMPANY) == []


def test_an_error_beyond_what_was_expected_is_an_alarm(published: Published) -> None:
    published.replace(
        COMPANY, NIGHT, {"realised_accuracy": accuracy(date(2026, 3, 1), date(2026, 5, 31), 13.0)}
    )
    (alarm,) = published.alarms(COMPANY)
    assert "off by 13.00 a customer, 30% more than the 10.00 expected" in alarm
    published.replace(
        COMPANY, NIGHT, {"realised_accuracy": accuracy(date(2026, 3, 15), date(2026, 6, 14), 11.0)}
    )
    assert published.alarms(COMPANY) == []


def test_what_was_said_is_compared_when_its_window_is_over(published: Published) -> None:
    """The newest closed day of a horizon, with what a contest had seen by then."""
    published.replace(
        COMPANY, NIGHT,
        {"realised_accuracy": pd.concat([
            accuracy(date(2025, 9, 30), date(2025, 12, 30), 7.0, "backtest"),
            accuracy(date(2025, 12, 31), date(2026, 3, 31), 9.0, "backtest"),
        ])},
    )  # fmt: skip
    with connect() as connection:
        for day in ("2026-01-15", "2026-02-15", "2026-06-29"):
            connection.execute(
                "insert into ml.clv_predictions (company_id, customer_id, calculation_date,"
                " horizon_months, expected_orders, predicted_value, predicted_net,"
                " predicted_margin, predicted_discounted, currency, p_active, churn_probability,"
                " eligibility, model_name, model_version)"
                " values (%s, 'ann', %s, 3, 1, 10, 9, 3, 9, 'EUR', 0.5, 0.5, 'eligible', 'm', '1')",
                (COMPANY, day),
            )
    closed = published.closed(COMPANY, NIGHT)
    assert closed.predictions["calculation_date"].dt.date.tolist() == [date(2026, 2, 15)]
    assert closed.expected_errors == {(date(2026, 2, 15), 3): 7.0}
    assert published.closed("nobody", NIGHT).predictions.empty


def test_forecasts_that_dont_add_up_are_named(published: Published) -> None:
    published.replace(COMPANY, NIGHT, {"revenue_forecasts": forecasts(100.0)})
    assert published.forecasts_that_dont_add_up(COMPANY) == []
    published.replace(COMPANY, NIGHT, {"revenue_forecasts": forecasts(110.0)})
    (problem,) = published.forecasts_that_dont_add_up(COMPANY)
    assert problem.startswith("July 2026")


@pytest.mark.parametrize(("coverage", "rows", "fails"), [
    (0.77, 10_000, True), (0.775, 10_000, False), (0.77, 100, False), (0.6, 100, True),
])  # fmt: skip
def test_coverage_is_judged_beyond_chance(
    published: Published, coverage: float, rows: int, fails: bool
) -> None:
    published.replace(COMPANY, NIGHT, {"interval_scores": intervals(coverage, rows)})
    assert bool(published.intervals_that_cover_less(COMPANY)) == fails


def test_a_table_that_refuses_a_row_leaves_all_tables_as_they_were(published: Published) -> None:
    published.replace(COMPANY, NIGHT, {"revenue_forecasts": forecasts(100.0)})
    with pytest.raises(psycopg.errors.CheckViolation):
        published.replace(
            COMPANY, NIGHT,
            {"revenue_forecasts": forecasts(110.0), "interval_scores": intervals(1.5, 10)},
        )  # fmt: skip
    assert published.forecasts_that_dont_add_up(COMPANY) == []


def test_a_missing_outlook_is_counted(published: Published, warehouse_settings: Settings) -> None:
    with connect(settings=warehouse_settings) as connection:
        existed: Any = connection.execute("select to_regclass('marts.dim_customers')").fetchone()
        if existed[0] is not None:
            pytest.skip("another test's customers are there")
        connection.execute("create table marts.dim_customers (company_id text, customer_id text)")
        connection.execute(
            "insert into marts.dim_customers values (%s, 'ann'), (%s, 'bob')", (COMPANY, COMPANY)
        )
        connection.execute(
            "insert into ml.customer_outlook (company_id, customer_id, calculation_date)"
            " values (%s, 'ann', %s), (%s, 'cid', %s)",
            (COMPANY, NIGHT, COMPANY, NIGHT),
        )
    try:
        assert published.missing_outlook(COMPANY) == [
            "1 customers have no outlook", "1 outlooks belong to nobody",
        ]  # fmt: skip
    finally:
        with connect(settings=warehouse_settings) as connection:
            connection.execute("drop table marts.dim_customers")


def test_predictions_are_kept_by_month_until_they_were_compared(published: Published) -> None:
    days = [date(2026, 6, 30), date(2026, 6, 29), date(2026, 6, 28), date(2026, 5, 31),
            date(2026, 5, 30), date(2025, 12, 31), date(2025, 12, 30),
            date(2025, 5, 31)]  # fmt: skip
    with connect() as connection:
        for day in days:
            for months in (3, 12):
                connection.execute(
                    "insert into ml.clv_predictions (company_id, customer_id, calculation_date,"
                    " horizon_months, expected_orders, predicted_value, predicted_net,"
                    " predicted_margin, predicted_discounted, currency, p_active,"
                    " churn_probability, eligibility, model_name, model_version)"
                    " values (%s, 'a', %s, %s, 1, 1, 1, 1, 1, 'EUR', 0.5, 0.5, 'eligible', 'm', 1)",
                    (COMPANY, day, months),
                )
    assert published.forget(COMPANY, NIGHT) == 10
    assert published.forget(COMPANY, NIGHT) == 0
    with connect() as connection:
        left = connection.execute(
            "select calculation_date, horizon_months from ml.clv_predictions"
            " where company_id = %s order by 1 desc, 2",
            (COMPANY,),
        ).fetchall()
    # Three months from December have been over for longer than two months.
    assert left == [
        (date(2026, 6, 30), 3), (date(2026, 6, 30), 12),
        (date(2026, 5, 31), 3), (date(2026, 5, 31), 12),
        (date(2025, 12, 31), 12), (date(2025, 5, 31), 12),
    ]  # fmt: skip
    # Of what is closed by then, the newest day of each horizon is asked for.
    closed = published.closed(COMPANY, date(2026, 9, 1)).predictions
    assert [(row.calculation_date.date(), row.horizon_months) for row in closed.itertuples()] == [
        (date(2025, 5, 31), 12),
        (date(2026, 5, 31), 3),
    ]


def test_nothing_is_delivered_of_a_company_that_published_nothing(
    warehouse_settings: Settings, connection: psycopg.Connection
) -> None:
    connection.execute("create schema if not exists reporting")
    connection.execute(
        "create table if not exists reporting.customer_360 (company_id text, calculation_date date)"
    )
    with pytest.raises(NothingToDeliverError, match="run clv run ahead"):
        calculation_day(connection, COMPANY)
    connection.rollback()
