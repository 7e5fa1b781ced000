"""What a surrogate is told of a customer, and which features tell of the same.

Belongs here: features that a shop's owner knows, and their grouping into drivers. Does not belong
here: what a model makes of them (`contributions.py`) and the words (`words.py`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml.horizons import DAYS_PER_WEEK

#: Each driver with the features that tell of it, those of `ml.models.learned` included. What a
#: model is told beyond these goes to `pattern`, the history as a whole.
DRIVERS: dict[str, tuple[str, ...]] = {
    "orders": ("orders", "frequency"),
    "last_order": (
        "days_since_last_order",
        "gaps_since_last_order",
        "since_last",
        "since_last_of_age",
        "gaps_since_last",
    ),
    "rhythm": ("days_between_orders", "gap_variation", "gap"),
    "order_value": (
        "average_order_value",
        "first_order_value",
        "last_order_value",
        "highest_order_value",
        "mean_value",
        "first_value",
        "last_value",
        "highest_value",
    ),
    "spend": ("spend_to_date", "total"),
    "recent": tuple(
        f"{prefix}{what}_{weeks}w"
        for prefix in ("", "faded_")
        for what in ("orders", "value")
        for weeks in (4, 13, 26, 39, 52)
    ),
    "tenure": ("days_since_first_order", "age"),
}
PATTERN = "pattern"
_DECIMALS = 9
_DRIVER_OF = {feature: driver for driver, features in DRIVERS.items() for feature in features}


def driver_of(feature: str) -> str:
    """Returns what a feature tells of."""
    return _DRIVER_OF.get(feature, PATTERN)


def by_driver(contributions: pd.DataFrame) -> pd.DataFrame:
    """Adds up the SHAP values of the features that tell of the same, a column a driver by name."""
    of = np.array([driver_of(feature) for feature in contributions.columns])
    values = contributions.to_numpy()
    return pd.DataFrame(
        {
            str(driver): values[:, of == driver].sum(axis=1).round(_DECIMALS)
            for driver in np.unique(of)
        }
    )


def readable_features(customers: pd.DataFrame) -> pd.DataFrame:
    """Returns what a surrogate is told of each customer.

    Args:
        customers: `ml.features.btyd.FEATURE_COLUMNS`, n rows.

    Returns:
        n rows of float64 in the same order: counts of paid days, days, and money in base
        currency; nan where one order gives no gap.
    """
    x, recency, age = (
        customers[column].to_numpy(dtype="float64") for column in ("frequency", "recency", "T")
    )
    since = age - recency
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.where(x > 0, recency / x, np.nan)
        squared = customers["squared_gaps"].to_numpy(dtype="float64") / x
        spread = np.sqrt(np.maximum(squared - gap**2, 0))
        columns = {
            "orders": x + 1,
            "days_since_last_order": since * DAYS_PER_WEEK,
            "gaps_since_last_order": since / gap,
            "days_between_orders": gap * DAYS_PER_WEEK,
            "gap_variation": spread / gap,
            "average_order_value": customers["total"].to_numpy(dtype="float64") / (x + 1),
            "first_order_value": customers["first_value"].to_numpy(dtype="float64"),
            "last_order_value": customers["last_value"].to_numpy(dtype="float64"),
            "highest_order_value": customers["highest_value"].to_numpy(dtype="float64"),
            "spend_to_date": customers["total"].to_numpy(dtype="float64"),
            "days_since_first_order": age * DAYS_PER_WEEK,
            **{
                f"{what}_{weeks}w": customers[f"{what}_{weeks}w"].to_numpy(dtype="float64")
                for what in ("orders", "value")
                for weeks in (13, 52)
            },
        }
    return pd.DataFrame(columns)
