"""The baseline that every model has to beat: the past goes on as it was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Self

import numpy as np
import pandas as pd

from ml.features.btyd import check_features, day_number
from ml.horizons import in_weeks
from ml.models.candidate import Description, NotFittedError, checked_horizons, prediction_frame
from ml.models.preparation import Preparation


class NaiveRate:
    """Past rate × horizon.

    The rate is what a customer did up to the cutoff ÷ the length of the calibration window, which
    is the company's, from its first paid day to the cutoff (both included). Orders are taken as
    Poisson at that rate, which gives P(active).
    """

    name = "naive"

    def __init__(self) -> None:
        """Starts without a window."""
        self._window_weeks: float | None = None

    def fit(self, daily: pd.DataFrame | Preparation, cutoff: date) -> Self:
        """Measures the calibration window; see `Candidate.fit`."""
        days = Preparation.of(daily).days["day"].to_numpy()
        end = day_number(cutoff)
        known = days[days <= end]
        first = int(known.min()) if len(known) else end
        self._window_weeks = in_weeks(end - first + 1)
        return self

    def predict(self, customers: pd.DataFrame, horizons_weeks: Sequence[float]) -> pd.DataFrame:
        """Extends each customer's past; see `Candidate.predict`."""
        if self._window_weeks is None:
            raise NotFittedError("fit the naive baseline before predicting with it")
        check_features(customers)
        horizons = checked_horizons(horizons_weeks)
        past_orders = customers["frequency"].to_numpy(dtype="float64") + 1
        orders = np.outer(past_orders / self._window_weeks, horizons)
        order_value = customers["total"].to_numpy(dtype="float64") / past_orders
        return prediction_frame(
            customers["customer_id"], horizons, orders, order_value, -np.expm1(-orders)
        )

    def describe(self) -> Description:
        """Returns the length of the window."""
        if self._window_weeks is None:
            raise NotFittedError("fit the naive baseline before describing it")
        return Description(name=self.name, params={"window_weeks": self._window_weeks})
