"""The blend: what the base, the trees and a log-linear correction agree on, at a sober level.

Shape and level are apart. The shape, who spends more than whom, is a weighted mean of five, each
brought to one total:

- Pareto/NBD and the base (MBG/NBD), each with Gamma-Gamma;
- the base corrected by two exponents that earlier windows give: one for its own value,
  one for the customer's past spend;
- LightGBM with Tweedie loss, whose trees learn by what to multiply the base;
- the hurdle, LightGBM without a base under it.

The mean is then drawn apart a little, for it is less spread than its parts.

The level, what all spend together, is a weighted geometric mean of what the base expects (a decay
that tends to be too steep) and the company's recent run rate of repeat spend (no decay at all).
The further the horizon reaches in relation to the history, the less is known of the decay, and the
more counts the run rate. Where the same season of the year before is known, the level follows it
in part: one year is one draw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from ml.features.btyd import check_features, day_number
from ml.horizons import DAYS_PER_WEEK
from ml.models.base import Base, BasePrediction, along
from ml.models.btyd import BuyTillYouDie
from ml.models.candidate import (
    Description,
    NotFittedError,
    checked_horizons,
    long_frame,
)
from ml.models.learned import (
    CAP_QUANTILE,
    DEFAULT_HORIZON_WEEKS,
    Learned,
    Trees,
    base_at,
    base_name,
    binned,
    learned_features,
    shrunk_offset,
    training_rows,
)
from ml.models.preparation import Preparation

SHAPE_WEIGHTS = {"pareto": 0.2, "base": 0.1, "log_linear": 0.2, "trees": 0.4, "hurdle": 0.1}
#: Of the log-odds of an order.
P_WEIGHTS = {"pareto": 0.35, "base": 0.25, "hurdle": 0.4}
_TWEEDIE_POWER = 1.4
_RIDGE = 0.01
_YEAR_WEEKS = 52.0
# With five quarters of history a whole year can be looked back on, in which no season counts twice.
_FIVE_QUARTERS = 65.0
_MIN_RUN_RATE_WEEKS = 26.0
# A year and a month: what a season is compared with.
_SEASON_DAYS = 365
_MIN_SEASON_HISTORY = 395
_SEASON_WEIGHT = 0.4
# The mean of several opinions lies nearer to the mean of all customers than what comes.
_SPREAD = 1.06
_FLOOR = 0.01
_EDGE = 1e-6


class Blend:
    """See the module. Without earlier windows to learn from, the base alone predicts."""

    name = "blend"

    def __init__(self, horizon_weeks: float = DEFAULT_HORIZON_WEEKS) -> None:
        """Names the horizon that it is trained for."""
        self._horizon_weeks = float(checked_horizons([horizon_weeks])[0])
        self._base: Base | None = None
        self._pareto = BuyTillYouDie("pareto_nbd")
        self._hurdle = Learned("hurdle", self._horizon_weeks)
        self._trees: Trees | None = None
        self._anchor_weeks = self._horizon_weeks
        self._exponents = np.array([1.0, 0.0])
        self._centres: dict[str, float] = {}
        self._scales: dict[str, float] = {}
        self._spread = 1.0
        self._level = 1.0
        self._season = 1.0

    def fit(self, daily: pd.DataFrame | Preparation, cutoff: date) -> Self:
        """Trains shape and level; see `Candidate.fit`."""
        prepared = Preparation.of(daily)
        self._base = Base.fit(prepared, cutoff)
        self._trees = None
        rows, days = training_rows(prepared, cutoff, round(self._horizon_weeks * DAYS_PER_WEEK))
        self._anchor_weeks = days / DAYS_PER_WEEK
        if rows is None:
            return self
        self._pareto.fit(prepared, cutoff)
        self._hurdle.fit(prepared, cutoff)
        self._trees = Trees.fit("tweedie", binned(rows.features), rows.value, np.log(rows.offset))
        self._learn_exponents(prepared, cutoff)
        judges = prepared.judges(cutoff)
        self._measure(judges, base_at(prepared, cutoff, days).every(prepared.stride(cutoff)))
        self._level = self._measured_level(prepared, cutoff, prepared.customers(cutoff))
        return self

    def predict(self, customers: pd.DataFrame, horizons_weeks: Sequence[float]) -> pd.DataFrame:
        """Blends at the anchor and carries that to the horizons; see `Candidate.predict`."""
        base = self._fitted()
        check_features(customers)
        horizons = checked_horizons(horizons_weeks)
        at_horizons = base.predict(customers, horizons)
        at_anchor = base.predict(customers, np.array([self._anchor_weeks]))
        value, p_active = at_anchor.value[:, 0], at_anchor.p_active[:, 0]
        if self._trees is not None:
            shapes, p_active = self._shapes(customers, at_anchor)
            value = self._level * self._spread * self._mean(shapes) ** _SPREAD
            # A level above the base's is partly more customers, partly more of each.
            p_active = -np.expm1(np.log1p(-np.minimum(p_active, 1 - _EDGE)) * self._level**0.5)
        return long_frame(
            customers["customer_id"], horizons, *along(value, p_active, at_anchor, at_horizons)
        )

    def describe(self) -> Description:
        """Returns weights, level and importances."""
        base = self._fitted()
        params = {"anchor_weeks": self._anchor_weeks, "level": self._level, "season": self._season}
        diagnostics: dict[str, Any] = {
            "fell_back": self._trees is None,
            "count_model": base.counts.model.name,
        }
        if self._trees is None:
            diagnostics["fallback"] = f"too few earlier windows: {base_name(base)}"
        else:
            params |= {
                "exponent_base": float(self._exponents[0]),
                "exponent_past": float(self._exponents[1]),
            }
            diagnostics |= {
                "importance": self._trees.importance(),
                "pareto": dict(self._pareto.describe().diagnostics),
            }
        return Description(name=self.name, params=params, diagnostics=diagnostics)

    def _fitted(self) -> Base:
        if self._base is None:
            raise NotFittedError(f"fit {self.name} before using it")
        return self._base

    def _shapes(
        self, customers: pd.DataFrame, at_anchor: BasePrediction
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Returns each part's values at the anchor, at no common total yet, and P(active)."""
        assert self._trees is not None  # noqa: S101 - callers have looked
        base_value = at_anchor.value[:, 0]
        pareto = self._pareto.predict(customers, [self._anchor_weeks])
        hurdle = self._hurdle.predict(customers, [self._anchor_weeks])
        odds = {
            "pareto": pareto["p_active"].to_numpy(),
            "base": at_anchor.p_active[:, 0],
            "hurdle": hurdle["p_active"].to_numpy(),
        }
        features = learned_features(customers, at_anchor, self._centres["base_mean"])
        mean = self._centres["base_mean"]
        offset = shrunk_offset(base_value, mean)
        logs = _logs(base_value, customers["total"].to_numpy(), mean, self._centres["total_mean"])
        centre = np.array([self._centres["log_base"], self._centres["log_total"]])
        return {
            "pareto": pareto["predicted_value"].to_numpy(),
            "base": base_value,
            "log_linear": np.exp((logs - centre) @ self._exponents),
            "trees": self._trees.predict(features, np.log(offset)),
            "hurdle": hurdle["predicted_value"].to_numpy(),
        }, _expit(
            np.sum([weight * _log_odds(odds[name]) for name, weight in P_WEIGHTS.items()], axis=0)
        )

    def _mean(self, shapes: Mapping[str, np.ndarray]) -> np.ndarray:
        """Returns the weighted mean of the parts, each at the base's total."""
        parts = [SHAPE_WEIGHTS[name] * self._scales[name] * shapes[name] for name in shapes]
        return np.sum(parts, axis=0)

    def _measure(self, customers: pd.DataFrame, at_anchor: BasePrediction) -> None:
        """Brings the parts to one total, on customers of the cutoff."""
        base_value, total = at_anchor.value[:, 0], customers["total"].to_numpy()
        base_mean, total_mean = float(base_value.mean()), float(total.mean())
        logs = _logs(base_value, total, base_mean, total_mean)
        self._centres = {
            "base_mean": base_mean,
            "total_mean": total_mean,
            "log_base": float(logs[:, 0].mean()),
            "log_total": float(logs[:, 1].mean()),
        }
        expected = float(base_value.sum())
        shapes, _ = self._shapes(customers, at_anchor)
        self._scales = {
            name: expected / float(shape.sum()) if shape.sum() > 0 else 0.0
            for name, shape in shapes.items()
        }
        spread = float((self._mean(shapes) ** _SPREAD).sum())
        self._spread = expected / spread if spread > 0 else 1.0

    def _measured_level(
        self, prepared: Preparation, cutoff: date, customers: pd.DataFrame
    ) -> float:
        base = self._fitted()
        running = run_rate(prepared, cutoff, self._horizon_weeks) * self._horizon_weeks
        at_horizon = base.predict(customers, np.array([self._horizon_weeks])).value.sum()
        self._season = season(prepared, cutoff, self._horizon_weeks, base)
        level = self._season**_SEASON_WEIGHT
        if running > 0 and at_horizon > 0:
            history = prepared.history_days(cutoff) / DAYS_PER_WEEK
            unknown = self._horizon_weeks / (self._horizon_weeks + history)
            level *= float((running / at_horizon) ** unknown)
        return level

    def _learn_exponents(self, prepared: Preparation, cutoff: date) -> None:
        """Fits value ~ base^a × past^b on the windows, each at its own level, drawn to (1, 0)."""
        logs, values = [], []
        for window in prepared.windows(cutoff, round(self._horizon_weeks * DAYS_PER_WEEK)):
            base = base_at(prepared, window.cutoff, window.days).value[:, 0]
            total = window.customers["total"].to_numpy()
            rows = _logs(base, total, float(base.mean()), float(total.mean()))
            logs.append(rows - rows.mean(axis=0))
            capped = np.minimum(
                window.value, np.quantile(window.value[window.value > 0], CAP_QUANTILE)
            )
            values.append(capped / capped.mean())
        x = np.vstack(logs)
        y = np.concatenate(values)
        design = np.column_stack([np.ones(len(x)), x])
        prior = np.array([1.0, 0.0])
        power = _TWEEDIE_POWER

        def loss(params: np.ndarray) -> tuple[float, np.ndarray]:
            eta = np.clip(design @ params, -30, 30)
            low, high = np.exp((1 - power) * eta), np.exp((2 - power) * eta)
            off = params[1:] - prior
            value = (high / (2 - power) - y * low / (1 - power)).mean() + _RIDGE * off @ off
            slope = design.T @ (high - y * low) / len(y)
            return float(value), slope + np.concatenate([[0.0], 2 * _RIDGE * off])

        found = minimize(loss, np.array([0.0, 1.0, 0.0]), jac=True, method="BFGS")
        if np.isfinite(found.x).all():
            self._exponents = found.x[1:]


