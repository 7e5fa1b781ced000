"""Reasons in words: the drivers that weigh most for a customer, with the customer's own figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.explain.drivers import PATTERN, by_driver, readable_features

REASONS = 3
_DAYS_PER_YEAR = 365.25
_DAYS_PER_MONTH = 30.4375


@dataclass(frozen=True)
class Money:
    """How money is written.

    Attributes:
        currency: ISO 4217 code.
        decimals: Of its minor unit: USD 2, JPY 0.
    """

    currency: str
    decimals: int = 2

    def __call__(self, amount: float) -> str:
        """Returns an amount such as ``1,234.50 USD``."""
        return f"{amount:,.{self.decimals}f} {self.currency}"


def reasons(
    contributions: pd.DataFrame,
    customers: pd.DataFrame,
    everyone: pd.DataFrame,
    money: Money,
    is_surrogate: bool,
) -> pd.DataFrame:
    """Returns the three drivers that weigh most for each customer.

    SHAP values add up, so those of features that tell of the same are one reason; otherwise three
    reasons would often say one thing thrice.

    Args:
        contributions: SHAP values, n rows.
        customers: `ml.features.btyd.FEATURE_COLUMNS` of the same customers.
        everyone: The same of all customers of the company, for what is typical.
        money: How money is written.
        is_surrogate: Whether they are a surrogate's.

    Returns:
        `customer_id`, `rank`, `feature` (the driver), `contribution`, `reason`, `is_surrogate`;
        drivers that weigh nothing give no reason.
    """
    if not len(contributions):
        return _frame([])
    of_drivers = by_driver(contributions)
    drivers, summed = list(of_drivers.columns), of_drivers.to_numpy()
    order = np.argsort(-np.abs(summed), axis=1, kind="stable")[:, :REASONS]
    typical = {str(k): float(v) for k, v in readable_features(everyone).median().items()}
    rows = []
    figures = readable_features(customers).to_dict("records")
    for place, (customer_id, own) in enumerate(zip(customers["customer_id"], figures, strict=True)):
        for rank, column in enumerate(order[place], start=1):
            weight = float(summed[place, column])
            if weight == 0:
                break
            driver = drivers[column]
            fact = _FACTS[driver]({str(k): float(v) for k, v in own.items()}, typical, money)
            effect = "raises" if weight > 0 else "lowers"
            sentence = f"{fact}: {effect} the expected value."
            rows.append((customer_id, rank, driver, weight, sentence, is_surrogate))
    return _frame(rows)


def _frame(rows: list[tuple[str, int, str, float, str, bool]]) -> pd.DataFrame:
    return pd.DataFrame(
        rows,
        columns=["customer_id", "rank", "feature", "contribution", "reason", "is_surrogate"],
    )


Figures = dict[str, float]


def _days(days: float) -> str:
    whole = round(days)
    return "1 day" if whole == 1 else f"{whole:,} days"


def _ago(days: float) -> str:
    return "today" if round(days) == 0 else f"{_days(days)} ago"


def _span(days: float) -> str:
    if days < 2 * _DAYS_PER_MONTH:
        return _days(days)
    if days < 2 * _DAYS_PER_YEAR:
        return f"{days / _DAYS_PER_MONTH:.0f} months"
    return f"{days / _DAYS_PER_YEAR:.1f} years"


def _times(count: float) -> str:
    whole = round(count)
    return {1: "once", 2: "twice"}.get(whole, f"{whole:,} times")


def _orders(own: Figures, typical: Figures, money: Money) -> str:
    return f"Ordered {_times(own['orders'])} so far; half of all customers {_half(typical)}"


def _half(typical: Figures) -> str:
    return f"ordered {_times(typical['orders'])} or less"


def _last_order(own: Figures, typical: Figures, money: Money) -> str:
    fact = f"Last order {_ago(own['days_since_last_order'])}"
    gap = own["days_between_orders"]
    return fact if np.isnan(gap) else f"{fact}, with {_days(gap)} between orders so far"


def _rhythm(own: Figures, typical: Figures, money: Money) -> str:
    if np.isnan(own["days_between_orders"]):
        return "Ordered on one day only, so there is no rhythm yet"
    return f"Orders every {_days(own['days_between_orders'])} on average"


def _order_value(own: Figures, typical: Figures, money: Money) -> str:
    return (
        f"Spends {money(own['average_order_value'])} an order; "
        f"the typical customer {money(typical['average_order_value'])}"
    )


def _spend(own: Figures, typical: Figures, money: Money) -> str:
    return (
        f"Spent {money(own['spend_to_date'])} so far; "
        f"the typical customer {money(typical['spend_to_date'])}"
    )


def _recent(own: Figures, typical: Figures, money: Money) -> str:
    if own["orders_52w"] == 0:
        return "Ordered nothing in the last 12 months"
    return (
        f"Ordered {_times(own['orders_52w'])} in the last 12 months, for {money(own['value_52w'])}"
    )


def _tenure(own: Figures, typical: Figures, money: Money) -> str:
    return f"First order {_span(own['days_since_first_order'])} ago"


def _pattern(own: Figures, typical: Figures, money: Money) -> str:
    return (
        f"Customers with {_days(own['orders'])} of orders, the last one "
        f"{_ago(own['days_since_last_order'])}, tell what comes next"
    )


_FACTS: dict[str, Callable[[Figures, Figures, Money], str]] = {
    "orders": _orders,
    "last_order": _last_order,
    "rhythm": _rhythm,
    "order_value": _order_value,
    "spend": _spend,
    "recent": _recent,
    "tenure": _tenure,
    PATTERN: _pattern,
}
