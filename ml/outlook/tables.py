"""All tables of a company's outlook from one preparation: each model is fitted once.

Belongs here: which frame is which table. Does not belong here: how a figure comes about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from ml.evaluation.calibration import Calibration, Realised
from ml.features.btyd import day_number
from ml.horizons import DAYS_PER_WEEK, horizon_days
from ml.models.preparation import Preparation
from ml.monitoring.behaviour import behaviour_samples, tenure_strata
from ml.monitoring.drift import Sample, Samples, drift_rows
from ml.outlook.customers import OUTLOOK_COLUMNS, Path, Stakes, customer_outlook
from ml.outlook.forecast import (
    MONTH,
    MONTHS,
    cohort_kind,
    cohort_quarter,
    forecast_revenue,
    month_ends,
    score_forecasts,
    with_intervals,
)
from ml.outlook.survival import churn_risk_factors, survival_curves, waits_after_orders

MONEY_DECIMALS = 4
RATIO_DECIMALS = 6
#: An error this much above what was expected is an alarm.
ALARM = 0.20
NO_ORDER = "Has not bought anything yet."


@dataclass(frozen=True)
class Company:
    """Whose outlook it is.

    Attributes:
        company_id: The company.
        currency: Base currency, ISO 4217.
        as_of: Last day of its data.
        churn_window_days: Days without an order after which a customer counts as lost.
        margin_rate: Contribution margin ÷ gross revenue.
    """

    company_id: str
    currency: str
    as_of: date
    churn_window_days: int
    margin_rate: float


def outlook_tables(
    company: Company,
    prepared: Preparation,
    predictions: pd.DataFrame,
    traits: pd.DataFrame,
    calibration: Calibration,
) -> dict[str, pd.DataFrame]:
    """Computes everything but the accuracy of what was published (`realised_accuracy`).

    Args:
        company: Whose.
        prepared: Its customer-days.
        predictions: `customer_id`, `month`, `predicted_value`, `p_active` from `as_of` on, of every
            customer who has paid; cumulative.
        traits: `customer_id` and what is known of customers from their first order on; a row for
            each customer who must have an outlook.
        calibration: The champion's.

    Returns:
        The rows of each table of the schema ml, by its name.
    """
    as_of = company.as_of
    customers = prepared.customers(as_of)
    of_payers = traits.set_index("customer_id").reindex(customers["customer_id"])
    known = {
        str(name): of_payers[name].astype(object).where(of_payers[name].notna(), None).to_numpy()
        for name in of_payers.columns
    }
    end = day_number(as_of)
    tenure = np.rint(customers["T"].to_numpy() * DAYS_PER_WEEK).astype("int64")
    first = end - tenure
    waits = waits_after_orders(prepared, as_of)
    path = Path.of(predictions, customers["customer_id"])
    ends = month_ends(as_of, MONTHS)
    forecast = with_intervals(
        forecast_revenue(
            path.value_at(np.array([(day - as_of).days for day in ends])), prepared, as_of
        ),
        calibration.revenue,
    )
    forecast = forecast.drop(columns=["step", "brought", "actual"])
    forecast = forecast.assign(currency=company.currency)
    by_month = forecast["cohort"].map(cohort_kind) == MONTH
    features, segments = behaviour_samples(prepared, as_of, known)
    found = {
        "interval_scores": calibration.interval_scores.assign(currency=company.currency),
        "customer_outlook": _outlook(company, prepared, path, traits),
        "survival_curves": survival_curves(waits, known | {"cohort": cohort_quarter(first)}),
        "churn_risk_factors": churn_risk_factors(waits, known, company.churn_window_days, as_of),
        "revenue_forecasts": forecast[~by_month],
        "cohort_forecasts": _cohorts(forecast[by_month]),
        "forecast_scores": score_forecasts(calibration.revenue).assign(currency=company.currency),
        "drift_metrics": pd.concat(
            [
                drift_rows("feature", features),
                drift_rows("segment", segments),
                drift_rows("prediction", _predictions(path, tenure, calibration)),
            ],
            ignore_index=True,
        ),
    }
    return {name: _finished(frame, company, name) for name, frame in found.items()}


def realised_accuracy(
    company: Company,
    prepared: Preparation,
    published: pd.DataFrame,
    expected: Mapping[tuple[date, int], float],
    calibration: Calibration,
) -> pd.DataFrame:
    """Compares what was predicted with what came.

    Args:
        company: Whose.
        prepared: Its customer-days.
        published: `customer_id`, `calculation_date`, `horizon_months`, `predicted_value` of
            predictions whose window was over by `as_of`.
        expected: For calculation dates and horizons of `published`, the error that the contest had
            seen by then.
        calibration: The champion's: its backtest stands beside them.

    Returns:
        Rows of ml.realised_accuracy. Compared are customers who had paid by the calculation date.
    """
    rows = [
        _realised_row(company, months, "backtest", realised)
        for months, realised in sorted(calibration.realised.items())
    ]
    asked = published[["calculation_date", "horizon_months"]].drop_duplicates()
    for day, number in sorted(asked.itertuples(index=False, name=None)):
        chosen = (published["calculation_date"] == day) & (published["horizon_months"] == number)
        predicted = published[chosen]
        cutoff, months = pd.Timestamp(day).date(), int(number)
        days = horizon_days(months)
        customers = prepared.customers(cutoff)
        came = prepared.outcome(cutoff, days).value
        both = customers[["customer_id"]].assign(came=came).merge(predicted, on="customer_id")
        if both.empty:
            continue
        actual = both["came"].to_numpy()
        said = both["predicted_value"].to_numpy(dtype="float64")
        realised = Realised(
            cutoff, days, len(both), float(said.sum()), float(actual.sum()),
            float(np.abs(said - actual).mean()), expected.get((cutoff, months)),
        )  # fmt: skip
        rows.append(_realised_row(company, months, "published", realised))
    return pd.DataFrame(rows)


def _realised_row(
    company: Company, months: int, basis: str, realised: Realised
) -> dict[str, object]:
    expected = realised.mae_expected
    change = realised.mae / expected - 1 if expected else None
    return {
        "company_id": company.company_id,
        "calculation_date": realised.cutoff,
        "horizon_months": months,
        "basis": basis,
        "window_end": realised.cutoff + timedelta(days=realised.days),
        "customers": realised.customers,
        "predicted": round(realised.predicted, MONEY_DECIMALS),
        "actual": round(realised.actual, MONEY_DECIMALS),
        "total_ratio": (
            round(realised.predicted / realised.actual, RATIO_DECIMALS) if realised.actual else None
        ),
        "mae": round(realised.mae, MONEY_DECIMALS),
        "mae_expected": None if expected is None else round(expected, MONEY_DECIMALS),
        "change": None if change is None else round(change, RATIO_DECIMALS),
        "is_alarm": change is not None and change > ALARM,
        "currency": company.currency,
    }


def _outlook(
    company: Company, prepared: Preparation, path: Path, traits: pd.DataFrame
) -> pd.DataFrame:
    orders = prepared.days[prepared.days["day"].to_numpy() <= day_number(company.as_of)]
    mean = float(orders["value"].mean()) if len(orders) else 0.0
    stakes = Stakes(company.margin_rate, mean)
    paid = customer_outlook(path, prepared, company.as_of, company.churn_window_days, stakes)
    others = sorted(set(traits["customer_id"].astype(str)) - set(paid["customer_id"]))
    nothing = pd.DataFrame({"customer_id": others, "intervention_reason": NO_ORDER})
    everyone = pd.concat(
        [paid.astype(object), nothing.astype(object)] if others else [paid.astype(object)],
        ignore_index=True,
    )
    everyone = everyone.astype({"days_overdue": "Int64"})
    return everyone.sort_values("customer_id", ignore_index=True)[list(OUTLOOK_COLUMNS)]


def _cohorts(forecast: pd.DataFrame) -> pd.DataFrame:
    months = pd.to_datetime(forecast["cohort"], format="%Y-%m").dt.date
    return forecast.assign(cohort_month=months).drop(columns=["cohort", "seasonal_naive"])


def _predictions(path: Path, tenure_days: np.ndarray, calibration: Calibration) -> Samples:
    strata = tenure_strata(tenure_days)
    return {
        f"predicted_value_{months}m": (
            Sample(path.value[:, list(path.months).index(months)], strata),
            calibration.predicted[months],
        )
        for months in sorted(calibration.predicted)
        if months in path.months
    }


_MONEY = ("pinball", "pinball_marginal", "mean_width", "mean_width_marginal", "forecast", "lower",
          "upper", "seasonal_naive", "mae")  # fmt: skip
_RATIOS = ("coverage", "coverage_marginal", "mape")
_WITH_MONEY = {"interval_scores", "revenue_forecasts", "cohort_forecasts", "forecast_scores"}


def _finished(frame: pd.DataFrame, company: Company, table: str) -> pd.DataFrame:
    """Adds the key's first columns and rounds, so that the last bit shows nowhere."""
    frame = frame.copy()
    frame.insert(0, "company_id", company.company_id)
    if table != "interval_scores":
        frame.insert(1, "calculation_date", company.as_of)
    for columns, decimals in ((_MONEY, MONEY_DECIMALS), (_RATIOS, RATIO_DECIMALS)):
        if table in _WITH_MONEY:
            chosen = [name for name in columns if name in frame.columns]
            frame[chosen] = frame[chosen].astype("float64").round(decimals)
    return frame


