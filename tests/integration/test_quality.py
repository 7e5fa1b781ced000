"""Each Great Expectations suite fails for the fault it is there for, and only then."""

from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import Connection

from warehouse.quality import (
    ml_clv_model_scores,
    ml_clv_predictions,
    raw_files_companies,
    raw_files_marketing_spend,
    raw_files_order_lines,
    raw_rates_exchange_rates,
)
from warehouse.quality.prediction_paths import stray_paths
from warehouse.quality.validation import Validation, validate

COMPANY = "quality"

LINE = {
    "company_id": COMPANY,
    "feed": "orders",
    "source_file": "a.csv",
    "line_number": 2,
    "order_date": "2026-01-01",
    "amount": 10,
    "currency": "USD",
}
PREDICTION = {
    "company_id": COMPANY,
    "customer_id": "1",
    "calculation_date": "2026-06-30",
    "horizon_months": 12,
    "expected_orders": 1.5,
    "predicted_value": 30,
    "predicted_net": 30,
    "predicted_margin": 9,
    "predicted_discounted": 28,
    "currency": "USD",
    "p_active": 0.7,
    "churn_probability": 0.3,
    "eligibility": "eligible",
    "model_name": "bg_nbd",
    "model_version": "1",
}
INTERVAL = {"lower_95": 1, "lower": 10, "upper": 60, "upper_95": 90, "confidence": 0.4}
SCORE = {
    "company_id": COMPANY,
    "run": "r",
    "model": "naive",
    "cutoff": "2025-12-31",
    "horizon": "26w",
    "segment": "all",
    "horizon_days": 181,
    "rows": 100,
    "mae": 20.0,
    "rmse": 50.0,
    "spearman": 0.4,
    "normalised_gini": 0.7,
    "decile_mape": 0.2,
    "total_ratio": 1.0,
    "auc": 0.8,
    "composite": 1.0,
    "is_champion": True,
}


class Table:
    """A table without constraints of the real one's columns, filled row by row."""

    def __init__(self, connection: Connection[Any], name: str) -> None:
        self.connection = connection
        self.name = name

    def fill(self, *rows: dict[str, Any]) -> None:
        self.connection.execute(f"delete from {self.name} where company_id = %s", (COMPANY,))
        for row in rows:
            columns = ", ".join(row)
            places = ", ".join(["%s"] * len(row))
            self.connection.execute(
                f"insert into {self.name} ({columns}) values ({places})", list(row.values())
            )


@pytest.fixture
def table(connection: Connection[Any]) -> Iterator[Any]:
    connection.autocommit = True
    made: list[str] = []

    def make(like: str, columns: str) -> Table:
        name = f"staging.quality_{like.replace('.', '_')}"
        connection.execute(f"drop table if exists {name}")
        connection.execute(f"create table {name} ({columns})")
        made.append(name)
        return Table(connection, name)

    yield make
    for name in made:
        connection.execute(f"drop table {name}")


def failed(validation: Validation) -> set[str]:
    return {failure.split("(")[0].removeprefix("expect_") for failure in validation.failures}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([{}], set()),
        ([], {"table_row_count_to_be_between"}),
        ([{}, {}], {"compound_columns_to_be_unique"}),
        ([{"amount": None}, {"line_number": 3}], {"column_values_to_not_be_null"}),
        ([{"order_date": "2462-01-01"}], {"column_values_to_be_between"}),
        ([{"order_date": "1900-01-01"}], {"column_values_to_be_between"}),
        ([{"currency": "usd"}], {"column_values_to_match_regex"}),
        ([{"amount": 0}], {"column_sum_to_be_between"}),
        ([{"line_number": 1}], {"column_min_to_be_between"}),
    ],
)
def test_order_lines(table: Any, changes: list[dict[str, Any]], expected: set[str]) -> None:
    lines = table(
        raw_files_order_lines.TABLE,
        "company_id text, feed text, source_file text, line_number bigint, order_date date,"
        " amount numeric(18,4), currency text",
    )
    lines.fill(*(LINE | change for change in changes))
    found = failed(validate(lines.name, COMPANY, raw_files_order_lines.expectations(0)))
    assert expected <= found
    assert bool(found) == bool(expected)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([{}], set()),
        ([{"amount": -1}, {"line_number": 3}], set()),
        ([], {"table_row_count_to_be_between"}),
        ([{}, {}], {"compound_columns_to_be_unique"}),
        ([{"amount": None}, {"line_number": 3}], {"column_values_to_not_be_null"}),
        ([{"spend_date": "2462-01-01"}], {"column_values_to_be_between"}),
        ([{"currency": "usd"}], {"column_values_to_match_regex"}),
        ([{"channel": ""}], {"column_value_lengths_to_be_between"}),
        ([{"amount": -1}], {"column_sum_to_be_between"}),
    ],
)
def test_marketing_spend(table: Any, changes: list[dict[str, Any]], expected: set[str]) -> None:
    rows = table(
        raw_files_marketing_spend.TABLE,
        "company_id text, feed text, source_file text, line_number bigint, spend_date date,"
        " channel text, amount numeric(18,4), currency text",
    )
    spent = {key: value for key, value in LINE.items() if key != "order_date"}
    rows.fill(*(spent | {"spend_date": "2026-01-01", "channel": "google"} | c for c in changes))
    found = failed(validate(rows.name, COMPANY, raw_files_marketing_spend.expectations(0)))
    assert expected <= found
    assert bool(found) == bool(expected)


