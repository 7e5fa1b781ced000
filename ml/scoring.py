"""From a fitted champion to the table of predictions: one row per customer and horizon."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from ml.discounting import discounted_path
from ml.eligibility import Eligibility, paid_customer_eligibility
from ml.evaluation.intervals import MAIN_LEVEL, WIDE_LEVEL
from ml.features.btyd import customer_features, day_number
from ml.horizons import horizon_days, in_weeks
from ml.models.by_horizon import ByHorizon
from ml.models.candidate import Candidate
from ml.models.catalogue import new_candidate
from ml.threads import one_thread

MONEY_DECIMALS = 4
ORDER_DECIMALS = 6

PREDICTION_TABLE_COLUMNS = (
    "company_id",
    "customer_id",
    "calculation_date",
    "horizon_months",
    "expected_orders",
    "predicted_value",
    "predicted_net",
    "predicted_margin",
    "predicted_discounted",
    "currency",
    "lower",
    "upper",
    "lower_95",
    "upper_95",
    "p_active",
    "churn_probability",
    "confidence",
    "eligibility",
    "model_name",
    "model_version",
)

PATH_TABLE_COLUMNS = (
    "company_id",
    "customer_id",
    "calculation_date",
    "month",
    "expected_orders",
    "predicted_value",
    "p_active",
)


@dataclass(frozen=True)
class MonthlyPaths:
    """The course of the predictions: n customers, k months, all figures cumulative.

    Attributes:
        customers: `ml.features.btyd.FEATURE_COLUMNS`, n rows.
        orders: Expected orders up to the end of months 1..k, shape (n, k).
        value: Expected gross value up to then, shape (n, k).
        p_active: Probability of at least one order up to then, shape (n, k).
    """

    customers: pd.DataFrame
    orders: np.ndarray
    value: np.ndarray
    p_active: np.ndarray


@dataclass(frozen=True)
class CompanyFactors:
    """How a company's gross revenue turns into what it keeps.

    Attributes:
        net_rate: Net revenue ÷ gross revenue, after discounts and refunds.
        margin_rate: Contribution margin ÷ gross revenue.
        yearly_discount_rate: E.g. 0.10.
    """

    net_rate: float
    margin_rate: float
    yearly_discount_rate: float

    def __post_init__(self) -> None:
        """Raises ValueError where a rate is not a number or discounting has no meaning."""
        rates = (self.net_rate, self.margin_rate, self.yearly_discount_rate)
        if not all(math.isfinite(rate) for rate in rates):
            raise ValueError(f"rates must be finite numbers: {self}")
        if self.yearly_discount_rate <= -1:
            raise ValueError(f"a discount rate is above -1: {self}")


@dataclass(frozen=True)
class Scope:
    """Whose predictions these are, and of which model (where it is one for all horizons)."""

    company_id: str
    currency: str
    model_name: str
    model_version: str


def measure_factors(
    daily: pd.DataFrame, as_of: date, yearly_discount_rate: float
) -> CompanyFactors:
    """Measures a company's return and margin factors on all of its days up to `as_of`.

    Args:
        daily: `order_date`, `gross_revenue_base`, `net_revenue_base`, `margin_base`.
        as_of: Last day that counts.
        yearly_discount_rate: Of the company's settings.

    Returns:
        The factors; both 0 where there is no gross revenue.
    """
    days = pd.to_datetime(daily["order_date"]).to_numpy().astype("datetime64[D]").astype("int64")
    known = daily[days <= day_number(as_of)]
    # fsum is exact, so that the order of rows cannot show in the last digit.
    gross, net, margin = (
        math.fsum(known[column].astype("float64"))
        for column in ("gross_revenue_base", "net_revenue_base", "margin_base")
    )
    if gross <= 0:
        return CompanyFactors(0.0, 0.0, yearly_discount_rate)
    return CompanyFactors(net / gross, margin / gross, yearly_discount_rate)


def fit_champion(name: str, daily: pd.DataFrame, as_of: date) -> Candidate:
    """Returns the candidate of that name, fitted on all that is known at `as_of`."""
    return new_candidate(name).fit(daily, as_of)


@one_thread
def predict_paths(
    champion: Candidate, daily: pd.DataFrame, as_of: date, months: int
) -> MonthlyPaths:
    """Predicts every customer who has paid up to `as_of`, month by month, in one pass.

    Args:
        champion: Fitted at `as_of`.
        daily: See `ml.features.btyd.paid_days`.
        as_of: Day from which the months run.
        months: k.
    """
    ends = [in_weeks(horizon_days(month)) for month in range(1, months + 1)]
    customers = customer_features(daily, as_of)
    predicted = champion.predict(customers, ends)
    orders, value, p_active = (
        # A path never falls: what two ways of rounding make of one number is levelled here.
        np.maximum.accumulate(
            predicted[column].to_numpy(dtype="float64").reshape(len(customers), months), axis=1
        )
        for column in ("expected_orders", "predicted_value", "p_active")
    )
    return MonthlyPaths(customers, orders, value, p_active.clip(0.0, 1.0))


def path_rows(paths: MonthlyPaths, as_of: date, company_id: str) -> pd.DataFrame:
    """Lays paths out as `PATH_TABLE_COLUMNS`, one row per customer and month, rounded as scores."""
    n, months = paths.value.shape
    return pd.DataFrame(
        {
            "company_id": company_id,
            "customer_id": np.repeat(paths.customers["customer_id"].to_numpy(), months),
            "calculation_date": as_of,
            "month": np.tile(np.arange(1, months + 1), n),
            "expected_orders": paths.orders.ravel().round(ORDER_DECIMALS),
            "predicted_value": paths.value.ravel().round(MONEY_DECIMALS),
            "p_active": paths.p_active.ravel().round(ORDER_DECIMALS),
        },
        columns=list(PATH_TABLE_COLUMNS),
    )


def score_customers(
    champion: Candidate,
    daily: pd.DataFrame,
    as_of: date,
    horizons_months: Sequence[int],
    factors: CompanyFactors,
    scope: Scope,
    customer_ids: Iterable[str] = (),
    paths: MonthlyPaths | None = None,
) -> pd.DataFrame:
    """Predicts every customer at every horizon.

    The expected path is taken at every month end up to the longest horizon, in one pass. Each
    month's increment is discounted from the middle of its month; discounting the cumulative total
    would discount early orders as if they came last.

    Args:
        champion: Fitted at `as_of`.
        daily: See `ml.features.btyd.paid_days`.
        as_of: Day from which the horizons run.
        horizons_months: E.g. (3, 6, 12).
        factors: Of the company.
        scope: What stands in each row.
        customer_ids: Customers who must get a row although `daily` may not hold one.
        paths: What `predict_paths` gave up to the longest horizon; by default computed here.

    Returns:
        `PREDICTION_TABLE_COLUMNS`, sorted by customer and horizon; money rounded to 4 decimals,
        orders and probabilities to 6. Customers without a positive day up to `as_of` have zeros
        and the eligibility `no_paid_order`. `lower` and `upper` (80 %), `lower_95`, `upper_95` and
        `confidence` are those that the champion was calibrated with (`ml.evaluation.intervals`);
        null where no window of the horizon's length had closed, and for who never paid.

    Raises:
        ValueError: No horizon, or one below a month.
    """
    horizons = sorted(set(horizons_months))
    if not horizons or horizons[0] < 1:
        raise ValueError(f"there must be horizons, each at least one month long, not {horizons}")
    if paths is None:
        paths = predict_paths(champion, daily, as_of, horizons[-1])
    customers, value = paths.customers, paths.value
    discounted = discounted_path(value, factors.yearly_discount_rate)
    columns = np.array(horizons) - 1

    def at_horizons(monthly: np.ndarray) -> np.ndarray:
        return monthly[:, columns].ravel()

    paid = pd.DataFrame(
        {
            "customer_id": np.repeat(customers["customer_id"].to_numpy(), len(horizons)),
            "horizon_months": np.tile(np.array(horizons, dtype="int64"), len(customers)),
            "expected_orders": at_horizons(paths.orders),
            "predicted_value": at_horizons(value),
            "discounted_value": at_horizons(discounted),
            "p_active": at_horizons(paths.p_active),
            "eligibility": np.repeat(
                paid_customer_eligibility(customers["frequency"]), len(horizons)
            ),
        }
    )
    names = {month: _model_at(champion, month, scope.model_name) for month in horizons}
    days = pd.to_datetime(daily["order_date"]).to_numpy().astype("datetime64[D]").astype("int64")
    # Lists first: a set of an Arrow array is filled value by value.
    seen = set(daily["customer_id"][days <= day_number(as_of)].astype(str).unique().tolist())
    unpaid = sorted(
        (seen | {str(name) for name in customer_ids}) - set(customers["customer_id"].tolist())
    )
    rows = pd.concat([paid, _unpaid_rows(unpaid, horizons)], ignore_index=True)
    rows = rows.sort_values(["customer_id", "horizon_months"], ignore_index=True)
    rows["model_name"] = rows["horizon_months"].map(names)
    rows = rows.assign(**_interval_columns(rows, champion, horizons))
    return _table(rows, as_of, factors, scope)


def _model_at(champion: Candidate, month: int, otherwise: str) -> str:
    if isinstance(champion, ByHorizon):
        return champion.name_at(in_weeks(horizon_days(month)))
    return otherwise


def _interval_columns(
    rows: pd.DataFrame, champion: Candidate, horizons: Sequence[int]
) -> dict[str, np.ndarray]:
    """Returns the ends of each row's intervals and the confidence, nan where nothing is known.

    No end falls as the horizon grows: who has spent something within three months has spent it
    within six.
    """
    calibration = champion.calibration if isinstance(champion, ByHorizon) else None
    shape = (len(rows) // len(horizons), len(horizons))
    predicted = rows["predicted_value"].to_numpy(dtype="float64").reshape(shape)
    paid = (rows["eligibility"] != Eligibility.NO_PAID_ORDER.value).to_numpy().reshape(shape)
    ends = {
        name: np.full(shape, np.nan)
        for name in ("lower", "upper", "lower_95", "upper_95", "confidence")
    }
    for column, months in enumerate(horizons):
        intervals = calibration.intervals.get(months) if calibration is not None else None
        if intervals is None:
            continue
        for suffix, level in (("", MAIN_LEVEL), ("_95", WIDE_LEVEL)):
            lower, upper = intervals.bounds(predicted[:, column], level)
            ends[f"lower{suffix}"][:, column] = lower
            ends[f"upper{suffix}"][:, column] = upper
    for name in ("lower", "upper", "lower_95", "upper_95"):
        known = ~np.isnan(ends[name])
        highest = np.maximum.accumulate(np.where(known, ends[name], 0.0), axis=1)
        ends[name] = np.where(known & paid, highest, np.nan)
    # A lower end that was raised by a shorter horizon's stays below the prediction.
    ends["lower"] = np.minimum(ends["lower"], predicted)
    ends["lower_95"] = np.minimum(ends["lower_95"], ends["lower"])
    ends["upper_95"] = np.maximum(ends["upper_95"], ends["upper"])
    for column, months in enumerate(horizons):
        if calibration is not None and months in calibration.intervals:
            width = ends["upper"][:, column] - ends["lower"][:, column]
            ends["confidence"][:, column] = calibration.intervals[months].confidence(width)
    ends["confidence"] = np.where(paid, ends["confidence"], np.nan)
    return {name: values.ravel() for name, values in ends.items()}


def _unpaid_rows(customer_ids: Sequence[str], horizons: Sequence[int]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": np.repeat(np.array(customer_ids, dtype=object), len(horizons)),
            "horizon_months": np.tile(np.array(horizons, dtype="int64"), len(customer_ids)),
            "expected_orders": 0.0,
            "predicted_value": 0.0,
            "discounted_value": 0.0,
            "p_active": 0.0,
            "eligibility": Eligibility.NO_PAID_ORDER.value,
        }
    )


def _table(rows: pd.DataFrame, as_of: date, factors: CompanyFactors, scope: Scope) -> pd.DataFrame:
    p_active = rows["p_active"].clip(0.0, 1.0).round(ORDER_DECIMALS)
    gross = rows["predicted_value"]
    return pd.DataFrame(
        {
            "company_id": scope.company_id,
            "customer_id": rows["customer_id"],
            "calculation_date": as_of,
            "horizon_months": rows["horizon_months"],
            "expected_orders": rows["expected_orders"].round(ORDER_DECIMALS),
            "predicted_value": gross.round(MONEY_DECIMALS),
            "predicted_net": (gross * factors.net_rate).round(MONEY_DECIMALS),
            "predicted_margin": (gross * factors.margin_rate).round(MONEY_DECIMALS),
            "predicted_discounted": (rows["discounted_value"] * factors.net_rate).round(
                MONEY_DECIMALS
            ),
            "currency": scope.currency,
            **{
                name: rows[name].round(MONEY_DECIMALS)
                for name in ("lower", "upper", "lower_95", "upper_95")
            },
            "p_active": p_active,
            "churn_probability": (1 - p_active).round(ORDER_DECIMALS),
            "confidence": rows["confidence"].round(ORDER_DECIMALS),
            "eligibility": rows["eligibility"],
            "model_name": rows["model_name"],
            "model_version": scope.model_version,
        },
        columns=list(PREDICTION_TABLE_COLUMNS),
    )
