"""Buy till you die: a count model for how many orders, Gamma-Gamma for how much each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Self

import numpy as np
import pandas as pd

from ml.features.btyd import check_features, distinct_patterns
from ml.horizons import horizon_days, in_weeks
from ml.models.candidate import Description, NotFittedError, checked_horizons, prediction_frame
from ml.models.counts import CountFit, Family, discounted_orders
from ml.models.preparation import Preparation
from ml.models.spend import SpendModel


class BuyTillYouDie:
    """A family of lifetimes with Gamma-Gamma, as one candidate.

    Attributes:
        name: The family, which is the candidate's name even where the fit had to step down;
            `describe` tells what is inside.
    """

    def __init__(self, family: Family, history_days: int | None = None) -> None:
        """Names the family; nothing is fitted yet.

        Args:
            family: Of the count model.
            history_days: Fit on customers alone who came within so many days; None takes all.
        """
        self._history_days = history_days
        self.name: str = family
        self._family = family
        self._counts: CountFit | None = None
        self._spend = SpendModel()

    def fit(self, daily: pd.DataFrame | Preparation, cutoff: date) -> Self:
        """Fits counts and spend; see `Candidate.fit`."""
        prepared = Preparation.of(daily)
        self._counts = prepared.counts(self._family, cutoff, self._history_days)
        self._spend = prepared.spend(cutoff, self._history_days)
        return self

    def predict(self, customers: pd.DataFrame, horizons_weeks: Sequence[float]) -> pd.DataFrame:
        """Evaluates the closed forms once per distinct pattern; see `Candidate.predict`."""
        counts = self._fitted()
        check_features(customers)
        horizons = checked_horizons(horizons_weeks)
        patterns, pattern_of = distinct_patterns(customers)
        x, recency, age = (
            patterns[column].to_numpy(dtype="float64") for column in ("frequency", "recency", "T")
        )
        orders, p_active = counts.model.predict(x, recency, age, horizons)
        return prediction_frame(
            customers["customer_id"],
            horizons,
            orders[pattern_of],
            self._spend.expected_value(customers),
            p_active[pattern_of],
        )

    def discounted_value(
        self, customers: pd.DataFrame, months: int, yearly_rate: float
    ) -> np.ndarray:
        """Returns what the customers are worth today: the classic CLV, without a monthly path.

        Args:
            customers: See `Candidate.predict`, n rows.
            months: That count, from T on.
            yearly_rate: See `ml.discounting.discounted_path`.

        Returns:
            Gross value in base currency, shape (n,); equal to the discounted path of `predict`.
        """
        counts = self._fitted()
        check_features(customers)
        x, recency, age = (
            customers[column].to_numpy(dtype="float64") for column in ("frequency", "recency", "T")
        )
        ends = np.array([in_weeks(horizon_days(month)) for month in range(1, months + 1)])
        orders = discounted_orders(counts.model, x, recency, age, ends, yearly_rate)
        return orders * self._spend.expected_value(customers)

    def describe(self) -> Description:
        """Returns the parameters of both parts and the course of both fits."""
        counts = self._fitted()
        return Description(
            name=self.name,
            params=counts.model.params() | self._spend.params(),
            diagnostics={
                "history_days": self._history_days,
                "count_model": counts.model.name,
                "fell_back": counts.model.name != self._family or counts.prior is not None,
                "prior": counts.prior,
                "count_attempts": [asdict(attempt) for attempt in counts.attempts],
                "spend_model": "gamma_gamma" if self._spend.fitter is not None else "pooled_mean",
                "spend_attempts": [asdict(attempt) for attempt in self._spend.attempts],
                "frequency_value_correlation": self._spend.correlation,
                "winsorised_customers": self._spend.winsorised,
            },
        )

    def _fitted(self) -> CountFit:
        if self._counts is None:
            raise NotFittedError(f"fit {self.name} before using it")
        return self._counts
