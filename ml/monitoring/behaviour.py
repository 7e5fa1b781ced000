"""What customers did in a quarter, to be compared with the quarters that the models learned from.

Belongs here: quantities of a quarter, and who is like whom. Does not belong here: how they are
compared (`drift.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta

import numpy as np
import pandas as pd

from ml.features.btyd import day_number
from ml.horizons import DAYS_PER_WEEK
from ml.models.preparation import Preparation
from ml.monitoring.drift import Sample, Samples

QUARTER_DAYS = 91
#: Quarters before the current one that today is compared with: a year, with all of its seasons.
REFERENCE_QUARTERS = 4
#: Customers whose SHAP values are compared, at most, of each quarter.
MAX_EXPLAINED = 2_000
# From these many quarters of tenure on, and from this order on, customers are alike.
_OLDEST_QUARTER = 8
_LAST_ORDER = 4

_Quarter = dict[str, Sample]


def tenure_strata(tenure_days: np.ndarray) -> np.ndarray:
    """Returns who is compared with whom: quarters since the first order, all from two years on."""
    quarters = np.asarray(tenure_days).astype("int64") // QUARTER_DAYS
    return np.minimum(quarters, _OLDEST_QUARTER)


def reference_days(prepared: Preparation, as_of: date) -> list[date]:
    """Returns the ends of the quarters that are whole before the current one, newest first."""
    whole = prepared.history_days(as_of) // QUARTER_DAYS
    return [
        as_of - timedelta(days=back * QUARTER_DAYS)
        for back in range(1, min(whole, REFERENCE_QUARTERS + 1))
    ]


def against_earlier(now: _Quarter, earlier: list[_Quarter]) -> Samples:
    """Puts each sample of today beside its earlier ones."""
    return {name: (sample, [each[name] for each in earlier]) for name, sample in now.items()}


def behaviour_samples(
    prepared: Preparation, as_of: date, traits: Mapping[str, np.ndarray]
) -> tuple[Samples, Samples]:
    """Returns what customers did and what groups they were in, in the last quarter and before.

    Args:
        prepared: The customer-days.
        as_of: Last day of the data.
        traits: By name the value of each of `prepared.customers(as_of)`, null where unknown; they
            are compared over the new customers of a quarter.

    Returns:
        Features, and segments; empty where no quarter before the last one lies within the history.
    """
    everyone = pd.Index(prepared.customers(as_of)["customer_id"])
    groups = {
        name: pd.factorize(np.asarray(values, dtype=object), sort=True)[0].astype("int64")
        for name, values in traits.items()
    }
    ends = reference_days(prepared, as_of)
    if not ends:
        return {}, {}
    now, *earlier = (
        _quarter(prepared, day_number(end), everyone, groups) for end in (as_of, *ends)
    )
    return (
        against_earlier(now[0], [features for features, _ in earlier]),
        against_earlier(now[1], [segments for _, segments in earlier]),
    )


def _quarter(
    prepared: Preparation, end: int, everyone: pd.Index, groups: Mapping[str, np.ndarray]
) -> tuple[_Quarter, _Quarter]:
    days = prepared.days[prepared.days["day"].to_numpy() <= end]
    ids, day = days["customer_id"].to_numpy(), days["day"].to_numpy()
    value = days["value"].to_numpy()
    starts = np.ones(len(days), dtype=bool)
    starts[1:] = ids[1:] != ids[:-1]
    of = np.cumsum(starts) - 1
    first = np.flatnonzero(starts)
    customers = len(first)
    recent = day > end - QUARTER_DAYS
    gap = np.where(starts, 0, np.diff(day, prepend=0)) / DAYS_PER_WEEK
    tenure = tenure_strata(end - day[first])
    number = np.minimum(np.arange(len(days)) - first[of], _LAST_ORDER - 1)

    def summed(weights: np.ndarray | None = None) -> np.ndarray:
        chosen = None if weights is None else weights[recent]
        return np.bincount(of[recent], chosen, minlength=customers).astype("float64")

    again = recent & ~starts
    features = {
        # An order's size goes by its number more than by the calendar.
        "order_value": Sample(value[recent], number[recent]),
        "first_order_value": Sample.alike(value[recent & starts]),
        "weeks_between_orders": Sample(gap[again], tenure[of[again]]),
        "orders_per_customer": Sample(summed(), tenure),
        "value_per_customer": Sample(summed(value), tenure),
    }
    last = np.append(first[1:], len(days))[:customers] - 1
    silent = end - day[last]
    segments = {
        "status": Sample(np.searchsorted([30, 90, 180], silent, side="left"), tenure),
        "repeat_buyers": Sample((last > first).astype("int64"), tenure),
    }
    new = np.flatnonzero(recent & starts)
    places = everyone.get_indexer(pd.Index(ids[new]))
    for name, codes in groups.items():
        segments[f"new_by_{name}"] = Sample.alike(codes[places])
    return features, segments


def contribution_samples(
    prepared: Preparation,
    as_of: date,
    contributions: Callable[[pd.DataFrame], pd.DataFrame],
) -> Samples:
    """Returns what a model's values rest on today, and what they would have rested on before.

    Args:
        prepared: The customer-days.
        as_of: Last day of the data.
        contributions: Gives the SHAP values of customers (`ml.features.btyd.FEATURE_COLUMNS`), a
            column a feature.

    Returns:
        By feature; empty where no quarter before the last one lies within the history.
    """
    ends = reference_days(prepared, as_of)
    if not ends:
        return {}

    def at(end: date) -> _Quarter:
        customers = prepared.customers(end)
        customers = customers.iloc[:: -(-len(customers) // MAX_EXPLAINED) or 1]
        strata = tenure_strata(np.rint(customers["T"].to_numpy() * DAYS_PER_WEEK))
        return {
            str(name): Sample(column.to_numpy(dtype="float64"), strata)
            for name, column in contributions(customers).items()
        }

    return against_earlier(at(as_of), [at(end) for end in ends])
