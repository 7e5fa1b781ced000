"""How far a customer's own history, and a company's, carries the prediction.

The codes of each list are exclusive and exhaustive; docs/eligibility.md has them all.
Every customer gets a row in the predictions; the code says how to read it.
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


class CompanyEligibility(StrEnum):
    """What a company's history allows, from nothing to a contest.

    Attributes:
        NO_CUSTOMERS: Nobody has paid yet: there is nothing to predict.
        FEW_REPEAT_CUSTOMERS: Fewer than 10 came back: no model can be fitted, one rate for all
            stands in for it.
        NO_HOLDOUT: The history or the customers before the cutoff don't suffice to hold days out:
            the default model predicts, and nobody knows how well.
        CONTEST: The models compete.
    """

    NO_CUSTOMERS = "no_customers"
    FEW_REPEAT_CUSTOMERS = "few_repeat_customers"
    NO_HOLDOUT = "no_holdout"
    CONTEST = "contest"


def company_eligibility(
    customers: int, repeat_customers: int, min_repeat: int, contest_held: bool
) -> CompanyEligibility:
    """Returns the first code whose rule holds, in the order of the list.

    Args:
        customers: Who have paid.
        repeat_customers: Who have paid on two days or more.
        min_repeat: Repeat customers that a fit takes.
        contest_held: Whether candidates were judged on a holdout.
    """
    if customers == 0:
        return CompanyEligibility.NO_CUSTOMERS
    if repeat_customers < min_repeat:
        return CompanyEligibility.FEW_REPEAT_CUSTOMERS
    return CompanyEligibility.CONTEST if contest_held else CompanyEligibility.NO_HOLDOUT