RATE = {"rate_date": "2026-01-02", "currency": "USD", "units_per_eur": 1.17, "source": "ecb"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([{}], set()),
        ([], {"table_row_count_to_be_between"}),
        ([{}, {}], {"compound_columns_to_be_unique"}),
        ([{"source": None}], {"column_values_to_not_be_null"}),
        ([{"rate_date": "2462-01-01"}], {"column_values_to_be_between"}),
        ([{"rate_date": "1998-01-01"}], {"column_values_to_be_between"}),
        ([{"currency": "XXQ"}], {"column_values_to_be_in_set"}),
        ([{"units_per_eur": 0}], {"column_min_to_be_between"}),
    ],
)
def test_exchange_rates(
    connection: Connection[Any], changes: list[dict[str, Any]], expected: set[str]
) -> None:
    connection.autocommit = True
    name = "staging.quality_rates"
    connection.execute(f"drop table if exists {name}")
    connection.execute(
        f"create table {name} (rate_date date, currency text, units_per_eur numeric, source text)"
    )
    for change in changes:
        connection.execute(
            f"insert into {name} values (%s, %s, %s, %s)",
            list((RATE | change).values()),
        )
    found = failed(validate(name, None, raw_rates_exchange_rates.expectations()))
    connection.execute(f"drop table {name}")
    assert expected <= found
    assert bool(found) == bool(expected)


def test_a_cut_off_export_is_noticed(table: Any) -> None:
    lines = table(
        raw_files_order_lines.TABLE,
        "company_id text, feed text, source_file text, line_number bigint, order_date date,"
        " amount numeric(18,4), currency text",
    )
    lines.fill(*(LINE | {"line_number": number} for number in range(2, 6)))
    assert validate(lines.name, COMPANY, raw_files_order_lines.expectations(8)).success
    cut_off = validate(lines.name, COMPANY, raw_files_order_lines.expectations(10))
    assert failed(cut_off) == {"table_row_count_to_be_between"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([{}], set()),
        ([], {"table_row_count_to_be_between"}),
        ([{}, {}], {"compound_columns_to_be_unique"}),
        ([{"predicted_value": None}, {"customer_id": "2"}], {"column_values_to_not_be_null"}),
        ([{"predicted_value": -1}, {"customer_id": "2"}], {"column_values_to_be_between"}),
        ([{"p_active": 1.2}], {"column_values_to_be_between"}),
        ([{"confidence": 1.2}], {"column_values_to_be_between"}),
        ([{"lower": 31}], {"column_pair_values_a_to_be_greater_than_b"}),
        ([{"upper_95": 59}], {"column_pair_values_a_to_be_greater_than_b"}),
        ([{"predicted_value": 0}], {"column_max_to_be_between"}),
        ([{"horizon_months": 3}], {"column_distinct_values_to_equal_set"}),
    ],
)
def test_predictions(table: Any, changes: list[dict[str, Any]], expected: set[str]) -> None:
    predictions = table(
        ml_clv_predictions.TABLE,
        "company_id text, customer_id text, calculation_date date, horizon_months int,"
        " expected_orders float, predicted_value numeric, predicted_net numeric,"
        " predicted_margin numeric, predicted_discounted numeric, currency text, p_active float,"
        " churn_probability float, eligibility text, model_name text, model_version text,"
        " lower_95 numeric, lower numeric, upper numeric, upper_95 numeric, confidence float",
    )
    predictions.fill(*(PREDICTION | INTERVAL | change for change in changes))
    found = failed(validate(predictions.name, COMPANY, ml_clv_predictions.expectations([12])))
    assert expected <= found
    assert bool(found) == bool(expected)


