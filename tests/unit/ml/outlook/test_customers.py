"""The outlook of a customer, where it can be worked out by hand."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from ml.horizons import horizon_days
from ml.models.preparation import Preparation
from ml.outlook.customers import Path, Stakes, customer_outlook, days_overdue

AS_OF = date(2026, 6, 30)
MONTHS = np.arange(1, 25)


def path(rate: float, lost: float, value: float = 1200.0) -> Path:
    """One who buys at a weekly rate unless lost with a probability."""
    weeks = np.array([horizon_days(int(month)) for month in MONTHS]) / 7
    p = (1 - lost) * -np.expm1(-rate * weeks)
    return Path(
        np.array(["ann"], dtype=object), MONTHS, np.outer([1.0], value * weeks / weeks[-1]), p[None]
    )


def history(*days_before: int) -> Preparation:
    return Preparation(
        pd.DataFrame(
            {
                "customer_id": "ann",
                "order_date": [AS_OF - timedelta(days=each) for each in days_before],
                "gross_revenue_base": 10.0,
            }
        )
    )


def outlook(of: Path, stakes: Stakes | None = None, window: int = 180) -> pd.Series:
    rich = Stakes(margin_rate=0.5, order_value=10.0)
    return customer_outlook(of, history(100, 30), AS_OF, window, stakes or rich).iloc[0]


@pytest.mark.parametrize(("rate", "lost"), [(0.25, 0.05), (0.2, 0.02), (0.3, 0.1)])
def test_the_best_week_is_where_the_logistic_curve_is_steepest(rate: float, lost: float) -> None:
    found = outlook(path(rate, lost))
    weeks = (found["best_intervention_date"] - AS_OF).days / 7
    assert weeks == pytest.approx(math.log((1 - lost) / lost) / rate, abs=1.5)
    assert "still silent after" in found["intervention_reason"]


def test_who_is_more_likely_lost_than_not_is_written_to_now() -> None:
    found = outlook(path(0.25, 0.6))
    assert found["best_intervention_date"] == AS_OF + timedelta(days=1)
    assert found["intervention_reason"].startswith("Now")


def test_no_message_where_it_costs_more_than_it_saves() -> None:
    little = outlook(path(0.002, 0.9, value=1.0))
    assert little["best_intervention_date"] is None
    assert "Little is left" in little["intervention_reason"]
    anyway = outlook(path(0.5, 0.0))
    assert anyway["best_intervention_date"] is None
    assert "anyway" in anyway["intervention_reason"]
    poor = outlook(path(0.25, 0.05), Stakes(margin_rate=-0.1, order_value=10.0))
    assert poor["best_intervention_date"] is None


@pytest.mark.parametrize("rate", [0.1, 0.05, 0.02])
def test_the_next_order_is_expected_when_it_is_as_likely_as_not(rate: float) -> None:
    found = outlook(path(rate, 0.0))
    days = (found["expected_next_order_date"] - AS_OF).days
    assert days == pytest.approx(7 * math.log(2) / rate, abs=2)


def test_none_is_expected_where_more_than_half_are_lost() -> None:
    assert outlook(path(0.5, 0.51))["expected_next_order_date"] is None


@pytest.mark.parametrize(("lost", "risk"), [(0.2, "low"), (0.5, "medium"), (0.8, "high")])
def test_risk_is_that_of_no_order_in_the_churn_window(lost: float, risk: str) -> None:
    assert outlook(path(1.0, lost))["churn_risk"] == risk


def test_a_window_longer_than_the_path_is_cut_to_half_of_it() -> None:
    assert outlook(path(0.25, 0.05), window=3000)["churn_risk"] == "low"


def test_overdue_is_beyond_the_own_rhythm() -> None:
    assert days_overdue(history(100, 70, 45), AS_OF).tolist() == [45 - 28]
    assert days_overdue(history(60, 40, 10), AS_OF).tolist() == [0]
    assert pd.isna(days_overdue(history(60, 40), AS_OF)[0])


def test_a_customer_without_a_month_is_an_error() -> None:
    rows = pd.DataFrame(
        {"customer_id": ["ann", "ann", "bob"], "month": [1, 2, 1], "predicted_value": 1.0,
         "p_active": 0.5}
    )  # fmt: skip
    with pytest.raises(ValueError, match="each customer needs"):
        Path.of(rows, pd.Series(["ann", "bob"]))
    assert Path.of(rows, pd.Series(["ann"])).p_active.shape == (1, 2)


def test_value_and_hazard_run_through_their_months_and_never_fall() -> None:
    of = path(0.1, 0.3)
    days = of.days
    assert of.value_at(days)[0, 1:] == pytest.approx(of.value[0])
    assert -np.expm1(-of.hazard_at(days)[0, 1:]) == pytest.approx(of.p_active[0])
    assert (np.diff(of.value_at(np.arange(700))[0]) >= 0).all()
    assert of.value_at(np.array([9_999]))[0, 0] == pytest.approx(of.value[0, -1])
