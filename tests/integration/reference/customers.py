"""What is to be said of each customer, in plain Python from the orders and their lines.

Orders and lines are what the marts say; that these are right is shown against the stand-ins' truth.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

WINDOWS = (90, 180, 270, 365, 540)


@dataclass(frozen=True)
class Line:
    """A line of an order, on its own day, in the base currency.

    Attributes:
        paid, back: What was paid and given back, in the order's currency.
    """

    customer_id: str
    order_id: str
    day: date
    product: str | None
    gross: Decimal
    discount: Decimal
    refunded: Decimal
    net: Decimal
    paid: Decimal
    back: Decimal


def _quintiles(values: dict[str, Any]) -> dict[str, int]:
    """Scores of 1 to 5 by the share of others that are smaller; equals share a score."""
    ordered = sorted(values.values())
    others = max(len(ordered) - 1, 1)
    return {name: min(5 * ordered.index(value) // others, 4) + 1 for name, value in values.items()}


def rfm(lines: Iterable[Line], as_of: date) -> dict[str, tuple[int, int, int, int, int, int]]:
    """Returns recency, frequency, monetary in ten-thousandths and the three scores of each."""
    orders: dict[str, dict[str, date]] = defaultdict(dict)
    monetary: dict[str, int] = defaultdict(int)
    for line in lines:
        monetary[line.customer_id] += int(line.net * 10_000)
        if line.net >= 0:
            known = orders[line.customer_id].get(line.order_id, line.day)
            orders[line.customer_id][line.order_id] = min(known, line.day)
    recency = {name: (as_of - max(days.values())).days for name, days in orders.items()}
    frequency = {name: len(days) for name, days in orders.items()}
    spent = {name: monetary[name] for name in orders}
    r_scores = _quintiles({name: -days for name, days in recency.items()})
    f_scores, m_scores = _quintiles(frequency), _quintiles(spent)
    return {
        name: (
            recency[name],
            frequency[name],
            spent[name],
            r_scores[name],
            f_scores[name],
            m_scores[name],
        )
        for name in orders
    }


def features(lines: Iterable[Line], as_of: date) -> dict[str, dict[str, float | None]]:
    """Returns the features of every customer who had bought by the end of a day.

    Args:
        lines: All lines, later ones too: they must change nothing.
        as_of: The day.
    """
    by_customer: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        if line.day <= as_of:
            by_customer[line.customer_id].append(line)
    return {
        name: _features(of_one, as_of)
        for name, of_one in by_customer.items()
        if any(line.net >= 0 for line in of_one)
    }


def _features(lines: list[Line], as_of: date) -> dict[str, float | None]:
    by_order: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        by_order[line.order_id].append(line)
    order_day = {
        name: min(line.day for line in of_one if line.net >= 0)
        for name, of_one in by_order.items()
        if any(line.net >= 0 for line in of_one)
    }
    days = sorted(set(order_day.values()))
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    gross = sum((line.gross for line in lines), Decimal(0))
    refunded = sum((line.refunded for line in lines), Decimal(0))
    discount = sum((line.discount for line in lines), Decimal(0))
    paid = [
        day
        for day in days
        if sum(line.gross for line in lines if line.day == day) > 0
        and not all(_is_given_back(by_order[name]) for name, on in order_day.items() if on == day)
    ]
    first_paid, last_paid = (paid[0], paid[-1]) if paid else (None, None)
    products = {line.product for line in lines if line.product is not None and line.net >= 0}

    def since(day: date | None) -> float | None:
        return None if day is None else float((as_of - day).days)

    told: dict[str, float | None] = {
        "orders": float(len(order_day)),
        "revenue_sum": float(gross),
        "net_revenue_sum": float(gross - discount - refunded),
        "avg_order_value": float(gross / len(order_day)),
        "recency_days": since(days[-1]),
        "tenure_days": since(days[0]),
        "is_repeat_buyer": float(len(days) > 1),
        "active_last_30d": float((as_of - days[-1]).days < 30),
        "mean_days_between_orders": statistics.fmean(gaps) if gaps else None,
        "median_days_between_orders": float(statistics.median(gaps)) if gaps else None,
        "std_days_between_orders": statistics.stdev(gaps) if len(gaps) > 1 else None,
        "refund_rate": float(refunded / gross) if gross else None,
        "discount_rate": float(discount / gross) if gross else None,
        "distinct_products": float(len(products)) or None,
        "frequency": float(max(len(paid) - 1, 0)),
        "recency_weeks": (last_paid - first_paid).days / 7 if first_paid and last_paid else None,
        "age_weeks": (as_of - first_paid).days / 7 if first_paid else None,
    }
    for window in WINDOWS:
        start = as_of - timedelta(days=window)
        told[f"orders_{window}d"] = float(sum(day > start for day in order_day.values()))
        told[f"revenue_{window}d"] = float(sum(line.gross for line in lines if line.day > start))
    return told


def _is_given_back(order: list[Line]) -> bool:
    """Whether nothing is left of it because it came back; a gift was never paid, and counts."""
    back = sum(line.back for line in order)
    if back == 0:
        return sum(line.gross for line in order) == 0
    return back >= sum(line.paid for line in order)
