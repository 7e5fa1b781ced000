"""Forecasts add up, find a planted season and planted newcomers, and know what they don't know."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from ml.models.catalogue import new_candidate
from ml.models.preparation import Preparation
from ml.outlook.forecast import (
    ALL,
    Revenue,
    backtest_revenue,
    cohort_kind,
    forecast_revenue,
    month_ends,
    score_forecasts,
    seasonal_weight,
    with_intervals,
)

AS_OF = date(2026, 6, 30)


def steady(newcomers_a_day: int = 2, until: date = AS_OF, days: int = 540) -> Preparation:
    """Each day the same number of new customers, who buy for 10 at once and 30 days later."""
    rows = []
    for day in range(days):
        came = until - timedelta(days=days - 1 - day)
        for number in range(newcomers_a_day):
            name = f"c{day:04}-{number}"
            rows += [(name, came, 10.0), (name, came + timedelta(days=30), 10.0)]
    daily = pd.DataFrame(rows, columns=["customer_id", "order_date", "gross_revenue_base"])
    return Preparation(daily[daily["order_date"] <= until])


def backtests(*ratios: float, naive: float | None = None) -> list[Revenue]:
    """One a ratio of actual to forecast, over three months."""
    found = []
    for number, ratio in enumerate(ratios):
        rows = pd.DataFrame(
            {
                "month": [date(2025, 1 + number, 1), date(2025, 2 + number, 1)],
                "step": [1, 2],
                "cohort": ALL,
                "forecast": [100.0, 110.0],
                "brought": 0.0,
                "actual": [100.0 * ratio, 110.0 * ratio],
                "seasonal_naive": np.nan if naive is None else naive,
            }
        )
        found.append(Revenue(date(2024, 12, 31), rows))
    return found


def test_months_end_where_the_calendar_says() -> None:
    assert month_ends(date(2025, 12, 31), 3) == [
        date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31),
    ]  # fmt: skip
    assert month_ends(date(2026, 6, 14), 1) == [date(2026, 6, 30)]


@pytest.mark.parametrize("cutoff", [AS_OF, date(2026, 6, 14)])
def test_cohorts_add_up_and_a_month_under_way_holds_what_came(cutoff: date) -> None:
    prepared = steady(until=cutoff)
    n = len(prepared.customers(cutoff))
    cumulative = np.cumsum(np.ones((n, 12)), axis=1)
    rows = forecast_revenue(cumulative, prepared, cutoff).rows
    wide = rows.assign(kind=rows["cohort"].map(cohort_kind)).pivot_table(
        index="month", columns="kind", values="forecast", aggfunc="sum"
    )
    assert wide["existing"].to_numpy() == pytest.approx(wide["quarter"].to_numpy())
    assert wide["existing"].to_numpy() == pytest.approx(wide["month"].to_numpy())
    assert (wide["existing"] + wide["new"]).to_numpy() == pytest.approx(wide["all"].to_numpy())
    # 14 days of two newcomers and of two who come back.
    came = 0.0 if cutoff == AS_OF else 14 * 4 * 10.0
    assert wide["existing"].iloc[0] == pytest.approx(n + came)
    assert wide["existing"].iloc[1] == pytest.approx(n)


def test_planted_newcomers_are_expected_to_go_on_coming() -> None:
    """Two a day bring 20 a day at once; all of a month's come back within the next two."""
    prepared = steady()
    n = len(prepared.customers(AS_OF))
    rows = forecast_revenue(np.zeros((n, 12)), prepared, AS_OF).rows
    new = rows[rows["cohort"] == "new"]["forecast"].to_numpy()
    assert 31 * 20 <= new[0] < 31 * 40
    assert new[3:] == pytest.approx(np.full(9, 30.4 * 40), rel=0.08)


def test_nobody_new_is_expected_where_nobody_came() -> None:
    prepared = steady(until=date(2026, 1, 31))
    n = len(prepared.customers(AS_OF))
    rows = forecast_revenue(np.zeros((n, 12)), prepared, AS_OF).rows
    assert (rows["forecast"] == 0).all()


