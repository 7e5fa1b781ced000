"""Who is champion: every candidate through the same backtest, ranked on five figures."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from ml.evaluation.backtest import Backtest, run_backtest
from ml.evaluation.metrics import Metrics
from ml.features.btyd import customer_features
from ml.horizons import holdout_cutoff, horizon_name
from ml.models.candidate import Candidate
from ml.models.catalogue import CANDIDATES, DEFAULT_CANDIDATE, new_candidate

# A window is worth a contest with this many customers, or with this share of all there are.
MIN_CUSTOMERS = 100
MIN_SHARE = 0.05
ALL_CUSTOMERS = "all"
METRIC_DECIMALS = 6

SCORE_COLUMNS = (
    "company_id",
    "run",
    "model",
    "cutoff",
    "horizon",
    "segment",
    "horizon_days",
    "rows",
    "mae",
    "rmse",
    "spearman",
    "normalised_gini",
    "decile_mape",
    "total_ratio",
    "auc",
    "coverage",
    "composite",
    "is_champion",
)


@dataclass(frozen=True)
class Contest:
    """Outcome of a contest.

    Attributes:
        as_of: Last day of the data.
        cutoff: Last day that the candidates knew.
        horizon_days: Length of the holdout.
        backtests: One per candidate, in the order in which they entered; none where too little
            history forbade a contest.
        composites: Mean rank by candidate, 1 is best; parallel to `backtests`.
        champion: Name of the winner, or of the default candidate without a contest.
        reason: Why the champion is champion, for people.
    """

    as_of: date
    cutoff: date
    horizon_days: int
    backtests: tuple[Backtest, ...]
    composites: tuple[float, ...]
    champion: str
    reason: str


def hold_contest(
    daily: pd.DataFrame,
    as_of: date,
    names: Iterable[str] = tuple(CANDIDATES),
    cutoff: date | None = None,
) -> Contest:
    """Backtests candidates on one holdout, from the cutoff to `as_of`.

    Args:
        daily: See `ml.features.btyd.paid_days`; rows after `as_of` are left out.
        as_of: Last day of the data.
        names: Candidates of `ml.models.catalogue`.
        cutoff: End of the calibration; by default `holdout_cutoff(as_of)`.

    Returns:
        The contest. With fewer than 100 customers at the cutoff, who also are at most 5 % of all
        customers (or without any), there are no backtests, and the reason says so.

    Raises:
        ValueError: A name is unknown, there is none, or the cutoff is not before `as_of`.
    """
    candidates: list[Candidate] = [new_candidate(name) for name in names]
    if not candidates:
        raise ValueError("a contest needs at least one candidate")
    end = cutoff or holdout_cutoff(as_of)
    days = (as_of - end).days
    if days < 1:
        raise ValueError(f"the cutoff {end} is not before {as_of}")
    known = len(customer_features(daily, end))
    everyone = len(customer_features(daily, as_of))
    if known == 0 or (known < MIN_CUSTOMERS and known <= MIN_SHARE * everyone):
        reason = (
            f"no contest: {known} customers had paid by {end}, "
            f"and a holdout takes at least {MIN_CUSTOMERS}"
        )
        return Contest(as_of, end, days, (), (), DEFAULT_CANDIDATE, reason)
    backtests = tuple(run_backtest(candidate, daily, end, days) for candidate in candidates)
    composites = composite_ranks([backtest.metrics for backtest in backtests])
    winner = min(
        zip(composites, backtests, strict=True),
        key=lambda entry: (
            entry[0],
            round(entry[1].metrics.mae, METRIC_DECIMALS),
            entry[1].candidate.name,
        ),
    )
    reason = (
        f"best mean rank ({winner[0]:.2f}) of {len(backtests)} on {horizon_name(days)} to {as_of}"
    )
    return Contest(as_of, end, days, backtests, composites, winner[1].candidate.name, reason)


def composite_ranks(metrics: list[Metrics]) -> tuple[float, ...]:
    """Returns each model's mean rank over MAE, Spearman, Gini, decile MAPE and |1 - total ratio|.

    1 is best; equals share their mean rank; a figure without a value ranks behind all others.
    Figures are compared to six decimals, so that noise of the last digit decides nothing.
    """
    losses = np.array(
        [
            (
                entry.mae,
                -entry.spearman,
                -entry.normalised_gini,
                entry.decile_mape,
                abs(1 - entry.total_ratio),
            )
            for entry in metrics
        ]
    )
    comparable = np.where(np.isnan(losses), np.inf, np.round(losses, METRIC_DECIMALS))
    ranks = np.column_stack([rankdata(column) for column in comparable.T])
    return tuple(float(round(rank, METRIC_DECIMALS)) for rank in ranks.mean(axis=1))


def score_rows(contest: Contest, company_id: str, run: str) -> pd.DataFrame:
    """Lays a contest out as rows of the table of model scores.

    Args:
        contest: The contest.
        company_id: Whose data these are.
        run: Deterministic id of the run.

    Returns:
        `SCORE_COLUMNS`, one row per candidate; figures rounded to six decimals, null where they
        have no value.
    """
    rows = [
        {
            "company_id": company_id,
            "run": run,
            "model": backtest.candidate.name,
            "cutoff": backtest.cutoff,
            "horizon": horizon_name(backtest.horizon_days),
            "segment": ALL_CUSTOMERS,
            "horizon_days": backtest.horizon_days,
            "rows": backtest.metrics.rows,
            **{name: _rounded(getattr(backtest.metrics, name)) for name in SCORE_COLUMNS[8:15]},
            "coverage": None,
            "composite": composite,
            "is_champion": backtest.candidate.name == contest.champion,
        }
        for backtest, composite in zip(contest.backtests, contest.composites, strict=True)
    ]
    frame = pd.DataFrame(rows, columns=list(SCORE_COLUMNS))
    return frame.astype(dict.fromkeys(SCORE_COLUMNS[8:17], "Float64"))


def _rounded(value: float) -> float | None:
    return round(value, METRIC_DECIMALS) if math.isfinite(value) else None
