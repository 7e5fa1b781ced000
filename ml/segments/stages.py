"""Stages of customers by their time since the first order, as the marts have them."""

from __future__ import annotations

import numpy as np

STAGES = ("New", "Growing", "Established", "Loyal")
_LAST_DAYS = (90, 180, 365)


def stages(tenure_days: np.ndarray) -> np.ndarray:
    """Returns the stage of each customer: New 0-90 days, Growing to 180, Established to 365."""
    return np.asarray(STAGES)[np.searchsorted(_LAST_DAYS, tenure_days, side="left")]
