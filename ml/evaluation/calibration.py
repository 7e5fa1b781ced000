"""What a contest teaches about its champion's errors, kept with the champion.

Belongs here: which windows calibrate and which judge. Does not belong here: how
(`ml/evaluation/intervals.py`, `ml/outlook/forecast.py`).

Whatever judges was unknown to what it judges: intervals are calibrated on windows that were over by
the cutoff at which they are judged. The intervals in service then take those windows too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd

from ml.evaluation.backtest import Backtest, run_backtest
from ml.evaluation.contest import Contest, main_contest
from ml.evaluation.intervals import (
    INTERVAL_SCORE_COLUMNS,
    MAX_WINDOWS,
    ClosedWindow,
    Intervals,
    closed_by,
    fits,
    judge_intervals,
)
from ml.horizons import DAYS_PER_WEEK, horizon_days, in_weeks, rolling_cutoffs
from ml.models.catalogue import new_candidate
from ml.models.preparation import Preparation
from ml.monitoring.behaviour import tenure_strata
from ml.monitoring.drift import Sample
from ml.outlook.forecast import Revenue, backtest_revenue
from ml.threads import one_thread

_MIN_CUSTOMERS = 100
# A cutoff nearer to another one than this says nothing new.
_APART_DAYS = 45
_SKETCH = 2_000


@dataclass(frozen=True)
class Realised:
    """What the champion would have said at the contest's latest cutoff, and what came.

    Attributes:
        cutoff: Day from which it predicted.
        days: Length of the holdout.
        customers: Who were predicted.
        predicted: Their value in base currency, all together.
        actual: What it was.
        mae: Mean absolute error a customer.
        mae_expected: That of the same model at the cutoff before; None without one.
    """

    cutoff: date
    days: int
    customers: int
    predicted: float
    actual: float
    mae: float
    mae_expected: float | None


@dataclass(frozen=True)
class Calibration:
    """See the module.

    Attributes:
        intervals: By horizon in months; those without a window of their length are missing.
        interval_scores: `ml.evaluation.intervals.INTERVAL_SCORE_COLUMNS`.
        realised: By horizon in months.
        predicted: What was predicted at each cutoff of the main contest, by its horizon in months:
            at most `_SKETCH` rows of each, with the tenure of the customers.
        revenue: Monthly revenue as it would have been forecast at earlier cutoffs.
    """

    intervals: Mapping[int, Intervals] = field(default_factory=dict)
    interval_scores: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=list(INTERVAL_SCORE_COLUMNS))
    )
    realised: Mapping[int, Realised] = field(default_factory=dict)
    predicted: Mapping[int, tuple[Sample, ...]] = field(default_factory=dict)
    revenue: tuple[Revenue, ...] = ()


@one_thread
def calibrate(contests: Mapping[int, Contest], prepared: Preparation, as_of: date) -> Calibration:
    """Learns from the contests of all horizons how far their champions are off.

    Args:
        contests: By months.
        prepared: What they were held on.
        as_of: Last day of the data.
    """
    main = main_contest(contests)
    intervals: dict[int, Intervals] = {}
    predicted: dict[int, tuple[Sample, ...]] = {}
    scores = []
    for months, contest in contests.items():
        if not _counts(contest, months):
            continue
        windows = [_window(backtest, prepared) for backtest in _rounds(contest)]
        latest = windows[0]
        if contest is main:
            windows += _earlier_windows(contest, prepared, {each.cutoff for each in windows})
        before = Intervals.fit(closed_by(windows[1:], latest.cutoff))
        if before is not None:
            scores.append(judge_intervals(before, latest, months))
        closed = closed_by(windows, as_of)
        if contest is main:
            predicted[months] = tuple(_predicted(window, prepared) for window in closed)
        fitted = Intervals.fit(closed)
        if fitted is not None:
            intervals[months] = fitted
    return Calibration(
        intervals,
        pd.concat(scores, ignore_index=True) if scores else Calibration().interval_scores,
        {months: _realised(each) for months, each in contests.items() if _counts(each, months)},
        predicted,
        _revenue(contests, prepared, as_of),
    )


def _counts(contest: Contest, months: int) -> bool:
    """Says whether a contest was held, on holdouts as long as the horizon."""
    return bool(contest.backtests) and fits(contest.horizon_days, horizon_days(months))


def _rounds(contest: Contest) -> Iterator[Backtest]:
    """Yields the champion's backtests, the latest first."""
    for backtests in (contest.backtests, *contest.earlier):
        for backtest in backtests:
            if backtest.candidate.name == contest.champion:
                yield backtest


def _window(backtest: Backtest, prepared: Preparation) -> ClosedWindow:
    return ClosedWindow.of(backtest, prepared.judges(backtest.cutoff)["frequency"])


def _predicted(window: ClosedWindow, prepared: Preparation) -> Sample:
    tenure = prepared.customers(window.cutoff)["T"].to_numpy() * DAYS_PER_WEEK
    return Sample(window.predicted, tenure_strata(np.rint(tenure))).thinned(_SKETCH)


def _earlier_windows(
    contest: Contest, prepared: Preparation, there: set[date]
) -> list[ClosedWindow]:
    """Backtests the champion where windows of the contest's length were over by its cutoff."""
    cutoffs = rolling_cutoffs(
        contest.cutoff, contest.horizon_days, prepared.history_days(contest.cutoff),
        MAX_WINDOWS - 1, month_ends=False,
    )  # fmt: skip
    weeks = in_weeks(contest.horizon_days)
    return [
        _window(
            run_backtest(
                new_candidate(contest.champion, weeks, contest.history_days),
                prepared, cutoff, contest.horizon_days,
            ),
            prepared,
        )
        for cutoff, days in cutoffs
        if days == contest.horizon_days
        and len(prepared.customers(cutoff)) >= _MIN_CUSTOMERS
        and all(abs((cutoff - other).days) > _APART_DAYS for other in there)
    ]  # fmt: skip


def _realised(contest: Contest) -> Realised:
    latest, *earlier = _rounds(contest)
    return Realised(
        latest.cutoff,
        latest.horizon_days,
        latest.metrics.rows,
        float(latest.outcome["predicted_value"].sum()),
        float(latest.outcome["actual_value"].sum()),
        latest.metrics.mae,
        earlier[0].metrics.mae if earlier else None,
    )


def _revenue(
    contests: Mapping[int, Contest], prepared: Preparation, as_of: date
) -> tuple[Revenue, ...]:
    """Forecasts revenue at each cutoff at which a champion was fitted, newest first."""
    fitted = {
        backtest.cutoff: backtest.candidate
        # The longest horizon last: it looks farthest, so it is the one to stay.
        for _, contest in sorted(contests.items())
        for backtest in _rounds(contest)
    }
    return tuple(
        backtest_revenue(fitted[cutoff], prepared, cutoff, as_of)
        for cutoff in sorted(fitted, reverse=True)
    )
