from datetime import date

import pandas as pd
import pytest

from ml.evaluation.backtest import holdout_spend, run_backtest
from ml.models import preparation
from ml.models.catalogue import CANDIDATES, new_candidate
from ml.models.naive import NaiveRate

CUTOFF = date(1997, 9, 30)


def test_an_empty_calibration_is_an_error(two_customers: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="no customer had paid by 2024-12-31"):
        run_backtest(NaiveRate(), two_customers, date(2024, 12, 31), 30)


def test_a_holdout_has_at_least_one_day(two_customers: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="at least one day"):
        run_backtest(NaiveRate(), two_customers, date(2025, 1, 31), 0)


def test_the_holdout_starts_after_the_cutoff_and_ends_with_its_last_day() -> None:
    daily = pd.DataFrame(
        [
            ("a", "2025-01-31", 1.0),
            ("a", "2025-02-01", 2.0),
            ("a", "2025-02-10", 4.0),
            ("a", "2025-02-11", 8.0),
            ("b", "2025-02-05", -3.0),
        ],
        columns=["customer_id", "order_date", "gross_revenue_base"],
    )
    spend = holdout_spend(daily, date(2025, 1, 31), 10)
    assert spend.to_dict("records") == [
        {"customer_id": "a", "actual_orders": 2, "actual_value": 6.0}
    ]


def test_scored_are_those_who_had_paid_by_the_cutoff(two_customers: pd.DataFrame) -> None:
    backtest = run_backtest(NaiveRate(), two_customers, date(2025, 1, 31), 28)
    # Bob's first order and Cid's gift do not count; Ann's February order does.
    assert backtest.outcome["customer_id"].tolist() == ["ann"]
    assert backtest.outcome["actual_value"].tolist() == [40.0]
    assert backtest.outcome["actual_orders"].tolist() == [1]
    assert backtest.metrics.rows == 1


@pytest.mark.parametrize("name", list(CANDIDATES))
def test_what_happens_after_the_cutoff_changes_no_prediction(
    name: str, sample_daily: pd.DataFrame
) -> None:
    known = sample_daily[sample_daily["order_date"] <= pd.Timestamp(CUTOFF)]
    another_future = pd.concat(
        [
            known,
            known.assign(
                order_date=pd.Timestamp("1997-10-05"),
                gross_revenue_base=known["gross_revenue_base"] * 50,
            ),
        ]
    )
    columns = ["customer_id", "expected_orders", "predicted_value", "p_active"]
    seen = run_backtest(new_candidate(name), sample_daily, CUTOFF, 273).outcome
    other = run_backtest(new_candidate(name), another_future, CUTOFF, 273).outcome
    pd.testing.assert_frame_equal(seen[columns], other[columns], check_exact=True)
    assert not seen["actual_value"].equals(other["actual_value"])


def test_of_very_many_customers_every_kth_judges(
    sample_daily: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    everyone = run_backtest(new_candidate("mbg_nbd"), sample_daily, CUTOFF, 91)
    monkeypatch.setattr(preparation, "MAX_JUDGES", 1000)
    some = run_backtest(new_candidate("mbg_nbd"), sample_daily, CUTOFF, 91)
    # The fit knows all of them: what is predicted of those who judge is the same.
    columns = ["customer_id", "predicted_value", "actual_value", "tenure_days"]
    pd.testing.assert_frame_equal(
        some.outcome[columns], everyone.outcome[columns].iloc[::3].reset_index(drop=True)
    )
    assert len(some.outcome) == 783
    blend = run_backtest(new_candidate("blend", 13.0), sample_daily, CUTOFF, 91)
    assert blend.metrics.total_ratio == pytest.approx(some.metrics.total_ratio, abs=0.3)
