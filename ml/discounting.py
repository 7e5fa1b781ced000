"""What money that comes later is worth today."""

from __future__ import annotations

import numpy as np


def discounted_path(cumulative: np.ndarray, yearly_rate: float) -> np.ndarray:
    """Returns the present value of a cumulative path given at the end of each month.

    Args:
        cumulative: Value up to the end of months 1..k, shape (n, k).
        yearly_rate: Effective yearly rate; a month's increment comes at the middle of the month.

    Returns:
        Cumulative present value at the end of months 1..k, shape (n, k).
    """
    increments = np.diff(cumulative, axis=1, prepend=0.0)
    middle = (np.arange(cumulative.shape[1]) + 0.5) / 12
    return np.cumsum(increments * (1 + yearly_rate) ** -middle, axis=1)
