from datetime import date

import pandas as pd
import pytest

from ml.features.btyd import FeatureError
from ml.prediction import OUTPUT_COLUMNS, judge, predict_customers

AS_OF = date(1997, 9, 30)


def test_everybody_gets_a_row_and_the_holdout_is_judged(sample_daily: pd.DataFrame) -> None:
    prediction = predict_customers(sample_daily, AS_OF, 273)
    assert tuple(prediction.customers.columns) == OUTPUT_COLUMNS
    known = sample_daily[sample_daily["order_date"] <= pd.Timestamp(AS_OF)]
    assert set(prediction.customers["customer_id"]) == set(known["customer_id"])
    figures = judge(prediction, known, sample_daily)
    assert figures[prediction.champion.name].mae < figures["naive"].mae
    card = prediction.scorecard(figures)
    assert card["champion"] == prediction.champion.name
    assert set(card["holdout"]) == {prediction.champion.name, "naive"}
    # 273 days of history: half of it is held out, not as much as is asked for.
    assert card["contest"]["holdout_days"] == 136


@pytest.mark.parametrize("days", [0, 274])
def test_a_horizon_is_no_longer_than_the_history(sample_daily: pd.DataFrame, days: int) -> None:
    with pytest.raises(FeatureError, match="has 273"):
        predict_customers(sample_daily, AS_OF, days)


def test_before_the_first_purchase_there_is_nothing(sample_daily: pd.DataFrame) -> None:
    with pytest.raises(FeatureError, match="paid by 1996-12-31: the first did on 1997-01-01"):
        predict_customers(sample_daily, date(1996, 12, 31), 30)
    gifts = sample_daily.assign(gross_revenue_base=0.0)
    with pytest.raises(FeatureError, match="nobody has paid"):
        predict_customers(gifts, date(1997, 12, 31), 30)


def test_a_handful_of_customers_is_predicted_by_the_default(two_customers: pd.DataFrame) -> None:
    prediction = predict_customers(two_customers, date(2025, 2, 28), 28)
    assert prediction.contest.backtests == ()
    assert "no contest" in prediction.scorecard()["reason"]
    assert prediction.customers["eligibility"].tolist() == [
        "eligible", "one_time_buyer", "no_paid_order",
    ]  # fmt: skip
