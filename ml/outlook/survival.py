"""How long it takes until the next order, and what goes with none following.

Every order starts a clock that the customer's next order stops; the last one's is still running at
the end of the data. Days with a positive amount count as orders, as in the models.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from scipy.stats import norm

from ml.features.btyd import day_number
from ml.horizons import DAYS_PER_WEEK
from ml.models.preparation import Preparation

SURVIVAL_COLUMNS = (
    "dimension", "dimension_value", "weeks_since", "survival", "lower", "upper", "at_risk",
)  # fmt: skip
FACTOR_COLUMNS = (
    "factor", "hazard_ratio", "lower", "upper", "direction", "orders", "description",
)  # fmt: skip
LEVEL = 0.95
MAX_WEEKS = 104
# A curve ends where fewer orders are waited on: single customers would draw it.
MIN_AT_RISK = 10
# A group with fewer orders has no curve of its own.
MIN_ORDERS = 30
MAX_GROUPS = 10
# Events and non-events that each factor takes (Peduzzi et al., J Clin Epidemiol 49, 1996).
_PER_FACTOR = 10
_MIN_SHARE = 0.02
_NEWTON_STEPS = 50
_DECIMALS = 6
_RAISES, _LOWERS, _NONE = "raises", "lowers", "none"


@dataclass(frozen=True)
class Waits:
    """Orders and what followed each; n of them, sorted by customer and day.

    Attributes:
        customer: Row of the order's customer in `customer_ids`, shape (n,).
        customer_ids: Sorted, shape (m,).
        day: Days since 1970-01-01, shape (n,).
        number: 1 for a customer's first order, shape (n,).
        value: Base currency, shape (n,).
        weeks: To the next order, or to the end of the data, shape (n,).
        followed: Whether there was a next order, shape (n,).
        previous_weeks: Since the order before, 0 for the first, shape (n,).
    """

    customer: np.ndarray
    customer_ids: np.ndarray
    day: np.ndarray
    number: np.ndarray
    value: np.ndarray
    weeks: np.ndarray
    followed: np.ndarray
    previous_weeks: np.ndarray


def waits_after_orders(prepared: Preparation, as_of: date) -> Waits:
    """Returns the orders up to `as_of` and how long each was waited on."""
    end = day_number(as_of)
    days = prepared.days[prepared.days["day"].to_numpy() <= end]
    ids = days["customer_id"].to_numpy()
    day = days["day"].to_numpy()
    starts = np.ones(len(days), dtype=bool)
    starts[1:] = ids[1:] != ids[:-1]
    customer = np.cumsum(starts) - 1
    first_row = np.flatnonzero(starts)
    number = np.arange(len(days)) - first_row[customer] + 1 if len(days) else customer
    last = np.append(starts[1:], True)[: len(days)]
    following = np.append(day[1:], end)[: len(days)]
    gap = np.where(starts, 0, np.diff(day, prepend=0)) / DAYS_PER_WEEK
    return Waits(
        customer,
        ids[first_row],
        day,
        number,
        days["value"].to_numpy(),
        np.where(last, end - day, following - day) / DAYS_PER_WEEK,
        ~last,
        gap,
    )


def survival_curves(waits: Waits, traits: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Estimates the share of orders without a next one by weeks since (Kaplan, Meier, JASA 1958).

    Groups are made of what was known at the order. Groups by what customers are today (active,
    lost) would show what made them so.

    Args:
        waits: The orders.
        traits: By dimension the value of each of `waits.customer_ids`, null where unknown. The
            most frequent values have a curve each.

    Returns:
        `SURVIVAL_COLUMNS`, at the end of whole weeks while `MIN_AT_RISK` orders are waited on.
        Lower and upper are Greenwood's, on the scale log(-log S), 95 %; they take a customer's
        orders as independent.
    """
    groups: dict[str, np.ndarray] = {
        "all": np.full(len(waits.day), "all", dtype=object),
        "order_number": np.array(["1", "2", "3", "4 or later"], dtype=object)[
            np.minimum(waits.number, 4) - 1
        ],
    }
    if len(waits.value):
        low, high = np.quantile(waits.value, [1 / 3, 2 / 3])
        names = np.array(["lowest third", "middle third", "highest third"], dtype=object)
        groups["order_value"] = names[np.searchsorted([low, high], waits.value, side="left")]
    for dimension, values in traits.items():
        groups[dimension] = np.asarray(values, dtype=object)[waits.customer]
    frames = []
    for dimension, values in groups.items():
        known = pd.Series(values).dropna()
        counts = known.value_counts().sort_index(kind="stable")
        counts = counts[counts >= MIN_ORDERS].sort_values(ascending=False, kind="stable")
        for value in sorted(counts.index[:MAX_GROUPS]):
            members = values == value
            curve = kaplan_meier(waits.weeks[members], waits.followed[members])
            curve.insert(0, "dimension", dimension)
            curve.insert(1, "dimension_value", str(value))
            frames.append(curve)
    if not frames:
        return pd.DataFrame(columns=list(SURVIVAL_COLUMNS))
    return pd.concat(frames, ignore_index=True)[list(SURVIVAL_COLUMNS)]


