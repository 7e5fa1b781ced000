"""The one interface of all models that compete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
import pandas as pd

from ml.models.preparation import Preparation

PREDICTION_COLUMNS = (
    "customer_id",
    "horizon_weeks",
    "expected_orders",
    "predicted_value",
    "p_active",
)


@dataclass(frozen=True)
class Description:
    """What a fitted model says of itself.

    Attributes:
        name: Name of the candidate.
        params: Fitted parameters by name.
        diagnostics: How the fit went, JSON-serialisable: attempts, fall-backs, data notes.
    """

    name: str
    params: Mapping[str, float]
    diagnostics: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Candidate(Protocol):
    """A model of future orders and spend per customer."""

    name: str

    def fit(self, daily: pd.DataFrame | Preparation, cutoff: date) -> Self:
        """Fits on the customer-days up to and including `cutoff` and on nothing else.

        Args:
            daily: See `ml.features.btyd.paid_days`; a `Preparation` of them lets candidates that
                are fitted at the same cutoff share their work.
            cutoff: Last day that the model may know.

        Returns:
            The candidate itself.
        """
        ...

    def predict(self, customers: pd.DataFrame, horizons_weeks: Sequence[float]) -> pd.DataFrame:
        """Predicts every customer at every horizon in one pass.

        Args:
            customers: Frame with `ml.features.btyd.FEATURE_COLUMNS`, n rows.
            horizons_weeks: Lengths of the horizons in weeks, h of them, each > 0.

        Returns:
            n × h rows with `PREDICTION_COLUMNS`, customers in the order given, horizons within
            customer: expected orders, their gross value in base currency, undiscounted, and the
            probability of at least one order.
        """
        ...

    def describe(self) -> Description:
        """Returns parameters and diagnostics of the fit."""
        ...


class NotFittedError(RuntimeError):
    """A candidate was asked for a prediction before it was fitted."""


def checked_horizons(horizons_weeks: Sequence[float]) -> np.ndarray:
    """Returns the horizons as an array of shape (h,).

    Raises:
        ValueError: There is none, or one is not a positive number.
    """
    horizons = np.asarray(horizons_weeks, dtype="float64")
    if horizons.ndim != 1 or not len(horizons):
        raise ValueError("horizons must be a list of at least one number of weeks")
    if not (np.isfinite(horizons) & (horizons > 0)).all():
        raise ValueError(f"horizons must be positive numbers of weeks, not {horizons.tolist()}")
    return horizons


def prediction_frame(
    customer_ids: pd.Series,
    horizons: np.ndarray,
    orders: np.ndarray,
    order_value: np.ndarray,
    p_active: np.ndarray,
) -> pd.DataFrame:
    """Lays predictions out long.

    Args:
        customer_ids: Shape (n,).
        horizons: Weeks, shape (h,).
        orders: Expected orders, shape (n, h).
        order_value: Expected value of an order, base currency, shape (n,).
        p_active: Probability of at least one order, shape (n, h).

    Returns:
        n × h rows with `PREDICTION_COLUMNS`.
    """
    return long_frame(customer_ids, horizons, orders, orders * order_value[:, None], p_active)


def long_frame(
    customer_ids: pd.Series,
    horizons: np.ndarray,
    orders: np.ndarray,
    value: np.ndarray,
    p_active: np.ndarray,
) -> pd.DataFrame:
    """Lays out predictions whose value is given, shape (n, h), and not orders × order value."""
    return pd.DataFrame(
        {
            "customer_id": np.repeat(customer_ids.to_numpy(), len(horizons)),
            "horizon_weeks": np.tile(horizons, len(customer_ids)),
            "expected_orders": orders.ravel(),
            "predicted_value": value.ravel(),
            "p_active": p_active.ravel(),
        }
    )
