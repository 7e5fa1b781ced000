"""How good the champion is on published logs, beside every single model: ``make bench-accuracy``.

The contest sees what was known at the cutoff and nothing else; then champion and candidates are
judged by what came after it, to the end of the log. A figure of the champion is at par with the
best single model if the difference lies within the bootstrap error (95 %, customers resampled).
"""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import date

import numpy as np
import pandas as pd

from benchmarks.datasets import MissingDataError, cdnow, online_retail
from benchmarks.intervals import print_intervals
from ml.evaluation.backtest import run_backtest
from ml.evaluation.contest import composite_ranks
from ml.evaluation.metrics import Metrics, evaluate
from ml.horizons import in_weeks
from ml.models.catalogue import CANDIDATES, new_candidate
from ml.models.preparation import Preparation
from ml.prediction import predict_customers

RESAMPLES = 200
DECILES = 10
#: Figure to whether more is better; the total's distance to 1 is what counts.
FIGURES = {"mae": False, "rmse": False, "spearman": True, "normalised_gini": True,
           "decile_mape": False, "total_ratio": False}  # fmt: skip


def main() -> None:
    """Prints a table per log and cutoff."""
    sets = [("CDNOW", cdnow(), [date(1997, 9, 30), date(1997, 12, 31)])]
    try:
        sets.append(("Online Retail II", online_retail(), [date(2010, 12, 9), date(2011, 6, 9)]))
    except MissingDataError as error:
        print(f"Online Retail II is left out. {error}\n")
    for name, daily, cutoffs in sets:
        end = pd.to_datetime(daily["order_date"]).max().date()
        for cutoff in cutoffs:
            _one(name, daily, cutoff, (end - cutoff).days)


def _one(name: str, daily: pd.DataFrame, cutoff: date, days: int) -> None:
    started = time.perf_counter()
    prediction = predict_customers(daily, cutoff, days)
    took = time.perf_counter() - started
    prepared = Preparation(daily)
    backtests = {
        model: run_backtest(
            new_candidate(model, in_weeks(days), prediction.contest.history_days),
            prepared, cutoff, days,
        )
        for model in CANDIDATES
    }  # fmt: skip
    champion = prediction.contest.champion
    print(f"{name}, {cutoff}, {days} days: {champion} ({prediction.contest.reason}), {took:.0f} s")
    ranks = composite_ranks([backtest.metrics for backtest in backtests.values()])
    heads = ("MAE", "RMSE", "Spearman", "nGini", "decile", "total", "AUC", "ECE", "rank")
    widths = (10, 10, 10, 8, 8, 8, 7, 7, 7)
    print(" " * 20 + "".join(f"{h:>{w}}" for h, w in zip(heads, widths, strict=True)))
    for (model, backtest), rank in zip(backtests.items(), ranks, strict=True):
        m = backtest.metrics
        print(
            f"{'* ' if model == champion else '  '}{model:18}{m.mae:10.2f}{m.rmse:10.1f}"
            f"{m.spearman:10.3f}{m.normalised_gini:8.3f}{m.decile_mape:8.3f}{m.total_ratio:8.3f}"
            f"{m.auc:7.3f}{calibration_error(backtest.outcome):7.3f}{rank:7.2f}"
        )
    behind = []
    for figure, (mine, best, model, error) in _par(
        {model: backtest.outcome for model, backtest in backtests.items()}, champion
    ).items():
        verdict = "better" if mine < best else "at par" if mine - best <= error else "BEHIND"
        behind += [figure] if verdict == "BEHIND" else []
        print(
            f"  {verdict:7}{figure:16} loss {mine:10.3f}, best single {best:10.3f} ±{error:.3f} "
            f"({model})"
        )
    others = [rank for model, rank in zip(backtests, ranks, strict=True) if model != champion]
    mine = ranks[list(backtests).index(champion)]
    print(
        f"  composite: {mine:.2f}, best single {min(others):.2f}; "
        f"behind on {', '.join(behind) or 'nothing'}\n",
        flush=True,
    )
    print_intervals(prepared, backtests[champion], prediction.contest.history_days)


def calibration_error(outcome: pd.DataFrame) -> float:
    """Returns the mean distance of P(active) and the share of active, over its ten deciles."""
    p = outcome["p_active"].to_numpy()
    active = (outcome["actual_orders"].to_numpy() > 0).astype("float64")
    groups = np.array_split(np.argsort(p, kind="stable"), DECILES)
    return float(sum(abs(p[g].mean() - active[g].mean()) * len(g) for g in groups) / len(p))


def _losses(metrics: Metrics) -> dict[str, float]:
    figures = asdict(metrics)
    losses = {name: -figures[name] if more else figures[name] for name, more in FIGURES.items()}
    return losses | {"total_ratio": abs(1 - metrics.total_ratio)}


def _par(
    outcomes: dict[str, pd.DataFrame], champion: str
) -> dict[str, tuple[float, float, str, float]]:
    """Returns by figure the champion's loss, the best other's, its name and its bootstrap error."""
    losses = {model: _losses(_metrics(outcome)) for model, outcome in outcomes.items()}
    best = {
        figure: min((model for model in outcomes if model != champion),
                    key=lambda model: losses[model][figure])
        for figure in FIGURES
    }  # fmt: skip
    rng = np.random.default_rng(1)
    drawn: dict[str, list[float]] = {figure: [] for figure in FIGURES}
    customers = len(outcomes[champion])
    for _ in range(RESAMPLES):
        rows = rng.integers(0, customers, customers)
        for model in set(best.values()):
            sample = _losses(_metrics(outcomes[model].iloc[rows]))
            for figure in (figure for figure in FIGURES if best[figure] == model):
                drawn[figure].append(sample[figure])
    return {
        figure: (
            losses[champion][figure],
            losses[model][figure],
            model,
            1.96 * float(np.std(drawn[figure])),
        )
        for figure, model in best.items()
    }


def _metrics(outcome: pd.DataFrame) -> Metrics:
    return evaluate(
        outcome["actual_value"],
        outcome["predicted_value"],
        outcome["actual_orders"],
        outcome["p_active"],
    )


if __name__ == "__main__":
    main()
