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
FEATURE_COLUMNS = (
    "customer_id",
    "frequency",
    "recency",
    "T",
    "monetary",
    "first_value",
    "total",
)
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
            same customer and day are added up.

    Returns:
        Columns `customer_id` (str), `day` (int64, days since 1970-01-01) and `value` (float64,
        > 0), sorted by customer and day.

    Raises:
        FeatureError: A column is missing, or a value in it is null or not finite.
    """
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
        `first_value` (value of the first paid day), `total` (value of all paid days).

    Raises:
        FeatureError: See `paid_days`.
    """
    days = paid_days(daily)
    end = day_number(cutoff)
    days = days[days["day"] <= end]
    grouped = days.groupby("customer_id", sort=True)
    first = grouped["day"].min().to_numpy()
    last = grouped["day"].max().to_numpy()
    frequency = grouped.size().to_numpy().astype("int64") - 1
    total = grouped["value"].sum().to_numpy()
    first_value = grouped["value"].first().to_numpy()
    repeat = days[grouped.cumcount().to_numpy() > 0].groupby("customer_id", sort=True)["value"]
    monetary = np.zeros(len(total))
    monetary[frequency > 0] = repeat.mean().to_numpy()
    features = pd.DataFrame(
        {
            "customer_id": np.asarray(list(grouped.groups), dtype=object),
            "frequency": frequency,
            "recency": (last - first) / DAYS_PER_WEEK,
            "T": (end - first) / DAYS_PER_WEEK,
            "monetary": monetary,
            "first_value": first_value,
            "total": total,
        }
    )
    check_features(features)
    return features


def check_features(customers: pd.DataFrame) -> None:
    """Raises when a row cannot be the history of a customer.

    Recency = T is legal (bought on the cutoff). Everything that a fit or a prediction would turn
    into a wrong number without a word is refused.

    Args:
        customers: Frame with `FEATURE_COLUMNS`.

    Raises:
        FeatureError: A column is missing or not finite; a negative value; frequency that is not
            whole; recency > T; frequency 0 with recency ≠ 0 (or the reverse); a repeat customer
            without a value.
    """
    missing = [column for column in FEATURE_COLUMNS if column not in customers.columns]
    if missing:
        raise FeatureError(f"customer features lack the columns {', '.join(missing)}")
    numbers = customers[list(FEATURE_COLUMNS[1:])].astype("float64")
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
    grouped = customers.groupby(list(PATTERN_COLUMNS), sort=True)
    patterns = grouped.size().reset_index(name="weight")
    return patterns, grouped.ngroup().to_numpy()


def _refuse(customers: pd.DataFrame, wrong: np.ndarray, reason: str) -> None:
    if wrong.any():
        example = customers["customer_id"].iloc[int(np.argmax(wrong))]
        raise FeatureError(f"{reason} for {int(wrong.sum())} customers, e.g. {example!r}")
