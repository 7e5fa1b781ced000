"""The whole engine on businesses of other shapes than the published logs."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from benchmarks.purchases import Business, purchase_log
from ml.prediction import Prediction, judge, predict_customers

SHOP = Business(400, days=500)
START = date(2023, 1, 1)


def _whale() -> pd.DataFrame:
    days = pd.date_range("2023-01-05", periods=70, freq="6D")
    one = pd.DataFrame({"customer_id": "whale", "order_date": days, "gross_revenue_base": 2e5})
    return pd.concat([purchase_log(SHOP), one], ignore_index=True)


def _returns() -> pd.DataFrame:
    daily = purchase_log(SHOP)
    sign = np.where(np.arange(len(daily)) % 5 == 0, -1, 1)
    return daily.assign(gross_revenue_base=daily["gross_revenue_base"] * sign)


#: A log, and what the predicted total is of the actual one, at least and at most.
BUSINESSES = {
    # The season ahead is one that it has seen once at most.
    "seasonal": (purchase_log(replace(SHOP, season=0.8)), (0.4, 2.0)),
    "growing": (purchase_log(replace(SHOP, customers=1200, growth=30.0)), (0.5, 2.0)),
    "dying": (purchase_log(replace(SHOP, growth=0.02)), (0.5, 2.0)),
    "subscription": (purchase_log(replace(SHOP, period_days=30, value_shape=1e4)), (0.6, 1.6)),
    "weekly buyers": (
        purchase_log(Business(60, 400, rate_shape=200, rate_scale=200, life_weeks=None)),
        (0.7, 1.4),
    ),
    "one huge customer": (_whale(), (0.6, 1.6)),
    "negative days": (_returns(), (0.4, 2.5)),
    "three months": (purchase_log(Business(500, 92)), (0.4, 2.5)),
    "no repeat buyers": (purchase_log(replace(SHOP, rate_shape=1e-4)), None),
    "tiny": (purchase_log(Business(12, 300)), None),
}


def _sound(prediction: Prediction) -> None:
    figures = prediction.customers[["expected_orders", "predicted_value", "p_active"]]
    assert np.isfinite(figures.to_numpy()).all()
    assert (figures >= 0).all(axis=None)
    assert (figures["p_active"] <= figures["expected_orders"].clip(upper=1) + 1e-6).all()


@pytest.mark.parametrize("name", list(BUSINESSES))
def test_a_business_of_any_shape_is_predicted(name: str) -> None:
    daily, within = BUSINESSES[name]
    span = (daily["order_date"].max().date() - START).days
    as_of = START + timedelta(days=int(span * 0.6))
    days = min(span - int(span * 0.6), int(span * 0.6))
    prediction = predict_customers(daily, as_of, days)
    _sound(prediction)
    known = daily[daily["order_date"] <= pd.Timestamp(as_of)]
    assert prediction.customers["customer_id"].nunique() == known["customer_id"].nunique()
    ratio = judge(prediction, known, daily)[prediction.champion.name].total_ratio
    if within is not None:
        assert within[0] < ratio < within[1]
    else:
        # Nobody, or next to nobody, came back: little is expected of them.
        assert prediction.company_eligibility == "few_repeat_customers"
        assert prediction.customers["predicted_value"].sum() < known["gross_revenue_base"].sum()


def test_a_single_day_of_history_is_predicted_by_the_defaults() -> None:
    daily = pd.DataFrame(
        {
            "customer_id": [f"c{number}" for number in range(300)],
            "order_date": pd.Timestamp("2023-05-05"),
            "gross_revenue_base": 20.0,
        }
    )
    prediction = predict_customers(daily, date(2023, 5, 5), 1)
    _sound(prediction)
    assert prediction.company_eligibility == "few_repeat_customers"
    assert "no contest" in prediction.contest.reason
    assert prediction.champion.describe().diagnostics["prior"] == "documented defaults"
    assert prediction.customers["predicted_value"].between(0.001, 1).all()
