"""What customers did in a quarter, to be compared with the quarters that the models learned from.

Belongs here: quantities that stay as they are while nothing changes. Does not belong here: what
grows with the calendar alone, such as tenure and totals, which would drift in every company.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd

from ml.features.btyd import day_number
from ml.horizons import DAYS_PER_WEEK
from ml.models.preparation import Preparation

QUARTER_DAYS = 91
#: Quarters before the current one that make the training window: a year, with all of its seasons.
REFERENCE_QUARTERS = 4

Samples = dict[str, tuple[np.ndarray, np.ndarray]]


def behaviour_samples(
    prepared: Preparation, as_of: date, traits: Mapping[str, np.ndarray]
) -> tuple[Samples, Samples]:
    """Returns what customers did and what groups they were in, before and in the last quarter.

    Args:
        prepared: The customer-days.
        as_of: Last day of the data.
        traits: By name the value of each of `prepared.customers(as_of)`, null where unknown; they
            are compared over the new customers of a quarter.

    Returns:
        (reference, current) by name: features, and segments. The reference is all of the up to
        `REFERENCE_QUARTERS` quarters before the last one that lie within the history; empty where
        there is none.
    """
    end = day_number(as_of)
    everyone = pd.Index(prepared.customers(as_of)["customer_id"])
    whole = prepared.history_days(as_of) // QUARTER_DAYS
    quarters = [
        _quarter(prepared, end - back * QUARTER_DAYS, everyone, traits)
        for back in range(min(whole, REFERENCE_QUARTERS + 1))
    ]
    if len(quarters) < 2:
        return {}, {}

    def pairs(part: int) -> Samples:
        current, *before = (quarter[part] for quarter in quarters)
        return {
            name: (np.concatenate([each[name] for each in before]), current[name])
            for name in current
        }

    return pairs(0), pairs(1)


def _quarter(
    prepared: Preparation, end: int, everyone: pd.Index, traits: Mapping[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    days = prepared.days[prepared.days["day"].to_numpy() <= end]
    ids, day = days["customer_id"].to_numpy(), days["day"].to_numpy()
    value = days["value"].to_numpy()
    starts = np.ones(len(days), dtype=bool)
    starts[1:] = ids[1:] != ids[:-1]
    of = np.cumsum(starts) - 1
    customers = int(starts.sum())
    recent = day > end - QUARTER_DAYS
    gap = np.where(starts, 0, np.diff(day, prepend=0)) / DAYS_PER_WEEK
    features = {
        "order_value": value[recent],
        "first_order_value": value[recent & starts],
        "weeks_between_orders": gap[recent & ~starts],
        "orders_per_customer": np.bincount(of[recent], minlength=customers).astype("float64"),
        "value_per_customer": np.bincount(of[recent], weights=value[recent], minlength=customers),
    }
    last = np.append(starts[1:], True)[: len(days)]
    silent = end - day[last]
    segments = {
        "status": np.array(["active", "lagging", "dormant", "churn risk"])[
            np.searchsorted([30, 90, 180], silent, side="left")
        ],
        "repeat_buyers": np.where(np.bincount(of, minlength=customers) > 1, "repeat", "one-time"),
    }
    new = np.flatnonzero(recent & starts)
    places = everyone.get_indexer(pd.Index(ids[new]))
    for name, values in traits.items():
        chosen = np.asarray(values, dtype=object)[places]
        segments[f"new_by_{name}"] = np.array(
            ["unknown" if pd.isna(each) else str(each) for each in chosen], dtype=object
        )
    return features, segments
