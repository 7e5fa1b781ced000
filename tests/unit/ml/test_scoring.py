from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.discounting import discounted_path
from ml.scoring import (
    PATH_TABLE_COLUMNS,
    PREDICTION_TABLE_COLUMNS,
    CompanyFactors,
    Scope,
    fit_champion,
    measure_factors,
    path_rows,
    predict_paths,
    score_customers,
)

AS_OF = date(2026, 6, 30)
SCOPE = Scope("cdnow", "USD", "mbg_nbd", "7")
FACTORS = CompanyFactors(net_rate=0.9, margin_rate=0.3, yearly_discount_rate=0.1)


@pytest.fixture(scope="module")
def scores(cdnow_daily: pd.DataFrame) -> pd.DataFrame:
    champion = fit_champion("mbg_nbd", cdnow_daily, AS_OF)
    return score_customers(champion, cdnow_daily, AS_OF, (12, 3, 6), FACTORS, SCOPE)


@pytest.mark.parametrize("horizons", [(), (0,), (3, -6)])
def test_a_horizon_is_at_least_a_month(two_customers: pd.DataFrame, horizons: tuple[int]) -> None:
    champion = fit_champion("naive", two_customers, AS_OF)
    with pytest.raises(ValueError, match="at least one month"):
        score_customers(champion, two_customers, AS_OF, horizons, FACTORS, SCOPE)


@pytest.mark.parametrize("rates", [(np.nan, 0.3, 0.1), (1.0, 0.3, -1.0)])
def test_factors_must_be_rates(rates: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="rate"):
        CompanyFactors(*rates)


def test_factors_by_hand(two_customers: pd.DataFrame) -> None:
    daily = two_customers.assign(
        net_revenue_base=two_customers["gross_revenue_base"] * 0.8,
        margin_base=two_customers["gross_revenue_base"] * 0.25,
    )
    after = daily.assign(order_date="2025-12-01", net_revenue_base=0.0, margin_base=0.0)
    factors = measure_factors(pd.concat([daily, after]), date(2025, 6, 30), 0.1)
    assert factors.net_rate == pytest.approx(0.8)
    assert factors.margin_rate == pytest.approx(0.25)
    assert measure_factors(daily.iloc[:0], AS_OF, 0.1) == CompanyFactors(0.0, 0.0, 0.1)


def test_a_row_for_every_customer_and_horizon(
    scores: pd.DataFrame, cdnow_daily: pd.DataFrame
) -> None:
    paid = cdnow_daily[cdnow_daily["gross_revenue_base"] > 0].groupby("customer_id").size()
    assert tuple(scores.columns) == PREDICTION_TABLE_COLUMNS
    assert len(scores) == 23_570 * 3
    assert not scores.duplicated(["customer_id", "horizon_months"]).any()
    assert set(scores["horizon_months"]) == {3, 6, 12}
    assert scores["eligibility"].value_counts().to_dict() == {
        "one_time_buyer": int((paid == 1).sum()) * 3,
        "eligible": int((paid > 1).sum()) * 3,
        "no_paid_order": 68 * 3,
    }


def test_who_never_paid_gets_zeros(scores: pd.DataFrame) -> None:
    unpaid = scores[scores["eligibility"] == "no_paid_order"]
    money = ["expected_orders", "predicted_value", "predicted_discounted", "p_active"]
    assert (unpaid[money] == 0).all(axis=None)
    assert (unpaid["churn_probability"] == 1).all()


def test_columns_agree_with_each_other(scores: pd.DataFrame) -> None:
    value = scores["predicted_value"]
    np.testing.assert_allclose(scores["predicted_net"], value * 0.9, atol=1e-4)
    np.testing.assert_allclose(scores["predicted_margin"], value * 0.3, atol=1e-4)
    np.testing.assert_allclose(scores["churn_probability"], 1 - scores["p_active"], atol=1e-12)
    paid = scores[value > 0.01]
    ratio = paid["predicted_discounted"] / paid["predicted_net"]
    # Discounting a year's orders costs about half a year's rate, not a whole one's.
    assert ratio[paid["horizon_months"] == 12].between(0.945, 0.965).all()
    assert scores[["lower", "upper", "confidence"]].isna().all(axis=None)


def test_a_longer_horizon_is_never_worth_less(scores: pd.DataFrame) -> None:
    for column in ("expected_orders", "predicted_value", "predicted_discounted", "p_active"):
        path = scores[column].to_numpy().reshape(-1, 3)
        assert (np.diff(path, axis=1) >= 0).all()