def outlook_figures(tables: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, float]]:
    """Picks the figures whose course over the nights is worth a look.

    Args:
        tables: As `outlook_tables` and `realised_accuracy` return them.

    Returns:
        Figures by table; those of an empty table are left out.
    """
    figures: dict[str, dict[str, float]] = {}
    if len(drift := tables["drift_metrics"]):
        figures["drift_metrics"] = {
            f"highest PSI, {kind}": of_kind["psi"].astype("float64").max()
            for kind, of_kind in drift.groupby("kind")
        } | {"drifted": drift["is_drifted"].astype(bool).sum()}
    if len(realised := tables["realised_accuracy"]):
        # Of several days the latest counts.
        due = realised.sort_values("calculation_date")
        figures["realised_accuracy"] = {
            f"predicted ÷ actual, {months} months, {basis}": ratio
            for months, basis, ratio in zip(
                due["horizon_months"],
                due["basis"],
                due["total_ratio"].astype("float64"),
                strict=True,
            )
        }
    if len(intervals := tables["interval_scores"]):
        of_all = intervals[intervals["segment"] == "all"].sort_values("cutoff")
        figures["interval_scores"] = {
            f"coverage of {100 * nominal:.0f} %, {months} months": coverage
            for nominal, months, coverage in zip(
                of_all["nominal"], of_all["horizon_months"], of_all["coverage"], strict=True
            )
        }
    if len(forecast := tables["revenue_forecasts"]):
        total = forecast.loc[forecast["cohort"] == "all", "forecast"].astype("float64").sum()
        figures["revenue_forecasts"] = {f"forecast of {MONTHS} months": round(total, 2)}
    return {
        table: {name: float(value) for name, value in found.items() if pd.notna(value)}
        for table, found in figures.items()
    }
