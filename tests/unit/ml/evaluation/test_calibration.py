"""What a contest teaches of errors, from windows that were over; nothing where there was none."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest

from ml.evaluation.calibration import Calibration, calibrate
from ml.evaluation.contest import fit_champions, hold_contests
from ml.horizons import horizon_days
from ml.models.by_horizon import ByHorizon
from ml.models.preparation import Preparation
from ml.outlook.tables import Company, realised_accuracy
from ml.scoring import CompanyFactors, Scope, score_customers

AS_OF = date(1998, 6, 30)
NAMES = ("naive", "mbg_nbd")


@pytest.fixture(scope="module")
def prepared(sample_daily: pd.DataFrame) -> Preparation:
    return Preparation(sample_daily)


@pytest.fixture(scope="module")
def champion(prepared: Preparation) -> ByHorizon:
    contests = hold_contests(prepared, AS_OF, (3, 6, 12), NAMES)
    fitted = fit_champions(contests, prepared, AS_OF)
    fitted.calibration = calibrate(contests, prepared, AS_OF)
    return fitted


@pytest.fixture(scope="module")
def calibration(champion: ByHorizon) -> Calibration:
    assert champion.calibration is not None
    return champion.calibration


def test_intervals_are_judged_where_windows_were_over_before(calibration: Calibration) -> None:
    scores = calibration.interval_scores
    # A year fits once into the log: it calibrates, and nothing is left to judge by.
    assert set(scores["horizon_months"]) == {3, 6}
    assert set(calibration.intervals) == {3, 6, 12}
    for row in scores.itertuples():
        assert row.calibration_cutoff + timedelta(days=row.horizon_days) <= row.cutoff


def test_what_came_after_the_cutoff_judges_and_calibrates_nothing(
    prepared: Preparation, sample_daily: pd.DataFrame, calibration: Calibration
) -> None:
    """Ten times the spend after the latest cutoff changes the verdict, never the width."""
    cutoff = calibration.interval_scores.query("horizon_months == 6")["cutoff"].iloc[0]
    after = pd.to_datetime(sample_daily["order_date"]) > pd.Timestamp(cutoff)
    spend = sample_daily["gross_revenue_base"].where(
        ~after, sample_daily["gross_revenue_base"] * 10
    )
    poisoned = Preparation(sample_daily.assign(gross_revenue_base=spend))
    other = calibrate(hold_contests(poisoned, AS_OF, (6,), NAMES[1:]), poisoned, AS_OF)
    clean = calibrate(hold_contests(prepared, AS_OF, (6,), NAMES[1:]), prepared, AS_OF)
    same, changed = (
        each.interval_scores.set_index(["nominal", "segment"]) for each in (clean, other)
    )
    assert (same["mean_width_marginal"] == changed["mean_width_marginal"]).all()
    assert same.loc[(0.8, "all"), "mean_width"] == changed.loc[(0.8, "all"), "mean_width"]
    assert changed.loc[(0.8, "buyers"), "coverage"] < same.loc[(0.8, "buyers"), "coverage"]


def test_a_company_without_a_contest_knows_nothing_of_its_errors() -> None:
    daily = pd.DataFrame(
        {
            "customer_id": [f"c{n}" for n in range(30)],
            "order_date": [date(2026, 1, 1) + timedelta(days=n) for n in range(30)],
            "gross_revenue_base": 10.0,
        }
    )
    as_of = date(2026, 1, 30)
    prepared = Preparation(daily)
    contests = hold_contests(prepared, as_of, (3, 6, 12), NAMES)
    found = calibrate(contests, prepared, as_of)
    assert not found.intervals
    assert not found.realised
    assert found.interval_scores.empty
    assert found.revenue == ()


def test_predictions_carry_what_was_calibrated(
    champion: ByHorizon, sample_daily: pd.DataFrame
) -> None:
    factors = CompanyFactors(net_rate=0.9, margin_rate=0.3, yearly_discount_rate=0.1)
    rows = score_customers(
        champion, sample_daily, AS_OF, (3, 6, 12), factors, Scope("c", "USD", "m", "1"), ["nobody"]
    )
    paid = rows[rows["eligibility"] != "no_paid_order"]
    ordered = paid[["lower_95", "lower", "predicted_value", "upper", "upper_95"]]
    assert (ordered.diff(axis=1).iloc[:, 1:] >= -1e-4).all(axis=None)
    assert paid["confidence"].between(0, 1).all()
    assert paid.groupby("horizon_months")["confidence"].nunique().min() > 20
    wide = paid.pivot(index="customer_id", columns="horizon_months", values="upper")
    assert (wide.diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    nobody = rows[rows["eligibility"] == "no_paid_order"]
    assert nobody[["lower", "upper", "lower_95", "upper_95", "confidence"]].isna().all(axis=None)


def test_without_a_calibration_nothing_is_made_up(
    champion: ByHorizon, sample_daily: pd.DataFrame
) -> None:
    factors = CompanyFactors(net_rate=0.9, margin_rate=0.3, yearly_discount_rate=0.1)
    bare = ByHorizon(champion.champions)
    rows = score_customers(bare, sample_daily, AS_OF, (12,), factors, Scope("c", "USD", "m", "1"))
    assert rows[["lower", "upper", "confidence"]].isna().all(axis=None)


def test_what_was_published_is_compared_with_what_came(
    prepared: Preparation, calibration: Calibration
) -> None:
    """An error 30 % above the expected one is an alarm, 10 % isn't; nobody is expected twice."""
    company = Company("c", "USD", AS_OF, 180, 0.3)
    day = date(1998, 3, 1)
    customers = prepared.customers(day)
    outcome = prepared.outcome(day, horizon_days(3)).value
    published = pd.DataFrame(
        {
            "customer_id": customers["customer_id"],
            "calculation_date": pd.Timestamp(day),
            "horizon_months": 3,
            "predicted_value": outcome + 13.0,
        }
    )
    for expected, alarm in ((10.0, True), (12.0, False)):
        rows = realised_accuracy(company, prepared, published, {(day, 3): expected}, calibration)
        of = rows[rows["basis"] == "published"].iloc[0]
        assert of["mae"] == pytest.approx(13.0)
        assert of["change"] == pytest.approx(13.0 / expected - 1, abs=1e-6)
        assert of["is_alarm"] == alarm
        assert of["actual"] == pytest.approx(outcome.sum())
        assert of["customers"] == len(customers)
    unknown = realised_accuracy(company, prepared, published, {}, calibration)
    of = unknown[unknown["basis"] == "published"].iloc[0]
    assert of["change"] is None or pd.isna(of["change"])
    assert not of["is_alarm"]
    backtests = unknown[unknown["basis"] == "backtest"]
    assert backtests["horizon_months"].tolist() == [3, 6, 12]
    assert (backtests["window_end"] <= AS_OF).all()
