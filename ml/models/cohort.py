"""Cohort-based CLV: customers are worth what their cohort went on to spend at their age."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Self

import numpy as np
import pandas as pd

from ml.features.btyd import check_features, day_number
from ml.horizons import DAYS_PER_MONTH, DAYS_PER_WEEK
from ml.models.candidate import Description, NotFittedError, checked_horizons, long_frame
from ml.models.preparation import Preparation

# An age that fewer customers have reached says nothing of a curve.
_MIN_EXPOSED = 30
_TAIL_WEEKS = 13
# A cohort's own level counts as much as that of the company once it has so many customers.
_PRIOR_CUSTOMERS = 50


class CohortCurve:
    """One curve of orders and value by age for the company, and a level for each monthly cohort.

    The curve gives repeat orders and value per customer and week of age, measured on all who
    reached that age. Past the last age that is known it stays at the mean of its last quarter.
    """

    name = "cohort_curve"

    def __init__(self) -> None:
        """Starts without a curve."""
        self._orders: np.ndarray | None = None
        self._value = np.zeros(1)
        self._levels = np.ones(1)

    def fit(self, daily: pd.DataFrame | Preparation, cutoff: date) -> Self:
        """Measures curve and levels; see `Candidate.fit`."""
        prepared = Preparation.of(daily)
        customers = prepared.customers(cutoff)
        days = prepared.days[prepared.days["day"].to_numpy() <= day_number(cutoff)]
        age_days = np.round(customers["T"].to_numpy() * DAYS_PER_WEEK).astype("int64")
        of = pd.Index(customers["customer_id"]).get_indexer(pd.Index(days["customer_id"]))
        end = day_number(cutoff)
        since_first = days["day"].to_numpy() - (end - age_days[of])
        repeat = since_first > 0
        weeks = int(age_days.max(initial=0)) // DAYS_PER_WEEK + 1
        week = since_first[repeat] // DAYS_PER_WEEK
        exposed = _exposure(age_days, weeks)
        orders = np.bincount(week, minlength=weeks)[:weeks].astype("float64")
        value = np.bincount(week, weights=days["value"].to_numpy()[repeat], minlength=weeks)[:weeks]
        self._orders = _curve(orders, exposed)
        self._value = _curve(value, exposed)
        self._levels = self._cohort_levels(age_days, of[repeat], days["value"].to_numpy()[repeat])
        return self

    def predict(self, customers: pd.DataFrame, horizons_weeks: Sequence[float]) -> pd.DataFrame:
        """Follows the curve from each customer's age on; see `Candidate.predict`."""
        if self._orders is None:
            raise NotFittedError("fit the cohort curve before predicting with it")
        check_features(customers)
        horizons = checked_horizons(horizons_weeks)
        age = customers["T"].to_numpy(dtype="float64")
        level = self._level(np.round(age * DAYS_PER_WEEK).astype("int64"))[:, None]
        ends = age[:, None] + horizons[None, :]
        orders = level * (_up_to(self._orders, ends) - _up_to(self._orders, age)[:, None])
        value = level * (_up_to(self._value, ends) - _up_to(self._value, age)[:, None])
        orders, value = np.maximum(orders, 0.0), np.maximum(value, 0.0)
        return long_frame(customers["customer_id"], horizons, orders, value, -np.expm1(-orders))

    def describe(self) -> Description:
        """Returns the curve's length and its tail."""
        if self._orders is None:
            raise NotFittedError("fit the cohort curve before describing it")
        return Description(
            name=self.name,
            params={
                "curve_weeks": float(len(self._orders)),
                "tail_orders_per_week": float(self._orders[-1]),
                "tail_value_per_week": float(self._value[-1]),
            },
            diagnostics={
                "fell_back": len(self._orders) == 1 or not self._orders.any(),
                "cohort_levels": [round(float(level), 6) for level in self._levels],
            },
        )

    def _cohort_levels(self, age_days: np.ndarray, of: np.ndarray, value: np.ndarray) -> np.ndarray:
        if not len(age_days):
            return np.ones(1)
        cohort = (age_days / DAYS_PER_MONTH).astype("int64")
        expected = _up_to(self._value, age_days / DAYS_PER_WEEK)
        spent = np.bincount(of, weights=value, minlength=len(age_days))
        size = np.bincount(cohort)
        of_cohort = np.bincount(cohort, weights=expected)
        prior = np.where(size > 0, _PRIOR_CUSTOMERS * of_cohort / np.maximum(size, 1), 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            level = (np.bincount(cohort, weights=spent) + prior) / (of_cohort + prior)
        return np.where(np.isfinite(level), level, 1.0)

    def _level(self, age_days: np.ndarray) -> np.ndarray:
        cohort = (age_days / DAYS_PER_MONTH).astype("int64")
        known = np.clip(cohort, 0, len(self._levels) - 1)
        return np.where(cohort < len(self._levels), self._levels[known], 1.0)


def _exposure(age_days: np.ndarray, weeks: int) -> np.ndarray:
    """Returns the customer-weeks lived in each week of age, shape (weeks,)."""
    whole = np.bincount(age_days // DAYS_PER_WEEK, minlength=weeks)[:weeks]
    part = np.bincount(
        age_days // DAYS_PER_WEEK, weights=(age_days % DAYS_PER_WEEK) / DAYS_PER_WEEK,
        minlength=weeks,
    )[:weeks]  # fmt: skip
    older = whole[::-1].cumsum()[::-1] - whole
    return older + part


def _curve(summed: np.ndarray, exposed: np.ndarray) -> np.ndarray:
    """Returns the weekly rate by age, the last entry being the tail's."""
    known = int((exposed >= _MIN_EXPOSED).sum())
    if known < 2:
        total = float(exposed.sum())
        return np.array([float(summed.sum()) / total if total > 0 else 0.0])
    first = max(known - _TAIL_WEEKS, 0)
    tail = float(summed[first:known].sum() / exposed[first:known].sum())
    return np.append(summed[:known] / exposed[:known], tail)


def _up_to(rate: np.ndarray, age: np.ndarray) -> np.ndarray:
    """Returns the curve's sum up to an age in weeks, any shape."""
    known = len(rate) - 1
    summed = np.concatenate([[0.0], np.cumsum(rate[:known])])
    inside = np.interp(np.minimum(age, known), np.arange(known + 1), summed)
    return np.asarray(inside + np.maximum(age - known, 0.0) * rate[-1])
