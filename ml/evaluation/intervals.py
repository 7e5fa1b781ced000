"""How far off a prediction may be: conformalised quantiles, by group of the prediction.

Split conformal prediction, conditional on groups (Mondrian; Vovk, Gammerman, Shafer, Algorithmic
Learning in a Random World, 2005, ch. 4.5): the score is spend ÷ prediction, and a group is a range
of the prediction. The ends for 1 - α are the ⌊(n + 1) α/2⌋-th and ⌈(n + 1) (1 - α/2)⌉-th score of
the group (Romano, Patterson, Candès, Conformalized Quantile Regression, NeurIPS 2019, with groups
in the place of a regression), times the prediction. So most of those who are expected to spend
nothing get a narrow interval although others of the company spend a lot.

It calibrates on several windows that had closed, a quarter apart: one window alone knows one
season. An interval always holds its own prediction.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from ml.evaluation.backtest import Backtest

#: Level on which `confidence` and the columns `lower` and `upper` stand, and that of the others.
MAIN_LEVEL, WIDE_LEVEL = 0.8, 0.95
LEVELS = (MAIN_LEVEL, WIDE_LEVEL)
MAX_WINDOWS = 4
# The upper end of 95 % takes 39 scores; with 100 it isn't the highest of them.
MIN_GROUP_ROWS = 100
MAX_GROUPS = 20
# A prediction below this share of the mean one is no scale to measure spend in.
_SCALE_FLOOR = 0.01
# A window counts for a horizon that is longer than itself by no more than this.
_LENGTH_SLACK = 0.03
DECILES = 10

INTERVAL_SCORE_COLUMNS = (
    "horizon_months",
    "nominal",
    "cutoff",
    "segment",
    "horizon_days",
    "calibration_cutoff",
    "rows",
    "pinball",
    "pinball_marginal",
    "mean_width",
    "mean_width_marginal",
    "coverage",
    "coverage_marginal",
)


@dataclass(frozen=True)
class ClosedWindow:
    """What was predicted at a cutoff and what came; n customers.

    Attributes:
        cutoff: Last day that the model knew.
        days: Length of the window.
        predicted: Value in base currency, shape (n,).
        actual: Likewise.
        repeat: Whether a customer had come back by the cutoff, shape (n,).
    """

    cutoff: date
    days: int
    predicted: np.ndarray
    actual: np.ndarray
    repeat: np.ndarray

    @classmethod
    def of(cls, backtest: Backtest, frequency: pd.Series) -> ClosedWindow:
        """Takes a backtest and the repeat days of its customers, in its order."""
        return cls(
            backtest.cutoff,
            backtest.horizon_days,
            backtest.outcome["predicted_value"].to_numpy(dtype="float64"),
            backtest.outcome["actual_value"].to_numpy(dtype="float64"),
            frequency.to_numpy() > 0,
        )


@dataclass(frozen=True)
class Intervals:
    """Calibrated ends.

    Attributes:
        cutoffs: Of the windows that calibrated, newest first.
        edges: Predictions at which a new group begins, ascending, shape (g - 1,).
        ratios: Lower and upper score by level and group, shape (levels, 2, g).
        marginal: Lower and upper spend by level over all customers, shape (levels, 2).
        floor: Smallest scale, in base currency.
    """

    cutoffs: tuple[date, ...]
    edges: np.ndarray
    ratios: np.ndarray
    marginal: np.ndarray
    floor: float

    @classmethod
    def fit(cls, windows: Sequence[ClosedWindow]) -> Intervals | None:
        """Calibrates; None where there are fewer than `MIN_GROUP_ROWS` rows, or all are 0."""
        if not windows or sum(len(window.actual) for window in windows) < MIN_GROUP_ROWS:
            return None
        predicted = np.concatenate([window.predicted for window in windows])
        actual = np.concatenate([window.actual for window in windows])
        floor = _SCALE_FLOOR * math.fsum(predicted.tolist()) / len(predicted)
        if floor <= 0:
            return None
        edges = _edges(predicted)
        group = np.searchsorted(edges, predicted, side="right")
        scores = actual / np.maximum(predicted, floor)
        ratios = np.array(
            [
                np.transpose([_ends(scores[group == g], level) for g in range(len(edges) + 1)])
                for level in LEVELS
            ]
        )
        marginal = np.array([_ends(actual, level) for level in LEVELS])
        cutoffs = tuple(sorted((window.cutoff for window in windows), reverse=True))
        return cls(cutoffs, edges, ratios, marginal, floor)

    def bounds(self, predicted: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
        """Returns the lower and the upper end of each prediction, both of shape (n,).

        Raises:
            ValueError: The level isn't one of `LEVELS`.
        """
        at = LEVELS.index(level)
        group = np.searchsorted(self.edges, predicted, side="right")
        scale = np.maximum(predicted, self.floor)
        lower, upper = self.ratios[at][:, group] * scale
        return np.minimum(lower, predicted), np.maximum(upper, predicted)

    def confidence(self, width: np.ndarray) -> np.ndarray:
        """Returns 1 - width ÷ width of the marginal interval, cut to 0..1, at `MAIN_LEVEL`."""
        lower, upper = self.marginal[LEVELS.index(MAIN_LEVEL)]
        if upper <= lower:
            return np.where(width > 0, 0.0, 1.0)
        return np.clip(1 - width / (upper - lower), 0.0, 1.0)


def fits(window_days: int, horizon_days: int) -> bool:
    """Says whether windows of a length can calibrate a horizon: what is left out must be little."""
    return window_days >= (1 - _LENGTH_SLACK) * horizon_days


def closed_by(windows: Iterable[ClosedWindow], day: date) -> list[ClosedWindow]:
    """Returns the newest windows that were over by a day, at most `MAX_WINDOWS`."""
    over = [window for window in windows if (day - window.cutoff).days >= window.days]
    return sorted(over, key=lambda window: window.cutoff, reverse=True)[:MAX_WINDOWS]


def judge_intervals(
    intervals: Intervals, window: ClosedWindow, horizon_months: int
) -> pd.DataFrame:
    """Compares intervals with what came in a window that calibrated none of them.

    Args:
        intervals: Calibrated on windows that were over by the window's cutoff.
        window: The judge.
        horizon_months: Stands in each row.

    Returns:
        `INTERVAL_SCORE_COLUMNS`, one row a level and segment; a segment without customers has
        none. The marginal interval is the constant one of the same windows.

    Raises:
        ValueError: A window calibrated and judges, or wasn't over.
    """
    if any(cutoff >= window.cutoff for cutoff in intervals.cutoffs):
        raise ValueError(
            f"intervals calibrated at {intervals.cutoffs[0]} can't be judged at {window.cutoff}"
        )
    segments = _segments(window)
    rows = []
    for level, (marginal_lower, marginal_upper) in zip(LEVELS, intervals.marginal, strict=True):
        lower, upper = intervals.bounds(window.predicted, level)
        constant = (
            np.full(len(window.actual), marginal_lower),
            np.full(len(window.actual), marginal_upper),
        )
        for segment, members in segments.items():
            figures: dict[str, float] = {}
            for suffix, (low, high) in (("", (lower, upper)), ("_marginal", constant)):
                figures |= {
                    f"{name}{suffix}": value
                    for name, value in interval_figures(
                        window.actual[members], low[members], high[members], level
                    ).items()
                }
            rows.append(
                {
                    "horizon_months": horizon_months,
                    "nominal": level,
                    "cutoff": window.cutoff,
                    "segment": segment,
                    "horizon_days": window.days,
                    "calibration_cutoff": intervals.cutoffs[0],
                    "rows": len(members),
                }
                | figures
            )
    return pd.DataFrame(rows, columns=list(INTERVAL_SCORE_COLUMNS))


def interval_figures(
    actual: np.ndarray, lower: np.ndarray, upper: np.ndarray, level: float
) -> dict[str, float]:
    """Returns pinball loss, mean width and coverage of intervals; all of shape (n,), n ≥ 1.

    The pinball loss is the mean of both ends', each at its own quantile level.
    """
    tail = (1 - level) / 2
    n = len(actual)
    loss = _pinball(actual, lower, tail) + _pinball(actual, upper, 1 - tail)
    return {
        "pinball": loss / 2,
        "mean_width": math.fsum((upper - lower).tolist()) / n,
        "coverage": float(((actual >= lower) & (actual <= upper)).sum()) / n,
    }


def _segments(window: ClosedWindow) -> dict[str, np.ndarray]:
    order = np.argsort(window.predicted, kind="stable")
    segments = {"all": np.arange(len(order))}
    if len(order) >= DECILES:
        segments |= {
            f"decile_{number:02}": members
            for number, members in enumerate(np.array_split(order, DECILES), 1)
        }
    segments["one_time_buyers"] = np.flatnonzero(~window.repeat)
    segments["buyers"] = np.flatnonzero(window.actual > 0)
    return {name: members for name, members in segments.items() if len(members)}


def _edges(predicted: np.ndarray) -> np.ndarray:
    """Returns where groups of at least `MIN_GROUP_ROWS` begin; the highest are halved further.

    That is where a prediction of one group differs by most from another of it.
    """
    ordered = np.sort(predicted)
    rows = len(ordered)
    groups = max(min(MAX_GROUPS, rows // MIN_GROUP_ROWS), 1)
    places = [round(rows * number / groups) for number in range(1, groups)]
    top = (rows - places[-1]) // 2 if places else 0
    while top >= MIN_GROUP_ROWS:
        places.append(rows - top)
        top //= 2
    # Equal predictions are never apart.
    edges = np.unique(ordered[places]) if places else np.zeros(0)
    sizes = np.bincount(np.searchsorted(edges, predicted, side="right"), minlength=len(edges) + 1)
    while len(edges) and sizes.min() < MIN_GROUP_ROWS:
        smallest = int(sizes.argmin())
        edges = np.delete(edges, max(smallest - 1, 0))
        sizes = np.bincount(
            np.searchsorted(edges, predicted, side="right"), minlength=len(edges) + 1
        )
    return edges


def _ends(scores: np.ndarray, level: float) -> tuple[float, float]:
    ordered = np.sort(scores)
    rows = len(ordered)
    tail = (1 - level) / 2
    # The products are whole where they should be, whatever the last bit says.
    low = math.floor(round((rows + 1) * tail, 9))
    high = math.ceil(round((rows + 1) * (1 - tail), 9))
    # Spend has an end below, which stands in for a score that isn't there.
    return (float(ordered[low - 1]) if low else 0.0), float(ordered[min(high, rows) - 1])


def _pinball(actual: np.ndarray, quantile: np.ndarray, level: float) -> float:
    off = actual - quantile
    return math.fsum(np.maximum(level * off, (level - 1) * off).tolist()) / len(actual)
