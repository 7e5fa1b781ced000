"""Intervals hold what they say on data that never calibrated them, no wider than needed."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ml.evaluation.backtest import run_backtest
from ml.evaluation.intervals import (
    INTERVAL_SCORE_COLUMNS,
    LEVELS,
    MIN_GROUP_ROWS,
    ClosedWindow,
    Intervals,
    closed_by,
    fits,
    interval_figures,
    judge_intervals,
)
from ml.horizons import in_weeks
from ml.models.catalogue import new_candidate
from ml.models.preparation import Preparation

EARLIER, LATER = date(2025, 3, 31), date(2025, 12, 31)


def window(cutoff: date, seed: int, rows: int = 4_000, shift: float = 1.0) -> ClosedWindow:
    """Customers of whom most spend nothing, the others around what was predicted."""
    rng = np.random.default_rng(seed)
    predicted = np.exp(rng.normal(1, 1.2, rows))
    buys = rng.random(rows) < np.clip(predicted / 20, 0.02, 0.9)
    actual = np.where(buys, predicted * rng.gamma(2, 2, rows), 0.0) * shift
    return ClosedWindow(cutoff, 90, predicted, actual, rng.random(rows) < 0.5)


@pytest.fixture(scope="module")
def scores() -> pd.DataFrame:
    fitted = Intervals.fit([window(EARLIER, 1), window(EARLIER - timedelta(days=91), 2)])
    assert fitted is not None
    return judge_intervals(fitted, window(LATER, 3, 20_000), 3)


@pytest.mark.parametrize("level", LEVELS)
def test_every_decile_is_covered(scores: pd.DataFrame, level: float) -> None:
    deciles = scores[(scores["nominal"] == level) & scores["segment"].str.startswith("decile")]
    assert len(deciles) == 10
    assert (deciles["coverage"] >= level - 0.02).all()


@pytest.mark.parametrize("level", LEVELS)
def test_they_beat_one_interval_for_all(scores: pd.DataFrame, level: float) -> None:
    everyone = scores[(scores["nominal"] == level) & (scores["segment"] == "all")].iloc[0]
    assert everyone["mean_width"] < everyone["mean_width_marginal"]
    assert everyone["pinball"] < everyone["pinball_marginal"]
    assert tuple(scores.columns) == INTERVAL_SCORE_COLUMNS


def test_what_has_changed_is_not_covered() -> None:
    fitted = Intervals.fit([window(EARLIER, 1)])
    assert fitted is not None
    scores = judge_intervals(fitted, window(LATER, 3, shift=4.0), 3)
    buyers = scores[(scores["nominal"] == 0.8) & (scores["segment"] == "buyers")].iloc[0]
    assert buyers["coverage"] < 0.5


@pytest.mark.parametrize("level", LEVELS)
def test_cdnow_is_covered_in_every_decile_and_narrower(
    cdnow_daily: pd.DataFrame, level: float
) -> None:
    prepared = Preparation(cdnow_daily)

    def of(cutoff: date) -> ClosedWindow:
        backtest = run_backtest(new_candidate("mbg_nbd", in_weeks(181)), prepared, cutoff, 181)
        return ClosedWindow.of(backtest, prepared.customers(cutoff)["frequency"])

    judged = of(date(2025, 12, 31))
    fitted = Intervals.fit(closed_by([of(date(2025, 6, 30)), of(date(2025, 4, 3))], judged.cutoff))
    assert fitted is not None
    scores = judge_intervals(fitted, judged, 6).set_index(["nominal", "segment"]).loc[level]
    deciles = scores[scores.index.str.startswith("decile")]
    assert (deciles["coverage"] >= level - 0.02).all()
    assert scores.loc["one_time_buyers", "coverage"] >= level - 0.02
    assert scores.loc["all", "mean_width"] < scores.loc["all", "mean_width_marginal"]
    assert scores.loc["all", "pinball"] < scores.loc["all", "pinball_marginal"]


AMOUNTS = st.one_of(st.just(0.0), st.floats(0.01, 1e6))


@settings(max_examples=40)
@given(
    predicted=arrays("float64", 150, elements=AMOUNTS),
    actual=arrays("float64", 150, elements=AMOUNTS),
    asked=arrays("float64", 20, elements=AMOUNTS),
)
def test_ends_are_nested_and_hold_the_prediction(
    predicted: np.ndarray, actual: np.ndarray, asked: np.ndarray
) -> None:
    fitted = Intervals.fit([ClosedWindow(EARLIER, 90, predicted, actual, actual > 0)])
    if not predicted.any():
        assert fitted is None
        return
    assert fitted is not None
    (lower, upper), (lower_95, upper_95) = (fitted.bounds(asked, level) for level in LEVELS)
    assert (lower_95 <= lower).all()
    assert (lower <= asked).all()
    assert (asked <= upper).all()
    assert (upper <= upper_95).all()
    assert (lower_95 >= 0).all()
    confidence = fitted.confidence(upper - lower)
    assert ((confidence >= 0) & (confidence <= 1)).all()


def test_the_ends_are_the_ranks_of_split_conformal() -> None:
    """Of 199 scores the 20th and the 180th, ⌈200 · 0.9⌉; for 95 % the 5th and the 195th."""
    spent = np.arange(1.0, 200.0)
    fitted = Intervals.fit([ClosedWindow(EARLIER, 90, np.full(199, 10.0), spent, spent > 0)])
    assert fitted is not None
    assert fitted.marginal.tolist() == [[20.0, 180.0], [5.0, 195.0]]
    lower, upper = fitted.bounds(np.array([10.0, 20.0]), 0.8)
    assert lower == pytest.approx([10.0, 20.0])
    assert upper == pytest.approx([180.0, 180.0 * 2])


def test_too_few_rows_calibrate_nothing() -> None:
    few = window(EARLIER, 1, MIN_GROUP_ROWS - 1)
    assert Intervals.fit([few]) is None
    assert Intervals.fit([]) is None
    assert Intervals.fit([few, few]) is not None


def test_no_group_is_smaller_than_it_may_be() -> None:
    tied = np.repeat([0.0, 1.0, 2.0], [950, 30, 400])
    fitted = Intervals.fit([ClosedWindow(EARLIER, 90, tied, tied, tied > 0)])
    assert fitted is not None
    sizes = np.bincount(np.searchsorted(fitted.edges, tied, side="right"))
    assert sizes.min() >= MIN_GROUP_ROWS


def test_a_marginal_interval_without_width_leaves_no_doubt_or_all() -> None:
    spent = np.zeros(200)
    fitted = Intervals.fit([ClosedWindow(EARLIER, 90, np.ones(200), spent, spent > 0)])
    assert fitted is not None
    assert fitted.confidence(np.array([0.0, 1.0])).tolist() == [1.0, 0.0]


def test_nothing_judges_that_calibrated() -> None:
    fitted = Intervals.fit([window(EARLIER, 1)])
    assert fitted is not None
    with pytest.raises(ValueError, match="can't be judged"):
        judge_intervals(fitted, window(EARLIER, 1), 3)


def test_windows_count_when_they_are_over() -> None:
    late = window(LATER - timedelta(days=89), 1, 100)
    just = window(LATER - timedelta(days=90), 1, 100)
    assert closed_by([late, just], LATER) == [just]
    assert fits(181, 183)
    assert not fits(152, 365)


def test_figures_by_hand() -> None:
    figures = interval_figures(
        np.array([0.0, 5.0, 20.0]), np.array([0.0, 1.0, 2.0]), np.array([0.0, 9.0, 10.0]), 0.8
    )
    assert figures["coverage"] == pytest.approx(2 / 3)
    assert figures["mean_width"] == pytest.approx(16 / 3)
    # At 0.1: 0.1 · (4 + 18); at 0.9: 0.1 · 4 + 0.9 · 10.
    assert figures["pinball"] == pytest.approx((2.2 + 9.4) / 3 / 2)
