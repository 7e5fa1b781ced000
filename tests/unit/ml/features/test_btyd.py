from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.features.btyd import (
    HISTORY_COLUMNS,
    FeatureError,
    check_features,
    customer_features,
    distinct_patterns,
    paid_days,
)

CUTOFF = date(2025, 2, 26)


def _customer(**changes: float) -> pd.DataFrame:
    sound = {
        "customer_id": "ann",
        "frequency": 2,
        "recency": 6.0,
        "T": 8.0,
        "monetary": 30.0,
        "first_value": 10.0,
        "total": 70.0,
    }
    return pd.DataFrame([sound | changes])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"recency": 9.0}, "recency is greater than T"),
        ({"frequency": 0}, "recency is not 0 although frequency is 0"),
        ({"recency": 0.0}, "recency is 0 although frequency is not"),
        ({"frequency": -1}, "frequency is negative"),
        ({"frequency": 1.5}, "frequency is not a whole number"),
        ({"recency": -1.0}, "recency is negative"),
        ({"T": float("nan")}, "T is not a finite number"),
        ({"T": float("inf")}, "T is not a finite number"),
        ({"monetary": 0.0}, "monetary is not positive"),
        ({"first_value": -0.01}, "first_value is negative"),
    ],
)
def test_an_impossible_history_is_refused_by_name(changes: dict[str, float], reason: str) -> None:
    with pytest.raises(FeatureError, match=rf"{reason}.* for 1 customers, e\.g\. 'ann'"):
        check_features(_customer(**changes))


def test_recency_equal_to_age_is_legal() -> None:
    check_features(_customer(recency=8.0))


def test_a_missing_column_is_named() -> None:
    with pytest.raises(FeatureError, match="monetary"):
        check_features(_customer().drop(columns="monetary"))
    with pytest.raises(FeatureError, match="order_date"):
        paid_days(pd.DataFrame({"customer_id": ["a"], "gross_revenue_base": [1.0]}))


@pytest.mark.parametrize("column", ["customer_id", "order_date", "gross_revenue_base"])
def test_a_null_is_refused_and_counted(two_customers: pd.DataFrame, column: str) -> None:
    broken = two_customers.astype(object)
    broken.loc[1, column] = None
    with pytest.raises(FeatureError, match=f"1 customer-days have no {column}"):
        paid_days(broken)


def test_an_infinite_amount_is_refused(two_customers: pd.DataFrame) -> None:
    two_customers.loc[0, "gross_revenue_base"] = np.inf
    with pytest.raises(FeatureError, match="not a finite number"):
        paid_days(two_customers)


def test_features_by_hand(two_customers: pd.DataFrame) -> None:
    features = customer_features(two_customers, CUTOFF)
    expected = pd.DataFrame(
        {
            "customer_id": ["ann", "bob"],
            "frequency": [2, 0],
            "recency": [6.0, 0.0],
            "T": [8.0, 3.0],
            "monetary": [30.0, 0.0],
            "first_value": [10.0, 7.5],
            "total": [70.0, 7.5],
        }
    )
    history = features[list(HISTORY_COLUMNS)]
    pd.testing.assert_frame_equal(history, expected, check_dtype=False)
    assert features["frequency"].dtype == "int64"


def test_only_days_with_a_positive_amount_count(two_customers: pd.DataFrame) -> None:
    refund = pd.DataFrame(
        [("ann", "2025-02-20", -5.0), ("ann", "2025-02-21", 0.0)], columns=two_customers.columns
    )
    with_refund = pd.concat([two_customers, refund])
    pd.testing.assert_frame_equal(
        customer_features(with_refund, CUTOFF), customer_features(two_customers, CUTOFF)
    )


def test_a_first_purchase_on_the_cutoff_has_no_age(two_customers: pd.DataFrame) -> None:
    features = customer_features(two_customers, date(2025, 2, 5)).set_index("customer_id")
    assert features.loc["bob", ["frequency", "recency", "T"]].tolist() == [0, 0.0, 0.0]


def test_nothing_after_the_cutoff_leaks(two_customers: pd.DataFrame) -> None:
    future = pd.DataFrame(
        [("ann", "2025-02-27", 999.0), ("dan", "2026-01-01", 5.0)], columns=two_customers.columns
    )
    pd.testing.assert_frame_equal(
        customer_features(pd.concat([two_customers, future]), CUTOFF),
        customer_features(two_customers, CUTOFF),
    )


def test_the_types_a_warehouse_gives_are_understood(two_customers: pd.DataFrame) -> None:
    as_decimal = two_customers.assign(
        order_date=[date.fromisoformat(day) for day in two_customers["order_date"]],
        gross_revenue_base=[Decimal(str(v)) for v in two_customers["gross_revenue_base"]],
    )
    as_text = two_customers.assign(gross_revenue_base=two_customers["gross_revenue_base"].map(str))
    expected = customer_features(two_customers, CUTOFF)
    for frame in (as_decimal, as_text):
        pd.testing.assert_frame_equal(customer_features(frame, CUTOFF), expected)


@pytest.mark.parametrize("cutoff", [date(2024, 12, 31), CUTOFF])
def test_no_customers_give_an_empty_frame(two_customers: pd.DataFrame, cutoff: date) -> None:
    nobody = two_customers.iloc[:0] if cutoff == CUTOFF else two_customers
    features = customer_features(nobody, cutoff)
    assert features.empty
    assert "first_value" in features.columns


_LINES = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "ä"]),
        st.dates(date(2025, 1, 1), date(2025, 3, 31)),
        st.floats(-50, 500, allow_nan=False).map(lambda value: round(value, 4)),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=30, deadline=None)
@given(lines=_LINES, seed=st.integers(0, 2**31))
def test_features_are_sound_and_indifferent_to_the_order_of_rows(
    lines: list[tuple[str, date, float]], seed: int
) -> None:
    daily = pd.DataFrame(lines, columns=["customer_id", "order_date", "gross_revenue_base"])
    features = customer_features(daily, CUTOFF)
    shuffled = customer_features(daily.sample(frac=1, random_state=seed), CUTOFF)
    for column in features.columns:
        assert features[column].tolist() == shuffled[column].tolist()
    mean_total = features["first_value"] + features["frequency"] * features["monetary"]
    np.testing.assert_allclose(mean_total, features["total"], rtol=1e-9)


def test_patterns_carry_every_customer_once(sample_daily: pd.DataFrame) -> None:
    customers = customer_features(sample_daily, date(1997, 9, 30))
    patterns, pattern_of = distinct_patterns(customers)
    assert patterns["weight"].sum() == len(customers)
    assert len(patterns) < len(customers)
    for column in ("frequency", "recency", "T"):
        restored = patterns[column].to_numpy()[pattern_of]
        np.testing.assert_array_equal(restored, customers[column].to_numpy())
