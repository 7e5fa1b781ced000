"""Who is champion: every candidate through the same backtest, ranked on five figures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from ml.evaluation.backtest import Backtest, run_backtest
from ml.evaluation.metrics import Metrics, decile_means, decile_sizes, evaluate
from ml.horizons import holdout_cutoff, horizon_days, horizon_name, in_weeks, rolling_cutoffs
from ml.models.by_horizon import ByHorizon
from ml.models.candidate import Candidate
from ml.models.catalogue import ANCHORED, CANDIDATES, DEFAULT_CANDIDATE, new_candidate
from ml.models.preparation import Preparation
from ml.segments.stages import STAGES, stages
from ml.threads import one_thread

# A window is worth a contest with this many customers, or with this share of all there are.
MIN_CUSTOMERS = 100
MIN_SHARE = 0.05
# The mean of several models, preferred where the holdouts don't clearly tell.
FAVOURITE = "blend"
# Cutoffs of a rolling-origin backtest, a quarter apart.
ORIGINS = 2
# Histories that the BTYD models may be fitted on, beside all of it.
HISTORY_MONTHS = (3, 6, 9, 12, 15, 18)
ALL_CUSTOMERS = "all"
METRIC_DECIMALS = 6
# The line that every model is drawn beside.
BASELINE = "naive"

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
    "bias",
)

DECILE_COLUMNS = (
    "company_id",
    "model",
    "cutoff",
    "horizon",
    "horizon_days",
    "decile",
    "customers",
    "predicted_value",
    "actual_value",
    "is_champion",
)


@dataclass(frozen=True)
class Contest:
    """Outcome of a contest at one horizon.

    Attributes:
        as_of: Last day of the data.
        cutoff: Last day that the candidates knew, at the latest origin.
        horizon_days: Length of the holdouts.
        backtests: One per candidate at the latest origin, in the order in which they entered; none
            where too little history forbade a contest.
        composites: Mean rank by candidate over all origins and the favourite's head start (see
            `_prior`), 1 is best; parallel to `backtests`.
        champion: Name of the winner, or of the default candidate without a contest.
        reason: Why the champion is champion, for people.
        earlier: The backtests of each earlier origin, newest first.
        history_days: The BTYD models are fitted on customers who came within so many days; None is
            all.
        histories: Backtests of the histories that were tried, by their months.
        horizon_months: Horizon in question; None where it was given in days.
    """

    as_of: date
    cutoff: date
    horizon_days: int
    backtests: tuple[Backtest, ...]
    composites: tuple[float, ...]
    champion: str
    reason: str
    earlier: tuple[tuple[Backtest, ...], ...] = ()
    history_days: int | None = None
    histories: Mapping[int, Backtest] = field(default_factory=dict)
    horizon_months: int | None = None

    def challenger(self) -> str | None:
        """Returns the best of those who are not champion."""
        others = [
            (composite, backtest.candidate.name)
            for composite, backtest in zip(self.composites, self.backtests, strict=True)
            if backtest.candidate.name != self.champion
        ]
        return min(others)[1] if others else None


@one_thread
def hold_contest(
    daily: pd.DataFrame | Preparation,
    as_of: date,
    names: Iterable[str] = tuple(CANDIDATES),
    cutoff: date | None = None,
    *,
    earlier: Sequence[date] = (),
    in_service: str | None = None,
    select_history: bool = False,
    horizon_months: int | None = None,
) -> Contest:
    """Backtests candidates on holdouts of one length, the latest from the cutoff to `as_of`.

    Args:
        daily: See `ml.features.btyd.paid_days`; rows after `as_of` are left out.
        as_of: Last day of the data.
        names: Candidates of `ml.models.catalogue`.
        cutoff: End of the calibration; by default `holdout_cutoff(as_of)`.
        earlier: More cutoffs; those with too few customers are passed over.
        in_service: The champion so far: it stays unless the winner beats it at the latest cutoff.
        select_history: Whether to choose the history that the BTYD models are fitted on.
        horizon_months: Noted in the contest.

    Returns:
        The contest. With fewer than 100 customers at the cutoff, who also are at most 5 % of all
        customers (or without any), there are no backtests, and the reason says so.

    Raises:
        ValueError: A name is unknown, there is none, or the cutoff is not before `as_of`.
    """
    names = list(names)
    if not names:
        raise ValueError("a contest needs at least one candidate")
    for name in names:
        new_candidate(name)
    end = cutoff or holdout_cutoff(as_of)
    days = (as_of - end).days
    if days < 1:
        raise ValueError(f"the cutoff {end} is not before {as_of}")
    prepared = Preparation.of(daily)
    everyone = _customers(prepared, as_of)
    known = _customers(prepared, end)
    if not _enough(known, everyone):
        reason = (
            f"no contest: {known} customers had paid by {end}, "
            f"and a holdout takes at least {MIN_CUSTOMERS}"
        )
        champion = in_service or DEFAULT_CANDIDATE
        return Contest(as_of, end, days, (), (), champion, reason, horizon_months=horizon_months)
    cutoffs = [end, *(day for day in earlier if _enough(_customers(prepared, day), everyone))]
    history: int | None = None
    histories: dict[int, Backtest] = {}
    if select_history:
        history, histories = _best_history(prepared, cutoffs, days)
    rounds = [
        tuple(
            run_backtest(new_candidate(name, in_weeks(days), history), prepared, day, days)
            for name in names
        )
        for day in cutoffs
    ]
    ranks = [composite_ranks([backtest.metrics for backtest in each]) for each in rounds]
    prior_weight, priors = _prior(names)
    composites = tuple(
        round((sum(each) + prior) / (len(ranks) + prior_weight), METRIC_DECIMALS)
        for each, prior in zip(zip(*ranks, strict=True), priors, strict=True)
    )
    latest = rounds[0]
    order = sorted(
        range(len(names)),
        key=lambda i: (
            composites[i], round(latest[i].metrics.mae, METRIC_DECIMALS), names[i],
        ),
    )  # fmt: skip
    winner = order[0]
    reason = (
        f"best mean rank ({composites[winner]:.2f}) of {len(names)} on {horizon_name(days)} to "
        f"{as_of}"
    )
    if len(cutoffs) > 1:
        reason += f" and on {len(cutoffs) - 1} earlier"
    if in_service in names and in_service != names[winner]:
        held = names.index(in_service)
        if ranks[0][winner] >= ranks[0][held]:
            reason = (
                f"stays in service: {names[winner]} ranks better over all cutoffs "
                f"({composites[winner]:.2f} to {composites[held]:.2f}), but not on the latest"
            )
            winner = held
    return Contest(
        as_of, end, days, latest, composites, names[winner], reason,
        tuple(rounds[1:]), history, histories, horizon_months,
    )  # fmt: skip


@one_thread
def hold_contests(
    daily: pd.DataFrame | Preparation,
    as_of: date,
    horizons_months: Iterable[int],
    names: Iterable[str] = tuple(CANDIDATES),
    in_service: Mapping[int, str] | None = None,
) -> dict[int, Contest]:
    """Holds a contest per horizon of a company.

    Args:
        daily: See `ml.features.btyd.paid_days`.
        as_of: Last day of the data.
        horizons_months: E.g. (3, 6, 12).
        names: Candidates of `ml.models.catalogue`.
        in_service: Champions so far, by horizon in months.

    Returns:
        By months, ascending. A horizon for which the history is too short has the contest of the
        longest holdout that it allows.
    """
    prepared = Preparation.of(daily)
    names = list(names)
    contests = {}
    for months in sorted(set(horizons_months)):
        cutoffs = rolling_cutoffs(
            as_of, horizon_days(months), prepared.history_days(as_of), ORIGINS, month_ends=True
        )
        latest = cutoffs[0][0] if cutoffs else holdout_cutoff(as_of)
        contests[months] = hold_contest(
            prepared, as_of, names, latest,
            earlier=[day for day, _ in cutoffs[1:]],
            in_service=(in_service or {}).get(months),
            select_history=True,
            horizon_months=months,
        )  # fmt: skip
    return contests


def main_contest(contests: Mapping[int, Contest]) -> Contest:
    """Returns the contest that speaks for the company: half a year, or the nearest to it."""
    return contests[min(contests, key=lambda months: (abs(months - 6), months))]


@one_thread
def fit_champions(
    contests: Mapping[int, Contest], daily: pd.DataFrame | Preparation, as_of: date
) -> ByHorizon:
    """Returns the champions of all horizons, fitted on all that is known at `as_of`."""
    prepared = Preparation.of(daily)
    made: dict[tuple[str, int | None, float], Candidate] = {}
    champions = {}
    for months, contest in contests.items():
        weeks = in_weeks(horizon_days(months))
        anchored = contest.champion in ANCHORED
        key = (contest.champion, contest.history_days, weeks if anchored else 0.0)
        if key not in made:
            made[key] = new_candidate(contest.champion, weeks, contest.history_days)
        champions[weeks] = made[key]
    return ByHorizon(champions).fit(prepared, as_of)


@one_thread
def fit_challenger(
    contest: Contest, daily: pd.DataFrame | Preparation, as_of: date
) -> Candidate | None:
    """Returns the best of those who didn't win, fitted on all that is known at `as_of`."""
    name = contest.challenger()
    if name is None:
        return None
    weeks = in_weeks(contest.horizon_days)
    return new_candidate(name, weeks, contest.history_days).fit(daily, as_of)


