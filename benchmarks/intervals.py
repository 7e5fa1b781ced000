"""How the intervals do on published logs; printed by ``make bench-accuracy``.

The champion is that of the contest held at the cutoff, the windows that calibrate were over by it.
"""

from __future__ import annotations

from datetime import date

from ml.evaluation.backtest import Backtest, run_backtest
from ml.evaluation.intervals import (
    MAX_WINDOWS,
    ClosedWindow,
    Intervals,
    closed_by,
    judge_intervals,
)
from ml.horizons import in_weeks, rolling_cutoffs
from ml.models.catalogue import new_candidate
from ml.models.preparation import Preparation

_SEGMENTS = ("all", "one_time_buyers", "buyers")


def print_intervals(prepared: Preparation, judged: Backtest, history_days: int | None) -> None:
    """Prints coverage, width and pinball loss of a champion's intervals.

    Args:
        prepared: The log.
        judged: The champion on the holdout.
        history_days: What it was fitted on.
    """
    cutoff, days = judged.cutoff, judged.horizon_days
    cutoffs = rolling_cutoffs(
        cutoff, days, prepared.history_days(cutoff), MAX_WINDOWS, month_ends=False
    )

    def window(backtest: Backtest) -> ClosedWindow:
        return ClosedWindow.of(backtest, prepared.judges(backtest.cutoff)["frequency"])

    def at(day: date) -> ClosedWindow:
        model = new_candidate(judged.candidate.name, in_weeks(days), history_days)
        return window(run_backtest(model, prepared, day, days))

    windows = [at(day) for day, length in cutoffs if length == days]
    intervals = Intervals.fit(closed_by(windows, cutoff))
    if intervals is None:
        print("  intervals: no window of this length was over by then\n", flush=True)
        return
    scores = judge_intervals(intervals, window(judged), 0).set_index(["nominal", "segment"])
    print(f"  intervals, calibrated at {', '.join(str(day) for day in intervals.cutoffs)}:")
    print(f"{'':20}{'coverage':>10}{'marginal':>10}{'width':>10}{'marginal':>10}{'pinball':>10}"
          f"{'marginal':>10}")  # fmt: skip
    for level in scores.index.unique("nominal"):
        of = scores.loc[level]
        for segment in (name for name in _SEGMENTS if name in of.index):
            row = of.loc[segment]
            print(
                f"    {level:4.0%} {segment:15}"
                f"{row['coverage']:6.3f}{row['coverage_marginal']:10.3f}"
                f"{row['mean_width']:10.2f}{row['mean_width_marginal']:10.2f}"
                f"{row['pinball']:10.3f}{row['pinball_marginal']:10.3f}"
            )
        deciles = of[of.index.str.startswith("decile")]["coverage"]
        print(f"    {level:4.0%} deciles: {' '.join(f'{each:.3f}' for each in deciles)}")
    print(flush=True)
