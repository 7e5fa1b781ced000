"""How far a customer's own history carries the prediction.

Three codes, exclusive and exhaustive. Every customer gets a row in the predictions; the code says
how to read it.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike


class Eligibility(StrEnum):
    """Code of a prediction row.

    Attributes:
        ELIGIBLE: At least one repeat day: the customer's own pace and order value count.
        ONE_TIME_BUYER: One paid day only: pace comes from the company, value mostly so.
        NO_PAID_ORDER: No day with a positive amount: nothing to learn from, the row holds zeros.
    """

    ELIGIBLE = "eligible"
    ONE_TIME_BUYER = "one_time_buyer"
    NO_PAID_ORDER = "no_paid_order"


def paid_customer_eligibility(frequency: ArrayLike) -> np.ndarray:
    """Returns the code of each customer who has paid at least once.

    Args:
        frequency: Repeat days per customer, shape (n,).

    Returns:
        Codes as str, shape (n,).
    """
    return np.where(
        np.asarray(frequency) > 0, Eligibility.ELIGIBLE.value, Eligibility.ONE_TIME_BUYER.value
    )