@pytest.mark.parametrize(
    ("month", "change", "wrong"),
    [
        (1, {}, None),
        (1, {"month": 4}, "gaps"),
        (1, {"expected_orders": 1.2}, "falls"),
        (2, {"predicted_value": 31}, "falls"),
        (1, {"p_active": 0.65}, "falls"),
        (3, {"predicted_value": 31}, "strays"),
        (3, {"calculation_date": "2026-06-29"}, "strays"),
        (3, None, "strays"),
    ],
)
def test_prediction_paths(
    connection: Connection[Any], month: int, change: dict[str, Any] | None, wrong: str | None
) -> None:
    connection.autocommit = True
    predictions = Table(connection, ml_clv_predictions.TABLE)
    paths = Table(connection, "ml.clv_prediction_paths")
    path = {
        at: {
            "company_id": COMPANY,
            "customer_id": "1",
            "calculation_date": "2026-06-30",
            "month": at,
            "expected_orders": at / 2,
            "predicted_value": at * 10,
            "p_active": 0.4 + at / 10,
        }
        for at in (1, 2, 3)
    }
    predictions.fill(
        PREDICTION | {"horizon_months": 3},
        PREDICTION | {"horizon_months": 3, "customer_id": "2", "eligibility": "no_paid_order"},
    )
    if change is None:
        del path[month]
    else:
        path[month] |= change
    paths.fill(*path.values())
    found = stray_paths(connection, COMPANY, [3])
    paths.fill()
    nobody = stray_paths(connection, COMPANY, [3])
    predictions.fill()
    assert found.is_sound == (wrong is None), found
    assert wrong is None or getattr(found, wrong) > 0
    assert (nobody.customers, nobody.with_path, nobody.is_sound) == (1, 0, False)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, set()),
        ({"model": "bg_nbd"}, {"column_distinct_values_to_contain_set"}),
        ({"is_champion": False}, {"column_distinct_values_to_contain_set"}),
        ({"mae": -1.0}, {"column_values_to_be_between"}),
        ({"spearman": 2.0}, {"column_values_to_be_between"}),
    ],
)
def test_model_scores(
    connection: Connection[Any], change: dict[str, Any], expected: set[str]
) -> None:
    connection.autocommit = True
    scores = Table(connection, ml_clv_model_scores.TABLE)
    scores.fill(SCORE | change)
    found = failed(validate(scores.name, COMPANY, ml_clv_model_scores.expectations()))
    scores.fill()
    assert found == expected


def test_companies(table: Any) -> None:
    companies = table(
        raw_files_companies.TABLE,
        "company_id text, base_currency text, timezone text, margin_rate numeric,"
        " discount_rate numeric",
    )
    row = {"base_currency": "USD", "timezone": "UTC", "margin_rate": 0.3, "discount_rate": 0.1}
    companies.fill({"company_id": COMPANY} | row)
    assert validate(companies.name, None, raw_files_companies.expectations([COMPANY])).success
    missing = validate(companies.name, None, raw_files_companies.expectations([COMPANY, "other"]))
    assert failed(missing) == {"column_distinct_values_to_equal_set"}


def test_an_expectation_that_cannot_be_evaluated_is_never_a_success(
    connection: Connection[Any],
) -> None:
    import great_expectations.expectations as gxe

    with pytest.raises(RuntimeError, match="couldn't be evaluated"):
        validate(
            ml_clv_model_scores.TABLE, None, [gxe.ExpectColumnValuesToNotBeNull(column="nothing")]
        )
