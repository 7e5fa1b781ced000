"""MBG/NBD with Gamma-Gamma as the ground on which the learned models stand.

It says how a customer's orders unfold over time, which no tree can learn from windows that are all
of one length. So a learned model predicts at one length, its anchor, and every other horizon
follows the course that the base gives the customer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from ml.features.btyd import distinct_patterns
from ml.models.counts import CountFit, Family
from ml.models.preparation import Preparation
from ml.models.spend import SpendModel

_FAMILY: Family = "mbg_nbd"
# A probability nearer to 0 or 1 than this says no more.
_EDGE = 1e-6


@dataclass(frozen=True)
class BasePrediction:
    """What the base expects; n customers, h horizons.

    Attributes:
        orders: Shape (n, h).
        order_value: Base currency, shape (n,).
        p_active: Shape (n, h).
    """

    orders: np.ndarray
    order_value: np.ndarray
    p_active: np.ndarray

    @property
    def value(self) -> np.ndarray:
        """Expected gross value, shape (n, h)."""
        return self.orders * self.order_value[:, None]

    def every(self, stride: int) -> BasePrediction:
        """Returns that of every `stride`-th customer."""
        return BasePrediction(
            self.orders[::stride], self.order_value[::stride], self.p_active[::stride]
        )


@dataclass(frozen=True)
class Base:
    """The fitted base."""

    counts: CountFit
    spend: SpendModel

    @classmethod
    def fit(cls, prepared: Preparation, cutoff: date) -> Base:
        """Fits on what was known at the cutoff."""
        return cls(prepared.counts(_FAMILY, cutoff), prepared.spend(cutoff))

    def predict(self, customers: pd.DataFrame, horizons: np.ndarray) -> BasePrediction:
        """Predicts at horizons in weeks, shape (h,)."""
        patterns, of = distinct_patterns(customers)
        x, recency, age = (
            patterns[column].to_numpy(dtype="float64") for column in ("frequency", "recency", "T")
        )
        orders, p_active = self.counts.model.predict(x, recency, age, horizons)
        return BasePrediction(orders[of], self.spend.expected_value(customers), p_active[of])


def along(
    anchor_value: np.ndarray,
    anchor_p: np.ndarray,
    at_anchor: BasePrediction,
    at_horizons: BasePrediction,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Carries a prediction at the anchor to other horizons.

    The value grows as the base's orders do. So does the hazard of an order, -log(1 - P(active)),
    relative to the base's own. Both never fall as the horizon grows.

    Args:
        anchor_value: Predicted value at the anchor, shape (n,).
        anchor_p: P(active) at the anchor, shape (n,).
        at_anchor: The base at the anchor, one horizon.
        at_horizons: The base at the horizons wanted, h of them.

    Returns:
        Orders, value and P(active), each of shape (n, h).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        course = at_horizons.orders / at_anchor.orders
    # Whom the base has given up for good has no course: nothing ever comes.
    course = np.where(np.isfinite(course), course, 0.0)
    value = anchor_value[:, None] * course
    hazard = np.log1p(-np.clip(anchor_p, _EDGE, 1 - _EDGE))
    base_hazard = np.log1p(-np.clip(at_anchor.p_active[:, 0], _EDGE, 1 - _EDGE))
    ratio = (hazard / base_hazard)[:, None]
    p_active = -np.expm1(ratio * np.log1p(-np.clip(at_horizons.p_active, 0.0, 1 - _EDGE)))
    with np.errstate(divide="ignore", invalid="ignore"):
        orders = value / at_horizons.order_value[:, None]
    orders = np.where(np.isfinite(orders), orders, 0.0)
    # P(at least one order) never exceeds the expected number.
    return np.maximum(orders, p_active), value, p_active
