"""What several candidates need of the same customer-days, computed once.

A contest fits a dozen candidates at the same cutoffs; the fits of lifetimes and the earlier windows
that the learned ones are trained on are the same for all of them. Everything here is a function of
the days up to a cutoff, so that sharing it can't leak.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from ml.features.btyd import customer_features, day_number, distinct_patterns, paid_days
from ml.horizons import DAYS_PER_WEEK
from ml.models.counts import CountFit, Family, fit_counts
from ml.models.priors import DEFAULT, Prior
from ml.models.spend import SpendModel

Result = TypeVar("Result")

# Earlier windows that a learned model is trained on, newest first.
MAX_WINDOWS = 4
_WINDOW_STEP_DAYS = 28
_HALF_YEAR_DAYS = 183
_QUARTER_DAYS = 91
# A window takes at least so much history before it.
_MIN_HISTORY_DAYS = 61
_MIN_WINDOW_CUSTOMERS = 100
# Customers of a cutoff on whom candidates are compared.
MAX_JUDGES = 40_000
# Pareto/NBD needs an integral a pattern; more patterns make its parameters no better.
_MAX_PATTERNS = {"bg_nbd": 60_000, "mbg_nbd": 60_000, "pareto_nbd": 4_000}


@dataclass(frozen=True)
class Window:
    """Customers at an earlier cutoff and what they did in the days after it.

    Attributes:
        cutoff: Last day that was known.
        days: Length of the window.
        customers: `ml.features.btyd.FEATURE_COLUMNS`, n rows.
        orders: Paid days in the window, shape (n,).
        value: Their value, shape (n,).
    """

    cutoff: date
    days: int
    customers: pd.DataFrame
    orders: np.ndarray
    value: np.ndarray


class Preparation:
    """Customer-days and what has been computed of them so far."""

    def __init__(self, daily: pd.DataFrame, prior: Prior = DEFAULT) -> None:
        """Takes customer-days, and what is believed where they are too few for a fit.

        Args:
            daily: See `ml.features.btyd.paid_days`.
            prior: See `ml.models.priors`.
        """
        self.prior = prior
        self.days = paid_days(daily)
        self._day = self.days["day"].to_numpy()
        self._value = self.days["value"].to_numpy()
        ids = self.days["customer_id"].to_numpy()
        #: The customer of each row, numbered by id.
        self._of = np.cumsum(np.append(False, ids[1:] != ids[:-1])[: len(ids)])
        self._results: dict[Hashable, Any] = {}

    @classmethod
    def of(cls, daily: pd.DataFrame | Preparation) -> Preparation:
        """Returns the preparation itself, or a new one of customer-days."""
        return daily if isinstance(daily, Preparation) else cls(daily)

    def once(self, key: Hashable, compute: Callable[[], Result]) -> Result:
        """Returns what `compute` returned when the key was first asked for."""
        if key not in self._results:
            self._results[key] = compute()
        result: Result = self._results[key]
        return result

    def customers(self, cutoff: date) -> pd.DataFrame:
        """Returns the features of the customers at a cutoff."""
        return self.once(("customers", cutoff), lambda: customer_features(self.days, cutoff))

    def judges(self, cutoff: date) -> pd.DataFrame:
        """Returns the customers of a cutoff on whom candidates are compared.

        All of them up to `MAX_JUDGES`, beyond that every k-th by id: tens of thousands tell two
        models apart as well as a million, and a fit takes all of them anyway.
        """
        return self.customers(cutoff).iloc[:: self.stride(cutoff)]

    def stride(self, cutoff: date) -> int:
        """Returns of how many customers one is among the `judges`."""
        return -(-len(self.customers(cutoff)) // MAX_JUDGES) or 1

    def counts(self, family: Family, cutoff: date, history_days: int | None = None) -> CountFit:
        """Returns the fit of a family, on customers who came within the last `history_days`."""

        def fit() -> CountFit:
            patterns, _ = distinct_patterns(self.recent(cutoff, history_days))
            stride = -(-len(patterns) // _MAX_PATTERNS[family]) or 1
            return fit_counts(family, patterns.iloc[::stride], self.prior)

        return self.once(("counts", family, cutoff, history_days), fit)

    def spend(self, cutoff: date, history_days: int | None = None) -> SpendModel:
        """Returns the fit of the order values, on the same customers."""
        return self.once(
            ("spend", cutoff, history_days),
            lambda: SpendModel(self.prior).fit(self.recent(cutoff, history_days)),
        )

    def recent(self, cutoff: date, history_days: int | None) -> pd.DataFrame:
        """Returns the customers whose first paid day lies within the last `history_days`."""
        customers = self.customers(cutoff)
        if history_days is None:
            return customers
        return customers[customers["T"].to_numpy() * DAYS_PER_WEEK < history_days]

    def own_fit(self, cutoff: date) -> Prior | None:
        """Returns what another company may borrow of this one; None where it has no fit itself."""
        counts, spend = self.counts("mbg_nbd", cutoff), self.spend(cutoff)
        if counts.prior or counts.model.name != "mbg_nbd" or spend.fitter is None:
            return None
        p, q, _ = (float(value) for value in spend.fitter.params_.to_numpy())
        return Prior(**counts.model.params(), p=p, q=q, source="own fit")

    def first_day(self) -> int:
        """Returns the number of the company's first paid day."""
        return int(self._day.min()) if len(self._day) else 0

    def history_days(self, cutoff: date) -> int:
        """Returns the days from the company's first paid day to the cutoff, both included."""
        if not len(self._day):
            return 0
        return max(day_number(cutoff) - self.first_day() + 1, 0)

    def outcome(self, cutoff: date, days: int) -> Window:
        """Returns what the customers of a cutoff did in the days after it."""
        return self.once(("outcome", cutoff, days), lambda: self._outcome(cutoff, days))

    def _outcome(self, cutoff: date, days: int) -> Window:
        customers = self.customers(cutoff)
        end = day_number(cutoff)
        later = (self._day > end) & (self._day <= end + days)
        # Rows and customers are both sorted by customer: their places are those of the known ones.
        known = np.zeros(self._of[-1] + 1 if len(self._of) else 0, dtype=bool)
        known[self._of[self._day <= end]] = True
        place = (np.cumsum(known) - 1)[self._of[later]]
        place = np.where(known[self._of[later]], place, -1)
        kept = place >= 0
        value = self._value[later][kept]
        return Window(
            cutoff,
            days,
            customers,
            np.bincount(place[kept], minlength=len(customers)),
            np.bincount(place[kept], weights=value, minlength=len(customers)).astype("float64"),
        )

    def windows(self, cutoff: date, horizon_days: int) -> tuple[Window, ...]:
        """Returns earlier windows that had closed by the cutoff, as long as the horizon if may be.

        Where the history is too short for that, the windows are of half a year or a quarter. One
        of a quarter stands beside longer ones, because it begins last.
        """

        def build() -> tuple[Window, ...]:
            found: list[Window] = []
            for days in sorted(
                {
                    horizon_days,
                    min(horizon_days, _HALF_YEAR_DAYS),
                    min(horizon_days, _QUARTER_DAYS),
                },
                reverse=True,
            ):
                for step in range(MAX_WINDOWS - 1):
                    start = cutoff - timedelta(days=days + step * _WINDOW_STEP_DAYS)
                    known = self.history_days(start)
                    if known < max(_MIN_HISTORY_DAYS, days / 2) or len(found) == MAX_WINDOWS:
                        break
                    customers = self.customers(start)
                    if len(customers) < _MIN_WINDOW_CUSTOMERS:
                        break
                    window = self.outcome(start, days)
                    if window.value.any():
                        found.append(window)
            return tuple(found)

        return self.once(("windows", cutoff, horizon_days), build)