def _prior(names: Sequence[str]) -> tuple[int, list[float]]:
    """Returns the ranks of a cutoff that never was, at which the favourite came first.

    One or two holdouts are a noisy judge: on either of them a model may be ahead by chance. A mean
    of several errs less than each of them, which is known before any contest. So another has to be
    ahead of the blend by more than chance to be taken instead.
    """
    if FAVOURITE not in names or len(names) == 1:
        return 0, [0.0] * len(names)
    others = (len(names) + 2) / 2
    return 1, [1.0 if name == FAVOURITE else others for name in names]


def _best_history(
    prepared: Preparation, cutoffs: Sequence[date], days: int
) -> tuple[int | None, dict[int, Backtest]]:
    """Chooses the history by the composite of one BTYD model over all cutoffs; None is all of it.

    Returns:
        The days, and the backtests of each history at the latest cutoff.
    """
    rounds: list[dict[int, Backtest]] = []
    for cutoff in cutoffs:
        everyone = _customers(prepared, cutoff)
        sizes = {everyone}
        tried: dict[int, Backtest] = {}
        for months in (*HISTORY_MONTHS, 0):
            history = horizon_days(months) if months else None
            size = len(prepared.recent(cutoff, history))
            # A window with all customers, or with the same ones as the last, is no other window.
            if months and (size in sizes or not _enough(size, everyone)):
                continue
            sizes.add(size)
            candidate = new_candidate(DEFAULT_CANDIDATE, in_weeks(days), history)
            tried[months] = run_backtest(candidate, prepared, cutoff, days)
        rounds.append(tried)
    common = [months for months in rounds[0] if all(months in tried for tried in rounds)]
    latest = {months: backtest for months, backtest in rounds[0].items() if months}
    if len(common) == 1:
        return None, latest
    ranks = np.mean(
        [composite_ranks([tried[months].metrics for months in common]) for tried in rounds], axis=0
    )
    # Of equals the longest: it knows most. All of it stands last.
    best = common[min(range(len(common)), key=lambda i: (round(float(ranks[i]), 9), -i))]
    return (horizon_days(best) if best else None), latest