def test_money_has_four_decimals_and_probabilities_six(scores: pd.DataFrame) -> None:
    for column, decimals in (("predicted_value", 4), ("predicted_margin", 4), ("p_active", 6)):
        np.testing.assert_array_equal(scores[column], scores[column].round(decimals))


def test_the_order_of_rows_does_not_show(scores: pd.DataFrame, cdnow_daily: pd.DataFrame) -> None:
    shuffled = cdnow_daily.sample(frac=1, random_state=9)
    champion = fit_champion("mbg_nbd", shuffled, AS_OF)
    again = score_customers(champion, shuffled, AS_OF, (3, 6, 12), FACTORS, SCOPE)
    assert again.to_csv() == scores.to_csv()
    assert measure_factors(shuffled, AS_OF, 0.1) == measure_factors(cdnow_daily, AS_OF, 0.1)


def test_only_days_up_to_the_calculation_date_count(two_customers: pd.DataFrame) -> None:
    early = date(2025, 1, 31)
    champion = fit_champion("naive", two_customers, early)
    rows = score_customers(champion, two_customers, early, (3,), FACTORS, SCOPE)
    # Bob's first order is still to come.
    assert rows["customer_id"].tolist() == ["ann", "cid"]
    assert rows["eligibility"].tolist() == ["eligible", "no_paid_order"]


def test_customers_without_any_day_can_be_asked_for(two_customers: pd.DataFrame) -> None:
    champion = fit_champion("naive", two_customers, AS_OF)
    rows = score_customers(
        champion, two_customers, AS_OF, (3,), FACTORS, SCOPE, customer_ids=["ann", "zoe"]
    )
    assert rows["customer_id"].tolist() == ["ann", "bob", "cid", "zoe"]
    assert rows["eligibility"].iloc[-1] == "no_paid_order"


def test_discounting_by_hand() -> None:
    path = discounted_path(np.array([[100.0, 150.0]]), 0.1)
    first, second = 100 / 1.1 ** (0.5 / 12), 50 / 1.1 ** (1.5 / 12)
    np.testing.assert_allclose(path, [[first, first + second]])


@settings(max_examples=50, deadline=None)
@given(increments=st.lists(st.floats(0, 1000), min_size=1, max_size=24), rate=st.floats(0, 1.0))
def test_present_value_never_exceeds_value_nor_falls_below_its_last_moment(
    increments: list[float], rate: float
) -> None:
    cumulative = np.cumsum([increments], axis=1)
    present = discounted_path(cumulative, rate)[0, -1]
    total = cumulative[0, -1]
    assert present <= total * (1 + 1e-9)
    assert present >= total * (1 + rate) ** -(len(increments) / 12) * (1 - 1e-9)


def test_paths_hold_every_month_and_meet_the_predictions(
    cdnow_daily: pd.DataFrame, scores: pd.DataFrame
) -> None:
    champion = fit_champion("mbg_nbd", cdnow_daily, AS_OF)
    paths = predict_paths(champion, cdnow_daily, AS_OF, 12)
    rows = path_rows(paths, AS_OF, "cdnow")
    assert tuple(rows.columns) == PATH_TABLE_COLUMNS
    assert (rows.groupby("customer_id")["month"].agg(list).map(tuple) == tuple(range(1, 13))).all()
    figures = ["expected_orders", "predicted_value", "p_active"]
    assert (rows.groupby("customer_id")[figures].diff().fillna(0) >= 0).all(axis=None)
    ends = scores[scores["eligibility"] != "no_paid_order"].merge(
        rows, left_on=["customer_id", "horizon_months"], right_on=["customer_id", "month"]
    )
    assert len(ends) == 3 * len(paths.customers)
    for figure in figures:
        assert (ends[f"{figure}_x"] == ends[f"{figure}_y"]).all()


def test_scores_of_given_paths_are_those_of_the_champion(
    cdnow_daily: pd.DataFrame, scores: pd.DataFrame
) -> None:
    champion = fit_champion("mbg_nbd", cdnow_daily, AS_OF)
    paths = predict_paths(champion, cdnow_daily, AS_OF, 12)
    again = score_customers(champion, cdnow_daily, AS_OF, (3, 6, 12), FACTORS, SCOPE, paths=paths)
    pd.testing.assert_frame_equal(again, scores)