def kaplan_meier(weeks: np.ndarray, followed: np.ndarray) -> pd.DataFrame:
    """Returns `weeks_since`, `survival`, `lower`, `upper` and `at_risk` of one group.

    Args:
        weeks: To the next order or to the end of the data, shape (n,).
        followed: Whether it was an order, shape (n,).
    """
    moments, index = np.unique(weeks, return_inverse=True)
    events = np.bincount(index, weights=followed.astype("float64"), minlength=len(moments))
    left = np.bincount(index, minlength=len(moments))
    at_risk = left[::-1].cumsum()[::-1]
    survival = np.cumprod(1 - events / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = events / (at_risk * (at_risk - events))
    greenwood = np.cumsum(np.where(np.isfinite(terms), terms, 0.0))
    ends = np.arange(0, MAX_WEEKS + 1)
    waiting = len(weeks) - np.searchsorted(np.sort(weeks), ends, side="right")
    ends = ends[(waiting >= MIN_AT_RISK) | (ends == 0)]
    place = np.searchsorted(moments, ends, side="right") - 1
    s = np.where(place >= 0, survival[place], 1.0)
    variance = np.where(place >= 0, greenwood[place], 0.0)
    inner = (s > 0) & (s < 1)
    safe = np.where(inner, s, 0.5)
    z = float(norm.ppf((1 + LEVEL) / 2))
    spread = np.exp(z * np.sqrt(variance) / np.abs(np.log(safe)))
    return pd.DataFrame(
        {
            "weeks_since": ends,
            "survival": s.round(_DECIMALS),
            "lower": np.where(inner, safe**spread, s).round(_DECIMALS),
            "upper": np.where(inner, safe ** (1 / spread), s).round(_DECIMALS),
            "at_risk": waiting[: len(ends)].astype("int64"),
        }
    )


def churn_risk_factors(
    waits: Waits, traits: Mapping[str, np.ndarray], churn_window_days: int, as_of: date
) -> pd.DataFrame:
    """Estimates what at an order goes with no other one within the churn window.

    Proportional hazards seen through one interval: P(churn) = 1 - exp(-exp(xβ)), so that exp(β)
    multiplies the hazard (Prentice, Gloeckler, Biometrics 34, 1978); Newton's method, with the
    sandwich over customers for the variance (Lin, Wei, JASA 84, 1989). The level of the intervals
    is 95 % for all factors together (Bonferroni), so that many factors find no more by chance.

    Args:
        waits: The orders; those whose window isn't over are left out.
        traits: By dimension the value of each of `waits.customer_ids`. Values that at least 2 % of
            orders have are compared with the most frequent one.
        churn_window_days: Length of the window.
        as_of: Last day of the data.

    Returns:
        `FACTOR_COLUMNS`; none where events or non-events are fewer than ten a factor, or the
        estimate doesn't exist. A factor that never varies is left out.
    """
    nothing = pd.DataFrame(columns=list(FACTOR_COLUMNS))
    judged = waits.day <= day_number(as_of) - churn_window_days
    if not judged.any():
        return nothing
    churned = ~(waits.followed & (waits.weeks * DAYS_PER_WEEK <= churn_window_days))[judged]
    columns = _factors(waits, traits, judged)
    columns = {name: column for name, column in columns.items() if np.ptp(column[0]) > 0}
    if not columns or min(churned.sum(), (~churned).sum()) < _PER_FACTOR * len(columns):
        return nothing
    design = np.column_stack([column for column, _ in columns.values()])
    centre, scale = design.mean(axis=0), design.std(axis=0)
    x = np.column_stack([np.ones(len(design)), (design - centre) / scale])
    fitted = _complementary_log_log(x, churned.astype("float64"), waits.customer[judged])
    if fitted is None:
        return nothing
    beta, error = (part[1:] / scale for part in fitted)
    z = float(norm.ppf(1 - (1 - LEVEL) / (2 * len(columns))))
    lower, upper = np.exp(beta - z * error), np.exp(beta + z * error)
    return pd.DataFrame(
        {
            "factor": list(columns),
            "hazard_ratio": np.exp(beta).round(_DECIMALS),
            "lower": lower.round(_DECIMALS),
            "upper": upper.round(_DECIMALS),
            "direction": np.where(lower > 1, _RAISES, np.where(upper < 1, _LOWERS, _NONE)),
            "orders": int(judged.sum()),
            "description": [words for _, words in columns.values()],
        },
        columns=list(FACTOR_COLUMNS),
    )


def _factors(
    waits: Waits, traits: Mapping[str, np.ndarray], judged: np.ndarray
) -> dict[str, tuple[np.ndarray, str]]:
    """Returns the factors' columns and words, by name."""
    number, value = waits.number[judged], waits.value[judged]
    repeat = number > 1
    month = waits.day[judged].astype("datetime64[D]").astype("datetime64[M]").astype("int64") % 12
    found = {
        "first_order": (
            (~repeat).astype("float64"),
            "the customer's first order, compared with a repeat one",
        ),
        "orders_so_far": (
            np.log2(np.maximum(number, 2)) - 1,
            "each doubling of the number of orders, from the second on",
        ),
        "order_value": (np.log2(value / np.median(value)), "each doubling of the order's value"),
        "wait_before": (
            np.where(repeat, np.log2(np.maximum(waits.previous_weeks[judged], 1)), 0.0),
            "each doubling of the weeks waited since the order before, where there was one",
        ),
        "holiday_season": ((month >= 10).astype("float64"), "ordered in November or December"),
    }
    for dimension, values in traits.items():
        of = pd.Series(np.asarray(values, dtype=object)[waits.customer[judged]]).fillna("unknown")
        shares = of.value_counts(normalize=True).sort_index(kind="stable")
        shares = shares.sort_values(ascending=False, kind="stable")
        for other in sorted(shares.index[1:MAX_GROUPS]):
            if shares[other] >= _MIN_SHARE:
                found[f"{dimension}={other}"] = (
                    (of == other).to_numpy().astype("float64"),
                    f"{dimension.replace('_', ' ')} {other}, compared with {shares.index[0]}",
                )
    return found


def _complementary_log_log(
    x: np.ndarray, y: np.ndarray, cluster: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Returns estimates and their standard errors, both of shape (k,); None without an optimum."""

    def parts(beta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Returns the log-likelihood, its slope by row's xβ, and the information's weight."""
        eta = np.clip(x @ beta, -30, 5)
        mean = np.exp(eta)
        p = -np.expm1(-mean)
        likelihood = np.where(y > 0, np.log(np.maximum(p, 1e-300)), -mean).sum()
        # exp(-mean) · mean ÷ p, which is expected where y is 1.
        ratio = mean * np.exp(-mean) / np.maximum(p, 1e-300)
        return float(likelihood), np.where(y > 0, ratio, -mean), mean * ratio

    beta = np.zeros(x.shape[1])
    rate = float(np.clip(y.mean(), 1e-6, 1 - 1e-6))
    beta[0] = math.log(-math.log1p(-rate))
    value, slope, weight = parts(beta)
    for _ in range(_NEWTON_STEPS):
        information = (x * weight[:, None]).T @ x
        try:
            step = np.linalg.solve(information, x.T @ slope)
        except np.linalg.LinAlgError:
            return None
        size = 1.0
        while size > 1e-6:
            tried = parts(beta + size * step)
            if np.isfinite(tried[0]) and tried[0] >= value - 1e-9:
                break
            size /= 2
        beta = beta + size * step
        value, slope, weight = tried
        if np.abs(size * step).max() < 1e-9:
            break
    else:
        return None
    # A factor that tells churn without fail has no finite estimate.
    if not np.isfinite(beta).all() or np.abs(beta).max() > 20:
        return None
    try:
        bread = np.linalg.inv((x * weight[:, None]).T @ x)
    except np.linalg.LinAlgError:
        return None
    _, of = np.unique(cluster, return_inverse=True)
    summed = np.column_stack([np.bincount(of, weights=x[:, k] * slope) for k in range(x.shape[1])])
    variance = bread @ (summed.T @ summed) @ bread
    return beta, np.sqrt(np.maximum(np.diag(variance), 0.0))
