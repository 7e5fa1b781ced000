"""Recency, frequency, T: what a buy-till-you-die model is told about a customer.

An order here is a customer-day with a positive amount. Time is in weeks of seven days, so that
`T = (cutoff - first day) / 7`. A customer who bought on the cutoff itself has recency = T.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from ml.horizons import DAYS_PER_WEEK

DAILY_COLUMNS = ("customer_id", "order_date", "gross_revenue_base")
PAID_DAY_COLUMNS = ("customer_id", "day", "value")
# What every model needs of a customer.
HISTORY_COLUMNS = (
    "customer_id",
    "frequency",
    "recency",
    "T",
    "monetary",
    "first_value",
    "total",
)
RECENT_WEEKS = (4, 13, 26, 52)
HALF_LIVES = (4, 13, 39)
# What the learned ones want beside it.
BEHAVIOUR_COLUMNS = (
    "last_value",
    "highest_value",
    "squared_gaps",
    *(f"{what}_{weeks}w" for weeks in RECENT_WEEKS for what in ("orders", "value")),
    *(f"faded_{what}_{weeks}w" for weeks in HALF_LIVES for what in ("orders", "value")),
)
FEATURE_COLUMNS = HISTORY_COLUMNS + BEHAVIOUR_COLUMNS
PATTERN_COLUMNS = ("frequency", "recency", "T")


class FeatureError(ValueError):
    """The frame cannot be what it claims to be: the message names the column and the rows."""


def day_number(day: date) -> int:
    """Returns the days between 1970-01-01 and `day`."""
    return int(np.datetime64(day, "D").astype("int64"))


def paid_days(daily: pd.DataFrame) -> pd.DataFrame:
    """Returns the customer-days with a positive amount, in a fixed order.

    Args:
        daily: Columns `customer_id`, `order_date` (date or timestamp, local) and
            `gross_revenue_base` (numbers, decimals or their text). Rows in any order; rows of the
            same customer and day are added up. What this function has returned is taken as it
            is.

    Returns:
        Columns `customer_id` (str), `day` (int64, days since 1970-01-01) and `value` (float64,
        > 0), sorted by customer and day.

    Raises:
        FeatureError: A column is missing, or a value in it is null or not finite.
    """
    if tuple(daily.columns) == PAID_DAY_COLUMNS:
        return daily
    missing = [column for column in DAILY_COLUMNS if column not in daily.columns]
    if missing:
        raise FeatureError(f"customer-days lack the columns {', '.join(missing)}")
    for column in DAILY_COLUMNS:
        nulls = int(daily[column].isna().sum())
        if nulls:
            raise FeatureError(f"{nulls} customer-days have no {column}")
    value = daily["gross_revenue_base"].astype("float64").to_numpy()
    if not np.isfinite(value).all():
        raise FeatureError(
            f"{int((~np.isfinite(value)).sum())} customer-days have a gross_revenue_base that is "
            "not a finite number"
        )
    moments = pd.to_datetime(daily["order_date"]).to_numpy()
    days = pd.DataFrame(
        {
            "customer_id": daily["customer_id"].astype(str).to_numpy(),
            "day": moments.astype("datetime64[D]").astype("int64"),
            "value": value,
        }
    ).sort_values(["customer_id", "day", "value"], kind="stable")
    summed = days.groupby(["customer_id", "day"], sort=True)["value"].sum()
    return summed[summed > 0].reset_index()


def customer_features(daily: pd.DataFrame, cutoff: date) -> pd.DataFrame:
    """Returns what was known of each paying customer at the end of the day `cutoff`.

    Args:
        daily: See `paid_days`. Rows after the cutoff are left out before anything is computed.
        cutoff: Last day that counts.

    Returns:
        One row per customer with a paid day up to the cutoff, sorted by `customer_id`:
        `frequency` (int64, repeat days), `recency` (weeks from first to last paid day), `T` (weeks
        from first paid day to cutoff), `monetary` (mean value of the repeat days, 0 without any),
        `first_value` (value of the first paid day), `total` (value of all paid days),
        `last_value`, `highest_value` (of a paid day), `squared_gaps` (Σ weeks² between paid days),
        `orders_<n>w` and `value_<n>w` (in the last n weeks), `faded_orders_<n>w` and
        `faded_value_<n>w` (an order counts half after n weeks).

    Raises:
        FeatureError: See `paid_days`.
    """
    days = paid_days(daily)
    end = day_number(cutoff)
    days = days[days["day"].to_numpy() <= end]
    ids, day = days["customer_id"].to_numpy(), days["day"].to_numpy()
    value = days["value"].to_numpy()
    starts = np.ones(len(days), dtype=bool)
    starts[1:] = ids[1:] != ids[:-1]
    of = np.cumsum(starts) - 1
    first_row = np.flatnonzero(starts)
    n = len(first_row)
    last_row = np.append(first_row[1:], len(days))[:n] - 1
    first, last = day[first_row], day[last_row]

    def summed(weights: np.ndarray) -> np.ndarray:
        return np.bincount(of, weights=weights, minlength=n).astype("float64")[:n]

    frequency = last_row - first_row
    repeat_total = summed(np.where(starts, 0.0, value))
    gap = np.where(starts, 0, np.diff(day, prepend=0)) / DAYS_PER_WEEK
    weeks_ago = (end - day) / DAYS_PER_WEEK
    highest = np.maximum.reduceat(value, first_row) if n else np.zeros(0)
    columns: dict[str, np.ndarray] = {
        "customer_id": ids[first_row],
        "frequency": frequency.astype("int64"),
        "recency": (last - first) / DAYS_PER_WEEK,
        "T": (end - first) / DAYS_PER_WEEK,
        "monetary": np.where(frequency > 0, repeat_total / np.maximum(frequency, 1), 0.0),
        "first_value": value[first_row],
        "total": summed(value),
        "last_value": value[last_row],
        "highest_value": highest,
        "squared_gaps": summed(gap**2),
    }
    for weeks in RECENT_WEEKS:
        recent = weeks_ago < weeks
        columns[f"orders_{weeks}w"] = summed(recent.astype("float64"))
        columns[f"value_{weeks}w"] = summed(np.where(recent, value, 0.0))
    for weeks in HALF_LIVES:
        weight = 0.5 ** (weeks_ago / weeks)
        columns[f"faded_orders_{weeks}w"] = summed(weight)
        columns[f"faded_value_{weeks}w"] = summed(weight * value)
    features = pd.DataFrame(columns)
    check_features(features)
    return features


def check_features(customers: pd.DataFrame) -> None:
    """Raises when a row cannot be the history of a customer.

    Recency = T is legal (bought on the cutoff). Everything that a fit or a prediction would turn
    into a wrong number without a word is refused.

    Args:
        customers: Frame with `HISTORY_COLUMNS`.

    Raises:
        FeatureError: A column is missing or not finite; a negative value; frequency that is not
            whole; recency > T; frequency 0 with recency ≠ 0 (or the reverse); a repeat customer
            without a value.
    """
    missing = [column for column in HISTORY_COLUMNS if column not in customers.columns]
    if missing:
        raise FeatureError(f"customer features lack the columns {', '.join(missing)}")
    numbers = customers[list(HISTORY_COLUMNS[1:])].astype("float64")
    for column in numbers.columns:
        values = numbers[column].to_numpy()
        _refuse(customers, ~np.isfinite(values), f"{column} is not a finite number")
        _refuse(customers, values < 0, f"{column} is negative")
    x, recency, age, monetary = (
        numbers[column].to_numpy() for column in ("frequency", "recency", "T", "monetary")
    )
    _refuse(customers, x != np.floor(x), "frequency is not a whole number")
    _refuse(customers, recency > age, "recency is greater than T")
    _refuse(customers, (x == 0) & (recency != 0), "recency is not 0 although frequency is 0")
    _refuse(customers, (x > 0) & (recency == 0), "recency is 0 although frequency is not")
    _refuse(customers, (x > 0) & (monetary <= 0), "monetary is not positive although frequency is")


def distinct_patterns(customers: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Compresses customers to their distinct (frequency, recency, T).

    A likelihood and an expectation depend on nothing else, and a company has far fewer patterns
    than customers.

    Args:
        customers: Frame with `PATTERN_COLUMNS`, n rows.

    Returns:
        The m distinct patterns, sorted, with their `weight` (customers per pattern), and for each
        customer the row of its pattern, shape (n,).
    """
    # One number a pattern, in the order of the columns: many times faster than grouping by three.
    key = np.zeros(len(customers), dtype="int64")
    for column in PATTERN_COLUMNS:
        codes, values = pd.factorize(customers[column].to_numpy(), sort=True)
        key = key * max(len(values), 1) + codes
    pattern_of, distinct = pd.factorize(key, sort=True)
    first = np.full(len(distinct), len(customers), dtype="int64")
    first[pattern_of[::-1]] = np.arange(len(customers) - 1, -1, -1)
    patterns = customers[list(PATTERN_COLUMNS)].iloc[first].reset_index(drop=True)
    patterns["weight"] = np.bincount(pattern_of, minlength=len(distinct))
    return patterns, pattern_of


def _refuse(customers: pd.DataFrame, wrong: np.ndarray, reason: str) -> None:
    if wrong.any():
        example = customers["customer_id"].iloc[int(np.argmax(wrong))]
        raise FeatureError(f"{reason} for {int(wrong.sum())} customers, e.g. {example!r}")