def test_a_backtest_knows_nothing_of_what_came_after() -> None:
    prepared, cutoff = steady(), date(2026, 1, 31)
    known = Preparation(
        prepared.days[prepared.days["day"] <= np.datetime64(cutoff).astype("int64")]
    )
    fitted = new_candidate("naive").fit(known, cutoff)
    mine, other = (backtest_revenue(fitted, each, cutoff, AS_OF) for each in (prepared, known))
    assert mine.rows["forecast"].tolist() == other.rows["forecast"].tolist()
    assert mine.rows["actual"].sum() > other.rows["actual"].sum() == 0
    total = mine.rows[mine.rows["cohort"] == ALL]
    assert len(total) == 5
    # Two newcomers a day, and two who come back.
    assert total["actual"].iloc[0] == pytest.approx(28 * 40)


def test_a_season_that_comes_again_is_followed_and_a_past_boom_is_not() -> None:
    season = backtests(1.5, 1.6, 1.4, naive=160.0)
    assert seasonal_weight(season) > 0.9
    boom = backtests(1.0, 1.05, 0.95, naive=1000.0)
    assert seasonal_weight(boom) == pytest.approx(0.0, abs=0.03)
    assert seasonal_weight(backtests(1.5, 1.6, naive=160.0)) == 0.0
    assert seasonal_weight([]) == 0.0


def test_intervals_are_as_wide_as_the_errors_were() -> None:
    ahead = Revenue(AS_OF, backtests(1.0)[0].rows.assign(actual=np.nan))
    exact = with_intervals(ahead, backtests(1.0, 1.0, 1.0))
    assert exact["lower"].to_numpy() == pytest.approx([100, 110])
    assert exact["upper"].to_numpy() == pytest.approx([100, 110])
    off = with_intervals(ahead, backtests(1.2, 1 / 1.2, 1.2))
    # Student's t at 90 % with three degrees of freedom is 1.638.
    assert (off["upper"] / off["forecast"]).to_numpy() == pytest.approx(1.2**1.638, rel=0.02)
    assert ((off["lower"] < off["forecast"]) & (off["lower"] > 0)).all()
    unknown = with_intervals(ahead, backtests(1.2, 1.1))
    assert unknown[["lower", "upper"]].isna().all(axis=None)


def test_what_a_month_brought_already_is_certain() -> None:
    rows = backtests(1.0)[0].rows.assign(actual=np.nan, brought=[90.0, 0.0])
    off = with_intervals(Revenue(AS_OF, rows), backtests(1.2, 1 / 1.2, 1.2))
    assert off["lower"].iloc[0] >= 90
    assert off["upper"].iloc[0] < 110
    season = with_intervals(Revenue(AS_OF, rows.assign(seasonal_naive=20.0)),
                            backtests(0.2, 0.2, 0.2, naive=20.0))  # fmt: skip
    assert season["forecast"].iloc[0] == pytest.approx(90.0)
    assert season["forecast"].iloc[1] < 40


def test_scores_stand_beside_the_year_before_on_the_same_months() -> None:
    scores = score_forecasts(backtests(1.0, 1.1, 0.9, 1.0, naive=200.0))
    assert scores["model"].tolist() == ["forecast", "seasonal_naive"] * 2
    assert (scores["windows"] == 4).all()
    mine, naive = (scores[scores["model"] == model] for model in ("forecast", "seasonal_naive"))
    assert (mine["mae"].to_numpy() < naive["mae"].to_numpy()).all()
    assert naive["coverage"].isna().all()
    assert mine["coverage"].between(0, 1).all()
    alone = score_forecasts(backtests(1.0, 1.1))
    assert alone["model"].tolist() == ["forecast", "forecast"]
    assert alone["coverage"].isna().all()
    assert score_forecasts([]).empty