def run_rate(prepared: Preparation, cutoff: date, horizon_weeks: float) -> float:
    """Returns the recent repeat spend of all customers together, per week.

    Looked back on is a year where there are five quarters of history, otherwise as long as the
    horizon, but at least half a year, as far as there is any.
    """
    history = prepared.history_days(cutoff) / DAYS_PER_WEEK
    weeks = _YEAR_WEEKS
    if history < _FIVE_QUARTERS:
        weeks = min(max(horizon_weeks, _MIN_RUN_RATE_WEEKS), _YEAR_WEEKS, history)
    if weeks <= 0:
        return 0.0
    return _repeat_value(prepared, cutoff, round(weeks * DAYS_PER_WEEK), 0) / weeks


def season(prepared: Preparation, cutoff: date, horizon_weeks: float, base: Base) -> float:
    """Returns how much more was spent in the horizon's season a year ago than in that whole year.

    Both are taken relative to what the base expects of customers of such age, so that neither
    growth nor decay counts as season.

    Args:
        prepared: The customer-days.
        cutoff: Last day that counts.
        horizon_weeks: The season begins the day after the cutoff and is so long.
        base: Fitted at the cutoff.

    Returns:
        The ratio; 1 where the horizon is a year or more, or the history less than 13 months.
    """
    length = round(horizon_weeks * DAYS_PER_WEEK)
    if length >= _SEASON_DAYS or prepared.history_days(cutoff) < _MIN_SEASON_HISTORY:
        return 1.0
    age = prepared.customers(cutoff)["T"].to_numpy()
    grid = np.arange(0.0, age.max() + 1.0) if len(age) else np.zeros(1)
    new = np.zeros(1)
    # Nothing is known of a customer at the first order: the expectation from there on.
    orders = np.zeros(len(grid))
    if len(grid) > 1:
        orders[1:] = base.counts.model.predict(new, new, new, grid[1:])[0][0]

    def relative(first: int, last: int) -> float:
        """Repeat value between so many days ago, over the orders expected then."""
        then = [np.maximum(age - days / DAYS_PER_WEEK, 0.0) for days in (first, last)]
        low, high = (np.interp(ages, grid, orders).sum() for ages in then)
        return _repeat_value(prepared, cutoff, first, last) / (high - low) if high > low else 0.0

    season_a_year_ago = relative(_SEASON_DAYS, _SEASON_DAYS - length)
    year = relative(_SEASON_DAYS, 0)
    return season_a_year_ago / year if season_a_year_ago > 0 and year > 0 else 1.0


def _repeat_value(prepared: Preparation, cutoff: date, first: int, last: int) -> float:
    """Returns what repeat orders were worth between `first` and `last` days before the cutoff."""
    days = prepared.days
    day = days["day"].to_numpy()
    ids = days["customer_id"].to_numpy()
    repeat = np.zeros(len(days), dtype=bool)
    repeat[1:] = ids[1:] == ids[:-1]
    end = day_number(cutoff)
    between = repeat & (day <= end - last) & (day > end - first)
    return float(days["value"].to_numpy()[between].sum())


def _logs(base: np.ndarray, total: np.ndarray, base_mean: float, total_mean: float) -> np.ndarray:
    parts = [
        np.log(values / mean + _FLOOR) if mean > 0 else np.zeros(len(values))
        for values, mean in ((base, base_mean), (total, total_mean))
    ]
    return np.column_stack(parts)


def _log_odds(p: np.ndarray) -> np.ndarray:
    clipped = np.clip(p, _EDGE, 1 - _EDGE)
    return np.log(clipped) - np.log1p(-clipped)


def _expit(eta: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(eta, -700, 700)))