def _customers(prepared: Preparation, day: date) -> int:
    return len(prepared.customers(day))


def _enough(known: int, everyone: int) -> bool:
    return known > 0 and (known >= MIN_CUSTOMERS or known > MIN_SHARE * everyone)


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


def score_rows(
    contest: Contest, company_id: str, run: str, horizon: str | None = None
) -> pd.DataFrame:
    """Lays a contest out as rows of the table of model scores.

    Args:
        contest: The contest.
        company_id: Whose data these are.
        run: Deterministic id of the run.
        horizon: Name of the horizon; by default that of the holdout's length.

    Returns:
        `SCORE_COLUMNS`, one row per candidate and cutoff, one per history tried (segment
        ``history_<n>m``), and one of the champion per customer_stage at the latest cutoff (segment
        ``stage_<name>``); figures rounded to six decimals, null where they have no value. The
        composite is that over all cutoffs, and stands at the latest.
    """
    name = horizon or horizon_name(contest.horizon_days)

    def row(backtest: Backtest, composite: float | None, segment: str) -> dict[str, object]:
        return {
            "company_id": company_id,
            "run": run,
            "model": backtest.candidate.name,
            "cutoff": backtest.cutoff,
            "horizon": name,
            "segment": segment,
            "horizon_days": backtest.horizon_days,
            "rows": backtest.metrics.rows,
            **{
                column: _rounded(getattr(backtest.metrics, column))
                for column in SCORE_COLUMNS[8:15]
            },
            "coverage": None,
            "composite": composite,
            "is_champion": segment == ALL_CUSTOMERS and backtest.candidate.name == contest.champion,
            "bias": _rounded(_bias(backtest.outcome)),
        }

    rows = [
        row(backtest, composite, ALL_CUSTOMERS)
        for backtest, composite in zip(contest.backtests, contest.composites, strict=True)
    ]
    for backtests in contest.earlier:
        ranks = composite_ranks([backtest.metrics for backtest in backtests])
        rows += [
            row(backtest, rank, ALL_CUSTOMERS)
            for backtest, rank in zip(backtests, ranks, strict=True)
        ]
    rows += [
        row(backtest, None, f"history_{months:02}m")
        for months, backtest in contest.histories.items()
    ]
    rows += [
        row(of_stage, None, segment)
        for backtest in contest.backtests
        if backtest.candidate.name == contest.champion
        for segment, of_stage in _by_stage(backtest)
    ]
    frame = pd.DataFrame(rows, columns=list(SCORE_COLUMNS))
    return frame.astype(dict.fromkeys((*SCORE_COLUMNS[8:17], "bias"), "Float64"))


