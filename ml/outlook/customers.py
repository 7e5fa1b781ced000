"""What lies ahead of each customer: the next order, the risk of losing them, when to write.

Everything here is read off the champion's own P(at least one order by t), so it can't contradict
the predictions. Between the months given, -log(1 - P) follows a monotone cubic (Fritsch, Carlson,
SIAM J Numer Anal 17, 1980).

When to write. A customer who stays silent for w weeks comes back within the window W with

    P(return | silent until w) = 1 - S(w + W) / S(w),    S(t) = 1 - P(at least one order by t).

For one who buys at rate λ, unless lost with probability d, that is a logistic curve of w whose
steepest week is ln((1 - d) / d) / λ: about when somebody who buys often has missed a few orders.
The best week is the one in which the chance of a return falls most; an earlier message is wasted
on somebody who comes anyway, a later one on somebody who is gone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from scipy.interpolate import PchipInterpolator

from ml.features.btyd import day_number
from ml.horizons import DAYS_PER_WEEK, horizon_days
from ml.models.preparation import Preparation

OUTLOOK_COLUMNS = (
    "customer_id",
    "expected_next_order_date",
    "days_overdue",
    "churn_risk",
    "best_intervention_date",
    "intervention_reason",
)
#: From these probabilities of no order within the churn window on, the risk is medium and high.
MEDIUM_RISK, HIGH_RISK = 1 / 3, 2 / 3
#: What a contact costs, as a share of the company's mean order: a week that costs less isn't worth
#: one.
CONTACT_COST = 0.01
#: Two gaps make a rhythm.
MIN_RHYTHM_DAYS = 3
# Probabilities are stored to six decimals.
_CERTAIN = 1e-6


@dataclass(frozen=True)
class Path:
    """What is expected of customers by month; n customers, k months.

    Attributes:
        customer_ids: As in `Preparation.customers`, shape (n,).
        months: Ascending, shape (k,).
        value: Cumulative gross value in base currency, shape (n, k).
        p_active: P(at least one order by then), shape (n, k).
    """

    customer_ids: np.ndarray
    months: np.ndarray
    value: np.ndarray
    p_active: np.ndarray

    @classmethod
    def of(cls, rows: pd.DataFrame, customer_ids: pd.Series) -> Path:
        """Lays rows of `customer_id`, `month`, `predicted_value`, `p_active` out.

        Rows of others are left out.

        Raises:
            ValueError: There is no month, or a customer lacks one.
        """
        if not len(customer_ids):
            return cls(np.zeros(0, dtype=object), np.ones(1, "int64"), *np.zeros((2, 0, 1)))
        wide = rows.pivot(index="customer_id", columns="month").reindex(customer_ids.to_numpy())
        months = np.array(sorted(rows["month"].unique()), dtype="int64")
        if not len(months) or wide.isna().to_numpy().any():
            raise ValueError("each customer needs a prediction for each month")
        return cls(
            customer_ids.to_numpy(),
            months,
            wide["predicted_value"][months].to_numpy(dtype="float64"),
            wide["p_active"][months].to_numpy(dtype="float64"),
        )

    @property
    def days(self) -> np.ndarray:
        """Days to the end of each month, with the start: shape (k + 1,)."""
        return np.array([0, *(horizon_days(int(month)) for month in self.months)])

    def value_at(self, days: np.ndarray) -> np.ndarray:
        """Returns the cumulative value by days, shape (n, len(days)); past the end it stays."""
        rising = np.maximum.accumulate(np.pad(self.value, ((0, 0), (1, 0))), axis=1)
        at = np.clip(days, 0, self.days[-1])
        return np.asarray(PchipInterpolator(self.days, rising, axis=1)(at))

    def hazard_at(self, days: np.ndarray) -> np.ndarray:
        """Returns -log(1 - P(at least one order)) by days, shape (n, len(days))."""
        hazard = -np.log1p(-np.clip(self.p_active, 0.0, 1 - _CERTAIN))
        # A probability that is as good as 1 tells no more of the rate, which then goes on.
        months = self.days[1:]
        told = self.p_active < 1 - _CERTAIN
        last = np.maximum(told.sum(axis=1) - 1, 0)
        rate = (hazard[np.arange(len(hazard)), last] / months[last])[:, None]
        hazard = np.where(told, hazard, np.maximum(rate * months, hazard))
        rising = np.maximum.accumulate(np.pad(hazard, ((0, 0), (1, 0))), axis=1)
        return np.asarray(PchipInterpolator(self.days, rising, axis=1)(days))


@dataclass(frozen=True)
class Stakes:
    """What a return is worth to the company.

    Attributes:
        margin_rate: Contribution margin ÷ gross revenue.
        order_value: Mean value of an order, base currency.
    """

    margin_rate: float
    order_value: float


def customer_outlook(
    path: Path, prepared: Preparation, as_of: date, churn_window_days: int, stakes: Stakes
) -> pd.DataFrame:
    """Says of each customer who has paid when they are expected, and when to write.

    Args:
        path: From `as_of` on, of `prepared.customers(as_of)`.
        prepared: The customer-days.
        as_of: Last day of the data.
        churn_window_days: Days without an order after which a customer counts as lost; where the
            path is shorter than twice that, half of the path is looked at.
        stakes: Of the company.

    Returns:
        `OUTLOOK_COLUMNS`, in the order of the path; dates are `datetime.date` or None.
    """
    weeks = int(path.days[-1] // DAYS_PER_WEEK)
    window = max(min(round(churn_window_days / DAYS_PER_WEEK), weeks // 2), 1)
    hazard = path.hazard_at(np.arange(weeks + 1) * DAYS_PER_WEEK)
    churn = np.exp(-hazard[:, window])
    week, drop, before = _steepest_week(hazard, window)
    year = path.p_active[:, -1]
    with np.errstate(divide="ignore", invalid="ignore"):
        of_a_return = np.where(year > 0, path.value[:, -1] / year, 0.0) * stakes.margin_rate
    pays = drop * of_a_return >= CONTACT_COST * stakes.order_value
    pays &= stakes.order_value > 0
    return pd.DataFrame(
        {
            "customer_id": path.customer_ids,
            "expected_next_order_date": _dates(as_of, _median_days(hazard)),
            "days_overdue": days_overdue(prepared, as_of),
            "churn_risk": np.select(
                [churn >= HIGH_RISK, churn >= MEDIUM_RISK], ["high", "medium"], "low"
            ),
            "best_intervention_date": _dates(
                as_of, np.where(pays, week * DAYS_PER_WEEK + 1.0, np.nan)
            ),
            "intervention_reason": [
                _reason(*each, window) for each in zip(pays, week, drop, before, strict=True)
            ],
        },
        columns=list(OUTLOOK_COLUMNS),
    )


def days_overdue(prepared: Preparation, as_of: date) -> pd.api.extensions.ExtensionArray:
    """Returns the days since the last order beyond the median gap of each customer's own orders.

    Returns:
        Int64, 0 where the gap isn't over, null below `MIN_RHYTHM_DAYS` paid days; in the order of
        `prepared.customers(as_of)`.
    """
    end = day_number(as_of)
    days = prepared.days[prepared.days["day"].to_numpy() <= end]
    ids, day = days["customer_id"].to_numpy(), days["day"].to_numpy()
    starts = np.ones(len(days), dtype=bool)
    starts[1:] = ids[1:] != ids[:-1]
    first = np.flatnonzero(starts)
    last = np.append(first[1:], len(days))[: len(first)] - 1
    gaps = pd.Series(np.diff(day, prepend=0)[~starts])
    of = (np.cumsum(starts) - 1)[~starts]
    median = gaps.groupby(of).median().reindex(range(len(first))).to_numpy(dtype="float64")
    rhythm = last - first + 1 >= MIN_RHYTHM_DAYS
    beyond = np.maximum(np.floor(end - day[last] - np.where(rhythm, median, 0.0)), 0.0)
    return pd.array(np.where(rhythm, beyond, np.nan), dtype="Int64")


def _steepest_week(hazard: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the week in which the chance of a return falls most, by how much, and from where."""
    last = hazard.shape[1] - 1 - window
    chance = -np.expm1(hazard[:, : last + 1] - hazard[:, window : window + last + 1])
    falls = chance[:, :-1] - chance[:, 1:] if last else np.zeros((len(hazard), 1))
    # To six decimals, so that the last bit of an even curve doesn't choose the week.
    week = np.argmax(np.round(falls, 6), axis=1)
    rows = np.arange(len(hazard))
    return week, np.maximum(falls[rows, week], 0.0), chance[rows, week]


def _median_days(hazard: np.ndarray) -> np.ndarray:
    """Returns the days by which an order is as likely as not, nan where they lie beyond."""
    over = hazard >= math.log(2)
    week = np.argmax(over, axis=1)
    rows = np.arange(len(hazard))
    at, before = hazard[rows, week], hazard[rows, np.maximum(week - 1, 0)]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (math.log(2) - before) / (at - before)
    days = np.ceil((week - 1 + share) * DAYS_PER_WEEK)
    return np.where(over.any(axis=1), np.maximum(days, 1.0), np.nan)


def _dates(as_of: date, days: np.ndarray) -> list[date | None]:
    return [None if np.isnan(each) else as_of + timedelta(days=int(each)) for each in days]


def _reason(pays: bool, week: int, drop: float, before: float, window: int) -> str:
    if not pays:
        if before >= 0.5:
            return "Comes back anyway: no week of silence costs as much as a contact."
        return "Little is left to win: no week of silence costs as much as a contact."
    when = "Now" if week == 0 else f"If still silent after {week} week{'s' if week > 1 else ''}"
    return (
        f"{when}, one more week lowers the chance of a return within {window} weeks "
        f"from {before:.0%} by {100 * drop:.1f} points, more than any other week."
    )
