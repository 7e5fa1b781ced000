"""The whole engine on customer-days: hold the contest, fit the champion, predict, judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from ml.eligibility import (
    CompanyEligibility,
    Eligibility,
    company_eligibility,
    paid_customer_eligibility,
)
from ml.evaluation.backtest import holdout_spend
from ml.evaluation.contest import ORIGINS, Contest, hold_contest
from ml.evaluation.metrics import Metrics, evaluate
from ml.features.btyd import FeatureError, day_number, paid_days
from ml.horizons import horizon_name, in_weeks, rolling_cutoffs
from ml.models.candidate import Candidate
from ml.models.catalogue import CANDIDATES, new_candidate
from ml.models.counts import MIN_REPEAT_CUSTOMERS
from ml.models.preparation import Preparation
from ml.threads import one_thread

MONEY_DECIMALS = 4
ORDER_DECIMALS = 6

OUTPUT_COLUMNS = (
    "customer_id",
    "expected_orders",
    "predicted_value",
    "p_active",
    "eligibility",
    "model_name",
)


@dataclass(frozen=True)
class Prediction:
    """What came out.

    Attributes:
        as_of: Last day that counted.
        horizon_days: Days predicted.
        contest: On what was known at `as_of`.
        champion: Fitted on the same.
        customers: `OUTPUT_COLUMNS`, one row per customer of the data, sorted by id.
        company_eligibility: What the history allowed.
    """

    as_of: date
    horizon_days: int
    contest: Contest
    champion: Candidate
    customers: pd.DataFrame
    company_eligibility: CompanyEligibility

    def scorecard(self, holdout: Mapping[str, Metrics] | None = None) -> dict[str, Any]:
        """Returns the contest, and how the holdout came out, as JSON-serialisable values."""
        contest = self.contest
        described = self.champion.describe()
        card: dict[str, Any] = {
            "as_of": self.as_of.isoformat(),
            "horizon_days": self.horizon_days,
            "champion": contest.champion,
            "reason": contest.reason,
            "company_eligibility": self.company_eligibility.value,
            "history_days": contest.history_days,
            "contest": {
                "cutoffs": [
                    contest.cutoff.isoformat(),
                    *(each[0].cutoff.isoformat() for each in contest.earlier),
                ],
                "holdout_days": contest.horizon_days,
                "candidates": {
                    backtest.candidate.name: {"composite": composite} | _finite(backtest.metrics)
                    for backtest, composite in zip(
                        contest.backtests, contest.composites, strict=True
                    )
                },
            },
            "fit": {"params": dict(described.params), "diagnostics": dict(described.diagnostics)},
        }
        if holdout is not None:
            card["holdout"] = {name: _finite(metrics) for name, metrics in holdout.items()}
        return card


def _first_paid_day(daily: pd.DataFrame) -> date | None:
    """Returns the first day with a positive amount; None where there is none."""
    days = paid_days(daily)["day"]
    return None if days.empty else date(1970, 1, 1) + timedelta(days=int(days.min()))


@one_thread
def predict_customers(daily: pd.DataFrame, as_of: date, horizon_days: int) -> Prediction:
    """Predicts all customers of a purchase log from a day on.

    Args:
        daily: See `ml.features.btyd.paid_days`. Rows after `as_of` are left out before anything
            is computed.
        as_of: Last day that counts.
        horizon_days: Days to predict.

    Raises:
        FeatureError: Nobody had paid by then, or the horizon is longer than the history.
    """
    moments = pd.to_datetime(daily["order_date"]).to_numpy().astype("datetime64[D]")
    known = daily[moments.astype("int64") <= day_number(as_of)]
    prepared = Preparation(known)
    history = prepared.history_days(as_of)
    if history == 0:
        first = _first_paid_day(daily)
        if first is None:
            raise FeatureError("nobody has paid: there is no amount above 0")
        raise FeatureError(f"no customer had paid by {as_of}: the first did on {first}")
    if not 1 <= horizon_days <= history:
        raise FeatureError(
            f"the horizon is {horizon_days} days, but the history up to {as_of} has {history}: "
            "take a horizon between one day and that"
        )
    cutoffs = rolling_cutoffs(as_of, horizon_days, history, ORIGINS, month_ends=False)
    contest = hold_contest(
        prepared,
        as_of,
        CANDIDATES,
        cutoffs[0][0] if cutoffs else None,
        earlier=[day for day, _ in cutoffs[1:]],
        select_history=True,
    )
    weeks = in_weeks(horizon_days)
    champion = new_candidate(contest.champion, weeks, contest.history_days).fit(prepared, as_of)
    customers = prepared.customers(as_of)
    predicted = champion.predict(customers, [weeks])
    rows = pd.DataFrame(
        {
            "customer_id": predicted["customer_id"],
            "expected_orders": predicted["expected_orders"].round(ORDER_DECIMALS),
            "predicted_value": predicted["predicted_value"].round(MONEY_DECIMALS),
            "p_active": predicted["p_active"].clip(0, 1).round(ORDER_DECIMALS),
            "eligibility": paid_customer_eligibility(customers["frequency"]),
        }
    )
    seen = set(known["customer_id"].astype(str).unique().tolist())
    unpaid = sorted(seen - set(customers["customer_id"].tolist()))
    nothing = pd.DataFrame(
        {
            "customer_id": np.array(unpaid, dtype=object),
            "expected_orders": 0.0,
            "predicted_value": 0.0,
            "p_active": 0.0,
            "eligibility": Eligibility.NO_PAID_ORDER.value,
        }
    )
    everyone = pd.concat([rows, nothing], ignore_index=True) if unpaid else rows
    everyone = everyone.sort_values("customer_id", ignore_index=True)
    everyone["model_name"] = champion.name
    code = company_eligibility(
        len(customers),
        int((customers["frequency"] > 0).sum()),
        MIN_REPEAT_CUSTOMERS,
        bool(contest.backtests),
    )
    return Prediction(as_of, horizon_days, contest, champion, everyone[list(OUTPUT_COLUMNS)], code)


def judge(prediction: Prediction, daily: pd.DataFrame, holdout: pd.DataFrame) -> dict[str, Metrics]:
    """Compares a prediction with what customers did in the days after it.

    Args:
        prediction: Made from `daily`.
        daily: What it was made from.
        holdout: Customer-days of the horizon; rows outside it are left out.

    Returns:
        Figures of the champion and of the naive baseline.
    """
    prepared = Preparation(daily)
    customers = prepared.customers(prediction.as_of)
    spent = holdout_spend(holdout, prediction.as_of, prediction.horizon_days)
    actual = customers[["customer_id"]].merge(spent, on="customer_id", how="left").fillna(0)
    naive = new_candidate("naive").fit(prepared, prediction.as_of)
    weeks = in_weeks(prediction.horizon_days)
    champion = customers[["customer_id"]].merge(prediction.customers, on="customer_id")
    return {
        name: evaluate(
            actual["actual_value"],
            predicted["predicted_value"],
            actual["actual_orders"],
            predicted["p_active"],
        )
        for name, predicted in (
            (prediction.champion.name, champion),
            ("naive", naive.predict(customers, [weeks])),
        )
    }


def horizon_label(days: int) -> str:
    """Returns a horizon in words for people: its weeks, or its days where they aren't whole."""
    return horizon_name(days) if days % 7 == 0 else f"{days}d"


def _finite(metrics: Metrics) -> dict[str, float | None]:
    """Returns the figures; JSON knows no nan."""
    return {
        name: (float(value) if np.isfinite(value) else None)
        for name, value in asdict(metrics).items()
    }