def _bias(outcome: pd.DataFrame) -> float:
    """Returns the mean of predicted less actual value; above 0 is too much."""
    return float((outcome["predicted_value"] - outcome["actual_value"]).mean())


def _by_stage(backtest: Backtest) -> Iterator[tuple[str, Backtest]]:
    """Yields a backtest's part of each stage that has customers, under `stage_<name>`."""
    stage = stages(backtest.outcome["tenure_days"].to_numpy())
    for name in STAGES:
        outcome = backtest.outcome[stage == name]
        if len(outcome):
            metrics = evaluate(
                outcome["actual_value"],
                outcome["predicted_value"],
                outcome["actual_orders"],
                outcome["p_active"],
            )
            yield stage_segment(name), replace(backtest, outcome=outcome, metrics=metrics)


def stage_segment(stage: str) -> str:
    """Returns the segment of a stage in the table of model scores."""
    return f"stage_{stage.lower()}"


def all_score_rows(contests: Mapping[int, Contest], company_id: str, run: str) -> pd.DataFrame:
    """Lays the contests of all horizons out; see `score_rows`."""
    frames = [
        score_rows(contest, company_id, run, contest_name(months, contests))
        for months, contest in contests.items()
    ]
    return pd.concat(frames, ignore_index=True)


def decile_rows(contests: Mapping[int, Contest], company_id: str) -> pd.DataFrame:
    """Lays out how prediction and outcome compare in each tenth of the prediction.

    Args:
        contests: Those of all horizons, by months.
        company_id: Whose data these are.

    Returns:
        Rows of the table of decile scores: the champion and the baseline of each horizon at its
        latest cutoff, lowest tenth first; means in base currency, rounded to six decimals.
    """
    rows = [
        {
            "company_id": company_id,
            "model": backtest.candidate.name,
            "cutoff": backtest.cutoff,
            "horizon": contest_name(months, contests),
            "horizon_days": backtest.horizon_days,
            "decile": decile,
            "customers": customers,
            "predicted_value": round(predicted, METRIC_DECIMALS),
            "actual_value": round(actual, METRIC_DECIMALS),
            "is_champion": backtest.candidate.name == contest.champion,
        }
        for months, contest in contests.items()
        for backtest in contest.backtests
        if backtest.candidate.name in {contest.champion, BASELINE}
        for decile, (customers, (predicted, actual)) in enumerate(
            zip(
                decile_sizes(len(backtest.outcome)),
                decile_means(backtest.outcome["actual_value"], backtest.outcome["predicted_value"]),
                strict=True,
            ),
            start=1,
        )
    ]
    return pd.DataFrame(rows, columns=list(DECILE_COLUMNS))


def contest_name(months: int, contests: Mapping[int, Contest]) -> str:
    """Returns a contest's name: its holdout in weeks, with the months where two are as long."""
    name = horizon_name(contests[months].horizon_days)
    names = [horizon_name(contest.horizon_days) for contest in contests.values()]
    return name if names.count(name) == 1 else f"{name} ({months}m)"


def _rounded(value: float) -> float | None:
    return round(value, METRIC_DECIMALS) if math.isfinite(value) else None
