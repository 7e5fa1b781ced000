"""One rolling origin: fit on what was known at a cutoff, judge by what came after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from ml.evaluation.metrics import Metrics, evaluate
from ml.features.btyd import day_number, paid_days
from ml.horizons import DAYS_PER_WEEK, in_weeks
from ml.models.candidate import Candidate
from ml.models.preparation import Preparation


@dataclass(frozen=True)
class Backtest:
    """A candidate on one holdout.

    Attributes:
        candidate: As fitted at the cutoff.
        cutoff: Last day that the candidate knew.
        horizon_days: Length of the holdout, which starts the day after.
        outcome: One row per customer of `Preparation.judges`, sorted by `customer_id`:
            `expected_orders`, `predicted_value`, `p_active`, `actual_orders` (paid days),
            `actual_value` (gross, base currency), `tenure_days` at the cutoff.
        metrics: The figures.
    """

    candidate: Candidate
    cutoff: date
    horizon_days: int
    outcome: pd.DataFrame
    metrics: Metrics


def run_backtest(
    candidate: Candidate, daily: pd.DataFrame | Preparation, cutoff: date, horizon_days: int
) -> Backtest:
    """Fits a candidate at the cutoff and scores the days after it.

    Args:
        candidate: Is fitted here.
        daily: See `ml.features.btyd.paid_days`; must reach to the end of the holdout.
        cutoff: Last day that the candidate may know.
        horizon_days: Length of the holdout in days.

    Raises:
        ValueError: No customer had a paid day by the cutoff, or the horizon is below one day.
    """
    if horizon_days < 1:
        raise ValueError(f"a holdout is at least one day long, not {horizon_days}")
    prepared = Preparation.of(daily)
    customers = prepared.judges(cutoff)
    if customers.empty:
        raise ValueError(f"no customer had paid by {cutoff}: there is nothing to backtest")
    candidate.fit(prepared, cutoff)
    predicted = candidate.predict(customers, [in_weeks(horizon_days)])
    came, stride = prepared.outcome(cutoff, horizon_days), prepared.stride(cutoff)
    outcome = predicted.drop(columns="horizon_weeks").assign(
        actual_orders=came.orders[::stride],
        actual_value=came.value[::stride],
        tenure_days=customers["T"].to_numpy() * DAYS_PER_WEEK,
    )
    metrics = evaluate(
        outcome["actual_value"],
        outcome["predicted_value"],
        outcome["actual_orders"],
        outcome["p_active"],
    )
    return Backtest(candidate, cutoff, horizon_days, outcome, metrics)


def holdout_spend(daily: pd.DataFrame, cutoff: date, horizon_days: int) -> pd.DataFrame:
    """Returns what customers did in the `horizon_days` days after the cutoff.

    Returns:
        `customer_id`, `actual_orders` (paid days), `actual_value`; only customers with a paid day
        in the holdout.
    """
    days = paid_days(daily)
    first = day_number(cutoff + timedelta(days=1))
    held_out = days[(days["day"] >= first) & (days["day"] < first + horizon_days)]
    return (
        held_out.groupby("customer_id", sort=True)["value"]
        .agg(actual_orders="size", actual_value="sum")
        .reset_index()
    )
